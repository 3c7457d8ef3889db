/* Words of an aggregation's cell. Only this file knows whether the cell is shared. */
#include "codegen/internal.h"

#include <assert.h>

enum { CONTENTION_TRIES = 8 };

/* An index that the program computed, shown to the verifier to be inside the cell. */
struct word {
	struct value at;
	struct branch inside;
	bool checked;
};

/*
 * The check is on the very offset that is added, behind a fence: a check that LLVM moves,
 * merges or makes on another register tells the verifier nothing. It never fails.
 */
static struct word open_word(struct emit *e, struct value cell, struct value i)
{
	struct value offset = emit_op(e, OP_MUL, i, emit_int(e, 8), false);
	struct word w = { .checked = !LLVMIsAConstantInt(offset.ref) };

	if (w.checked) {
		offset = emit_op(e, OP_SHL, i, emit_int(e, 3), false);
		offset = opaque(e, offset);
		w.inside = emit_if(e, emit_op(e, OP_LE, offset,
					      emit_int(e, (int64_t)e->cell_size - 8),
					      false));
	} else {
		assert(LLVMConstIntGetZExtValue(offset.ref) < e->cell_size);
	}
	w.at = emit_at(e, cell, offset);
	return w;
}

static void close_word(struct emit *e, struct word *w)
{
	if (w->checked)
		emit_end(e, &w->inside);
}

void emit_cell_add(struct emit *e, struct value cell, struct value i, struct value v)
{
	struct word w = open_word(e, cell, i);

	if (e->cell_atomic)
		LLVMBuildAtomicRMW(e->b, LLVMAtomicRMWBinOpAdd, w.at.ref, v.ref,
				   LLVMAtomicOrderingMonotonic, 0);
	else
		emit_store(
			e, w.at, 0,
			emit_op(e, OP_ADD, emit_load(e, w.at, 0, 8, false), v, false),
			8);
	close_word(e, &w);
}

static struct value exchange(struct emit *e, struct value at, struct value old,
			     struct value v)
{
	LLVMValueRef pair = LLVMBuildAtomicCmpXchg(
		e->b, at.ref, old.ref, v.ref, LLVMAtomicOrderingSequentiallyConsistent,
		LLVMAtomicOrderingSequentiallyConsistent, 0);

	return value_of(LLVMBuildExtractValue(e->b, pair, 0, ""));
}

/* Another CPU may raise it at the same time, but not for ever. */
static void raise_shared(struct emit *e, struct value at, struct value v)
{
	LLVMValueRef old = local_new(e), done = local_new(e);
	struct value seen;
	struct branch stop;
	struct loop l;

	local_set(e, done, emit_int(e, 0));
	local_set(e, old, emit_load(e, at, 0, 8, false));
	l = emit_loop(e, CONTENTION_TRIES);
	stop = emit_if(e, emit_op(e, OP_LE, v, local_get(e, old), false));
	local_set(e, done, emit_int(e, 1));
	emit_break(e, &l);
	emit_end(e, &stop);
	seen = exchange(e, at, local_get(e, old), v);
	stop = emit_if(e, emit_op(e, OP_EQ, seen, local_get(e, old), false));
	local_set(e, done, emit_int(e, 1));
	emit_break(e, &l);
	emit_end(e, &stop);
	local_set(e, old, seen);
	emit_loop_end(e, &l);
	stop = emit_if(e, emit_op(e, OP_EQ, local_get(e, done), emit_int(e, 0), false));
	emit_loss(e, LOSS_CONTENTION, e->span);
	emit_end(e, &stop);
}

void emit_cell_max(struct emit *e, struct value cell, struct value i, struct value v)
{
	struct word w = open_word(e, cell, i);
	struct branch higher;

	if (e->cell_atomic) {
		raise_shared(e, w.at, v);
	} else {
		higher = emit_if(e, emit_op(e, OP_GT, v,
					    emit_load(e, w.at, 0, 8, false), false));
		emit_store(e, w.at, 0, v, 8);
		emit_end(e, &higher);
	}
	close_word(e, &w);
}
