/*
 * Parts of structs, tuples and arrays, and what pointers point to.
 *
 * What lies in another space is an address until it is needed: a chain of members of
 * nested structs is one sum and one read. What the program owns is loaded directly.
 */
#include "codegen/internal.h"

#include <assert.h>

#include "sema/sema.h"

/* An element that is not there: 0, and counted. */
static void no_such_element(struct emit *e, struct span at)
{
	emit_loss(e, LOSS_MEMORY_READ, at);
}

/* The base's address, whether it is a pointer or the struct itself. */
static struct value address_of(struct emit *e, const struct node *base)
{
	struct value v = emit_eval(e, base);

	return is_wide(base->type) ? v : value_of(as_int(e, v));
}

/* Packed structs have members anywhere: byte by byte, the verifier takes any place. */
static struct value load_own(struct emit *e, struct value at, uint64_t offset,
			     unsigned size, bool is_signed)
{
	struct value v, byte;

	if (offset % size == 0)
		return emit_load(e, at, (int64_t)offset, size, is_signed);
	v = emit_int(e, 0);
	for (unsigned i = 0; i < size; i++) {
		bool last = i == size - 1;

		byte = emit_load(e, at, (int64_t)(offset + i), 1, is_signed && last);
		byte = emit_op(e, OP_SHL, byte, emit_int(e, i * 8), false);
		v = emit_op(e, OP_OR, v, byte, false);
	}
	return v;
}

/* size bytes at an address of this space, or of the program's own memory. */
static struct value load_part(struct emit *e, struct value at, uint64_t offset,
			      unsigned size, bool is_signed, enum space space,
			      struct span span)
{
	if (space == SPACE_OWN)
		return load_own(e, at, offset, size, is_signed);
	at = emit_at(e, at, emit_int(e, (int64_t)offset));
	return emit_read(e, at, size, is_signed, space, span);
}

/* Bytes of the struct that a member is taken of. */
static uint64_t struct_bytes(const struct type *base)
{
	const struct type *t = base->kind == TYPE_PTR ? base->to : base;

	return t->kind == TYPE_STRUCT ? t->record->size : UINT64_MAX;
}

/*
 * The whole unit of the declared type that the bits are in, as compilers place them. In
 * packed structs they may cross units, or their unit the end of the struct, behind which
 * there may be no memory: then the bytes that hold them.
 */
static struct value load_bits(struct emit *e, struct value base,
			      const struct part_info *part, const struct type *of,
			      struct span span)
{
	enum space space = of->space;
	unsigned unit = part->type->size * 8u;
	uint64_t start = part->bit_offset / unit * unit;
	unsigned low = (unsigned)(part->bit_offset - start), high;
	struct value v, more;

	if (low + part->bits <= unit && start / 8 + unit / 8 <= struct_bytes(of)) {
		v = load_part(e, base, start / 8, unit / 8, false, space, span);
	} else {
		start = part->bit_offset / 8;
		low = part->bit_offset % 8;
		high = (low + part->bits - 1) / 8;
		v = emit_int(e, 0);
		for (unsigned i = 0; i <= high && i < 8; i++) {
			more = load_part(e, base, start + i, 1, false, space, span);
			more = emit_op(e, OP_SHL, more, emit_int(e, i * 8), false);
			v = emit_op(e, OP_OR, v, more, false);
		}
		if (high == 8) {
			v = emit_op(e, OP_SHR, v, emit_int(e, low), false);
			more = load_part(e, base, start + 8, 1, false, space, span);
			more = emit_op(e, OP_SHL, more, emit_int(e, 64 - low), false);
			v = emit_op(e, OP_OR, v, more, false);
			low = 0;
		}
	}
	v = emit_op(e, OP_SHL, v, emit_int(e, 64 - low - part->bits), false);
	return emit_op(e, OP_SHR, v, emit_int(e, 64 - part->bits),
		       part->type->is_signed);
}

/* The text of a char array: its NUL may be missing. */
static struct value load_text(struct emit *e, const struct node *n, struct value at,
			      enum space space)
{
	struct value dst = dest_for(e, n, n->type);

	if (space == SPACE_OWN)
		return emit_copy_str(e, dst, at, (size_t)n->type->limit + 1);
	return emit_read_array(e, dst, at, n->type->limit, space, n->span);
}

/* The value of n, which is at base + offset. */
static struct value load_value(struct emit *e, const struct node *n, struct value base,
			       uint64_t offset, enum space space)
{
	const struct type *t = n->type;
	struct value at = emit_at(e, base, emit_int(e, (int64_t)offset));

	switch (t->kind) {
	case TYPE_STR:
		return load_text(e, n, at, space);
	case TYPE_STRUCT:
	case TYPE_ARRAY:
		return at;
	case TYPE_INT:
		return load_part(e, base, offset, t->size, t->is_signed, space,
				 n->span);
	case TYPE_PTR:
		return load_part(e, base, offset, 8, false, space, n->span);
	case TYPE_VOID:
	case TYPE_TUPLE:
	case TYPE_SHOWN:
	case TYPE_NAME:
	case TYPE_TIME:
	case TYPE_ARGS:
	case TYPE_ANY:
		break;
	}
	assert(!"no part of a C type");
	return emit_int(e, 0);
}

