/*
 * Packs: what memql knows of engines, in the language (scripts/engines). They are read when
 * a program has a clause for an event, such as query:done, and nothing in the program
 * itself declares a span of that name.
 *
 * What no script looks at costs nothing: members of spans that nobody reads are neither
 * captured nor stored, and a clause of a pack that would then do nothing is left out.
 */
#include "sema/event.h"

#include <string.h>

#include "core/arena.h"
#include "core/intern.h"
#include "parser/ast.h"

/* Loading. */

/* The span that an attach point such as query:done is about: "@query". */
static const char *span_of(struct compile *cc, const struct attach_point *point)
{
	return intern_str(cc->names,
			  arena_printf(cc->arena, "@%.*s",
				       (int)strcspn(point->text, ":"), point->text));
}

bool packs_load(struct compile *cc)
{
	bool wanted = false;

	for (const struct clause *c = cc->ast->clauses; c; c = c->next) {
		for (const struct attach_point *p = c->points; p; p = p->next)
			wanted |= is_event(p) && !span_def(cc, span_of(cc, p));
	}
	return !wanted || !cc->options.packs || parse_packs(cc, cc->options.packs);
}

void packs_hint(struct compile *cc)
{
	diag_hint(cc,
		  "packs are in memql's folder scripts, which MEMQL_SCRIPTS names; "
		  "looked for %s",
		  cc->options.pack_places);
}

/* Pruning. */

/* Something that is looked at: a member of a span, a whole map, an event. */
struct live {
	struct live *next;
	const char *name;   /* "@query", "query:memory" */
	const char *member; /* NULL: all of it */
};

struct pruner {
	struct compile *cc;
	struct live *live;
	const struct clause *clause; /* at hand */
	bool useful, changed;
};

/* A span of which some member, or only whether it is open, is looked at. */
static bool span_is_used(const struct pruner *p, const char *span)
{
	for (const struct live *l = p->live; l; l = l->next)
		if (l->name == span)
			return true;
	return false;
}

static bool has_live(const struct pruner *p, const char *name, const char *member)
{
	for (const struct live *l = p->live; l; l = l->next)
		if (l->name == name && l->member == member)
			return true;
	return false;
}

/* A member of a span, by itself or because all are. */
static bool is_live(const struct pruner *p, const char *span, const char *member)
{
	return has_live(p, span, member) || has_live(p, span, NULL);
}

/* The member of a span that has none: that it is open. */
static const char open_only[] = "";

static void make_live(struct pruner *p, const char *name, const char *member)
{
	struct live *l;

	if (has_live(p, name, member))
		return;
	l = ARENA_NEW(p->cc->arena, struct live);
	*l = (struct live){ p->live, name, member };
	p->live = l;
	p->changed = true;
}

/* The span and member of @query[tid].text, or NULL. */
static const char *span_member(const struct pruner *p, const struct node *n)
{
	return n->kind == NODE_FIELD && n->field.base->kind == NODE_MAP &&
			       span_def(p->cc, n->field.base->map.name)
		       ? n->field.base->map.name
		       : NULL;
}

/* start is in every span. A member that there is not: all stay, for the message to list them. */
static const char *known_member(const struct pruner *p, const char *span,
				const char *member)
{
	const struct map_def *def = span_def(p->cc, span);
	const struct node *record = def ? span_members(def) : NULL;

	if (strcmp(member, span_start) == 0)
		return open_only;
	for (size_t i = 0; record && i < node_count(record->tuple.items); i++)
		if (record->tuple.names[i] == member)
			return member;
	return NULL;
}

/* Whether a clause is for the start or the end of a span. */
static bool is_for(struct compile *cc, const struct clause *c, const char *span)
{
	for (const struct attach_point *at = c->points; at; at = at->next)
		if (is_event(at) && event_of_span(cc, at, span))
			return true;
	return false;
}

/* args.NAME in a clause of events: of each span that the clause could be for. */
static void look_at_argument(struct pruner *p, const char *member)
{
	if (event_tells_time(member))
		return; /* no member */
	for (const struct map_def *def = p->cc->ast->maps; def; def = def->next)
		if (map_def_is_span(def) && is_for(p->cc, p->clause, def->name))
			make_live(p, def->name, known_member(p, def->name, member));
}

