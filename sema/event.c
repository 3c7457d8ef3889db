/*
 * Events: probes that programs fire. start(@query[tid], ...), done(@query[tid]) and
 * fire("query:memory", ...) become blocks that hold, besides what the call does itself,
 * the clauses of the event, each with its predicate.
 */
#include <string.h>

#include "core/arena.h"
#include "core/intern.h"
#include "sema/event_state.h"

enum {
	MAX_DEPTH = 8,      /* events that clauses of events fire */
	MAX_NODES = 200000, /* that events add to a program */
};

/* What a clause calls what it is given. */
static const char given[] = "args";

bool is_event(const struct attach_point *point)
{
	char kind[32];

	snprintf(kind, sizeof(kind), "%.*s", (int)strcspn(point->text, ":"),
		 point->text);
	return strchr(point->text, ':') && !probe_find(kind);
}

unsigned event_call(const struct node *n)
{
	const struct builtin *b;

	if (n->kind != NODE_CALL || !n->call.has_parens)
		return 0;
	b = builtin_find(n->call.name);
	return b ? b->flags & (BUILTIN_OPENS | BUILTIN_CLOSES | BUILTIN_FIRES) : 0;
}

const char *event_argument(struct compile *cc, const struct node *n)
{
	const struct node *base = n->kind == NODE_FIELD ? n->field.base : n;

	if (base->kind != NODE_CALL || base->call.has_parens ||
	    base->call.name != intern_str(cc->names, given))
		return NULL;
	return n->kind == NODE_FIELD ? n->field.name : "";
}

/* Making nodes. */

static void visit(struct node *n, void *arg);

void push_clauses(struct firing *f, struct fire_list *out)
{
	struct event_expander *e = f->e;

	if (e->depth == MAX_DEPTH || e->nodes > MAX_NODES) {
		diag(e->cc, DIAG_unsupported, f->at,
		     e->depth == MAX_DEPTH ? "events fire each other without an end"
					   : "events make the program too large");
		e->failed = true;
	}
	for (struct listener *l = e->listeners; l && !e->failed; l = l->next) {
		struct node *stmt;

		if (!glob_match(l->point->text, f->name))
			continue;
		l->heard = true;
		stmt = clause_as_statement(f, l->clause);
		e->depth++;
		visit(stmt, e);
		e->depth--;
		fire_push(out, stmt);
	}
}

/* The calls. */

static void expand_call(struct event_expander *e, struct node *stmt, unsigned kind)
{
	struct node *n = stmt->expr.value;
	struct firing f = { .e = e, .at = n->span };
	struct fire_list out = { 0 };

	event_call_expand(&f, n, kind, &out);
	node_become(stmt, fire_block(&f, &out));
}

static void visit(struct node *n, void *arg)
{
	struct event_expander *e = arg;
	unsigned kind = n->kind == NODE_EXPR ? event_call(n->expr.value) : 0;

	if (e->failed)
		return;
	if (kind)
		expand_call(e, n, kind);
	else
		node_each_child(n, visit, e);
	node_set_height(n);
}

/*
 * Clauses of events are taken out of the list, be it for some of their attach points.
 * Those of packs are the first that an event runs: what they compute is what the others
 * want to read.
 */
static void take_listeners(struct event_expander *e)
{
	struct clause **at = &e->cc->ast->clauses, *c;
	struct listener *of_program = NULL, **end[] = { &of_program, &e->listeners };

	while ((c = *at)) {
		for (struct attach_point **p = &c->points; *p;) {
			struct listener *l;

			if (!is_event(*p)) {
				p = &(*p)->next;
				continue;
			}
			if (c->is_else || (c->next && c->next->is_else))
				diag(e->cc, DIAG_probe_mixed, (*p)->span,
				     "else is for probes, which a machine may lack; "
				     "this is an event");
			if (!c->is_pack && !e->cc->ast->event)
				e->cc->ast->event = *p;
			l = ARENA_NEW(e->cc->arena, struct listener);
			*l = (struct listener){ .point = *p, .clause = c };
			*end[c->is_pack] = l;
			end[c->is_pack] = &l->next;
			*p = (*p)->next;
		}
		if (c->points)
			at = &c->next;
		else
			*at = c->next;
	}
	*end[true] = of_program;
}