/* Items are stored as type_size() has it: words, and memory in place. */
static struct value eval_item(struct emit *e, const struct node *n)
{
	const struct part_info *part = n->field.data;
	struct value at = emit_at(e, emit_eval(e, n->field.base),
				  emit_int(e, (int64_t)(part->bit_offset / 8)));

	return is_wide(part->type) ? at : emit_load(e, at, 0, 8, false);
}

struct value eval_member(struct emit *e, const struct node *n)
{
	const struct type *base = n->field.base->type;
	const struct part_info *part = n->field.data;
	struct value at;
	uint64_t offset;

	if (base->kind == TYPE_TUPLE)
		return eval_item(e, n);
	if (direct_number(e, n, &at))
		return at;
	if (direct_base(e, n, &at, &offset))
		return load_value(e, n, at, offset, base->space);
	at = address_of(e, n->field.base);
	if (part->bits)
		return load_bits(e, at, part, base, n->span);
	return load_value(e, n, at, part->bit_offset / 8, base->space);
}

/* A byte of text: what follows its end is 0. */
static struct value eval_char(struct emit *e, const struct node *n)
{
	const struct node *base = n->index.base;
	size_t size = type_size(base->type);
	struct value text = temp_in_scratch(e, size), i, inside;
	LLVMValueRef result = local_new(e);
	struct branch there;

	eval_into(e, base, text, base->type, true);
	i = opaque(e, value_of(as_int(e, emit_eval(e, n->index.at))));
	inside = emit_op(e, OP_LT, i, emit_int(e, (int64_t)size), false);
	local_set(e, result, emit_int(e, 0));
	there = emit_if(e, inside);
	local_set(e, result, emit_load(e, emit_at(e, text, i), 0, 1, true));
	emit_end(e, &there);
	return local_get(e, result);
}

static struct value scaled(struct emit *e, struct value i, const struct type *of)
{
	return emit_op(e, OP_MUL, i, emit_int(e, (int64_t)type_c_size(of)), false);
}

/* In the program's own memory the verifier must see that it is inside. */
static struct value eval_own_element(struct emit *e, const struct node *n)
{
	const struct type *array = n->index.base->type;
	struct value base = emit_eval(e, n->index.base), i, inside, at, none;
	LLVMValueRef result = local_new(e);
	struct branch there;
	int64_t constant;

	if (constant_int(n->index.at, &constant))
		return load_value(e, n, base,
				  (uint64_t)constant * type_c_size(array->to),
				  SPACE_OWN);
	i = value_of(as_int(e, emit_eval(e, n->index.at)));
	inside = emit_op(e, OP_LT, i, emit_int(e, (int64_t)array->count), false);
	i = emit_select(e, inside, i, emit_int(e, 0));
	local_set(e, result, inside);
	there = emit_if(e, local_get(e, result));
	emit_else(e, &there);
	no_such_element(e, n->span);
	emit_end(e, &there);
	i = bounded(e, scaled(e, i, array->to),
		    (array->count - 1) * type_c_size(array->to));
	at = emit_at(e, base, i);
	none = value_of(module_zeros(e->m, (size_t)type_c_size(array->to) + 1));
	at = value_of(LLVMBuildSelect(e->b, as_bit(e, local_get(e, result)),
				      as_ptr(e, at), as_ptr(e, none), ""));
	return load_value(e, n, at, 0, SPACE_OWN);
}

struct value eval_index(struct emit *e, const struct node *n)
{
	const struct type *base = n->index.base->type;
	struct value at, i;

	if (base->kind == TYPE_STR)
		return eval_char(e, n);
	if (is_wide(base))
		return eval_own_element(e, n);
	at = address_of(e, n->index.base);
	i = scaled(e, emit_eval(e, n->index.at), base->to);
	return load_value(e, n, emit_at(e, at, i), 0, base->space);
}

struct value eval_deref(struct emit *e, const struct node *n)
{
	const struct node *pointer = n->unary.operand;

	return load_value(e, n, address_of(e, pointer), 0,
			  emit_space(e, pointer->type));
}

/*
 * Through memory, where the verifier forgets that it is a pointer: then it is a number as
 * others are, which may be computed with.
 */
static struct value address_of_var(struct emit *e, const struct var_info *var)
{
	struct value word = temp_in_scratch(e, 8);
	LLVMValueRef load;

	emit_store(e, word, 0, value_of(as_int(e, var_text(e, var))), 8);
	load = LLVMBuildLoad2(e->b, e->m->i64, word.ref, "");
	LLVMSetVolatile(load, 1);
	return value_of(load);
}

struct value eval_address(struct emit *e, const struct node *n)
{
	const struct node *of = n->unary.operand;
	struct value at, i;

	if (of->kind == NODE_VAR)
		return address_of_var(e, of->var.info);
	if (of->kind == NODE_DEREF)
		return emit_eval(e, of->unary.operand);
	if (of->kind == NODE_INDEX) {
		at = address_of(e, of->index.base);
		i = scaled(e, emit_eval(e, of->index.at), of->index.base->type->to);
		return emit_at(e, at, i);
	}
	at = address_of(e, of->field.base);
	return emit_at(e, at,
		       emit_int(e, (int64_t)(((const struct part_info *)of->field.data)
						     ->bit_offset /
					     8)));
}
