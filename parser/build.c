/* Lists, and what stands outside of clauses. */
#include "parser/build.h"

#include <ctype.h>
#include <string.h>

#include "core/arena.h"
#include "core/diag.h"
#include "core/intern.h"
#include "parser/syntax.h"

const struct node_list empty_list;
const struct field_list no_fields;
const struct dim_list no_dims;
const struct member_list no_members;
const struct value_list no_values;
const struct param_list no_params;
const struct point_list no_points;

struct node_list list_add(struct node_list list, struct node *n)
{
	if (!n)
		return list;
	if (list.last)
		list.last->next = n;
	else
		list.first = n;
	list.last = n;
	return list;
}

struct node *list_push(struct node *first, struct node_list rest)
{
	first->next = rest.first;
	return first;
}

struct point_list points_add(struct parser *p, struct point_list list, struct span at,
			     const struct lexeme *text)
{
	struct attach_point *point = ARENA_NEW(p->arena, struct attach_point);
	const char *equals = text->text;

	p->errors.in_clause = false;
	p->errors.outside &= !begins_line(p, at);
	/* name=probe: bpftrace keeps the name for later, too. */
	while (isalnum((unsigned char)*equals) || *equals == '_')
		equals++;
	point->span = at;
	point->text = text->text;
	if (*equals == '=')
		point->text = intern_str(p->cc->names, equals + 1);
	if (list.last)
		list.last->next = point;
	else
		list.first = point;
	list.last = point;
	p->last_point = point->text;
	return list;
}

struct parser parser_for(struct compile *cc)
{
	struct parser p = { .cc = cc, .arena = cc->arena, .ast = cc->ast };

	for (p.config_end = &p.ast->config; *p.config_end;)
		p.config_end = &(*p.config_end)->next;
	for (p.types_end = &p.ast->types; *p.types_end;)
		p.types_end = &(*p.types_end)->next;
	for (p.maps_end = &p.ast->maps; *p.maps_end;)
		p.maps_end = &(*p.maps_end)->next;
	for (p.macros_end = &p.ast->macros; *p.macros_end;)
		p.macros_end = &(*p.macros_end)->next;
	for (p.clauses_end = &p.ast->clauses; *p.clauses_end;)
		p.clauses_end = &(*p.clauses_end)->next;
	for (p.engines_end = &p.ast->engines; *p.engines_end;)
		p.engines_end = &(*p.engines_end)->next;
	return p;
}

void begin_config(struct parser *p, struct span at, const struct lexeme *word)
{
	p->in_engine = strcmp(word->text, "engine") == 0;
	if (p->has_clauses)
		diag(p->cc, DIAG_syntax, at, "'%s' must come before the first probe",
		     word->text);
	if (!p->in_engine)
		return;
	p->engine = ARENA_NEW(p->arena, struct engine);
	p->engine->span = at;
	*p->engines_end = p->engine;
	p->engines_end = &p->engine->next;
}

/* engine = { name = "postgresql"; exe = "*\/postgres"; } */
static void add_to_engine(struct parser *p, struct span at, const struct lexeme *name,
			  const struct node *value)
{
	static const char *const words[] = { "name", "exe", "library" };
	const char *library = NULL;
	const char **members[] = { &p->engine->name, &p->engine->exe, &library };

	if (value->kind != NODE_STR) {
		diag(p->cc, DIAG_type_mismatch, value->span,
		     "an engine's %s is text in quotes", name->text);
		return;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i], name->text) != 0)
			continue;
		*members[i] = value->string.bytes;
		if (library) {
			p->engine->exe = library;
			p->engine->is_library = true;
		}
		return;
	}
	diag(p->cc, DIAG_unknown_config, at, "an engine has no '%s'", name->text);
	diag_hint(
		p->cc,
		"it has a name, and where it is: exe, a program, or library, which other "
		"programs use");
}

void end_config(struct parser *p, struct span at)
{
	if (p->has_clauses)
		diag(p->cc, DIAG_syntax, at,
		     "'config' must come before the first probe");
}

void add_config(struct parser *p, struct span at, const struct lexeme *name,
		struct node *value)
{
	struct config_item *item;

	if (p->in_engine) {
		add_to_engine(p, at, name, value);
		return;
	}
	item = ARENA_NEW(p->arena, struct config_item);
	item->span = at;
	item->name = name->text;
	item->value = value;
	*p->config_end = item;
	p->config_end = &item->next;
}

void add_clause(struct parser *p, struct span at, struct attach_point *points,
		struct node *predicate, struct node *body, bool is_else)
{
	struct clause *c = ARENA_NEW(p->arena, struct clause);

	c->span = at;
	c->points = points;
	c->predicate = predicate;
	c->body = body;
	c->engine = p->engine;
	c->is_pack = p->is_pack;
	c->is_else = is_else;
	if (is_else && !p->has_clauses)
		diag(p->cc, DIAG_syntax, at,
		     "'else' needs a clause before it, in the same file");
	*p->clauses_end = c;
	p->clauses_end = &c->next;
	p->has_clauses = true;
}

struct node *finish(struct parser *p, struct node *n)
{
	node_set_height(n);
	if (n->height > AST_MAX_HEIGHT) {
		diag(p->cc, DIAG_syntax, n->span, "nested too deeply: over %d levels",
		     AST_MAX_HEIGHT);
		n->height = 0; /* one message, not one for each level above */
	}
	return n;
}
