#include "parser/ast.h"

#include "core/arena.h"

const struct op_row op_rows[] = {
#define OP(name, text, flags) { #name, text, flags },
#include "parser/operators.def"
#undef OP
};

struct node *node_new(struct arena *a, enum node_kind kind, struct span span)
{
	struct node *n = ARENA_NEW(a, struct node);

	n->kind = kind;
	n->span = span;
	return n;
}

static struct node *clone_list(struct arena *a, const struct node *list)
{
	struct node *first = NULL, **end = &first;

	for (; list; list = list->next) {
		*end = node_clone(a, list);
		end = &(*end)->next;
	}
	return first;
}

static struct node *clone_one(struct arena *a, const struct node *n)
{
	return n ? node_clone(a, n) : NULL;
}

static void clone_type_name(struct arena *a, struct type_name *t)
{
	t->of = clone_one(a, t->of);
	t->items = clone_list(a, t->items);
}

/* Replace what copy still shares with the original by copies, and drop annotations. */
static void clone_children(struct arena *a, struct node *copy)
{
	switch (copy->kind) {
	case NODE_INT:
	case NODE_STR:
	case NODE_PARAM:
	case NODE_BREAK:
	case NODE_CONTINUE:
		break;
	case NODE_CALL:
		copy->call.args = clone_list(a, copy->call.args);
		copy->call.builtin = NULL;
		copy->call.data = NULL;
		break;
	case NODE_MAP:
		copy->map.keys = clone_list(a, copy->map.keys);
		copy->map.info = NULL;
		break;
	case NODE_VAR:
		copy->var.info = NULL;
		break;
	case NODE_FIELD:
		copy->field.base = clone_one(a, copy->field.base);
		copy->field.data = NULL;
		break;
	case NODE_INDEX:
		copy->index.base = clone_one(a, copy->index.base);
		copy->index.at = clone_one(a, copy->index.at);
		break;
	case NODE_TUPLE:
		copy->tuple.items = clone_list(a, copy->tuple.items);
		break;
	case NODE_TYPE:
		clone_type_name(a, &copy->written);
		break;
	case NODE_CAST:
		clone_type_name(a, &copy->cast.to);
		copy->cast.operand = clone_one(a, copy->cast.operand);
		break;
	case NODE_DEREF:
	case NODE_ADDRESS:
	case NODE_UNARY:
		copy->unary.operand = clone_one(a, copy->unary.operand);
		break;
	case NODE_BINARY:
		copy->binary.left = clone_one(a, copy->binary.left);
		copy->binary.right = clone_one(a, copy->binary.right);
		break;
	case NODE_ASSIGN:
		copy->assign.place = clone_one(a, copy->assign.place);
		copy->assign.value = clone_one(a, copy->assign.value);
		break;
	case NODE_STEP:
		copy->step.place = clone_one(a, copy->step.place);
		break;
	case NODE_LET:
		copy->let.var = clone_one(a, copy->let.var);
		copy->let.value = clone_one(a, copy->let.value);
		clone_type_name(a, &copy->let.as);
		break;
	case NODE_COND:
	case NODE_IF:
		copy->branch.cond = clone_one(a, copy->branch.cond);
		copy->branch.then = clone_one(a, copy->branch.then);
		copy->branch.otherwise = clone_one(a, copy->branch.otherwise);
		break;
	case NODE_BLOCK:
		copy->block.stmts = clone_list(a, copy->block.stmts);
		copy->block.value = clone_one(a, copy->block.value);
		break;
	case NODE_EXPR:
	case NODE_RETURN:
		copy->expr.value = clone_one(a, copy->expr.value);
		break;
	case NODE_FOR_RANGE:
	case NODE_FOR_MAP:
	case NODE_WHILE:
	case NODE_UNROLL:
		copy->loop.var = clone_one(a, copy->loop.var);
		copy->loop.from = clone_one(a, copy->loop.from);
		copy->loop.to = clone_one(a, copy->loop.to);
		copy->loop.cond = clone_one(a, copy->loop.cond);
		copy->loop.body = clone_one(a, copy->loop.body);
		copy->loop.info = NULL;
		break;
	}
}

struct node *node_clone(struct arena *a, const struct node *n)
{
	struct node *copy = ARENA_NEW(a, struct node);

	*copy = *n;
	copy->next = NULL;
	copy->type = NULL;
	clone_children(a, copy);
	return copy;
}

typedef void visit_fn(struct node *child, void *arg);

/* visit may unlink or replace the node it gets, so the next one is read before. */
static void visit_list(struct node *list, visit_fn *visit, void *arg)
{
	while (list) {
		struct node *next = list->next;

		visit(list, arg);
		list = next;
	}
}

static void visit_one(struct node *n, visit_fn *visit, void *arg)
{
	if (n)
		visit(n, arg);
}

static void visit_type_name(const struct type_name *t, visit_fn *visit, void *arg)
{
	visit_one(t->of, visit, arg);
	visit_list(t->items, visit, arg);
}

