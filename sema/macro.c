/*
 * Macros: each call becomes a copy of the macro's body, before any name means anything.
 *
 * A body sees nothing of where it is called but its arguments. Its own variables are
 * renamed for each call: names are compared by their address, so a copy of the text is a
 * new name that still looks the same in messages. Maps are known everywhere, so those that
 * are no parameters are refused. Spans of the copy are those of a place of its own
 * (core/source.h), which leads back to the call.
 *
 * Arguments are expanded where they were written, then copied wherever the body names the
 * parameter; the walk through the body leaves them alone.
 */
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/intern.h"
#include "parser/ast.h"
#include "sema/event.h"
#include "sema/rename.h"

enum {
	MAX_NODES = 100000, /* that macros add to a program */
	MAX_RENAMES = 4096, /* variables of a body */
	NSLOTS = 4096,      /* a power of two, and more than there can be macros */
};

/* One call. */
struct call {
	const struct call *outer; /* whose body this one stands in */
	const struct macro *macro;
	struct node *args;
	uint32_t shift;         /* to be added to the body's spans */
	struct renames renames; /* its own variables in this copy of the body */
};

struct expander {
	struct compile *cc;
	const struct macro *macros[NSLOTS]; /* by the hash of the name */
	struct call *call;                  /* NULL: not in a macro */
	unsigned depth; /* of the node that is visited, below its clause */
	size_t nodes;
	bool failed; /* too much: nothing more is expanded */
};

static void visit(struct node *n, void *arg);

/* The place of this copy, for a span in the body. */
static struct span shifted(const struct expander *e, struct span at)
{
	if (e->call) {
		at.begin += e->call->shift;
		at.end += e->call->shift;
	}
	return at;
}

/* The macro with this name, or where it would be. */
static const struct macro **find_slot(struct expander *e, const char *name)
{
	size_t i = ((uintptr_t)name >> 4) % NSLOTS;

	while (e->macros[i] && e->macros[i]->name != name)
		i = (i + 1) % NSLOTS;
	return &e->macros[i];
}

/* Says so once; nothing more is expanded. */
static void give_up(struct expander *e, struct span at, const char *what, int limit)
{
	if (!e->failed)
		diag(e->cc, DIAG_unsupported, at, "macros make more than %d %s", limit,
		     what);
	e->failed = true;
}

/* The parameter with this name, and the argument for it. */
static const struct macro_param *find_param(const struct call *c, const char *name,
					    struct node **arg)
{
	struct node *a = c->args;

	for (const struct macro_param *p = c->macro->params; p && a;
	     p = p->next, a = a->next) {
		if (p->name != name)
			continue;
		*arg = a;
		return p;
	}
	return NULL;
}

/* Copies. */

/* NULL if it would be too much. */
static struct node *copy(struct expander *e, struct node *n, struct span at)
{
	e->nodes += node_total(n);
	if (e->nodes > MAX_NODES)
		give_up(e, at, "operations of this program", MAX_NODES);
	if (e->depth + n->height > AST_MAX_HEIGHT)
		give_up(e, at, "levels of nesting", AST_MAX_HEIGHT);
	return e->failed ? NULL : node_clone(e->cc->arena, n);
}

/* Names in a body. */

static void rename_variable(struct expander *e, struct node *n)
{
	struct call *c = e->call;
	struct node *arg;

	if (find_param(c, n->var.name, &arg)) {
		if (arg->kind == NODE_VAR)
			n->var.name = arg->var.name;
		return;
	}
	n->var.name = renamed(e->cc->arena, &c->renames, n->var.name);
	if (c->renames.count > MAX_RENAMES)
		give_up(e, n->span, "variables of one call", MAX_RENAMES);
}

static void rename_map(struct expander *e, struct node *n)
{
	struct node *arg;

	if (find_param(e->call, n->map.name, &arg)) {
		if (arg->kind == NODE_MAP)
			n->map.name = arg->map.name;
		return;
	}
	diag(e->cc, DIAG_macro_map, n->span, "'%s' is no parameter of macro '%s'",
	     n->map.name, e->call->macro->name);
	diag_hint(e->cc, "a macro uses the maps that it is given: macro %s(..., %s)",
		  e->call->macro->name, n->map.name);
}

/* A parameter that stands for an expression. */
static bool take_argument(struct expander *e, struct node *n)
{
	struct node *arg, *copied, *block;

	if (!find_param(e->call, n->call.name, &arg))
		return false;
	copied = copy(e, arg, n->span);
	if (!copied)
		return true;
	if (copied->kind != NODE_MAP || copied->map.has_keys) {
		node_become(n, copied);
		return true;
	}
	/* The value of a map, not the map. */
	block = node_new(e->cc->arena, NODE_BLOCK, copied->span);
	block->block.value = copied;
	node_become(n, block);
	return true;
}

/* Calls. */

static const char *signature(struct compile *cc, const struct macro *m)
{
	const char *text = arena_printf(cc->arena, "%s(", m->name);

	for (const struct macro_param *p = m->params; p; p = p->next)
		text = arena_printf(cc->arena, "%s%s%s", text, p->name,
				    p->next ? ", " : "");
	return arena_printf(cc->arena, "%s)", text);
}

