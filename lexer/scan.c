/* What the scanner does with its matches. */
#include "lexer/scan.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/intern.h"
#include "core/number.h"

static const struct {
	const char *text;
	int token;
	bool in_c; /* a keyword of C, also in the definitions of types */
} words[] = {
	{ "break", TOKEN_BREAK, false },
	{ "continue", TOKEN_CONTINUE, false },
	{ "else", TOKEN_ELSE, false },
	{ "for", TOKEN_FOR, false },
	{ "if", TOKEN_IF, false },
	{ "let", TOKEN_LET, false },
	{ "return", TOKEN_RETURN, false },
	{ "unroll", TOKEN_UNROLL, false },
	{ "while", TOKEN_WHILE, false },

	{ "const", TOKEN_QUALIFIER, true },
	{ "restrict", TOKEN_QUALIFIER, true },
	{ "volatile", TOKEN_QUALIFIER, true },

	{ "__attribute__", TOKEN_ATTRIBUTE, true },
	{ "enum", TOKEN_ENUM, true },
	{ "struct", TOKEN_STRUCT, true },
	{ "typeof", TOKEN_TYPEOF, true },
	{ "union", TOKEN_UNION, true },

	{ "bool", TOKEN_TYPE, true },
	{ "char", TOKEN_TYPE, true },
	{ "int", TOKEN_TYPE, true },
	{ "int16", TOKEN_TYPE, true },
	{ "int16_t", TOKEN_TYPE, true },
	{ "int32", TOKEN_TYPE, true },
	{ "int32_t", TOKEN_TYPE, true },
	{ "int64", TOKEN_TYPE, true },
	{ "int64_t", TOKEN_TYPE, true },
	{ "int8", TOKEN_TYPE, true },
	{ "int8_t", TOKEN_TYPE, true },
	{ "long", TOKEN_TYPE, true },
	{ "short", TOKEN_TYPE, true },
	{ "signed", TOKEN_TYPE, true },
	{ "uint16", TOKEN_TYPE, true },
	{ "uint16_t", TOKEN_TYPE, true },
	{ "uint32", TOKEN_TYPE, true },
	{ "uint32_t", TOKEN_TYPE, true },
	{ "uint64", TOKEN_TYPE, true },
	{ "uint64_t", TOKEN_TYPE, true },
	{ "uint8", TOKEN_TYPE, true },
	{ "uint8_t", TOKEN_TYPE, true },
	{ "unsigned", TOKEN_TYPE, true },
	{ "void", TOKEN_TYPE, true },
};

/* What begins a definition, where an attach point could stand. */
static const struct item_word {
	const char *text;
	int token;
} items[] = {
	{ "config", TOKEN_CONFIG },   { "engine", TOKEN_CONFIG },
	{ "else", TOKEN_ELSE },       { "enum", TOKEN_ENUM },
	{ "import", TOKEN_IMPORT },   { "let", TOKEN_LET },
	{ "macro", TOKEN_MACRO },     { "struct", TOKEN_STRUCT },
	{ "typedef", TOKEN_TYPEDEF }, { "union", TOKEN_UNION },
};

int scan_text(struct lexer *l, int token, const char *text, size_t len,
	      struct lexeme *out)
{
	out->text = intern(l->cc->names, text, len);
	out->len = (uint32_t)len;
	return token;
}

/* Whether the latest token leaves something to be said: an operand must follow. */
static bool wants_operand(const struct lexer *l)
{
	switch (l->last) {
	case '(':
	case '[':
	case ',':
	case '=':
	case '?':
	case ':':
	case '!':
	case '~':
	case '+':
	case '-':
	case '*':
	case '/':
	case '%':
	case '&':
	case '|':
	case '^':
	case '<':
	case '>':
	case TOKEN_RANGE:
	case TOKEN_RETURN:
	case TOKEN_PREDICATE_BEGIN:
		return true;
	default:
		return l->last >= TOKEN_SHL && l->last <= TOKEN_SHR_ASSIGN;
	}
}

