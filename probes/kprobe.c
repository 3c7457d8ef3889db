/* kprobe, kretprobe: the start, an instruction or the return of a kernel function. */
#include <errno.h>

#include "builtins/builtin.h"
#include "codegen/emit.h"
#include "core/compile.h"
#include "core/diag.h"
#include "parser/ast.h"
#include "probes/attach_kernel.h"
#include "probes/kernel_function.h"
#include "probes/kinds.h"
#include "probes/registers.h"
#include "sema/target.h"

static bool parse_kprobe(struct compile *cc, const struct attach_point *point,
			 const char *rest, struct probe_spec *out)
{
	return kernel_function_parse(cc, point, rest, true, out);
}

static bool parse_kretprobe(struct compile *cc, const struct attach_point *point,
			    const char *rest, struct probe_spec *out)
{
	return kernel_function_parse(cc, point, rest, false, out);
}

/* A dry run shows what the verifier says to programs that this kernel cannot attach. */
static bool has_kprobes(const struct compile *cc)
{
	const struct target *t = cc->target;

	return cc->options.dry_run || t->ops->has(t, FEATURE_KPROBE);
}

static int found_entry(struct kernel_function_search *s, struct probe_site *site)
{
	struct probe_layout layout = s->pattern->number ? registers_inside(s->cc->arena)
							: registers_entry(s->cc->arena);

	return s->match(site, &layout, s->arg);
}

static int found_return(struct kernel_function_search *s, struct probe_site *site)
{
	struct probe_layout layout = registers_return(s->cc->arena);

	return s->match(site, &layout, s->arg);
}

static int expand_kprobe(struct compile *cc, const struct probe_spec *pattern,
			 probe_match_fn *match, void *arg, const char **what)
{
	struct kernel_function_search s = {
		.cc = cc,
		.kind = &probe_kprobe,
		.pattern = pattern,
		.found = found_entry,
		.match = match,
		.arg = arg,
	};

	return has_kprobes(cc) ? kernel_function_expand(&s, what) : 0;
}

static int expand_kretprobe(struct compile *cc, const struct probe_spec *pattern,
			    probe_match_fn *match, void *arg, const char **what)
{
	struct kernel_function_search s = {
		.cc = cc,
		.kind = &probe_kretprobe,
		.pattern = pattern,
		.found = found_return,
		.match = match,
		.arg = arg,
	};

	return has_kprobes(cc) ? kernel_function_expand(&s, what) : 0;
}

static void explain(struct compile *cc, const struct probe_spec *pattern,
		    const char *kind)
{
	if (!has_kprobes(cc))
		diag_hint(cc,
			  "this kernel was built without kprobes "
			  "(CONFIG_KPROBE_EVENTS): tracepoint and rawtracepoint see "
			  "what its authors foresaw");
	else
		kernel_function_explain(cc, pattern, kind);
}

static void explain_kprobe(struct compile *cc, const struct probe_spec *pattern)
{
	explain(cc, pattern, probe_kprobe.name);
}

static void explain_kretprobe(struct compile *cc, const struct probe_spec *pattern)
{
	explain(cc, pattern, probe_kretprobe.name);
}

static int attach_kprobe(struct session *s, const struct image_program *p,
			 struct bpf_program *prog, const struct probe_site **failed)
{
	return attach_kernel(s, p, prog, false, failed);
}

static int attach_kretprobe(struct session *s, const struct image_program *p,
			    struct bpf_program *prog, const struct probe_site **failed)
{
	return attach_kernel(s, p, prog, true, failed);
}

static struct value emit_func(struct emit *e, const struct node *call)
{
	(void)call;
	return emit_site_func(e);
}

static const struct builtin kprobe_vars[];

/* The rows of arguments come first in the table, in order. */
static struct value emit_arg_of_function(struct emit *e, const struct node *call)
{
	return emit_field(e, (unsigned)(call->call.builtin - kprobe_vars), call->span);
}

static struct value emit_retval(struct emit *e, const struct node *call)
{
	return emit_field(e, 0, call->span);
}

