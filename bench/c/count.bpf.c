/* A count: one word for each CPU. */
#include "common.h"

MAP(BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, 1) counts SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_getppid")
int count(void *ctx)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&counts, &zero);

	if (n)
		(*n)++;
	return 0;
}
