/* memql's command line. */
#ifndef MEMQL_CLI_OPTIONS_H
#define MEMQL_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/explain.h"

struct command_row;
struct compile;
struct target;

struct options {
	const char *program;   /* -e, or NULL */
	const char *script;    /* a path, "-" for standard input, or NULL */
	const char *pattern;   /* of -l, or NULL */
	const char *command;   /* -c, or NULL */
	const char *output;    /* -o, or NULL */
	const char *dump;      /* --dump, or NULL */
	const char *buffer;    /* -B: "none", "line", "full"; NULL: not given */
	const char *reference; /* --reference: what form, or NULL */
	const char *report;    /* --report: a file, or NULL */
	const char *object;    /* --object: a file, or NULL */
	const char *without;   /* MEMQL_BREAK, or NULL; sets dry_run */
	int32_t pid;           /* -p; 0: none */
	uint32_t max_strlen;   /* bytes; 0: not given */
	uint32_t ring_bytes;   /* 0: not given */
	const struct command_row
		*word; /* a command in the place of a script, or NULL */
	struct explain_request explain;
	bool json, quiet, verbose, no_warnings, list, dry_run, help, version, unsafe;
	bool no_cache;
	char *const *args; /* the script's own, NULL-terminated */
	int nargs;
};

/*
 * Own options end at the script's name (or, after -e and -l, at the first word that is
 * not an option): the rest belongs to the script. False after a message on stderr.
 */
bool options_parse(int argc, char **argv, struct options *out);

void options_help(FILE *out);

/* One option, for the manual and completion; see options.def. */
struct option_row {
	char short_name;       /* 0: none */
	const char *long_name; /* NULL: none */
	const char *value;     /* NULL: it takes none; in brackets: may be left out */
	const char *const *words; /* what the value is one of; NULL: anything */
	const char *summary;      /* of one that changes nothing: why */
	const char *more;         /* of one that changes nothing: what to tell */
};

/* Both end with a row whose summary is NULL. */
const struct option_row *options_rows(void);
const struct option_row *options_accepted(void);

/*
 * Commands, which stand where a script's name would; ends with a name of NULL. A script of
 * that name is called ./NAME.
 */
struct command_row {
	const char *name, *arguments, *summary;
	/* What follows the word, from o->args; false after a message. NULL: run() does. */
	bool (*take)(struct options *o);
	void (*help)(FILE *out); /* NULL: run() does */
	/* Either of them; the exit status. compiled: o names a program, which was read. */
	int (*run)(const struct target *t, const struct options *o);
	int (*compiled)(struct compile *cc, const struct options *o);
};
const struct command_row *options_commands(void);

/* Command lines, each perhaps with blanks and what it does; ends with NULL. */
const char *const *options_examples(void);

#endif