void node_each_child(struct node *n, void (*visit)(struct node *child, void *arg),
		     void *arg)
{
	switch (n->kind) {
	case NODE_INT:
	case NODE_STR:
	case NODE_PARAM:
	case NODE_VAR:
	case NODE_BREAK:
	case NODE_CONTINUE:
		break;
	case NODE_CALL:
		visit_list(n->call.args, visit, arg);
		break;
	case NODE_MAP:
		visit_list(n->map.keys, visit, arg);
		break;
	case NODE_FIELD:
		visit_one(n->field.base, visit, arg);
		break;
	case NODE_INDEX:
		visit_one(n->index.base, visit, arg);
		visit_one(n->index.at, visit, arg);
		break;
	case NODE_TUPLE:
		visit_list(n->tuple.items, visit, arg);
		break;
	case NODE_TYPE:
		visit_type_name(&n->written, visit, arg);
		break;
	case NODE_CAST:
		visit_type_name(&n->cast.to, visit, arg);
		visit_one(n->cast.operand, visit, arg);
		break;
	case NODE_DEREF:
	case NODE_ADDRESS:
	case NODE_UNARY:
		visit_one(n->unary.operand, visit, arg);
		break;
	case NODE_BINARY:
		visit_one(n->binary.left, visit, arg);
		visit_one(n->binary.right, visit, arg);
		break;
	case NODE_ASSIGN:
		visit_one(n->assign.place, visit, arg);
		visit_one(n->assign.value, visit, arg);
		break;
	case NODE_STEP:
		visit_one(n->step.place, visit, arg);
		break;
	case NODE_LET:
		visit_one(n->let.var, visit, arg);
		visit_type_name(&n->let.as, visit, arg);
		visit_one(n->let.value, visit, arg);
		break;
	case NODE_COND:
	case NODE_IF:
		visit_one(n->branch.cond, visit, arg);
		visit_one(n->branch.then, visit, arg);
		visit_one(n->branch.otherwise, visit, arg);
		break;
	case NODE_BLOCK:
		visit_list(n->block.stmts, visit, arg);
		visit_one(n->block.value, visit, arg);
		break;
	case NODE_EXPR:
	case NODE_RETURN:
		visit_one(n->expr.value, visit, arg);
		break;
	case NODE_FOR_RANGE:
	case NODE_FOR_MAP:
	case NODE_WHILE:
	case NODE_UNROLL:
		visit_one(n->loop.var, visit, arg);
		visit_one(n->loop.from, visit, arg);
		visit_one(n->loop.to, visit, arg);
		visit_one(n->loop.cond, visit, arg);
		visit_one(n->loop.body, visit, arg);
		break;
	}
}

bool type_name_given(const struct type_name *t)
{
	return t->name || t->of || t->items;
}

struct node *node_place_root(struct node *place)
{
	while (place->kind == NODE_FIELD)
		place = place->field.base;
	return place;
}

size_t node_count(const struct node *list)
{
	size_t n = 0;

	for (; list; list = list->next)
		n++;
	return n;
}

struct node *node_at(struct node *list, size_t i)
{
	while (list && i-- > 0)
		list = list->next;
	return list;
}

static void add_total(struct node *n, void *total)
{
	*(size_t *)total += node_total(n);
}

size_t node_total(struct node *n)
{
	size_t total = 1;

	node_each_child(n, add_total, &total);
	return total;
}

void node_become(struct node *n, const struct node *other)
{
	struct node *next = n->next;

	*n = *other;
	n->next = next;
}

static void take_height(struct node *child, void *arg)
{
	uint32_t *highest = arg;

	if (child->height > *highest)
		*highest = child->height;
}

void node_set_height(struct node *n)
{
	uint32_t highest = 0;

	node_each_child(n, take_height, &highest);
	n->height = highest + 1;
}

/* if a { b } else if c { d } else { e } as a value: blocks all along. */
static bool is_if_value(const struct node *n)
{
	for (; n && n->kind == NODE_COND; n = n->branch.otherwise) {
		if (n->branch.then->kind != NODE_BLOCK)
			return false;
	}
	return n && n->kind == NODE_BLOCK;
}

/* Such a COND, or an IF whose blocks still have values. */
static void drop_branch_values(struct arena *a, struct node *n)
{
	struct node *otherwise = n->branch.otherwise;

	n->kind = NODE_IF;
	node_drop_value(a, n->branch.then);
	if (otherwise && otherwise->kind == NODE_BLOCK)
		node_drop_value(a, otherwise);
	else if (otherwise)
		drop_branch_values(a, otherwise);
	node_set_height(n);
}

void node_simplify_statement(struct arena *a, struct node *n)
{
	struct node *value = n->expr.value, *next = n->next;

	if (n->kind == NODE_IF) {
		drop_branch_values(a, n);
		return;
	}
	if (n->kind != NODE_EXPR || n->expr.discard)
		return;
	if (value->kind == NODE_BLOCK)
		node_drop_value(a, value);
	else if (value->kind == NODE_COND && is_if_value(value))
		drop_branch_values(a, value);
	else
		return;
	*n = *value;
	n->next = next;
}

void node_drop_value(struct arena *a, struct node *block)
{
	struct node *value = block->block.value;
	struct node **end = &block->block.stmts, *stmt;

	if (!value)
		return;
	stmt = node_new(a, NODE_EXPR, value->span);
	stmt->expr.value = value;
	node_set_height(stmt);
	node_simplify_statement(a, stmt);
	while (*end)
		end = &(*end)->next;
	*end = stmt;
	block->block.value = NULL;
	node_set_height(block);
}
