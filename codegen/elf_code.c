/*
 * Lines come from .BTF.ext, the records that the kernel's verifier quotes from; names of
 * maps from the relocations.
 */
#include "codegen/elf_code.h"

#include <linux/bpf.h>
#include <string.h>

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

static const void *content(const struct elf_code *f, const Elf64_Shdr *s)
{
	return f->bytes + s->sh_offset;
}

static const char *section_name(const struct elf_code *f, const Elf64_Shdr *s)
{
	return f->section_names + s->sh_name;
}

static void find_tables(struct elf_code *f)
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

void elf_code_open(struct elf_code *f, const void *elf)
{
	const Elf64_Ehdr *h = elf;

	*f = (struct elf_code){ .bytes = elf };
	f->sections = (const void *)(f->bytes + h->e_shoff);
	f->nsections = h->e_shnum;
	f->section_names = content(f, &f->sections[h->e_shstrndx]);
	find_tables(f);
}

const char *elf_code_name(const struct elf_code *f, const Elf64_Sym *symbol)
{
	return f->names + symbol->st_name;
}

const char *elf_code_section(const struct elf_code *f, const Elf64_Sym *symbol)
{
	return section_name(f, &f->sections[symbol->st_shndx]);
}

bool elf_code_is_function(const struct elf_code *f, const Elf64_Sym *s,
			  const char *name)
{
	if (ELF64_ST_TYPE(s->st_info) != STT_FUNC)
		return false;
	if (name)
		return strcmp(elf_code_name(f, s), name) == 0;
	/* The programs have other sections. */
	return strcmp(elf_code_section(f, s), ".text") == 0;
}

const struct bpf_insn *elf_code_insns(const struct elf_code *f, const Elf64_Sym *symbol,
				      size_t *n)
{
	const struct bpf_insn *code = content(f, &f->sections[symbol->st_shndx]);

	*n = symbol->st_size / sizeof(*code);
	return code + symbol->st_value / sizeof(*code);
}

const unsigned char *elf_code_lines(const struct elf_code *f, const Elf64_Sym *symbol,
				    uint32_t *n, uint32_t *each)
{
	const unsigned char *p = f->lines, *end = p + f->lines_len;
	const char *section = elf_code_section(f, symbol);

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

const char *elf_code_text(const struct elf_code *f, const struct elf_line *l)
{
	const char *text = f->btf_names + l->text_off;

	return text + strspn(text, " \t");
}

/*
 * Functions of our own have no symbol that others see: what refers to one names their
 * section, and has the distance in the instruction.
 */
static const char *name_in_section(const struct elf_code *f, const Elf64_Sym *section,
				   const struct bpf_insn *in)
{
	const bool call = in->code == (BPF_JMP | BPF_CALL);
	const uint64_t at = call ? (uint64_t)(in->imm + 1) * sizeof(*in)
				 : (uint64_t)(uint32_t)in->imm;

	for (size_t i = 0; i < f->nsymbols; i++) {
		const Elf64_Sym *s = &f->symbols[i];

		if (ELF64_ST_TYPE(s->st_info) == STT_FUNC &&
		    s->st_shndx == section->st_shndx && s->st_value == at)
			return f->names + s->st_name;
	}
	return section_name(f, &f->sections[section->st_shndx]);
}

const char *elf_code_target(const struct elf_code *f, const Elf64_Sym *symbol,
			    uint64_t offset)
{
	const unsigned char *code = content(f, &f->sections[symbol->st_shndx]);

	for (unsigned i = 0; i < f->nsections; i++) {
		const Elf64_Shdr *s = &f->sections[i];
		const Elf64_Rel *r = content(f, s);

		if (s->sh_type != SHT_REL || s->sh_info != symbol->st_shndx)
			continue;
		for (size_t n = s->sh_size / sizeof(*r); n; n--, r++) {
			const Elf64_Sym *to = &f->symbols[ELF64_R_SYM(r->r_info)];

			if (r->r_offset != offset)
				continue;
			return ELF64_ST_TYPE(to->st_info) == STT_SECTION
				       ? name_in_section(f, to,
							 (const void *)(code + offset))
				       : f->names + to->st_name;
		}
	}
	return NULL;
}
