/*
 * Loops: for over numbers and maps, while, unroll.
 *
 * A turn is a function that a helper calls: bpf_loop(), or bpf_for_each_map_elem(). The
 * verifier follows it once, so that a loop costs it no more than its body, and a bound need
 * not be known. What such a function shares with the program is scratch memory, where all
 * variables of a program with loops live, and the program's context, whose address the
 * program leaves in its stack for it.
 *
 * It returns 0 for the next turn and 1 to end the loop. To end the whole program it sets a
 * word in scratch memory, too, which is looked at behind the loop.
 */
#include "codegen/internal.h"

#include <assert.h>
#include <string.h>

#include "core/arena.h"
#include "sema/sema.h"

enum {
	TURNS_MAX = 1 << 23, /* BPF_MAX_LOOPS of the kernel */
	TURN_ARGS = 4,
};

/* A loop whose turns are a function. */
struct turns {
	struct emit e; /* of the function */
	struct emit *outer;
	LLVMBasicBlockRef hoist; /* its end goes to the body */
	struct value arg[TURN_ARGS];
};

static void internal_linkage(LLVMValueRef f)
{
	static const char no_builtins[] = "no-builtins", noinline_[] = "noinline";
	LLVMContextRef c = LLVMGetModuleContext(LLVMGetGlobalParent(f));
	unsigned kind = LLVMGetEnumAttributeKindForName(noinline_, strlen(noinline_));

	LLVMSetLinkage(f, LLVMInternalLinkage);
	LLVMSetSection(f, ".text");
	LLVMAddAttributeAtIndex(f, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
				LLVMCreateEnumAttribute(c, kind, 0));
	LLVMAddAttributeAtIndex(
		f, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
		LLVMCreateStringAttribute(c, no_builtins, strlen(no_builtins), "", 0));
}

/* for (i): u64 index, ctx; for each entry: map, key, value, ctx. */
static LLVMValueRef declare_turn(struct module *m, const char *name, bool of_map)
{
	LLVMTypeRef loop[] = { m->i64, m->ptr };
	LLVMTypeRef each[] = { m->ptr, m->ptr, m->ptr, m->ptr };
	LLVMTypeRef type = of_map ? LLVMFunctionType(m->i64, each, 4, 0)
				  : LLVMFunctionType(m->i64, loop, 2, 0);
	LLVMValueRef f = LLVMAddFunction(m->ir, name, type);

	internal_linkage(f);
	return f;
}

static void return_now(struct emit *e, LLVMBasicBlockRef at, uint64_t n)
{
	LLVMPositionBuilderAtEnd(e->b, at);
	LLVMBuildRet(e->b, module_const(e->m, n));
}

/*
 * Scratch memory is looked up again: an address cannot be handed over. If it is not there,
 * which the program has seen already, the loop ends.
 */
static void find_scratch(struct emit *e)
{
	LLVMBasicBlockRef there = block_new(e, "there");
	struct value base = scratch_lookup(e);

	LLVMBuildCondBr(e->b, as_bit(e, base), there, e->loop_end);
	LLVMPositionBuilderAtEnd(e->b, there);
	e->scratch = base.ref;
}

static struct value scratch_word(struct emit *e, size_t offset)
{
	return emit_at(e, value_of(program_scratch(e)), emit_int(e, (int64_t)offset));
}

