/*
 * "expected ';' or '}', found number '5'". Bison lists every token that could stand there;
 * after an operand these are two dozen operators, which help nobody, so they are left out
 * if there is anything else, and all that begin an expression or a statement are shown as
 * one.
 */
#include "parser/syntax.h"

#include <ctype.h>
#include <string.h>

#include "core/arena.h"
#include "core/diag.h"
#include "parser/build.h"

enum { NO_TOKEN = -1 };

/* They could stand nearly everywhere: shown if nothing else could. */
static const int operators[] = {
	TOKEN_ARROW,
	TOKEN_INCREMENT,
	TOKEN_DECREMENT,
	TOKEN_SHL,
	TOKEN_SHR,
	TOKEN_LE,
	TOKEN_GE,
	TOKEN_EQ,
	TOKEN_NE,
	TOKEN_LAND,
	TOKEN_LOR,
	TOKEN_ADD_ASSIGN,
	TOKEN_SUB_ASSIGN,
	TOKEN_MUL_ASSIGN,
	TOKEN_DIV_ASSIGN,
	TOKEN_MOD_ASSIGN,
	TOKEN_AND_ASSIGN,
	TOKEN_OR_ASSIGN,
	TOKEN_XOR_ASSIGN,
	TOKEN_SHL_ASSIGN,
	TOKEN_SHR_ASSIGN,
	'?',
	'|',
	'^',
	'&',
	'<',
	'>',
	'+',
	'-',
	'*',
	'/',
	'%',
	'.',
	'(',
	'[',
	'=',
	TOKEN_ATTRIBUTE,
	TOKEN_QUALIFIER,
	NO_TOKEN,
};
static const int operands[] = {
	TOKEN_IDENTIFIER,
	TOKEN_TYPE,
	TOKEN_TYPE_NAME,
	TOKEN_INTEGER,
	TOKEN_STRING,
	TOKEN_PARAM,
	TOKEN_VARIABLE,
	TOKEN_MAP,
	TOKEN_QUALIFIER,
	TOKEN_STRUCT,
	TOKEN_UNION,
	TOKEN_ENUM,
	TOKEN_TYPEOF,
	TOKEN_IF_VALUE,
	TOKEN_BLOCK_VALUE,
	TOKEN_INCREMENT,
	TOKEN_DECREMENT,
	'(',
	'-',
	'!',
	'~',
	'*',
	'&',
	NO_TOKEN,
};
static const int statements[] = {
	TOKEN_IF,     TOKEN_ELSE,  TOKEN_FOR,      TOKEN_WHILE, TOKEN_UNROLL, TOKEN_LET,
	TOKEN_RETURN, TOKEN_BREAK, TOKEN_CONTINUE, '{',         ';',          NO_TOKEN,
};
static const int instead_of_clause[] = {
	TOKEN_END,    TOKEN_CONFIG, TOKEN_IMPORT, TOKEN_MACRO, TOKEN_TYPEDEF, TOKEN_LET,
	TOKEN_STRUCT, TOKEN_UNION,  TOKEN_ENUM,   TOKEN_ELSE,  ';',           NO_TOKEN,
};

/* What was expected, and what stands for the groups that were left out. */
struct expected {
	int tokens[SYNTAX_MAX];
	int n;
	const char *group;
};

static bool is_in(const int *tokens, int n, int token)
{
	for (int i = 0; i < n; i++) {
		if (tokens[i] == token)
			return true;
	}
	return false;
}

static bool expects(const struct syntax_error *e, int token)
{
	return is_in(e->expected, e->n, token);
}

static void leave_out(struct expected *e, const int *tokens)
{
	int left = 0, n = 0;

	while (tokens[n] != NO_TOKEN)
		n++;
	for (int i = 0; i < e->n; i++) {
		if (!is_in(tokens, n, e->tokens[i]))
			e->tokens[left++] = e->tokens[i];
	}
	e->n = left;
}

/* Leave what helps. */
static struct expected summarize(const struct syntax_error *e)
{
	struct expected all = { .n = e->n }, some;

