/*
 * From places in an ELF file to the functions there: what a stack printer asks. It takes 12
 * bytes and the name for each function; nothing of the file stays open.
 */
#ifndef MEMQL_ELF_LOOKUP_H
#define MEMQL_ELF_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_lookup;

/* Where debug files are installed: what is below it mirrors the root directory. */
#define ELF_DEBUG_ROOT "/usr/lib/debug"

/*
 * Reads .symtab and .dynsym; if there is no .symtab, also that of a separate debug file:
 * the one that .gnu_debuglink names (in the directory of the file, in .debug/ there, or
 * in the same place below debug_root), or the one of the build-id. It counts only if its
 * build-id or checksum is that of the file. Compressed symbols within the file
 * (.gnu_debugdata) are not read.
 *
 * The name is where we would look for the file, which decides where its debug file can
 * be; the path is one that opens it, whatever is there now. 0, or -errno as
 * elf_file_open(); a file without any symbols is not an error.
 */
int elf_lookup_open(const char *path, const char *name, const char *debug_root,
		    struct elf_lookup **out);
void elf_lookup_close(struct elf_lookup *l); /* NULL is fine */

/* A function, or a label of assembler code, that a place belongs to. */
struct elf_place {
	const char *name; /* without a version; lives as long as the lookup */
	uint64_t offset;  /* of the place, from the beginning of the function */
};

/*
 * What is at an offset of the file, in one of its executable segments. Where functions
 * contain each other it is the innermost; of several names of one function a global one
 * comes before a local one, then the one with the fewest underscores in front. A function
 * whose size is not known ends where another one or its section does.
 */
bool elf_lookup_at(const struct elf_lookup *l, uint64_t file_offset,
		   struct elf_place *out);

/* Memory that it takes. */
size_t elf_lookup_bytes(const struct elf_lookup *l);

#endif