int scan_word(struct lexer *l, const char *text, size_t len, struct lexeme *out)
{
	scan_text(l, TOKEN_IDENTIFIER, text, len, out);
	switch (l->last) {
	case '.':
	case TOKEN_ARROW:
		/* A field may have any name: args.if is no statement. */
		return TOKEN_IDENTIFIER;
	case TOKEN_STRUCT:
	case TOKEN_UNION:
	case TOKEN_ENUM:
		if (strcmp(out->text, "__attribute__") != 0)
			return TOKEN_IDENTIFIER;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].text, out->text) != 0)
			continue;
		if (l->in_types && !words[i].in_c)
			break;
		if (words[i].token == TOKEN_IF) {
			l->predicate_if = l->in_predicate && l->braces.n == 0;
			if (wants_operand(l))
				return TOKEN_IF_VALUE;
		}
		return words[i].token;
	}
	return TOKEN_IDENTIFIER;
}

int scan_number(struct lexer *l, const char *text, size_t len, struct lexeme *out)
{
	const struct span at = scan_here(l, len);
	struct number n = { 0 };

	scan_text(l, TOKEN_INTEGER, text, len, out);
	if (memchr(text, '.', len)) {
		diag(l->cc, DIAG_bad_literal, at,
		     "there are no floating point numbers: '%s'", out->text);
		return TOKEN_INTEGER;
	}
	switch (number_parse(text, len, &n)) {
	case NUMBER_OK:
		break;
	case NUMBER_MALFORMED:
		diag(l->cc, DIAG_bad_literal, at, "malformed number '%s'", out->text);
		break;
	case NUMBER_SUFFIX:
		diag(l->cc, DIAG_bad_literal, at, "number '%s' has an unknown suffix",
		     out->text);
		diag_hint(l->cc, "durations end in ns, us, ms, s, m, h or d");
		break;
	case NUMBER_TOO_LARGE:
		diag(l->cc, DIAG_bad_literal, at, "number '%s' does not fit in 64 bits",
		     out->text);
		break;
	}
	out->value = n.value;
	out->is_duration = n.is_duration;
	return TOKEN_INTEGER;
}

int scan_param(struct lexer *l, const char *text, size_t len, struct lexeme *out)
{
	const unsigned long max = 1 << 20; /* more than a command line can hold */

	scan_text(l, TOKEN_PARAM, text, len, out);
	if (text[1] == '#')
		return TOKEN_PARAM;
	out->value = strtoul(out->text + 1, NULL, 10);
	if (out->value == 0 || out->value > max)
		diag(l->cc, DIAG_bad_parameter, scan_here(l, len),
		     "there is no parameter '%s', the first is $1", out->text);
	return TOKEN_PARAM;
}

/* The value of up to max digits at *s. */
static unsigned escaped_number(const char **s, unsigned base, unsigned max)
{
	unsigned value = 0;

	for (; max > 0 && isxdigit((unsigned char)**s); max--, ++*s) {
		const char c = (char)tolower((unsigned char)**s);
		const unsigned digit =
			isdigit((unsigned char)c) ? c - '0' : c - 'a' + 10;

		if (digit >= base)
			break;
		value = value * base + digit;
	}
	return value;
}

/* The byte that an escape stands for; *s is behind the backslash and is moved on. */
static bool unescape(const char **s, char *out)
{
	static const char letters[] = "nrt\\\"", bytes[] = "\n\r\t\\\"";
	const char *letter = **s ? strchr(letters, **s) : NULL;
	unsigned value;

	if (letter) {
		*out = bytes[letter - letters];
		++*s;
		return true;
	}
	if (**s >= '0' && **s <= '7') {
		value = escaped_number(s, 8, 3);
	} else if (**s == 'x' && isxdigit((unsigned char)(*s)[1])) {
		++*s;
		value = escaped_number(s, 16, 2);
	} else {
		/* All bytes of a UTF-8 character: the message shows it. */
		*out = **s;
		do
			++*s;
		while ((**s & 0xc0) == 0x80);
		return false;
	}
	*out = (char)value;
	return value > 0 && value <= UINT8_MAX;
}

