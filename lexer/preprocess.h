/* Directives: #define, #if and the like. Private to lexer/. */
#ifndef MEMQL_PREPROCESS_H
#define MEMQL_PREPROCESS_H

#include "lexer/scan.h"

/* Give the lexer its names that are always defined. */
void preprocess_start(struct lexer *l);

/*
 * "#word" or "#word name", for the words that have one. Returns SCAN_DEFINE or SCAN_IF if
 * the tokens behind it are wanted, 0 if the line's rest has no meaning; then l->skips says
 * whether the following lines are left out.
 */
int preprocess(struct lexer *l, const char *text, size_t len, struct lexeme *out);

/* The same in lines that are left out. */
enum skipped {
	SKIPPED_NOTHING,
	SKIPPED_END,  /* they end here */
	SKIPPED_ELIF, /* they end here if the condition behind it is true */
};
enum skipped preprocess_skipped(struct lexer *l, const char *text, size_t len);

/* What follows SCAN_DEFINE and SCAN_IF; the tokens are copied. */
void preprocess_define(struct lexer *l, const struct lexer_token *name,
		       const struct lexer_token *tokens, size_t n);
void preprocess_if(struct lexer *l, struct span at, const struct lexer_token *tokens,
		   size_t n);

/* At the end of the text: an #if may lack its #endif. */
void preprocess_end(struct lexer *l);

/*
 * What stands for a name: if it is one of #define, and not inside itself, begin to hand
 * out its tokens. False if it stands for itself.
 */
bool preprocess_expand(struct lexer *l, const struct lexer_token *name);

/* The next one of those tokens, with the place of the name; false if there is none. */
bool preprocess_next(struct lexer *l, struct lexer_token *out);

#endif
