/* The functions behind sema/features.def: features_bpf.c and features_system.c. */
#ifndef MEMQL_FEATURES_INTERNAL_H
#define MEMQL_FEATURES_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Each tries one feature: 0 if it is there, else -errno. *why may be set to what errno
 * does not tell. -EPERM and -EACCES of one who lacks privileges mean: unknown.
 */
#define FEATURE(NAME, name, group, need, probe, use, without, fix)                     \
	int probe(const char **why);
#include "sema/features.def"
#undef FEATURE

/*
 * A program that does nothing, for a link of uprobe_multi; such a link, of the first byte
 * of a file. Descriptors or -errno.
 */
int try_uprobe_program(void);
int try_uprobe_link(int prog_fd, const char *path, int32_t pid);

#endif
