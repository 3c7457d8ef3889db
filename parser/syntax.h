/* Messages about syntax errors; private to parser/. */
#ifndef MEMQL_SYNTAX_H
#define MEMQL_SYNTAX_H

#include <stdbool.h>

#include "core/source.h"

struct parser;

enum { SYNTAX_MAX = 200 }; /* kinds of tokens */

/* What the parser knows about an error. Tokens are numbered as in lexer/lexer.h. */
struct syntax_error {
	struct span at;
	int found;
	int expected[SYNTAX_MAX]; /* in the order of the grammar's declarations */
	int n;
	const char *(*name)(int token); /* "identifier", "';'" */
};

/*
 * What nobody will see must cost nothing: junk has an error every few bytes. False: what was
 * expected need not be found out; the error is counted.
 */
bool syntax_error_is_seen(struct parser *p, struct span at);

/* Is this the first thing in its line? */
bool begins_line(const struct parser *p, struct span at);

/* Report: expected ';' or '}', found number '5'. */
void syntax_error(struct parser *p, const struct syntax_error *e);

#endif
