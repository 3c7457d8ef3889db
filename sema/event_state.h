/* Events while they are put into the places of their calls; private to event*.c. */
#ifndef MEMQL_EVENT_STATE_H
#define MEMQL_EVENT_STATE_H

#include "parser/ast.h"
#include "sema/event.h"
#include "sema/rename.h"

/* A clause of an event: no attach point of a real probe. */
struct listener {
	struct listener *next;
	const struct attach_point *point;
	const struct clause *clause;
	bool heard; /* something fires it */
};

struct event_expander {
	struct compile *cc;
	struct listener *listeners;
	unsigned depth;
	size_t nodes; /* that events added to the program */
	bool failed;  /* too much: nothing more is expanded */
};

/* One event while it is put in the place of its call. */
struct firing {
	struct event_expander *e;
	struct span at;
	const char *name;       /* "query:done" */
	const struct node *map; /* of a span: the entry, keys in variables; or NULL */
	struct node *now;       /* of a span: the variable with the time */
	bool closes;
	const struct node *record; /* of fire(): its values, ... */
	struct node *vars;         /* ... and the variables that hold them */
	struct renames renames;    /* of the clause at hand */
};

/* Siblings that grow at their end. */
struct fire_list {
	struct node *first, **end;
};
void fire_push(struct fire_list *l, struct node *n);

/* Nodes at the place of the call. Those that are handed in become their children. */
struct node *fire_node(struct firing *f, enum node_kind kind);
struct node *fire_clone(struct firing *f, const struct node *n);
struct node *fire_finish(struct node *n);
struct node *fire_hidden(struct firing *f, const char *name);
struct node *fire_let(struct firing *f, struct node *var, struct node *value);
struct node *fire_call(struct firing *f, const char *name, struct node *args,
		       bool has_parens);
struct node *fire_member(struct firing *f, const char *name);
struct node *fire_statement(struct firing *f, struct node *value);
struct node *fire_block(struct firing *f, const struct fire_list *l);

/* A copy of the clause of an event, as a statement: event_clause.c. */
struct node *clause_as_statement(struct firing *f, const struct clause *c);

/* All clauses of the event f->name. */
void push_clauses(struct firing *f, struct fire_list *out);

/* What a call becomes: event_call.c. kind is event_call()'s. */
void event_call_expand(struct firing *f, struct node *call, unsigned kind,
		       struct fire_list *out);

#endif
