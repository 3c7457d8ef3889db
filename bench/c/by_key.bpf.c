/* A count for each process. */
#include "common.h"

MAP(BPF_MAP_TYPE_PERCPU_HASH, __u64, __u64, 4096) counts SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_getppid")
int by_key(void *ctx)
{
	__u64 pid = bpf_get_current_pid_tgid() >> 32, one = 1;
	__u64 *n = bpf_map_lookup_elem(&counts, &pid);

	if (n)
		(*n)++;
	else
		bpf_map_update_elem(&counts, &pid, &one, BPF_ANY);
	return 0;
}
