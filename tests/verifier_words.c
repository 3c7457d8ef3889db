/*
 * Has this kernel's verifier refuse programs, each with one fault, and asks
 * runtime/verifier.h what its words mean: the table there must know them all, whatever
 * the kernel's version. One line for each: the fault, the row that was found, the words.
 *
 * usage: verifier_words    exit status 1 if a row is missing or another than expected
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "runtime/verifier.h"

enum {
	R0 = BPF_REG_0,
	R1 = BPF_REG_1,
	R2 = BPF_REG_2,
	R3 = BPF_REG_3,
	R6 = BPF_REG_6,
	R10 = BPF_REG_10,
};
enum { LOOKUP_ELEM = 1, XDP_ADJUST_TAIL = 65, GET_COMM = 16, PRANDOM = 7 };
enum { PROBE_READ_KERNEL = 113, RINGBUF_RESERVE = 131, GET_STACKID = 27 };

#define INSN(c, d, s, o, i)                                                            \
	(struct bpf_insn)                                                              \
	{                                                                              \
		.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)    \
	}
#define SET(d, i) INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define COPY(d, s) INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define ADD(d, i) INSN(BPF_ALU64 | BPF_ADD | BPF_K, d, 0, 0, i)
#define ADDR(d, s) INSN(BPF_ALU64 | BPF_ADD | BPF_X, d, s, 0, 0)
#define ALU(op, d, i) INSN(BPF_ALU64 | (op) | BPF_K, d, 0, 0, i)
#define LOAD(d, s, o) INSN(BPF_LDX | BPF_MEM | BPF_DW, d, s, o, 0)
#define STORE(d, o, i) INSN(BPF_ST | BPF_MEM | BPF_DW, d, 0, o, i)
#define IF(op, d, i, o) INSN(BPF_JMP | (op) | BPF_K, d, 0, o, i)
#define GOTO(o) INSN(BPF_JMP | BPF_JA, 0, 0, o, 0)
#define CALL(n) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, n)
#define CALL_OWN(o) INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, o)
#define EXIT() INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define MAP(d, fd)                                                                     \
	INSN(BPF_LD | BPF_IMM | BPF_DW, d, BPF_PSEUDO_MAP_FD, 0, fd),                  \
		INSN(0, 0, 0, 0, 0)
/* R0 = the value of key 0, or NULL */
#define LOOKUP(fd)                                                                     \
	STORE(R10, -8, 0), COPY(R2, R10), ADD(R2, -8), MAP(R1, fd), CALL(LOOKUP_ELEM)

static struct maps {
	int array, read_only, ring, stacks;
} maps;

static struct program {
	const char *fault; /* its name is that of the row */
	struct bpf_insn insns[64];
	const char *licence; /* NULL: GPL */
	uint32_t flags;
	size_t n; /* 0: up to the last one that is not all zeros */
	struct bpf_insn *many;
} programs[64];

static size_t nprograms;

#define REFUSED(name, ...)                                                             \
	programs[nprograms++] = (struct program)                                       \
	{                                                                              \
		.fault = (name), .insns = { __VA_ARGS__ }                              \
	}

