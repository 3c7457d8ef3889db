/* From the image to programs in the kernel, and what to say when it refuses. */
#include "runtime/inspect.h"
#include "runtime/session_state.h"
#include "runtime/sink.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "core/arena.h"
#include "runtime/features.h"
#include "runtime/verifier.h"

enum {
	/* 40 bytes a million times a second fill it in 50 ms; it costs twice its
	 * size of memory, because it is mapped twice in a row. */
	RING_BYTES = 2 << 20,
	LOG_BYTES = 64 << 20,  /* address space only, unless the verifier writes */
	LOG_LEVEL_STATS = 4,   /* of the verifier: no trace */
	KERNEL_ENOTSUPP = 524, /* has no name in user space */
};

const char *errno_text(int err)
{
	err = err < 0 ? -err : err;
	return err == KERNEL_ENOTSUPP ? "Not supported by this kernel" : strerror(err);
}

const char *errno_hint(struct arena *a, int err)
{
	struct rlimit files;

	switch (err < 0 ? -err : err) {
	case EPERM:
	case EACCES:
		if (geteuid())
			return "memql needs root: run it with sudo";
		return "root is not enough here: a container, a security module or "
		       "kernel lockdown keeps BPF from it (it takes CAP_BPF, "
		       "CAP_PERFMON and CAP_SYS_RESOURCE, or CAP_SYS_ADMIN)";
	case EMFILE:
		if (getrlimit(RLIMIT_NOFILE, &files))
			return NULL;
		return arena_printf(
			a,
			"each map and probe takes a file and this process may "
			"open %llu: raise it with ulimit -n",
			(unsigned long long)files.rlim_cur);
	case ENFILE:
		return "the system has no more open files: see fs.file-max";
	case ENOMEM:
		return "the kernel has not enough memory: smaller maps take less "
		       "(config = { max_map_keys = N })";
	case ENOSYS:
		return "this kernel was built without BPF";
	}
	return NULL;
}

static void print_hint(struct session *s, int err)
{
	const char *hint = errno_hint(s->arena, err);

	if (hint)
		fprintf(stderr, "  hint: %s\n", hint);
	if (!hint || err == -EPERM || err == -EACCES)
		fputs("  memql doctor tells what works here\n", stderr);
}

/* libbpf's own messages are for memql's developers. */
static int print_libbpf(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	return vfprintf(stderr, fmt, ap);
}

static bool debugging(void)
{
	return getenv("MEMQL_DEBUG") != NULL;
}

/* The verifier's logs, one for each program: libbpf does not say which failed. */
struct logs {
	char *bytes; /* NULL: no address space for them */
	size_t each, n;
	unsigned level; /* 0: what libbpf chooses, the whole trace */
};

