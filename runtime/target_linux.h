/* The machine that memql runs on, as the compiler sees it. */
#ifndef MEMQL_TARGET_LINUX_H
#define MEMQL_TARGET_LINUX_H

#include "sema/target.h"

/*
 * 0, or -errno. What is asked of the target is read when it is first needed and kept
 * until it is closed. Not for use by several threads at once.
 */
int target_linux_open(struct target **out);
void target_linux_close(struct target *t); /* NULL is fine */

#endif
