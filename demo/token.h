/* The words of a statement: one scanner for the plan id and for the parser. */
#ifndef MEMSQLD_TOKEN_H
#define MEMSQLD_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum token_kind {
	TOKEN_END,
	TOKEN_WORD,   /* letters, digits, _ ; any byte above 0x7f is a letter */
	TOKEN_NUMBER, /* with its unit: 2ms, 16kb */
	TOKEN_STRING, /* with its quotes; '' inside stands for one quote */
	TOKEN_PUNCT,  /* one byte */
	TOKEN_BAD,    /* a string or comment that does not end; runs to the end */
};

struct token {
	enum token_kind kind;
	const char *start; /* points into the text */
	size_t len;
};

/* Take the next token at *at and move *at behind it. Skips blanks and comments. */
struct token token_next(const char **at);

/* Does the token read `word`, in any case? `word` is lower case. */
bool token_is(const struct token *t, const char *word);

/* Is it this punctuation byte? */
bool token_is_punct(const struct token *t, char c);

/* Copy a word or the inside of a string, NUL-terminated; false if it does not fit. */
bool token_copy(const struct token *t, char *out, size_t size);

enum token_unit { TOKEN_UNIT_NONE, TOKEN_UNIT_TIME, TOKEN_UNIT_SIZE };

/*
 * The value of a number: nanoseconds, bytes, or the plain number, and in *unit which.
 * False if the unit is unknown or the value does not fit 63 bits.
 */
bool token_number(const struct token *t, uint64_t *value, enum token_unit *unit);

#endif
