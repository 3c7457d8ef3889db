/*
 * Blocks and the ways between them. What is built is if, loops that test at their end, and
 * returns from anywhere: so each block belongs behind the last one that all ways to it go
 * through, and whatever else leads to it is a break or a goto.
 */
#include "codegen/c_text.h"

#include <assert.h>
#include <stdint.h>

#include "core/arena.h"

enum { EXIT_MAX = 4 }; /* instructions of what is written more than once */

static size_t slot_of(const struct c_function *f, const void *key)
{
	size_t i = ((uintptr_t)key >> 4) * 0x9e3779b1u % f->nslots;

	while (f->slots[i].key && f->slots[i].key != key)
		i = (i + 1) % f->nslots;
	return i;
}

static void remember(struct c_function *f, const void *key, size_t index)
{
	f->slots[slot_of(f, key)] = (struct c_slot){ key, (uint32_t)index };
}

struct c_value *c_find(const struct c_function *f, LLVMValueRef v)
{
	const struct c_slot *s = &f->slots[slot_of(f, v)];

	return s->key ? &f->values.items[s->index] : NULL;
}

uint32_t c_find_block(const struct c_function *f, LLVMBasicBlockRef b)
{
	const struct c_slot *s = &f->slots[slot_of(f, b)];

	return s->key ? s->index : C_NONE;
}

/* The one way that a branch with a constant condition takes, or NULL. */
static LLVMBasicBlockRef only_way(LLVMValueRef end)
{
	LLVMValueRef condition;

	if (!LLVMIsABranchInst(end) || !LLVMIsConditional(end))
		return NULL;
	condition = LLVMGetCondition(end);
	if (!LLVMIsAConstantInt(condition))
		return NULL;
	return LLVMGetSuccessor(end, !LLVMConstIntGetZExtValue(condition));
}

static unsigned nways(LLVMValueRef end)
{
	return only_way(end) ? 1 : LLVMGetNumSuccessors(end);
}

static LLVMBasicBlockRef way(LLVMValueRef end, unsigned i)
{
	LLVMBasicBlockRef only = only_way(end);

	return only ? only : LLVMGetSuccessor(end, i);
}

/* A walk through all blocks that can be reached. */
struct walk {
	LLVMBasicBlockRef *order; /* in the order in which they are left */
	size_t n;
};

static void visit(struct c_function *f, struct walk *w, LLVMBasicBlockRef b)
{
	LLVMValueRef end = LLVMGetBasicBlockTerminator(b);

	remember(f, b, 0);
	for (unsigned i = nways(end); i-- > 0;)
		if (c_find_block(f, way(end, i)) == C_NONE)
			visit(f, w, way(end, i));
	w->order[w->n++] = b;
}

static void add_values(struct c_function *f, uint32_t block)
{
	struct c_block *b = &f->blocks.items[block];

	b->first = (uint32_t)f->values.n;
	for (LLVMValueRef i = LLVMGetFirstInstruction(b->ref); i;
	     i = LLVMGetNextInstruction(i)) {
		struct c_value v = { .ref = i, .block = block };

		v.point = (uint32_t)f->values.n;
		remember(f, i, f->values.n);
		ARENA_PUSH(f->a, &f->values, v);
	}
	b->n = (uint32_t)f->values.n - b->first;
}

static size_t count(LLVMValueRef function, size_t *instructions)
{
	size_t n = 0;

	*instructions = 0;
	for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(function); b;
	     b = LLVMGetNextBasicBlock(b), n++)
		for (LLVMValueRef i = LLVMGetFirstInstruction(b); i;
		     i = LLVMGetNextInstruction(i))
			++*instructions;
	return n;
}

static void find_blocks(struct c_function *f)
{
	size_t instructions, n = count(f->ref, &instructions);
	struct walk w = { ARENA_ARRAY(f->a, LLVMBasicBlockRef, n), 0 };

	f->nslots = 2 * (n + instructions) + 1;
	f->slots = ARENA_ARRAY(f->a, struct c_slot, f->nslots);
	visit(f, &w, LLVMGetEntryBasicBlock(f->ref));
	while (w.n) {
		struct c_block b = {
			.ref = w.order[--w.n],
			.parent = C_NONE,
			.child = C_NONE,
			.sibling = C_NONE,
			.loop_end = C_NONE,
			.loop_done = C_NONE,
		};

		remember(f, b.ref, f->blocks.n);
		ARENA_PUSH(f->a, &f->blocks, b);
	}
	for (size_t i = 0; i < f->blocks.n; i++)
		add_values(f, (uint32_t)i);
}

static void find_ways(struct c_function *f)
{
	for (uint32_t i = 0; i < f->blocks.n; i++) {
		struct c_block *b = &f->blocks.items[i];
		LLVMValueRef end = LLVMGetBasicBlockTerminator(b->ref);

		if (LLVMIsASwitchInst(end))
			continue;
		b->nnext = nways(end);
		for (unsigned k = 0; k < b->nnext; k++)
			b->next[k] = c_find_block(f, way(end, k));
		for (unsigned k = 0; k < b->nnext; k++) {
			struct c_block *to = &f->blocks.items[b->next[k]];

			if (b->next[k] > i)
				continue;
			assert(b->nnext == 2 && "loops test at their end");
			to->loop_end = i;
			to->loop_done = b->next[!k];
			f->blocks.items[b->next[!k]].is_done = true;
		}
	}
}