	memcpy(all.tokens, e->expected, sizeof(all.tokens));
	some = all;
	if (expects(e, TOKEN_IF)) {
		some.group = "statement";
		leave_out(&some, statements);
		leave_out(&some, operands);
	} else if (expects(e, '!')) {
		some.group = "expression";
		leave_out(&some, operands);
	} else if (expects(e, TOKEN_ATTACH_POINT)) {
		leave_out(&some, instead_of_clause);
	} else {
		leave_out(&some, operators);
		if (some.n == 0)
			return all;
	}
	return some;
}

/* "';' or '}'": at most four, the rest is left to the manual. */
static const char *expected_text(struct parser *p, const struct syntax_error *error)
{
	const struct expected e = summarize(error);
	const char *words[4], *text;
	size_t n = 0;

	if (e.group)
		words[n++] = e.group;
	for (int i = 0; i < e.n && n < 4; i++)
		words[n++] = error->name(e.tokens[i]);
	if (n == 0)
		return "nothing";
	text = words[0];
	for (size_t i = 1; i < n; i++)
		text = arena_printf(p->arena, "%s%s%s", text, i + 1 < n ? ", " : " or ",
				    words[i]);
	return text;
}

/* Tokens that are many words: their kind is said, too. */
static bool has_kind(int token)
{
	switch (token) {
	case TOKEN_ATTACH_POINT:
	case TOKEN_IDENTIFIER:
	case TOKEN_TYPE:
	case TOKEN_TYPE_NAME:
	case TOKEN_INTEGER:
	case TOKEN_STRING:
	case TOKEN_PARAM:
	case TOKEN_VARIABLE:
	case TOKEN_MAP:
		return true;
	default:
		return false;
	}
}

/* "identifier 'foo'"; what is long is cut. */
static const char *found_text(struct parser *p, const struct syntax_error *e)
{
	const char *text = p->cc->source->text + e->at.begin;
	const uint32_t len = e->at.end - e->at.begin;
	const char *name = "", *quote = "'";

	if (e->found == TOKEN_END)
		return e->name(e->found);
	if (has_kind(e->found))
		name = arena_printf(p->arena, "%s ", e->name(e->found));
	if (e->found == TOKEN_STRING)
		quote = "";
	return arena_printf(p->arena, "%s%s%.*s%s%s", name, quote,
			    len > 30 ? 27 : (int)len, text, len > 30 ? "..." : "",
			    quote);
}

/* In statements: what is wrong is not where it was noticed. */
static void explain_statement(struct parser *p, const struct syntax_error *e)
{
	const char *text = p->cc->source->text + e->at.begin;
	const int len = (int)(e->at.end - e->at.begin);

	if (e->found == '=' && expects(e, TOKEN_EQ) && !expects(e, ']'))
		diag_hint(p->cc, "a comparison is written '=='");
	if (e->found == ':' && expects(e, '=') && text[1] == '=')
		diag_hint(p->cc, "an assignment is written '='");
	if (e->found == TOKEN_TYPE && expects(e, TOKEN_IF))
		diag_hint(p->cc, "a variable with a type is written let $name: %.*s",
			  len, text);
	if (p->errors.no_braces)
		diag_hint(p->cc, "what is done stands in braces: { ... }");
	if (expects(e, ':') && e->n == 1)
		diag_hint(p->cc, "a loop is written for ($i : 0..10) { ... }");
	if (e->found == ';' && expects(e, TOKEN_PREDICATE_END))
		diag_hint(p->cc, "what is done stands in braces: "
				 "/ predicate / { ... }");
}

/* No attach point has these. */
static bool is_statement(const struct parser *p, struct span at)
{
	const char *text = p->cc->source->text + at.begin;

	return strcspn(text, "(@$=") < at.end - at.begin;
}

