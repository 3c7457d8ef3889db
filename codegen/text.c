/*
 * Strings: comparison and literals.
 *
 * The bytes of a string's type are a multiple of 8 and may be read as words; those after
 * the NUL are garbage, except in keys.
 */
#include "codegen/internal.h"

#include <string.h>

enum {
	LITERAL_WORDS_MAX = 8, /* longer literals are compared by a function */
};

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

static struct value equal_literal(struct emit *e, const struct node *text,
				  const struct node *literal)
{
	size_t len = strlen(literal->string.bytes);

	if (len > text->type->limit)
		return emit_int(e, 0);
	if (words_of(literal) <= LITERAL_WORDS_MAX)
		return equal_words(e, emit_eval(e, text), literal);
	return emit_same_text(e, emit_text_memory(e, text),
			      emit_text_memory(e, literal), len + 1);
}

struct value text_equal(struct emit *e, const struct node *left,
			const struct node *right)
{
	size_t a = left->type->limit, b = right->type->limit;
	struct value x;

	if (left->kind == NODE_STR && right->kind == NODE_STR)
		return emit_int(e,
				strcmp(left->string.bytes, right->string.bytes) == 0);
	if (right->kind == NODE_STR)
		return equal_literal(e, left, right);
	if (left->kind == NODE_STR)
		return equal_literal(e, right, left);
	/* The shorter one's NUL is among the bytes compared. */
	x = emit_text_memory(e, left);
	return emit_same_text(e, x, emit_text_memory(e, right), (a < b ? a : b) + 1);
}
