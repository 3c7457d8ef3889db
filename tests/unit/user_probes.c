/*
 * Probes of user space for real: this program carries notes with every form of operand,
 * attaches a BPF program that copies the registers to its own probes, runs through them,
 * and compares what the operands say with what is true. Both ways of attaching.
 */
#include <elf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "codegen/image.h"
#include "core/arena.h"
#include "core/compile.h"
#include "core/source.h"
#include "parser/ast.h"
#include "runtime/features.h"
#include "runtime/session_state.h"
#include "runtime/target_linux.h"
#include "tests/unit/test.h"

/* What the operands refer to; main() uses them, or the linker would drop them. */
int32_t live_counter = -42;
int32_t live_array[4] = { 1, -2, 3, -4 };
static const int64_t table[4] = { 10, 11, 12, -13 };
uint16_t live_semaphore __attribute__((section(".probes"))) = 0;

#define NOTE(at, semaphore, name, args)                                                \
	".pushsection .note.stapsdt,\"?\",\"note\"\n"                                  \
	".balign 4\n"                                                                  \
	".4byte 2f-1f, 4f-3f, 3\n"                                                     \
	"1: .asciz \"stapsdt\"\n"                                                      \
	"2: .balign 4\n"                                                               \
	"3: .8byte " at ", _.stapsdt.base, " semaphore "\n"                            \
	".asciz \"live\"\n"                                                            \
	".asciz \"" name "\"\n"                                                        \
	".asciz \"" args "\"\n"                                                        \
	"4: .balign 4\n"                                                               \
	".popsection\n"

/* fire(pointer, index): rax, rcx and rdx hold what the tests below expect. */
__asm__(".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"
	".weak _.stapsdt.base\n"
	".hidden _.stapsdt.base\n"
	"_.stapsdt.base: .space 1\n"
	".size _.stapsdt.base, 1\n"
	".popsection\n"
	".text\n"
	".type live_fire, @function\n"
	"live_fire:\n"
	"	push %rbx\n"
	"	mov %rdi, %rbx\n"
	"	mov $0x1122334455667788, %rax\n"
	"	mov $0xfffffffffffffffe, %rcx\n"
	"	mov $3, %edx\n"
	"970:	nop\n"
	"971:	nop\n"
	"972:	nop\n"
	"973:	.byte 0x0f, 0x1f, 0x44, 0, 0\n"
	"	pop %rbx\n"
	"	ret\n"
	".size live_fire, .-live_fire\n" NOTE(
		"970b", "0", "registers",
		"8@%rax -4@%eax 2@%ax 1@%al 1@%ah -8@%rcx 4@%ecx 8@%rsi %edx 1@%cl")
		NOTE("971b", "live_semaphore", "memory",
		     "8@(%rbx) -8@24(%rbx) -8@(%rbx,%rdx,8) -8@-8(%rbx,%rdx,8) 8@8(%rbx,%rsi) "
		     "1@(%rdi) -4@live_counter(%rip) -4@4+live_array(%rip) "
		     "-4@live_array+8(%rip) -4@live_array")
			NOTE("970b", "0", "others",
			     "-4@$-7 8@$18446744073709551615 8f@%xmm0 4@no_such_symbol(%rip) "
			     "-4@live_array(,%rdx,4) 1@1(%rip) 8@%r99 4@$5")
				NOTE("970b", "0", "others",
				     "-4@$-7 8@$18446744073709551615 8f@%xmm0 4@no_such_symbol(%rip) "
				     "-4@live_array(,%rdx,4) 1@1(%rip) 8@%r99 4@$5")
					NOTE("972b", "0", "two_nops", "8@%rdx")
						NOTE("973b", "0", "long_nop",
						     "8@%rdx"));

void live_fire(const int64_t *pointer, uint64_t index);

int64_t live_sum(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f,
		 int64_t g, int64_t h, int64_t i, int64_t j);

__attribute__((noinline, noclone)) int64_t live_sum(int64_t a, int64_t b, int64_t c,
						    int64_t d, int64_t e, int64_t f,
						    int64_t g, int64_t h, int64_t i,
						    int64_t j)
{
	__asm__ volatile("" ::: "memory");
	return a + b + c + d + e + f + g + h + i + j;
}

