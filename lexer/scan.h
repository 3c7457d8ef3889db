/* What lexer.l's rules and lexer.c share; nobody else includes this. */
#ifndef MEMQL_SCAN_H
#define MEMQL_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lexer/lexer.h"

/* For flex's header: what yylval and yylloc point to. */
#define YYSTYPE struct lexeme
#define YYLTYPE struct span

enum { LEXER_AHEAD = 32 };

/* A token that was looked at before its turn. */
struct lexer_token {
	int token;
	struct lexeme lexeme;
	struct span at;
};

/* The scanner's extra data. */
struct lexer {
	struct compile *cc;
	void *scanner;   /* flex's */
	uint32_t begin;  /* of the file's text */
	uint32_t offset; /* of what follows the latest match */
	int last;        /* latest token that was scanned */
	struct span last_span;

	int given[2]; /* the latest tokens that lexer_next() returned, newest first */
	struct lexer_token ahead[LEXER_AHEAD];
	unsigned nahead;

	struct span predicate; /* the / that opened it */
	bool in_predicate;
	bool predicate_if; /* an if of its own, whose { is to come */
	bool in_types;     /* in a definition of a type, or behind it */
	bool is_typedef;   /* the one that CODE is in: no } ends it */
	unsigned skipped;  /* braces open in a definition that is skipped */
	bool skips;        /* lines from the next one on */
	bool in_comment;   /* that does not end */
	struct {
		struct span *items;
		size_t n, cap;
	} braces; /* open */
	struct preprocessor *preprocessor;
	bool has_includes;
};

/* Internal to the lexer: what the scanner returns besides tokens. */
enum {
	SCAN_LINE_END = -1, /* of a directive */
	SCAN_DEFINE = -2,   /* #define, and the name as lexeme; its tokens follow */
	SCAN_IF = -3,       /* #if or #elif; the tokens of the condition follow */
};

/* Each sets *out from the match; the numbers and the strings report what is wrong. */
int scan_word(struct lexer *l, const char *text, size_t len, struct lexeme *out);
int scan_number(struct lexer *l, const char *text, size_t len, struct lexeme *out);
int scan_param(struct lexer *l, const char *text, size_t len, struct lexeme *out);
int scan_string(struct lexer *l, const char *text, size_t len, struct lexeme *out);
int scan_text(struct lexer *l, int token, const char *text, size_t len,
	      struct lexeme *out);

/*
 * A word that can begin a definition: its token, or ATTACH_POINT if none can begin here.
 */
int scan_item(struct lexer *l, const char *text, size_t len, struct lexeme *out);

/* Only lexer.l knows the states: the first one, and that of lines which are left out. */
void scan_start(struct lexer *l);
void scan_skip(struct lexer *l);

/* True if a definition that memql does not have begins here; it is reported. */
bool scan_definition(struct lexer *l, const char *text, size_t len);

/* Does this { in a predicate belong to it? Else it begins the body. */
bool scan_opens_value(const struct lexer *l);

/* Keep account of the open { of clauses. */
int scan_open(struct lexer *l);   /* '{' or BLOCK_VALUE */
bool scan_close(struct lexer *l); /* true if none is open any more */

/* Bytes that begin no token. */
void scan_stray(struct lexer *l, const char *text, size_t len);

/* Where the latest match is. */
struct span scan_here(const struct lexer *l, size_t len);

#endif