/* A span that nothing opens, or nothing closes: no mistake of the clause. */
static bool is_of_span(struct compile *cc, const struct listener *l)
{
	for (const struct map_def *def = cc->ast->maps; def; def = def->next)
		if (map_def_is_span(def) && event_of_span(cc, l->point, def->name))
			return true;
	return false;
}

/* "tracepiont:a:b" */
static bool resembles_kind(struct compile *cc, const char *text)
{
	struct suggestion near = {
		.word = arena_strndup(cc->arena, text, strcspn(text, ":")),
	};

	for (const struct probe_kind *const *k = probe_kinds; *k; k++)
		suggest(&near, (*k)->name);
	return near.best;
}

/* query:done, where no pack says that it is an event. */
static bool report_no_packs(struct compile *cc, const struct attach_point *point)
{
	const char *name = strchr(point->text, ':') + 1;

	if (cc->options.packs || !cc->options.pack_places ||
	    (strcmp(name, span_start) != 0 && strcmp(name, span_done) != 0))
		return false;
	diag(cc, DIAG_unknown_probe, point->span,
	     "'%s' would be an event, and no packs were found that fire it",
	     point->text);
	packs_hint(cc);
	return true;
}

static void report_unheard(struct event_expander *e, const struct listener *l)
{
	struct compile *cc = e->cc;
	struct suggestion near = { .word = l->point->text };
	struct probe_spec spec;
	bool any = false;

	for (const struct map_def *def = cc->ast->maps; def; def = def->next) {
		if (!map_def_is_span(def))
			continue;
		any = true;
		suggest(&near, event_name(cc, def->name, span_start));
		suggest(&near, event_name(cc, def->name, span_done));
	}
	if (!any && report_no_packs(cc, l->point))
		return;
	if (!any || (!near.best && resembles_kind(cc, l->point->text))) {
		probe_parse(cc, l->point, &spec); /* which says so */
		return;
	}
	diag(cc, DIAG_unknown_probe, l->point->span,
	     "'%s' is neither a kind of probe nor an event that something fires",
	     l->point->text);
	if (near.best)
		diag_hint(cc, "did you mean '%s'?", near.best);
}

struct search {
	void (*found)(const char *name, void *arg);
	void *arg;
	const char *seen[64]; /* each once */
	size_t n;
};

static void find_fired(struct node *n, void *arg)
{
	struct search *s = arg;
	const struct node *name = n->kind == NODE_CALL ? n->call.args : NULL;
	size_t i = 0;

	if (name && name->kind == NODE_STR && event_call(n) & BUILTIN_FIRES) {
		while (i < s->n && s->seen[i] != name->string.bytes)
			i++;
		if (i == s->n && s->n < sizeof(s->seen) / sizeof(s->seen[0])) {
			s->seen[s->n++] = name->string.bytes;
			s->found(name->string.bytes, s->arg);
		}
	}
	node_each_child(n, find_fired, s);
}

void events_each(struct compile *cc, void (*found)(const char *name, void *arg),
		 void *arg)
{
	struct search s = { .found = found, .arg = arg };

	for (const struct map_def *def = cc->ast->maps; def; def = def->next) {
		if (!map_def_is_span(def))
			continue;
		found(event_name(cc, def->name, span_start), arg);
		found(event_name(cc, def->name, span_done), arg);
	}
	for (struct clause *c = cc->ast->clauses; c; c = c->next)
		find_fired(c->body, &s);
}

bool events_expand(struct compile *cc)
{
	struct event_expander e = { .cc = cc };

	if (!spans_declare(cc))
		return false;
	take_listeners(&e);
	for (struct clause *c = cc->ast->clauses; c; c = c->next)
		visit(c->body, &e);
	if (!diag_ok(cc))
		return false;
	for (const struct listener *l = e.listeners; l; l = l->next)
		if (!l->heard && !is_of_span(cc, l))
			report_unheard(&e, l);
	return diag_ok(cc);
}