/* The same with the landing pad that some compilers begin functions with. */
__asm__(".text\n"
	".type live_padded, @function\n"
	"live_padded:\n"
	"	endbr64\n"
	"	push %rbp\n"
	"	mov %rdi, %rax\n"
	"	pop %rbp\n"
	"	ret\n"
	".size live_padded, .-live_padded\n"
	/* The pad, then a loop to what follows it. */
	".type live_loop, @function\n"
	"live_loop:\n"
	"	endbr64\n"
	"1:	push %rbp\n"
	"	pop %rbp\n"
	"	dec %rdi\n"
	"	jnz 1b\n"
	"	mov %rdi, %rax\n"
	"	ret\n"
	".size live_loop, .-live_loop\n");
int64_t live_padded(int64_t n);
int64_t live_loop(int64_t n);

enum { REGS = 21, WORDS = REGS + 2 }; /* struct pt_regs, the cookie, how many calls */

#define INSN(op, dst, src, off_, imm_)                                                 \
	((struct bpf_insn){ .code = (op),                                              \
			    .dst_reg = (dst),                                          \
			    .src_reg = (src),                                          \
			    .off = (int16_t)(off_),                                    \
			    .imm = (imm_) })

struct program {
	struct bpf_insn insns[128];
	size_t n;
};

static void add(struct program *p, struct bpf_insn insn)
{
	p->insns[p->n++] = insn;
}

/* Copies registers and cookie to entry 0 of the map, and counts there. */
static void make_program(struct program *p, int map_fd)
{
	const int load = BPF_LDX | BPF_MEM | BPF_DW, store = BPF_STX | BPF_MEM | BPF_DW;
	int i;

	p->n = 0;
	add(p, INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_1, 0, 0));
	add(p, INSN(BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, -4, 0));
	add(p,
	    INSN(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map_fd));
	add(p, INSN(0, 0, 0, 0, 0));
	add(p, INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_10, 0, 0));
	add(p, INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -4));
	add(p, INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem));
	add(p, INSN(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_0, 0, 1, 0));
	add(p, INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
	add(p, INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_7, BPF_REG_0, 0, 0));
	for (i = 0; i < REGS; i++) {
		add(p, INSN(load, BPF_REG_2, BPF_REG_6, 8 * i, 0));
		add(p, INSN(store, BPF_REG_7, BPF_REG_2, 8 * i, 0));
	}
	add(p, INSN(load, BPF_REG_2, BPF_REG_7, 8 * (REGS + 1), 0));
	add(p, INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, 1));
	add(p, INSN(store, BPF_REG_7, BPF_REG_2, 8 * (REGS + 1), 0));
	add(p, INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_6, 0, 0));
	add(p, INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_attach_cookie));
	add(p, INSN(store, BPF_REG_7, BPF_REG_0, 8 * REGS, 0));
	add(p, INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0));
	add(p, INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
}

/*
 * attach() wants a program of libbpf's, which libbpf makes from object files only: the
 * smallest there is.
 */
enum { CODE = 1, LICENSE, SYMTAB, STRTAB, SECTIONS };

