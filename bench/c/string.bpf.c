/* A count by the thread's name and a path. */
#include "common.h"

struct key {
	char comm[16], path[64];
};

MAP(BPF_MAP_TYPE_PERCPU_HASH, struct key, __u64, 4096) counts SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_faccessat")
int string(struct syscall_enter *ctx)
{
	struct key key = {};
	__u64 one = 1, *n;

	bpf_get_current_comm(key.comm, sizeof(key.comm));
	bpf_probe_read_user_str(key.path, sizeof(key.path), (void *)ctx->args[1]);
	n = bpf_map_lookup_elem(&counts, &key);
	if (n)
		(*n)++;
	else
		bpf_map_update_elem(&counts, &key, &one, BPF_ANY);
	return 0;
}
