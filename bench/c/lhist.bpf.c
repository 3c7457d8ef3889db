/* A histogram of an argument, in buckets of the same width, below and above which are two. */
#include "common.h"

enum { MIN = 0, MAX = 200000, STEP = 10000, BUCKETS = (MAX - MIN) / STEP };

MAP(BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, BUCKETS + 2) buckets SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_lseek")
int lhist(struct syscall_enter *ctx)
{
	__s64 offset = ctx->args[1];
	__u32 bucket = 0;
	__u64 *n;

	if (offset >= MAX)
		bucket = BUCKETS + 1;
	else if (offset >= MIN)
		bucket = (__u32)(offset - MIN) / STEP + 1;
	n = bpf_map_lookup_elem(&buckets, &bucket);
	if (n)
		(*n)++;
	return 0;
}
