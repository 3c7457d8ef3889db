/* A count of many tracepoints. */
#include "first.h"

MAP(BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, 1) counts SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_s*")
int tracepoints(void *ctx)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&counts, &zero);

	if (n)
		(*n)++;
	return 0;
}