static size_t make_object(const struct program *p, uint8_t *out)
{
	/* Names of sections and symbols, from 1, 8, 16, 24 and 32. */
	static const char names[] = "\0uprobe\0license\0.symtab\0.strtab\0copy\0GPL";
	size_t code = p->n * sizeof(p->insns[0]);
	Elf64_Ehdr h = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
			     ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_REL,
		.e_machine = EM_BPF,
		.e_version = EV_CURRENT,
		.e_shoff = sizeof(h),
		.e_ehsize = sizeof(h),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = SECTIONS,
		.e_shstrndx = STRTAB,
	};
	size_t at = sizeof(h) + SECTIONS * sizeof(Elf64_Shdr);
	Elf64_Sym symbols[2] = {
		{ 0 },
		{ .st_name = 32,
		  .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
		  .st_shndx = CODE,
		  .st_size = code },
	};
	Elf64_Shdr sections[SECTIONS] = {
		[CODE] = { .sh_name = 1,
			   .sh_type = SHT_PROGBITS,
			   .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
			   .sh_offset = at,
			   .sh_size = code,
			   .sh_addralign = 8 },
		[SYMTAB] = { .sh_name = 16,
			     .sh_type = SHT_SYMTAB,
			     .sh_offset = at + code,
			     .sh_size = sizeof(symbols),
			     .sh_link = STRTAB,
			     .sh_info = 1,
			     .sh_addralign = 8,
			     .sh_entsize = sizeof(Elf64_Sym) },
		[STRTAB] = { .sh_name = 24,
			     .sh_type = SHT_STRTAB,
			     .sh_offset = at + code + sizeof(symbols),
			     .sh_size = sizeof(names),
			     .sh_addralign = 1 },
		[LICENSE] = { .sh_name = 8,
			      .sh_type = SHT_PROGBITS,
			      .sh_flags = SHF_ALLOC | SHF_WRITE,
			      .sh_offset = at + code + sizeof(symbols) + 37,
			      .sh_size = 4,
			      .sh_addralign = 1 },
	};

	memcpy(out, &h, sizeof(h));
	memcpy(out + sizeof(h), sections, sizeof(sections));
	memcpy(out + at, p->insns, code);
	memcpy(out + at + code, symbols, sizeof(symbols));
	memcpy(out + at + code + sizeof(symbols), names, sizeof(names));
	return at + code + sizeof(symbols) + sizeof(names);
}

/* One attach point, attached. */
struct live {
	struct target *target;
	struct compile *cc;
	struct session session;
	struct bpf_object *object;
	int map_fd;
	uint64_t words[WORDS];

	struct probe_site sites[16];
	struct probe_layout layouts[16];
	size_t nsites;
};

static int keep_site(const struct probe_site *site, const struct probe_layout *layout,
		     void *arg)
{
	struct live *l = arg;

	if (l->nsites == 16)
		return 1;
	l->layouts[l->nsites] = *layout;
	l->sites[l->nsites] = *site;
	l->sites[l->nsites].name_id = 100 + (uint32_t)l->nsites;
	l->nsites++;
	return 0;
}

/* The sites of an attach point of this program: how many. */
static size_t expand(struct live *l, const char *kind_name, const char *rest,
		     const struct probe_kind **kind)
{
	struct attach_point point = { 0 };
	struct probe_spec spec;
	const char *what = NULL;

	point.text =
		arena_printf(l->cc->arena, "%s:/proc/self/exe:%s", kind_name, rest);
	l->nsites = 0;
	*kind = probe_parse(l->cc, &point, &spec);
	if (!CHECK(*kind) ||
	    !CHECK_INT_EQ((*kind)->expand(l->cc, &spec, keep_site, l, &what), 0))
		return 0;
	return l->nsites;
}

static bool attach(struct live *l, const char *kind_name, const char *rest)
{
	static uint8_t object[8192] __attribute__((aligned(8)));
	const struct probe_site *failed = NULL;
	struct bpf_program *prog;
	struct image_program p = { 0 };
	struct program code;
	int err;

	if (!CHECK(expand(l, kind_name, rest, &p.kind) > 0)) {
		fprintf(stderr, "\tfor %s\n", rest);
		return false;
	}
	p.sites = l->sites;
	p.nsites = l->nsites;
	memset(l->words, 0, sizeof(l->words));
	bpf_map_update_elem(l->map_fd, &(uint32_t){ 0 }, l->words, 0);
	make_program(&code, l->map_fd);
	l->object = bpf_object__open_mem(object, make_object(&code, object), NULL);
	if (!CHECK(l->object))
		return false;
	prog = bpf_object__next_program(l->object, NULL);
	p.kind->prepare(&l->session, &p, prog);
	if (!CHECK_INT_EQ(bpf_object__load(l->object), 0))
		return false;
	err = p.kind->attach(&l->session, &p, prog, &failed);
	return CHECK_INT_EQ(err, 0);
}

static void detach(struct live *l)
{
	struct session *s = &l->session;

	while (s->links.n > 0)
		bpf_link__destroy(s->links.items[--s->links.n]);
	while (s->fds.n > 0)
		close(s->fds.items[--s->fds.n]);
	bpf_object__close(l->object);
	l->object = NULL;
}

/* After the code with the probe ran: what the program saw. */
static void read_words(struct live *l)
{
	bpf_map_lookup_elem(l->map_fd, &(uint32_t){ 0 }, l->words);
}

