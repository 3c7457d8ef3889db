/* Shared by the elf_*.c files; nobody else includes it. */
#ifndef MEMQL_ELF_INTERNAL_H
#define MEMQL_ELF_INTERNAL_H

#include <elf.h>
#include <libelf.h>

#include "runtime/elf_file.h"

struct elf_file {
	char *image; /* the whole file, mapped */
	size_t size;
	Elf *elf;
	const Elf64_Ehdr *header;
	const Elf64_Phdr *segments;
	size_t nsegments;
	size_t section_names;          /* section index */
	struct target_symbol *symbols; /* once asked for */
	size_t nsymbols;
	bool has_symbols;
};

/* Walks over sections: zero-initialise. */
struct elf_section {
	Elf_Scn *scn;
	const Elf64_Shdr *header;
	const char *name;
};
bool elf_section_next(struct elf_file *f, struct elf_section *s);
bool elf_section_find(struct elf_file *f, const char *name, struct elf_section *s);

/* Its contents in the file; false if it has none that can be read. */
bool elf_section_bytes(const struct elf_section *s, const uint8_t **bytes,
		       size_t *size);

/*
 * Where an address of a loaded segment is in the file, and how many bytes of the segment
 * begin there. False if no such segment has it.
 */
bool elf_file_offset(const struct elf_file *f, uint64_t address, bool executable,
		     uint64_t *offset, uint64_t *left);

/* A symbol table with its names and versions; all of it is in the mapped file. */
struct elf_table {
	const Elf64_Sym *symbols;
	size_t n;
	const char *names;
	size_t names_size;          /* the last byte of them is NUL */
	const Elf64_Versym *versym; /* per symbol, or NULL */
	const uint8_t *verdef;      /* version definitions, or NULL */
	size_t verdef_size;
	const char *version_names;
	size_t version_names_size;
};

/* False if the section is no symbol table, or makes no sense. */
bool elf_table_read(struct elf_file *f, const struct elf_section *s,
		    struct elf_table *t);

/* The text at an offset of a string table, or NULL. */
const char *elf_text_at(const char *texts, size_t size, size_t offset);

#endif
