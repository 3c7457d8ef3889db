/*
 * Says whether this machine can do what a test needs, by trying it with plain system
 * calls: not through memql, whose own failure must not look like a missing feature.
 *
 * usage: kernel_can bpf|uprobe|usdt|kprobe|fentry|iter|watchpoint|tracepoint|sleepable|loop...
 * Exit status 0, or 77 and the reason on stdout.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/hw_breakpoint.h>
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

/* attach: what a program of type TRACING attaches to function as. The error, or 0. */
static int try_insns(enum bpf_prog_type type, unsigned flags, unsigned function,
		     unsigned attach, const struct bpf_insn *insns, unsigned n)
{
	union bpf_attr attr;
	long fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = type;
	attr.prog_flags = flags;
	attr.insns = (uintptr_t)insns;
	attr.insn_cnt = n;
	attr.license = (uintptr_t)"GPL";
	attr.attach_btf_id = function;
	attr.expected_attach_type = attach;
	fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd < 0)
		return errno;
	close((int)fd);
	return 0;
}

/* Load "r0 = 0; exit" as a program of that type. */
static int try_function(enum bpf_prog_type type, unsigned flags, unsigned function,
			unsigned attach)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return try_insns(type, flags, function, attach, insns, 2);
}

static int try_load(enum bpf_prog_type type, unsigned flags)
{
	return try_function(type, flags, 0, 0);
}

/* The same with a call of a helper without arguments before it. */
static int try_call(int helper)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_JMP | BPF_CALL, .imm = helper },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return try_insns(BPF_PROG_TYPE_KPROBE, 0, 0, 0, insns, 3);
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

/* Bytes that follow a record of BTF: uapi/linux/btf.h. */
static size_t btf_tail(const struct btf_type *t)
{
	static const unsigned char fixed[] = {
		[BTF_KIND_INT] = 4,
		[BTF_KIND_ARRAY] = sizeof(struct btf_array),
		[BTF_KIND_VAR] = 4,
		[BTF_KIND_DECL_TAG] = 4,
	};
	static const unsigned char each[] = {
		[BTF_KIND_STRUCT] = sizeof(struct btf_member),
		[BTF_KIND_UNION] = sizeof(struct btf_member),
		[BTF_KIND_ENUM] = sizeof(struct btf_enum),
		[BTF_KIND_FUNC_PROTO] = sizeof(struct btf_param),
		[BTF_KIND_DATASEC] = sizeof(struct btf_var_secinfo),
		[BTF_KIND_ENUM64] = sizeof(struct btf_enum64),
	};
	unsigned kind = BTF_INFO_KIND(t->info), n = BTF_INFO_VLEN(t->info);

	return (kind < sizeof(fixed) ? fixed[kind] : 0) +
	       (kind < sizeof(each) ? n * each[kind] : 0);
}

/* The number of a function of the kernel in its BTF; 0 if it has none. */
static unsigned btf_function(const char *name)
{
	int fd = open("/sys/kernel/btf/vmlinux", O_RDONLY);
	static char bytes[32 << 20];
	const struct btf_header *h = (const void *)bytes;
	size_t size = 0;
	unsigned id = 1;
	ssize_t n;

	while (fd >= 0 && size < sizeof(bytes) &&
	       (n = read(fd, bytes + size, sizeof(bytes) - size)) > 0)
		size += (size_t)n;
	if (fd >= 0)
		close(fd);
	if (size < sizeof(*h) || size == sizeof(bytes))
		return 0;
	for (const char *p = bytes + h->hdr_len + h->type_off, *end = p + h->type_len;
	     p < end; id++) {
		const struct btf_type *t = (const void *)p;
		const char *its = bytes + h->hdr_len + h->str_off + t->name_off;

		if (BTF_INFO_KIND(t->info) == BTF_KIND_FUNC && strcmp(its, name) == 0)
			return id;
		p += sizeof(*t) + btf_tail(t);
	}
	return 0;
}

static int can_attach_to(const char *function, unsigned attach, const char *what)
{
	unsigned id = btf_function(function);
	int err = id ? try_function(BPF_PROG_TYPE_TRACING, 0, id, attach) : ENOENT;

	return err ? no(what, strerror(err)) : 0;
}

static int can_fentry(void)
{
	return can_attach_to("vfs_read", BPF_TRACE_FENTRY,
			     "fentry programs cannot be loaded");
}

static int can_iter(void)
{
	return can_attach_to("bpf_iter_task_vma", BPF_TRACE_ITER,
			     "iterators cannot be loaded");
}

/* Not every virtual machine has them, whatever its kernel lists. */
static int can_watchpoint(void)
{
	static volatile uint64_t place __attribute__((aligned(8)));
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_W,
		.bp_addr = (uintptr_t)&place,
		.bp_len = sizeof(place),
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
	uint64_t count = 0;

	if (fd < 0)
		return no("hardware breakpoints", strerror(errno));
	place = 1;
	if (read(fd, &count, sizeof(count)) != sizeof(count))
		count = 0;
	close(fd);
	return count ? 0 : no("hardware breakpoints", "they do not count");
}

static int can_tracepoint(void)
{
	if (access("/sys/kernel/tracing/events", R_OK) == 0 ||
	    access("/sys/kernel/debug/tracing/events", R_OK) == 0)
		return 0;
	return no("tracefs", "not mounted on /sys/kernel/tracing, or not readable");
}

/* Its helper has a function of that name. */
static int can_loop(void)
{
	return btf_function("bpf_loop") ? 0 : no("loops", "bpf_loop() is not there");
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

/* A kprobe's program may call bpf_override_return(), and kprobes can be attached. */
static int can_override(void)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2 },
		{ .code = BPF_JMP | BPF_CALL, .imm = 58 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	static const char path[] = "/sys/bus/event_source/devices/kprobe/type";
	int err = try_insns(BPF_PROG_TYPE_KPROBE, 0, 0, 0, insns, 4);

	if (err)
		return no("programs that override functions", strerror(err));
	return access(path, R_OK) == 0 ? 0 : no(path, strerror(errno));
}

/* /proc/kallsyms has variables, with addresses. */
static int can_data_symbols(void)
{
	FILE *fp = fopen("/proc/kallsyms", "re");
	unsigned long address = 0;
	char line[512], name[512];

	while (fp && fgets(line, sizeof(line), fp)) {
		if (sscanf(line, "%lx %*c %511s", &address, name) == 2 &&
		    strcmp(name, "__per_cpu_offset") == 0)
			break;
		address = 0;
	}
	if (fp)
		fclose(fp);
	return address ? 0 : no("/proc/kallsyms", "no variables are in it");
}

static const struct {
	const char *name;
	int (*can)(void);
} features[] = {
	{ "bpf", can_bpf },
	{ "uprobe", can_uprobe },
	{ "usdt", can_uprobe },
	{ "kprobe", can_kprobe },
	{ "fentry", can_fentry },
	{ "iter", can_iter },
	{ "watchpoint", can_watchpoint },
	{ "tracepoint", can_tracepoint },
	{ "sleepable", can_sleepable },
	{ "loop", can_loop },
	{ "ktime_tai", can_ktime_tai },
	{ "cgroup2", can_cgroup2 },
	{ "override", can_override },
	{ "data_symbols", can_data_symbols },
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
