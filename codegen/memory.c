/*
 * Values wider than a word: strings, tuples, structs and arrays that the program copied,
 * what user space shows. Each is the address of type_size() bytes of the program's own.
 *
 * A place may hold more than what is put there: a longer string, a tuple with one. So
 * values are converted item by item where the types differ, and copied as a whole where
 * they do not.
 */
#include "codegen/internal.h"

static struct value item_at(struct emit *e, struct value base,
			    const struct type_member *m)
{
	return emit_at(e, base, emit_int(e, (int64_t)(m->bit_offset / 8)));
}

/* Bytes behind those that a conversion writes. */
static void zero_rest(struct emit *e, struct value dst, size_t from, size_t to)
{
	if (from < to)
		emit_zero(e, emit_at(e, dst, emit_int(e, (int64_t)from)), to - from);
}

/* A struct or array of another space: now it is read, or is zeros and counted. */
static void fetch(struct emit *e, struct value dst, const struct type *to,
		  struct value address, enum space space)
{
	size_t size = (size_t)type_c_size(to);

	/* What fills its last word: stores to the stack must be aligned. */
	if (size % 8)
		emit_store(e, dst, (int64_t)(size & ~(size_t)7), emit_int(e, 0), 8);
	emit_read_bytes(e, dst, address, size, space, e->span);
}

/* Items are padded wherever they are: see convert(). */
static void convert_items(struct emit *e, struct value dst, const struct type *to,
			  struct value v, const struct type *from)
{
	for (size_t i = 0; i < to->record->n; i++) {
		const struct type_member *m = &to->record->members[i];
		const struct type_member *p = &from->record->members[i];
		struct value item = item_at(e, v, p);

		if (!is_wide(p->type))
			item = emit_load(e, item, 0, 8, false);
		convert(e, item_at(e, dst, m), m->type, item, p->type, true);
	}
}

/* As convert_items(), but what does not fit is cut. */
static void cast_items(struct emit *e, struct value dst, const struct type *to,
		       struct value v, const struct type *from)
{
	for (size_t i = 0; i < to->record->n; i++) {
		const struct type_member *m = &to->record->members[i];
		const struct type_member *p = &from->record->members[i];
		struct value item = item_at(e, v, p), place = item_at(e, dst, m);

		if (m->type->kind == TYPE_TUPLE) {
			cast_items(e, place, m->type, item, p->type);
			continue;
		}
		if (!is_wide(p->type))
			item = emit_fit(e, emit_load(e, item, 0, 8, false), m->type);
		convert(e, place, m->type, item, p->type, true);
	}
}

struct value cast_tuple(struct emit *e, const struct node *n)
{
	struct value v = emit_eval(e, n->cast.operand);
	struct value dst = temp_text(e, type_size(n->type));

	cast_items(e, dst, n->type, v, n->cast.operand->type);
	return dst;
}

static void convert_text(struct emit *e, struct value dst, const struct type *to,
			 struct value v, const struct type *from, bool padded)
{
	uint32_t limit = to->limit < from->limit ? to->limit : from->limit;

	if (padded && because(e, WHY_PADDING))
		emit_zero(e, dst, type_size(to));
	emit_copy_str(e, dst, v, (size_t)limit + 1);
}

void convert(struct emit *e, struct value dst, const struct type *to, struct value v,
	     const struct type *from, bool padded)
{
	if (type_is_elsewhere(from))
		fetch(e, dst, to, v, from->space);
	else if (!is_wide(to))
		emit_store(e, dst, 0, v, 8);
	else if (is_text(to))
		convert_text(e, dst, to, v, from, padded);
	else if (to->kind == TYPE_TUPLE && !type_equal(to, from))
		convert_items(e, dst, to, v, from);
	else {
		/* Items of tuples are padded already. */
		emit_copy(e, dst, v, type_size(from));
		zero_rest(e, dst, type_size(from), type_size(to));
	}
}

static void items_into(struct emit *e, const struct node *n, struct value dst,
		       const struct type *type)
{
	const struct type_member *m = type->record->members;

	for (const struct node *item = n->tuple.items; item; item = item->next, m++)
		eval_into(e, item, item_at(e, dst, m), m->type, true);
}

/* Text goes to its place directly; a literal is padded as it is. */
static void text_into(struct emit *e, const struct node *n, struct value dst,
		      const struct type *type, bool padded)
{
	size_t size = type_size(type);

	if (padded && because(e, WHY_PADDING))
		zero_rest(e, dst, n->kind == NODE_STR ? type_size(n->type) : 0, size);
	eval_text_at(e, n, dst, size);
}

void eval_into(struct emit *e, const struct node *n, struct value dst,
	       const struct type *type, bool padded)
{
	const struct node *outer_node = e->dest_node;
	struct value outer = e->dest, v;

	if (n->kind == NODE_TUPLE) {
		items_into(e, n, dst, type);
		return;
	}
	if (is_text(type)) {
		text_into(e, n, dst, type, padded);
		return;
	}
	if (type_equal(type, n->type) && type->kind == TYPE_SHOWN) {
		e->dest_node = n;
		e->dest = dst;
	}
	v = emit_eval(e, n);
	e->dest_node = outer_node;
	e->dest = outer;
	if (!is_wide(type) || v.ref != dst.ref)
		convert(e, dst, type, v, n->type, padded);
}

struct value tuple_build(struct emit *e, const struct node *n)
{
	struct value dst = temp_text(e, type_size(n->type));

	items_into(e, n, dst, n->type);
	return dst;
}

/* Both as copies of their own, all bytes of which are known. */
struct value memory_equal(struct emit *e, const struct node *left,
			  const struct node *right)
{
	struct arena *a = e->m->cc->arena;
	const struct type *x = type_owned(a, left->type);
	const struct type *y = type_owned(a, right->type);
	const struct type *both = x->kind == TYPE_TUPLE ? type_join(a, x, y) : NULL;
	size_t size = type_size(both ? both : x);
	struct value p = temp_in_scratch(e, size), q = temp_in_scratch(e, size);
	struct value differ = emit_int(e, 0), word;

	eval_into(e, left, p, both ? both : x, true);
	eval_into(e, right, q, both ? both : y, true);
	for (size_t i = 0; i < size; i += 8) {
		word = emit_op(e, OP_XOR, emit_load(e, p, (int64_t)i, 8, false),
			       emit_load(e, q, (int64_t)i, 8, false), false);
		differ = emit_op(e, OP_OR, differ, word, false);
	}
	return emit_op(e, OP_EQ, differ, emit_int(e, 0), false);
}
