/*
 * Text through a machine of a few states, in place: what it writes never overtakes what it
 * reads. A table look-up for each byte and no branch, so that the verifier has one path
 * through the loop; a function for 64 bytes at a time, as in function.c.
 */
#include "codegen/internal.h"

#include <stdio.h>
#include <string.h>

#include "core/arena.h"

enum {
	CHUNK = 64,
	TABLE_SIZE = TRANSDUCER_ROWS * 256 * sizeof(uint16_t),
	PLACE_MASK = 0xffff, /* text has at most 16 KiB */
	/* Where the number that the functions hand on has its parts. */
	READ_SHIFT = 16,
	STATE_SHIFT = 32,
};

static struct value part(struct emit *e, struct value n, unsigned shift, uint64_t mask)
{
	return emit_op(e, OP_AND, emit_op(e, OP_SHR, n, emit_int(e, shift), false),
		       emit_int(e, (int64_t)mask), false);
}

static struct value join_parts(struct emit *e, struct value written, struct value state)
{
	return emit_op(e, OP_OR, written,
		       emit_op(e, OP_SHL, state, emit_int(e, STATE_SHIFT), false),
		       false);
}

/* Up to CHUNK bytes, from the place that the number says. */
static LLVMValueRef chunk_function(struct emit *caller, const uint16_t *table,
				   unsigned index, size_t size)
{
	size_t sizes[] = { size, 0 };
	char name[FUNCTION_NAME_MAX];
	struct value first, at, row, rows, text;
	LLVMValueRef state, written;
	struct function f;
	struct emit *e = &f.e;
	struct loop l;

	snprintf(name, sizeof(name), "memql_bytes%u_%zu", index, size);
	if (LLVMGetNamedFunction(caller->m->ir, name))
		return LLVMGetNamedFunction(caller->m->ir, name);
	function_open(&f, caller, name, sizes, 2);
	text = function_argument(&f, 0);
	state = local_new(e);
	written = local_new(e);
	rows = emit_rodata(e, table, TABLE_SIZE);
	local_set(e, written, part(e, function_argument(&f, 1), 0, PLACE_MASK));
	local_set(e, state,
		  part(e, function_argument(&f, 1), STATE_SHIFT, TRANSDUCER_ROWS - 1));
	first = part(e, function_argument(&f, 1), READ_SHIFT, PLACE_MASK);
	l = emit_loop(e, CHUNK);
	at = bounded(e, emit_op(e, OP_ADD, first, l.i, false), size - 1);
	at = emit_load(e, emit_at(e, text, at), 0, 1, false);
	/* A sum, not OR, of which verifiers before 6.10 know no bounds. */
	row = emit_op(e, OP_SHL, local_get(e, state), emit_int(e, 9), false);
	row = emit_op(e, OP_ADD, opaque(e, row),
		      emit_op(e, OP_SHL, at, emit_int(e, 1), false), false);
	row = emit_load(e, emit_at(e, rows, row), 0, 2, false);
	at = emit_op(e, OP_SUB, local_get(e, written),
		     part(e, row, TRANSDUCER_BACK_BIT, 1), false);
	at = bounded(e, at, size - 1);
	emit_store(e, emit_at(e, text, at), 0, row, 1);
	local_set(e, written,
		  emit_op(e, OP_ADD, at, part(e, row, TRANSDUCER_KEEP_BIT, 1), false));
	local_set(e, state, part(e, row, TRANSDUCER_STATE, TRANSDUCER_ROWS - 1));
	function_set(&f, join_parts(e, local_get(e, written), local_get(e, state)));
	emit_loop_end(e, &l);
	return function_close(&f);
}

/* A number for each table: calls of the same function have the same. */
static unsigned table_index(struct module *m, const uint16_t *table)
{
	size_t i = 0;

	while (i < m->tables.n && memcmp(m->tables.items[i], table, TABLE_SIZE) != 0)
		i++;
	if (i == m->tables.n)
		ARENA_PUSH(m->cc->arena, &m->tables, table);
	return (unsigned)i;
}

