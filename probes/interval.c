/* interval: a clock that ticks once for the whole machine. */
#include "core/arena.h"
#include "core/compile.h"
#include "probes/attach_clock.h"
#include "probes/kinds.h"
#include "probes/point.h"

static bool parse_interval(struct compile *cc, const struct attach_point *point,
			   const char *rest, struct probe_spec *out)
{
	out->object = rest;
	return point_period(cc, point, rest, out);
}

static int expand_interval(struct compile *cc, const struct probe_spec *pattern,
			   probe_match_fn *match, void *arg, const char **what)
{
	struct probe_site site = {
		.name = arena_printf(cc->arena, "interval:%s", pattern->object),
		.number = pattern->number,
		.is_hz = pattern->symbol != NULL,
	};

	(void)what;
	return match(&site, &point_no_args, arg);
}

static int attach_interval(struct session *s, const struct image_program *p,
			   struct bpf_program *prog, const struct probe_site **failed)
{
	return attach_clock(s, p, prog, false, failed);
}

const struct probe_kind probe_interval = {
	.name = "interval",
	.alias = "i",
	.syntax = "interval:s:N | ms:N | us:N | hz:N | DURATION",
	.summary = "a clock, on one CPU",
	.doc = "Runs at a fixed rate, on one CPU: to print or clear maps, or to end the program "
	       "after a while. The shortest period is 10us.\n\n"
	       "    interval:s:1     every second\n"
	       "    interval:10ms    every 10 milliseconds\n"
	       "    interval:hz:2    twice a second",
	.example = "interval:s:1 { printf(\"tick\\n\"); }",
	.flags = PROBE_REGISTERS,
	.section = "perf_event",
	.event_ns = CLOCK_EVENT_NS,
	.parse = parse_interval,
	.expand = expand_interval,
	.attach = attach_interval,
};
