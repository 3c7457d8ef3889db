#include "sema/rename.h"

#include "core/arena.h"

struct rename {
	struct rename *next;
	const char *from, *to;
};

const char *renamed(struct arena *a, struct renames *r, const char *name)
{
	struct rename *one;

	for (one = r->first; one; one = one->next)
		if (one->from == name)
			return one->to;
	one = ARENA_NEW(a, struct rename);
	*one = (struct rename){ r->first, name, arena_strdup(a, name) };
	r->first = one;
	r->count++;
	return one->to;
}
