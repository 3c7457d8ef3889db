/* The machine that memql runs on, as the compiler sees it. */
#ifndef MEMQL_TARGET_LINUX_H
#define MEMQL_TARGET_LINUX_H

#include "sema/target.h"

struct object_cache;

/*
 * 0, or -errno. What is asked of the target is read when it is first needed and kept
 * until it is closed. Not for use by several threads at once.
 */
int target_linux_open(struct target **out);

/*
 * Lists of names that the kernel takes long to write are kept there from one start to the
 * next; NULL: they are not. The cache must outlive what is asked of the target.
 */
void target_linux_keep(struct target *t, struct object_cache *cache);
void target_linux_close(struct target *t); /* NULL is fine */

#endif
