/* What start(), done() and fire() become: themselves, and the clauses of the event. */
#include <string.h>

#include "core/arena.h"
#include "core/intern.h"
#include "sema/event_state.h"

/* Keys are computed once: { let $key = tid; ... }. */
static struct node *entry_with_keys(struct firing *f, const struct node *map,
				    struct fire_list *out)
{
	struct node *entry = fire_clone(f, map), **end = &entry->map.keys;

	for (struct node *key = entry->map.keys, *next; key; key = next) {
		struct node *var = fire_hidden(f, "$key");

		next = key->next;
		key->next = NULL;
		fire_push(out, fire_let(f, var, key));
		*end = var;
		end = &var->next;
	}
	*end = NULL;
	return fire_finish(entry);
}

static const struct map_def *find_span(struct firing *f, const struct node *map)
{
	struct compile *cc = f->e->cc;
	const struct map_def *def = NULL;

	if (map && map->kind == NODE_MAP)
		def = span_def(cc, map->map.name);
	if (def)
		return span_members(def) ? def : NULL;
	diag(cc, DIAG_map_needed, map ? map->span : f->at,
	     map && map->kind == NODE_MAP
		     ? arena_printf(cc->arena, "'%s' is no span", map->map.name)
		     : "this is no entry of a span: @name[key]");
	diag_hint(cc, "a span is declared with its members: let @name = span((a = 0))");
	return NULL;
}

static struct node *given_value(struct firing *f, const struct node *record,
				const char *name)
{
	size_t n = record ? node_count(record->tuple.items) : 0;

	for (size_t i = 0; i < n; i++)
		if (record->tuple.names[i] == name)
			return fire_clone(f, node_at(record->tuple.items, i));
	return NULL;
}

static bool has_member(const struct node *members, const char *name)
{
	size_t n = node_count(members->tuple.items);

	for (size_t i = 0; i < n; i++)
		if (members->tuple.names[i] == name)
			return true;
	return false;
}

/* What is given is a record of members of the span. */
static bool check_given(struct firing *f, const struct map_def *def,
			const struct node *record)
{
	const struct node *members = span_members(def);
	struct compile *cc = f->e->cc;
	bool ok = true;

	if (!record)
		return true;
	if (record->kind != NODE_TUPLE || !record->tuple.names || record->next) {
		diag(cc, DIAG_type_mismatch, record->span,
		     "the members of a span are given by name: (name = value)");
		return false;
	}
	for (size_t i = 0; i < node_count(record->tuple.items); i++) {
		const char *name = record->tuple.names[i];
		struct suggestion near = { .word = name };

		if (has_member(members, name))
			continue;
		diag(cc, DIAG_unknown_field, node_at(record->tuple.items, i)->span,
		     "the span '%s' has no member '%s'", def->name, name);
		for (size_t k = 0; k < node_count(members->tuple.items); k++)
			suggest(&near, members->tuple.names[k]);
		if (near.best)
			diag_hint(cc, "did you mean '%s'?", near.best);
		else
			diag_note(cc, def->span, "it is declared here");
		ok = false;
	}
	return ok;
}

/* All members: those that are given, the others as they are declared. */
static struct node *whole_record(struct firing *f, const struct node *members,
				 const struct node *given)
{
	size_t n = node_count(members->tuple.items);
	const char **names = ARENA_ARRAY(f->e->cc->arena, const char *, n);
	struct node *record = fire_node(f, NODE_TUPLE);
	struct fire_list items = { 0 };

	for (size_t i = 0; i < n; i++) {
		struct node *value;

		names[i] = members->tuple.names[i];
		value = given_value(f, given, names[i]);
		if (!value && i == 0) /* see give_start() */
			value = fire_clone(f, f->now);
		fire_push(&items,
			  value ? value
				: fire_clone(f, node_at(members->tuple.items, i)));
	}
	record->tuple.items = items.first;
	record->tuple.names = names;
	return fire_finish(record);
}