static void memory(void)
{
	REFUSED("null", LOOKUP(maps.array), LOAD(R0, R0, 0), EXIT());
	REFUSED("null_arithmetic", LOOKUP(maps.array), ADD(R0, 4), SET(R0, 0), EXIT());
	REFUSED("not_a_pointer", SET(R1, 0), LOAD(R0, R1, 0), EXIT());
	REFUSED("unset_register", COPY(R0, R3), EXIT());
	REFUSED("unset_register", EXIT());
	REFUSED("stack_bounds", LOAD(R0, R10, -8), EXIT());
	REFUSED("unset_stack", COPY(R2, R10), ADD(R2, -8), MAP(R1, maps.array),
		CALL(LOOKUP_ELEM), SET(R0, 0), EXIT());
	REFUSED("stack_bounds", STORE(R10, -520, 0), SET(R0, 0), EXIT());
	REFUSED("stack_bounds", LOAD(R0, R10, 8), EXIT());
	REFUSED("stack_alignment", STORE(R10, -8, 0), LOAD(R0, R10, -7), EXIT());
	REFUSED("value_bounds", LOOKUP(maps.array), IF(BPF_JEQ, R0, 0, 1),
		LOAD(R0, R0, 8), SET(R0, 0), EXIT());
	REFUSED("unbounded", LOOKUP(maps.array), IF(BPF_JEQ, R0, 0, 3), LOAD(R1, R0, 0),
		ADDR(R0, R1), LOAD(R0, R0, 0), SET(R0, 0), EXIT());
	REFUSED("unbounded", LOOKUP(maps.array), IF(BPF_JEQ, R0, 0, 4), LOAD(R1, R0, 0),
		ALU(BPF_AND, R1, 0xffff), ADDR(R0, R1), LOAD(R0, R0, 0), SET(R0, 0),
		EXIT());
	REFUSED("context", LOAD(R0, R1, 4096), EXIT());
	REFUSED("context", COPY(R2, R1), ADD(R2, 8), LOAD(R0, R2, 0), EXIT());
	REFUSED("context", STORE(R1, 0, 0), SET(R0, 0), EXIT());
	REFUSED("read_only", LOOKUP(maps.read_only), IF(BPF_JEQ, R0, 0, 1),
		STORE(R0, 0, 0), SET(R0, 0), EXIT());
	REFUSED("pointer_operation", LOOKUP(maps.array), IF(BPF_JEQ, R0, 0, 1),
		ALU(BPF_AND, R0, 8), SET(R0, 0), EXIT());
	REFUSED("pointer_operation", ALU(BPF_MUL, R1, 2), SET(R0, 0), EXIT());
	REFUSED("frame_pointer", SET(R10, 0), SET(R0, 0), EXIT());
}

static void calls(void)
{
	REFUSED("no_helper", CALL(9999), SET(R0, 0), EXIT());
	REFUSED("helper_of_others", SET(R2, 0), CALL(XDP_ADJUST_TAIL), EXIT());
	REFUSED("argument", STORE(R10, -8, 0), COPY(R2, R10), ADD(R2, -8), SET(R1, 0),
		CALL(LOOKUP_ELEM), SET(R0, 0), EXIT());
	REFUSED("size", LOOKUP(maps.array), IF(BPF_JEQ, R0, 0, 4), LOAD(R2, R0, 0),
		COPY(R1, R10), ADD(R1, -16), CALL(GET_COMM), SET(R0, 0), EXIT());
	REFUSED("size", COPY(R1, R10), ADD(R1, -16), SET(R2, 0), CALL(GET_COMM),
		SET(R0, 0), EXIT());
	REFUSED("stack_bounds", COPY(R1, R10), ADD(R1, -8), SET(R2, 16), CALL(GET_COMM),
		SET(R0, 0), EXIT());
	REFUSED("licence", COPY(R1, R10), ADD(R1, -8), SET(R2, 8), SET(R3, 0),
		CALL(PROBE_READ_KERNEL), SET(R0, 0), EXIT());
	programs[nprograms - 1].licence = "Apache";
	REFUSED("not_a_map", LOOKUP(9999), SET(R0, 0), EXIT());
	REFUSED("kind_of_map", LOOKUP(maps.stacks), SET(R0, 0), EXIT());
	REFUSED("kept_reference", MAP(R1, maps.ring), SET(R2, 8), SET(R3, 0),
		CALL(RINGBUF_RESERVE), SET(R0, 0), EXIT());
	REFUSED("sleeping", MAP(R2, maps.stacks), SET(R3, 0), CALL(GET_STACKID),
		SET(R0, 0), EXIT());
	programs[nprograms - 1].flags = BPF_F_SLEEPABLE;
}

