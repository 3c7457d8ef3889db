#include "runtime/rust_name.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "runtime/demangle.h"
#include "runtime/sink.h"
#include "runtime/unicode.h"

enum { MAX_STEPS = 20000 };

void rust_fail(struct rust *r)
{
	r->failed = true;
}

void rust_add(struct rust *r, const char *text, size_t len)
{
	if (r->silent || r->failed)
		return;
	if (r->out->len - r->start + len > DEMANGLE_MAX)
		rust_fail(r);
	else
		text_add(r->out, text, len);
}

void rust_say(struct rust *r, const char *text)
{
	rust_add(r, text, strlen(text));
}

void rust_say_number(struct rust *r, uint64_t n)
{
	char digits[24];

	rust_add(r, digits, (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, n));
}

char rust_peek(const struct rust *r)
{
	return r->failed ? '\0' : r->name[r->at];
}

char rust_next(struct rust *r)
{
	char c = rust_peek(r);

	if (c)
		r->at++;
	else
		rust_fail(r);
	return c;
}

bool rust_eat(struct rust *r, char c)
{
	if (rust_peek(r) != c)
		return false;
	r->at++;
	return true;
}

/* False if this is too much; else rust_leave() must follow. */
bool rust_enter(struct rust *r)
{
	if (r->failed || ++r->steps > MAX_STEPS || r->depth >= RUST_MAX_DEPTH) {
		rust_fail(r);
		return false;
	}
	r->depth++;
	return true;
}

void rust_leave(struct rust *r)
{
	r->depth--;
}

uint64_t rust_base62(struct rust *r)
{
	uint64_t n = 0;

	if (rust_eat(r, '_'))
		return 0;
	while (!r->failed && !rust_eat(r, '_')) {
		char c = rust_next(r);
		unsigned digit;

		if (isdigit((unsigned char)c))
			digit = (unsigned)(c - '0');
		else if (islower((unsigned char)c))
			digit = (unsigned)(c - 'a') + 10;
		else if (isupper((unsigned char)c))
			digit = (unsigned)(c - 'A') + 36;
		else
			digit = 62;
		if (digit == 62 || n > (UINT64_MAX - 62) / 62)
			rust_fail(r);
		else
			n = n * 62 + digit;
	}
	return n + 1;
}

uint64_t rust_tagged(struct rust *r, char tag)
{
	return rust_eat(r, tag) ? rust_base62(r) + 1 : 0;
}

struct rust_identifier rust_plain_word(struct rust *r)
{
	struct rust_identifier w = { .is_punycode = rust_eat(r, 'u') };

	if (!isdigit((unsigned char)rust_peek(r)))
		rust_fail(r);
	if (!rust_eat(r, '0')) {
		while (isdigit((unsigned char)rust_peek(r)) && w.len < 100000)
			w.len = w.len * 10 + (size_t)(rust_next(r) - '0');
	}
	rust_eat(r, '_');
	w.bytes = r->name + r->at;
	if (r->failed || strnlen(w.bytes, w.len) < w.len) {
		rust_fail(r);
		w.len = 0;
	}
	r->at += w.len;
	return w;
}

struct rust_identifier rust_word(struct rust *r)
{
	uint64_t disambiguator = rust_tagged(r, 's');
	struct rust_identifier w = rust_plain_word(r);

	w.disambiguator = disambiguator;
	return w;
}

void rust_say_utf8(struct rust *r, uint32_t c)
{
	char bytes[UNICODE_UTF8_MAX];

	rust_add(r, bytes, unicode_utf8(c, bytes));
}

void rust_say_word(struct rust *r, const struct rust_identifier *w)
{
	uint32_t characters[UNICODE_PUNYCODE_MAX];
	size_t n;

	if (!w->is_punycode) {
		rust_add(r, w->bytes, w->len);
	} else if (unicode_punycode(w->bytes, w->len, characters, &n)) {
		for (size_t i = 0; i < n; i++)
			rust_say_utf8(r, characters[i]);
	} else {
		rust_say(r, "punycode{");
		rust_add(r, w->bytes, w->len);
		rust_say(r, "}");
	}
}

bool rust_hex_number(struct rust *r, uint64_t *out)
{
	const char *digits = r->name + r->at;
	size_t n = strspn(digits, "0123456789abcdef");

	*out = 0;
	r->at += n;
	if (!rust_eat(r, '_'))
		rust_fail(r);
	if (n > 16) {
		rust_say(r, "0x");
		rust_add(r, digits, n);
		return false;
	}
	for (size_t i = 0; i < n; i++)
		*out = *out << 4 | (unsigned)(isdigit((unsigned char)digits[i])
						      ? digits[i] - '0'
						      : digits[i] - 'a' + 10);
	return true;
}
