/* Where scripts are: a path, or one of those that were installed with memql. */
#ifndef MEMQL_SCRIPT_H
#define MEMQL_SCRIPT_H

#include <stdio.h>

struct arena;

/*
 * The file that a name on the command line means: itself if there is one, else the
 * installed script of this name, with or without ".mq". A name that is none of them is
 * returned as it is.
 */
const char *script_find(struct arena *a, const char *name);

/*
 * Where the engines' packs are: the folder "engines" beside the script (NULL: there is no
 * script) or among the installed scripts; NULL: in neither.
 */
const char *script_packs(struct arena *a, const char *script);

/* Where the lessons are: in the tree that this memql was built in, or beside the installed
 * scripts; NULL: in neither. */
const char *script_lessons(struct arena *a);

/* Where script_packs() looks, for messages. */
const char *script_pack_places(struct arena *a, const char *script);

/* After a script could not be found: what was meant, on standard error, if it is likely. */
void script_suggest(const char *name);

/* The names of the installed scripts, one a line, for completion. */
void script_list(FILE *out);

#endif
