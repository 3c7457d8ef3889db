#include "probes/attach_clock.h"

#include <linux/perf_event.h>

#include "codegen/image.h"
#include "probes/attach_event.h"
#include "probes/probe.h"

static uint64_t period(const struct probe_site *site)
{
	return site->is_hz ? 1000000000 / site->number : site->number;
}

/*
 * Always by period, never by frequency: the kernel turns a frequency of this clock into
 * a fixed period as well, but refuses one above perf_event_max_sample_rate, a limit that
 * it lowers by itself on a busy machine.
 */
int attach_clock(struct session *s, const struct image_program *p,
		 struct bpf_program *prog, bool every_cpu,
		 const struct probe_site **failed)
{
	for (size_t i = 0; i < p->nsites; i++) {
		struct perf_event_attr attr = {
			.type = PERF_TYPE_SOFTWARE,
			.size = sizeof(attr),
			.config = PERF_COUNT_SW_CPU_CLOCK,
			.sample_period = period(&p->sites[i]),
		};
		int err = attach_event_cpus(s, &p->sites[i], prog, &attr, every_cpu);

		if (err) {
			*failed = &p->sites[i];
			return err;
		}
	}
	return 0;
}
