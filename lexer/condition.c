/*
 * Integers of 64 bits with a sign, C's operators, and defined(). Names that nobody
 * defined are 0, as in C.
 */
#include "lexer/condition.h"

#include <string.h>

#include "core/diag.h"

enum {
	MAX_DEPTH = 200,  /* of parentheses and names */
	MAX_STEPS = 10000 /* tokens, those of names again at each of their uses */
};

/* Tokens that are being computed. */
struct evaluator {
	struct lexer *l;
	struct span at; /* the directive, for what has no better place */
	const struct lexer_token *token, *end;
	unsigned depth, steps;
	bool failed; /* reported */
	bool unused; /* behind 0 && or 1 ||: nothing can go wrong there */
};

static int64_t ternary(struct evaluator *e);

static int64_t fail(struct evaluator *e, const char *what)
{
	if (!e->failed)
		diag(e->l->cc, DIAG_syntax, e->token < e->end ? e->token->at : e->at,
		     "%s", what);
	e->failed = true;
	return 0;
}

static bool at_token(const struct evaluator *e, int token)
{
	return !e->failed && e->token < e->end && e->token->token == token;
}

static bool skip_token(struct evaluator *e, int token)
{
	if (!at_token(e, token))
		return false;
	e->token++;
	return true;
}

static int64_t is_defined(struct evaluator *e)
{
	const bool open = skip_token(e, '(');
	int64_t result;

	if (!at_token(e, TOKEN_IDENTIFIER))
		return fail(e, "expected a name behind 'defined'");
	result = preprocess_find(e->l, e->token++->lexeme.text) != NULL;
	if (open && !skip_token(e, ')'))
		return fail(e, "expected ')'");
	return result;
}

static int64_t value_of_name(struct evaluator *e)
{
	const struct lexer_token *name = e->token++;
	struct define *d = (struct define *)preprocess_find(e->l, name->lexeme.text);
	struct evaluator inner = *e;
	int64_t value;

	if (at_token(e, '('))
		return fail(e, "expected a constant: there are no functions here");
	if (strcmp(name->lexeme.text, "true") == 0)
		return 1;
	if (!d || d->busy)
		return 0;
	d->busy = true;
	inner.at = name->at;
	inner.token = d->tokens;
	inner.end = d->tokens + d->n;
	value = d->n ? ternary(&inner) : fail(&inner, "this name has no value");
	if (inner.token < inner.end)
		fail(&inner, "expected a constant expression");
	d->busy = false;
	e->failed = inner.failed;
	e->steps = inner.steps;
	return value;
}

static int64_t operand(struct evaluator *e)
{
	int64_t value;

	if (++e->steps > MAX_STEPS || e->depth > MAX_DEPTH)
		return fail(e, "the condition is too long");
	if (skip_token(e, '(')) {
		value = ternary(e);
		return skip_token(e, ')') ? value : fail(e, "expected ')'");
	}
	if (skip_token(e, '!'))
		return !operand(e);
	if (skip_token(e, '~'))
		return ~operand(e);
	if (skip_token(e, '-'))
		return (int64_t)-(uint64_t)operand(e);
	if (skip_token(e, '+'))
		return operand(e);
	if (at_token(e, TOKEN_INTEGER))
		return (int64_t)e->token++->lexeme.value;
	if (!at_token(e, TOKEN_IDENTIFIER))
		return fail(e, "expected a constant expression");
	if (strcmp(e->token->lexeme.text, "defined") == 0) {
		e->token++;
		return is_defined(e);
	}
	return value_of_name(e);
}

/* Operators with two sides by how tightly they bind, the loosest first. */
static const struct {
	int token;
	int level;
} operators[] = {
	{ TOKEN_LOR, 1 }, { TOKEN_LAND, 2 }, { '|', 3 },      { '^', 4 },
	{ '&', 5 },       { TOKEN_EQ, 6 },   { TOKEN_NE, 6 }, { '<', 7 },
	{ '>', 7 },       { TOKEN_LE, 7 },   { TOKEN_GE, 7 }, { TOKEN_SHL, 8 },
	{ TOKEN_SHR, 8 }, { '+', 9 },        { '-', 9 },      { '*', 10 },
	{ '/', 10 },      { '%', 10 },
};

static int level_of(const struct evaluator *e)
{
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		if (at_token(e, operators[i].token))
			return operators[i].level;
	}
	return 0;
}

static int64_t divide(struct evaluator *e, int token, int64_t x, int64_t y)
{
	if (y == 0) {
		if (!e->unused && !e->failed) {
			diag(e->l->cc, DIAG_divide_by_zero, e->at,
			     "division by zero in a condition");
			e->failed = true;
		}
		return 0;
	}
	if (y == -1) /* the smallest number has no opposite */
		return token == '/' ? (int64_t)-(uint64_t)x : 0;
	return token == '/' ? x / y : x % y;
}

static int64_t compute(struct evaluator *e, int token, int64_t x, int64_t y)
{
	const uint64_t a = (uint64_t)x, b = (uint64_t)y;

	switch (token) {
	case TOKEN_LOR:
		return x || y;
	case TOKEN_LAND:
		return x && y;
	case '|':
		return x | y;
	case '^':
		return x ^ y;
	case '&':
		return x & y;
	case TOKEN_EQ:
		return x == y;
	case TOKEN_NE:
		return x != y;
	case '<':
		return x < y;
	case '>':
		return x > y;
	case TOKEN_LE:
		return x <= y;
	case TOKEN_GE:
		return x >= y;
	case TOKEN_SHL:
		return (int64_t)(a << (b & 63));
	case TOKEN_SHR:
		return x >> (b & 63);
	case '+':
		return (int64_t)(a + b);
	case '-':
		return (int64_t)(a - b);
	case '*':
		return (int64_t)(a * b);
	default:
		return divide(e, token, x, y);
	}
}

/* Operators of this level and of those that bind more tightly. */
static int64_t binary(struct evaluator *e, int level)
{
	int64_t x = operand(e), y;

	for (int found = level_of(e); found >= level && found > 0;
	     found = level_of(e)) {
		const int token = e->token++->token;
		const bool unused = e->unused;

		e->unused = unused || (token == TOKEN_LAND && !x) ||
			    (token == TOKEN_LOR && x);
		y = binary(e, found + 1);
		e->unused = unused;
		x = compute(e, token, x, y);
	}
	return x;
}

static int64_t ternary(struct evaluator *e)
{
	int64_t cond, then, otherwise;

	e->depth++;
	cond = binary(e, 1);
	if (skip_token(e, '?')) {
		then = ternary(e);
		if (!skip_token(e, ':'))
			fail(e, "expected ':'");
		otherwise = ternary(e);
		cond = cond ? then : otherwise;
	}
	e->depth--;
	return cond;
}

bool condition_is_true(struct lexer *l, struct span at,
		       const struct lexer_token *tokens, size_t n)
{
	struct evaluator e = { .l = l, .at = at, .token = tokens };
	int64_t value;

	/* Without tokens there is no address to add to. */
	e.end = n ? tokens + n : tokens;
	value = ternary(&e);
	if (!e.failed && e.token < e.end)
		fail(&e, "expected an operator or the end of the line");
	return !e.failed && value;
}
