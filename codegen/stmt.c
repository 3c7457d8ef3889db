/* Statements. Temporaries of one are given back at its end. */
#include "codegen/internal.h"

#include <assert.h>

#include "core/arena.h"

/* Does the expression read this variable? Then it cannot be built in its place. */
struct mention {
	const struct var_info *var;
	bool found;
};

static void look_for(struct node *n, void *arg)
{
	struct mention *m = arg;

	if (n->kind == NODE_VAR && n->var.info == m->var)
		m->found = true;
	else
		node_each_child(n, look_for, m);
}

static void assign_var_wide(struct emit *e, const struct var_info *var,
			    struct node *value)
{
	struct mention m = { .var = var };
	struct value v;

	look_for(value, &m);
	if (m.found) {
		v = emit_eval(e, value);
		convert(e, var_text(e, var), var->type, v, value->type, false);
	} else {
		eval_into(e, value, var_text(e, var), var->type, false);
	}
	once_var_changed(e, var);
}

static void assign_var(struct emit *e, const struct node *n)
{
	const struct node *place = n->assign.place;
	struct node *value = n->assign.value;
	const struct var_info *var = place->var.info;
	struct value v;

	if (is_wide(var->type)) {
		assign_var_wide(e, var, value);
		return;
	}
	v = emit_eval(e, value);
	if (n->assign.compound)
		v = number_op(e, n->assign.op, place, var_load(e, var), value, v);
	var_store(e, var, v);
}

static void assign(struct emit *e, const struct node *n)
{
	struct node *place = n->assign.place;
	const struct node *value = n->assign.value;

	if (place->kind == NODE_VAR)
		assign_var(e, n);
	else if (n->assign.compound)
		map_modify(e, place, n->assign.op, value, emit_eval(e, value), NULL,
			   NULL);
	else if (place->kind == NODE_FIELD)
		map_assign_member(e, place, value);
	else
		map_assign(e, place, value);
}

/* += or ++ of a member of a map's entry; or NULL. */
static const struct node *member_change(const struct node *n)
{
	const struct node *place;

	while (n->kind == NODE_EXPR && n->expr.value)
		n = n->expr.value;
	if (n->kind != NODE_STEP && !(n->kind == NODE_ASSIGN && n->assign.compound))
		return NULL;
	place = n->kind == NODE_STEP ? n->step.place : n->assign.place;
	return place->kind == NODE_FIELD ? n : NULL;
}

static struct change change_of(const struct node *n)
{
	if (n->kind == NODE_STEP)
		return (struct change){ .place = n->step.place,
					.op = n->step.decrement ? OP_SUB : OP_ADD };
	return (struct change){ .place = n->assign.place,
				.op = n->assign.op,
				.operand = n->assign.value };
}

/* What must not be computed before the changes that are written before it. */
struct dependence {
	const struct map_info *map;
	bool found;
};

static void look_for_dependence(struct node *n, void *arg)
{
	struct dependence *d = arg;

	d->found |= n->kind == NODE_STEP || n->kind == NODE_BLOCK ||
		    (n->kind == NODE_MAP && n->map.info == d->map);
	for (struct node *a = n->kind == NODE_CALL ? n->call.args : NULL; a;
	     a = a->next)
		d->found |= a->kind == NODE_MAP;
	node_each_child(n, look_for_dependence, arg);
}

/* How many statements from here on change members of the same entry. */
static size_t count_changes(const struct emit *e, const struct node *first)
{
	const struct node *n = member_change(first), *map;
	struct dependence d = { 0 };
	size_t count = 1;

	if (!n)
		return 0;
	map = node_place_root(change_of(n).place);
	d.map = map->map.info;
	for (first = first->next; first; first = first->next, count++) {
		n = member_change(first);
		if (!n || !once_same_entry(e, map, node_place_root(change_of(n).place)))
			break;
		if (n->kind == NODE_ASSIGN)
			look_for_dependence(n->assign.value, &d);
		if (d.found)
			break;
	}
	return count;
}

/* Numbers that are not constant wait in memory: the look-up is a call. */
static void prepare_change(struct emit *e, const struct node *n, struct change *c)
{
	struct value v;

	*c = change_of(n);
	v = c->operand ? emit_eval(e, c->operand) : step_of(e, n->type);
	c->n = v;
	c->in_memory = !LLVMIsAConstantInt(v.ref);
	if (!c->in_memory)
		return;
	c->n = emit_temp(e, sizeof(uint64_t));
	emit_store(e, c->n, 0, v, 8);
}

