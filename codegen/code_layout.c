#include "codegen/explained.h"

#include "core/arena.h"

static void place(const struct explained *x, size_t function, struct code_layout *l)
{
	const struct code_function *f = &x->functions[function];

	l->at[function] = l->units;
	l->order[l->n++] = (uint32_t)function;
	l->units += f->units;
	for (size_t i = 0; i < f->ncalls; i++)
		if (l->at[f->calls[i]] == UINT32_MAX)
			place(x, f->calls[i], l);
}

void code_layout(struct arena *a, const struct explained *x, size_t program,
		 struct code_layout *out)
{
	*out = (struct code_layout){
		.at = ARENA_ARRAY(a, uint32_t, x->nfunctions),
		.order = ARENA_ARRAY(a, uint32_t, x->nfunctions),
	};
	for (size_t i = 0; i < x->nfunctions; i++)
		out->at[i] = UINT32_MAX;
	place(x, program, out);
}
