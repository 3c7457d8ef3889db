/* Words of an aggregation's cell. Only this file knows whether the cell is shared. */
#include "codegen/internal.h"

#include <assert.h>

#include "sema/target.h"

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

	if (w.checked && because(e, WHY_INDEX)) {
		offset = emit_op(e, OP_SHL, i, emit_int(e, 3), false);
		offset = opaque(e, offset);
		w.inside = emit_if(e, emit_op(e, OP_LE, offset,
					      emit_int(e, (int64_t)e->cell_size - 8),
					      false));
	} else if (w.checked) {
		w.inside = emit_if(e, emit_int(e, 1));
		offset = opaque(e, offset);
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

	if (e->cell_atomic && because(e, WHY_ATOMIC))
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

struct branch emit_cell_lock(struct emit *e, struct value cell, struct span at)
{
	struct value busy = emit_int(e, 0);
	struct branch b;

	if (e->cell_atomic) {
		busy = exchange(e, cell, emit_int(e, 0), emit_int(e, 1));
		b = emit_if(e, busy);
		emit_loss(e, LOSS_CONTENTION, at);
	} else {
		b = emit_if(e, busy);
	}
	emit_else(e, &b);
	return b;
}

void emit_cell_unlock(struct emit *e, struct value cell, struct branch *locked)
{
	if (e->cell_atomic)
		exchange(e, cell, emit_int(e, 1), emit_int(e, 0));
	emit_end(e, locked);
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

/* Joins a word of one cell, if there is one, to what was seen so far. */
static void join_cell(struct emit *e, struct value cell, unsigned word, bool is_sum,
		      LLVMValueRef total)
{
	struct branch there = emit_if(e, cell);
	struct value v = emit_load(e, cell, (int64_t)word * 8, 8, false), more;

	if (is_sum) {
		local_set(e, total, emit_op(e, OP_ADD, local_get(e, total), v, false));
	} else {
		more = emit_op(e, OP_GT, v, local_get(e, total), false);
		local_set(e, total, emit_select(e, more, v, local_get(e, total)));
	}
	emit_end(e, &there);
}

static struct value fold_cells(struct emit *e, const struct cells *c, unsigned word,
			       bool is_sum)
{
	struct value map = value_of(c->map), key = value_of(c->key), cell;
	LLVMValueRef total = local_new(e);
	struct loop cpus;

	local_set(e, total, emit_int(e, 0));
	if (!c->per_cpu) {
		cell = emit_helper_ptr(e, HELPER_MAP_LOOKUP_ELEM, 2, map, key);
		join_cell(e, cell, word, is_sum, total);
		return local_get(e, total);
	}
	cpus = emit_loop(e, e->m->cc->target->ncpus);
	cell = emit_helper_ptr(e, HELPER_MAP_LOOKUP_PERCPU_ELEM, 3, map, key, cpus.i);
	join_cell(e, cell, word, is_sum, total);
	emit_loop_end(e, &cpus);
	return local_get(e, total);
}

struct value emit_cells_sum(struct emit *e, const struct cells *c, unsigned word)
{
	return fold_cells(e, c, word, true);
}

struct value emit_cells_max(struct emit *e, const struct cells *c, unsigned word)
{
	return fold_cells(e, c, word, false);
}