/* Return, after a few instructions: nothing is gained by a jump there. */
static void find_exits(struct c_function *f)
{
	for (size_t i = f->blocks.n; i-- > 0;) {
		struct c_block *b = &f->blocks.items[i];
		LLVMValueRef first = LLVMGetFirstInstruction(b->ref);

		if (b->n > EXIT_MAX || LLVMIsAPHINode(first) || i == 0 || b->is_done)
			continue;
		b->is_exit = LLVMIsAReturnInst(LLVMGetBasicBlockTerminator(b->ref)) ||
			     (b->nnext == 1 && f->blocks.items[b->next[0]].is_exit);
	}
}

static const struct c_condition *leaf(struct c_function *f, const struct c_block *b,
				      bool negated)
{
	struct c_condition *c = ARENA_NEW(f->a, struct c_condition);

	if (b->condition)
		*c = *b->condition;
	else
		c->value = LLVMGetCondition(LLVMGetBasicBlockTerminator(b->ref));
	c->negated ^= negated;
	return c;
}

static bool begins_with_phi(const struct c_block *b)
{
	return LLVMIsAPHINode(LLVMGetFirstInstruction(b->ref)) != NULL;
}

/* b asks, then `then` asks, and one of the answers leads both to the same block. */
static bool absorb(struct c_function *f, struct c_block *b, unsigned side)
{
	struct c_block *inner = &f->blocks.items[b->next[side]];
	uint32_t shared = b->next[!side];
	struct c_condition *c;
	unsigned other;

	if (inner->npred != 1 || inner->nnext != 2 || inner->is_exit ||
	    inner->loop_end != C_NONE || inner->is_done || inner == b ||
	    !c_is_expression(f, inner) || begins_with_phi(&f->blocks.items[shared]))
		return false;
	if (inner->next[0] != shared && inner->next[1] != shared)
		return false;
	/* Neither may be the end of a loop. */
	for (unsigned k = 0; k < 2; k++)
		if (f->blocks.items[inner->next[k]].loop_end ==
			    (uint32_t)(inner - f->blocks.items) ||
		    f->blocks.items[b->next[k]].loop_end ==
			    (uint32_t)(b - f->blocks.items))
			return false;
	other = inner->next[0] == shared;
	c = ARENA_NEW(f->a, struct c_condition);
	/* (b && inner) leads to the inner's other way; or (b || inner) to the shared one. */
	c->is_and = other == 0;
	c->left = leaf(f, b, c->is_and ? side == 1 : side == 0);
	c->right = leaf(f, inner, false);
	b->next[0] = c->is_and ? inner->next[other] : shared;
	b->next[1] = c->is_and ? shared : inner->next[other];
	b->condition = c;
	inner->is_absorbed = true;
	f->blocks.items[shared].npred--;
	return true;
}

static void count_ways(struct c_function *f)
{
	for (uint32_t i = 0; i < f->blocks.n; i++) {
		const struct c_block *b = &f->blocks.items[i];
		LLVMValueRef end = LLVMGetBasicBlockTerminator(b->ref);

		for (unsigned k = 0; k < b->nnext; k++)
			if (b->next[k] > i)
				f->blocks.items[b->next[k]].npred++;
		for (unsigned k = 0; LLVMIsASwitchInst(end) && k < nways(end); k++)
			f->blocks.items[c_find_block(f, way(end, k))].npred++;
	}
}

static void join_conditions(struct c_function *f)
{
	for (size_t i = f->blocks.n; i-- > 0;) {
		struct c_block *b = &f->blocks.items[i];

		while (b->nnext == 2 && !b->is_absorbed &&
		       (absorb(f, b, 0) || absorb(f, b, 1)))
			;
	}
}

/* The nearest block above both. */
static uint32_t meet(const struct c_function *f, uint32_t a, uint32_t b)
{
	while (a != b) {
		if (a > b)
			a = f->blocks.items[a].parent;
		else
			b = f->blocks.items[b].parent;
	}
	return a;
}

static void lead(struct c_function *f, uint32_t from, uint32_t to)
{
	struct c_block *b = &f->blocks.items[to];

	if (to > from)
		b->parent = b->parent == C_NONE ? from : meet(f, b->parent, from);
}

/* Ways only lead back to the beginning of a loop, which lies above it all: once is enough. */
static void find_parents(struct c_function *f)
{
	for (uint32_t i = 0; i < f->blocks.n; i++) {
		struct c_block *b = &f->blocks.items[i];
		LLVMValueRef end = LLVMGetBasicBlockTerminator(b->ref);

		if (b->is_absorbed)
			continue;
		if (b->loop_end != C_NONE)
			/* Behind the loop, not in it. */
			f->blocks.items[b->loop_done].parent = i;
		for (unsigned k = 0; k < b->nnext; k++)
			lead(f, i, b->next[k]);
		for (unsigned k = 0; LLVMIsASwitchInst(end) && k < nways(end); k++)
			lead(f, i, c_find_block(f, way(end, k)));
	}
	for (size_t i = f->blocks.n; i-- > 1;) {
		struct c_block *b = &f->blocks.items[i];
		struct c_block *parent;

		if (b->is_absorbed || b->parent == C_NONE)
			continue;
		parent = &f->blocks.items[b->parent];
		b->sibling = parent->child;
		parent->child = (uint32_t)i;
	}
}

void c_graph(struct c_function *f)
{
	find_blocks(f);
	find_ways(f);
	find_exits(f);
	count_ways(f);
	c_choose_variables(f);
	join_conditions(f);
	find_parents(f);
}
