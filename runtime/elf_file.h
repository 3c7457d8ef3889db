/*
 * What probes need of an ELF file: functions with their versions, USDT notes, addresses
 * of data, and where an address is in the file. 64-bit files of this machine's kind only.
 */
#ifndef MEMQL_ELF_FILE_H
#define MEMQL_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sema/target.h"

struct elf_file;

/*
 * Map a file. 0, or -ENOEXEC if it is not ELF for this machine, or what open and mmap
 * say. *out is set only on success. Nothing of the file stays open but its mapping.
 */
int elf_file_open(const char *path, struct elf_file **out);
void elf_file_close(struct elf_file *f); /* NULL is fine */

/*
 * The functions it has, those of one name side by side; read once, and valid until the
 * file is closed. Of several entries for one name, version and address there is one. 0
 * or -errno.
 */
int elf_file_symbols(struct elf_file *f, const struct target_symbol **out, size_t *n);

/*
 * Call found for each USDT probe, in the order of the notes. Those whose address lies
 * in no executable segment are left out: linkers keep notes of code that they dropped.
 */
int elf_file_usdt(struct elf_file *f,
		  int (*found)(const struct target_usdt *u, void *arg), void *arg);

/* Address and bytes of a symbol that is not a function: 0 or -ENOENT. */
int elf_file_data_address(struct elf_file *f, const char *name, uint64_t *address,
			  uint64_t *size);

/* The address of code at an offset of the file. -ERANGE: there is none. */
int elf_file_linked_address(const struct elf_file *f, uint64_t offset,
			    uint64_t *address);

/*
 * Where an address of code is in the file, and up to *size bytes from there; *size is
 * set to how many there were. -ERANGE: no executable segment has the address.
 */
int elf_file_code(struct elf_file *f, uint64_t address, uint64_t *offset,
		  uint8_t *bytes, size_t *size);

bool elf_file_has_section(struct elf_file *f, const char *name);

#endif
