#include "lexer/lexer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/excerpt.h"
#include "core/intern.h"
#include "core/number.h"
#include "lexer/preprocess.h"
#include "lexer/scan.h"

#include "lexer/lexer.yy.h"

static void close_scanner(void *scanner)
{
	scan_yylex_destroy(scanner);
}

struct lexer *lexer_new(struct compile *cc, struct span file)
{
	struct lexer *l = ARENA_NEW(cc->arena, struct lexer);

	l->cc = cc;
	l->begin = l->offset = file.begin;
	l->last_span = (struct span){ file.begin, file.begin };
	if (scan_yylex_init_extra(l, &l->scanner) != 0)
		abort(); /* out of memory, as in the arena */
	arena_defer(cc->arena, close_scanner, l->scanner);
	scan_yy_scan_bytes(cc->source->text + file.begin, (int)(file.end - file.begin),
			   l->scanner);
	preprocess_start(l);
	scan_start(l);
	return l;
}

/* The scanner's next token, or one of its internal ones. */
static int scan_raw(struct lexer *l, struct lexer_token *out)
{
	*out = (struct lexer_token){ 0 };
	out->token = scan_yylex(&out->lexeme, &out->at, l->scanner);
	return out->token;
}

/* The tokens of a directive up to the end of its line, for #define and #if. */
static void scan_directive(struct lexer *l, const struct lexer_token *directive)
{
	const int last = l->last;
	struct {
		struct lexer_token *items;
		size_t n, cap;
	} line = { NULL, 0, 0 };
	struct lexer_token next;

	/* As if it stood alone: what surrounds it does not tell what its words are. */
	for (l->last = TOKEN_END; scan_raw(l, &next) != SCAN_LINE_END;
	     l->last = next.token)
		ARENA_PUSH(l->cc->arena, &line, next);
	l->last = last;
	if (directive->token == SCAN_DEFINE)
		preprocess_define(l, directive, line.items, line.n);
	else
		preprocess_if(l, directive->at, line.items, line.n);
}

/* A name behind one of these is that of a member or of a type. */
static bool is_own_name(int before)
{
	return before == '.' || before == TOKEN_ARROW || before == TOKEN_STRUCT ||
	       before == TOKEN_UNION || before == TOKEN_ENUM;
}

/* The next token behind directives and names of #define. */
static void scan(struct lexer *l, struct lexer_token *out)
{
	for (;;) {
		if (!preprocess_next(l, out) && scan_raw(l, out) < 0) {
			scan_directive(l, out);
			continue;
		}
		if (out->token != TOKEN_IDENTIFIER || is_own_name(l->last) ||
		    !preprocess_expand(l, out))
			break;
	}
	if (out->token == TOKEN_END) {
		out->at = (struct span){ l->last_span.end, l->last_span.end };
		preprocess_end(l);
	}
	l->last = out->token;
	l->last_span = out->at;
}

/* The i-th of the tokens to come; TOKEN_END if that is too far away to be looked at. */
static int peek(struct lexer *l, unsigned i)
{
	if (i >= LEXER_AHEAD)
		return TOKEN_END;
	while (l->nahead <= i) {
		if (l->nahead > 0 && l->ahead[l->nahead - 1].token == TOKEN_END)
			return TOKEN_END;
		scan(l, &l->ahead[l->nahead++]);
	}
	return l->ahead[i].token;
}

static void take(struct lexer *l, struct lexer_token *out)
{
	peek(l, 0);
	*out = l->ahead[0];
	l->nahead--;
	memmove(l->ahead, l->ahead + 1, l->nahead * sizeof(l->ahead[0]));
}

/* Tokens that begin an operand, and mean nothing behind one. */
static bool begins_operand(int token)
{
	switch (token) {
	case TOKEN_IDENTIFIER:
	case TOKEN_INTEGER:
	case TOKEN_STRING:
	case TOKEN_PARAM:
	case TOKEN_VARIABLE:
	case TOKEN_MAP:
	case '!':
	case '~':
	case '(':
		return true;
	default:
		return false;
	}
}

/* Whether the ( before an identifier may open a cast. */
static bool opens_cast(const struct lexer *l)
{
	if (l->given[0] != '(')
		return false;
	switch (l->given[1]) {
	case TOKEN_IDENTIFIER: /* arguments */
	case TOKEN_TYPEOF:
	case TOKEN_IF: /* if (x) y = 1; lacks its braces */
	case TOKEN_IF_VALUE:
	case TOKEN_WHILE:
	case TOKEN_UNROLL:
	case TOKEN_FOR:
		return false;
	default:
		return true;
	}
}

/*
 * Is the identifier that was just read, inside parentheses, the name of a type? No table
 * knows the kernel's typedefs, so what follows must tell, and does:
 *
 *	(name *)	a multiplication would lack its right side
 *	(name)x (name[4])x	two operands in a row make no expression
 *
 * (name)-x, (name)*x and (name)&x are operations.
 */
static bool is_type_name(struct lexer *l)
{
	bool derived = false;
	unsigned i = 0;

	if (l->given[0] != '(' && l->given[0] != ',')
		return false;
	for (; peek(l, i) == '*' || peek(l, i) == TOKEN_QUALIFIER; i++)
		derived = true;
	while (peek(l, i) == '[') {
		if (peek(l, i + 1) == ']') {
			derived = true;
			i += 2;
		} else if (peek(l, i + 1) == TOKEN_INTEGER && peek(l, i + 2) == ']') {
			i += 3;
		} else {
			return false;
		}
	}
	if (derived)
		return peek(l, i) == ')' || peek(l, i) == ',';
	return peek(l, i) == ')' && opens_cast(l) && begins_operand(peek(l, i + 1));
}

int lexer_next(struct lexer *l, struct lexeme *out, struct span *at)
{
	struct lexer_token next;

	take(l, &next);
	if (next.token == TOKEN_IDENTIFIER && is_type_name(l))
		next.token = TOKEN_TYPE_NAME;
	l->given[1] = l->given[0];
	l->given[0] = next.token;
	*out = next.lexeme;
	*at = next.at;
	return next.token;
}

bool lexer_open_brace(const struct lexer *l, uint32_t before, struct span *out)
{
	for (size_t i = l->braces.n; i-- > 0;) {
		*out = l->braces.items[i];
		if (out->begin < before)
			return true;
	}
	return false;
}

bool lexer_has_includes(const struct lexer *l)
{
	return l->has_includes;
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
	struct lexer *l = lexer_new(cc, cc->source->files[0].text);
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
