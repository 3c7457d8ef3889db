/* Variables of a piece of tree that is copied: each copy has its own. */
#ifndef MEMQL_RENAME_H
#define MEMQL_RENAME_H

#include <stddef.h>

struct arena;

struct rename;

/* Those of one copy. Zero: none yet. In the arena that each call is given. */
struct renames {
	struct rename *first;
	size_t count;
};

/*
 * What name, an interned word, is called in this copy: the same text at another address.
 * Names are compared by their address, so nothing outside of the copy means it.
 */
const char *renamed(struct arena *a, struct renames *r, const char *name);

#endif