static void push_now(struct firing *f, struct fire_list *out)
{
	f->now = fire_hidden(f, "$now");
	fire_push(out, fire_let(f, f->now, fire_call(f, "nsecs", NULL, false)));
}

/* start(@query[tid], (text = ...)) */
static void expand_start(struct firing *f, struct node *n, struct fire_list *out)
{
	struct node *map = n->call.args, *args, *given = map ? map->next : NULL;
	const struct map_def *def = find_span(f, map);

	if (!def || !check_given(f, def, given))
		return;
	f->name = event_name(f->e->cc, map->map.name, span_start);
	f->map = entry_with_keys(f, map, out);
	push_now(f, out);
	args = fire_clone(f, f->map);
	args->next = whole_record(f, span_members(def), given);
	fire_push(out, fire_statement(f, fire_call(f, n->call.name, args, true)));
	push_clauses(f, out);
}

/* @query[tid].name = value */
static void push_members(struct firing *f, const struct node *record,
			 struct fire_list *out)
{
	size_t n = record ? node_count(record->tuple.items) : 0;

	for (size_t i = 0; i < n; i++) {
		struct node *set = fire_node(f, NODE_ASSIGN);

		set->assign.place = fire_member(f, record->tuple.names[i]);
		set->assign.value = fire_clone(f, node_at(record->tuple.items, i));
		fire_push(out, fire_finish(set));
	}
}

/* done(@query[tid], (status = ...)): the clauses see the span, then it is deleted. */
static void expand_done(struct firing *f, struct node *n, struct fire_list *out)
{
	struct node *map = n->call.args, *given = map ? map->next : NULL, *branch;
	const struct map_def *def = find_span(f, map);
	struct fire_list inner = { 0 };

	if (!def || !check_given(f, def, given))
		return;
	f->name = event_name(f->e->cc, map->map.name, span_done);
	f->closes = true;
	f->map = entry_with_keys(f, map, out);
	push_now(f, out);
	push_members(f, given, &inner);
	push_clauses(f, &inner);
	if (inner.first) {
		branch = fire_node(f, NODE_IF);
		branch->branch.cond =
			fire_call(f, "has_key", fire_clone(f, f->map), true);
		branch->branch.then = fire_block(f, &inner);
		fire_push(out, fire_finish(branch));
	}
	fire_push(out, fire_statement(f, fire_call(f, n->call.name,
						   fire_clone(f, f->map), true)));
}

/* fire("query:memory", (delta = ...)) */
static void expand_fire(struct firing *f, struct node *n, struct fire_list *out)
{
	const struct node *name = n->call.args, *given = name ? name->next : NULL;
	struct fire_list vars = { 0 };

	if (!name || name->kind != NODE_STR || !strchr(name->string.bytes, ':')) {
		diag(f->e->cc, DIAG_literal_needed, name ? name->span : f->at,
		     "an event has a literal name such as \"query:memory\"");
		return;
	}
	if (given && (given->kind != NODE_TUPLE || !given->tuple.names)) {
		diag(f->e->cc, DIAG_type_mismatch, given->span,
		     "the arguments of an event are given by name: (name = value)");
		return;
	}
	f->name = name->string.bytes;
	f->record = given;
	for (const struct node *v = given ? given->tuple.items : NULL; v; v = v->next) {
		struct node *var = fire_hidden(f, "$arg");

		fire_push(out, fire_let(f, var, fire_clone(f, v)));
		fire_push(&vars, var);
	}
	f->vars = vars.first;
	push_clauses(f, out);
}

void event_call_expand(struct firing *f, struct node *n, unsigned kind,
		       struct fire_list *out)
{
	if (kind & BUILTIN_OPENS)
		expand_start(f, n, out);
	else if (kind & BUILTIN_CLOSES)
		expand_done(f, n, out);
	else
		expand_fire(f, n, out);
}
