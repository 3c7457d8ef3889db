/* What the parts of resolve() share; nobody else includes this. */
#ifndef MEMQL_RESOLVE_H
#define MEMQL_RESOLVE_H

#include "sema/call.h"
#include "sema/sema.h"

/* cc->plan, made with the defaults if it is not there yet. */
struct plan *plan_get(struct compile *cc);

/* config = { ... } and the command line's limits, into the plan. */
void config_apply(struct compile *cc);

/*
 * Give the command line's words to the script's options and parameters, then turn every
 * getopt() call, $N and $# of cc->ast into a literal.
 */
void script_arguments_apply(struct compile *cc);

/* $1, $2 in an attach point's text; NULL after an error. */
const char *script_arguments_expand(struct compile *cc,
				    const struct attach_point *point);

/* The literals true and false. */
bool boolean_word(const struct node *n, int64_t *value);

/* The map of this name, made at its first use: the same for the whole program. */
struct map_info *map_by_name(struct compile *cc, const char *name, struct span at);

/* The options that packs bring to each script: --engine, --exe, --pid. */
void engine_options_declare(struct compile *cc);

/* Whether clauses about this engine, or about none (NULL), are wanted. */
bool engine_wanted(const struct compile *cc, const struct engine *engine);

/* Where its program is: a path or pattern. */
const char *engine_exe(const struct compile *cc, const struct engine *engine);

/* What --exe says; NULL: nothing. */
const char *engine_exe_option(const struct compile *cc);

/* The text of an attach point with $exe put in. */
const char *engine_point(struct compile *cc, const struct engine *engine,
			 const char *text);

/* Keep packs to the process that --pid names, and its children; which one, or 0. */
void engine_filter_pid(struct compile *cc);
int32_t engine_pid(const struct compile *cc);

/* No program of an engine has anything to attach to; points: what was looked for. */
void engines_report_none(struct compile *cc, const char *points);

/* let @name = hash(N) of the program. */
void map_defs_apply(struct compile *cc);
enum { MAP_ENTRIES_MAX = 1 << 30 };

/* Names in the program's own copy of its clause to rows, maps and variables. */
void resolve_names(struct compile *cc, struct program_info *p);

/* Which of the probe's own variables (arg0, args, retval) a clause names. */
struct var_use {
	bool any;      /* if not, the sites' arguments do not matter */
	bool per_site; /* one whose type depends on the matched probe */
};
struct var_use clause_vars(const struct probe_kind *kind, const struct clause *clause);

#endif
