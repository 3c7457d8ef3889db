/* A count for each of a million keys. */
#include "common.h"

MAP(BPF_MAP_TYPE_PERCPU_HASH, __u64, __u64, 1100000) keys SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_lseek")
int by_offset(struct syscall_enter *ctx)
{
	__u64 key = ctx->args[1], one = 1;
	__u64 *n = bpf_map_lookup_elem(&keys, &key);

	if (n)
		(*n)++;
	else
		bpf_map_update_elem(&keys, &key, &one, BPF_ANY);
	return 0;
}