/* Begin the function; what is built with t->e until close_turns() is in it. */
static void open_turns(struct turns *t, struct emit *outer, const struct node *n,
		       bool of_map)
{
	struct emit *e = &t->e;
	LLVMBasicBlockRef frame, start;
	const char *name =
		arena_printf(outer->m->cc->arena, "memql_turn%u", outer->m->nturns++);

	*t = (struct turns){ .e = *outer, .outer = outer };
	if (e->m->explaining)
		ARENA_PUSH(e->m->cc->arena, &e->m->explaining->turns,
			   ((struct turn_function){ name, outer->index }));
	e->function = declare_turn(e->m, name, of_map);
	e->subprogram = debug_callback(e->m, e->function, name,
				       module_line(e->m, n->span), of_map);
	e->b = LLVMCreateBuilderInContext(e->m->context);
	e->hoist = LLVMCreateBuilderInContext(e->m->context);
	e->entry = LLVMCreateBuilderInContext(e->m->context);
	e->frame = NULL;
	e->frame_used = e->frame_peak = 0;
	e->cookie = e->thread = NULL;
	e->kept = NULL;
	e->onces = NULL;
	e->depth = outer->depth + 1;
	frame = block_new(e, "frame");
	start = block_new(e, "start");
	e->leave = block_new(e, "leave");
	e->loop_end = block_new(e, "end");
	e->turn_end = block_new(e, "next");
	LLVMPositionBuilderAtEnd(e->entry, frame);
	LLVMPositionBuilderAtEnd(e->b, start);
	e->span = (struct span){ .end = UINT32_MAX };
	debug_at(e, n->span);
	for (unsigned i = 0; i < (of_map ? 4u : 2u); i++)
		t->arg[i] = value_of(LLVMGetParam(e->function, i));
	e->context = emit_load_ptr(e, t->arg[of_map ? 3 : 1]);
	find_scratch(e);
	t->hoist = block_new(e, "hoist");
	start = block_new(e, "body");
	LLVMBuildBr(e->b, t->hoist);
	LLVMPositionBuilderAtEnd(e->hoist, t->hoist);
	LLVMPositionBuilderAtEnd(e->b, start);
	t->hoist = start;
}

static LLVMValueRef close_turns(struct turns *t)
{
	struct emit *e = &t->e;
	LLVMBasicBlockRef start =
		LLVMGetNextBasicBlock(LLVMGetEntryBasicBlock(e->function));

	LLVMBuildBr(e->b, e->turn_end);
	LLVMBuildBr(e->hoist, t->hoist);
	return_now(e, e->turn_end, 0);
	return_now(e, e->loop_end, 1);
	LLVMPositionBuilderAtEnd(e->b, e->leave);
	emit_store(e, scratch_word(e, e->returned), 0, emit_int(e, 1), 8);
	LLVMBuildBr(e->b, e->loop_end);
	frame_finish(e);
	e->m->has_slots[e->index] |= e->frame_peak > 0;
	LLVMBuildBr(e->entry, start);
	LLVMDisposeBuilder(e->b);
	LLVMDisposeBuilder(e->hoist);
	LLVMDisposeBuilder(e->entry);
	if (t->outer->scratch_peak < e->scratch_peak)
		t->outer->scratch_peak = e->scratch_peak;
	t->outer->fences = e->fences;
	return e->function;
}

/* The stack's word with the address of the context. */
static struct value context_cell(struct emit *e)
{
	LLVMValueRef cell = LLVMBuildAlloca(e->entry, e->m->ptr, "context");

	because(e, WHY_LOOP_CONTEXT);
	LLVMSetAlignment(cell, 8);
	LLVMBuildStore(e->b, emit_ctx(e).ref, cell);
	return value_of(cell);
}

/* After the loop: was the program ended in it? */
static void check_returned(struct emit *e)
{
	struct value returned = emit_load(e, scratch_word(e, e->returned), 0, 8, false);
	struct branch b = emit_if(e, opaque(e, returned));

	emit_return(e);
	emit_end(e, &b);
}

/*
 * The number goes through memory, so that the verifier does not know it: of a loop that it
 * knows to make no turn it removes the function, and then misses it ("verifier bug: No
 * program to jit", 6.18).
 */
static struct value unknown_count(struct emit *e, struct value count, size_t at)
{
	LLVMValueRef load;

