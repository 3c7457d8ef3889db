/* Attaching to events of the kernel's performance counters. */
#ifndef MEMQL_ATTACH_EVENT_H
#define MEMQL_ATTACH_EVENT_H

#include <stdbool.h>
#include <stdint.h>

struct bpf_program;
struct perf_event_attr;
struct probe_site;
struct session;

/* One event in a process (-1: in all), on a CPU (-1: on any; not both). 0 or -errno. */
int attach_event(struct session *s, const struct probe_site *site,
		 struct bpf_program *prog, struct perf_event_attr *attr, int32_t pid,
		 int cpu);

/* On every online CPU, or the first that is online; whatever runs there. */
int attach_event_cpus(struct session *s, const struct probe_site *site,
		      struct bpf_program *prog, struct perf_event_attr *attr,
		      bool every_cpu);

/*
 * In every thread of a process, and those that they will make. The kernel does not tell
 * of threads that are made meanwhile. -ESRCH: there is no such process.
 */
int attach_event_process(struct session *s, const struct probe_site *site,
			 struct bpf_program *prog, struct perf_event_attr *attr,
			 int32_t pid);

#endif
