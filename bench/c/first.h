/* For the rows that start a tracer: the first event is shown, which ends the host. */
#ifndef BENCH_FIRST_H
#define BENCH_FIRST_H

#include "common.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_getppid")
int first(void *ctx)
{
	__u64 record[2] = { bpf_get_current_pid_tgid() >> 32 };

	bpf_ringbuf_output(&ring, record, sizeof(record), 0);
	return 0;
}

#endif
