/* fentry, fexit: kernel functions with the types of their arguments. */
#include <errno.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "builtins/builtin.h"
#include "codegen/emit.h"
#include "codegen/image.h"
#include "core/arena.h"
#include "core/compile.h"
#include "core/diag.h"
#include "parser/ast.h"
#include "probes/kernel_function.h"
#include "probes/kinds.h"
#include "probes/words.h"
#include "runtime/session.h"
#include "sema/sema.h"
#include "sema/target.h"

/* Arguments beyond those in registers came with 6.6 (x86_64). */
enum { WORDS_MAX = 6 };

static const char retval_name[] = "retval";

static bool parse_fentry(struct compile *cc, const struct attach_point *point,
			 const char *rest, struct probe_spec *out)
{
	const char of_programs[] = "bpf:";

	if (strncmp(rest, of_programs, strlen(of_programs)) == 0) {
		diag(cc, DIAG_unsupported, point->span,
		     "probes on the functions of BPF programs are not in memql yet");
		return false;
	}
	return kernel_function_parse(cc, point, rest, false, out);
}

static bool has_fentry(const struct compile *cc)
{
	const struct target *t = cc->target;

	return cc->options.dry_run || t->ops->has(t, FEATURE_FENTRY);
}

static void add_retval(struct words *w, target_type_id type)
{
	struct target_type t;
	struct probe_field f = {
		.name = retval_name,
		.type = &type_u64,
		.at = { .kind = LOC_UNREADABLE, .why = "the function returns nothing" },
	};

	if (type && w->cc->target->ops->type_describe(w->cc->target, type, &t) == 0 &&
	    t.kind != TARGET_VOID) {
		words_add(w, retval_name, type);
		return;
	}
	f.hidden = true;
	ARENA_PUSH(w->cc->arena, w, f);
}

/*
 * What the kernel refuses (btf_id_deny and noreturn_deny in kernel/bpf/verifier.c, 6.18; it
 * grew over the years): trampolines call the first themselves, and never come back from the
 * others.
 */
static const char *const never_traced[] = {
	"migrate_disable",        "migrate_enable",
	"rcu_read_unlock_strict", "preempt_count_add",
	"preempt_count_sub",      "__rcu_read_lock",
	"__rcu_read_unlock",      NULL,
};
static const char *const never_return[] = {
	"do_exit",         "do_group_exit",         "kthread_complete_and_exit",
	"make_task_dead",  "__x64_sys_exit",        "__x64_sys_exit_group",
	"__ia32_sys_exit", "__ia32_sys_exit_group", NULL,
};

static const char no_trampoline[] =
	"the kernel's own code for probes needs it, and lets "
	"no program trace it",
		  no_return[] = "it never returns: fentry can probe it";

static bool is_one_of(const char *const *names, const char *name)
{
	while (*names && strcmp(*names, name) != 0)
		names++;
	return *names;
}

/* The verifier's words, where it has any, for what is not in these lists. */
static const char *refusal(const char *complaint)
{
	if (strstr(complaint, "to __noreturn function"))
		return no_return;
	if (strstr(complaint, "Attaching tracing programs to function"))
		return no_trampoline;
	if (strstr(complaint, "The address of function"))
		return "the kernel has no address for it";
	return NULL;
}

/* What the kernel's trampolines cannot do, or NULL. */
static const char *obstacle(struct compile *cc, const struct probe_site *site,
			    struct words *w, bool returns)
{
	const struct target *t = cc->target;
	target_type_id type = 0;
	int err = t->ops->function_params(t, site->group, site->event, words_add_param,
					  w, &type);

	if (is_one_of(never_traced, site->event))
		return no_trampoline;
	if (returns && is_one_of(never_return, site->event))
		return no_return;
	if (site->copies > 1)
		return "several functions have this name, and only kprobe can tell "
		       "them apart";
	if (err == -ENODATA)
		return "this kernel has no BTF (CONFIG_DEBUG_INFO_BTF)";
	if (err)
		return "BTF does not describe this function: kprobe can probe it";
	if (w->taken > WORDS_MAX)
		return "it has more than six arguments: kprobe can probe it";
	for (size_t i = 0; i < w->n; i++)
		if (w->items[i].at.kind == LOC_UNREADABLE)
			return "it takes a struct as a whole: kprobe can probe it";
	if (returns)
		add_retval(w, type);
	if (returns && w->items[w->n - 1].at.kind == LOC_UNREADABLE &&
	    !w->items[w->n - 1].hidden)
		return "it returns a struct as a whole: kprobe can probe it";
	return NULL;
}

