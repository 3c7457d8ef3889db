/*
 * Strings: comparison and literals.
 *
 * The bytes of a string's type are a multiple of 8 and may be read as words; those after
 * the NUL are garbage, except in keys.
 */
#include "codegen/internal.h"

#include <string.h>

enum {
	LITERAL_WORDS_MAX = 8, /* longer literals are compared in a loop */
};

/* Each byte of a word. */
static const uint64_t low_bits = UINT64_C(0x0101010101010101);
static const uint64_t high_bits = UINT64_C(0x8080808080808080);

static size_t words_of(const struct node *literal)
{
	return strlen(literal->string.bytes) / 8 + 1;
}

/* Zero-padded. */
static uint64_t word_at(const struct node *literal, size_t i)
{
	size_t left = strlen(literal->string.bytes) - i * 8;
	uint64_t word = 0;

	memcpy(&word, literal->string.bytes + i * 8, left < 8 ? left : 8);
	return word;
}

struct value text_literal(struct emit *e, const struct node *n, struct value dst)
{
	size_t words = words_of(n), len = strlen(n->string.bytes);

	if (words * 8 > INLINE_BYTES_MAX)
		emit_copy(e, dst, emit_rodata(e, n->string.bytes, len + 1), words * 8);
	for (size_t i = 0; i < words && words * 8 <= INLINE_BYTES_MAX; i++)
		emit_store(e, dst, (int64_t)i * 8, emit_int(e, (int64_t)word_at(n, i)),
			   8);
	return (struct value){ .ref = dst.ref, .len = module_const(e->m, len) };
}

/* The bytes of the last word up to the NUL, and the NUL. */
static uint64_t mask_of_last(const struct node *literal)
{
	size_t bytes = strlen(literal->string.bytes) % 8 + 1;

	return bytes == 8 ? UINT64_MAX : (UINT64_C(1) << bytes * 8) - 1;
}

/* All words at once, without a branch. */
static struct value equal_words(struct emit *e, struct value text,
				const struct node *literal)
{
	size_t words = words_of(literal);
	struct value all = emit_int(e, 0);

	for (size_t i = 0; i < words; i++) {
		struct value have = emit_load(e, text, (int64_t)i * 8, 8, false);
		uint64_t want = word_at(literal, i), mask = mask_of_last(literal);

		if (i == words - 1 && mask != UINT64_MAX)
			have = emit_op(e, OP_AND, have, emit_int(e, (int64_t)mask),
				       false);
		if (words == 1)
			return emit_op(e, OP_EQ, have, emit_int(e, (int64_t)want),
				       false);
		have = emit_op(e, OP_XOR, have, emit_int(e, (int64_t)want), false);
		all = emit_op(e, OP_OR, all, have, false);
	}
	return emit_op(e, OP_EQ, all, emit_int(e, 0), false);
}

/*
 * Word by word. The lowest bit of ends is set in the highest bit of the first zero byte
 * of a; what differs at or before that byte counts.
 */
static struct value equal_loop(struct emit *e, struct value a, struct value b,
			       size_t size)
{
	struct value low = emit_int(e, (int64_t)low_bits);
	struct value high = emit_int(e, (int64_t)high_bits);
	struct value none = emit_int(e, 0), one = emit_int(e, 1);
	LLVMValueRef result = local_new(e);
	struct value x, y, at, ends, mask, differ;
	struct branch stop;
	struct loop l;

	local_set(e, result, none);
	l = emit_loop(e, size / 8);
	at = emit_op(e, OP_SHL, l.i, emit_int(e, 3), false);
	x = emit_load(e, emit_at(e, a, at), 0, 8, false);
	y = emit_load(e, emit_at(e, b, at), 0, 8, false);
	ends = emit_op(e, OP_AND, emit_op(e, OP_SUB, x, low, false),
		       emit_op(e, OP_INV, x, none, false), false);
	ends = emit_op(e, OP_AND, ends, high, false);
	mask = emit_op(e, OP_AND, ends, emit_op(e, OP_NEG, ends, none, false), false);
	mask = emit_op(e, OP_SUB, emit_op(e, OP_SHL, mask, one, false), one, false);
	differ = emit_op(e, OP_AND, emit_op(e, OP_XOR, x, y, false), mask, false);
	stop = emit_if(e, differ);
	emit_break(e, &l);
	emit_end(e, &stop);
	stop = emit_if(e, ends);
	local_set(e, result, one);
	emit_break(e, &l);
	emit_end(e, &stop);
	emit_loop_end(e, &l);
	return local_get(e, result);
}

static struct value equal_literal(struct emit *e, const struct node *text,
				  const struct node *literal)
{
	size_t len = strlen(literal->string.bytes);

	if (len > text->type->limit)
		return emit_int(e, 0);
	if (words_of(literal) <= LITERAL_WORDS_MAX)
		return equal_words(e, emit_eval(e, text), literal);
	return equal_loop(e, emit_eval(e, text), emit_eval(e, literal),
			  words_of(literal) * 8);
}

struct value text_equal(struct emit *e, const struct node *left,
			const struct node *right)
{
	size_t a = type_size(left->type), b = type_size(right->type);

	if (left->kind == NODE_STR && right->kind == NODE_STR)
		return emit_int(e,
				strcmp(left->string.bytes, right->string.bytes) == 0);
	if (right->kind == NODE_STR)
		return equal_literal(e, left, right);
	if (left->kind == NODE_STR)
		return equal_literal(e, right, left);
	return equal_loop(e, emit_eval(e, left), emit_eval(e, right), a < b ? a : b);
}
