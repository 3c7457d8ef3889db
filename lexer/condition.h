/* The conditions of #if. Private to lexer/. */
#ifndef MEMQL_CONDITION_H
#define MEMQL_CONDITION_H

#include "lexer/scan.h"

/* A name of #define. */
struct define {
	struct define *next; /* in its bucket */
	const char *name;    /* interned */
	const struct lexer_token *tokens;
	size_t n;
	struct span at;
	bool busy; /* its tokens are being handed out or computed */
};

/* NULL: it is not defined. */
const struct define *preprocess_find(const struct lexer *l, const char *name);

/* Reports what is no condition, and takes it for false. at: the directive. */
bool condition_is_true(struct lexer *l, struct span at,
		       const struct lexer_token *tokens, size_t n);

#endif
