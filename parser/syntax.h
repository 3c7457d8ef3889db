/* Messages about syntax errors; private to parser/. */
#ifndef MEMQL_SYNTAX_H
#define MEMQL_SYNTAX_H

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

/* Report: expected ';' or '}', found number '5'. */
void syntax_error(struct parser *p, const struct syntax_error *e);

#endif
