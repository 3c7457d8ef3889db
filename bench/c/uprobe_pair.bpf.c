/* How long a function takes: the start is kept by the thread, and never deleted. */
#include "common.h"

TASK_STORAGE(__u64) starts SEC(".maps");
MAP(BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, 64) buckets SEC(".maps");

SEC("uprobe/bench_call")
int enter(void *ctx)
{
	__u64 *start = THIS_THREAD(starts);

	if (start)
		*start = bpf_ktime_get_ns();
	return 0;
}

SEC("uretprobe/bench_call")
int leave(void *ctx)
{
	__u64 *start =
		bpf_task_storage_get(&starts, (void *)bpf_get_current_task_btf(), 0, 0);
	__u32 bucket;
	__u64 *n;

	if (!start || !*start)
		return 0;
	bucket = log2_bucket(bpf_ktime_get_ns() - *start);
	*start = 0;
	n = bpf_map_lookup_elem(&buckets, &bucket);
	if (n)
		__sync_fetch_and_add(n, 1); /* preemption is on */
	return 0;
}
