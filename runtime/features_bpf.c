/* Features of the kernel that are tried by loading something. */
#include "runtime/features_internal.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "codegen/image.h"
#include "runtime/btf.h"

/* uapi/linux/bpf.h of 6.6 */
enum { ATTACH_TRACE_KPROBE_MULTI = 42, ATTACH_TRACE_UPROBE_MULTI = 48 };

static const char not_in_btf[] = "BTF does not describe it";

/* opts is not const, as later libbpfs (1.5) take it. */
static int load(enum bpf_prog_type type, const struct bpf_insn *insns, size_t n,
		struct bpf_prog_load_opts *opts)
{
	int fd = bpf_prog_load(type, "memql_try", "GPL", insns, n, opts);

	return fd < 0 ? -errno : fd;
}

/* Whether it is a descriptor, which is then closed, or an error. */
static int closed(int fd)
{
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* "return 0;": a descriptor or -errno. */
static int load_trivial(enum bpf_prog_type type, enum bpf_attach_type attach,
			uint32_t flags, uint32_t btf_id)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach,
		    .prog_flags = flags, .attach_btf_id = btf_id);

	return load(type, insns, sizeof(insns) / sizeof(insns[0]), &opts);
}

int try_bpf(const char **why)
{
	int err = closed(
		load_trivial(BPF_PROG_TYPE_KPROBE, (enum bpf_attach_type)0, 0, 0));

	if (err == -ENOSYS)
		*why = "this kernel has no bpf(2)";
	if (err == -EPERM && try_privileges(why) == 0)
		*why = "bpf(2) is refused, though we have the right: a container's "
		       "seccomp filter, a security module or lockdown";
	return err;
}

int try_raw_tracepoint(const char **why)
{
	(void)why;
	return closed(load_trivial(BPF_PROG_TYPE_RAW_TRACEPOINT,
				   (enum bpf_attach_type)0, 0, 0));
}

int try_sleepable(const char **why)
{
	int err = closed(load_trivial(BPF_PROG_TYPE_KPROBE, (enum bpf_attach_type)0,
				      BPF_F_SLEEPABLE, 0));

	if (err == -EINVAL)
		*why = "the kernel does not let these programs sleep";
	return err;
}

/* A number on the stack is exchanged for another. */
int try_atomic(const char **why)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_STX | BPF_MEM | BPF_DW,
		  .dst_reg = BPF_REG_10,
		  .off = -8 },
		{ .code = BPF_STX | BPF_ATOMIC | BPF_DW,
		  .dst_reg = BPF_REG_10,
		  .off = -8,
		  .imm = BPF_XCHG },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts);
	int err = closed(load(BPF_PROG_TYPE_KPROBE, insns,
			      sizeof(insns) / sizeof(insns[0]), &opts));

	if (err == -EINVAL)
		*why = "the kernel does not know these instructions";
	return err;
}

static int try_map(enum bpf_map_type type, const char **why)
{
	int has;

	if (try_bpf(why))
		return try_bpf(why);
	has = libbpf_probe_bpf_map_type(type, NULL);
	if (has == 0)
		*why = "the kernel does not know this kind of map";
	return has > 0 ? 0 : has == 0 ? -EINVAL : has;
}

int try_ring_buffer(const char **why)
{
	return try_map(BPF_MAP_TYPE_RINGBUF, why);
}

int try_task_storage(const char **why)
{
	return try_map(BPF_MAP_TYPE_TASK_STORAGE, why);
}

int try_uprobe_program(void)
{
	return load_trivial(BPF_PROG_TYPE_KPROBE,
			    (enum bpf_attach_type)ATTACH_TRACE_UPROBE_MULTI, 0, 0);
}

int try_uprobe_link(int prog_fd, const char *path, int32_t pid)
{
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

	return fd < 0 ? -errno : fd;
}

/*
 * A kernel that has these links says EBADF, since a directory cannot be probed. The
 * first ones took pid for a thread's id and lost the events of the process's other
 * threads; the repair came with a check for negative ones, which fails with EINVAL.
 */
