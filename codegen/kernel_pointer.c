/*
 * Addresses of the kernel's objects as the verifier knows them.
 *
 * Everywhere else an address is a number, and what is behind it is read by helpers. Some
 * helpers take nothing but a pointer whose type the verifier knows: one that was loaded
 * from the context of a typed program, or through such a one. So these are loaded
 * directly, each is compared with 0 before the next step, and no number comes in between.
 */
#include "codegen/internal.h"

#include <assert.h>

#include "sema/plan.h"

/* Arguments, as iter, fentry and fexit have them. */
bool is_object_argument(const struct node *n)
{
	const struct probe_field *f = n->field.data;

	return n->field.base->type && n->field.base->type->kind == TYPE_ARGS && f &&
	       f->at.kind == LOC_ARGUMENT && f->type->kind == TYPE_PTR;
}

/* A member of a struct that is in the kernel, or behind a pointer into it. */
static bool is_member(const struct node *n)
{
	const struct type *of = n->field.base->type;
	const struct part_info *part = n->field.data;

	return of && (of->kind == TYPE_PTR || of->kind == TYPE_STRUCT) &&
	       of->space == SPACE_KERNEL && part && !part->bits;
}

bool emit_knows_object(const struct node *n)
{
	if (n->kind == NODE_ADDRESS)
		n = n->unary.operand;
	if (n->kind != NODE_FIELD || !n->type ||
	    (n->type->kind != TYPE_PTR && n->type->kind != TYPE_STRUCT))
		return false;
	return is_object_argument(n) ||
	       (is_member(n) && emit_knows_object(n->field.base));
}

/* What follows is done if it is not 0. */
static struct value be_there(struct emit *e, struct kernel_object *o, struct value v)
{
	bool checked = because(e, WHY_POINTER_CHECK);

	assert(o->n < KERNEL_OBJECT_DEPTH);
	because(e, WHY_DIRECT_LOAD);
	o->there[o->n++] = emit_if(e, checked ? v : emit_int(e, 1));
	return opaque(e, v);
}

/* The struct's address, or the pointer. */
static struct value walk(struct emit *e, struct kernel_object *o, const struct node *n)
{
	const struct part_info *part = n->field.data;
	struct value base;
	int64_t offset;

	if (is_object_argument(n)) {
		const struct probe_field *f = n->field.data;

		return be_there(e, o, context_word(e, f->at.value * 8));
	}
	base = walk(e, o, n->field.base);
	offset = (int64_t)(part->bit_offset / 8);
	if (n->type->kind == TYPE_STRUCT)
		return emit_at(e, base, emit_int(e, offset));
	return be_there(e, o, emit_load(e, base, offset, 8, false));
}

struct kernel_object emit_object(struct emit *e, const struct node *n)
{
	struct kernel_object o = { 0 };

	if (n->kind == NODE_ADDRESS)
		n = n->unary.operand;
	o.at = walk(e, &o, n);
	return o;
}

void emit_object_end(struct emit *e, struct kernel_object *o)
{
	while (o->n > 0)
		emit_end(e, &o->there[--o->n]);
}