#define ARG(n)                                                                         \
	{                                                                              \
		.name = "arg" #n,                                                      \
		.kind = BUILTIN_VALUE,                                                 \
		.returns = { .kind = TYPE_INT, .size = 8 },                            \
		.summary = "argument " #n " of the function, from 0",                  \
		.doc = "As the calling convention passes it: the first six in "        \
		       "registers, the others on the stack. Cast it to what it is; "   \
		       "fentry knows the types by itself.",                            \
		.example = "kprobe:vfs_read { @[arg" #n "] = count(); }",              \
		.emit = emit_arg_of_function,                                          \
	}

#define FUNC                                                                           \
	{                                                                              \
		.name = "func",                                                        \
		.kind = BUILTIN_VALUE,                                                 \
		.returns = { .kind = TYPE_NAME },                                      \
		.summary = "the function that the probe is in",                        \
		.doc = "Its name as the kernel lists it.",                             \
		.example = "kprobe:vfs_* { @[func] = count(); }",                      \
		.emit = emit_func,                                                     \
	}

static const struct builtin kprobe_vars[] = {
	ARG(0), ARG(1), ARG(2), ARG(3), ARG(4), ARG(5),
	ARG(6), ARG(7), ARG(8), ARG(9), FUNC,   { 0 },
};

static const struct builtin kretprobe_vars[] = {
	{
		.name = "retval",
		.kind = BUILTIN_VALUE,
		.returns = { .kind = TYPE_INT, .size = 8 },
		.summary = "what the function returns",
		.doc = "The whole register. Of a function that returns a smaller type "
		       "the upper bits may be anything: cast, as in (int32)retval.",
		.example =
			"kretprobe:vfs_read /(int64)retval > 0/ { @ = hist(retval); }",
		.emit = emit_retval,
	},
	FUNC,
	{ 0 },
};

const struct probe_kind probe_kprobe = {
	.name = "kprobe",
	.alias = "k",
	.syntax = "kprobe:[MODULE:]FUNCTION[+OFFSET]",
	.summary = "a function of the kernel is called",
	.doc = "FUNCTION and MODULE may hold * and ?; `vmlinux` is the kernel itself. With "
	       "an offset the probe is within the function: it must be where an "
	       "instruction begins. If several static functions have the name, all of "
	       "them are probed. Functions are no stable interface: they differ between "
	       "kernels, and the compiler may inline them. Where tracepoints tell the "
	       "same, they are better.",
	.example = "kprobe:vfs_read { @bytes = hist(arg2); }",
	.flags = PROBE_SYSTEM_WIDE | PROBE_REGISTERS | PROBE_OVERRIDES,
	.all = "*",
	.section = "kprobe",
	.c_section = "kprobe",
	.vars = kprobe_vars,
	.siblings = { &probe_kretprobe, &probe_fentry },
	.parse = parse_kprobe,
	.expand = expand_kprobe,
	.explain = explain_kprobe,
	.prepare = prepare_kernel,
	.attach = attach_kprobe,
};

const struct probe_kind probe_kretprobe = {
	.name = "kretprobe",
	.alias = "kr",
	.syntax = "kretprobe:[MODULE:]FUNCTION",
	.summary = "a function of the kernel returns",
	.doc = "FUNCTION and MODULE as in kprobe; `retval` is what it returns. Calls that "
	       "began before the probe was attached are not seen. The kernel remembers "
	       "some ten calls that are to return, and misses others meanwhile; from 6.7 "
	       "on memql can tell how many. fexit has no such limit, and it has types and "
	       "the arguments, and costs less.",
	.example = "kretprobe:vfs_read { @[(int64)retval < 0] = count(); }",
	.flags = PROBE_SYSTEM_WIDE | PROBE_REGISTERS,
	.section = "kretprobe",
	.c_section = "kretprobe",
	.vars = kretprobe_vars,
	.siblings = { &probe_kprobe, &probe_fexit },
	.parse = parse_kretprobe,
	.expand = expand_kretprobe,
	.explain = explain_kretprobe,
	.prepare = prepare_kernel,
	.attach = attach_kretprobe,
};