/* All of it: ends with its text, or with its room. Returns the length of what it wrote. */
static LLVMValueRef text_function(struct emit *caller, const uint16_t *table,
				  size_t size)
{
	unsigned index = table_index(caller->m, table);
	size_t sizes[] = { size, 0 };
	char name[FUNCTION_NAME_MAX];
	struct value state, read, at;
	LLVMValueRef inner;
	struct branch ended;
	struct function f;
	struct emit *e = &f.e;
	struct loop l;

	snprintf(name, sizeof(name), "memql_text%u_%zu", index, size);
	if (LLVMGetNamedFunction(caller->m->ir, name))
		return LLVMGetNamedFunction(caller->m->ir, name);
	function_open(&f, caller, name, sizes, 2);
	inner = chunk_function(e, table, index, size);
	function_set(&f, emit_int(e, 0));
	l = emit_loop(e, (size + CHUNK - 1) / CHUNK);
	read = emit_op(e, OP_SHL, l.i, emit_int(e, 6 + READ_SHIFT), false);
	state = function_call(e, inner, function_argument(&f, 0),
			      emit_op(e, OP_OR, local_get(e, f.result), read, false));
	function_set(&f, state);
	ended = emit_if(e, emit_op(e, OP_EQ,
				   part(e, state, STATE_SHIFT, TRANSDUCER_ROWS - 1),
				   emit_int(e, TRANSDUCER_END), false));
	emit_break(e, &l);
	emit_end(e, &ended);
	emit_loop_end(e, &l);
	at = bounded(e, part(e, local_get(e, f.result), 0, PLACE_MASK), size - 1);
	emit_store(e, emit_at(e, function_argument(&f, 0), at), 0, emit_int(e, 0), 1);
	function_set(&f, at);
	return function_close(&f);
}

struct value emit_transduce(struct emit *e, struct value text, size_t size,
			    const uint16_t *table)
{
	LLVMValueRef function = text_function(e, table, size);
	struct value len = function_call(e, function, text, emit_int(e, 0));

	return (struct value){ .ref = text.ref, .len = bounded(e, len, size - 1).ref };
}

/* FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/ */
static const uint64_t fnv_offset = UINT64_C(0xcbf29ce484222325);
static const uint64_t fnv_prime = UINT64_C(0x100000001b3);

/*
 * The hash of up to size bytes, begun with the second argument. The lowest bit of a result
 * that has seen the end of its text is 1, of others 0: the hash has 63 bits.
 */
static LLVMValueRef hash_function(struct emit *caller, size_t size)
{
	size_t sizes[] = { size, 0 };
	char name[FUNCTION_NAME_MAX];
	struct value byte, hash;
	struct function f;
	struct emit *e = &f.e;
	struct loop l;

	snprintf(name, sizeof(name), "memql_hash_%zu", size);
	if (LLVMGetNamedFunction(caller->m->ir, name))
		return LLVMGetNamedFunction(caller->m->ir, name);
	function_open(&f, caller, name, sizes, 2);
	function_set(&f, function_argument(&f, 1));
	l = emit_loop(e, size);
	byte = emit_load(e, emit_at(e, function_argument(&f, 0), l.i), 0, 1, false);
	hash = local_get(e, f.result);
	function_return_if(&f, emit_op(e, OP_EQ, byte, emit_int(e, 0), false),
			   emit_op(e, OP_OR, hash, emit_int(e, 1), false));
	hash = emit_op(e, OP_MUL, emit_op(e, OP_XOR, hash, byte, false),
		       emit_int(e, (int64_t)fnv_prime), false);
	function_set(&f, emit_op(e, OP_AND, hash, emit_int(e, -2), false));
	emit_loop_end(e, &l);
	return function_close(&f);
}

static LLVMValueRef hash_text_function(struct emit *caller, size_t size)
{
	size_t sizes[] = { size, 0 }, rest = size % CHUNK;
	char name[FUNCTION_NAME_MAX];
	LLVMValueRef inner, last = NULL;
	struct value at, hash;
	struct function f;
	struct emit *e = &f.e;
	struct loop l;

	snprintf(name, sizeof(name), "memql_hash_text_%zu", size);
	if (LLVMGetNamedFunction(caller->m->ir, name))
		return LLVMGetNamedFunction(caller->m->ir, name);
	function_open(&f, caller, name, sizes, 2);
	inner = hash_function(e, CHUNK);
	if (rest)
		last = hash_function(e, rest);
	function_set(&f, function_argument(&f, 1));
	l = emit_loop(e, size / CHUNK);
	at = emit_op(e, OP_SHL, l.i, emit_int(e, 6), false);
	hash = function_call(e, inner, emit_at(e, function_argument(&f, 0), at),
			     local_get(e, f.result));
	function_return_if(&f, part(e, hash, 0, 1), hash);
	function_set(&f, hash);
	emit_loop_end(e, &l);
	if (last) {
		at = emit_int(e, (int64_t)(size - rest));
		function_set(&f, function_call(e, last,
					       emit_at(e, function_argument(&f, 0), at),
					       local_get(e, f.result)));
	}
	return function_close(&f);
}

struct value emit_hash_text(struct emit *e, struct value text, size_t size)
{
	return function_call(e, hash_text_function(e, size), text,
			     emit_int(e, (int64_t)(fnv_offset & ~UINT64_C(1))));
}
