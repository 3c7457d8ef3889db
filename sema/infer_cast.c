/* Types as written, and what may be cast to them. */
#include <string.h>

#include "core/arena.h"
#include "probes/probe.h"
#include "sema/ctype.h"
#include "sema/infer.h"

enum space infer_space(const struct sema *s)
{
	return s->program->kind->flags & PROBE_USER ? SPACE_USER : SPACE_ANY;
}

static const struct type *written_tuple(struct sema *s, const struct type_name *as)
{
	size_t n = node_count(as->items), i = 0;
	const struct type **items = ARENA_ARRAY(s->cc->arena, const struct type *, n);

	for (const struct node *item = as->items; item; item = item->next) {
		const struct type *t = infer_written(s, &item->written, item->span);

		if (!t)
			return NULL;
		if (t->kind == TYPE_VOID) {
			sema_error(s, DIAG_type_mismatch, item->span,
				   "an item cannot be void");
			return NULL;
		}
		items[i++] = type_owned(s->cc->arena, t);
	}
	return type_tuple(s->cc->arena, items, as->names, n);
}

const struct type *infer_written(struct sema *s, const struct type_name *as,
				 struct span at)
{
	const struct type *t;

	if (as->items)
		return written_tuple(s, as);
	if (!as->of)
		return ctype_written(s->cc, as, at, s->report);
	t = infer_value(s, as->of);
	for (unsigned i = 0; t && i < as->stars; i++)
		t = type_ptr(s->cc->arena, t, SPACE_ANY);
	for (unsigned i = as->ndims; t && i-- > 0;)
		t = type_array(s->cc->arena, t, as->dims[i], SPACE_ANY);
	return t;
}

static bool is_bytes(const struct type *t)
{
	return t->kind == TYPE_ARRAY && t->to->kind == TYPE_INT && t->to->size == 1;
}

/* What can be made of what: numbers of each other, and of bytes. */
static bool can_cast(const struct type *from, const struct type *to)
{
	if (type_is_number(from) && type_is_number(to))
		return true;
	if (from->kind == TYPE_SHOWN && !type_in_memory(from))
		return to->kind == TYPE_INT;
	if (from->kind == TYPE_STR && to->kind == TYPE_STR)
		return true;
	if (to->kind == TYPE_ARRAY && from->kind == TYPE_INT)
		return type_c_size(to) <= 8 && to->to->kind == TYPE_INT;
	if (from->kind == TYPE_ARRAY && to->kind == TYPE_INT)
		return type_c_size(from) <= 8 && is_bytes(from);
	return false;
}

/* Where it is, it stays: what is written says nothing of that. */
static bool is_same_aggregate(struct sema *s, const struct type *from,
			      const struct type *to)
{
	struct arena *a = s->cc->arena;

	return (from->kind == TYPE_STRUCT || from->kind == TYPE_ARRAY) &&
	       from->kind == to->kind && type_join(a, from, to);
}

static const struct type *cast_type(struct sema *s, const struct type *from,
				    const struct type *to);

/* Item by item; the names are those of the type that is wanted. */
static const struct type *cast_items(struct sema *s, const struct record_type *from,
				     const struct record_type *to)
{
	const struct type **items =
		ARENA_ARRAY(s->cc->arena, const struct type *, to->n);
	const char **names = ARENA_ARRAY(s->cc->arena, const char *, to->n);

	if (from->n != to->n)
		return NULL;
	for (size_t i = 0; i < to->n; i++) {
		const struct type_member *x = &from->members[i], *y = &to->members[i];

		names[i] = y->name;
		if (x->name && y->name && strcmp(x->name, y->name) != 0)
			return NULL;
		items[i] = cast_type(s, x->type, y->type);
		/* Numbers as bytes, and bytes as numbers, only by themselves. */
		if (!items[i] ||
		    (items[i]->kind == TYPE_ARRAY) != (x->type->kind == TYPE_ARRAY))
			return NULL;
	}
	return type_tuple(s->cc->arena, items, names[0] ? names : NULL, to->n);
}

/* What the value has become; NULL: it cannot be cast. */
static const struct type *cast_type(struct sema *s, const struct type *from,
				    const struct type *to)
{
	struct type *copy;

	if (type_equal(from, to) || is_same_aggregate(s, from, to))
		return from;
	if (from->kind == TYPE_TUPLE && to->kind == TYPE_TUPLE)
		return cast_items(s, from->record, to->record);
	if (!can_cast(from, to))
		return NULL;
	if (to->kind == TYPE_PTR)
		return type_at(s->cc->arena, to,
			       from->kind == TYPE_PTR ? from->space : infer_space(s));
	copy = ARENA_NEW(s->cc->arena, struct type);
	*copy = *to;
	copy->unit = from->kind == TYPE_INT ? from->unit : UNIT_NONE;
	copy->epoch = from->kind == TYPE_INT ? from->epoch : EPOCH_NONE;
	if (to->kind == TYPE_ARRAY)
		copy->space = SPACE_OWN;
	return copy;
}

const struct type *infer_cast(struct sema *s, struct node *n)
{
	const struct type *from = infer_value(s, n->cast.operand);
	const struct span at = n->cast.to.at.end ? n->cast.to.at : n->span;
	const struct type *to = infer_written(s, &n->cast.to, at), *t;

	if (!from || !to)
		return NULL;
	t = cast_type(s, from, to);
	if (!t)
		sema_error(s, DIAG_type_mismatch, n->span, "%s cannot be cast to %s",
			   infer_text(s, from), infer_text(s, to));
	return t;
}
