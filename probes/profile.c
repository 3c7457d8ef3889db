/* profile: a clock that ticks on every CPU, to sample what they do. */
#include "core/arena.h"
#include "core/compile.h"
#include "probes/attach_clock.h"
#include "probes/kinds.h"
#include "probes/point.h"

static bool parse_profile(struct compile *cc, const struct attach_point *point,
			  const char *rest, struct probe_spec *out)
{
	out->object = rest;
	return point_period(cc, point, rest, out);
}

static int expand_profile(struct compile *cc, const struct probe_spec *pattern,
			  probe_match_fn *match, void *arg, const char **what)
{
	struct probe_site site = {
		.name = arena_printf(cc->arena, "profile:%s", pattern->object),
		.number = pattern->number,
		.is_hz = pattern->symbol != NULL,
	};

	(void)what;
	return match(&site, &point_no_args, arg);
}

static int attach_profile(struct session *s, const struct image_program *p,
			  struct bpf_program *prog, const struct probe_site **failed)
{
	return attach_clock(s, p, prog, true, failed);
}

const struct probe_kind probe_profile = {
	.name = "profile",
	.alias = "p",
	.syntax = "profile:hz:N | s:N | ms:N | us:N | DURATION",
	.summary = "a clock, on every CPU",
	.doc = "Runs at a fixed rate on each CPU, in whatever runs there: to sample. A rate "
	       "such as 99, which is no divisor of other clocks', keeps the samples from "
	       "falling into step with what they sample. The shortest period is 10us.",
	.example = "profile:hz:99 { @[comm] = count(); }",
	.flags = PROBE_SYSTEM_WIDE | PROBE_REGISTERS,
	.section = "perf_event",
	.event_ns = CLOCK_EVENT_NS,
	.parse = parse_profile,
	.expand = expand_profile,
	.attach = attach_profile,
};
