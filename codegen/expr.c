/* Expressions to values: one flat switch over the kinds of nodes. */
#include "codegen/internal.h"

#include <assert.h>
#include <string.h>

bool is_text(const struct type *t)
{
	return t && t->kind == TYPE_STR;
}

bool is_wide(const struct type *t)
{
	return t && type_in_memory(t);
}

struct value dest_for(struct emit *e, const struct node *n, const struct type *type)
{
	if (n && n == e->dest_node)
		return e->dest;
	return temp_text(e, type_size(type));
}

struct value emit_dest(struct emit *e, const struct node *call)
{
	return dest_for(e, call, call->type);
}

struct value eval_text_at(struct emit *e, const struct node *n, struct value dst,
			  size_t size)
{
	const struct node *outer_node = e->dest_node;
	struct value outer = e->dest, v;
	size_t own = (size_t)n->type->limit + 1;

	if (n->kind == NODE_STR)
		return text_literal(e, n, dst);
	e->dest_node = n;
	e->dest = dst;
	v = emit_eval(e, n);
	e->dest_node = outer_node;
	e->dest = outer;
	if (v.ref == dst.ref)
		return v;
	return emit_copy_str(e, dst, v, own < size ? own : size);
}

static struct value slot_at(struct emit *e, const struct var_slot *slot)
{
	return emit_at(e, value_of(program_scratch(e)),
		       emit_int(e, (int64_t)slot->offset));
}

struct value slot_load(struct emit *e, const struct var_slot *slot)
{
	if (slot->local)
		return local_get(e, slot->local);
	return emit_load(e, slot_at(e, slot), 0, 8, false);
}

void slot_store(struct emit *e, const struct var_slot *slot, struct value v)
{
	if (slot->local)
		local_set(e, slot->local, v);
	else
		emit_store(e, slot_at(e, slot), 0, v, 8);
}

/* The variable's own memory. */
struct value var_text(struct emit *e, const struct var_info *var)
{
	return slot_at(e, var->storage);
}

struct value var_load(struct emit *e, const struct var_info *var)
{
	return slot_load(e, var->storage);
}

void var_store(struct emit *e, const struct var_info *var, struct value v)
{
	slot_store(e, var->storage, v);
	once_var_changed(e, var);
}

/* The bytes with their NUL in read-only memory. */
static struct value eval_literal(struct emit *e, const struct node *n)
{
	size_t len = strlen(n->string.bytes);

	return (struct value){
		.ref = module_rodata(e->m, n->string.bytes, len + 1),
		.len = module_const(e->m, len),
	};
}

static struct value eval_call(struct emit *e, const struct node *n)
{
	const struct builtin *row = n->call.builtin;
	const char *outer = e->subject;
	struct value v = { .ref = NULL };

	e->subject = row->name;
	if (row->emit) {
		v = row->emit(e, n);
	} else {
		emit_record(e, n, false);
		if (row->flags & BUILTIN_RETURNS)
			emit_return(e);
	}
	e->subject = outer;
	return v.ref ? v : emit_int(e, 0);
}

struct value emit_arg(struct emit *e, const struct node *call, unsigned i)
{
	const struct node *arg = node_at(call->call.args, i);

	assert(arg && "sema has counted the arguments");
	return call == e->early && i == 0 ? e->early_value : emit_eval(e, arg);
}

static struct value eval_field(struct emit *e, const struct node *n)
{
	const struct probe_field *field = n->field.data;

	assert(field && "sema has found the field");
	if (n->field.base->type->kind != TYPE_ARGS)
		return eval_member(e, n);
	return field_read(e, (unsigned)(field - e->program->layouts[0].fields), n,
			  n->span);
}

/* The bytes of a number, and back. */
static struct value cast_array(struct emit *e, const struct node *n)
{
	const struct type *from = n->cast.operand->type;
	struct value v = emit_eval(e, n->cast.operand), slot;

	slot = emit_temp(e, sizeof(uint64_t));
	if (n->type->kind == TYPE_ARRAY) {
		emit_store(e, slot, 0, v, 8);
		return slot;
	}
	emit_store(e, slot, 0, emit_int(e, 0), 8);
	if (type_is_elsewhere(from))
		emit_read_bytes(e, slot, v, (size_t)type_c_size(from), from->space,
				n->span);
	else
		emit_copy(e, slot, v, (size_t)type_c_size(from));
	return emit_load(e, slot, 0, n->type->size, n->type->is_signed);
}

/* Cut to what the type holds. */
static struct value cast_text(struct emit *e, const struct node *n)
{
	struct value v = emit_eval(e, n->cast.operand);

	if (n->cast.operand->type->limit <= n->type->limit)
		return v;
	return emit_copy_str(e, dest_for(e, n, n->type), v, (size_t)n->type->limit + 1);
}

