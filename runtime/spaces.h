/*
 * What code is where in the address spaces of processes, also of those that ended: the
 * last ones are kept up to a limit.
 */
#ifndef MEMQL_SPACES_H
#define MEMQL_SPACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/mapped_files.h"

struct spaces;

/* Addresses with code. */
struct space_code {
	uint64_t start, end;
	uint64_t offset;          /* of start in the file */
	struct mapped_file *file; /* NULL: made by the program, as by a JIT compiler */
};

struct spaces_limits {
	size_t ended; /* address spaces that no process has any more */
	size_t codes; /* pieces of code in one space */
};

/* The files must outlive the spaces. */
struct spaces *spaces_new(struct mapped_files *files,
			  const struct spaces_limits *limits);
void spaces_free(struct spaces *all); /* NULL is fine */

/* True if anything is known of the process, which may have ended. */
bool spaces_know(const struct spaces *all, int32_t pid);

/*
 * Take what /proc says of a process. If that is another program than the one known, the
 * old one is kept beside it. -ESRCH: there is no such process; other -errno.
 */
int spaces_read(struct spaces *all, int32_t pid);

/*
 * Take what /proc says if it was not asked for max_age; now is a clock in the same unit.
 * A process that is gone has ended then.
 */
void spaces_refresh(struct spaces *all, int32_t pid, uint64_t now, uint64_t max_age);

/* What happens to processes, in order. */
void spaces_fork(struct spaces *all, int32_t parent, int32_t child);
void spaces_exec(struct spaces *all, int32_t pid);
void spaces_map(struct spaces *all, int32_t pid, const struct proc_mapping *m);
void spaces_end(struct spaces *all, int32_t pid);

/*
 * The code at an address in the process, or in what ran under its number before: NULL if
 * none is known. Valid until the next call of another function.
 */
const struct space_code *spaces_find(struct spaces *all, int32_t pid, uint64_t address);

/* How many address spaces were given up to stay within the limits. */
uint64_t spaces_forgotten(const struct spaces *all);

#endif