static int found_function(struct kernel_function_search *s, struct probe_site *site)
{
	struct words w = { .cc = s->cc, .kind = LOC_ARGUMENT };
	struct probe_layout layout;

	if (obstacle(s->cc, site, &w, s->kind == &probe_fexit))
		return 0;
	layout = words_layout(&w);
	return s->match(site, &layout, s->arg);
}

static int search(struct compile *cc, const struct probe_kind *kind,
		  const struct probe_spec *pattern, probe_match_fn *match, void *arg,
		  const char **what)
{
	struct kernel_function_search s = {
		.cc = cc,
		.kind = kind,
		.pattern = pattern,
		.with_module = true,
		.found = found_function,
		.match = match,
		.arg = arg,
	};

	return has_fentry(cc) ? kernel_function_expand(&s, what) : 0;
}

static int expand_fentry(struct compile *cc, const struct probe_spec *pattern,
			 probe_match_fn *match, void *arg, const char **what)
{
	return search(cc, &probe_fentry, pattern, match, arg, what);
}

static int expand_fexit(struct compile *cc, const struct probe_spec *pattern,
			probe_match_fn *match, void *arg, const char **what)
{
	return search(cc, &probe_fexit, pattern, match, arg, what);
}

static int explain_function(struct kernel_function_search *s, struct probe_site *site)
{
	struct words w = { .cc = s->cc, .kind = LOC_ARGUMENT };
	const char *why = obstacle(s->cc, site, &w, s->kind == &probe_fexit);

	if (!why)
		return 0;
	diag_hint(s->cc, "%s: %s", site->event, why);
	return 1;
}

static void explain(struct compile *cc, const struct probe_kind *kind,
		    const struct probe_spec *pattern)
{
	struct kernel_function_search s = {
		.cc = cc,
		.kind = kind,
		.pattern = pattern,
		.found = explain_function,
	};
	const char *what;

	if (!has_fentry(cc))
		diag_hint(cc,
			  "this kernel lacks BPF trampolines or BTF "
			  "(CONFIG_FUNCTION_TRACER, CONFIG_DEBUG_INFO_BTF), or keeps "
			  "them from us: kprobe, tracepoint and rawtracepoint may do");
	else if (kernel_function_expand(&s, &what) == 0)
		kernel_function_explain(cc, pattern, kind->name);
}

static void explain_fentry(struct compile *cc, const struct probe_spec *pattern)
{
	explain(cc, &probe_fentry, pattern);
}

static void explain_fexit(struct compile *cc, const struct probe_spec *pattern)
{
	explain(cc, &probe_fexit, pattern);
}

static void prepare(struct session *s, const struct image_program *p,
		    struct bpf_program *prog, enum bpf_attach_type type)
{
	const struct probe_site *site = &p->sites[0];
	uint32_t id = 0;
	int fd = 0;

	/* Without a number the kernel refuses the program. */
	if (p->nsites)
		session_function_id(s, site->group, site->event, &id, &fd);
	session_load_by_id(s, prog, type, id, fd);
}

static void prepare_fentry(struct session *s, const struct image_program *p,
			   struct bpf_program *prog)
{
	prepare(s, p, prog, BPF_TRACE_FENTRY);
}

static void prepare_fexit(struct session *s, const struct image_program *p,
			  struct bpf_program *prog)
{
	prepare(s, p, prog, BPF_TRACE_FEXIT);
}

static int attach(struct session *s, const struct image_program *p,
		  struct bpf_program *prog, const struct probe_site **failed)
{
	struct bpf_link *link = bpf_program__attach_trace(prog);
	int err = link ? 0 : -errno;

	if (link) {
		session_add_link(s, link);
		return 0;
	}
	*failed = &p->sites[0];
	return session_skip_site(s, p, &p->sites[0], err) ? 0 : err;
}

