#include "runtime/features.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "codegen/image.h"
#include "runtime/btf.h"

/* uapi/linux/bpf.h of 6.6 */
enum { ATTACH_TRACE_KPROBE_MULTI = 42, ATTACH_TRACE_UPROBE_MULTI = 48 };

/* "return 0;" as a uprobe's program: a descriptor or -errno. */
static int load_trivial(enum bpf_attach_type attach, uint32_t flags)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach,
		    .prog_flags = flags);
	int fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "memql_try", "GPL", insns,
			       sizeof(insns) / sizeof(insns[0]), &opts);

	return fd < 0 ? -errno : fd;
}

/* What the kernel says to a link that cannot be: -errno. */
static int try_link(int prog_fd, int32_t pid)
{
	static const char path[] = "/";
	static const uint64_t offset;
	struct {
		uint32_t prog_fd, target_fd, attach_type, link_flags;
		uint64_t path, offsets, ref_ctr_offsets, cookies;
		uint32_t cnt, flags, pid, unused;
	} attr = {
		.prog_fd = (uint32_t)prog_fd,
		.attach_type = ATTACH_TRACE_UPROBE_MULTI,
		.path = (uintptr_t)path,
		.offsets = (uintptr_t)&offset,
		.cnt = 1,
		.pid = (uint32_t)pid,
	};
	int fd = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	return -errno;
}

/*
 * A kernel that has these links says EBADF, since a directory cannot be probed. The
 * first ones took pid for a thread's id and lost the events of the process's other
 * threads; the repair came with a check for negative ones, which fails with EINVAL.
 */
static bool try_uprobe_multi(void)
{
	int fd = load_trivial((enum bpf_attach_type)ATTACH_TRACE_UPROBE_MULTI, 0);
	bool ok;

	if (fd < 0)
		return false;
	ok = try_link(fd, 0) == -EBADF && try_link(fd, -1) == -EINVAL;
	close(fd);
	return ok;
}

/*
 * At address 0 is no function. A kernel without such links takes the type for a wrong one
 * (EINVAL), or says that it was built without them (EOPNOTSUPP).
 */
static bool try_kprobe_multi(void)
{
	static const uint64_t address;
	struct {
		uint32_t prog_fd, target_fd, attach_type, link_flags;
		uint32_t flags, cnt;
		uint64_t syms, addrs, cookies;
	} attr = {
		.attach_type = ATTACH_TRACE_KPROBE_MULTI,
		.cnt = 1,
		.addrs = (uintptr_t)&address,
	};
	int prog = load_trivial((enum bpf_attach_type)ATTACH_TRACE_KPROBE_MULTI, 0);
	int link, err;

	if (prog < 0)
		return false;
	attr.prog_fd = (uint32_t)prog;
	link = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	err = errno;
	if (link >= 0)
		close(link);
	close(prog);
	return link >= 0 || (err != EINVAL && err != EOPNOTSUPP);
}

static bool try_sleepable(void)
{
	int fd = load_trivial((enum bpf_attach_type)0, BPF_F_SLEEPABLE);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/*
 * Before BPF had an allocator of its own, entries made in an interrupt of the allocator
 * could hang the machine: programs of perf events were refused such maps, and others
 * got a warning in the kernel's log.
 */
static bool try_lazy_maps(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	int map = bpf_map_create(BPF_MAP_TYPE_HASH, "memql_try", 8, 8, 1, &opts);
	struct bpf_insn insns[] = {
		{ .code = BPF_LD | BPF_IMM | BPF_DW,
		  .dst_reg = BPF_REG_1,
		  .src_reg = BPF_PSEUDO_MAP_FD,
		  .imm = map },
		{ 0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int prog;

	if (map < 0)
		return false;
	prog = bpf_prog_load(BPF_PROG_TYPE_PERF_EVENT, "memql_try", "GPL", insns,
			     sizeof(insns) / sizeof(insns[0]), NULL);
	if (prog >= 0)
		close(prog);
	close(map);
	return prog >= 0;
}

/*
 * A helper that programs of every kind may call, without its arguments: the verifier says
 * EACCES if only they are missing, and EINVAL if it does not know the helper.
 */
static bool try_helper(int number)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_JMP | BPF_CALL, .imm = number },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "memql_try", "GPL", insns,
			       sizeof(insns) / sizeof(insns[0]), NULL);

	if (fd < 0)
		return fd == -EACCES;
	close(fd);
	return true;
}

/* With a function that every kernel has. */
static bool try_fentry(void)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_FENTRY);
	struct btf_set *btf;
	int prog = -1, fd;

	if (btf_open(NULL, &btf))
		return false;
	if (btf_function_id(btf, "vmlinux", "vfs_read", &opts.attach_btf_id, &fd) == 0)
		prog = bpf_prog_load(BPF_PROG_TYPE_TRACING, "memql_try", "GPL", insns,
				     sizeof(insns) / sizeof(insns[0]), &opts);
	btf_close(btf);
	if (prog >= 0)
		close(prog);
	return prog >= 0;
}

/*
 * Tests see how memql does without a feature where the kernel has it: they name it in
 * MEMQL_WITHOUT, several with commas.
 */
static bool is_left_out(enum feature f)
{
	static const char *const names[FEATURE_COUNT] = {
		[FEATURE_UPROBE_MULTI] = "uprobe_multi",
		[FEATURE_SLEEPABLE_UPROBE] = "sleepable_uprobe",
		[FEATURE_TASK_STORAGE] = "task_storage",
		[FEATURE_LAZY_MAPS] = "lazy_maps",
		[FEATURE_KTIME_TAI] = "ktime_tai",
		[FEATURE_OVERRIDE] = "override",
		[FEATURE_LOOP] = "loop",
		[FEATURE_PERCPU_LOOKUP] = "percpu_lookup",
		[FEATURE_KPROBE] = "kprobe",
		[FEATURE_KPROBE_MULTI] = "kprobe_multi",
		[FEATURE_FENTRY] = "fentry",
	};
	const char *p = getenv("MEMQL_WITHOUT");
	size_t len;

	for (; p && *p; p += len + (p[len] == ',')) {
		len = strcspn(p, ",");
		if (len == strlen(names[f]) && strncmp(p, names[f], len) == 0)
			return true;
	}
	return false;
}

bool feature_try(enum feature f)
{
	if (is_left_out(f))
		return false;
	switch (f) {
	case FEATURE_UPROBE_MULTI:
		return try_uprobe_multi();
	case FEATURE_SLEEPABLE_UPROBE:
		return try_sleepable();
	case FEATURE_TASK_STORAGE:
		return libbpf_probe_bpf_map_type(BPF_MAP_TYPE_TASK_STORAGE, NULL) > 0;
	case FEATURE_LAZY_MAPS:
		return try_lazy_maps();
	case FEATURE_KTIME_TAI:
		return try_helper(HELPER_KTIME_GET_TAI_NS);
	case FEATURE_LOOP:
		return try_helper(HELPER_LOOP);
	case FEATURE_PERCPU_LOOKUP:
		return try_helper(HELPER_MAP_LOOKUP_PERCPU_ELEM);
	case FEATURE_KPROBE:
		return access("/sys/bus/event_source/devices/kprobe/type", F_OK) == 0;
	case FEATURE_KPROBE_MULTI:
		return try_kprobe_multi();
	case FEATURE_FENTRY:
		return try_fentry();
	case FEATURE_OVERRIDE:
		return try_helper(HELPER_OVERRIDE_RETURN);
	case FEATURE_COUNT:
		break;
	}
	return false;
}
