/* Normal form and hash in one pass, so that a text of a megabyte needs no buffer. */
#include "demo/plan.h"

#include <ctype.h>
#include <stdbool.h>

#include "demo/token.h"

#define PLAN_ZERO "SELECT burn(1us)"

struct normal {
	char *out; /* room for size bytes; used is always below size */
	size_t size, used;
	uint32_t hash;
};

/* FNV-1a, 32 bits */
static void normal_put(struct normal *n, char c)
{
	n->hash = (n->hash ^ (unsigned char)c) * 16777619u;
	if (n->used + 1 < n->size)
		n->out[n->used++] = c;
}

static void normal_put_token(struct normal *n, const struct token *t)
{
	if (t->kind == TOKEN_NUMBER || t->kind == TOKEN_STRING) {
		normal_put(n, '?');
		return;
	}
	for (size_t i = 0; i < t->len; i++)
		normal_put(n, (char)tolower((unsigned char)t->start[i]));
}

/* Punctuation that sticks to what is before it. */
static bool is_tight(const struct token *t)
{
	return token_is_punct(t, '(') || token_is_punct(t, ')') ||
	       token_is_punct(t, ',') || token_is_punct(t, '.');
}

static uint32_t normalise(const char *text, char *out, size_t size)
{
	struct normal n = { .out = out, .size = size, .hash = 2166136261u };
	bool tight = true; /* no blank before the next token */
	struct token t;

	for (t = token_next(&text); t.kind != TOKEN_END; t = token_next(&text)) {
		if (token_is_punct(&t, ';'))
			continue;
		if (!tight && !is_tight(&t))
			normal_put(&n, ' ');
		normal_put_token(&n, &t);
		tight = token_is_punct(&t, '(') || token_is_punct(&t, '.');
	}
	if (size)
		out[n.used] = '\0';
	return n.hash;
}

uint32_t plan_id(const char *text, char *out, size_t size)
{
	char unused[1];

	/* Shifting the whole space keeps ids as unique as the hash: no special case. */
	return normalise(text, out, size) ^
	       normalise(PLAN_ZERO, unused, sizeof(unused));
}
