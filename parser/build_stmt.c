/* Statements and blocks. */
#include "parser/build.h"

#include <string.h>

#include "core/arena.h"
#include "core/diag.h"

struct node *make_assign(struct parser *p, struct span at, struct node *place,
			 struct node *value)
{
	struct node *n = node_new(p->arena, NODE_ASSIGN, at);

	if (place->kind == NODE_CALL && !place->call.has_parens &&
	    strcmp(place->call.name, "_") == 0) {
		n = make_expr(p, at, value);
		n->expr.discard = true;
		return n;
	}
	n->assign.place = place;
	n->assign.value = value;
	return finish(p, n);
}

struct node *make_compound(struct parser *p, struct span at, enum op op,
			   struct node *place, struct node *value)
{
	struct node *n = make_assign(p, at, place, value);

	n->assign.op = op;
	n->assign.compound = true;
	return n;
}

struct node *make_let(struct parser *p, struct span at, struct node *var,
		      struct type_name as, struct node *value)
{
	struct node *n = node_new(p->arena, NODE_LET, at);

	n->let.var = var;
	n->let.as = as;
	n->let.value = value;
	return finish(p, n);
}

struct node *make_expr(struct parser *p, struct span at, struct node *value)
{
	struct node *n = node_new(p->arena, NODE_EXPR, at);

	n->expr.value = value;
	return finish(p, n);
}

struct node *make_jump(struct parser *p, struct span at, enum node_kind kind,
		       struct node *value)
{
	struct node *n = node_new(p->arena, kind, at);

	n->expr.value = value;
	return finish(p, n);
}

/* Loops. */

struct node *make_loop(struct parser *p, struct span at, enum node_kind kind,
		       struct node *cond, struct node *body)
{
	struct node *n = node_new(p->arena, kind, at);

	n->loop.cond = cond;
	n->loop.body = body;
	return finish(p, n);
}

struct node *make_for(struct parser *p, const struct lexeme *var, struct span var_span,
		      struct node *from, struct node *to)
{
	struct node *n =
		node_new(p->arena, to ? NODE_FOR_RANGE : NODE_FOR_MAP, var_span);

	if (!to && (from->kind != NODE_MAP || from->map.has_keys)) {
		diag(p->cc, DIAG_syntax, from->span,
		     "a loop goes over a range or over a map");
		diag_hint(p->cc, "write %s : 0..10, or %s : @map", var->text,
			  var->text);
	}
	n->loop.var = make_var(p, var_span, var);
	n->loop.from = from;
	n->loop.to = to;
	return n;
}

struct node *set_body(struct parser *p, struct span at, struct node *loop,
		      struct node *body)
{
	loop->span = at;
	loop->loop.body = body;
	return finish(p, loop);
}

/*
 * Blocks and their values. Until it is known whether an if is a statement, its blocks
 * keep their values, and as a block's value it is a COND; then its statement form has
 * blocks without values.
 */

/* if a { b } else { c }, or else if, with values everywhere. */
static bool is_value(const struct node *n)
{
	if (!n)
		return false;
	if (n->kind == NODE_BLOCK)
		return n->block.value;
	return n->kind == NODE_IF && is_value(n->branch.then) &&
	       is_value(n->branch.otherwise);
}

static void become_cond(struct node *n)
{
	for (; n && n->kind == NODE_IF; n = n->branch.otherwise)
		n->kind = NODE_COND;
}

/* The opposite of become_cond(), also of a ? { b } : { c }. */
static bool is_statement(const struct node *n)
{
	for (; n && n->kind == NODE_COND; n = n->branch.otherwise) {
		if (n->branch.then->kind != NODE_BLOCK)
			return false;
	}
	return n && n->kind == NODE_BLOCK;
}

static void become_if(struct node *n)
{
	for (; n->kind == NODE_COND; n = n->branch.otherwise)
		n->kind = NODE_IF;
}

static void drop_branch_values(struct parser *p, struct node *n)
{
	struct node *otherwise = n->branch.otherwise;

	n->branch.then = drop_value(p, n->branch.then);
	if (otherwise && otherwise->kind == NODE_IF)
		drop_branch_values(p, otherwise);
	else if (otherwise)
		n->branch.otherwise = drop_value(p, otherwise);
	finish(p, n);
}

struct node *drop_value(struct parser *p, struct node *block)
{
	struct node *value = block->block.value;
	struct node **end = &block->block.stmts;

	if (!value)
		return block;
	while (*end)
		end = &(*end)->next;
	if (value->kind == NODE_COND && is_statement(value)) {
		become_if(value);
		drop_branch_values(p, value);
		*end = value;
	} else {
		*end = make_expr(p, value->span, value);
	}
	block->block.value = NULL;
	return finish(p, block);
}

struct node_list stmts_add(struct parser *p, struct node_list list, struct node *n)
{
	if (list.last && list.last->kind == NODE_IF)
		drop_branch_values(p, list.last);
	return list_add(list, n);
}

static struct node_list without_last(struct node_list list)
{
	struct node *n = list.first;

	if (n == list.last)
		return (struct node_list){ NULL, NULL };
	while (n->next != list.last)
		n = n->next;
	n->next = NULL;
	list.last = n;
	return list;
}

struct node *make_braces(struct parser *p, struct span at, struct node_list stmts,
			 struct node *last)
{
	struct node *n = node_new(p->arena, NODE_BLOCK, at);

	if (last) {
		stmts = stmts_add(p, stmts, last->kind == NODE_EXPR ? NULL : last);
		if (last->kind == NODE_EXPR && last->expr.discard)
			stmts = list_add(stmts, last);
		else if (last->kind == NODE_EXPR)
			n->block.value = last->expr.value;
	} else if (stmts.last && stmts.last->kind == NODE_IF && is_value(stmts.last)) {
		n->block.value = stmts.last;
		stmts = without_last(stmts);
		become_cond(n->block.value);
	} else {
		stmts = stmts_add(p, stmts, NULL);
	}
	n->block.stmts = stmts.first;
	return finish(p, n);
}

struct node *make_if_value(struct parser *p, struct span at, struct node *cond,
			   struct node *then, struct node *otherwise)
{
	struct node *n = make_branch(p, at, NODE_IF, cond, then, otherwise);

	if (!is_value(n)) {
		diag(p->cc, DIAG_syntax, at,
		     "as a value, 'if' needs one in each of its blocks");
		diag_hint(p->cc, "write if a { b } else { c }, without a ';' behind "
				 "b and c");
	}
	become_cond(n);
	return n;
}