struct value emit_fit(struct emit *e, struct value v, const struct type *to)
{
	LLVMTypeRef type;

	if (to->kind != TYPE_INT || to->size == 8)
		return v;
	if (to->is_bool)
		return emit_op(e, OP_NE, v, emit_int(e, 0), false);
	type = LLVMIntTypeInContext(e->m->context, to->size * 8);
	v.ref = LLVMBuildTrunc(e->b, as_int(e, v), type, "");
	v.ref = to->is_signed ? LLVMBuildSExt(e->b, v.ref, e->m->i64, "")
			      : LLVMBuildZExt(e->b, v.ref, e->m->i64, "");
	return v;
}

static struct value eval_cast(struct emit *e, const struct node *n)
{
	const enum type_kind from = n->cast.operand->type->kind;

	if (type_equal(n->type, n->cast.operand->type))
		return emit_eval(e, n->cast.operand);
	if (n->type->kind == TYPE_ARRAY || from == TYPE_ARRAY)
		return cast_array(e, n);
	if (is_text(n->type))
		return cast_text(e, n);
	if (n->type->kind == TYPE_TUPLE)
		return cast_tuple(e, n);
	return emit_fit(e, emit_eval(e, n->cast.operand), n->type);
}

/*
 * As infer_operator() and constant.c have it. Literals are signed unless they are too
 * large for it, so that most take after the other side.
 */
static bool is_signed_op(enum op op, const struct node *left, const struct node *right)
{
	if (op == OP_SHL || op == OP_SHR)
		return left->type->is_signed;
	return left->type->is_signed && right->type->is_signed;
}

/* Pointers step by what they point to, and their difference counts it. */
static struct value pointer_op(struct emit *e, enum op op, const struct type *x,
			       struct value a, const struct type *y, struct value b)
{
	bool both = x->kind == TYPE_PTR && y->kind == TYPE_PTR;
	const struct type *to = x->kind == TYPE_PTR ? x->to : y->to;
	struct value size = emit_int(e, (int64_t)type_c_size(to));

	if (both)
		return emit_op(e, OP_DIV, emit_op(e, op, a, b, true), size, true);
	if (x->kind == TYPE_PTR)
		b = emit_op(e, OP_MUL, b, size, false);
	else
		a = emit_op(e, OP_MUL, a, size, false);
	return emit_op(e, op, a, b, false);
}

struct value step_of(struct emit *e, const struct type *t)
{
	return emit_int(e, t->kind == TYPE_PTR ? (int64_t)type_c_size(t->to) : 1);
}

/*
 * A signed number and an unsigned one are compared as what they are, also where C would
 * take -1 for the largest number there is: a negative one is less.
 */
static struct value compare_mixed(struct emit *e, enum op op, bool left_signed,
				  struct value a, struct value b)
{
	bool less = op == OP_LT || op == OP_LE;
	struct value negative =
		emit_op(e, OP_LT, left_signed ? a : b, emit_int(e, 0), true);
	struct value result = emit_op(e, op, a, b, false);

	/* Is the negative side the one that is to be less? */
	if (left_signed == less)
		return emit_op(e, OP_LOR, result, negative, false);
	negative = emit_op(e, OP_NOT, negative, (struct value){ 0 }, false);
	return emit_op(e, OP_LAND, result, negative, false);
}

static bool is_mixed(enum op op, const struct type *x, const struct type *y)
{
	bool order = op == OP_LT || op == OP_LE || op == OP_GT || op == OP_GE;

	return order && x->kind == TYPE_INT && y->kind == TYPE_INT &&
	       x->is_signed != y->is_signed;
}

/* A literal that is the same number either way. */
static bool is_small(const struct node *n)
{
	return n->kind == NODE_INT && n->integer.value <= INT64_MAX;
}

/* What is the same number either way is compared as the other side is. */
static struct value compare_order(struct emit *e, enum op op, const struct node *left,
				  struct value a, const struct node *right,
				  struct value b)
{
	if (is_small(left))
		return emit_op(e, op, a, b, right->type->is_signed);
	if (is_small(right))
		return emit_op(e, op, a, b, left->type->is_signed);
	return compare_mixed(e, op, left->type->is_signed, a, b);
}

/* By zero it is 0, or what was to be divided: that is counted, as nobody meant it. */
static void check_divisor(struct emit *e, enum op op, const struct node *right,
			  struct value b)
{
	if ((op != OP_DIV && op != OP_MOD) || right->kind == NODE_INT)
		return;
	because(e, WHY_DIVISION);
	loss_if(e, emit_op(e, OP_EQ, b, emit_int(e, 0), false), LOSS_DIVISION,
		right->span);
}

