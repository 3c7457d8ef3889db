/* memql explain: what becomes of each word of a program, and why. */
#ifndef MEMQL_CLI_EXPLAIN_H
#define MEMQL_CLI_EXPLAIN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct compile;
struct options;

enum explain_as { EXPLAIN_AS_NONE, EXPLAIN_AS_C, EXPLAIN_AS_BPFTRACE };

/* What only this command takes. */
struct explain_request {
	uint32_t line;       /* --line; 0: all */
	const char *file;    /* --line FILE:N, all of that; NULL: the program's own */
	uint32_t program;    /* --program; 0: all */
	bool full;           /* --full */
	uint32_t width;      /* --width; 0: of the terminal */
	const char *without; /* --without NAME; NULL */
	double seconds;      /* --run; 0: do not */
	enum explain_as as;  /* --as */
	bool html;           /* --html */
	bool no_kernel;      /* --no-kernel */
};

/*
 * The command's own options, -e and the script, from o->args; what follows the script is
 * its own. False after a message on stderr.
 */
bool explain_take(struct options *o);
void explain_help(FILE *out);

/* On standard output; cc->source was read. The exit status. */
int explain(struct compile *cc, const struct options *o);

#endif