int scan_string(struct lexer *l, const char *text, size_t len, struct lexeme *out)
{
	const struct span at = scan_here(l, len);
	const char *s = text + 1, *end = text + len - 1;
	char *bytes = arena_alloc(l->cc->arena, len);
	uint32_t n = 0;

	while (s < end) {
		const char *escape = s;

		if (*s != '\\') {
			bytes[n++] = *s++;
			continue;
		}
		s++;
		if (unescape(&s, &bytes[n++]))
			continue;
		diag(l->cc, DIAG_bad_literal,
		     (struct span){ at.begin + (uint32_t)(escape - text),
				    at.begin + (uint32_t)(s - text) },
		     "unknown escape '%.*s' in a string", (int)(s - escape), escape);
		if (!bytes[n - 1])
			diag_hint(l->cc, "a NUL byte would be the string's end");
	}
	return scan_text(l, TOKEN_STRING, bytes, n, out);
}

/* Whether an attach point or a definition begins here. */
static bool is_item_start(const struct lexer *l)
{
	return l->last == TOKEN_END || l->last == '}' || l->last == ';' ||
	       l->last == TOKEN_STRING;
}

int scan_item(struct lexer *l, const char *text, size_t len, struct lexeme *out)
{
	scan_text(l, TOKEN_ATTACH_POINT, text, len, out);
	if (!is_item_start(l))
		return TOKEN_ATTACH_POINT;
	l->in_types = false;
	l->is_typedef = false;
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		if (strcmp(items[i].text, out->text) != 0)
			continue;
		switch (items[i].token) {
		case TOKEN_TYPEDEF:
			l->is_typedef = true;
			/* fallthrough */
		case TOKEN_STRUCT:
		case TOKEN_UNION:
		case TOKEN_ENUM:
			l->in_types = true;
		}
		return items[i].token;
	}
	return TOKEN_ATTACH_POINT;
}

bool scan_definition(struct lexer *l, const char *text, size_t len)
{
	if (!is_item_start(l) || len != 2 || memcmp(text, "fn", 2) != 0)
		return false;
	diag(l->cc, DIAG_unsupported, scan_here(l, len), "'%s' is not in memql yet",
	     text);
	l->skipped = 0;
	return true;
}

bool scan_opens_value(const struct lexer *l)
{
	return wants_operand(l) || l->predicate_if || l->last == TOKEN_ELSE;
}

int scan_open(struct lexer *l)
{
	/* Outside of braces there are only bodies, config = { } and predicates. */
	const bool is_value = (l->braces.n > 0 || l->in_predicate) && wants_operand(l);

	l->predicate_if = false;
	ARENA_PUSH(l->cc->arena, &l->braces, scan_here(l, 1));
	return is_value ? TOKEN_BLOCK_VALUE : '{';
}

bool scan_close(struct lexer *l)
{
	if (l->braces.n > 0)
		l->braces.n--;
	return l->braces.n == 0;
}

/* U+2018 to U+201F, as word processors and web pages write quotes. */
static bool is_curly_quote(const char *text, size_t len)
{
	const unsigned char *c = (const unsigned char *)text;

	return len >= 3 && c[0] == 0xe2 && c[1] == 0x80 && c[2] >= 0x98 && c[2] <= 0x9f;
}

void scan_stray(struct lexer *l, const char *text, size_t len)
{
	const unsigned char c = (unsigned char)*text;
	const struct span at = scan_here(l, len);

	if (c == '#') {
		diag(l->cc, DIAG_syntax, (struct span){ at.begin, at.begin + 1 },
		     "unexpected '#' in the program");
		diag_hint(l->cc, "comments begin with //");
	} else if (c == '\'') {
		diag(l->cc, DIAG_syntax, at, "unexpected \"'\" in the program");
		diag_hint(l->cc, "strings are written in double quotes");
	} else if (c > ' ' && c != 0x7f) {
		diag(l->cc, DIAG_syntax, at, "unexpected '%.*s' in the program",
		     len > 16 ? 16 : (int)len, text);
		if (is_curly_quote(text, len))
			diag_hint(l->cc, "strings are written in straight quotes: \"");
	} else {
		diag(l->cc, DIAG_syntax, at, "unexpected byte 0x%02x in the program",
		     c);
	}
}
