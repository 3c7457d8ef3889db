/* A count of the events of a USDT probe with ten thousand places. */
#include "first.h"

MAP(BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, 1) counts SEC(".maps");

SEC("usdt/bench:many")
int places(void *ctx)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&counts, &zero);

	if (n)
		__sync_fetch_and_add(n, 1); /* preemption is on */
	return 0;
}
