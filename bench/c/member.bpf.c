/* A count by a member of the kernel's struct of this thread, two pointers away. */
#include "common.h"

struct task_struct {
	struct task_struct *real_parent;
	int tgid;
} __attribute__((preserve_access_index));

MAP(BPF_MAP_TYPE_PERCPU_HASH, __u64, __u64, 4096) counts SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_getppid")
int member(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	__u64 parent = task->real_parent->tgid, one = 1;
	__u64 *n = bpf_map_lookup_elem(&counts, &parent);

	if (n)
		(*n)++;
	else
		bpf_map_update_elem(&counts, &parent, &one, BPF_ANY);
	return 0;
}
