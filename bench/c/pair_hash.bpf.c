/* The same as most people write it: the start is in a hash map, and deleted. */
#include "common.h"

MAP(BPF_MAP_TYPE_HASH, __u64, __u64, 4096) starts SEC(".maps");
MAP(BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, 64) buckets SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_getppid")
int enter(void *ctx)
{
	__u64 tid = (__u32)bpf_get_current_pid_tgid(), now = bpf_ktime_get_ns();

	bpf_map_update_elem(&starts, &tid, &now, BPF_ANY);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_getppid")
int leave(void *ctx)
{
	__u64 tid = (__u32)bpf_get_current_pid_tgid();
	__u64 *start = bpf_map_lookup_elem(&starts, &tid), *n;
	__u32 bucket;

	if (!start)
		return 0;
	bucket = log2_bucket(bpf_ktime_get_ns() - *start);
	bpf_map_delete_elem(&starts, &tid);
	n = bpf_map_lookup_elem(&buckets, &bucket);
	if (n)
		(*n)++;
	return 0;
}
