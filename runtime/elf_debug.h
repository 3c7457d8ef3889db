/* Separate debug files: where they are, and whether they belong to a file. */
#ifndef MEMQL_ELF_DEBUG_H
#define MEMQL_ELF_DEBUG_H

struct elf_file;

/*
 * Open the debug file of f, whose place is name: see elf_lookup_open().
 * -ENOENT: there is none that belongs to it.
 */
int elf_debug_open(struct elf_file *f, const char *name, const char *debug_root,
		   struct elf_file **out);

#endif
