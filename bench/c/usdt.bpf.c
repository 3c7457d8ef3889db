/*
 * The sum of a USDT probe's argument. The offset of the probe is known, and so is the
 * register: what libbpf's own way to USDT finds out for each event.
 */
#include "common.h"

#include <linux/ptrace.h>

MAP(BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, 1) sums SEC(".maps");

SEC("uprobe")
int usdt(struct pt_regs *ctx)
{
	__u32 zero = 0;
	__u64 *sum = bpf_map_lookup_elem(&sums, &zero);

	if (sum)
		*sum += ctx->rdi;
	return 0;
}
