/* Words of the program by number, and why there is code that they do not say. */
#include "codegen/internal.h"

#include <assert.h>
#include <string.h>

#include "codegen/explained.h"
#include "core/arena.h"

const struct why_row why_rows[] = {
#define WHY(id, name, breakable, why, remedy, example)                                 \
	[WHY_##id] = { name, breakable, why, remedy, example },
#include "codegen/why.def"
#undef WHY
};

enum why why_find(const char *name)
{
	for (unsigned i = 0; i < WHY_COUNT; i++)
		if (why_rows[i].breakable && strcmp(why_rows[i].name, name) == 0)
			return (enum why)i;
	return WHY_COUNT;
}

/* What BTF can hold, in place of a column. */
enum { ORDINAL_MAX = 1023 };

uint32_t construct_number(struct module *m, struct span at)
{
	struct construct c = { .span = source_written(m->cc->source, at) };
	struct explaining *x = m->explaining;

	c.line = source_place(m->cc->source, at.begin).line;
	c.ordinal = 1;
	for (size_t i = 0; i < x->constructs.n; i++) {
		const struct construct *have = &x->constructs.items[i];

		if (have->span.begin == c.span.begin && have->span.end == c.span.end)
			return (uint32_t)i;
		if (have->line == c.line && have->ordinal >= c.ordinal)
			c.ordinal = have->ordinal + 1;
	}
	if (c.ordinal > ORDINAL_MAX)
		c.ordinal = ORDINAL_MAX;
	ARENA_PUSH(m->cc->arena, &x->constructs, c);
	return (uint32_t)x->constructs.n - 1;
}

uint32_t construct_find(const struct module *m, uint32_t line, uint32_t ordinal)
{
	const struct explaining *x = m->explaining;

	for (size_t i = 0; ordinal && i < x->constructs.n; i++) {
		const struct construct *c = &x->constructs.items[i];

		if (c->line == line && c->ordinal == ordinal)
			return (uint32_t)i;
	}
	return CONSTRUCT_NONE;
}

bool because(struct emit *e, enum why why)
{
	struct explaining *x = e->m->explaining;
	struct reason r = { .program = e->index, .why = why };
	bool known = false;

	if (!x)
		return true;
	r.construct = construct_number(e->m, e->span);
	for (size_t i = 0; i < x->reasons.n && !known; i++)
		known = x->reasons.items[i].program == r.program &&
			x->reasons.items[i].construct == r.construct &&
			x->reasons.items[i].why == why;
	if (!known)
		ARENA_PUSH(e->m->cc->arena, &x->reasons, r);
	if (x->without != why)
		return true;
	assert(why_rows[why].breakable);
	x->broken = true;
	return false;
}

struct explaining *explaining_new(struct compile *cc)
{
	struct explaining *x = ARENA_NEW(cc->arena, struct explaining);
	const char *without = cc->options.without;

	x->without = without ? why_find(without) : WHY_COUNT;
	return x;
}

const struct helper_row *helper_find(int number)
{
	static const struct helper_row rows[] = {
#define HELPER(name, number, constant, since, prototype) { number, since, prototype },
#include "codegen/helpers.def"
#undef HELPER
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].number == number)
			return &rows[i];
	return NULL;
}
