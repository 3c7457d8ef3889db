#include "runtime/unicode.h"

#include <ctype.h>
#include <string.h>

size_t unicode_utf8(uint32_t c, char out[UNICODE_UTF8_MAX])
{
	static const unsigned char marks[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(marks[n] | c);
	return n;
}

/* How far the next delta is spread: RFC 3492, section 6.1. */
static uint32_t adapt(uint32_t delta, size_t n, bool first)
{
	uint32_t k = 0;

	delta = first ? delta / 700 : delta / 2;
	for (delta += delta / (uint32_t)n; delta > 455; k += 36)
		delta /= 35;
	return k + 36 * delta / (delta + 38);
}

/* One delta; false at a byte that is none, or if it is too large. */
static bool read_delta(const char **p, const char *end, uint32_t bias, uint32_t *delta)
{
	uint64_t weight = 1, sum = 0;

	for (uint32_t k = 36;; k += 36) {
		uint32_t t = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias, digit;

		if (*p == end)
			return false;
		if (islower((unsigned char)**p))
			digit = (uint32_t)(**p - 'a');
		else if (isdigit((unsigned char)**p))
			digit = (uint32_t)(**p - '0') + 26;
		else
			return false;
		++*p;
		sum += digit * weight;
		if (sum > 0x7fffffff)
			return false;
		if (digit < t)
			break;
		weight *= 36 - t;
	}
	*delta = (uint32_t)sum;
	return true;
}

/* ASCII first, then "_" and where the other characters go. */
bool unicode_punycode(const char *bytes, size_t len, uint32_t *out, size_t *n)
{
	const char *end = bytes + len, *p = memrchr(bytes, '_', len);
	uint32_t i = 0, c = 0x80, bias = 72, delta;
	bool first = true;

	*n = 0;
	if (len > UNICODE_PUNYCODE_MAX)
		return false;
	for (const char *q = bytes; p && q < p; q++)
		out[(*n)++] = (uint8_t)*q;
	p = p ? p + 1 : bytes;
	while (p < end && *n < UNICODE_PUNYCODE_MAX) {
		if (!read_delta(&p, end, bias, &delta) || delta > 0x7fffffff - i)
			return false;
		i += delta;
		++*n;
		bias = adapt(delta, *n, first);
		first = false;
		c += i / (uint32_t)*n;
		i %= (uint32_t)*n;
		if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
			return false;
		memmove(out + i + 1, out + i, (*n - 1 - i) * sizeof(*out));
		out[i++] = c;
	}
	return p == end;
}
