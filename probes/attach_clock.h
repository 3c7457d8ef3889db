/* Programs that a clock runs. */
#ifndef MEMQL_ATTACH_CLOCK_H
#define MEMQL_ATTACH_CLOCK_H

#include <stdbool.h>

struct bpf_program;
struct image_program;
struct probe_site;
struct session;

/*
 * As probe_kind's event_ns: a loop's time with profile:us:50 on its CPU, less that without,
 * for each event. Most of it is the timer, which a hypervisor sets there.
 */
enum { CLOCK_EVENT_NS = 14000 };

/*
 * Attach to a clock on every online CPU, or on the first one only. As probe_kind's
 * attach.
 */
int attach_clock(struct session *s, const struct image_program *p,
		 struct bpf_program *prog, bool every_cpu,
		 const struct probe_site **failed);

#endif
