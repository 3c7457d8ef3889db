/* How much stack the functions of an ELF file of our own making use, alone and together. */
#include <linux/bpf.h>
#include <string.h>

#include "codegen/elf_code.h"

enum {
	CALLS_MAX = 64,  /* memql's functions do not call themselves */
	FRAME_ALIGN = 32 /* the verifier rounds each function's stack up to it */
};

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

static size_t own_depth(const struct elf_code *f, const Elf64_Sym *symbol)
{
	int64_t lowest = 0;
	size_t n;

	for (const struct bpf_insn *code = elf_code_insns(f, symbol, &n); n;
	     n--, code++) {
		int64_t at = stack_offset(code);

		lowest = at < lowest ? at : lowest;
	}
	return (size_t)-lowest;
}

static const Elf64_Sym *function_at(const struct elf_code *f, unsigned section,
				    uint64_t value)
{
	for (size_t i = 0; i < f->nsymbols; i++) {
		const Elf64_Sym *s = &f->symbols[i];

		if (ELF64_ST_TYPE(s->st_info) == STT_FUNC && s->st_shndx == section &&
		    s->st_value == value)
			return s;
	}
	return NULL;
}

/* What a relocation of an instruction leads to: a function that it calls or passes. */
static const Elf64_Sym *function_of(const struct elf_code *f, const Elf64_Rel *r,
				    const struct bpf_insn *code)
{
	const Elf64_Sym *to = &f->symbols[ELF64_R_SYM(r->r_info)];
	uint64_t value = to->st_value;

	if (ELF64_ST_TYPE(to->st_info) == STT_SECTION)
		value += code->code == (BPF_JMP | BPF_CALL)
				 ? ((uint64_t)(int64_t)code->imm + 1) * sizeof(*code)
				 : (uint64_t)(int64_t)code->imm;
	else if (ELF64_ST_TYPE(to->st_info) != STT_FUNC)
		return NULL;
	return function_at(f, to->st_shndx, value);
}

static struct stack_chain chain_of(const struct elf_code *f, const Elf64_Sym *symbol,
				   unsigned depth);

static void take_more(struct stack_chain *a, struct stack_chain b)
{
	a->bytes = b.bytes > a->bytes ? b.bytes : a->bytes;
	a->frames = b.frames > a->frames ? b.frames : a->frames;
}

/* What those of the functions need that this section's relocations lead to. */
static void add_callees(const struct elf_code *f, const Elf64_Sym *symbol,
			const Elf64_Shdr *relocations, unsigned depth,
			struct stack_chain *most)
{
	const Elf64_Rel *r = (const void *)(f->bytes + relocations->sh_offset);
	const Elf64_Shdr *section = &f->sections[symbol->st_shndx];

	for (size_t n = relocations->sh_size / sizeof(*r); n; n--, r++) {
		const struct bpf_insn *code =
			(const void *)(f->bytes + section->sh_offset + r->r_offset);
		const Elf64_Sym *callee;

		if (r->r_offset < symbol->st_value ||
		    r->r_offset >= symbol->st_value + symbol->st_size)
			continue;
		callee = function_of(f, r, code);
		if (callee)
			take_more(most, chain_of(f, callee, depth + 1));
	}
}

static struct stack_chain chain_of(const struct elf_code *f, const Elf64_Sym *symbol,
				   unsigned depth)
{
	size_t own = own_depth(f, symbol);
	struct stack_chain most = { 0 };

	own = (own ? own + FRAME_ALIGN - 1 : FRAME_ALIGN) & ~(size_t)(FRAME_ALIGN - 1);
	for (unsigned i = 0; depth < CALLS_MAX && i < f->nsections; i++) {
		const Elf64_Shdr *s = &f->sections[i];

		if (s->sh_type == SHT_REL && s->sh_info == symbol->st_shndx)
			add_callees(f, symbol, s, depth, &most);
	}
	return (struct stack_chain){ own + most.bytes, 1 + most.frames };
}

static const Elf64_Sym *find_function(const struct elf_code *f, const char *name)
{
	for (size_t i = 0; i < f->nsymbols; i++)
		if (elf_code_is_function(f, &f->symbols[i], name))
			return &f->symbols[i];
	return NULL;
}

size_t stack_depth(const void *elf, const char *symbol)
{
	const Elf64_Sym *s;
	struct elf_code f;

	elf_code_open(&f, elf);
	s = find_function(&f, symbol);
	return s ? own_depth(&f, s) : 0;
}

struct stack_chain stack_chain(const void *elf, const char *symbol)
{
	const Elf64_Sym *s;
	struct elf_code f;

	elf_code_open(&f, elf);
	s = find_function(&f, symbol);
	return s ? chain_of(&f, s, 1) : (struct stack_chain){ 0 };
}
