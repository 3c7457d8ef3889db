/*
 * --dump=bpf: the instructions in an ELF file, under the source lines they come from.
 *
 * The file is our own: little checking is needed. Lines come from .BTF.ext, the records
 * that the kernel's verifier quotes from; names of maps from the relocations.
 */
#include "codegen/internal.h"

#include <elf.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"

/* Heads of .BTF and .BTF.ext, and the records of the latter: kernel ABI. */
struct btf_head {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t head_len, type_off, type_len, str_off, str_len;
};

struct btf_ext_head {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t head_len, func_off, func_len, line_off, line_len;
};

struct line_section {
	uint32_t name_off, n;
};

struct line {
	uint32_t offset; /* bytes, in the section */
	uint32_t file_off, text_off, line_column;
};

struct file {
	const unsigned char *bytes;
	const Elf64_Shdr *sections;
	unsigned nsections;
	const char *section_names;
	const Elf64_Sym *symbols;
	size_t nsymbols;
	const char *names;
	const char *btf_names;
	const unsigned char *lines; /* of all sections */
	size_t lines_len;
};

static const void *content(const struct file *f, const Elf64_Shdr *s)
{
	return f->bytes + s->sh_offset;
}

static const char *section_name(const struct file *f, const Elf64_Shdr *s)
{
	return f->section_names + s->sh_name;
}

static void find_tables(struct file *f)
{
	for (unsigned i = 0; i < f->nsections; i++) {
		const Elf64_Shdr *s = &f->sections[i];
		const char *name = section_name(f, s);

		if (s->sh_type == SHT_SYMTAB) {
			f->symbols = content(f, s);
			f->nsymbols = s->sh_size / sizeof(Elf64_Sym);
			f->names = content(f, &f->sections[s->sh_link]);
		} else if (strcmp(name, ".BTF") == 0) {
			const struct btf_head *h = content(f, s);

			f->btf_names = (const char *)h + h->head_len + h->str_off;
		} else if (strcmp(name, ".BTF.ext") == 0) {
			const struct btf_ext_head *h = content(f, s);

			f->lines = (const unsigned char *)h + h->head_len + h->line_off;
			f->lines_len = h->line_len;
		}
	}
}

static void open_file(struct file *f, const void *elf)
{
	const Elf64_Ehdr *h = elf;

	*f = (struct file){ .bytes = elf };
	f->sections = (const void *)(f->bytes + h->e_shoff);
	f->nsections = h->e_shnum;
	f->section_names = content(f, &f->sections[h->e_shstrndx]);
	find_tables(f);
}

/* The lines of one section: n records of each bytes. */
static const unsigned char *lines_of(const struct file *f, const char *section,
				     uint32_t *n, uint32_t *each)
{
	const unsigned char *p = f->lines, *end = p + f->lines_len;

	*n = 0;
	if (!p || f->lines_len < sizeof(*each))
		return NULL;
	memcpy(each, p, sizeof(*each));
	p += sizeof(*each);
	while (p < end) {
		const struct line_section *s = (const void *)p;

		p += sizeof(*s);
		if (strcmp(f->btf_names + s->name_off, section) == 0) {
			*n = s->n;
			return p;
		}
		p += (size_t)s->n * *each;
	}
	return NULL;
}

/* What an instruction's 64-bit constant or call refers to, or NULL. */
static const char *target_of(const struct file *f, unsigned section, uint64_t offset)
{
	for (unsigned i = 0; i < f->nsections; i++) {
		const Elf64_Shdr *s = &f->sections[i];
		const Elf64_Rel *r = content(f, s);

		if (s->sh_type != SHT_REL || s->sh_info != section)
			continue;
		for (size_t n = s->sh_size / sizeof(*r); n; n--, r++) {
			const Elf64_Sym *to = &f->symbols[ELF64_R_SYM(r->r_info)];

			if (r->r_offset != offset)
				continue;
			return ELF64_ST_TYPE(to->st_info) == STT_SECTION
				       ? section_name(f, &f->sections[to->st_shndx])
				       : f->names + to->st_name;
		}
	}
	return NULL;
}

static const char *helper_name(int32_t number)
{
	switch (number) {
#define HELPER(name, id, constant)                                                     \
	case id:                                                                       \
		return #name;
#include "codegen/helpers.def"
#undef HELPER
	}
	return "?";
}

static char bank(const struct bpf_insn *in)
{
	unsigned class = BPF_CLASS(in->code);

	return class == BPF_ALU || class == BPF_JMP32 ? 'w' : 'r';
}

/* The second operand: a register or a constant. */
static void print_source(FILE *out, const struct bpf_insn *in)
{
	if (BPF_SRC(in->code) == BPF_X)
		fprintf(out, "%c%u", bank(in), in->src_reg);
	else
		fprintf(out, "%d", in->imm);
}

