#include "lexer/lexer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/excerpt.h"
#include "core/intern.h"
#include "core/number.h"
#include "lexer/scan.h"

#include "lexer/lexer.yy.h"

static void close_scanner(void *scanner)
{
	scan_yylex_destroy(scanner);
}

struct lexer *lexer_new(struct compile *cc)
{
	struct lexer *l = ARENA_NEW(cc->arena, struct lexer);

	l->cc = cc;
	if (scan_yylex_init_extra(l, &l->scanner) != 0)
		abort(); /* out of memory, as in the arena */
	arena_defer(cc->arena, close_scanner, l->scanner);
	scan_yy_scan_bytes(cc->source->text, (int)cc->source->len, l->scanner);
	scan_start(l);
	return l;
}

int lexer_next(struct lexer *l, struct lexeme *out, struct span *at)
{
	*out = (struct lexeme){ 0 };
	l->last = scan_yylex(out, at, l->scanner);
	if (l->last == TOKEN_END)
		*at = (struct span){ l->last_span.end, l->last_span.end };
	l->last_span = *at;
	return l->last;
}

bool lexer_open_brace(const struct lexer *l, struct span *out)
{
	if (l->braces.n == 0)
		return false;
	*out = l->braces.items[l->braces.n - 1];
	return true;
}

bool lexer_in_comment(const struct lexer *l)
{
	return l->in_comment;
}

static const char *token_name(int token)
{
	static const char *const names[] = {
#define TOKEN(name) #name,
#include "lexer/tokens.def"
#undef TOKEN
	};

	assert(token > TOKEN_BEFORE_FIRST);
	return names[token - TOKEN_BEFORE_FIRST - 1];
}

bool lexer_dump(struct compile *cc, FILE *out)
{
	struct lexer *l = lexer_new(cc);
	struct lexeme lexeme;
	struct span at;
	int token;

	while ((token = lexer_next(l, &lexeme, &at)) != TOKEN_END) {
		fprintf(out, "%u-%u ", at.begin, at.end);
		if (token > TOKEN_BEFORE_FIRST)
			fprintf(out, "%s ", token_name(token));
		excerpt_text(out, cc->source->text + at.begin, at.end - at.begin);
		fputc('\n', out);
	}
	return diag_ok(cc);
}

struct span scan_here(const struct lexer *l, size_t len)
{
	return (struct span){ l->offset - (uint32_t)len, l->offset };
}
