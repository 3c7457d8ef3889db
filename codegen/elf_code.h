/*
 * The programs in an ELF file of our own making: functions, the source lines that their
 * instructions come from, and what the instructions refer to. Little checking is needed.
 */
#ifndef MEMQL_ELF_CODE_H
#define MEMQL_ELF_CODE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct bpf_insn;

struct elf_code {
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

/* One record of .BTF.ext: from this instruction on the code is of that source line. */
struct elf_line {
	uint32_t offset; /* bytes, in the section */
	uint32_t file_off, text_off, line_column;
};

static inline uint32_t elf_line_number(const struct elf_line *l)
{
	return l->line_column >> 10;
}

static inline uint32_t elf_line_column(const struct elf_line *l)
{
	return l->line_column & 1023;
}

/* elf must outlive f. */
void elf_code_open(struct elf_code *f, const void *elf);

const char *elf_code_name(const struct elf_code *f, const Elf64_Sym *symbol);
const char *elf_code_section(const struct elf_code *f, const Elf64_Sym *symbol);
/* A function of this name; name NULL: one that is called by programs, not one itself. */
bool elf_code_is_function(const struct elf_code *f, const Elf64_Sym *s,
			  const char *name);
/* Its instructions: *n units of 8 bytes. */
const struct bpf_insn *elf_code_insns(const struct elf_code *f, const Elf64_Sym *symbol,
				      size_t *n);

/* The lines of a symbol's section, n records of each bytes; NULL: there are none. */
const unsigned char *elf_code_lines(const struct elf_code *f, const Elf64_Sym *symbol,
				    uint32_t *n, uint32_t *each);
/* The text of a line, without the blanks before it. */
const char *elf_code_text(const struct elf_code *f, const struct elf_line *l);

/*
 * What the 64-bit constant or call at this offset of the symbol's section refers to, or
 * NULL.
 */
const char *elf_code_target(const struct elf_code *f, const Elf64_Sym *symbol,
			    uint64_t offset);

/* elf_stack.c: bytes of stack that the program of this name uses, without functions. */
size_t stack_depth(const void *elf, const char *symbol);
/* The most that it and the functions in each other use together, as the verifier counts. */
struct stack_chain {
	size_t bytes;
	unsigned frames; /* functions, with the program itself */
};
struct stack_chain stack_chain(const void *elf, const char *symbol);

/*
 * insn.c: one instruction as text; index is its place in the function, in units of 8
 * bytes. Returns how many units it takes.
 */
size_t insn_print(FILE *out, const struct bpf_insn *in, size_t index,
		  const char *target);

#endif