static void change_members(struct emit *e, const struct node *first, size_t n)
{
	struct change *changes = ARENA_ARRAY(e->m->cc->arena, struct change, n);
	size_t frame = e->frame_used, scratch = e->scratch_used;
	struct span outer = debug_at(e, first->span);

	for (size_t i = 0; i < n; i++, first = first->next) {
		debug_at(e, first->span);
		prepare_change(e, member_change(first), &changes[i]);
	}
	map_modify_all(e, changes, n);
	debug_at(e, outer);
	e->frame_used = frame;
	e->scratch_used = scratch;
}

/* One after the other, but those that change the same entry together. */
static void statements(struct emit *e, const struct node *n)
{
	while (n) {
		size_t changes = count_changes(e, n);

		if (changes > 1)
			change_members(e, n, changes);
		else
			statement(e, n);
		for (n = n->next; changes > 1; changes--)
			n = n->next;
	}
}

static void declare(struct emit *e, const struct node *n)
{
	const struct var_info *var = n->let.var->var.info;

	if (n->let.value && is_wide(var->type))
		assign_var_wide(e, var, n->let.value);
	else if (n->let.value)
		var_store(e, var, emit_eval(e, n->let.value));
	else if (is_text(var->type))
		emit_store(e, var_text(e, var), 0, emit_int(e, 0), 8);
	else if (is_wide(var->type))
		emit_zero(e, var_text(e, var), type_size(var->type));
	else
		var_store(e, var, emit_int(e, 0));
	once_var_changed(e, var);
}

static void branch(struct emit *e, const struct node *n)
{
	const struct node *cond = n->branch.cond, *otherwise = n->branch.otherwise;
	size_t frame = e->frame_used, scratch = e->scratch_used;
	LLVMBasicBlockRef yes, no, end;

	if (cond->kind == NODE_INT) {
		if (cond->integer.value)
			statement(e, n->branch.then);
		else if (otherwise)
			statement(e, otherwise);
		return;
	}
	yes = block_new(e, "then");
	end = block_new(e, "end");
	no = otherwise ? block_new(e, "else") : end;
	eval_branch(e, cond, yes, no);
	e->frame_used = frame;
	e->scratch_used = scratch;
	LLVMPositionBuilderAtEnd(e->b, yes);
	statement(e, n->branch.then);
	LLVMBuildBr(e->b, end);
	if (otherwise) {
		LLVMPositionBuilderAtEnd(e->b, no);
		statement(e, otherwise);
		LLVMBuildBr(e->b, end);
	}
	LLVMPositionBuilderAtEnd(e->b, end);
}

static void build(struct emit *e, const struct node *n)
{
	switch (n->kind) {
	case NODE_ASSIGN:
		assign(e, n);
		break;
	case NODE_LET:
		declare(e, n);
		break;
	case NODE_IF:
		branch(e, n);
		break;
	case NODE_BLOCK:
		statements(e, n->block.stmts);
		if (n->block.value)
			statement(e, n->block.value);
		break;
	case NODE_EXPR:
		statement(e, n->expr.value);
		break;
	case NODE_FOR_RANGE:
	case NODE_FOR_MAP:
	case NODE_WHILE:
	case NODE_UNROLL:
		build_loop(e, n);
		break;
	case NODE_BREAK:
		build_jump(e, e->loop_end);
		break;
	case NODE_CONTINUE:
		build_jump(e, e->turn_end);
		break;
	case NODE_RETURN:
		if (n->expr.value)
			statement(e, n->expr.value);
		emit_return(e);
		break;
	case NODE_STEP:
		eval_step(e, n, false);
		break;
	case NODE_INT:
	case NODE_STR:
	case NODE_PARAM:
	case NODE_CALL:
	case NODE_MAP:
	case NODE_VAR:
	case NODE_FIELD:
	case NODE_INDEX:
	case NODE_TUPLE:
	case NODE_TYPE:
	case NODE_ADDRESS:
	case NODE_CAST:
	case NODE_DEREF:
	case NODE_UNARY:
	case NODE_BINARY:
	case NODE_COND:
		emit_eval(e, n);
		break;
	}
}

void statement(struct emit *e, const struct node *n)
{
	struct span outer = debug_at(e, n->span);
	size_t frame = e->frame_used, scratch = e->scratch_used;

	build(e, n);
	e->frame_used = frame;
	e->scratch_used = scratch;
	debug_at(e, outer);
}
