/* rawtracepoint: tracepoints with the arguments that the kernel's own code gives them. */
#include <errno.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "codegen/image.h"
#include "core/arena.h"
#include "core/compile.h"
#include "core/diag.h"
#include "parser/ast.h"
#include "probes/kinds.h"
#include "probes/point.h"
#include "probes/vars.h"
#include "probes/words.h"
#include "runtime/session.h"
#include "sema/target.h"

/* The kernel's limit is 12. */
enum { ARGS = 12 };

static bool parse_rawtracepoint(struct compile *cc, const struct attach_point *point,
				const char *rest, struct probe_spec *out)
{
	const char *parts[POINT_PARTS];
	size_t n = point_split(cc, point, rest, parts);

	if (n == 0)
		return false;
	if (n > 2 || !*parts[0] || !*parts[n - 1])
		return point_error(cc, point,
				   "expected rawtracepoint:[MODULE:]EVENT, found '%s'",
				   point->text);
	out->object = n == 2 ? parts[0] : "*";
	out->symbol = parts[n - 1];
	return true;
}

struct search {
	struct compile *cc;
	probe_match_fn *match;
	void *arg;
	const char **what;
};

static int found_event(const char *module, const char *event, void *arg)
{
	struct search *s = arg;
	const struct target *t = s->cc->target;
	struct words w = { .cc = s->cc, .kind = LOC_REGISTER };
	struct probe_site site = {
		.name = arena_printf(s->cc->arena, "rawtracepoint:%s:%s", module,
				     event),
		.group = module,
		.event = event,
		.of_others = point_of_others(event),
	};
	struct probe_layout layout;
	int err = t->ops->raw_tracepoint_params(t, event, words_add_param, &w);

	if (err && err != -ENOENT && err != -ENODATA) {
		*s->what = arena_printf(s->cc->arena, "the types of %s", site.name);
		return err;
	}
	if (err)
		words_add_unknown(&w, ARGS);
	layout = words_layout(&w);
	return s->match(&site, &layout, s->arg);
}

static int expand_rawtracepoint(struct compile *cc, const struct probe_spec *pattern,
				probe_match_fn *match, void *arg, const char **what)
{
	const struct target *t = cc->target;
	struct search s = { .cc = cc, .match = match, .arg = arg, .what = what };

	*what = "the kernel's symbols, which tell its tracepoints";
	return t->ops->raw_tracepoints(t, pattern->object, pattern->symbol, found_event,
				       &s);
}

static int guess_event(const char *module, const char *event, void *arg)
{
	(void)module;
	point_guess(arg, event);
	return 0;
}

static int stop(const char *module, const char *event, void *arg)
{
	(void)module, (void)event, (void)arg;
	return 1;
}

static void explain_rawtracepoint(struct compile *cc, const struct probe_spec *pattern)
{
	const struct target *t = cc->target;
	struct point_guess g = { .cc = cc, .near.word = pattern->symbol };

	if (t->ops->raw_tracepoints(t, "*", pattern->symbol, stop, NULL) == 1) {
		diag_hint(cc,
			  "no group or other module stands before it: write "
			  "rawtracepoint:%s",
			  pattern->symbol);
		return;
	}
	if (glob_is_pattern(pattern->symbol))
		return;
	t->ops->raw_tracepoints(t, "*", "*", guess_event, &g);
	if (g.near.best)
		diag_hint(cc, "did you mean 'rawtracepoint:%s'?", g.near.best);
	else if (strncmp(pattern->symbol, "sys_e", 5) == 0)
		diag_hint(cc, "system calls share two raw tracepoints: sys_enter and "
			      "sys_exit");
}

static int attach_rawtracepoint(struct session *s, const struct image_program *p,
				struct bpf_program *prog,
				const struct probe_site **failed)
{
	for (size_t i = 0; i < p->nsites; i++) {
		struct bpf_link *link =
			bpf_program__attach_raw_tracepoint(prog, p->sites[i].event);
		int err = link ? 0 : -errno;

		if (link)
			session_add_link(s, link);
		else if (!session_skip_site(s, p, &p->sites[i], err)) {
			*failed = &p->sites[i];
			return err;
		}
	}
	return 0;
}

#define ARG(n)                                                                          \
	{                                                                               \
		.name = "arg" #n,                                                       \
		.kind = BUILTIN_VALUE,                                                  \
		.flags = BUILTIN_PER_SITE | BUILTIN_ARGUMENT,                           \
		.returns = { .kind = TYPE_INT, .size = 8 },                             \
		.summary = "argument " #n " of the tracepoint, counted from 0",         \
		.doc = "With the size and sign that BTF tells; a pointer is a number. " \
		       "`args` has them by their names.",                               \
		.example = "rawtracepoint:sched_switch { @[arg" #n "] = count(); }",    \
		.check = vars_check,                                                    \
		.emit = vars_emit,                                                      \
	}

/* The rows of arguments come first, in order. */
static const struct builtin rawtracepoint_vars[] = {
	ARG(0),
	ARG(1),
	ARG(2),
	ARG(3),
	ARG(4),
	ARG(5),
	ARG(6),
	ARG(7),
	ARG(8),
	ARG(9),
	ARG(10),
	ARG(11),
	{
		.name = "args",
		.kind = BUILTIN_VALUE,
		.flags = BUILTIN_PER_SITE,
		.returns = { .kind = TYPE_ARGS },
		.summary = "the arguments of the tracepoint by their names",
		.doc = "`args.NAME` has the type that BTF tells: fields of structs follow, "
		       "as in `args.next.pid`. `memql -lv rawtracepoint:...` lists them.",
		.example = "rawtracepoint:sched_switch { @[args.next] = count(); }",
	},
	{ 0 },
};

const struct probe_kind probe_rawtracepoint = {
	.name = "rawtracepoint",
	.alias = "rt",
	.syntax = "rawtracepoint:[MODULE:]EVENT",
	.summary = "a tracepoint, with the arguments of the kernel's own code",
	.doc = "The same places as tracepoint, before a record is made of them: cheaper, "
	       "and the arguments are the kernel's structs. Some have no tracepoint of the "
	       "same name, and system calls have only sys_enter and sys_exit. EVENT and "
	       "MODULE may hold * and ?; `vmlinux` is the kernel itself.",
	.example = "rawtracepoint:sched_switch { @ = count(); }",
	.flags = PROBE_SYSTEM_WIDE | PROBE_SINGLE_SITE | PROBE_ON_STACK,
	.all = "*",
	.section = "raw_tp",
	.event_ns = 50,
	.c_section = "raw_tp",
	.vars = rawtracepoint_vars,
	.siblings = { &probe_tracepoint },
	.parse = parse_rawtracepoint,
	.expand = expand_rawtracepoint,
	.explain = explain_rawtracepoint,
	.attach = attach_rawtracepoint,
};
