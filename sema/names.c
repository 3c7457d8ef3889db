/* Names of one program to what they mean: rows, maps, variables in their scopes. */
#include <string.h>

#include "core/arena.h"
#include "core/intern.h"
#include "sema/ctype.h"
#include "sema/resolve.h"

enum {
	MAX_VARS = 4096, /* of a program, and */
	MAX_MAPS = 1024, /* in all: no kernel takes a program anywhere near that size */
};

/* A declared variable; the list of a scope. */
struct local {
	struct local *next;
	struct var_info *info;
};

struct scope {
	struct scope *outer;
	struct local *locals;
};

struct names {
	struct compile *cc;
	struct program_info *program;
	struct scope *scope;
	unsigned loops; /* around here */
	struct {
		const char **items;
		size_t n, cap;
	} bare; /* names that were assigned to without their dollar */
};

static void visit_expr(struct node *n, void *arg);
static void visit_stmt(struct names *s, struct node *n);

/* Variables. */

static struct local *find_local(const struct names *s, const char *name)
{
	for (struct scope *scope = s->scope; scope; scope = scope->outer)
		for (struct local *l = scope->locals; l; l = l->next)
			if (l->info->name == name)
				return l;
	return NULL;
}

/* as: of "let $x: uint8", else NULL. */
static struct local *declare(struct names *s, struct node *var,
			     const struct type_name *as)
{
	struct local *l = ARENA_NEW(s->cc->arena, struct local);
	struct program_info *p = s->program;

	l->info = ARENA_NEW(s->cc->arena, struct var_info);
	l->info->name = var->var.name;
	l->info->first = var->span;
	l->info->declared = as;
	var->var.info = l->info;
	if (p->vars.n > MAX_VARS)
		return l; /* looking for so many would take too long */
	if (p->vars.n == MAX_VARS)
		diag(s->cc, DIAG_unsupported, var->span,
		     "a probe may have at most %d variables", MAX_VARS);
	ARENA_PUSH(s->cc->arena, &p->vars, l->info);
	l->next = s->scope->locals;
	s->scope->locals = l;
	return l;
}

static void suggest_local(struct names *s, const char *name)
{
	struct suggestion near = { .word = name };

	for (struct scope *scope = s->scope; scope; scope = scope->outer)
		for (struct local *l = scope->locals; l; l = l->next)
			suggest(&near, l->info->name);
	/* In a macro, names that look the same are not. */
	if (near.best && strcmp(near.best, name) == 0)
		diag_hint(s->cc, "a macro sees only its own variables and parameters");
	else if (near.best)
		diag_hint(s->cc, "did you mean '%s'?", near.best);
}

static struct local *use_local(struct names *s, struct node *var)
{
	struct local *l = find_local(s, var->var.name);

	if (l) {
		var->var.info = l->info;
		return l;
	}
	diag(s->cc, DIAG_unknown_variable, var->span,
	     "nothing was assigned to '%s' here", var->var.name);
	for (size_t i = 0; i < s->program->vars.n; i++) {
		if (s->program->vars.items[i]->name != var->var.name)
			continue;
		diag_note(s->cc, s->program->vars.items[i]->first,
			  "this one ends with its block");
		diag_hint(s->cc, "declare it before the block: let %s;", var->var.name);
		return NULL;
	}
	suggest_local(s, var->var.name);
	return NULL;
}

/* Maps. */

struct map_info *map_by_name(struct compile *cc, const char *name, struct span at)
{
	struct plan *plan = cc->plan;
	struct map_info *m;

	for (size_t i = 0; i < plan->maps.n; i++)
		if (plan->maps.items[i]->name == name)
			return plan->maps.items[i];
	m = ARENA_NEW(cc->arena, struct map_info);
	m->name = name;
	m->first = at;
	m->index = (unsigned)plan->maps.n;
	if (plan->maps.n == MAX_MAPS)
		diag(cc, DIAG_unsupported, at, "a program may have at most %d maps",
		     MAX_MAPS);
	if (plan->maps.n <= MAX_MAPS)
		ARENA_PUSH(cc->arena, &plan->maps, m);
	return m;
}

static void visit_map(struct names *s, struct node *n)
{
	node_each_child(n, visit_expr, s);
	n->map.info = map_by_name(s->cc, n->map.name, n->span);
}

/* Builtins. */

