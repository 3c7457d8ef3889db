/*
 * The files that processes run code from, each once. A file is opened when it is first
 * seen, since its name may lead nowhere later: it is deleted by an upgrade, or belongs to
 * a container that ends. Its symbols are read when they are first asked for.
 */
#ifndef MEMQL_MAPPED_FILES_H
#define MEMQL_MAPPED_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/elf_lookup.h"
#include "runtime/proc_maps.h"

struct mapped_files;
struct mapped_file;

struct mapped_files_limits {
	size_t table_bytes; /* memory for symbols of files; the latest one always fits */
	size_t open_files;  /* descriptors that are held */
};

struct mapped_files *mapped_files_new(const struct mapped_files_limits *limits,
				      const char *debug_root);
void mapped_files_free(struct mapped_files *all); /* NULL is fine */

/*
 * The file of a mapping of a process that runs, or ran just now; NULL for anonymous
 * memory. The caller owns a reference.
 */
struct mapped_file *mapped_file_of(struct mapped_files *all, int32_t pid,
				   const struct proc_mapping *m);
void mapped_file_get(struct mapped_file *f);
void mapped_file_put(struct mapped_files *all, struct mapped_file *f);

/* What the process calls it: "/path", "[vdso]". */
const char *mapped_file_name(const struct mapped_file *f);

/*
 * What is at an offset of the file: false if that is not known. The name is valid until
 * the next call for any file.
 */
bool mapped_file_at(struct mapped_files *all, struct mapped_file *f, uint64_t offset,
		    struct elf_place *out);

#endif
