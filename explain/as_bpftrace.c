/*
 * The script for bpftrace. It is the same language, so that the text stays as it is; what
 * bpftrace has no counterpart for is named, and nothing is printed.
 */
#include <string.h>

#include "builtins/builtin.h"
#include "core/compile.h"
#include "explain/explain.h"
#include "parser/ast.h"
#include "sema/plan.h"
#include "sema/sema.h"

static void check_call(struct compile *cc, const struct node *n)
{
	const struct builtin *row =
		n->call.builtin ? n->call.builtin : builtin_find(n->call.name);

	if (row && row->flags & BUILTIN_OURS)
		diag(cc, DIAG_unsupported, n->span, "bpftrace has no %s", row->name);
}

static void check_node(struct node *n, void *arg)
{
	if (n->kind == NODE_CALL)
		check_call(arg, n);
	node_each_child(n, check_node, arg);
}

static void check_clause(struct compile *cc, const struct clause *c)
{
	if (c->is_else)
		diag(cc, DIAG_unsupported, c->span, "bpftrace's probes have no else");
	if (c->predicate)
		check_node(c->predicate, cc);
	check_node(c->body, cc);
}

/* As written, without the line for the shell. */
static void print_text(const struct source *s, FILE *out)
{
	const struct span all = { 0, s->len };
	const struct span own = s->nfiles ? s->files[0].text : all;
	const char *text = s->text + own.begin, *end = s->text + own.end;
	const char *newline = memchr(text, '\n', (size_t)(end - text));

	if (end - text > 2 && text[0] == '#' && text[1] == '!')
		text = newline ? newline + 1 : end;
	fwrite(text, 1, (size_t)(end - text), out);
	if (end > text && end[-1] != '\n')
		fputc('\n', out);
}

bool explain_as_bpftrace(struct compile *cc, FILE *out)
{
	const struct attach_point *event = cc->ast->event;

	if (event)
		diag(cc, DIAG_unsupported, event->span,
		     "bpftrace has no events: %s is what memql makes of others",
		     event->text);
	for (const struct map_def *m = cc->ast->maps; m; m = m->next)
		if (!m->is_pack && map_def_is_span(m))
			diag(cc, DIAG_unsupported, m->span, "bpftrace has no spans");
	for (const struct clause *c = cc->ast->clauses; c; c = c->next)
		if (!c->is_pack)
			check_clause(cc, c);
	/* The calls are literals by now. */
	for (size_t i = 0; i < cc->plan->script_options.n; i++)
		if (cc->plan->script_options.items[i].is_ranged)
			diag(cc, DIAG_unsupported,
			     cc->plan->script_options.items[i].first,
			     "bpftrace's options of scripts have no limits");
	if (!diag_ok(cc))
		return false;
	print_text(cc->source, out);
	return true;
}
