/* What the user did wrong: collected by every stage, printed once. */
#ifndef MEMQL_DIAG_H
#define MEMQL_DIAG_H

#include <stdbool.h>
#include <stdio.h>

#include "core/source.h"

struct arena;
struct compile;
struct diag_list;

enum diag_tag {
#define DIAG(tag, severity, summary) DIAG_##tag,
#include "core/diag_tags.def"
#undef DIAG
	DIAG_COUNT
};

enum { DIAG_MAX = 20 }; /* errors shown per run; the rest are counted */

struct diag_list *diag_list_new(struct arena *a);

/*
 * Record one diagnostic. The message stays at the call site, where -Wformat and grep
 * can see it: no final period, what was expected and what was found. One that repeats
 * an earlier tag, span and message is dropped: a clause is checked once for each of its
 * attach points. Errors about names are told once, with the other places.
 */
void diag(struct compile *cc, enum diag_tag tag, struct span at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Attach to the latest diagnostic: a second place, or a way out. */
void diag_note(struct compile *cc, struct span at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void diag_hint(struct compile *cc, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* True while no error (warnings do not count) has been recorded. */
bool diag_ok(const struct compile *cc);

/* The tag's name as in diag_tags.def, for tests. */
const char *diag_tag_name(enum diag_tag tag);

/*
 * Print every diagnostic in source order:
 *
 *	file.mq:3:9: error: unknown builtin 'nsec' [unknown_builtin]
 *	    3 | @start[tid] = nsec;
 *	      |               ^~~~
 *	      hint: did you mean 'nsecs'?
 *
 * Tabs are shown as one blank, control bytes as '?'. With color, the severity and the
 * caret are colored. Warnings are left out if quiet.
 */
void diag_render(const struct compile *cc, FILE *out, bool color, bool quiet);

/*
 * The candidate closest to word, or NULL if none is near enough to be meant: feed
 * candidates one by one. Zero-initialise with the word.
 */
struct suggestion {
	const char *word;
	const char *best;
	unsigned distance;
};
void suggest(struct suggestion *s, const char *candidate);

#endif
