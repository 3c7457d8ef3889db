/* Probes that programs fire; what expand() is made of; nobody else includes this. */
#ifndef MEMQL_EVENT_H
#define MEMQL_EVENT_H

#include "sema/sema.h"

/* Bring in the engines' packs if a clause names a kind of probe that memql has not. */
bool packs_load(struct compile *cc);

/* The calls of macros. */
bool macros_expand(struct compile *cc);

/* Leave out of packs what nobody looks at. */
void packs_prune(struct compile *cc);

/*
 * Put the clauses of events into the places that fire them: start(), done(), fire(). What
 * is left of cc->ast->clauses are those of real probes.
 */
bool events_expand(struct compile *cc);

/*
 * Whether an attach point means an event: its kind is none of the probes'. Its name, and
 * those of events, are "query:done".
 */
bool is_event(const struct attach_point *point);

/* What a row's calls fire, or 0: one of BUILTIN_OPENS, BUILTIN_CLOSES, BUILTIN_FIRES. */
unsigned event_call(const struct node *n);

/* Give each span of the program its first member, `start`; false after an error. */
bool spans_declare(struct compile *cc);

/* The definition of a map if it is a span, or NULL. */
const struct map_def *span_def(const struct compile *cc, const char *map);

/* The members that a span is declared with: a record; NULL: none, after a message. */
struct node *span_members(const struct map_def *def);

/* The events of a span; its first member, the time of the first, is called like it. */
extern const char span_start[], span_done[];

/* "query:start" of "@query" and "start". */
const char *event_name(struct compile *cc, const char *map, const char *word);

/* Whether an attach point means the start or the end of a span. */
bool event_of_span(struct compile *cc, const struct attach_point *point,
		   const char *span);

/* args.end, args.duration: what the end of a span gives beyond its members. */
bool event_tells_time(const char *argument);

/* args or args.NAME: the name, "" for args itself; NULL: neither. */
const char *event_argument(struct compile *cc, const struct node *n);

#endif
