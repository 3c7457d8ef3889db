/* Nodes for what events become. */
#include "core/arena.h"
#include "core/intern.h"
#include "sema/event_state.h"

struct node *fire_finish(struct node *n)
{
	node_set_height(n);
	return n;
}

struct node *fire_node(struct firing *f, enum node_kind kind)
{
	return node_new(f->e->cc->arena, kind, f->at);
}

struct node *fire_clone(struct firing *f, const struct node *n)
{
	return node_clone(f->e->cc->arena, n);
}

/* Nothing in the program can name this variable: names are compared by address. */
struct node *fire_hidden(struct firing *f, const char *name)
{
	struct node *n = fire_node(f, NODE_VAR);

	n->var.name = arena_strdup(f->e->cc->arena, name);
	return fire_finish(n);
}

struct node *fire_let(struct firing *f, struct node *var, struct node *value)
{
	struct node *n = fire_node(f, NODE_LET);

	n->let.var = fire_clone(f, var);
	n->let.value = value;
	return fire_finish(n);
}

struct node *fire_call(struct firing *f, const char *name, struct node *args,
		       bool has_parens)
{
	struct node *n = fire_node(f, NODE_CALL);

	n->call.name = intern_str(f->e->cc->names, name);
	n->call.name_span = f->at;
	n->call.args = args;
	n->call.has_parens = has_parens;
	return fire_finish(n);
}

struct node *fire_member(struct firing *f, const char *name)
{
	struct node *n = fire_node(f, NODE_FIELD);

	n->field.base = fire_clone(f, f->map);
	n->field.name = intern_str(f->e->cc->names, name);
	return fire_finish(n);
}

struct node *fire_statement(struct firing *f, struct node *value)
{
	struct node *n = fire_node(f, NODE_EXPR);

	n->expr.value = value;
	return fire_finish(n);
}

void fire_push(struct fire_list *l, struct node *n)
{
	if (!l->end)
		l->end = &l->first;
	*l->end = n;
	l->end = &n->next;
}

struct node *fire_block(struct firing *f, const struct fire_list *l)
{
	struct node *n = fire_node(f, NODE_BLOCK);

	n->block.stmts = l->first;
	return fire_finish(n);
}
