/* The average of an argument for each process. */
#include "common.h"

struct average {
	__u64 sum, n;
};

MAP(BPF_MAP_TYPE_PERCPU_HASH, __u64, struct average, 4096) averages SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_lseek")
int average(struct syscall_enter *ctx)
{
	__u64 pid = bpf_get_current_pid_tgid() >> 32;
	struct average first = { ctx->args[1], 1 };
	struct average *a = bpf_map_lookup_elem(&averages, &pid);

	if (a) {
		a->sum += first.sum;
		a->n++;
	} else {
		bpf_map_update_elem(&averages, &pid, &first, BPF_ANY);
	}
	return 0;
}
