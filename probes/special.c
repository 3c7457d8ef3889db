/* BEGIN and END: run by memql itself, before the first and after the last event. */
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
