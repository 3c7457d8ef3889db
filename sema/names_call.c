/* Builtins, the probe's own variables, and constants; what was meant if it is none. */
#include <string.h>

#include "core/arena.h"
#include "core/intern.h"
#include "sema/ctype.h"
#include "sema/names.h"

const struct builtin *names_find_row(const struct builtin *rows, const char *name)
{
	for (; rows && rows->name; rows++)
		if (strcmp(rows->name, name) == 0)
			return rows;
	return NULL;
}

/* "kprobe, fentry and uprobe": kinds that have a variable of this name; NULL: none. */
static const char *kinds_with(struct compile *cc, const char *name)
{
	const char *all = NULL, *last = NULL;

	for (const struct probe_kind *const *k = probe_kinds; *k; k++) {
		if (!names_find_row((*k)->vars, name))
			continue;
		if (last)
			all = all ? arena_printf(cc->arena, "%s, %s", all, last) : last;
		last = (*k)->name;
	}
	return all ? arena_printf(cc->arena, "%s and %s", all, last) : last;
}

/* The nearest kind that has it, or NULL. */
static const struct probe_kind *sibling_with(const struct probe_kind *kind,
					     const char *name)
{
	const size_t most = sizeof(kind->siblings) / sizeof(kind->siblings[0]);

	for (size_t i = 0; i < most && kind->siblings[i]; i++)
		if (names_find_row(kind->siblings[i]->vars, name))
			return kind->siblings[i];
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

static bool has_args(const struct builtin *vars)
{
	while (vars && vars->name && vars->returns.kind != TYPE_ARGS)
		vars++;
	return vars && vars->name;
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
	for (const struct macro *m = s->cc->ast->macros; m; m = m->next)
		suggest(&near, m->name);
	if (!n->call.has_parens)
		ctype_suggest_constants(s->cc, &near);
	if (near.best)
		diag_hint(s->cc, "did you mean '%s'?", near.best);
	else if (!n->call.has_parens && has_args(vars))
		diag_hint(s->cc, "an argument of the probe is written args.%s",
			  n->call.name);
}

/* Arguments by number where there are some with names. */
static bool is_number_of_args(const struct builtin *vars, const char *name)
{
	return name[strcspn(name, "0123456789")] && has_args(vars);
}

static void lacks(struct names *s, const struct node *n, const char *elsewhere)
{
	const struct probe_kind *kind = s->program->kind, *sibling;
	const struct probe_lack *lack = kind->lacks;
	const char *name = n->call.name;

	while (lack && lack->name && strcmp(lack->name, name) != 0)
		lack++;
	if (lack && lack->name) {
		diag(s->cc, DIAG_unsupported, n->call.name_span,
		     "%s probes have no '%s': %s", kind->name, name, lack->why);
		diag_hint(s->cc, "%s", lack->instead);
		return;
	}
	diag(s->cc, DIAG_not_in_probe, n->call.name_span, "%s probes have no '%s'",
	     kind->name, name);
	sibling = sibling_with(kind, name);
	if (is_number_of_args(kind->vars, name))
		diag_hint(s->cc, "the arguments have names here: memql -lv shows them");
	else
		diag_hint(s->cc, "%s probes have it",
			  sibling ? sibling->name : elsewhere);
}

static void unknown_name(struct names *s, const struct node *n)
{
	const char *elsewhere = kinds_with(s->cc, n->call.name);

	if (elsewhere) {
		lacks(s, n, elsewhere);
		return;
	}
	for (size_t i = 0; i < s->bare.n; i++)
		if (s->bare.items[i] == n->call.name)
			return;
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
	names_visit_expr(n, s);
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
			names_visit_expr(arg, s);
		if (p && p->name && !(flags & PARAM_REST))
			p++;
	}
}

void names_visit_call(struct names *s, struct node *n)
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
