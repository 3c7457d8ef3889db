/* Names of one program to what they mean: rows, maps, variables in their scopes. */
#include "sema/names.h"
#include "core/arena.h"
#include "core/intern.h"

static void visit_stmt(struct names *s, struct node *n);

/* Types as written. */

/* (bool)x is x != 0: what is cut off counts, too. */
static void cast_to_bool(struct compile *cc, struct node *n, struct node *operand)
{
	struct node *zero = node_new(cc->arena, NODE_INT, n->span);

	n->kind = NODE_BINARY;
	n->binary.op = OP_NE;
	n->binary.left = operand;
	n->binary.right = zero;
}

static bool is_bool(struct compile *cc, const struct type_name *t)
{
	return !t->tag && !t->stars && !t->ndims &&
	       t->name == intern_str(cc->names, "bool");
}

/* What is assigned to a variable with a type is cast to it. */
static struct node *cast_to_declared(struct compile *cc, struct node *value,
				     const struct type_name *as)
{
	struct node *cast = node_new(cc->arena, NODE_CAST, value->span);

	cast->height = value->height + 1;
	if (is_bool(cc, as)) {
		cast_to_bool(cc, cast, value);
		return cast;
	}
	cast->cast.to = *as;
	cast->cast.operand = value;
	return cast;
}

/* Expressions; the walker's form. */

/* A variable, a map, or a member of what a map holds. */
static bool is_place(struct node *n)
{
	return n->kind == NODE_VAR || node_place_root(n)->kind == NODE_MAP;
}

/* Said once: where the name is read it is the same mistake. */
static void forgot_dollar(struct names *s, const char *name)
{
	diag_hint(s->cc,
		  "a variable of this event is written $%s, a map, which stays, @%s",
		  name, name);
	ARENA_PUSH(s->cc->arena, &s->bare, name);
}

static void not_assignable(struct names *s, struct node *n)
{
	diag(s->cc, DIAG_not_assignable, n->span,
	     "only $variables, @maps and members of a @map's record can be assigned to");
	if (n->kind == NODE_FIELD && node_place_root(n)->kind == NODE_VAR)
		diag_hint(s->cc, "members of what a variable holds are only read");
	if (n->kind == NODE_CALL && !n->call.has_parens &&
	    !builtin_lookup(s->program->kind, n->call.name))
		forgot_dollar(s, n->call.name);
}

static void visit_step(struct names *s, struct node *n)
{
	struct node *place = n->step.place;

	if (!is_place(place))
		not_assignable(s, place);
	else
		names_visit_expr(place, s);
}

void names_visit_expr(struct node *n, void *arg)
{
	struct names *s = arg;

	switch (n->kind) {
	case NODE_CALL:
		names_visit_call(s, n);
		break;
	case NODE_MAP:
		names_visit_map(s, n);
		break;
	case NODE_VAR:
		names_use(s, n);
		break;
	case NODE_STEP:
		visit_step(s, n);
		break;
	case NODE_CAST:
		node_each_child(n, names_visit_expr, s);
		if (is_bool(s->cc, &n->cast.to))
			cast_to_bool(s->cc, n, n->cast.operand);
		break;
	case NODE_TYPE:
		/* typeof(): what is in there is never computed. */
		node_each_child(n, names_visit_expr, s);
		break;
	case NODE_INT:
	case NODE_STR:
	case NODE_PARAM:
	case NODE_FIELD:
	case NODE_INDEX:
	case NODE_TUPLE:
	case NODE_ADDRESS:
	case NODE_DEREF:
	case NODE_UNARY:
	case NODE_BINARY:
	case NODE_COND:
		node_each_child(n, names_visit_expr, s);
		break;
	case NODE_ASSIGN:
	case NODE_LET:
	case NODE_IF:
	case NODE_BLOCK:
	case NODE_EXPR:
	case NODE_FOR_RANGE:
	case NODE_FOR_MAP:
	case NODE_WHILE:
	case NODE_UNROLL:
	case NODE_BREAK:
	case NODE_CONTINUE:
	case NODE_RETURN:
		visit_stmt(s, n);
		break;
	}
}

/* Statements. */

/* $x op= v, where $x has a declared type, becomes $x = (type)($x op v). */
static void expand_compound(struct names *s, struct node *n)
{
	struct node *read = node_clone(s->cc->arena, n->assign.place);
	struct node *op = node_new(s->cc->arena, NODE_BINARY, n->span);

	read->var.info = n->assign.place->var.info;
	op->height = n->height;
	op->binary.op = n->assign.op;
	op->binary.left = read;
	op->binary.right = n->assign.value;
	n->assign.value = op;
	n->assign.compound = false;
}