static int64_t read_number(const void *at, unsigned size, bool is_signed)
{
	uint64_t n = 0;
	unsigned unused = 64 - 8 * size;

	memcpy(&n, at, size);
	n <<= unused;
	return is_signed ? (int64_t)n >> unused : (int64_t)(n >> unused);
}

/* What the program's code would do: the registers are in words, the memory is ours. */
static int64_t evaluate(const struct live *l, const struct probe_field *f)
{
	const char *regs = (const char *)l->words;
	const struct location *at = &f->at;
	uint64_t address = (uint64_t)at->value;

	if (at->kind == LOC_CONSTANT)
		return at->value;
	if (at->kind == LOC_REGISTER)
		return read_number(regs + at->base, at->size, at->is_signed);
	if (!CHECK_INT_EQ(at->kind, LOC_MEMORY))
		return 0;
	if (at->base != LOC_NO_REGISTER)
		address += (uint64_t)read_number(regs + at->base, 8, false);
	if (at->index != LOC_NO_REGISTER)
		address +=
			(uint64_t)read_number(regs + at->index, 8, false) * at->scale;
	return read_number((const void *)(uintptr_t)address, at->size, at->is_signed);
}

/* Stands for an argument that cannot be read. */
static const int64_t bad = INT64_MIN + 1;

static void check_fields(struct live *l, const char *name, const int64_t *want,
			 size_t n)
{
	size_t i;

	if (!attach(l, "usdt", name))
		return;
	live_fire(table, 8);
	read_words(l);
	CHECK_INT_EQ(l->nsites, 1);
	CHECK_INT_EQ(l->words[REGS + 1], 1);
	CHECK_INT_EQ(l->words[REGS], 100);
	CHECK_INT_EQ(l->layouts[0].n, n);
	for (i = 0; i < n && i < l->layouts[0].n; i++) {
		const struct probe_field *f = &l->layouts[0].fields[i];
		bool ok = want[i] == bad ? CHECK_INT_EQ(f->at.kind, LOC_UNREADABLE)
					 : CHECK_INT_EQ(evaluate(l, f), want[i]);

		if (!ok)
			fprintf(stderr, "\tin argument %zu of %s\n", i, name);
	}
	detach(l);
}

static void check_usdt(struct live *l)
{
	static const int64_t registers[] = {
		0x1122334455667788, 0x55667788, 0x7788, 0x88, 0x77, -2,
		0xfffffffe,         8,          3,      0xfe,
	};
	static const int64_t memory[] = { 10, -13, -13, 12, 12, 10, -42, -2, 3, 1 };
	const int64_t others[] = { -7, -1, bad, bad, -4, 0x90, bad, 5 };

	check_fields(l, "live:registers", registers, 10);
	CHECK_INT_EQ(live_semaphore, 0);
	check_fields(l, "memory", memory, 10);
	check_fields(l, "live:others", others, 8);

	if (attach(l, "usdt", "live:memory")) {
		CHECK_INT_EQ(*(volatile uint16_t *)&live_semaphore, 1);
		detach(l);
	}
	CHECK_INT_EQ(*(volatile uint16_t *)&live_semaphore, 0);
	/* Some of the five are at one instruction. */
	if (attach(l, "usdt", "live:*")) {
		CHECK_INT_EQ(l->nsites, 5);
		live_fire(table, 8);
		read_words(l);
		CHECK_INT_EQ(l->words[REGS + 1], 5);
		detach(l);
	}
}

/* Where the kernel needs no trap for the long one of two nops, the probe is there. */
static void check_nops(struct live *l)
{
	const int64_t three = 3;
	uint64_t offset;

	check_fields(l, "two_nops", &three, 1);
	offset = l->sites[0].offset;
	check_fields(l, "long_nop", &three, 1);
	CHECK_INT_EQ(l->sites[0].offset - offset,
		     feature_try(FEATURE_UPROBE_NOP5) ? 0 : 1);
}

