#include "runtime/session_state.h"

#include <linux/bpf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>

#define INSN(op, dst, src, imm_)                                                       \
	{ .code = (op), .dst_reg = (dst), .src_reg = (src), .imm = (imm_) }

/* PROC_PID_INIT_INO of linux/proc_ns.h. */
static bool in_initial_pid_namespace(void)
{
	struct stat own;

	return !stat("/proc/self/ns/pid", &own) && own.st_ino == 0xeffffffc;
}

/*
 * getpid() is the number in memql's own PID namespace; bpf_get_current_pid_tgid() gives
 * the one in the initial namespace. No file shows that number from inside, so a program
 * of three instructions is run once to tell.
 */
uint32_t kernel_own_pid(void)
{
	const struct bpf_insn insns[] = {
		INSN(BPF_JMP | BPF_CALL, 0, 0, HELPER_GET_CURRENT_PID_TGID),
		INSN(BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_0, 0, 32),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0),
	};
	LIBBPF_OPTS(bpf_test_run_opts, run);
	uint32_t pid = (uint32_t)getpid();
	int fd;

	if (in_initial_pid_namespace())
		return pid;
	fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "mq_own_pid", "GPL", insns,
			   sizeof(insns) / sizeof(*insns), NULL);
	if (fd < 0)
		return pid; /* loading the real programs will say why */
	if (!bpf_prog_test_run_opts(fd, &run) && run.retval)
		pid = run.retval;
	close(fd);
	return pid;
}

/* What the kernel tells of a link to kprobes: uapi/linux/bpf.h of 6.7. */
struct kprobe_link_info {
	uint32_t type, id, prog_id, unused;
	union {
		struct {
			uint64_t addrs;
			uint32_t count, flags;
			uint64_t missed;
		} multi;
		struct {
			uint32_t type, unused;
			uint64_t name;
			uint32_t name_len, offset;
			uint64_t address, missed;
		} event;
	};
};

enum {
	LINK_PERF_EVENT = 7,
	LINK_KPROBE_MULTI = 8,
	EVENT_KPROBE = 3,
	EVENT_KRETPROBE = 4,
};

uint64_t kernel_missed_events(int fd)
{
	struct kprobe_link_info info = { 0 };
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return 0;
	if (info.type == LINK_KPROBE_MULTI)
		return info.multi.missed;
	if (info.type == LINK_PERF_EVENT &&
	    (info.event.type == EVENT_KPROBE || info.event.type == EVENT_KRETPROBE))
		return info.event.missed;
	return 0;
}
