/*
 * Meaning: names to rows, types to expressions, layouts to everything.
 *
 * This is also the port that a builtin's or a probe kind's check sees.
 */
#ifndef MEMQL_SEMA_H
#define MEMQL_SEMA_H

#include "core/compile.h"
#include "sema/plan.h"

/*
 * Inference repeats over all programs until no map's or variable's type changes; only
 * the last pass reports.
 */
struct sema {
	struct compile *cc;
	struct program_info *program; /* the one being checked */
	bool report;                  /* the last pass: errors are recorded */
	unsigned unreached;           /* > 0: a constant condition leaves this out */
	const struct node *untyped;   /* the first read of what has no type */
	bool changed;                 /* a map's or variable's type grew */
	unsigned loops;               /* around here, but unroll */
	unsigned unrolled;            /* how often this is built, because of unroll */
};

/* The stages. Each returns false if an error was recorded. */
bool expand(struct compile *cc);  /* macros of cc->ast in the places of their calls */
bool resolve(struct compile *cc); /* fills cc->plan: programs, maps, variables, rows */
bool infer(struct compile *cc);   /* node->type everywhere; map and variable types */
bool fold(struct compile *cc);    /* constant expressions become INT nodes */
bool plan(struct compile *cc);    /* layouts, storage, actions, sleepable */

/* Calls found for each event that cc->ast declares or fires: "query:start", ... */
void events_each(struct compile *cc, void (*found)(const char *name, void *arg),
		 void *arg);

/* let @name = span(...) */
bool map_def_is_span(const struct map_def *def);

/* As diag(), but silent before the last pass. Always returns false. */
bool sema_error(struct sema *s, enum diag_tag tag, struct span at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The i-th argument of a call, or NULL. */
struct node *call_arg(const struct node *call, size_t i);

/* A call puts a value of this type, or NULL if it is not known yet, into a PARAM_PLACE. */
bool sema_set(struct sema *s, struct node *place, const struct type *t);

/* A call puts this value, which has its type, into an entry of a map. */
bool sema_store(struct sema *s, struct node *entry, const struct node *value);

/*
 * The call's i-th argument, a PARAM_WORD, as its index in names, which end at NULL; 0 if
 * it was left out. -1 if it is none of them: then an error was recorded.
 */
int call_word(struct sema *s, const struct node *call, size_t i,
	      const char *const *names);

/* Turn a call into a literal, which the types around it see; once is enough. */
void sema_become_int(struct sema *s, struct node *call, int64_t value);
void sema_become_str(struct sema *s, struct node *call, const char *text);

/*
 * A layout for each site of the program, so that emit_by_site() tells them apart. False,
 * with an error, if there are too many.
 */
bool sema_layout_per_site(struct sema *s, const struct node *call);

/*
 * A constant integer expression's value. False if it is not constant. Works before
 * fold() has run, on trees without types.
 */
bool constant_int(const struct node *n, int64_t *out);

/*
 * The bytes of a string literal, or NULL. A positional parameter that was read as a
 * number is turned back into the text that was given.
 */
const char *constant_str(struct sema *s, struct node *n);

/* "ADDRESS"-like words: turn "10ms", "0x10", "1e6", "1_000" into a number and unit. */
bool parse_number(const char *text, uint64_t *value, enum unit *unit);

/* To the latest diagnostic, if it is for want of packs: where they were looked for. */
void packs_hint(struct compile *cc);

/*
 * Fill plan->script_options from the getopt() calls of cc->ast, in source order. Needs
 * neither privileges nor a probe that exists: --help calls it right after parse().
 * resolve() calls it too; a second call does nothing.
 */
bool script_options_collect(struct compile *cc);

/*
 * The check of getopt(): declares the option; once the command line is known, turns the
 * call into a literal.
 */
bool script_option_check(struct sema *s, struct node *call);

/* One key of config = { ... }, for the manual. */
struct config_key {
	const char *name;
	const char *takes;    /* "1 to 16384", "error | warn | ignore", "text" */
	const char *fallback; /* NULL: none */
	const char *doc;      /* Markdown */
};

/* In the order of the manual; what found() is handed is valid during the call only. */
void config_each(void (*found)(const struct config_key *key, void *arg), void *arg);

/* Usage of the script, and each of its options with default and help. */
void script_help(const struct compile *cc, const char *script_name, FILE *out);

#endif