int try_uprobe_multi(const char **why)
{
	int fd = try_uprobe_program();
	int err = 0;

	if (fd < 0)
		return fd;
	if (closed(try_uprobe_link(fd, "/", 0)) != -EBADF)
		err = -EINVAL, *why = "the kernel does not know such links";
	else if (closed(try_uprobe_link(fd, "/", -1)) != -EINVAL)
		err = -EINVAL,
		*why = "the kernel has them, but they lose the events of "
		       "other threads when there is a -p";
	close(fd);
	return err;
}

/*
 * A kernel that has such links reads the addresses, which cannot be read here (EFAULT). One
 * without takes the type for a wrong one (EINVAL), or says that it was built without them
 * (EOPNOTSUPP). Address 0, where no function is, would be EINVAL, too: on 6.12.
 */
int try_kprobe_multi(const char **why)
{
	struct {
		uint32_t prog_fd, target_fd, attach_type, link_flags;
		uint32_t flags, cnt;
		uint64_t syms, addrs, cookies;
	} attr = {
		.attach_type = ATTACH_TRACE_KPROBE_MULTI,
		.cnt = 1,
		.addrs = 8, /* nothing is mapped there */
	};
	int prog = load_trivial(BPF_PROG_TYPE_KPROBE,
				(enum bpf_attach_type)ATTACH_TRACE_KPROBE_MULTI, 0, 0);
	int link, err;

	if (prog < 0)
		return prog;
	attr.prog_fd = (uint32_t)prog;
	link = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	err = errno;
	if (link >= 0)
		close(link);
	close(prog);
	if (link < 0 && err == EFAULT)
		return 0;
	*why = err == EOPNOTSUPP ? "the kernel was built without them"
				 : "the kernel does not know such links";
	return -err;
}

/*
 * Before BPF had an allocator of its own, entries made in an interrupt of the allocator
 * could hang the machine: programs of perf events were refused such maps, and others
 * got a warning in the kernel's log.
 */
int try_lazy_maps(const char **why)
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
	int err;

	if (map < 0)
		return map;
	err = closed(load(BPF_PROG_TYPE_PERF_EVENT, insns,
			  sizeof(insns) / sizeof(insns[0]), NULL));
	close(map);
	if (err == -EINVAL)
		*why = "programs of clocks may not allocate";
	return err;
}

/*
 * A helper that programs of every kind may call, without its arguments: the verifier says
 * EACCES if only they are missing, and EINVAL if it does not know the helper.
 */
static int try_helper_in(enum bpf_prog_type type, int number, const char **why)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_JMP | BPF_CALL, .imm = number },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int err = closed(load(type, insns, sizeof(insns) / sizeof(insns[0]), NULL));

	if (err == -EACCES)
		return 0;
	if (err == -EINVAL)
		*why = "the kernel does not have this helper, or not for tracing";
	return err;
}

static int try_helper(int number, const char **why)
{
	return try_helper_in(BPF_PROG_TYPE_KPROBE, number, why);
}

int try_ktime_tai(const char **why)
{
	return try_helper(HELPER_KTIME_GET_TAI_NS, why);
}

int try_loop(const char **why)
{
	return try_helper(HELPER_LOOP, why);
}

int try_map_loop(const char **why)
{
	return try_helper(HELPER_FOR_EACH_MAP_ELEM, why);
}

int try_percpu_lookup(const char **why)
{
	return try_helper(HELPER_MAP_LOOKUP_PERCPU_ELEM, why);
}

int try_cookie(const char **why)
{
	return try_helper(HELPER_GET_ATTACH_COOKIE, why);
}

int try_override(const char **why)
{
	return try_helper(HELPER_OVERRIDE_RETURN, why);
}

/* The kernel counts maps to cgroups since it has this helper: it came with that. */
int try_memlock(const char **why)
{
	enum { KTIME_GET_COARSE_NS = 160 };

	return try_helper_in(BPF_PROG_TYPE_SOCKET_FILTER, KTIME_GET_COARSE_NS, why);
}

