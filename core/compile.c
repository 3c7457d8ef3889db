#include "core/compile.h"

#include "core/arena.h"
#include "core/intern.h"

struct compile *compile_new(const struct target *target,
			    const struct compile_options *options)
{
	struct arena *a = arena_new();
	struct compile *cc = ARENA_NEW(a, struct compile);

	cc->arena = a;
	cc->names = intern_new(a);
	cc->diags = diag_list_new(a);
	cc->target = target;
	cc->options = *options;
	return cc;
}

void compile_free(struct compile *cc)
{
	if (cc)
		arena_free(cc->arena); /* cc itself lives there */
}