/* Say more where the mistake is a usual one. */
static void explain(struct parser *p, const struct syntax_error *e)
{
	struct span brace;

	if (e->found == TOKEN_END && lexer_open_brace(p->lexer, e->at.end, &brace))
		diag_note(p->cc, brace, "this '{' is not closed");
	explain_statement(p, e);
	if (e->found == TOKEN_IDENTIFIER && expects(e, TOKEN_VARIABLE) &&
	    !expects(e, TOKEN_IDENTIFIER))
		diag_hint(p->cc, "a variable begins with a dollar: $%.*s",
			  (int)(e->at.end - e->at.begin),
			  p->cc->source->text + e->at.begin);
	if (expects(e, TOKEN_PREDICATE_BEGIN) && p->last_point) {
		const char *last_part = strrchr(p->last_point, ':');

		if (last_part && strchr(last_part, '/'))
			diag_hint(p->cc,
				  "the '/' of a predicate needs a blank before it");
		else if (strpbrk(p->last_point, "(@$=") && !last_part)
			diag_hint(p->cc, "what is done stands within a probe: "
					 "BEGIN { ... }");
		else if (e->found == TOKEN_ATTACH_POINT && is_statement(p, e->at))
			diag_hint(p->cc, "what is done stands in braces: { ... }");
	}
}

/*
 * Is the line up to here an attach point, though braces of a line above are open? Only what
 * begins a line, without a blank within, is taken for one.
 */
static bool is_next_clause(const struct parser *p, const struct syntax_error *e,
			   struct span *point, struct span *brace)
{
	const char *text = p->cc->source->text;
	uint32_t begin = e->at.begin, end;

	if (e->found != '{' && e->found != ':')
		return false;
	while (begin > 0 && text[begin - 1] != '\n')
		begin--;
	end = begin + (uint32_t)strcspn(text + begin, " \t,;=(){}");
	if (!isalpha((unsigned char)text[begin]) ||
	    !lexer_open_brace(p->lexer, begin, brace))
		return false;
	*point = (struct span){ begin, end };
	return end + strspn(text + end, " \t") >= e->at.begin;
}

bool begins_line(const struct parser *p, struct span at)
{
	return at.begin == 0 || p->cc->source->text[at.begin - 1] == '\n';
}

/*
 * It only follows from what was said before: the second half of what an error has cut in
 * two, or what stands outside of clauses since the braces do not match.
 */
static bool is_consequence(const struct parser *p, const struct syntax_error *e)
{
	const struct syntax_state *before = &p->errors;

	if (e->found == TOKEN_END && lexer_in_comment(p->lexer))
		return true; /* the lexer has said why */
	if (before->lost)
		return true;
	if (expects(e, TOKEN_ATTACH_POINT) || expects(e, TOKEN_PREDICATE_BEGIN))
		return before->outside &&
		       (e->found != TOKEN_ATTACH_POINT || !begins_line(p, e->at));
	if (!before->in_clause)
		return false;
	if (expects(e, TOKEN_IF) && (e->found == ')' || e->found == ']'))
		return true;
	return e->found == TOKEN_END || e->found == TOKEN_ELSE;
}

static bool lacks_braces(const struct syntax_error *e)
{
	return expects(e, '{') && !expects(e, TOKEN_IF) && !expects(e, ';') &&
	       !expects(e, TOKEN_PREDICATE_BEGIN);
}

bool syntax_error_is_seen(struct parser *p, struct span at)
{
	if (p->errors.n++ <= 10 * DIAG_MAX)
		return true;
	diag(p->cc, DIAG_syntax, at, "syntax error");
	return false;
}

void syntax_error(struct parser *p, const struct syntax_error *e)
{
	struct span point, brace;

	if (is_consequence(p, e))
		return;
	p->errors.in_clause = p->errors.outside = true;
	p->errors.no_braces = lacks_braces(e);
	if (is_next_clause(p, e, &point, &brace)) {
		p->errors.lost = true;
		diag(p->cc, DIAG_syntax, point, "expected '}' before the next probe");
		diag_note(p->cc, brace, "this '{' is not closed");
		return;
	}
	diag(p->cc, DIAG_syntax, e->at, "expected %s, found %s", expected_text(p, e),
	     found_text(p, e));
	explain(p, e);
}
