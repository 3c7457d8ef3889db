/* Lists, and what stands outside of clauses. */
#include "parser/build.h"

#include <ctype.h>

#include "core/arena.h"
#include "core/intern.h"

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

void add_config(struct parser *p, struct span at, const struct lexeme *name,
		struct node *value)
{
	struct config_item *item = ARENA_NEW(p->arena, struct config_item);

	item->span = at;
	item->name = name->text;
	item->value = value;
	*p->config_end = item;
	p->config_end = &item->next;
}

void add_clause(struct parser *p, struct span at, struct attach_point *points,
		struct node *predicate, struct node *body)
{
	struct clause *c = ARENA_NEW(p->arena, struct clause);

	c->span = at;
	c->points = points;
	c->predicate = predicate;
	c->body = body;
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
