/* A hundred programs, each with a function and a count of its own. */
#include "first.h"

MAP(BPF_MAP_TYPE_PERCPU_HASH, __u64, __u64, 4096) counts SEC(".maps");

static inline int add(__u64 key)
{
	__u64 *n = bpf_map_lookup_elem(&counts, &key), one = 1;

	if (n)
		__sync_fetch_and_add(n, 1); /* preemption is on */
	else
		bpf_map_update_elem(&counts, &key, &one, BPF_ANY);
	return 0;
}

#define ONE(tens, units)                                                               \
	SEC("uprobe/many_" #tens #units)                                               \
	int many_##tens##units(void *ctx)                                              \
	{                                                                              \
		return add(tens##units);                                               \
	}
#define TEN(tens)                                                                      \
	ONE(tens, 0);                                                                  \
	ONE(tens, 1);                                                                  \
	ONE(tens, 2);                                                                  \
	ONE(tens, 3);                                                                  \
	ONE(tens, 4);                                                                  \
	ONE(tens, 5);                                                                  \
	ONE(tens, 6);                                                                  \
	ONE(tens, 7);                                                                  \
	ONE(tens, 8);                                                                  \
	ONE(tens, 9);

TEN();
TEN(1);
TEN(2);
TEN(3);
TEN(4);
TEN(5);
TEN(6);
TEN(7);
TEN(8);
TEN(9);
