/*
 * Assignments and steps of variables, of maps' entries and of members of the records that
 * maps hold.
 *
 * A record's members are known from where it is assigned as a whole. What is assigned to
 * one of them widens the record as assigning another record would.
 */
#include "core/arena.h"
#include "sema/infer.h"

/* Places. */

/* What the map holds that a place is a part of. */
static const struct type *infer_record(struct sema *s, struct node *n)
{
	const struct map_info *m = n->map.info;
	bool ok = infer_map_keys(s, n);

	if (m->agg) {
		sema_error(s, DIAG_aggregation_use, n->span,
			   "'%s' holds %s(), which has no members", m->name,
			   m->agg->name);
		return NULL;
	}
	if (m->value || m->written)
		return ok ? m->value : NULL;
	sema_error(s, DIAG_unknown_map, n->span, "nothing says what members '%s' has",
		   m->name);
	if (s->report)
		diag_hint(s->cc, "assign it as a whole once: %s%s = (member = 0)",
			  m->name, m->has_keys ? "[...]" : "");
	return NULL;
}

static void not_a_record(struct sema *s, const struct node *n, const struct type *t)
{
	if (t->kind == TYPE_STRUCT || t->kind == TYPE_PTR)
		sema_error(s, DIAG_not_assignable, n->span,
			   "members of %s are only read", infer_text(s, t));
	else
		sema_error(s, DIAG_type_mismatch, n->span, "%s has no members",
			   infer_text(s, t));
}

/* The type of a member as the record has it, or NULL. */
static const struct type *member_type(struct sema *s, struct node *n)
{
	struct node *base = n->field.base;
	const struct type *t;

	n->type = NULL;
	t = base->kind == NODE_FIELD ? member_type(s, base) : infer_record(s, base);
	if (t && t->kind == TYPE_TUPLE)
		n->type = infer_item(s, n, t);
	else if (t)
		not_a_record(s, n, t);
	return n->type;
}

/* The record, whose one member is of this type. */
static const struct type *with_member(struct sema *s, const struct type *record,
				      const struct part_info *part,
				      const struct type *t)
{
	const struct record_type *r = record->record;
	const struct type **items =
		ARENA_ARRAY(s->cc->arena, const struct type *, r->n);
	const char **names = ARENA_ARRAY(s->cc->arena, const char *, r->n);

	for (size_t i = 0; i < r->n; i++) {
		bool is_it = r->members[i].bit_offset == part->bit_offset;

		names[i] = r->members[i].name;
		items[i] = is_it ? t : r->members[i].type;
	}
	return type_tuple(s->cc->arena, items, names, r->n);
}

static void infer_member_value(struct sema *s, struct node *n, const struct type *t,
			       struct span at)
{
	const struct map_info *m = node_place_root(n)->map.info;
	struct node *base = n->field.base;
	const struct type *joined = n->type, *record;

	if (!joined || !t)
		return;
	if (!infer_join(s, &joined, t)) {
		sema_error(s, DIAG_map_value, at,
			   "member '%s' of '%s' holds %s, this is %s", n->field.name,
			   m->name, infer_text(s, joined), infer_text(s, t));
		if (s->report)
			diag_note(s->cc, m->value_at, "it got its value here");
		return;
	}
	n->type = joined;
	record = with_member(s, base->type, n->field.data, joined);
	if (base->kind == NODE_FIELD)
		infer_member_value(s, base, record, at);
	else
		infer_map_value(s, base, record, at);
}

static void infer_place_value(struct sema *s, struct node *place, const struct type *t,
			      struct span at)
{
	if (place->kind == NODE_MAP)
		infer_map_value(s, place, t, at);
	else if (place->kind == NODE_FIELD)
		infer_member_value(s, place, t, at);
	else
		infer_var_value(s, place, t, at);
}

/*
 * What is in the place before, of which is said that it cannot be changed so if it is an
 * aggregation. A variable or map that has no type yet holds 0.
 */
static const struct type *old_value(struct sema *s, struct node *place,
				    const char *cannot)
{
	const struct map_info *m;
	const struct type *t;

	if (place->kind == NODE_FIELD)
		return member_type(s, place);
	if (place->kind == NODE_MAP) {
		m = place->map.info;
		infer_map_keys(s, place);
		if (m->agg) {
			sema_error(s, DIAG_aggregation_use, place->span,
				   "'%s' holds %s(), %s", m->name, m->agg->name,
				   cannot);
			return NULL;
		}
		t = m->value;
	} else {
		t = place->var.info->type;
	}
	return t ? t : &type_constant;
}

/* Assignments. */

static bool is_aggregation(const struct node *n)
{
	return n->kind == NODE_CALL && n->call.builtin->kind == BUILTIN_AGG;
}

static void infer_simple(struct sema *s, struct node *place, struct node *value)
{
	const struct type *t;

	if (place->kind == NODE_MAP)
		infer_map_keys(s, place);
	else if (place->kind == NODE_FIELD)
		member_type(s, place);
	t = infer_value(s, value);
	infer_place_value(s, place, t, value->span);
}

void infer_assign(struct sema *s, struct node *n)
{
	struct node *place = n->assign.place, *value = n->assign.value;
	const struct type *t, *old;

	n->type = &type_void;
	if (is_aggregation(value)) {
		infer_aggregation(s, n);
		return;
	}
	if (!n->assign.compound) {
		infer_simple(s, place, value);
		return;
	}
	old = old_value(s, place, "which nothing can be added to");
	t = infer_value(s, value);
	if (old && t)
		t = infer_operator(s, n->assign.op, n->span, place, old, value, t);
	infer_place_value(s, place, old ? t : NULL, value->span);
}

static bool is_declared(const struct node *place)
{
	return place->kind == NODE_VAR && place->var.info->declared;
}

const struct type *infer_step(struct sema *s, struct node *n)
{
	struct node *place = n->step.place;
	const struct type *t;

	if (is_declared(place) && !place->var.info->type)
		return NULL; /* its type is known after this pass */
	t = old_value(s, place, "which cannot be stepped");
	if (!t)
		return NULL;
	if (!type_is_number(t)) {
		sema_error(s, DIAG_type_mismatch, n->span,
			   "only numbers can be stepped, "
			   "this is %s",
			   infer_text(s, t));
		return NULL;
	}
	/* It may count beyond the type of what it began with, unless that was declared. */
	if (t->kind == TYPE_INT && t != &type_constant && !is_declared(place))
		t = type_with_epoch(s->cc->arena,
				    type_int(s->cc->arena, 8, t->is_signed, t->unit),
				    t->epoch);
	infer_place_value(s, place, t, n->span);
	return place->type;
}
