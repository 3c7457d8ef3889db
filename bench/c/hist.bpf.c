/* A histogram of an argument. */
#include "common.h"

MAP(BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, 64) buckets SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_lseek")
int hist(struct syscall_enter *ctx)
{
	__u32 bucket = log2_bucket(ctx->args[1]);
	__u64 *n = bpf_map_lookup_elem(&buckets, &bucket);

	if (n)
		(*n)++;
	return 0;
}
