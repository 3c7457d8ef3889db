/*
 * BEGIN, END, self: run by memql itself, before the first event, after the last one, and
 * when somebody asks for it.
 */
#include <string.h>

#include "core/compile.h"
#include "probes/kinds.h"
#include "probes/point.h"

static bool parse_special(struct compile *cc, const struct attach_point *point,
			  const char *rest, struct probe_spec *out)
{
	(void)out;
	if (*rest)
		return point_error(cc, point,
				   "nothing may follow the name, found ':%s'", rest);
	return true;
}

static int expand_begin(struct compile *cc, const struct probe_spec *pattern,
			probe_match_fn *match, void *arg, const char **what)
{
	struct probe_site site = { .name = probe_begin.name };

	(void)cc, (void)pattern, (void)what;
	return match(&site, &point_no_args, arg);
}

static int expand_end(struct compile *cc, const struct probe_spec *pattern,
		      probe_match_fn *match, void *arg, const char **what)
{
	struct probe_site site = { .name = probe_end.name };

	(void)cc, (void)pattern, (void)what;
	return match(&site, &point_no_args, arg);
}

static bool parse_self(struct compile *cc, const struct attach_point *point,
		       const char *rest, struct probe_spec *out)
{
	out->symbol = "signal:SIGUSR1";
	if (strcmp(rest, "*") != 0 && strcmp(rest, out->symbol) != 0)
		return point_error(cc, point, "'%s': there is only self:signal:SIGUSR1",
				   point->text);
	return true;
}

static int expand_self(struct compile *cc, const struct probe_spec *pattern,
		       probe_match_fn *match, void *arg, const char **what)
{
	struct probe_site site = { .name = "self:signal:SIGUSR1" };

	(void)cc, (void)pattern, (void)what;
	return match(&site, &point_no_args, arg);
}

/* The session runs these programs itself: there is nothing to attach to. */
static int attach_nothing(struct session *s, const struct image_program *p,
			  struct bpf_program *prog, const struct probe_site **failed)
{
	(void)s, (void)p, (void)prog, (void)failed;
	return 0;
}

const struct probe_kind probe_begin = {
	.name = "BEGIN",
	.alias = "begin",
	.syntax = "BEGIN",
	.summary = "before the first event",
	.doc = "Runs once, after the program was loaded and before any other probe is "
	       "attached: for headings and for values that maps start with. There may be "
	       "several; they run in the order of the program.",
	.example = "BEGIN { printf(\"counting...\\n\"); exit(); }",
	.flags = PROBE_ONCE | PROBE_ON_STACK,
	.section = "raw_tp",
	.parse = parse_special,
	.expand = expand_begin,
	.attach = attach_nothing,
};

const struct probe_kind probe_end = {
	.name = "END",
	.alias = "end",
	.syntax = "END",
	.summary = "after the last event",
	.doc = "Runs once, after all other probes were detached and before the maps are "
	       "printed: for summaries, or to clear a map that shall not be printed.",
	.example = "tracepoint:sched:sched_switch { @ = count(); } END { clear(@); }",
	.flags = PROBE_ONCE | PROBE_AT_END | PROBE_ON_STACK,
	.section = "raw_tp",
	.parse = parse_special,
	.expand = expand_end,
	.attach = attach_nothing,
};

const struct probe_kind probe_self = {
	.name = "self",
	.syntax = "self:signal:SIGUSR1",
	.summary = "memql gets a signal",
	.doc = "Runs each time memql gets SIGUSR1: `kill -USR1 PID` has it print what it "
	       "knows so far. Without such a probe the signal ends memql, as it ends other "
	       "programs.",
	.example = "rawtracepoint:sched_switch { @ = count(); } "
		   "self:signal:SIGUSR1 { print(@); }",
	.flags = PROBE_ONCE | PROBE_ON_SIGNAL | PROBE_ON_STACK,
	.all = "*",
	.section = "raw_tp",
	.parse = parse_self,
	.expand = expand_self,
	.attach = attach_nothing,
};