static void logs_open(struct logs *l, size_t n)
{
	const size_t most = (size_t)1 << 30;
	void *p;

	l->n = n;
	l->level = 0;
	l->each = LOG_BYTES;
	while (l->each > 4096 && l->each * n > most)
		l->each /= 2;
	p = mmap(NULL, l->each * n, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	l->bytes = p == MAP_FAILED ? NULL : p;
}

static void logs_clear(struct logs *l)
{
	madvise(l->bytes, l->each * l->n, MADV_DONTNEED);
}

static const char *log_of(const struct logs *l, size_t i)
{
	return l->bytes + i * l->each;
}

static void logs_close(struct logs *l)
{
	if (l->bytes)
		munmap(l->bytes, l->each * l->n);
}

static void report_rejection(struct session *s, size_t i, const char *log, int err)
{
	const struct image_program *p = &s->image->programs[i];
	const struct refusal r = { s->image, i, err, log, verifier_read(log) };
	const char *blame = NULL;

	if (debugging())
		fprintf(stderr, "%s\n", log);
	if (p->kind->refusal)
		blame = p->kind->refusal(
			arena_strndup(s->arena, r.verdict.sentence, r.verdict.len));
	if (blame)
		fprintf(stderr,
			"memql: %s:%u: the kernel does not let %s be probed: %s\n",
			p->file, p->line, p->point, blame);
	else if (s->refused)
		s->refused(&r, s->refused_arg);
	else
		fprintf(stderr,
			"memql: %s:%u: the kernel's verifier refuses %s: %.*s\n",
			p->file, p->line, p->point, (int)r.verdict.len,
			r.verdict.sentence);
}

/*
 * libbpf takes a file that it could not open for a feature that the kernel lacks, and
 * leaves out what needs it; the verifier's complaint is then beside the point.
 */
static bool too_few_files(const struct session *s)
{
	size_t need = 32 + s->image->nmaps + 2 * s->image->nprograms;
	struct rlimit files;

	return !getrlimit(RLIMIT_NOFILE, &files) && files.rlim_cur < need;
}

/* What a kernel that memql cannot work with says of a program is beside the point. */
static bool lacks_required(const struct session *s)
{
	struct feature_answer why;
	enum feature missing = feature_missing(&why);

	if (missing == FEATURE_COUNT || missing == FEATURE_PRIVILEGES)
		return false;
	fprintf(stderr,
		"memql: %s: this machine lacks what memql needs: %s: %s\n"
		"  hint: it takes %s\n"
		"  memql doctor tells what works here\n",
		s->image->source_name, feature_row(missing)->name, why.why,
		feature_row(missing)->fix);
	return true;
}

/* The same of a kernel that has no such programs: --dry-run tries to load them. */
static bool lacks_kind(const struct session *s)
{
	for (size_t i = 0; i < s->image->nprograms; i++) {
		const struct image_program *p = &s->image->programs[i];
		enum feature needed = p->kind->feature;
		struct feature_answer why = { 0 };

		if (needed != FEATURE_PRIVILEGES)
			why = feature_ask(needed);
		if (needed == FEATURE_PRIVILEGES || why.state != FEATURE_IS_ABSENT)
			continue;
		fprintf(stderr,
			"memql: %s:%u: this machine has no %s: %s\n"
			"  hint: %s; or %s\n"
			"  memql doctor tells what works here\n",
			p->file, p->line, p->kind->name, why.why,
			feature_row(needed)->without, feature_row(needed)->fix);
		return true;
	}
	return false;
}

/*
 * The program at which loading stopped: the last one, as libbpf takes them, that the verifier
 * wrote about. SIZE_MAX: it wrote nothing, as without the right to load.
 */
static size_t find_refused(const struct session *s, const struct logs *logs)
{
	struct bpf_program *prog;
	size_t found = SIZE_MAX;

	if (!logs->bytes)
		return SIZE_MAX;
	bpf_object__for_each_program(prog, s->object)
	{
		for (size_t i = 0; i < logs->n; i++)
			if (*log_of(logs, i) && s->programs[i] == prog)
				found = i;
	}
	return found;
}

static void report_load(struct session *s, const struct logs *logs, int err)
{
	size_t refused = find_refused(s, logs);

	if (too_few_files(s))
		err = -EMFILE;
	if (err != -EMFILE && (lacks_required(s) || lacks_kind(s)))
		return;
	if (err != -EMFILE && err != -EPERM && refused != SIZE_MAX) {
		report_rejection(s, refused, log_of(logs, refused), err);
		return;
	}
	fprintf(stderr, "memql: %s: cannot load the programs into the kernel: %s\n",
		s->image->source_name, errno_text(err));
	print_hint(s, err);
	if (!debugging())
		fprintf(stderr, "  MEMQL_DEBUG=1 in the environment shows more\n");
}

static int set_ring_size(struct session *s, uint32_t bytes)
{
	struct bpf_map *map = bpf_object__find_map_by_name(s->object, IMAGE_RING);

	assert(map && "the image has a ring buffer");
	return bpf_map__set_max_entries(map, bytes);
}

static uint32_t ring_size(const struct session *s, uint32_t wanted)
{
	uint32_t page = (uint32_t)sysconf(_SC_PAGESIZE);

	if (!s->image->nactions)
		return page; /* nothing is ever sent */
	if (!wanted)
		return RING_BYTES;
	return wanted < page ? page : wanted;
}

/* The kernel's numbers of its functions, which are no helpers, instead of ours. */
static int set_kernel_functions(struct session *s, struct bpf_program *prog)
{
	size_t n = bpf_program__insn_cnt(prog);
	struct bpf_insn *insns = ARENA_ARRAY(s->arena, struct bpf_insn, n);
	bool any = false;

	memcpy(insns, bpf_program__insns(prog), n * sizeof(*insns));
	for (size_t i = 0; i < n; i++) {
		const char *name =
			insns[i].code == (BPF_JMP | BPF_CALL) && !insns[i].src_reg
				? kernel_function(insns[i].imm)
				: NULL;
		uint32_t id = 0;
		int fd, err;

		if (!name)
			continue;
		err = session_function_id(s, "vmlinux", name, &id, &fd);
		if (err)
			return err;
		insns[i].src_reg = BPF_PSEUDO_KFUNC_CALL;
		insns[i].imm = (int32_t)id;
		any = true;
	}
	return any ? bpf_program__set_insns(prog, insns, n) : 0;
}

static int prepare_programs(struct session *s, struct logs *logs)
{
	int err = 0;

	for (size_t i = 0; !err && i < s->image->nprograms; i++) {
		const struct image_program *p = &s->image->programs[i];
		struct bpf_program *prog =
			bpf_object__find_program_by_name(s->object, p->symbol);

		assert(prog && "the image's programs are in its ELF file");
		s->programs[i] = prog;
		if (p->sleepable)
			bpf_program__set_flags(prog, bpf_program__flags(prog) |
							     BPF_F_SLEEPABLE);
		if (p->kind->prepare)
			p->kind->prepare(s, p, prog);
		if (logs->bytes)
			bpf_program__set_log_buf(prog, logs->bytes + i * logs->each,
						 logs->each);
		if (logs->level)
			bpf_program__set_log_level(prog, logs->level);
		if (s->inspecting && s->inspecting[i].refused)
			bpf_program__set_autoload(prog, false);
		err = set_kernel_functions(s, prog);
	}
	return err;
}

static int map_fd(const struct session *s, const char *symbol)
{
	struct bpf_map *map = bpf_object__find_map_by_name(s->object, symbol);

	return map ? bpf_map__fd(map) : -1;
}

static void find_maps(struct session *s)
{
	s->maps = ARENA_ARRAY(s->arena, struct live_map, s->image->nmaps);
	for (size_t i = 0; i < s->image->nmaps; i++) {
		const struct map_info *map = s->image->maps[i];
		char room[IMAGE_NAME_MAX];

		assert(map->index == i);
		s->maps[i].fd = map_fd(s, map->symbol);
		assert(s->maps[i].fd >= 0 && "the image's maps are in its ELF file");
		s->maps[i].seats = map->storage == MAP_KEPT
					   ? map_fd(s, image_seats(room, map))
					   : -1;
	}
	s->loss_fd = s->image->nlosses ? map_fd(s, IMAGE_LOSS) : -1;
}

/* Opens the image anew: after a failed load there is no way back. */
static int open_object(struct session *s)
{
	/* libbpf would name it by its address, and the verifier its constants after it. */
	LIBBPF_OPTS(bpf_object_open_opts, named, .object_name = "memql");

	bpf_object__close(s->object);
	s->by_id.n = 0;
	s->object = bpf_object__open_mem(s->image->elf, s->image->elf_size, &named);
	return s->object ? 0 : -errno;
}

static int load_object(struct session *s, const struct session_options *options,
		       struct logs *logs)
{
	uint32_t ring_bytes = ring_size(s, options->ring_bytes);
	int err;

	err = globals_set(s, ring_bytes, options->child);
	if (!err)
		err = prepare_programs(s, logs);
	if (!err)
		err = set_ring_size(s, ring_bytes);
	return err ? err : bpf_object__load(s->object);
}

/*
 * After a failed load the others are asked for, until each program has been. Those that
 * are taken stay loaded.
 */
static void inspect_others(struct session *s, const struct session_options *options,
			   struct logs *logs)
{
	size_t refused;
	int err;

	do {
		refused = find_refused(s, logs);
		if (refused == SIZE_MAX)
			return;
		s->inspecting[refused].refused = true;
		s->inspecting[refused].log = strdup(log_of(logs, refused));
		logs_clear(logs);
		err = open_object(s);
		if (!err)
			err = load_object(s, options, logs);
	} while (err);
}

static void keep_logs(struct session *s, const struct logs *logs)
{
	for (size_t i = 0; logs->bytes && i < logs->n; i++)
		if (!s->inspecting[i].refused)
			s->inspecting[i].log = strdup(log_of(logs, i));
}

int session_load(struct session *s, const struct session_options *options)
{
	struct logs logs;
	int err;

	s->refused = options->refused;
	s->refused_arg = options->refused_arg;
	libbpf_set_print(debugging() ? print_libbpf : NULL);
	err = by_id_open(s);
	if (!err)
		err = open_object(s);
	if (err) {
		fprintf(stderr,
			"memql: %s: libbpf does not take the compiled program: %s\n"
			"  This is a bug in memql: please report it with the program\n",
			s->image->source_name, errno_text(err));
		return err;
	}
	logs_open(&logs, s->image->nprograms);
	logs.level = options->log_level;
	s->programs = ARENA_ARRAY(s->arena, struct bpf_program *, s->image->nprograms);
	err = load_object(s, options, &logs);
	if (err == -ENOSPC && logs.bytes && !open_object(s)) {
		/* Before 6.4 a log that is full is an error of its own: the words only. */
		logs_clear(&logs);
		logs.level = LOG_LEVEL_STATS;
		err = load_object(s, options, &logs);
	}
	if (!err) {
		find_maps(s);
		err = globals_open(s);
		if (err)
			fprintf(stderr,
				"memql: cannot map the programs' variables: %s\n",
				errno_text(err));
	} else if (s->inspecting)
		inspect_others(s, options, &logs);
	else
		report_load(s, &logs, err);
	if (s->inspecting)
		keep_logs(s, &logs);
	logs_close(&logs);
	return err;
}