/* has_key(@query, tid), delete(@text, tid) look at no value. */
static const struct node *map_of_keys(const struct node *n)
{
	const struct builtin *b =
		n->kind == NODE_CALL ? builtin_find(n->call.name) : NULL;

	return b && b->flags & BUILTIN_KEYS && n->call.args &&
			       n->call.args->kind == NODE_MAP
		       ? n->call.args
		       : NULL;
}

static void look(struct node *n, void *arg);

static void look_at_list(struct pruner *p, struct node *list)
{
	for (; list; list = list->next)
		look(list, p);
}

/* A call that opens or closes a span: its key, and the values that somebody reads. */
static void look_at_event(struct pruner *p, const struct node *n)
{
	struct node *first = n->call.args;
	struct node *record = first ? first->next : NULL, *value;
	const char *span = first && first->kind == NODE_MAP ? first->map.name : NULL;

	if (span)
		look_at_list(p, first->map.keys);
	if (!record)
		return;
	if (!span || record->kind != NODE_TUPLE || !record->tuple.names) {
		look(record, p);
		return;
	}
	value = record->tuple.items;
	for (size_t i = 0; value; i++, value = value->next)
		if (!p->clause->is_pack || is_live(p, span, record->tuple.names[i]))
			look(value, p);
}

/* Whether what is assigned to is read by anybody. */
static bool place_is_live(const struct pruner *p, const struct node *place)
{
	const char *span = span_member(p, place);

	if (span)
		return is_live(p, span, place->field.name);
	return place->kind != NODE_MAP || span_is_used(p, place->map.name);
}

/* What a clause reads; of maps that are written, the keys. */
static void look(struct node *n, void *arg)
{
	struct pruner *p = arg;
	const char *member = event_argument(p->cc, n);
	struct node *place = n->kind == NODE_ASSIGN ? n->assign.place
			     : n->kind == NODE_STEP ? n->step.place
						    : NULL;

	if (member) {
		look_at_argument(p, member);
	} else if (span_member(p, n)) {
		make_live(p, n->field.base->map.name,
			  known_member(p, n->field.base->map.name, n->field.name));
		look_at_list(p, n->field.base->map.keys);
	} else if (event_call(n)) {
		look_at_event(p, n);
	} else if (n->kind == NODE_EXPR && map_of_keys(n->expr.value)) {
		look_at_list(p, map_of_keys(n->expr.value)->map.keys);
		look_at_list(p, map_of_keys(n->expr.value)->next);
	} else if (map_of_keys(n)) {
		make_live(p, map_of_keys(n)->map.name, open_only);
		look_at_list(p, map_of_keys(n)->map.keys);
		look_at_list(p, map_of_keys(n)->next);
	} else if (n->kind == NODE_MAP) {
		/* A pack that hands a span on as a whole does not look at its members. */
		make_live(p, n->map.name,
			  p->clause->is_pack && span_def(p->cc, n->map.name) ? open_only
									     : NULL);
		look_at_list(p, n->map.keys);
	} else if (place && p->clause->is_pack && !place_is_live(p, place)) {
		return;
	} else if (place && span_member(p, place)) {
		look_at_list(p, place->field.base->map.keys);
		if (n->kind == NODE_ASSIGN)
			look(n->assign.value, p);
	} else if (place && place->kind == NODE_MAP) {
		look_at_list(p, place->map.keys);
		if (n->kind == NODE_ASSIGN)
			look(n->assign.value, p);
	} else {
		node_each_child(n, look, p);
	}
}

/* Those of the program always are. */
static bool is_used(const struct clause *c)
{
	return !c->is_pack || c->is_used;
}

static bool somebody_listens(const struct pruner *p, const char *event)
{
	for (const struct clause *c = p->cc->ast->clauses; c; c = c->next)
		for (const struct attach_point *at = c->points; at; at = at->next)
			if (is_used(c) && is_event(at) && glob_match(at->text, event))
				return true;
	return false;
}

/* Whatever is called for its own sake, unless it is about a map or event for nobody. */
static bool call_is_useful(const struct pruner *p, const struct node *n)
{
	const struct node *first = n->call.args;
	const char *map = first && first->kind == NODE_MAP ? first->map.name : NULL;

	if (event_call(n) & BUILTIN_FIRES)
		return first && first->kind == NODE_STR &&
		       somebody_listens(p, first->string.bytes);
	if (!map || span_is_used(p, map))
		return true;
	for (const struct clause *c = p->cc->ast->clauses; c; c = c->next)
		if (is_used(c) && span_def(p->cc, map) && is_for(p->cc, c, map))
			return true;
	return false;
}

