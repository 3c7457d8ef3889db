/* memql -l 'query:*': the events that packs offer for what runs here. */
#ifndef MEMQL_LIST_EVENTS_H
#define MEMQL_LIST_EVENTS_H

#include <stdbool.h>
#include <stdio.h>

struct compile;

/* Whether a pattern means events: "NAME:...", and there is no such kind of probe. */
bool list_means_events(const char *pattern);

/*
 * Print the events of packs that a pattern matches and that an engine which runs here
 * fires, one a line, with the engines and their programs. With args, what they give
 * follows, indented. 1; 0 if no pack has such an event; or -1 after an error was recorded:
 * nothing here fires it, or a pack could not be read.
 */
int list_events(struct compile *cc, const char *pattern, bool args, FILE *out);

/*
 * Resolve a program that wants the event query:done of every engine (cc has packs, and
 * nothing else yet); false if there is none, with errors in cc.
 */
bool engines_resolve(struct compile *cc);

/*
 * Call found for each engine of packs that cc's program attaches to, with its file, each
 * once; returns how many.
 */
int engines_each(const struct compile *cc,
		 void (*found)(const char *engine, const char *path, void *arg),
		 void *arg);

#endif
