/*
 * Says whether this machine can do what a test needs, by trying it with plain system
 * calls: not through memql, whose own failure must not look like a missing feature.
 *
 * usage: kernel_can bpf|uprobe|usdt|kprobe|tracepoint|sleepable...
 * Exit status 0, or 77 and the reason on stdout.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

static int no(const char *what, const char *why)
{
	printf("%s: %s\n", what, why);
	return 77;
}

static int try_insns(enum bpf_prog_type type, unsigned flags,
		     const struct bpf_insn *insns, unsigned n)
{
	union bpf_attr attr;
	long fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = type;
	attr.prog_flags = flags;
	attr.insns = (uintptr_t)insns;
	attr.insn_cnt = n;
	attr.license = (uintptr_t)"GPL";
	fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd < 0)
		return errno;
	close((int)fd);
	return 0;
}

/* Load "r0 = 0; exit" as a program of that type. */
static int try_load(enum bpf_prog_type type, unsigned flags)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return try_insns(type, flags, insns, 2);
}

/* The same with a call of a helper without arguments before it. */
static int try_call(int helper)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_JMP | BPF_CALL, .imm = helper },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return try_insns(BPF_PROG_TYPE_KPROBE, 0, insns, 3);
}

static int can_bpf(void)
{
	int err = try_load(BPF_PROG_TYPE_KPROBE, 0);

	if (err)
		return no("BPF programs cannot be loaded", strerror(err));
	if (access("/sys/kernel/btf/vmlinux", R_OK) != 0)
		return no("/sys/kernel/btf/vmlinux", strerror(errno));
	return 0;
}

static int can_uprobe(void)
{
	static const char path[] = "/sys/bus/event_source/devices/uprobe/type";

	return access(path, R_OK) == 0 ? 0 : no(path, strerror(errno));
}

static int can_kprobe(void)
{
	static const char path[] = "/sys/bus/event_source/devices/kprobe/type";

	return access(path, R_OK) == 0
		       ? 0
		       : no("this kernel was built without kprobes", strerror(errno));
}

static int can_tracepoint(void)
{
	if (access("/sys/kernel/tracing/events", R_OK) == 0 ||
	    access("/sys/kernel/debug/tracing/events", R_OK) == 0)
		return 0;
	return no("tracefs", "not mounted on /sys/kernel/tracing, or not readable");
}

static int can_sleepable(void)
{
	int err = try_load(BPF_PROG_TYPE_KPROBE, BPF_F_SLEEPABLE);

	return err ? no("sleepable uprobe programs", strerror(err)) : 0;
}

/* bpf_ktime_get_tai_ns() */
static int can_ktime_tai(void)
{
	int err = try_call(208);

	return err ? no("programs that read the clock TAI", strerror(err)) : 0;
}

static int can_cgroup2(void)
{
	static const char path[] = "/sys/fs/cgroup";
	struct statfs system;

	if (statfs(path, &system))
		return no(path, strerror(errno));
	return system.f_type == CGROUP2_SUPER_MAGIC
		       ? 0
		       : no(path,
			    "cgroups of version 2 are mounted elsewhere or not at all");
}

static const struct {
	const char *name;
	int (*can)(void);
} features[] = {
	{ "bpf", can_bpf },
	{ "uprobe", can_uprobe },
	{ "usdt", can_uprobe },
	{ "kprobe", can_kprobe },
	{ "tracepoint", can_tracepoint },
	{ "sleepable", can_sleepable },
	{ "ktime_tai", can_ktime_tai },
	{ "cgroup2", can_cgroup2 },
};

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		size_t n = sizeof(features) / sizeof(features[0]), j = 0;

		while (j < n && strcmp(argv[i], features[j].name) != 0)
			j++;
		if (j == n) {
			fprintf(stderr, "kernel_can: unknown feature %s\n", argv[i]);
			return 2;
		}
		if (features[j].can() != 0)
			return 77;
	}
	return 0;
}
