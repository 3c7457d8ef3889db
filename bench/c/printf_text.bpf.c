/* A line with text for each event: as printf.bpf.c. */
#include "common.h"

enum { WAKE_BYTES = 1 << 19 };

struct record {
	__u64 numbers[2];
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 2 << 20);
} ring SEC(".maps");
MAP(BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, 1) lost SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_lseek")
int line(struct syscall_enter *ctx)
{
	struct record *record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	__u32 zero = 0;
	__u64 flags = BPF_RB_NO_WAKEUP;

	if (!record) {
		__u64 *n = bpf_map_lookup_elem(&lost, &zero);

		if (n)
			(*n)++;
		return 0;
	}
	record->numbers[0] = bpf_get_current_pid_tgid() >> 32;
	record->numbers[1] = ctx->args[1];
	bpf_get_current_comm(record->comm, sizeof(record->comm));
	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) >= WAKE_BYTES)
		flags = BPF_RB_FORCE_WAKEUP;
	bpf_ringbuf_submit(record, flags);
	return 0;
}
