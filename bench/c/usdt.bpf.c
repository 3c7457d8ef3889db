/*
 * The sum of a USDT probe's argument. The register is known beforehand: libbpf's own way to
 * USDT finds it out for each event.
 */
#include "common.h"

#include <linux/ptrace.h>

MAP(BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, 1) sums SEC(".maps");

SEC("usdt/bench:work")
int usdt(struct pt_regs *ctx)
{
	__u32 zero = 0;
	__u64 *sum = bpf_map_lookup_elem(&sums, &zero);

	if (sum)
		*sum += ctx->rdi;
	return 0;
}
