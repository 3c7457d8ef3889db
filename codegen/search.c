/*
 * Functions over memory, as function.c has them: hashes, a needle that the program
 * computes, memcmp().
 */
#include "codegen/internal.h"

#include <stdio.h>

#include "core/arena.h"

enum { CHUNK = 64 };

static const int64_t text_ended = -1;

/* Words of memory to one number: each is mixed in, multiplied, and its high bits folded. */
static void hash_words(struct function *f, size_t size)
{
	static const uint64_t basis = UINT64_C(0xcbf29ce484222325);
	static const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
	struct emit *e = &f->e;
	struct value at, word, hash;
	struct branch done;
	struct loop l;

	function_set(f, emit_int(e, (int64_t)basis));
	l = emit_loop(e, size / 8 - 1);
	at = emit_op(e, OP_SHL, l.i, emit_int(e, 3), false);
	done = emit_if(e, emit_op(e, OP_GE, at, function_argument(f, 1), false));
	emit_break(e, &l);
	emit_end(e, &done);
	word = emit_load(e, emit_at(e, function_argument(f, 0), at), 8, 8, false);
	hash = emit_op(e, OP_XOR, local_get(e, f->result), word, false);
	hash = emit_op(e, OP_MUL, hash, emit_int(e, (int64_t)factor), false);
	word = emit_op(e, OP_SHR, hash, emit_int(e, 29), false);
	function_set(f, emit_op(e, OP_XOR, hash, word, false));
	emit_loop_end(e, &l);
	hash = local_get(e, f->result);
	function_set(f, emit_select(e, hash, hash, emit_int(e, 1)));
}

static LLVMValueRef hash_function(struct emit *caller, size_t size)
{
	size_t sizes[] = { size, 0 };
	char name[FUNCTION_NAME_MAX];
	struct function f;

	snprintf(name, sizeof(name), "memql_hash_%zu", size);
	if (LLVMGetNamedFunction(caller->m->ir, name))
		return LLVMGetNamedFunction(caller->m->ir, name);
	function_open(&f, caller, name, sizes, 2);
	hash_words(&f, size);
	return function_close(&f);
}

struct value emit_hash(struct emit *e, struct value memory, size_t size,
		       struct value bytes)
{
	return function_call(e, hash_function(e, size), memory, bytes);
}

/*
 * A needle that the program computes: each place of the text is tried. The memory of the
 * text goes on for as many bytes as the needle has.
 */

static const int64_t differs = -1;

/*
 * Does the text begin with the needle, as far as these bytes tell? 1: it does, the needle
 * ends there; differs; 0: so far.
 */
static LLVMValueRef prefix_part_function(struct emit *caller, size_t count)
{
	size_t sizes[] = { count, count };
	char name[FUNCTION_NAME_MAX];
	struct value x, y;
	struct function f;
	struct loop l;

	snprintf(name, sizeof(name), "memql_prefix_part_%zu", count);
	if (LLVMGetNamedFunction(caller->m->ir, name))
		return LLVMGetNamedFunction(caller->m->ir, name);
	function_open(&f, caller, name, sizes, 2);
	l = emit_loop(&f.e, count);
	x = emit_load(&f.e, emit_at(&f.e, function_argument(&f, 0), l.i), 0, 1, false);
	y = emit_load(&f.e, emit_at(&f.e, function_argument(&f, 1), l.i), 0, 1, false);
	function_return_if(&f, emit_op(&f.e, OP_EQ, y, emit_int(&f.e, 0), false),
			   emit_int(&f.e, 1));
	function_return_if(&f, emit_op(&f.e, OP_NE, x, y, false),
			   emit_int(&f.e, differs));
	emit_loop_end(&f.e, &l);
	return function_close(&f);
}

/*
 * Is the needle, of up to count bytes with its NUL, what the text begins with? 1, or else
 * 0 or less. In parts, since the verifier remembers each way out of a loop until it has
 * followed all of them: "The sequence of 8193 jumps is too complex" (all kernels).
 */
static LLVMValueRef prefix_function(struct emit *caller, size_t count)
{
	const size_t parts = count / CHUNK, rest = count % CHUNK;
	size_t sizes[] = { count, count };
	char name[FUNCTION_NAME_MAX];
	struct value at, result;
	struct function f;
	struct loop l;

	if (count <= CHUNK)
		return prefix_part_function(caller, count);
	snprintf(name, sizeof(name), "memql_prefix_%zu", count);
	if (LLVMGetNamedFunction(caller->m->ir, name))
		return LLVMGetNamedFunction(caller->m->ir, name);
	function_open(&f, caller, name, sizes, 2);
	l = emit_loop(&f.e, parts);
	at = emit_op(&f.e, OP_MUL, l.i, emit_int(&f.e, CHUNK), false);
	result = function_call(&f.e, prefix_part_function(&f.e, CHUNK),
			       emit_at(&f.e, function_argument(&f, 0), at),
			       emit_at(&f.e, function_argument(&f, 1), at));
	function_return_if(&f, result, result);
	emit_loop_end(&f.e, &l);
	if (rest) {
		at = emit_int(&f.e, (int64_t)(parts * CHUNK));
		function_set(
			&f, function_call(&f.e, prefix_part_function(&f.e, rest),
					  emit_at(&f.e, function_argument(&f, 0), at),
					  emit_at(&f.e, function_argument(&f, 1), at)));
	}
	return function_close(&f);
}

