/* let @name = hash(N); : how many entries a map has, and what becomes of the oldest. */
#include <inttypes.h>
#include <string.h>

#include "sema/resolve.h"

/* Aggregations have a cell for each CPU whatever is written; plain values never. */
static const struct map_kind {
	const char *name;
	bool lru, span;
} map_kinds[] = {
	{ "hash", false, false },       { "lruhash", true, false },
	{ "percpuhash", false, false }, { "percpulruhash", true, false },
	{ "span", false, true },
};

bool map_def_is_span(const struct map_def *def)
{
	for (size_t i = 0; i < sizeof(map_kinds) / sizeof(map_kinds[0]); i++)
		if (map_kinds[i].span && strcmp(map_kinds[i].name, def->kind) == 0)
			return true;
	return false;
}

static const struct map_kind *find_kind(struct compile *cc, const struct map_def *def)
{
	struct suggestion near = { .word = def->kind };

	for (size_t i = 0; i < sizeof(map_kinds) / sizeof(map_kinds[0]); i++) {
		if (strcmp(map_kinds[i].name, def->kind) == 0)
			return &map_kinds[i];
		suggest(&near, map_kinds[i].name);
	}
	diag(cc, DIAG_unknown_map, def->kind_span,
	     "there is no kind of map called '%s'", def->kind);
	if (near.best)
		diag_hint(cc, "did you mean '%s'?", near.best);
	else
		diag_hint(
			cc,
			"there are hash, lruhash, percpuhash, percpulruhash and span");
	return NULL;
}

/* Of a span, its members come first, and the size may be left out. */
static bool find_size(struct compile *cc, const struct map_def *def, uint32_t *out)
{
	const struct node *arg = def->args;
	int64_t n;

	if (map_def_is_span(def)) {
		arg = arg->next;
		*out = cc->plan->max_map_keys;
		if (!arg)
			return true;
	}

	if (!arg || arg->next) {
		diag(cc, DIAG_arity, def->kind_span,
		     "%s() needs 1 argument: how many entries the map has", def->kind);
		return false;
	}
	if (!constant_int(arg, &n)) {
		diag(cc, DIAG_literal_needed, arg->span,
		     "the number of entries must be a constant");
		return false;
	}
	if (n < 1 || n > MAP_ENTRIES_MAX) {
		diag(cc, DIAG_literal_range, arg->span,
		     "a map has from 1 to %d entries, not %" PRId64, MAP_ENTRIES_MAX,
		     n);
		return false;
	}
	*out = (uint32_t)n;
	return true;
}

void map_defs_apply(struct compile *cc)
{
	for (const struct map_def *def = cc->ast->maps; def; def = def->next) {
		const struct map_kind *kind = find_kind(cc, def);
		struct map_info *m = map_by_name(cc, def->name, def->span);

		m->defined = true;
		m->lru = kind && kind->lru;
		m->is_span = kind && kind->span;
		m->written |= m->is_span;
		find_size(cc, def, &m->max_entries);
	}
}
