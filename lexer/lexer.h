/* Text to tokens. */
#ifndef MEMQL_LEXER_H
#define MEMQL_LEXER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/compile.h"
#include "core/source.h"

/* A token is one of these, or a character such as '('; numbered as bison does. */
enum token {
	TOKEN_END = 0,
	TOKEN_BEFORE_FIRST = 257,
#define TOKEN(name) TOKEN_##name,
#include "lexer/tokens.def"
#undef TOKEN
};

/* What a token carries besides its place. */
struct lexeme {
	const char *text; /* interned: the token as written; STRING: unescaped */
	uint32_t len;     /* of text; a STRING may hold NULs */
	uint64_t value;   /* INTEGER; PARAM: its index, 0 for $# */
	bool is_duration; /* INTEGER: value is nanoseconds */
};

struct lexer;

/* Reads this file of cc->source and reports to cc; lives in its arena. */
struct lexer *lexer_new(struct compile *cc, struct span file);

/*
 * The next token: an enum token or a character. What is no token is reported and left
 * out; the end, TOKEN_END, lies directly behind the last token.
 */
int lexer_next(struct lexer *l, struct lexeme *out, struct span *at);

/* The innermost { that is open and begins before this offset; false if none is. */
bool lexer_open_brace(const struct lexer *l, uint32_t before, struct span *out);

/* Whether the program ended in a comment: what its end lacks is in there. */
bool lexer_in_comment(const struct lexer *l);

/* Whether there was an #include so far: none is read. */
bool lexer_has_includes(const struct lexer *l);

/* One line per token: begin-end, kind, text; for --dump=tokens. False on an error. */
bool lexer_dump(struct compile *cc, FILE *out);

#endif
