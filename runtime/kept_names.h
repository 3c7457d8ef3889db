/*
 * Lists of the kernel's names, kept from one start to the next: to write one takes the
 * kernel 30 ms and more, to read it again takes 2.
 */
#ifndef MEMQL_KEPT_NAMES_H
#define MEMQL_KEPT_NAMES_H

#include "runtime/kernel_names.h"

struct object_cache;

/*
 * What read(out, arg) says, or what it has said since the machine was booted and modules
 * came or went; without the addresses. cache NULL: nothing is kept. As with read(), the
 * caller frees what it gets.
 */
int kept_names_read(struct object_cache *cache, const char *what,
		    int (*read)(struct kernel_names *out, void *arg), void *arg,
		    struct kernel_names *out);

#endif
