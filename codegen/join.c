/*
 * join(): the texts of an array of addresses, one after the other. A function, since the
 * verifier would follow each way through the loop, and from each on the program.
 */
#include "codegen/internal.h"

#include <stdio.h>
#include <string.h>

#include "core/arena.h"

/* What is put at the end of text that was cut. */
static const char cut_mark[] = "...";

/* A word that is kept in memory: the verifier forgets how it was computed. */
static struct value forget(struct emit *e, LLVMValueRef slot, struct value v)
{
	LLVMValueRef load;

	emit_store(e, value_of(slot), 0, v, 8);
	load = LLVMBuildLoad2(e->b, e->m->i64, slot, "");
	LLVMSetVolatile(load, 1);
	return value_of(load);
}

/* The bytes at dst + len; returns len and theirs. */
static struct value append(struct emit *e, struct value dst, struct value len,
			   const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i <= n; i++)
		emit_store(e, emit_at(e, dst, len), (int64_t)i, emit_int(e, text[i]),
			   1);
	return emit_op(e, OP_ADD, len, emit_int(e, (int64_t)n), false);
}

/* Leave with the mark if cond is not 0. */
static void cut_if(struct function *f, struct value cond, struct value len, size_t max)
{
	struct branch b = emit_if(&f->e, cond);

	len = bounded(&f->e, len, max);
	function_set(f, append(&f->e, function_argument(f, 0), len, cut_mark));
	emit_return(&f->e);
	emit_end(&f->e, &b);
}

/* Word i: leave if there is none, or if there is no more room. */
static void join_word(struct function *f, const struct joining *j, struct value i,
		      LLVMValueRef slot, struct span at)
{
	struct emit *e = &f->e;
	struct value dst = function_argument(f, 0), word, len, n;
	struct branch b;

	word = emit_op(e, OP_ADD, function_argument(f, 1),
		       emit_op(e, OP_SHL, i, emit_int(e, 3), false), false);
	emit_store(e, value_of(slot), 0, emit_int(e, 0), 8);
	emit_read_bytes(e, value_of(slot), word, 8, j->space, at);
	word = emit_load(e, value_of(slot), 0, 8, false);
	function_return_if(f, emit_op(e, OP_EQ, word, emit_int(e, 0), false),
			   local_get(e, f->result));

	len = forget(e, slot, local_get(e, f->result));
	cut_if(f, emit_op(e, OP_GE, len, emit_int(e, (int64_t)j->limit), false), len,
	       j->limit + JOIN_DELIMITER_MAX + JOIN_WORD_MAX);
	cut_if(f, emit_op(e, OP_GE, i, emit_int(e, (int64_t)j->words), false), len,
	       j->limit);
	b = emit_if(e, i);
	len = bounded(e, len, j->limit);
	len = append(e, dst, len, j->delimiter);
	function_set(f, len);
	emit_end(e, &b);
	len = forget(e, slot, local_get(e, f->result));
	len = bounded(e, len, j->limit + JOIN_DELIMITER_MAX);
	n = emit_read_word(e, emit_at(e, dst, len), word, JOIN_WORD_MAX, j->space, at);
	function_set(f, emit_op(e, OP_ADD, len, n, false));
}

/* One for each call: delimiters and places differ. */
static LLVMValueRef join_function(struct emit *caller, const struct joining *j,
				  struct span at)
{
	size_t sizes[] = { joining_size(j->limit), 0 };
	char name[FUNCTION_NAME_MAX];
	struct function f;
	LLVMValueRef slot;
	struct loop l;

	snprintf(name, sizeof(name), "memql_join_%zu_%u", caller->index, at.begin);
	if (LLVMGetNamedFunction(caller->m->ir, name))
		return LLVMGetNamedFunction(caller->m->ir, name);
	function_open(&f, caller, name, sizes, 2);
	slot = local_new(&f.e);
	l = emit_loop(&f.e, j->words + 1);
	join_word(&f, j, l.i, slot, at);
	emit_loop_end(&f.e, &l);
	return function_close(&f);
}

struct value emit_join(struct emit *e, struct value dst, struct value array,
		       const struct joining *j, struct span at)
{
	LLVMValueRef function = join_function(e, j, at);
	struct value len;

	emit_store(e, dst, 0, emit_int(e, 0), 1);
	len = function_call(e, function, dst, value_of(as_int(e, array)));
	return (struct value){ .ref = dst.ref,
			       .len = bounded(e, len, joining_size(j->limit) - 1).ref };
}