/* Does the clause of a pack do anything that somebody looks at? */
static void look_for_use(struct node *n, void *arg)
{
	struct pruner *p = arg;
	const struct node *place = n->kind == NODE_ASSIGN ? n->assign.place
				   : n->kind == NODE_STEP ? n->step.place
							  : NULL;

	if (place)
		p->useful |= place->kind != NODE_VAR && place_is_live(p, place);
	else if (n->kind == NODE_EXPR && n->expr.value->kind == NODE_CALL)
		p->useful |= call_is_useful(p, n->expr.value);
	node_each_child(n, look_for_use, p);
}

static void find_use(struct pruner *p, struct clause *c)
{
	p->useful = false;
	look_for_use(c->body, p);
	p->changed |= p->useful && !c->is_used;
	c->is_used |= p->useful;
}

/* What a clause is for, its else is: they are attached or left out together. */
static void join_alternatives(struct pruner *p, struct clause *c)
{
	struct clause *next = c->next;

	if (!c->is_pack || !next || !next->is_else || c->is_used == next->is_used)
		return;
	c->is_used = next->is_used = true;
	p->changed = true;
}

static void look_at_clauses(struct pruner *p)
{
	do {
		p->changed = false;
		for (struct clause *c = p->cc->ast->clauses; c; c = c->next) {
			p->clause = c;
			if (c->is_pack)
				find_use(p, c);
			join_alternatives(p, c);
			if (!is_used(c))
				continue;
			if (c->predicate)
				look(c->predicate, p);
			look(c->body, p);
		}
	} while (p->changed);
}

static void prune_record(const struct pruner *p, const char *span, struct node *record)
{
	const char *const *names = record->tuple.names;
	const char **kept = ARENA_ARRAY(p->cc->arena, const char *,
					node_count(record->tuple.items) + 1);
	struct node **at = &record->tuple.items;
	size_t n = 0;

	for (; *at; names++) {
		if (is_live(p, span, *names)) {
			kept[n++] = *names;
			at = &(*at)->next;
		} else {
			*at = (*at)->next;
		}
	}
	record->tuple.names = kept;
	node_set_height(record);
}

static bool is_idle(const struct pruner *p, const struct node *n)
{
	if (n->kind == NODE_ASSIGN)
		return n->assign.place->kind != NODE_VAR &&
		       !place_is_live(p, n->assign.place);
	if (n->kind == NODE_STEP)
		return n->step.place->kind != NODE_VAR &&
		       !place_is_live(p, n->step.place);
	return n->kind == NODE_EXPR && n->expr.value->kind == NODE_CALL &&
	       !call_is_useful(p, n->expr.value);
}

static void prune_node(struct node *n, void *arg)
{
	struct pruner *p = arg;
	struct node *map = event_call(n) ? n->call.args : NULL, *record;

	if (n->kind == NODE_BLOCK) {
		for (struct node **at = &n->block.stmts; *at;) {
			if (is_idle(p, *at))
				*at = (*at)->next;
			else
				at = &(*at)->next;
		}
	}
	if (map && map->kind == NODE_MAP && (record = map->next) &&
	    record->kind == NODE_TUPLE && record->tuple.names)
		prune_record(p, map->map.name, record);
	node_each_child(n, prune_node, p);
	node_set_height(n);
}

/* Engines that no clause is about any more. */
static void prune_engines(struct compile *cc)
{
	for (struct engine **at = &cc->ast->engines; *at;) {
		const struct clause *c = cc->ast->clauses;

		while (c && c->engine != *at)
			c = c->next;
		if (c)
			at = &(*at)->next;
		else
			*at = (*at)->next;
	}
}

void packs_prune(struct compile *cc)
{
	struct pruner p = { .cc = cc };
	struct clause **at = &cc->ast->clauses;

	look_at_clauses(&p);
	while (*at) {
		if (!is_used(*at)) {
			*at = (*at)->next;
			continue;
		}
		if ((*at)->is_pack)
			prune_node((*at)->body, &p);
		at = &(*at)->next;
	}
	for (struct map_def *def = cc->ast->maps; def; def = def->next)
		if (def->is_pack && map_def_is_span(def) && span_members(def))
			prune_record(&p, def->name, def->args);
	prune_engines(cc);
}