static void visit_assign(struct names *s, struct node *n)
{
	struct node *place = n->assign.place;
	struct local *l;

	/* First: maps are shown in the order of the text. */
	if (is_place(place) && place->kind != NODE_VAR)
		names_visit_expr(place, s);
	names_visit_expr(n->assign.value, s);
	if (!is_place(place))
		not_assignable(s, place);
	if (place->kind != NODE_VAR)
		return;
	l = names_find(s, place->var.name);
	if (!l && !n->assign.compound)
		l = names_declare(s, place, NULL);
	else
		l = names_use(s, place);
	if (!l || !l->info->declared)
		return;
	if (n->assign.compound)
		expand_compound(s, n);
	n->assign.value = cast_to_declared(s->cc, n->assign.value, l->info->declared);
}

static void redeclared(struct names *s, struct node *var)
{
	struct local *old = names_find(s, var->var.name);

	diag(s->cc, DIAG_redeclared, var->span, "'%s' is declared already",
	     var->var.name);
	diag_note(s->cc, old->info->first, "here");
	var->var.info = old->info;
}

static void visit_let(struct names *s, struct node *n)
{
	const struct type_name *as = type_name_given(&n->let.as) ? &n->let.as : NULL;
	struct node *var = n->let.var;

	if (n->let.as.of)
		names_visit_expr(n->let.as.of, s);
	for (struct node *item = n->let.as.items; item; item = item->next)
		names_visit_expr(item, s);
	if (n->let.value)
		names_visit_expr(n->let.value, s);
	if (names_find(s, var->var.name)) {
		redeclared(s, var);
		return;
	}
	names_declare(s, var, as);
	if (n->let.value && as)
		n->let.value = cast_to_declared(s->cc, n->let.value, as);
}

static void visit_block(struct names *s, struct node *n)
{
	struct scope scope = { .outer = s->scope };

	s->scope = &scope;
	for (struct node *stmt = n->block.stmts; stmt; stmt = stmt->next)
		visit_stmt(s, stmt);
	if (n->block.value)
		names_visit_expr(n->block.value, s);
	s->scope = scope.outer;
}

/* The loop's variable is known in its body only. */
static void visit_loop(struct names *s, struct node *n)
{
	struct scope scope = { .outer = s->scope };

	if (n->loop.from)
		names_visit_expr(n->loop.from, s);
	if (n->loop.to)
		names_visit_expr(n->loop.to, s);
	if (n->loop.cond)
		names_visit_expr(n->loop.cond, s);
	s->scope = &scope;
	s->loops++;
	if (n->kind != NODE_UNROLL)
		s->program->has_loops = true;
	if (n->loop.var && names_find(s, n->loop.var->var.name))
		redeclared(s, n->loop.var);
	else if (n->loop.var)
		names_declare(s, n->loop.var, NULL);
	visit_stmt(s, n->loop.body);
	s->loops--;
	s->scope = scope.outer;
}

static void visit_jump(struct names *s, const struct node *n)
{
	if (!s->loops)
		diag(s->cc, DIAG_syntax, n->span, "there is no loop around '%s'",
		     n->kind == NODE_BREAK ? "break" : "continue");
}

static void visit_stmt(struct names *s, struct node *n)
{
	switch (n->kind) {
	case NODE_ASSIGN:
		visit_assign(s, n);
		break;
	case NODE_LET:
		visit_let(s, n);
		break;
	case NODE_IF:
		names_visit_expr(n->branch.cond, s);
		visit_stmt(s, n->branch.then);
		if (n->branch.otherwise)
			visit_stmt(s, n->branch.otherwise);
		break;
	case NODE_BLOCK:
		visit_block(s, n);
		break;
	case NODE_EXPR:
		names_visit_expr(n->expr.value, s);
		break;
	case NODE_RETURN:
		node_each_child(n, names_visit_expr, s);
		break;
	case NODE_FOR_RANGE:
	case NODE_FOR_MAP:
	case NODE_WHILE:
	case NODE_UNROLL:
		visit_loop(s, n);
		break;
	case NODE_BREAK:
	case NODE_CONTINUE:
		visit_jump(s, n);
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
	case NODE_STEP:
		names_visit_expr(n, s);
		break;
	}
}

void resolve_names(struct compile *cc, struct program_info *p)
{
	struct scope outermost = { 0 };
	struct names s = { .cc = cc, .program = p, .scope = &outermost };

	if (p->predicate)
		names_visit_expr(p->predicate, &s);
	visit_stmt(&s, p->body);
}

/* Does the clause name the probe's own variables, and which kind of them? */
struct var_search {
	const struct probe_kind *kind;
	struct var_use use;
};

static void look_for_vars(struct node *n, void *arg)
{
	struct var_search *s = arg;
	const struct builtin *b;

	if (n->kind == NODE_CALL) {
		b = names_find_row(s->kind->vars, n->call.name);
		s->use.any = s->use.any || b;
		s->use.per_site = s->use.per_site || (b && b->flags & BUILTIN_PER_SITE);
	}
	node_each_child(n, look_for_vars, s);
}

struct var_use clause_vars(const struct probe_kind *kind, const struct clause *clause)
{
	struct var_search s = { .kind = kind };

	if (clause->predicate)
		look_for_vars(clause->predicate, &s);
	look_for_vars(clause->body, &s);
	return s.use;
}
