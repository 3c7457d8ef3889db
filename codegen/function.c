/*
 * Functions: loops over text, outside of the program.
 *
 * The verifier follows a program along all of its paths, through every turn of a loop, and
 * gives up after a million instructions or when 8192 branches wait to be followed. A loop
 * over 16 KiB of text has that many branches by itself, and what it finds doubles the
 * paths from there on. But functions with external linkage are verified by themselves and
 * once: for its callers such a function is one instruction that returns any number.
 *
 * Each handles at most CHUNK bytes, or calls another for each CHUNK bytes: so 16 KiB are
 * 256 turns. The kernel allows no arguments that a function could not write to, as it
 * knows nothing of const: literals and entries of maps are copied first.
 */
#include "codegen/internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "core/arena.h"

enum { CHUNK = 64, ARGS_MAX = 2 };

/* What compare() returns: none of the others yet, or they differ, or are equal and end. */
enum { SAME_SO_FAR, DIFFERENT, SAME };

/*
 * What find() returns: a state of the needle, which has 63 bits; or this bit and where the
 * needle ends; or that the text has ended.
 */
static const int64_t found_bit = INT64_MIN;
static const int64_t text_ended = -1;

/* Each byte of a word. */
static const uint64_t low_bits = UINT64_C(0x0101010101010101);
static const uint64_t high_bits = UINT64_C(0x8080808080808080);

static LLVMValueRef declare(struct module *m, const char *name, const size_t *sizes,
			    unsigned n)
{
	LLVMTypeRef types[ARGS_MAX];
	LLVMValueRef f;

	for (unsigned i = 0; i < n; i++)
		types[i] = sizes[i] ? m->ptr : m->i64;
	f = LLVMAddFunction(m->ir, name, LLVMFunctionType(m->i64, types, n, 0));
	LLVMSetSection(f, ".text");
	return f;
}

struct value function_argument(const struct function *f, unsigned i)
{
	return value_of(LLVMGetParam(f->e.function, i));
}

void function_set(struct function *f, struct value v)
{
	local_set(&f->e, f->result, v);
}

void function_return_if(struct function *f, struct value cond, struct value result)
{
	struct branch b = emit_if(&f->e, cond);

	function_set(f, result);
	emit_return(&f->e);
	emit_end(&f->e, &b);
}

/* Memory may be absent, for all that the verifier knows. */
void function_open(struct function *f, struct emit *caller, const char *name,
		   const size_t *sizes, unsigned n)
{
	struct emit *e = &f->e;
	LLVMBasicBlockRef frame;

	because(caller, WHY_CALLED_FUNCTION);
	*f = (struct function){ .e = *caller, .caller = caller };
	e->function = declare(e->m, name, sizes, n);
	ARENA_PUSH(e->m->cc->arena, &e->m->c_functions,
		   ((struct c_signature){ arena_strdup(e->m->cc->arena, name),
					  { sizes[0], n > 1 ? sizes[1] : 0 } }));
	e->subprogram = debug_function(e->m, e->function, name,
				       module_line(e->m, caller->span), sizes, n);
	e->b = LLVMCreateBuilderInContext(e->m->context);
	e->entry = LLVMCreateBuilderInContext(e->m->context);
	frame = block_new(e, "frame");
	f->start = block_new(e, "start");
	e->leave = block_new(e, "leave");
	LLVMPositionBuilderAtEnd(e->entry, frame);
	LLVMPositionBuilderAtEnd(e->b, f->start);
	e->span = (struct span){ .end = UINT32_MAX };
	debug_at(e, caller->span);
	f->result = local_new(e);
	for (unsigned i = 0; i < n; i++)
		if (sizes[i])
			function_return_if(f,
					   emit_op(e, OP_EQ, function_argument(f, i),
						   value_of(LLVMConstNull(e->m->ptr)),
						   false),
					   emit_int(e, 0));
}

LLVMValueRef function_close(struct function *f)
{
	struct emit *e = &f->e;

	LLVMBuildBr(e->b, e->leave);
	LLVMPositionBuilderAtEnd(e->b, e->leave);
	LLVMBuildRet(e->b, local_get(e, f->result).ref);
	LLVMBuildBr(e->entry, f->start);
	LLVMDisposeBuilder(e->b);
	LLVMDisposeBuilder(e->entry);
	return e->function;
}

struct value function_call(struct emit *e, LLVMValueRef f, struct value a,
			   struct value b)
{
	LLVMValueRef args[] = { a.ref, b.ref };

	return value_of(
		LLVMBuildCall2(e->b, LLVMGlobalGetValueType(f), f, args, 2, ""));
}