	emit_store(e, scratch_word(e, at), 0, count, 8);
	load = LLVMBuildLoad2(e->b, e->m->i64, scratch_word(e, at).ref, "");
	LLVMSetVolatile(load, 1);
	return value_of(load);
}

static struct value run_turns(struct emit *e, LLVMValueRef turn, struct value n)
{
	return emit_helper(e, HELPER_LOOP, 4, n, value_of(turn), context_cell(e),
			   emit_int(e, 0));
}

static void build_range(struct emit *e, const struct node *n)
{
	const struct var_info *var = n->loop.var->var.info;
	bool is_signed = var->type->is_signed;
	struct value from, to, count, more;
	size_t at = scratch_take(e, 8), turns = scratch_take(e, 8);
	struct turns t;

	from = emit_eval(e, n->loop.from);
	emit_store(e, scratch_word(e, at), 0, from, 8);
	to = emit_eval(e, n->loop.to);
	from = emit_load(e, scratch_word(e, at), 0, 8, false);
	more = emit_op(e, OP_LT, from, to, is_signed);
	count = emit_select(e, more, emit_op(e, OP_SUB, to, from, false),
			    emit_int(e, 0));
	count = unknown_count(e, count, turns);

	open_turns(&t, e, n, false);
	from = emit_load(&t.e, scratch_word(&t.e, at), 0, 8, false);
	var_store(&t.e, var, emit_op(&t.e, OP_ADD, from, t.arg[0], false));
	statement(&t.e, n->loop.body);
	count = run_turns(e, close_turns(&t), count);
	/* -E2BIG: the kernel made no turn at all. */
	loss_if(e, emit_op(e, OP_LT, count, emit_int(e, 0), true), LOSS_LOOP, n->span);
	check_returned(e);
}

/* A loop in the program itself, as in C: only to see what the verifier says. */
static void build_plain_while(struct emit *e, const struct node *n)
{
	LLVMBasicBlockRef outer_turn = e->turn_end, outer_end = e->loop_end;
	LLVMBasicBlockRef head = block_new(e, "head"), body = block_new(e, "turn");

	e->turn_end = head;
	e->loop_end = block_new(e, "done");
	LLVMBuildBr(e->b, head);
	LLVMPositionBuilderAtEnd(e->b, head);
	eval_branch(e, n->loop.cond, body, e->loop_end);
	LLVMPositionBuilderAtEnd(e->b, body);
	statement(e, n->loop.body);
	LLVMBuildBr(e->b, head);
	LLVMPositionBuilderAtEnd(e->b, e->loop_end);
	e->turn_end = outer_turn;
	e->loop_end = outer_end;
}

static void build_while(struct emit *e, const struct node *n)
{
	LLVMBasicBlockRef body;
	struct value count;
	struct turns t;

	if (!because(e, WHY_LOOP_CALLBACK)) {
		build_plain_while(e, n);
		return;
	}
	open_turns(&t, e, n, false);
	body = block_new(&t.e, "turn");
	eval_branch(&t.e, n->loop.cond, body, t.e.loop_end);
	LLVMPositionBuilderAtEnd(t.e.b, body);
	statement(&t.e, n->loop.body);
	count = run_turns(e, close_turns(&t), emit_int(e, TURNS_MAX));
	loss_if(e, emit_op(e, OP_EQ, count, emit_int(e, TURNS_MAX), false), LOSS_LOOP,
		n->span);
	check_returned(e);
}

/* What a map holds at `at` becomes an item of the variable, which may have room for more. */
static void set_item(struct emit *e, const struct var_info *var, size_t i,
		     struct value at, const struct type *type)
{
	const struct type_member *m = &var->type->record->members[i];
	struct value dst = var_text(e, var);

	dst = emit_at(e, dst, emit_int(e, (int64_t)(m->bit_offset / 8)));
	if (!is_wide(type))
		at = emit_load(e, at, 0, 8, false);
	convert(e, dst, m->type, at, type, true);
}