static void print_alu(FILE *out, const struct bpf_insn *in)
{
	static const char *const ops[] = { "+=",  "-=", "*=", "/=", "|=", "&=",  "<<=",
					   ">>=", "",   "%=", "^=", "=",  "s>>=" };
	unsigned op = BPF_OP(in->code) >> 4;

	if (BPF_OP(in->code) == BPF_NEG) {
		fprintf(out, "%c%u = -%c%u", bank(in), in->dst_reg, bank(in),
			in->dst_reg);
	} else if (BPF_OP(in->code) == BPF_END) {
		fprintf(out, "r%u = %s%d r%u", in->dst_reg,
			BPF_SRC(in->code) == BPF_TO_BE ? "be" : "le", in->imm,
			in->dst_reg);
	} else {
		fprintf(out, "%c%u %s ", bank(in), in->dst_reg,
			op < sizeof(ops) / sizeof(ops[0]) ? ops[op] : "?");
		print_source(out, in);
	}
}

static void print_call(FILE *out, const struct bpf_insn *in, const char *target)
{
	if (in->src_reg == BPF_PSEUDO_CALL)
		fprintf(out, "call %s", target ? target : "?");
	else
		fprintf(out, "call %s#%d", helper_name(in->imm), in->imm);
}

static void print_jump(FILE *out, const struct bpf_insn *in, size_t index,
		       const char *target)
{
	static const char *const ops[] = { "",    "==", ">", ">=", "&",  "!=", "s>",
					   "s>=", "",   "",  "<",  "<=", "s<", "s<=" };
	unsigned op = BPF_OP(in->code) >> 4;
	size_t to = index + 1 + (size_t)in->off;

	if (BPF_OP(in->code) == BPF_CALL) {
		print_call(out, in, target);
	} else if (BPF_OP(in->code) == BPF_EXIT) {
		fputs("exit", out);
	} else if (BPF_OP(in->code) == BPF_JA) {
		fprintf(out, "goto %zu", to);
	} else {
		fprintf(out, "if %c%u %s ", bank(in), in->dst_reg,
			op < sizeof(ops) / sizeof(ops[0]) ? ops[op] : "?");
		print_source(out, in);
		fprintf(out, " goto %zu", to);
	}
}

static void print_place(FILE *out, const struct bpf_insn *in, unsigned base)
{
	static const char *const types[] = { "u32", "u16", "u8", "u64" };

	fprintf(out, "*(%s *)(r%u %c %d)", types[BPF_SIZE(in->code) >> 3], base,
		in->off < 0 ? '-' : '+', abs(in->off));
}

static void print_atomic(FILE *out, const struct bpf_insn *in)
{
	const char *op = (in->imm & ~BPF_FETCH) == BPF_ADD   ? "+="
			 : (in->imm & ~BPF_FETCH) == BPF_OR  ? "|="
			 : (in->imm & ~BPF_FETCH) == BPF_AND ? "&="
							     : "^=";

	fputs("lock ", out);
	if (in->imm == BPF_CMPXCHG) {
		fputs("r0 = compare_exchange ", out);
		print_place(out, in, in->dst_reg);
		fprintf(out, ", r0, r%u", in->src_reg);
		return;
	}
	if (in->imm & BPF_FETCH)
		fprintf(out, "r%u = fetch ", in->src_reg);
	print_place(out, in, in->dst_reg);
	fprintf(out, " %s r%u", op, in->src_reg);
}

static void print_memory(FILE *out, const struct bpf_insn *in)
{
	switch (BPF_CLASS(in->code)) {
	case BPF_LDX:
		fprintf(out, "r%u = ", in->dst_reg);
		print_place(out, in, in->src_reg);
		return;
	case BPF_ST:
		print_place(out, in, in->dst_reg);
		fprintf(out, " = %d", in->imm);
		return;
	}
	if (BPF_MODE(in->code) == BPF_ATOMIC) {
		print_atomic(out, in);
		return;
	}
	print_place(out, in, in->dst_reg);
	fprintf(out, " = r%u", in->src_reg);
}

static void print_constant(FILE *out, const struct bpf_insn *in, const char *target)
{
	uint64_t n = (uint64_t)(uint32_t)in[1].imm << 32 | (uint32_t)in[0].imm;

	if (target && n)
		fprintf(out, "r%u = %s + %" PRIu64, in->dst_reg, target, n);
	else if (target)
		fprintf(out, "r%u = %s", in->dst_reg, target);
	else
		fprintf(out, "r%u = 0x%" PRIx64, in->dst_reg, n);
}

