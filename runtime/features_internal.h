/* The functions behind sema/features.def: features_bpf.c and features_system.c. */
#ifndef MEMQL_FEATURES_INTERNAL_H
#define MEMQL_FEATURES_INTERNAL_H

#include <stdbool.h>

/*
 * Each tries one feature: 0 if it is there, else -errno. *why may be set to what errno
 * does not tell. -EPERM and -EACCES of one who lacks privileges mean: unknown.
 */
#define FEATURE(NAME, name, group, need, probe, use, without, fix)                     \
	int probe(const char **why);
#include "sema/features.def"
#undef FEATURE

#endif