/* The place + 1 of the needle among the first CHUNK; 0; text_ended. */
static LLVMValueRef search_chunk_function(struct emit *caller, size_t needle)
{
	size_t sizes[] = { CHUNK + needle, needle };
	LLVMValueRef prefix = prefix_function(caller, needle);
	char name[FUNCTION_NAME_MAX];
	struct value at, byte, begins;
	struct function f;
	struct loop l;

	snprintf(name, sizeof(name), "memql_search_%zu", needle);
	if (LLVMGetNamedFunction(caller->m->ir, name))
		return LLVMGetNamedFunction(caller->m->ir, name);
	function_open(&f, caller, name, sizes, 2);
	l = emit_loop(&f.e, CHUNK);
	at = emit_at(&f.e, function_argument(&f, 0), l.i);
	begins = function_call(&f.e, prefix, at, function_argument(&f, 1));
	function_return_if(&f, emit_op(&f.e, OP_GT, begins, emit_int(&f.e, 0), true),
			   emit_op(&f.e, OP_ADD, l.i, emit_int(&f.e, 1), false));
	byte = emit_load(&f.e, emit_at(&f.e, function_argument(&f, 0), l.i), 0, 1,
			 false);
	function_return_if(&f, emit_op(&f.e, OP_EQ, byte, emit_int(&f.e, 0), false),
			   emit_int(&f.e, text_ended));
	emit_loop_end(&f.e, &l);
	return function_close(&f);
}

/* The same of chunks: the needle's place + 1. */
static LLVMValueRef search_function(struct emit *caller, size_t chunks, size_t needle)
{
	size_t sizes[] = { chunks * CHUNK + needle, needle };
	LLVMValueRef inner = search_chunk_function(caller, needle);
	char name[FUNCTION_NAME_MAX];
	struct value at, result;
	struct function f;
	struct loop l;

	snprintf(name, sizeof(name), "memql_search_%zu_%zu", chunks, needle);
	if (LLVMGetNamedFunction(caller->m->ir, name))
		return LLVMGetNamedFunction(caller->m->ir, name);
	function_open(&f, caller, name, sizes, 2);
	l = emit_loop(&f.e, chunks);
	at = emit_op(&f.e, OP_SHL, l.i, emit_int(&f.e, 6), false);
	result = function_call(&f.e, inner, emit_at(&f.e, function_argument(&f, 0), at),
			       function_argument(&f, 1));
	function_return_if(&f, emit_op(&f.e, OP_LT, result, emit_int(&f.e, 0), true),
			   emit_int(&f.e, 0));
	function_return_if(&f, result, emit_op(&f.e, OP_ADD, result, at, false));
	emit_loop_end(&f.e, &l);
	return function_close(&f);
}

struct value emit_search_text(struct emit *e, const struct node *text,
			      const struct node *needle)
{
	size_t count = type_size(needle->type), own = type_size(text->type);
	size_t chunks = (own + CHUNK - 1) / CHUNK;
	struct value at = temp_in_scratch(e, chunks * CHUNK + count);
	struct value what = temp_in_scratch(e, count), place;

	eval_text_at(e, text, at, own);
	eval_text_at(e, needle, what, count);
	place = function_call(e, search_function(e, chunks, count), at, what);
	return emit_op(e, OP_SUB, place, emit_int(e, 1), false);
}

/* The difference of the first bytes that differ. */
static LLVMValueRef memcmp_function(struct emit *caller, size_t count)
{
	size_t sizes[] = { count, count };
	char name[FUNCTION_NAME_MAX];
	struct function f;
	struct value x, y;
	struct loop l;

	snprintf(name, sizeof(name), "memql_memcmp_%zu", count);
	if (LLVMGetNamedFunction(caller->m->ir, name))
		return LLVMGetNamedFunction(caller->m->ir, name);
	function_open(&f, caller, name, sizes, 2);
	l = emit_loop(&f.e, count);
	x = emit_load(&f.e, emit_at(&f.e, function_argument(&f, 0), l.i), 0, 1, false);
	y = emit_load(&f.e, emit_at(&f.e, function_argument(&f, 1), l.i), 0, 1, false);
	x = emit_op(&f.e, OP_SUB, x, y, false);
	function_return_if(&f, x, x);
	emit_loop_end(&f.e, &l);
	return function_close(&f);
}

struct value emit_memory(struct emit *e, const struct node *n)
{
	const struct type *t = type_owned(e->m->cc->arena, n->type);
	struct value at = temp_in_scratch(e, type_size(t));

	eval_into(e, n, at, t, true);
	return at;
}

struct value emit_compare_memory(struct emit *e, const struct node *a,
				 const struct node *b, size_t count)
{
	struct value x = emit_memory(e, a), y = emit_memory(e, b);

	return function_call(e, memcmp_function(e, count), x, y);
}