/* One instruction; returns how many 8-byte units it takes. */
static size_t print_insn(FILE *out, const struct bpf_insn *in, size_t index,
			 const char *target)
{
	fprintf(out, "%6zu: ", index);
	switch (BPF_CLASS(in->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		print_alu(out, in);
		break;
	case BPF_JMP:
	case BPF_JMP32:
		print_jump(out, in, index, target);
		break;
	case BPF_LD:
		print_constant(out, in, target);
		fputc('\n', out);
		return 2;
	case BPF_LDX:
	case BPF_ST:
	case BPF_STX:
		print_memory(out, in);
		break;
	}
	fputc('\n', out);
	return 1;
}

static void print_line(FILE *out, const struct file *f, const struct line *l)
{
	const char *text = f->btf_names + l->text_off;

	text += strspn(text, " \t");
	fprintf(out, "; %u:%u: %s\n", l->line_column >> 10, l->line_column & 1023,
		text);
}

static void print_function(FILE *out, const struct file *f, const Elf64_Sym *symbol)
{
	const Elf64_Shdr *s = &f->sections[symbol->st_shndx];
	const struct bpf_insn *code = content(f, s);
	size_t first = symbol->st_value / sizeof(*code);
	size_t n = symbol->st_size / sizeof(*code);
	uint32_t nlines, each = 0;
	const unsigned char *lines = lines_of(f, section_name(f, s), &nlines, &each);

	fprintf(out, "%s (%s), %zu instructions\n", f->names + symbol->st_name,
		section_name(f, s), n);
	for (size_t i = 0; i < n;) {
		size_t at = (first + i) * sizeof(*code);

		for (; nlines; nlines--, lines += each) {
			const struct line *l = (const void *)lines;

			if (l->offset > at)
				break;
			if (l->offset == at)
				print_line(out, f, l);
		}
		i += print_insn(out, &code[first + i], i,
				target_of(f, symbol->st_shndx, at));
	}
	fputc('\n', out);
}

/*
 * Where the instruction touches the stack, relative to its top: by a load or store, or by
 * r = r10 with r += offset right after it, which is how LLVM takes an address.
 */
static int64_t stack_offset(const struct bpf_insn *i)
{
	bool store = BPF_CLASS(i->code) == BPF_ST || BPF_CLASS(i->code) == BPF_STX;

	if (store && i->dst_reg == BPF_REG_10)
		return i->off;
	if (BPF_CLASS(i->code) == BPF_LDX && i->src_reg == BPF_REG_10)
		return i->off;
	if (i->code == (BPF_ALU64 | BPF_MOV | BPF_X) && i->src_reg == BPF_REG_10 &&
	    i[1].code == (BPF_ALU64 | BPF_ADD | BPF_K) && i[1].dst_reg == i->dst_reg)
		return i[1].imm;
	return 0;
}

static bool is_named(const struct file *f, const Elf64_Sym *s, const char *name)
{
	return ELF64_ST_TYPE(s->st_info) == STT_FUNC &&
	       strcmp(f->names + s->st_name, name) == 0;
}

size_t stack_depth(const void *elf, const char *symbol)
{
	struct file f;
	int64_t lowest = 0;

	open_file(&f, elf);
	for (size_t k = 0; k < f.nsymbols; k++) {
		const Elf64_Sym *s = &f.symbols[k];
		const struct bpf_insn *code, *end;

		if (!is_named(&f, s, symbol))
			continue;
		code = (const void *)((const char *)content(&f,
							    &f.sections[s->st_shndx]) +
				      s->st_value);
		for (end = code + s->st_size / sizeof(*code); code < end; code++) {
			int64_t at = stack_offset(code);

			lowest = at < lowest ? at : lowest;
		}
	}
	return (size_t)-lowest;
}

/* Of function.c: the programs have other sections. */
static bool is_function(const struct file *f, const Elf64_Sym *s)
{
	return ELF64_ST_TYPE(s->st_info) == STT_FUNC &&
	       strcmp(section_name(f, &f->sections[s->st_shndx]), ".text") == 0;
}

const char *disassemble(struct arena *a, const struct plan *plan, const void *elf)
{
	char *text = NULL;
	const char *copy;
	size_t len = 0;
	struct file f;
	FILE *out;

	open_file(&f, elf);
	out = open_memstream(&text, &len);
	if (!out)
		return "";
	for (size_t i = 0; i < plan->programs.n; i++)
		for (size_t k = 0; k < f.nsymbols; k++)
			if (is_named(&f, &f.symbols[k],
				     plan->programs.items[i]->symbol))
				print_function(out, &f, &f.symbols[k]);
	for (size_t k = 0; k < f.nsymbols; k++)
		if (is_function(&f, &f.symbols[k]))
			print_function(out, &f, &f.symbols[k]);
	fclose(out);
	copy = arena_strndup(a, text, len);
	free(text);
	return copy;
}