struct value number_op(struct emit *e, enum op op, const struct node *left,
		       struct value a, const struct node *right, struct value b)
{
	check_divisor(e, op, right, b);
	if (is_mixed(op, left->type, right->type))
		return compare_order(e, op, left, a, right, b);
	if ((op == OP_ADD || op == OP_SUB) &&
	    (left->type->kind == TYPE_PTR || right->type->kind == TYPE_PTR))
		return pointer_op(e, op, left->type, a, right->type, b);
	return emit_op(e, op, a, b, is_signed_op(op, left, right));
}

/* The index of a name, or none: then no site is called so. */
static struct value compare_name(struct emit *e, enum op op, const struct node *name,
				 const struct node *text)
{
	const struct plan *plan = e->m->cc->plan;

	for (size_t i = 0; i < plan->names.n; i++)
		if (strcmp(plan->names.items[i], text->string.bytes) == 0)
			return emit_op(e, op, emit_eval(e, name),
				       emit_int(e, (int64_t)(TYPE_NAME_FIRST + i)),
				       false);
	return emit_int(e, op == OP_NE);
}

static struct value compare_wide(struct emit *e, const struct node *n)
{
	const struct node *left = n->binary.left, *right = n->binary.right;
	struct value equal;

	if (left->type->kind == TYPE_NAME)
		return compare_name(e, n->binary.op, left, right);
	if (right->type->kind == TYPE_NAME)
		return compare_name(e, n->binary.op, right, left);
	equal = is_text(left->type) ? text_equal(e, left, right)
				    : memory_equal(e, left, right);
	return n->binary.op == OP_EQ
		       ? equal
		       : emit_op(e, OP_NOT, equal, (struct value){ 0 }, false);
}

/* && and || as a value: 1 on one way, 0 on the other. */
static struct value eval_logical(struct emit *e, const struct node *n)
{
	LLVMBasicBlockRef yes = block_new(e, "yes"), no = block_new(e, "no");
	LLVMBasicBlockRef end = block_new(e, "end");
	LLVMValueRef result = local_new(e);

	eval_branch(e, n, yes, no);
	LLVMPositionBuilderAtEnd(e->b, yes);
	local_set(e, result, emit_int(e, 1));
	LLVMBuildBr(e->b, end);
	LLVMPositionBuilderAtEnd(e->b, no);
	local_set(e, result, emit_int(e, 0));
	LLVMBuildBr(e->b, end);
	LLVMPositionBuilderAtEnd(e->b, end);
	return local_get(e, result);
}

static bool is_leaf(const struct node *n)
{
	return n->kind == NODE_INT || n->kind == NODE_VAR;
}

static struct value eval_binary(struct emit *e, const struct node *n)
{
	const struct node *left = n->binary.left, *right = n->binary.right;
	struct value a, b, saved;

	if (op_rows[n->binary.op].flags & OP_LOGICAL)
		return eval_logical(e, n);
	if (is_text(left->type) || is_text(right->type) || is_wide(left->type) ||
	    type_is_elsewhere(left->type))
		return compare_wide(e, n);
	a = emit_eval(e, left);
	if (!e->m->thrifty || is_leaf(left) || is_leaf(right))
		return number_op(e, n->binary.op, left, a, right, emit_eval(e, right));
	saved = temp_in_scratch(e, 8);
	emit_store(e, saved, 0, a, 8);
	b = emit_eval(e, right);
	a = emit_load(e, saved, 0, 8, false);
	return number_op(e, n->binary.op, left, a, right, b);
}

static struct value eval_unary(struct emit *e, const struct node *n)
{
	return emit_op(e, n->unary.op, emit_eval(e, n->unary.operand),
		       (struct value){ 0 }, n->type->is_signed);
}

/* One side of ?: what is wide goes to dst, a number to the local. */
static void eval_side(struct emit *e, const struct node *n, const struct node *side,
		      struct value dst, LLVMValueRef local)
{
	if (is_wide(n->type))
		eval_into(e, side, dst, n->type, false);
	else
		local_set(e, local, emit_eval(e, side));
}

static struct value eval_cond(struct emit *e, const struct node *n)
{
	const struct node *cond = n->branch.cond;
	LLVMBasicBlockRef then, otherwise, end;
	struct value dst = { .ref = NULL };
	LLVMValueRef local = NULL;

