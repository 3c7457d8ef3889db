#include "core/number.h"

#include <ctype.h>
#include <string.h>

/* What is still to be read. */
struct digits {
	const char *s, *end;
};

static bool accept(struct digits *d, char lower)
{
	if (d->s < d->end && tolower((unsigned char)*d->s) == lower) {
		d->s++;
		return true;
	}
	return false;
}

static int digit_value(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	if (isxdigit((unsigned char)c))
		return tolower((unsigned char)c) - 'a' + 10;
	return 36;
}

/* Digits with single underscores between them; at least one digit. */
static enum number_result read_digits(struct digits *d, unsigned base, uint64_t *value)
{
	enum number_result result = NUMBER_OK;
	const char *first = d->s;

	*value = 0;
	for (; d->s < d->end; d->s++) {
		int digit = digit_value(*d->s);

		if (*d->s == '_' && d->s > first && d->s[-1] != '_')
			continue;
		if (digit >= (int)base)
			break;
		if (__builtin_mul_overflow(*value, base, value) ||
		    __builtin_add_overflow(*value, digit, value))
			result = NUMBER_TOO_LARGE;
	}
	if (d->s == first || d->s[-1] == '_')
		return NUMBER_MALFORMED;
	return result;
}

/* The exponent of 1e6, if there is one. */
static enum number_result read_exponent(struct digits *d, uint64_t *value)
{
	enum number_result result;
	uint64_t exponent;

	if (!accept(d, 'e'))
		return NUMBER_OK;
	result = read_digits(d, 10, &exponent);
	if (result != NUMBER_OK)
		return result;
	for (; exponent > 0 && *value > 0; exponent--) {
		if (__builtin_mul_overflow(*value, 10, value))
			return NUMBER_TOO_LARGE;
	}
	return NUMBER_OK;
}

static const struct {
	char text[4];
	uint64_t nanoseconds; /* 0: not a duration */
} suffixes[] = {
	{ "ns", 1 },
	{ "us", 1000 },
	{ "ms", 1000 * 1000 },
	{ "s", 1000 * 1000 * 1000 },
	{ "m", 60 * 1000000000ull },
	{ "h", 3600 * 1000000000ull },
	{ "d", 24 * 3600 * 1000000000ull },
	{ "u", 0 },
	{ "l", 0 },
	{ "ul", 0 },
	{ "ll", 0 },
	{ "ull", 0 },
};

static enum number_result read_suffix(struct digits *d, struct number *out)
{
	char text[4] = "";
	size_t len = d->end - d->s;

	if (len == 0)
		return NUMBER_OK;
	if (len >= sizeof(text))
		return NUMBER_SUFFIX;
	/* C's suffixes are written in either case; 5MS is not a way to write 5ms. */
	for (size_t i = 0; i < len; i++)
		text[i] = strchr("UL", d->s[i]) ? tolower((unsigned char)d->s[i])
						: d->s[i];
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		if (strcmp(text, suffixes[i].text) != 0)
			continue;
		if (suffixes[i].nanoseconds == 0)
			return NUMBER_OK;
		out->is_duration = true;
		if (__builtin_mul_overflow(out->value, suffixes[i].nanoseconds,
					   &out->value))
			return NUMBER_TOO_LARGE;
		return NUMBER_OK;
	}
	return NUMBER_SUFFIX;
}

/* The number up to its suffix. */
static enum number_result read_value(struct digits *d, uint64_t *value)
{
	enum number_result result;

	*value = 0;
	if (!accept(d, '0')) {
		result = read_digits(d, 10, value);
		return result == NUMBER_OK ? read_exponent(d, value) : result;
	}
	if (accept(d, 'x'))
		return read_digits(d, 16, value);
	if (d->s < d->end && (isdigit((unsigned char)*d->s) || *d->s == '_')) {
		accept(d, '_');
		result = read_digits(d, 8, value);
		/* 08 is not an octal digit with a suffix "8". */
		if (d->s < d->end && isdigit((unsigned char)*d->s))
			return NUMBER_MALFORMED;
		return result;
	}
	return read_exponent(d, value);
}

enum number_result number_parse(const char *s, size_t len, struct number *out)
{
	struct digits d = { s, s + len };
	struct number n = { 0 };
	enum number_result result, suffix;

	if (len == 0 || !isdigit((unsigned char)*s))
		return NUMBER_MALFORMED;
	result = read_value(&d, &n.value);
	if (result == NUMBER_MALFORMED)
		return result;
	suffix = read_suffix(&d, &n);
	if (suffix == NUMBER_SUFFIX || result == NUMBER_OK)
		result = suffix;
	if (result == NUMBER_OK)
		*out = n;
	return result;
}
