/* software, hardware: events that the kernel or the processor counts, one in so many. */
#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>

#include "codegen/image.h"
#include "core/arena.h"
#include "core/compile.h"
#include "core/diag.h"
#include "core/number.h"
#include "parser/ast.h"
#include "probes/attach_event.h"
#include "probes/kinds.h"
#include "probes/point.h"
#include "runtime/session.h"

/* period: how many events pass for each that is reported, if the program says nothing. */
struct counter {
	const char *name, *alias;
	uint64_t config, period;
};

static const struct counter software[] = {
	{ "alignment-faults", NULL, PERF_COUNT_SW_ALIGNMENT_FAULTS, 1 },
	{ "bpf-output", NULL, PERF_COUNT_SW_BPF_OUTPUT, 1 },
	{ "context-switches", "cs", PERF_COUNT_SW_CONTEXT_SWITCHES, 1000 },
	{ "cpu-clock", "cpu", PERF_COUNT_SW_CPU_CLOCK, 1000000 },
	{ "cpu-migrations", NULL, PERF_COUNT_SW_CPU_MIGRATIONS, 1 },
	{ "dummy", NULL, PERF_COUNT_SW_DUMMY, 1 },
	{ "emulation-faults", NULL, PERF_COUNT_SW_EMULATION_FAULTS, 1 },
	{ "major-faults", NULL, PERF_COUNT_SW_PAGE_FAULTS_MAJ, 1 },
	{ "minor-faults", NULL, PERF_COUNT_SW_PAGE_FAULTS_MIN, 100 },
	{ "page-faults", "faults", PERF_COUNT_SW_PAGE_FAULTS, 100 },
	{ "task-clock", NULL, PERF_COUNT_SW_TASK_CLOCK, 1000000 },
	{ 0 },
};

static const struct counter hardware[] = {
	{ "backend-stalls", NULL, PERF_COUNT_HW_STALLED_CYCLES_BACKEND, 1000000 },
	{ "branch-instructions", "branches", PERF_COUNT_HW_BRANCH_INSTRUCTIONS,
	  100000 },
	{ "branch-misses", NULL, PERF_COUNT_HW_BRANCH_MISSES, 100000 },
	{ "bus-cycles", NULL, PERF_COUNT_HW_BUS_CYCLES, 100000 },
	{ "cache-misses", NULL, PERF_COUNT_HW_CACHE_MISSES, 1000000 },
	{ "cache-references", NULL, PERF_COUNT_HW_CACHE_REFERENCES, 1000000 },
	{ "cpu-cycles", "cycles", PERF_COUNT_HW_CPU_CYCLES, 1000000 },
	{ "frontend-stalls", NULL, PERF_COUNT_HW_STALLED_CYCLES_FRONTEND, 1000000 },
	{ "instructions", NULL, PERF_COUNT_HW_INSTRUCTIONS, 1000000 },
	{ "ref-cycles", NULL, PERF_COUNT_HW_REF_CPU_CYCLES, 1000000 },
	{ 0 },
};

static const struct counter *table(const struct probe_kind *kind)
{
	return kind == &probe_hardware ? hardware : software;
}

static bool is_called(const struct counter *c, const char *name)
{
	return strcmp(c->name, name) == 0 || (c->alias && strcmp(c->alias, name) == 0);
}

/* "EVENT", "EVENT:COUNT"; a pattern is for -l. */
static bool parse_counter(struct compile *cc, const struct attach_point *point,
			  const char *rest, struct probe_spec *out)
{
	const char *parts[POINT_PARTS];
	size_t n = point_split(cc, point, rest, parts);
	struct number count;

	if (n == 0)
		return false;
	if (n > 2 || !*parts[0])
		return point_error(cc, point,
				   "expected EVENT[:COUNT] after the first colon, "
				   "found '%s'",
				   rest);
	out->symbol = parts[0];
	if (n < 2 || !*parts[1])
		return true;
	if (number_parse(parts[1], strlen(parts[1]), &count) != NUMBER_OK ||
	    count.is_duration || count.value == 0)
		return point_error(cc, point,
				   "'%s' is no count: one in so many events is "
				   "reported",
				   parts[1]);
	out->number = count.value;
	return true;
}

static int expand_counter(struct compile *cc, const struct probe_kind *kind,
			  const struct probe_spec *pattern, probe_match_fn *match,
			  void *arg)
{
	bool many = glob_is_pattern(pattern->symbol);

	for (const struct counter *c = table(kind); c->name; c++) {
		uint64_t period = pattern->number ? pattern->number : c->period;
		struct probe_site site = {
			.event = c->name,
			.config = c->config,
			.period = period,
		};
		int err;

		if (many ? !glob_match(pattern->symbol, c->name)
			 : !is_called(c, pattern->symbol))
			continue;
		site.name = arena_printf(cc->arena, "%s:%s:%llu", kind->name, c->name,
					 (unsigned long long)period);
		err = match(&site, &point_no_args, arg);
		if (err)
			return err;
	}
	return 0;
}

static int expand_software(struct compile *cc, const struct probe_spec *pattern,
			   probe_match_fn *match, void *arg, const char **what)
{
	(void)what;
	return expand_counter(cc, &probe_software, pattern, match, arg);
}

