/* Scanning by hand: statements are short, and the scanner must not allocate. */
#include "demo/token.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool is_word(unsigned char c)
{
	return isalnum(c) || c == '_' || c >= 0x80;
}

/* Behind a comment that starts at p, or NULL if it does not end. */
static const char *skip_comment(const char *p)
{
	const char *end;

	if (p[0] == '-')
		return p + strcspn(p, "\n");
	end = strstr(p + 2, "*/");
	return end ? end + 2 : NULL;
}

/* At the first byte of a token; NULL if a comment does not end. */
static const char *skip_blank(const char *p)
{
	while (p) {
		p += strspn(p, " \t\r\n\f\v");
		if (strncmp(p, "/*", 2) != 0 && strncmp(p, "--", 2) != 0)
			break;
		p = skip_comment(p);
	}
	return p;
}

/* Behind a string that starts at p, or NULL if it does not end. */
static const char *skip_string(const char *p)
{
	for (p++; *p; p++) {
		if (*p != '\'')
			continue;
		if (p[1] != '\'')
			return p + 1;
		p++;
	}
	return NULL;
}

static struct token take(enum token_kind kind, const char *start, const char *end)
{
	return (struct token){ .kind = kind, .start = start, .len = end - start };
}

static struct token scan(const char *p)
{
	const char *start = p;

	if (!*p)
		return take(TOKEN_END, p, p);
	if (*p == '\'') {
		p = skip_string(p);
		if (!p)
			return take(TOKEN_BAD, start, start + strlen(start));
		return take(TOKEN_STRING, start, p);
	}
	if (!is_word(*p))
		return take(TOKEN_PUNCT, p, p + 1);
	while (is_word(*p) || (*p == '.' && isdigit((unsigned char)*start)))
		p++;
	return take(isdigit((unsigned char)*start) ? TOKEN_NUMBER : TOKEN_WORD, start,
		    p);
}

struct token token_next(const char **at)
{
	const char *p = skip_blank(*at);
	struct token t;

	t = p ? scan(p) : take(TOKEN_BAD, *at, *at + strlen(*at));
	*at = t.start + t.len;
	return t;
}

bool token_is(const struct token *t, const char *word)
{
	return t->kind == TOKEN_WORD && strlen(word) == t->len &&
	       strncasecmp(t->start, word, t->len) == 0;
}

bool token_is_punct(const struct token *t, char c)
{
	return t->kind == TOKEN_PUNCT && *t->start == c;
}

bool token_copy(const struct token *t, char *out, size_t size)
{
	const char *from = t->start;
	size_t len = t->len;

	if (t->kind == TOKEN_STRING) {
		from++;
		len -= 2;
	}
	if (len >= size)
		return false;
	memcpy(out, from, len);
	out[len] = '\0';
	return true;
}

bool token_number(const struct token *t, uint64_t *value, enum token_unit *unit)
{
	static const struct {
		const char *name;
		enum token_unit unit;
		uint64_t scale;
	} units[] = {
		{ "", TOKEN_UNIT_NONE, 1 },
		{ "ns", TOKEN_UNIT_TIME, 1 },
		{ "us", TOKEN_UNIT_TIME, 1000 },
		{ "ms", TOKEN_UNIT_TIME, 1000000 },
		{ "s", TOKEN_UNIT_TIME, 1000000000 },
		{ "b", TOKEN_UNIT_SIZE, 1 },
		{ "kb", TOKEN_UNIT_SIZE, 1 << 10 },
		{ "mb", TOKEN_UNIT_SIZE, 1 << 20 },
	};
	uint64_t n = 0;
	size_t i = 0;

	for (; i < t->len && isdigit((unsigned char)t->start[i]); i++) {
		if (n > INT64_MAX / 10 - 1)
			return false;
		n = n * 10 + (uint64_t)(t->start[i] - '0');
	}
	for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++) {
		if (strlen(units[u].name) != t->len - i ||
		    strncasecmp(units[u].name, t->start + i, t->len - i) != 0)
			continue;
		if (n > INT64_MAX / units[u].scale)
			return false;
		*value = n * units[u].scale;
		*unit = units[u].unit;
		return true;
	}
	return false;
}