static const struct builtin *find_row(const struct builtin *rows, const char *name)
{
	for (; rows && rows->name; rows++)
		if (strcmp(rows->name, name) == 0)
			return rows;
	return NULL;
}

/* A word that means something in another kind of probe. */
static const struct probe_kind *kind_with(const char *name)
{
	for (const struct probe_kind *const *k = probe_kinds; *k; k++)
		if (find_row((*k)->vars, name))
			return *k;
	return NULL;
}

/* arg20, where arg0 is the first of a series of rows: how far that goes. */
static const char *last_of_series(const struct builtin *vars, const char *name)
{
	size_t stem = strcspn(name, "0123456789");
	const char *last = NULL;

	if (!name[stem] || name[stem + strspn(name + stem, "0123456789")])
		return NULL;
	for (; vars && vars->name; vars++)
		if (strncmp(vars->name, name, stem) == 0 && vars->name[stem] >= '0' &&
		    vars->name[stem] <= '9')
			last = vars->name;
	return last;
}

static void suggest_name(struct names *s, const struct node *n)
{
	const struct builtin *vars = s->program->kind->vars, *b;
	const char *last = last_of_series(vars, n->call.name);
	struct suggestion near = { .word = n->call.name };

	if (last) {
		diag_hint(s->cc, "%s probes have up to '%s'", s->program->kind->name,
			  last);
		return;
	}
	for (b = vars; b && b->name; b++)
		suggest(&near, b->name);
	for (b = builtin_next(NULL); b; b = builtin_next(b))
		suggest(&near, b->name);
	if (near.best)
		diag_hint(s->cc, "did you mean '%s'?", near.best);
}

static void unknown_name(struct names *s, const struct node *n)
{
	const struct probe_kind *other = kind_with(n->call.name);

	if (other) {
		diag(s->cc, DIAG_not_in_probe, n->call.name_span,
		     "%s probes have no '%s'", s->program->kind->name, n->call.name);
		diag_hint(s->cc, "%s probes have it", other->name);
		return;
	}
	for (size_t i = 0; i < s->bare.n; i++)
		if (s->bare.items[i] == n->call.name)
			return;
	if (builtin_is_planned(n->call.name)) {
		diag(s->cc, DIAG_unsupported, n->call.name_span,
		     "'%s' is not in memql yet", n->call.name);
		return;
	}
	diag(s->cc, DIAG_unknown_builtin, n->call.name_span, "unknown %s '%s'",
	     n->call.has_parens ? "function" : "name", n->call.name);
	suggest_name(s, n);
}

static void become_int(struct node *n, int64_t value)
{
	n->kind = NODE_INT;
	memset(&n->integer, 0, sizeof(n->integer));
	n->integer.value = (uint64_t)value;
	n->integer.negative = value < 0;
}

/* true, false and the values of enums: names that no row has. */
static bool is_constant(struct names *s, struct node *n)
{
	const char *name = n->call.name;
	const struct type *of;
	int64_t value;

	if (boolean_word(n, &value)) {
		become_int(n, value);
		n->integer.is_bool = true;
		return true;
	}
	if (n->call.has_parens || !(of = ctype_constant(s->cc, name, &value)))
		return false;
	become_int(n, value);
	n->integer.of = of;
	return true;
}

/* A name alone where a type may stand is one, unless it means something else. */
static void visit_type_arg(struct names *s, struct node *n)
{
	const char *name = n->kind == NODE_CALL ? n->call.name : NULL;

	if (name && !n->call.has_parens && !builtin_lookup(s->program->kind, name) &&
	    ctype_find(s->cc, TAG_NONE, name)) {
		n->kind = NODE_TYPE;
		n->written = (struct type_name){ .name = name };
	}
	visit_expr(n, s);
}

/* A bare name, or for a row that reads paths of them whatever is there. */
static bool is_word(const struct param *p, const struct node *n)
{
	return p->type == TYPE_ANY || (n->kind == NODE_CALL && !n->call.has_parens);
}

/* A bare name where the row wants a word is text from here on; a.b is the row's. */
static void take_word(struct node *n)
{
	const char *name = n->call.name;

	if (n->kind != NODE_CALL || n->call.has_parens)
		return;
	n->kind = NODE_STR;
	memset(&n->call, 0, sizeof(n->call));
	n->string.bytes = name;
	n->string.len = (uint32_t)strlen(name);
}

