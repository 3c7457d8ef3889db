/* A count by stack, of the kernel. */
#include "common.h"

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 4096);
	__uint(key_size, 4);
	__uint(value_size, 127 * 8);
} stacks SEC(".maps");
MAP(BPF_MAP_TYPE_PERCPU_HASH, __u64, __u64, 4096) counts SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_getppid")
int kstack(void *ctx)
{
	__u64 id = bpf_get_stackid(ctx, &stacks, 0), one = 1;
	__u64 *n = bpf_map_lookup_elem(&counts, &id);

	if (n)
		(*n)++;
	else
		bpf_map_update_elem(&counts, &id, &one, BPF_ANY);
	return 0;
}