static int expand_hardware(struct compile *cc, const struct probe_spec *pattern,
			   probe_match_fn *match, void *arg, const char **what)
{
	(void)what;
	return expand_counter(cc, &probe_hardware, pattern, match, arg);
}

static void explain_counter(struct compile *cc, const struct probe_kind *kind,
			    const struct probe_kind *other,
			    const struct probe_spec *pattern)
{
	struct suggestion near = { .word = pattern->symbol };
	const char *all = "";

	for (const struct counter *c = table(other); c->name; c++) {
		if (is_called(c, pattern->symbol)) {
			diag_hint(cc, "that is %s:%s", other->name, c->name);
			return;
		}
	}
	for (const struct counter *c = table(kind); c->name; c++) {
		suggest(&near, c->name);
		all = arena_printf(cc->arena, "%s%s%s", all, *all ? ", " : "", c->name);
	}
	if (near.best)
		diag_hint(cc, "did you mean '%s:%s'?", kind->name, near.best);
	else
		diag_hint(cc, "there are %s", all);
}

static void explain_software(struct compile *cc, const struct probe_spec *pattern)
{
	explain_counter(cc, &probe_software, &probe_hardware, pattern);
}

static void explain_hardware(struct compile *cc, const struct probe_spec *pattern)
{
	explain_counter(cc, &probe_hardware, &probe_software, pattern);
}

static int attach_counter(struct session *s, const struct image_program *p,
			  struct bpf_program *prog, uint32_t type,
			  const struct probe_site **failed)
{
	for (size_t i = 0; i < p->nsites; i++) {
		const struct probe_site *site = &p->sites[i];
		struct perf_event_attr attr = {
			.type = type,
			.size = sizeof(attr),
			.config = site->config,
			.sample_period = site->period,
		};
		int err = attach_event_cpus(s, site, prog, &attr, true);

		if (err && !session_skip_site(s, p, site, err)) {
			*failed = site;
			return err;
		}
	}
	return 0;
}

static int attach_software(struct session *s, const struct image_program *p,
			   struct bpf_program *prog, const struct probe_site **failed)
{
	return attach_counter(s, p, prog, PERF_TYPE_SOFTWARE, failed);
}

static int attach_hardware(struct session *s, const struct image_program *p,
			   struct bpf_program *prog, const struct probe_site **failed)
{
	return attach_counter(s, p, prog, PERF_TYPE_HARDWARE, failed);
}

/* Most virtual machines have no counters: that is the usual reason. */
static const char *hint_hardware(int err)
{
	if (err == -ENOENT || err == -EOPNOTSUPP || err == -ENODEV)
		return "this machine does not count that: a virtual machine often has "
		       "no performance counters (software:cpu-clock or profile:hz:99 "
		       "sample without them)";
	if (err == -EBUSY)
		return "all of the processor's counters are in use: the watchdog takes "
		       "one (kernel.nmi_watchdog)";
	return NULL;
}

static const char *hint_software(int err)
{
	return err == -ENOENT || err == -EOPNOTSUPP
		       ? "this machine's kernel does not count that"
		       : NULL;
}

const struct probe_kind probe_software = {
	.name = "software",
	.alias = "s",
	.syntax = "software:EVENT[:COUNT]",
	.summary = "an event that the kernel counts, one in COUNT",
	.doc = "EVENT is one of `alignment-faults`, `bpf-output`, `context-switches` "
	       "(`cs`), `cpu-clock` (`cpu`), `cpu-migrations`, `dummy`, "
	       "`emulation-faults`, `major-faults`, `minor-faults`, `page-faults` "
	       "(`faults`) and `task-clock`. COUNT is as a rule 1, but 100 for page-faults "
	       "and minor-faults, 1000 for context-switches, and for clocks 1e6 "
	       "nanoseconds.",
	.example = "software:page-faults:1 { @[comm] = count(); }",
	.flags = PROBE_SYSTEM_WIDE | PROBE_REGISTERS,
	.all = "*",
	.section = "perf_event",
	.parse = parse_counter,
	.expand = expand_software,
	.explain = explain_software,
	.attach = attach_software,
	.hint = hint_software,
};

const struct probe_kind probe_hardware = {
	.name = "hardware",
	.alias = "h",
	.syntax = "hardware:EVENT[:COUNT]",
	.summary = "an event that the processor counts, one in COUNT",
	.doc = "EVENT is one of `backend-stalls`, `branch-instructions` (`branches`), "
	       "`branch-misses`, `bus-cycles`, `cache-misses`, `cache-references`, "
	       "`cpu-cycles` (`cycles`), `frontend-stalls`, `instructions` and "
	       "`ref-cycles`. COUNT is 1e6, for branches and bus-cycles 1e5. Virtual "
	       "machines often have none of them.",
	.example = "hardware:cache-misses:1e6 { @[comm] = count(); }",
	.flags = PROBE_SYSTEM_WIDE | PROBE_REGISTERS,
	.all = "*",
	.section = "perf_event",
	.parse = parse_counter,
	.expand = expand_hardware,
	.explain = explain_hardware,
	.attach = attach_hardware,
	.hint = hint_hardware,
};
