#include "runtime/sink.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Room for n more bytes and a NUL. Out of memory ends the process, as in arena. */
static void reserve(struct text *t, size_t n)
{
	size_t cap = t->cap ? t->cap : 64;
	char *bytes;

	if (n < t->cap - t->len)
		return;
	while (cap - t->len <= n)
		cap *= 2;
	bytes = realloc(t->bytes, cap);
	if (!bytes) {
		fputs("memql: out of memory\n", stderr);
		abort();
	}
	t->bytes = bytes;
	t->cap = cap;
}

void text_add(struct text *t, const char *bytes, size_t len)
{
	reserve(t, len);
	if (len)
		memcpy(t->bytes + t->len, bytes, len);
	t->len += len;
	t->bytes[t->len] = '\0';
}

void text_printf(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	reserve(t, 64);
	va_start(ap, fmt);
	n = vsnprintf(t->bytes + t->len, t->cap - t->len, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n >= t->cap - t->len) {
		reserve(t, (size_t)n);
		va_start(ap, fmt);
		vsnprintf(t->bytes + t->len, t->cap - t->len, fmt, ap);
		va_end(ap);
	}
	t->len += (size_t)n;
}

void text_free(struct text *t)
{
	free(t->bytes);
	*t = (struct text){ 0 };
}

/*
 * The length of the UTF-8 sequence at s and its code point; 0 if there is none:
 * overlong forms, surrogates and what lies above U+10FFFF are not UTF-8.
 */
static size_t utf8_decode(const unsigned char *s, size_t len, uint32_t *out)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n;
	uint32_t c;

	if (s[0] < 0x80) {
		*out = s[0];
		return 1;
	}
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (n > len)
		return 0;
	c = s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*out = c;
	return n;
}

size_t text_utf8(const char *s, size_t len)
{
	uint32_t c;

	return len ? utf8_decode((const unsigned char *)s, len, &c) : 0;
}

/*
 * Code points that act on what displays them: C0 and C1 controls and DEL; the marks,
 * embeddings, overrides and isolates that change the direction of text, with which a
 * line can be made to read as another; and the separators that some viewers break lines
 * at.
 */
static bool acts_on_display(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e ||
	       c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

/* How many bytes at s may be shown as they are; then come *n to be escaped, of c. */
static size_t plain_run(const unsigned char *s, size_t len, size_t *n, uint32_t *c)
{
	size_t at = 0;

	*n = 0;
	while (at < len) {
		*n = utf8_decode(s + at, len - at, c);
		if (!*n || acts_on_display(*c))
			break;
		at += *n;
	}
	return at;
}

void text_add_safe(struct text *t, const char *bytes, size_t len)
{
	const unsigned char *s = (const unsigned char *)bytes, *end = s + len;

	while (s < end) {
		uint32_t c;
		size_t n, run = plain_run(s, (size_t)(end - s), &n, &c);

		text_add(t, (const char *)s, run);
		s += run;
		if (s == end)
			break;
		if (n == 1 && (c == '\n' || c == '\t')) {
			text_add(t, c == '\n' ? "\\n" : "\\t", 2);
			s++;
			continue;
		}
		for (n = n ? n : 1; n; n--)
			text_printf(t, "\\x%02x", *s++);
	}
}

void text_add_json(struct text *t, const char *bytes, size_t len)
{
	const unsigned char *s = (const unsigned char *)bytes, *end = s + len;
	size_t run = 0;

	text_add(t, "\"", 1);
	for (; s + run < end;) {
		uint32_t c = s[run];
		size_t n = utf8_decode(s + run, (size_t)(end - s) - run, &c);

		if (n && c != '"' && c != '\\' && !acts_on_display(c)) {
			run += n;
			continue;
		}
		text_add(t, (const char *)s, run);
		if (c == '"' || c == '\\')
			text_printf(t, "\\%c", (int)c);
		else if (c == '\n' || c == '\t')
			text_add(t, c == '\n' ? "\\n" : "\\t", 2);
		else
			text_printf(t, "\\u%04" PRIx32, c);
		s += run + (n ? n : 1);
		run = 0;
	}
	text_add(t, (const char *)s, run);
	text_add(t, "\"", 1);
}

struct time_unit {
	const char *name;
	uint64_t ns;
};

static uint64_t unit_ns(enum unit unit)
{
	switch (unit) {
	case UNIT_NONE:
	case UNIT_NS:
		return 1;
	case UNIT_US:
		return 1000;
	case UNIT_MS:
		return 1000000;
	case UNIT_S:
		return 1000000000;
	}
	return 1;
}

/* v times 10^-decimals of a unit; zeros at the end of the fraction are left out. */
static void add_scaled(struct text *t, uint64_t v, int decimals, const char *unit)
{
	static const uint64_t pow10[] = { 1, 10, 100 };

	while (decimals && v % 10 == 0) {
		v /= 10;
		decimals--;
	}
	text_printf(t, "%" PRIu64, v / pow10[decimals]);
	if (decimals)
		text_printf(t, ".%0*" PRIu64, decimals, v % pow10[decimals]);
	text_printf(t, "%s", unit);
}

void text_add_duration(struct text *t, int64_t n, enum unit unit)
{
	static const struct time_unit units[] = {
		{ "ns", 1 },
		{ "us", 1000 },
		{ "ms", 1000000 },
		{ "s", 1000000000 },
	};
	/* 128 bits: seconds times 10^9, and two decimals. */
	unsigned __int128 ns, v = 0;
	const struct time_unit *u = units;
	int decimals = 0;

	if (unit == UNIT_NONE) {
		text_printf(t, "%" PRId64, n);
		return;
	}
	ns = n < 0 ? -(unsigned __int128)n : (unsigned __int128)n;
	ns *= unit_ns(unit);
	if (n < 0)
		text_add(t, "-", 1);

	/* The largest unit of which there is at least one, rounded to 3 digits. */
	for (u = units; u < units + 3; u++) {
		if (ns * 2 < (unsigned __int128)u->ns * 1999)
			break;
	}
	for (decimals = u->ns == 1 ? 0 : 2; decimals >= 0; decimals--) {
		v = (ns * (decimals == 2   ? 100
			   : decimals == 1 ? 10
					   : 1) +
		     u->ns / 2) /
		    u->ns;
		if (v < 1000)
			break;
	}
	add_scaled(t, (uint64_t)v, decimals < 0 ? 0 : decimals, u->name);
}