/* A program of type TRACING at a function that every kernel has. */
static int try_tracing(const char *function, enum bpf_attach_type type,
		       const char **why)
{
	struct btf_set *btf;
	uint32_t id;
	int fd, err;

	err = btf_open(NULL, &btf);
	if (err)
		return err;
	err = btf_function_id(btf, "vmlinux", function, &id, &fd);
	btf_close(btf);
	if (err) {
		*why = access("/sys/kernel/btf/vmlinux", F_OK) ? "the kernel has no BTF"
							       : not_in_btf;
		return err;
	}
	err = closed(load_trivial(BPF_PROG_TYPE_TRACING, type, 0, id));
	if (err)
		*why = "the kernel refuses to load such programs";
	return err;
}

/* The type of a function that is verified by itself: "int called(void)". */
static int load_function_type(void)
{
	enum { INT = 1, PROTO };
	static const struct {
		struct btf_header header;
		struct btf_type integer;
		uint32_t bits;
		struct btf_type proto, called;
		char names[12];
	} types = {
		.header = {
			.magic = BTF_MAGIC,
			.version = BTF_VERSION,
			.hdr_len = sizeof(types.header),
			.type_len = offsetof(typeof(types), names) - sizeof(types.header),
			.str_off = offsetof(typeof(types), names) - sizeof(types.header),
			.str_len = sizeof(types.names),
		},
		.integer = { .name_off = 1, .info = BTF_KIND_INT << 24, .size = 4 },
		.bits = BTF_INT_SIGNED << 24 | 32,
		.proto = { .info = BTF_KIND_FUNC_PROTO << 24, .type = INT },
		.called = { .name_off = 5,
			    .info = BTF_KIND_FUNC << 24 | BTF_FUNC_GLOBAL,
			    .type = PROTO },
		.names = "\0int\0called",
	};
	int fd = bpf_btf_load(&types, sizeof(types), NULL);

	return fd < 0 ? -errno : fd;
}

/* Between the two, programs call functions that are verified by themselves: from 6.15 on. */
int try_hold_cpu(const char **why)
{
	enum { CALLED = 5 };
	struct bpf_insn insns[] = {
		{ .code = BPF_JMP | BPF_CALL,
		  .src_reg = BPF_PSEUDO_KFUNC_CALL,
		  .imm = HELPER_PREEMPT_DISABLE },
		{ .code = BPF_JMP | BPF_CALL,
		  .src_reg = BPF_PSEUDO_CALL,
		  .imm = CALLED - 2 },
		{ .code = BPF_JMP | BPF_CALL,
		  .src_reg = BPF_PSEUDO_KFUNC_CALL,
		  .imm = HELPER_PREEMPT_ENABLE },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
		[CALLED] = { .code = BPF_ALU64 | BPF_MOV | BPF_K,
			     .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	/* Of the types the last is the function's. */
	static const struct bpf_func_info info[] = { { .type_id = 3 }, { CALLED, 3 } };
	int types = load_function_type();
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .func_info = info, .func_info_cnt = 2,
		    .func_info_rec_size = sizeof(info[0]));
	struct btf_set *btf;
	int fd, err = btf_open(NULL, &btf);

	for (size_t i = 0; !err && i <= 2; i += 2) {
		uint32_t id = 0;

		err = btf_function_id(btf, "vmlinux", kernel_function(insns[i].imm),
				      &id, &fd);
		insns[i].imm = (int32_t)id;
	}
	btf_close(btf);
	if (err == -ENOENT)
		*why = "the kernel does not have the functions for it";
	if (!err && types >= 0) {
		opts.prog_btf_fd = (uint32_t)types;
		err = closed(load(BPF_PROG_TYPE_KPROBE, insns,
				  sizeof(insns) / sizeof(insns[0]), &opts));
		if (err == -EINVAL)
			*why = "the kernel lets such programs call no functions";
	}
	if (types >= 0)
		close(types);
	return err ? err : types < 0 ? types : 0;
}

int try_fentry(const char **why)
{
	return try_tracing("vfs_read", BPF_TRACE_FENTRY, why);
}

int try_iter(const char **why)
{
	return try_tracing("bpf_iter_task", BPF_TRACE_ITER, why);
}
