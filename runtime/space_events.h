/*
 * News of address spaces from the kernel: of every process that is made, runs another
 * program, maps code, or ends.
 */
#ifndef MEMQL_SPACE_EVENTS_H
#define MEMQL_SPACE_EVENTS_H

#include <stdint.h>

#include "runtime/spaces.h"

struct perf_event_header;
struct space_events;

/*
 * Begin to listen, on every CPU that is online. 0, or -errno as of perf_event_open(2) and
 * mmap(2). *out is set only on success. pid: 0 for all processes, or the one to hear of.
 */
int space_events_open(int32_t pid, struct space_events **out);
void space_events_close(struct space_events *e); /* NULL is fine */

/* Apply what happened until now; cheap if nothing did. */
void space_events_apply(struct space_events *e, struct spaces *spaces);

/* How many the kernel had no room for. */
uint64_t space_events_lost(const struct space_events *e);

/*
 * For tests: a queue without a kernel, which takes records as the kernel writes them, and
 * applies those up to a time. Records are in order for each CPU only.
 */
struct space_events *space_events_queue(int32_t pid);
void space_events_take(struct space_events *e, const struct perf_event_header *record);
void space_events_apply_until(struct space_events *e, struct spaces *spaces,
			      uint64_t time);

#endif
