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

struct node *drop_value(struct parser *p, struct node *block)
{
	node_drop_value(p->arena, block);
	return finish(p, block);
}

struct node_list stmts_add(struct parser *p, struct node_list list, struct node *n)
{
	if (list.last && list.last->kind == NODE_IF)
		node_simplify_statement(p->arena, list.last);
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