/*
 * A word of both texts. The lowest bit of ends is set in the highest bit of the first zero
 * byte of x; what differs at or before that byte counts, and no byte that mask hides.
 */
static void compare_word(struct function *f, struct value at, uint64_t mask)
{
	struct emit *e = &f->e;
	struct value x =
		emit_load(e, emit_at(e, function_argument(f, 0), at), 0, 8, false);
	struct value y =
		emit_load(e, emit_at(e, function_argument(f, 1), at), 0, 8, false);
	struct value none = emit_int(e, 0), one = emit_int(e, 1), upto, ends, differ;

	ends = emit_op(e, OP_AND,
		       emit_op(e, OP_SUB, x, emit_int(e, (int64_t)low_bits), false),
		       emit_op(e, OP_INV, x, none, false), false);
	ends = emit_op(e, OP_AND, ends, emit_int(e, (int64_t)(high_bits & mask)),
		       false);
	upto = emit_op(e, OP_AND, ends, emit_op(e, OP_NEG, ends, none, false), false);
	upto = emit_op(e, OP_SUB, emit_op(e, OP_SHL, upto, one, false), one, false);
	differ = emit_op(e, OP_AND, emit_op(e, OP_XOR, x, y, false), upto, false);
	if (mask != UINT64_MAX)
		differ = emit_op(e, OP_AND, differ, emit_int(e, (int64_t)mask), false);
	function_return_if(f, differ, emit_int(e, DIFFERENT));
	function_return_if(f, ends, emit_int(e, SAME));
}

static LLVMValueRef compare_function(struct emit *caller, size_t count);

static void compare_chunks(struct function *f, size_t count)
{
	struct emit *e = &f->e;
	LLVMValueRef inner = compare_function(e, CHUNK);
	struct loop l = emit_loop(e, count / CHUNK);
	struct value at = emit_op(e, OP_SHL, l.i, emit_int(e, 6), false), result;

	result = function_call(e, inner, emit_at(e, function_argument(f, 0), at),
			       emit_at(e, function_argument(f, 1), at));
	function_return_if(f, result, result);
	emit_loop_end(e, &l);
}

/* The function that compares up to count bytes; the memory is whole words. */
static LLVMValueRef compare_function(struct emit *caller, size_t count)
{
	size_t size = (count + 7) & ~(size_t)7, sizes[] = { size, size }, done = 0;
	char name[FUNCTION_NAME_MAX];
	struct function f;

	snprintf(name, sizeof(name), "memql_compare_%zu", count);
	if (LLVMGetNamedFunction(caller->m->ir, name))
		return LLVMGetNamedFunction(caller->m->ir, name);
	function_open(&f, caller, name, sizes, 2);
	if (count > CHUNK) {
		compare_chunks(&f, count);
		done = count & ~(size_t)(CHUNK - 1);
	}
	for (; done < count; done += 8) {
		size_t left = count - done;

		compare_word(&f, emit_int(&f.e, (int64_t)done),
			     left < 8 ? (UINT64_C(1) << 8 * left) - 1 : UINT64_MAX);
	}
	return function_close(&f);
}

struct value emit_same_text(struct emit *e, struct value a, struct value b,
			    size_t count)
{
	struct value result = function_call(e, compare_function(e, count), a, b);

	return emit_op(e, OP_NE, result, emit_int(e, DIFFERENT), false);
}

/* For each byte, the places where the needle has it. */
static struct value place_table(struct emit *e, const char *needle)
{
	uint64_t places[256] = { 0 };

	for (size_t i = 0; needle[i]; i++)
		places[(unsigned char)needle[i]] |= UINT64_C(1) << i;
	return emit_rodata(e, places, sizeof(places));
}

static struct value is_whole(struct emit *e, struct value state, size_t len)
{
	return emit_op(e, OP_AND, state, emit_int(e, INT64_C(1) << (len - 1)), false);
}

/*
 * The bitap algorithm: bit i of the state is set if the last i + 1 bytes are the first
 * i + 1 of the needle. A byte shifts the state, adds bit 0, and keeps the bits of the
 * places where the needle has that byte: one table look-up, no inner loop, no going back.
 */
