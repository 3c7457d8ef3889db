/* Records that the host shows as lines: it polls, and is woken when much is there. */
#ifndef BENCH_LINES_H
#define BENCH_LINES_H

#include "common.h"

enum { WAKE_BYTES = 1 << 19 };

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 2 << 20);
} ring SEC(".maps");
MAP(BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, 1) lost SEC(".maps");

/* NULL if there is no room: that is counted. */
static inline void *line_begin(__u64 size)
{
	void *record = bpf_ringbuf_reserve(&ring, size, 0);
	__u32 zero = 0;

	if (!record) {
		__u64 *n = bpf_map_lookup_elem(&lost, &zero);

		if (n)
			(*n)++;
	}
	return record;
}

static inline void line_end(void *record)
{
	__u64 flags = BPF_RB_NO_WAKEUP;

	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) >= WAKE_BYTES)
		flags = BPF_RB_FORCE_WAKEUP;
	bpf_ringbuf_submit(record, flags);
}

#endif