/* The last field of the only layout. */
static unsigned retval_index(const struct program_info *p)
{
	return (unsigned)p->layouts[0].n - 1;
}

static bool check_retval(struct sema *s, struct node *call)
{
	const struct program_info *p = s->program;
	const struct probe_field *f;

	if (p->nlayouts == 0)
		return true;
	f = &p->layouts[0].fields[retval_index(p)];
	if (f->at.kind == LOC_UNREADABLE)
		return sema_error(s, DIAG_no_such_argument, call->span,
				  "'%s' cannot be read: %s", call->call.name,
				  f->at.why);
	call->type = f->type;
	return true;
}

static struct value emit_retval(struct emit *e, const struct node *call)
{
	return emit_field(e, retval_index(emit_program(e)), call->span);
}

#define ARGS(row)                                                                      \
	{                                                                              \
		.name = "args",                                                        \
		.kind = BUILTIN_VALUE,                                                 \
		.flags = BUILTIN_PER_SITE,                                             \
		.returns = { .kind = TYPE_ARGS },                                      \
		.summary = "the arguments of the function by their names",             \
		.doc = "`args.NAME` has the type that BTF tells: fields of structs "   \
		       "follow, as in `args.file.f_flags`. `memql -lv " row            \
		       ":FUNCTION` lists them.",                                       \
		.example = row ":vfs_read { @bytes = hist(args.count); }",             \
	}

static const struct builtin fentry_vars[] = { ARGS("fentry"), { 0 } };

static const struct builtin fexit_vars[] = {
	ARGS("fexit"),
	{
		.name = "retval",
		.kind = BUILTIN_VALUE,
		.flags = BUILTIN_PER_SITE,
		.returns = { .kind = TYPE_INT, .size = 8 },
		.summary = "what the function returns",
		.doc = "With the type that BTF tells.",
		.example = "fexit:vfs_read /retval > 0/ { @ = hist(retval); }",
		.check = check_retval,
		.emit = emit_retval,
	},
	{ 0 },
};

const struct probe_kind probe_fentry = {
	.name = "fentry",
	.alias = "f",
	.old_names = { "kfunc" },
	.syntax = "fentry:[MODULE:]FUNCTION",
	.summary = "a function of the kernel is called; its arguments have types",
	.doc = "As kprobe, but cheaper, and with arguments by name from BTF: "
	       "`args.file.f_flags`. FUNCTION and MODULE may hold * and ?. Not for "
	       "functions with more than six arguments, and not if several static ones "
	       "have the name. The older name `kfunc` works too.",
	.example = "fentry:vfs_read { @bytes = hist(args.count); }",
	.flags = PROBE_SYSTEM_WIDE | PROBE_SINGLE_SITE | PROBE_ON_STACK,
	.all = "*",
	.section = IMAGE_BY_ID,
	.feature = FEATURE_FENTRY,
	.c_section = "fentry",
	.vars = fentry_vars,
	.siblings = { &probe_fexit, &probe_kprobe },
	.parse = parse_fentry,
	.expand = expand_fentry,
	.explain = explain_fentry,
	.prepare = prepare_fentry,
	.attach = attach,
	.refusal = refusal,
};

const struct probe_kind probe_fexit = {
	.name = "fexit",
	.alias = "fr",
	.old_names = { "kretfunc" },
	.syntax = "fexit:[MODULE:]FUNCTION",
	.summary = "a function of the kernel returns; arguments and value have types",
	.doc = "As fentry; `args` are what the function was called with, and `retval` is "
	       "what it returns: one probe where kprobe and kretprobe would need a map. "
	       "The older name `kretfunc` works too.",
	.example = "fexit:vfs_read /retval > 0/ { @bytes[args.count] = sum(retval); }",
	.flags = PROBE_SYSTEM_WIDE | PROBE_SINGLE_SITE | PROBE_ON_STACK,
	.section = IMAGE_BY_ID,
	.feature = FEATURE_FENTRY,
	.c_section = "fexit",
	.vars = fexit_vars,
	.siblings = { &probe_fentry, &probe_kretprobe },
	.parse = parse_fentry,
	.expand = expand_fexit,
	.explain = explain_fexit,
	.prepare = prepare_fexit,
	.attach = attach,
	.refusal = refusal,
};