static bool check_count(struct expander *e, const struct macro *m, const struct node *n)
{
	const size_t found = node_count(n->call.args);
	size_t wanted = 0;

	for (const struct macro_param *p = m->params; p; p = p->next)
		wanted++;
	if (found == wanted)
		return true;
	diag(e->cc, DIAG_arity, n->span, "expected %s, found %s argument%s",
	     signature(e->cc, m),
	     found ? arena_printf(e->cc->arena, "%zu", found) : "no",
	     found == 1 ? "" : "s");
	diag_note(e->cc, m->name_span, "the macro is defined here");
	return false;
}

static bool check_kinds(struct expander *e, const struct macro *m, const struct node *n)
{
	const struct node *arg = n->call.args;

	for (const struct macro_param *p = m->params; p; p = p->next, arg = arg->next) {
		const char *wanted = NULL;

		if (*p->name == '$' && arg->kind != NODE_VAR)
			wanted = "a $variable";
		if (*p->name == '@' && (arg->kind != NODE_MAP || arg->map.has_keys))
			wanted = "a @map";
		if (!wanted)
			continue;
		diag(e->cc, DIAG_macro_argument, arg->span,
		     "'%s' of macro '%s' takes %s", p->name, m->name, wanted);
		diag_note(e->cc, p->span, "the parameter");
		return false;
	}
	return true;
}

static bool check_recursion(struct expander *e, const struct macro *m,
			    const struct node *n)
{
	for (const struct call *c = e->call; c; c = c->outer) {
		if (c->macro != m)
			continue;
		diag(e->cc, DIAG_macro_recursion, n->span, "macro '%s' calls itself",
		     m->name);
		diag_hint(e->cc,
			  "a loop does a thing many times: for ($i : 0..10) { }");
		return false;
	}
	return true;
}

/* A body without statements is its value; that of a map only, of all values, is no map. */
static const struct node *simplest(const struct node *body)
{
	const struct node *value = body->block.value;

	if (body->block.stmts || !value ||
	    (value->kind == NODE_MAP && !value->map.has_keys))
		return body;
	return value;
}

static void expand_call(struct expander *e, const struct macro *m, struct node *n)
{
	struct call call = { .outer = e->call, .macro = m };
	struct call *outer = e->call;
	struct node *body;

	node_each_child(n, visit, e);
	if (!check_count(e, m, n) || !check_kinds(e, m, n) || !check_recursion(e, m, n))
		return;
	body = copy(e, m->body, n->span);
	if (!body)
		return;
	call.args = n->call.args;
	call.shift =
		source_copy(e->cc->arena, e->cc->source, m->span, n->span, m->name);
	e->call = &call;
	visit(body, e);
	e->call = outer;
	node_become(n, simplest(body));
}

/* The walk. */

static void visit_call(struct expander *e, struct node *n)
{
	const struct macro *m;

	if (e->call && !n->call.has_parens && take_argument(e, n))
		return;
	m = *find_slot(e, n->call.name);
	if (m)
		expand_call(e, m, n);
	else
		node_each_child(n, visit, e);
}

/* What is assigned to must have been a place before parameters were replaced. */
static void check_place(struct expander *e, struct node *place)
{
	struct node *arg;

	place = node_place_root(place);
	if (!e->call || place->kind != NODE_CALL || place->call.has_parens ||
	    !find_param(e->call, place->call.name, &arg))
		return;
	diag(e->cc, DIAG_not_assignable, shifted(e, place->span),
	     "'%s' stands for an expression, which cannot be assigned to",
	     place->call.name);
	diag_hint(e->cc, "a parameter that takes a variable is written $%s",
		  place->call.name);
}

static void visit_children(struct expander *e, struct node *n)
{
	if (n->kind == NODE_CALL) {
		visit_call(e, n);
		return;
	}
	if (n->kind == NODE_ASSIGN)
		check_place(e, n->assign.place);
	else if (n->kind == NODE_STEP)
		check_place(e, n->step.place);
	else if (n->kind == NODE_VAR && e->call)
		rename_variable(e, n);
	else if (n->kind == NODE_MAP && e->call)
		rename_map(e, n);
	node_each_child(n, visit, e);
	/* A body is then a block like any other. */
	if (n->kind == NODE_EXPR)
		node_simplify_statement(e->cc->arena, n);
}

static void visit(struct node *n, void *arg)
{
	struct expander *e = arg;

	if (e->failed)
		return;
	n->span = shifted(e, n->span);
	if (n->kind == NODE_CALL)
		n->call.name_span = shifted(e, n->call.name_span);
	e->depth++;
	visit_children(e, n);
	e->depth--;
	node_set_height(n);
}

bool macros_expand(struct compile *cc)
{
	struct expander e = { .cc = cc };

	for (const struct macro *m = cc->ast->macros; m; m = m->next)
		*find_slot(&e, m->name) = m;
	for (struct clause *c = cc->ast->clauses; c; c = c->next) {
		if (c->predicate)
			visit(c->predicate, &e);
		visit(c->body, &e);
	}
	for (struct map_def *m = cc->ast->maps; m; m = m->next) {
		for (struct node *n = m->args; n; n = n->next)
			visit(n, &e);
	}
	return diag_ok(cc);
}