	if (is_wide(n->type))
		dst = dest_for(e, n, n->type);
	else
		local = local_new(e);
	if (cond->kind == NODE_INT) {
		eval_side(e, n,
			  cond->integer.value ? n->branch.then : n->branch.otherwise,
			  dst, local);
		return local ? local_get(e, local) : dst;
	}
	then = block_new(e, "then");
	otherwise = block_new(e, "else");
	end = block_new(e, "end");
	eval_branch(e, cond, then, otherwise);
	LLVMPositionBuilderAtEnd(e->b, then);
	eval_side(e, n, n->branch.then, dst, local);
	LLVMBuildBr(e->b, end);
	LLVMPositionBuilderAtEnd(e->b, otherwise);
	eval_side(e, n, n->branch.otherwise, dst, local);
	LLVMBuildBr(e->b, end);
	LLVMPositionBuilderAtEnd(e->b, end);
	return local ? local_get(e, local) : dst;
}

struct value eval_step(struct emit *e, const struct node *n, bool wanted)
{
	struct node *place = n->step.place;
	enum op op = n->step.decrement ? OP_SUB : OP_ADD;
	struct value before = { 0 }, after = { 0 };

	if (place->kind != NODE_VAR) {
		map_modify(e, place, op, NULL, step_of(e, n->type),
			   wanted && !n->step.prefix ? &before : NULL,
			   wanted && n->step.prefix ? &after : NULL);
		return n->step.prefix ? after : before;
	}
	before = var_load(e, place->var.info);
	after = emit_op(e, op, before, step_of(e, n->type), false);
	if (place->var.info->declared)
		after = emit_fit(e, after, n->type);
	var_store(e, place->var.info, after);
	return n->step.prefix ? after : before;
}

void eval_branch(struct emit *e, const struct node *cond, LLVMBasicBlockRef yes,
		 LLVMBasicBlockRef no)
{
	LLVMBasicBlockRef middle;

	if (cond->kind == NODE_INT) {
		LLVMBuildBr(e->b, cond->integer.value ? yes : no);
	} else if (cond->kind == NODE_UNARY && cond->unary.op == OP_NOT) {
		eval_branch(e, cond->unary.operand, no, yes);
	} else if (cond->kind == NODE_BINARY && cond->binary.op == OP_LAND) {
		middle = block_new(e, "and");
		eval_branch(e, cond->binary.left, middle, no);
		LLVMPositionBuilderAtEnd(e->b, middle);
		eval_branch(e, cond->binary.right, yes, no);
	} else if (cond->kind == NODE_BINARY && cond->binary.op == OP_LOR) {
		middle = block_new(e, "or");
		eval_branch(e, cond->binary.left, yes, middle);
		LLVMPositionBuilderAtEnd(e->b, middle);
		eval_branch(e, cond->binary.right, yes, no);
	} else {
		LLVMBuildCondBr(e->b, as_bit(e, emit_eval(e, cond)), yes, no);
	}
}

/* { statements; value } */
static struct value eval_block(struct emit *e, const struct node *n)
{
	for (const struct node *s = n->block.stmts; s; s = s->next)
		statement(e, s);
	assert(n->block.value && "sema refuses others");
	return emit_eval(e, n->block.value);
}

struct value eval_anew(struct emit *e, const struct node *n)
{
	switch (n->kind) {
	case NODE_INT:
		return emit_int(e, (int64_t)n->integer.value);
	case NODE_STR:
		return eval_literal(e, n);
	case NODE_CALL:
		return eval_call(e, n);
	case NODE_MAP:
		return map_value(e, n);
	case NODE_VAR:
		return is_wide(n->var.info->type) ? var_text(e, n->var.info)
						  : var_load(e, n->var.info);
	case NODE_FIELD:
		return eval_field(e, n);
	case NODE_INDEX:
		return eval_index(e, n);
	case NODE_ADDRESS:
		return eval_address(e, n);
	case NODE_TUPLE:
		return tuple_build(e, n);
	case NODE_CAST:
		return eval_cast(e, n);
	case NODE_DEREF:
		return eval_deref(e, n);
	case NODE_UNARY:
		return eval_unary(e, n);
	case NODE_BINARY:
		return eval_binary(e, n);
	case NODE_COND:
		return eval_cond(e, n);
	case NODE_STEP:
		return eval_step(e, n, true);
	case NODE_BLOCK:
		return eval_block(e, n);
	case NODE_TYPE:
	case NODE_PARAM:
	case NODE_ASSIGN:
	case NODE_LET:
	case NODE_IF:
	case NODE_EXPR:
	case NODE_FOR_RANGE:
	case NODE_FOR_MAP:
	case NODE_WHILE:
	case NODE_UNROLL:
	case NODE_BREAK:
	case NODE_CONTINUE:
	case NODE_RETURN:
		break;
	}
	assert(!"sema leaves values only");
	return emit_int(e, 0);
}

struct value emit_eval(struct emit *e, const struct node *expr)
{
	struct span outer = debug_at(e, expr->span);
	struct value v = once_eval(e, expr);

	debug_at(e, outer);
	return v;
}