static void visit_args(struct names *s, struct node *call, const struct builtin *b)
{
	const struct param *p = b ? b->params : NULL;

	for (struct node *arg = call->call.args, *next; arg; arg = next) {
		unsigned flags = p && p->name ? p->flags : 0;

		next = arg->next;
		if (flags & PARAM_TYPE)
			visit_type_arg(s, arg);
		else if (flags & PARAM_WORD && is_word(p, arg))
			take_word(arg);
		else
			visit_expr(arg, s);
		if (p && p->name && !(flags & PARAM_REST))
			p++;
	}
}

static void visit_call(struct names *s, struct node *n)
{
	const struct builtin *b = builtin_lookup(s->program->kind, n->call.name);

	if (!b && is_constant(s, n))
		return;
	visit_args(s, n, b);
	n->call.builtin = b;
	if (!b) {
		unknown_name(s, n);
	} else if (b->kind != BUILTIN_VALUE && !n->call.has_parens) {
		diag(s->cc, DIAG_arity, n->span, "expected %s, found no parentheses",
		     builtin_signature(s->cc, b));
	}
}

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
	diag_hint(s->cc, "a variable begins with a dollar: $%s", name);
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
		visit_expr(place, s);
}

static void visit_expr(struct node *n, void *arg)
{
	struct names *s = arg;

	switch (n->kind) {
	case NODE_CALL:
		visit_call(s, n);
		break;
	case NODE_MAP:
		visit_map(s, n);
		break;
	case NODE_VAR:
		use_local(s, n);
		break;
	case NODE_STEP:
		visit_step(s, n);
		break;
	case NODE_CAST:
		node_each_child(n, visit_expr, s);
		if (is_bool(s->cc, &n->cast.to))
			cast_to_bool(s->cc, n, n->cast.operand);
		break;
	case NODE_TYPE:
		/* typeof(): what is in there is never computed. */
		node_each_child(n, visit_expr, s);
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
		node_each_child(n, visit_expr, s);
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
		visit_expr(place, s);
	visit_expr(n->assign.value, s);
	if (!is_place(place))
		not_assignable(s, place);
	if (place->kind != NODE_VAR)
		return;
	l = find_local(s, place->var.name);
	if (!l && !n->assign.compound)
		l = declare(s, place, NULL);
	else
		l = use_local(s, place);
	if (!l || !l->info->declared)
		return;
	if (n->assign.compound)
		expand_compound(s, n);
	n->assign.value = cast_to_declared(s->cc, n->assign.value, l->info->declared);
}

static void redeclared(struct names *s, struct node *var)
{
	struct local *old = find_local(s, var->var.name);

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
		visit_expr(n->let.as.of, s);
	for (struct node *item = n->let.as.items; item; item = item->next)
		visit_expr(item, s);
	if (n->let.value)
		visit_expr(n->let.value, s);
	if (find_local(s, var->var.name)) {
		redeclared(s, var);
		return;
	}
	declare(s, var, as);
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
		visit_expr(n->block.value, s);
	s->scope = scope.outer;
}

/* The loop's variable is known in its body only. */
static void visit_loop(struct names *s, struct node *n)
{
	struct scope scope = { .outer = s->scope };

	if (n->loop.from)
		visit_expr(n->loop.from, s);
	if (n->loop.to)
		visit_expr(n->loop.to, s);
	if (n->loop.cond)
		visit_expr(n->loop.cond, s);
	s->scope = &scope;
	s->loops++;
	if (n->kind != NODE_UNROLL)
		s->program->has_loops = true;
	if (n->loop.var && find_local(s, n->loop.var->var.name))
		redeclared(s, n->loop.var);
	else if (n->loop.var)
		declare(s, n->loop.var, NULL);
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
		visit_expr(n->branch.cond, s);
		visit_stmt(s, n->branch.then);
		if (n->branch.otherwise)
			visit_stmt(s, n->branch.otherwise);
		break;
	case NODE_BLOCK:
		visit_block(s, n);
		break;
	case NODE_EXPR:
		visit_expr(n->expr.value, s);
		break;
	case NODE_RETURN:
		node_each_child(n, visit_expr, s);
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
		visit_expr(n, s);
		break;
	}
}

void resolve_names(struct compile *cc, struct program_info *p)
{
	struct scope outermost = { 0 };
	struct names s = { .cc = cc, .program = p, .scope = &outermost };

	if (p->predicate)
		visit_expr(p->predicate, &s);
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
		b = find_row(s->kind->vars, n->call.name);
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
