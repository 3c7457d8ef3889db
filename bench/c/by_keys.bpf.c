/* A count for each process and name of a thread. */
#include "common.h"

struct key {
	__u64 pid;
	char comm[16];
};

MAP(BPF_MAP_TYPE_PERCPU_HASH, struct key, __u64, 4096) counts SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_getppid")
int by_keys(void *ctx)
{
	struct key key = { .pid = bpf_get_current_pid_tgid() >> 32 };
	__u64 one = 1, *n;

	bpf_get_current_comm(key.comm, sizeof(key.comm));
	n = bpf_map_lookup_elem(&counts, &key);
	if (n)
		(*n)++;
	else
		bpf_map_update_elem(&counts, &key, &one, BPF_ANY);
	return 0;
}