/* The variable is a tuple of the key and the value. */
static void build_each(struct emit *e, const struct node *n)
{
	const struct map_info *map = n->loop.from->map.info;
	const struct var_info *var = n->loop.var->var.info;
	const struct type *key = map->keys[0];
	struct value at;
	struct turns t;

	if (map->nkeys > 1)
		key = type_tuple(e->m->cc->arena, map->keys, NULL, map->nkeys);
	open_turns(&t, e, n, true);
	set_item(&t.e, var, 0, t.arg[1], key);
	at = t.arg[2];
	if (map->agg) {
		at = temp_in_scratch(&t.e, map->key_size + 8);
		emit_copy(&t.e, at, t.arg[1], map->key_size);
		emit_store(&t.e, at, (int64_t)map->key_size,
			   map_read_cells(&t.e, map, at), 8);
		at = emit_at(&t.e, at, emit_int(e, (int64_t)map->key_size));
	}
	set_item(&t.e, var, 1, at, map->agg ? &type_u64 : map->value);
	statement(&t.e, n->loop.body);
	emit_helper(e, HELPER_FOR_EACH_MAP_ELEM, 4, value_of(e->m->maps[map->index]),
		    value_of(close_turns(&t)), context_cell(e), emit_int(e, 0));
	check_returned(e);
}

/* A turn that does nothing: the helper counts. */
static LLVMValueRef empty_turn(struct emit *e)
{
	static const char name[] = "memql_turn_empty";
	LLVMValueRef f = LLVMGetNamedFunction(e->m->ir, name);
	LLVMBuilderRef b;

	if (f)
		return f;
	f = declare_turn(e->m, name, true);
	debug_callback(e->m, f, name, module_line(e->m, e->span), true);
	b = LLVMCreateBuilderInContext(e->m->context);
	LLVMPositionBuilderAtEnd(
		b, LLVMAppendBasicBlockInContext(e->m->context, f, "empty"));
	LLVMBuildRet(b, module_const(e->m, 0));
	LLVMDisposeBuilder(b);
	return f;
}

struct value emit_map_length(struct emit *e, const struct node *map)
{
	return emit_helper(e, HELPER_FOR_EACH_MAP_ELEM, 4,
			   value_of(e->m->maps[map->map.info->index]),
			   value_of(empty_turn(e)), value_of(LLVMConstNull(e->m->ptr)),
			   emit_int(e, 0));
}

static void build_unrolled(struct emit *e, const struct node *n)
{
	LLVMBasicBlockRef outer_turn = e->turn_end, outer_end = e->loop_end;
	LLVMBasicBlockRef end = block_new(e, "unrolled");
	int64_t count = 0;

	constant_int(n->loop.cond, &count);
	for (int64_t i = 0; i < count; i++) {
		LLVMBasicBlockRef next = block_new(e, "turn");

		e->turn_end = next;
		e->loop_end = end;
		statement(e, n->loop.body);
		LLVMBuildBr(e->b, next);
		LLVMPositionBuilderAtEnd(e->b, next);
	}
	LLVMBuildBr(e->b, end);
	LLVMPositionBuilderAtEnd(e->b, end);
	e->turn_end = outer_turn;
	e->loop_end = outer_end;
}

void build_loop(struct emit *e, const struct node *n)
{
	if (n->kind == NODE_UNROLL) {
		build_unrolled(e, n);
		return;
	}
	program_scratch(e);
	if (n->kind == NODE_FOR_RANGE)
		build_range(e, n);
	else if (n->kind == NODE_FOR_MAP)
		build_each(e, n);
	else
		build_while(e, n);
}

/* What follows in the text is not reached. */
void build_jump(struct emit *e, LLVMBasicBlockRef to)
{
	assert(to && "sema allows it in loops only");
	LLVMBuildBr(e->b, to);
	LLVMPositionBuilderAtEnd(e->b, block_new(e, "dead"));
}