static void find_in_bytes(struct function *f, const char *needle, size_t count)
{
	struct emit *e = &f->e;
	struct value table = place_table(e, needle), byte, places, state;
	struct loop l;

	function_set(f, function_argument(f, 1));
	l = emit_loop(e, count);
	byte = emit_load(e, emit_at(e, function_argument(f, 0), l.i), 0, 1, false);
	function_return_if(f, emit_op(e, OP_EQ, byte, emit_int(e, 0), false),
			   emit_int(e, text_ended));
	byte = emit_op(e, OP_SHL, byte, emit_int(e, 3), false);
	places = emit_load(e, emit_at(e, table, byte), 0, 8, false);
	state = local_get(e, f->result);
	state = emit_op(e, OP_SHL, state, emit_int(e, 1), false);
	state = emit_op(e, OP_OR, state, emit_int(e, 1), false);
	state = emit_op(e, OP_AND, state, places, false);
	function_return_if(f, is_whole(e, state, strlen(needle)),
			   emit_op(e, OP_ADD, l.i, emit_int(e, found_bit + 1), false));
	function_set(f, state);
	emit_loop_end(e, &l);
}

/* A number for each needle. */
static unsigned needle_index(struct module *m, const char *needle)
{
	for (size_t i = 0; i < m->needles.n; i++)
		if (strcmp(m->needles.items[i], needle) == 0)
			return (unsigned)i;
	ARENA_PUSH(m->cc->arena, &m->needles, needle);
	return (unsigned)m->needles.n - 1;
}

static LLVMValueRef find_function(struct emit *caller, const char *needle,
				  unsigned index, size_t count);

/* Leave if the text has ended in this part, or the needle was found there. */
static void return_decided(struct function *f, struct value state, struct value before)
{
	struct emit *e = &f->e;

	function_return_if(f, emit_op(e, OP_EQ, state, emit_int(e, text_ended), false),
			   state);
	function_return_if(f, emit_op(e, OP_LT, state, emit_int(e, 0), true),
			   emit_op(e, OP_ADD, state, before, false));
}

static void find_in_chunks(struct function *f, const char *needle, unsigned index,
			   size_t count)
{
	struct emit *e = &f->e;
	LLVMValueRef inner = find_function(e, needle, index, CHUNK);
	size_t rest = count % CHUNK, whole = count - rest;
	struct value at, state;
	struct loop l;

	function_set(f, function_argument(f, 1));
	l = emit_loop(e, count / CHUNK);
	at = emit_at(e, function_argument(f, 0),
		     emit_op(e, OP_SHL, l.i, emit_int(e, 6), false));
	state = function_call(e, inner, at, local_get(e, f->result));
	return_decided(f, state, emit_op(e, OP_SHL, l.i, emit_int(e, 6), false));
	function_set(f, state);
	emit_loop_end(e, &l);
	if (rest) {
		inner = find_function(e, needle, index, rest);
		at = emit_at(e, function_argument(f, 0), emit_int(e, (int64_t)whole));
		state = function_call(e, inner, at, local_get(e, f->result));
		return_decided(f, state, emit_int(e, (int64_t)whole));
		function_set(f, state);
	}
}

/* The function that looks for the needle of this index in up to count bytes. */
static LLVMValueRef find_function(struct emit *caller, const char *needle,
				  unsigned index, size_t count)
{
	size_t sizes[] = { count, 0 };
	char name[FUNCTION_NAME_MAX];
	struct function f;

	snprintf(name, sizeof(name), "memql_find%u_%zu", index, count);
	if (LLVMGetNamedFunction(caller->m->ir, name))
		return LLVMGetNamedFunction(caller->m->ir, name);
	function_open(&f, caller, name, sizes, 2);
	if (count > CHUNK)
		find_in_chunks(&f, needle, index, count);
	else
		find_in_bytes(&f, needle, count);
	return function_close(&f);
}

struct value emit_find_text(struct emit *e, struct value text, size_t count,
			    const char *needle)
{
	size_t len = strlen(needle);
	LLVMValueRef function;
	struct value state, found;

	assert(len > 0 && len <= FIND_MAX);
	function = find_function(e, needle, needle_index(e->m, needle), count);
	state = function_call(e, function, text, emit_int(e, 0));
	found = emit_op(e, OP_LAND,
			emit_op(e, OP_NE, state, emit_int(e, text_ended), false),
			emit_op(e, OP_LT, state, emit_int(e, 0), true), false);
	state = emit_op(e, OP_SUB, state, emit_int(e, found_bit + (int64_t)len), false);
	return emit_select(e, found, state, emit_int(e, -1));
}

struct value emit_text_memory(struct emit *e, const struct node *n)
{
	size_t size = type_size(n->type);

	/* Its own memory, which no other program has. */
	if (n->kind == NODE_VAR)
		return emit_eval(e, n);
	return eval_text_at(e, n, temp_text(e, size), size);
}