static void check_functions(struct live *l)
{
	size_t i;

	if (attach(l, "uprobe", "live_sum")) {
		CHECK_INT_EQ(live_sum(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), 55);
		read_words(l);
		CHECK_INT_EQ(l->words[REGS + 1], 1);
		CHECK_INT_EQ(l->layouts[0].n, 10);
		for (i = 0; i < 6; i++)
			CHECK_INT_EQ(evaluate(l, &l->layouts[0].fields[i]), i + 1);
		/* By now the stack holds other things: only where they were is known. */
		for (i = 6; i < 10; i++) {
			const struct location *at = &l->layouts[0].fields[i].at;

			CHECK_INT_EQ(at->kind, LOC_MEMORY);
			CHECK_INT_EQ(at->base, 152);
			CHECK_INT_EQ(at->value, 8 * (i - 6) + 8);
		}
		detach(l);
	}
	if (attach(l, "uretprobe", "live_sum")) {
		live_sum(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
		read_words(l);
		CHECK_INT_EQ(l->words[REGS + 1], 1);
		CHECK_INT_EQ(evaluate(l, &l->layouts[0].fields[0]), 55);
		detach(l);
	}
}

/* Code linked at address is at this offset of the file. */
static uint64_t offset_of(struct live *l, const char *name)
{
	const struct probe_kind *kind;

	return expand(l, "uretprobe", name, &kind) ? l->sites[0].offset : 0;
}

static void check_entry(struct live *l)
{
	uint64_t padded, loop;

	if (attach(l, "uprobe", "live_padded")) {
		padded = l->sites[0].offset;
		CHECK_INT_EQ(live_padded(7), 7);
		read_words(l);
		CHECK_INT_EQ(l->words[REGS + 1], 1);
		CHECK_INT_EQ(evaluate(l, &l->layouts[0].fields[0]), 7);
		detach(l);
		CHECK(attach(l, "uprobe", "live_padded+4"));
		CHECK_INT_EQ(l->sites[0].offset, padded);
		detach(l);
	}
	/* After the pad comes a loop's head: the probe must stay before it. */
	if (attach(l, "uprobe", "live_loop")) {
		loop = l->sites[0].offset;
		CHECK_INT_EQ(live_loop(5), 0);
		read_words(l);
		CHECK_INT_EQ(l->words[REGS + 1], 1);
		detach(l);
		CHECK_INT_EQ(loop, offset_of(l, "live_loop"));
	}
}

static void check_failure(struct live *l)
{
	const struct probe_site *failed = NULL;
	struct bpf_program *prog;
	struct image_program p = { 0 };

	if (!attach(l, "uprobe", "live_padded"))
		return;
	prog = bpf_object__next_program(l->object, NULL);
	p.kind = probe_find("uprobe");
	p.nsites = 2;
	p.sites = l->sites;
	l->sites[1] = l->sites[0];
	l->sites[1].offset = 1ull << 40;
	CHECK(p.kind->attach(&l->session, &p, prog, &failed) < 0);
	CHECK(failed == &l->sites[1]);
	detach(l);
}

static void run(struct live *l, bool multi)
{
	l->session.has[FEATURE_UPROBE_MULTI] = multi;
	l->session.tried[FEATURE_UPROBE_MULTI] = true;
	check_usdt(l);
	check_nops(l);
	check_functions(l);
	check_entry(l);
	check_failure(l);
}

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level, (void)format, (void)args;
	return 0;
}

int main(void)
{
	struct compile_options options = { .pid = getpid() };
	struct live l = { 0 };

	libbpf_set_print(silent);
	if (geteuid() != 0)
		return test_skip("attaching probes needs root");
	if (!CHECK_INT_EQ(target_linux_open(&l.target), 0))
		return 1;
	l.cc = compile_new(l.target, &options);
	l.cc->source = source_new(l.cc->arena, "test", "", 0);
	l.session.arena = l.cc->arena;
	CHECK_INT_EQ(live_counter, -42);
	CHECK_INT_EQ(live_array[3], -4);
	l.map_fd =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, "live", 4, sizeof(l.words), 1, NULL);
	if (l.map_fd < 0)
		return test_skip("this kernel does not let us make BPF maps");

	run(&l, false);
	if (feature_try(FEATURE_UPROBE_MULTI))
		run(&l, true);
	else
		printf("no uprobe_multi links here: only the other way was tried\n");

	close(l.map_fd);
	compile_free(l.cc);
	target_linux_close(l.target);
	return test_failures();
}