static void flow(void)
{
	REFUSED("endless", SET(R0, 0), IF(BPF_JEQ, R0, 0, -1), EXIT());
	REFUSED("too_long", SET(R0, 0), ADD(R0, 1), IF(BPF_JLT, R0, 2000000, -2),
		EXIT());
	REFUSED("unreachable", SET(R0, 0), EXIT(), SET(R0, 1), EXIT());
	REFUSED("jump", SET(R0, 0), GOTO(5), EXIT());
	REFUSED("no_exit", SET(R0, 0), SET(R0, 1));
	REFUSED("combined_stack", STORE(R10, -400, 0), CALL_OWN(1), EXIT(),
		STORE(R10, -400, 0), SET(R0, 0), EXIT());
	REFUSED("division", SET(R0, 8), ALU(BPF_DIV, R0, 0), EXIT());
	REFUSED("instruction", SET(R0, 0), INSN(0xff, R0, R0, 0, 0), EXIT());
}

/* More branches than the verifier remembers: each leads to the end. */
static void branches(void)
{
	enum { N = 8300 };
	struct bpf_insn *code = calloc(N + 3, sizeof(*code));

	if (!code)
		abort();
	code[0] = CALL(PRANDOM);
	for (int i = 1; i <= N; i++)
		code[i] = IF(BPF_JEQ, R0, i, (int16_t)(N - i));
	code[N + 1] = SET(R0, 0);
	code[N + 2] = EXIT();
	REFUSED("branches", { 0 });
	programs[nprograms - 1].many = code;
	programs[nprograms - 1].n = N + 3;
}

static size_t length(const struct program *p)
{
	size_t n = sizeof(p->insns) / sizeof(p->insns[0]);

	while (n > 0 && !p->insns[n - 1].code)
		n--;
	return n;
}

/* As memql does: a log that is full is an error of its own before 6.4. */
static int load(const struct program *p, char *log, size_t size)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_buf = log,
		    .log_size = (uint32_t)size, .prog_flags = p->flags);
	int fd = -1;

	for (opts.log_level = 1; opts.log_level <= 4; opts.log_level += 3) {
		*log = '\0';
		fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "verifier_words",
				   p->licence ? p->licence : "GPL",
				   p->many ? p->many : p->insns,
				   p->n ? p->n : length(p), &opts);
		if (fd >= 0 || errno != ENOSPC)
			break;
	}
	return fd < 0 ? -errno : fd;
}

/* True if the table knows what it should know, or the kernel takes the program. */
static bool try_program(const struct program *p, char *log, size_t size)
{
	int fd = load(p, log, size);
	const struct verifier_row *row;
	struct verdict verdict;
	bool right;

	if (fd >= 0) {
		printf("taken   %-18s by this kernel\n", p->fault);
		close(fd);
		return true;
	}
	verdict = verifier_read(log);
	row = verifier_explain(verdict.sentence, verdict.len);
	right = row && strcmp(row->name, p->fault) == 0;
	printf("%-7s %-18s %-18s error %d insn %lld: %.*s\n", right ? "known" : "WRONG",
	       p->fault, row ? row->name : "-", -fd, (long long)verdict.insn,
	       (int)verdict.len, verdict.sentence);
	if (!right && getenv("SHOW_LOG"))
		printf("%.2000s\n", log);
	return right;
}

static void make_maps(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, frozen, .map_flags = BPF_F_RDONLY_PROG);

	maps.array = bpf_map_create(BPF_MAP_TYPE_HASH, "words", 8, 8, 1, NULL);
	maps.read_only = bpf_map_create(BPF_MAP_TYPE_HASH, "words", 8, 8, 1, &frozen);
	maps.ring = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "words", 0, 0, 4096, NULL);
	maps.stacks =
		bpf_map_create(BPF_MAP_TYPE_STACK_TRACE, "words", 4, 1016, 8, NULL);
}

int main(void)
{
	const size_t size = 16 << 20;
	char *log = calloc(1, size);
	size_t wrong = 0;

	if (!log)
		return 2;
	make_maps();
	if (maps.array < 0) {
		printf("skipped: BPF: %s\n", strerror(errno));
		return 77;
	}
	memory();
	calls();
	flow();
	branches();
	for (size_t i = 0; i < nprograms; i++)
		wrong += !try_program(&programs[i], log, size);
	free(programs[nprograms - 1].many);
	free(log);
	return wrong > 0;
}
