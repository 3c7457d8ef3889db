/* Variables in their scopes, and maps. */
#include <string.h>

#include "core/arena.h"
#include "sema/names.h"

enum {
	MAX_VARS = 4096, /* of a program, and */
	MAX_MAPS = 1024, /* in all: no kernel takes a program anywhere near that size */
};

/* Variables. */

struct local *names_find(const struct names *s, const char *name)
{
	for (struct scope *scope = s->scope; scope; scope = scope->outer)
		for (struct local *l = scope->locals; l; l = l->next)
			if (l->info->name == name)
				return l;
	return NULL;
}

struct local *names_declare(struct names *s, struct node *var,
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

static bool is_elsewhere(const struct names *s, const char *name)
{
	const struct plan *plan = s->cc->plan;

	for (size_t i = 0; i < plan->programs.n; i++)
		for (size_t k = 0; k < plan->programs.items[i]->vars.n; k++)
			if (plan->programs.items[i]->vars.items[k]->name == name)
				return true;
	return false;
}

struct local *names_use(struct names *s, struct node *var)
{
	struct local *l = names_find(s, var->var.name);

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
	if (is_elsewhere(s, var->var.name))
		diag_hint(
			s->cc,
			"variables end with their clause; a map stays: @%s, or @%s[tid] "
			"for each thread",
			var->var.name + 1, var->var.name + 1);
	else
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
	m->is_pack = cc->ast->packs &&
		     source_written(cc->source, at).begin >= cc->ast->packs;
	if (plan->maps.n == MAX_MAPS)
		diag(cc, DIAG_unsupported, at, "a program may have at most %d maps",
		     MAX_MAPS);
	if (plan->maps.n <= MAX_MAPS)
		ARENA_PUSH(cc->arena, &plan->maps, m);
	return m;
}

void names_visit_map(struct names *s, struct node *n)
{
	node_each_child(n, names_visit_expr, s);
	n->map.info = map_by_name(s->cc, n->map.name, n->span);
}
