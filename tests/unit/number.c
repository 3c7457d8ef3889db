/* Every way to write a number, and the ways that are none. */
#include "core/number.h"

#include "test.h"

static void is(const char *text, uint64_t value, bool is_duration)
{
	struct number n = { 0 };

	if (!CHECK_INT_EQ(number_parse(text, strlen(text), &n), NUMBER_OK) ||
	    !CHECK_INT_EQ(n.value, value) || !CHECK_INT_EQ(n.is_duration, is_duration))
		fprintf(stderr, "\tof %s\n", text);
}

static void fails(const char *text, enum number_result result)
{
	struct number n = { .value = 77 };

	if (!CHECK_INT_EQ(number_parse(text, strlen(text), &n), result) ||
	    !CHECK_INT_EQ(n.value, 77))
		fprintf(stderr, "\tof %s\n", text);
}

int main(void)
{
	struct number n;

	is("0", 0, false);
	is("42", 42, false);
	is("1_000_000", 1000000, false);
	is("0x1F", 31, false);
	is("0XffFF_ffff", 0xffffffff, false);
	is("0755", 493, false);
	is("0_7", 7, false);
	is("1e6", 1000000, false);
	is("0e99", 0, false);
	is("0e0", 0, false);
	is("18446744073709551615", UINT64_MAX, false);
	is("0xffffffffffffffff", UINT64_MAX, false);
	is("01777777777777777777777", UINT64_MAX, false);
	is("5UL", 5, false);
	is("0x5ull", 5, false);
	is("7u", 7, false);
	is("1ns", 1, true);
	is("1us", 1000, true);
	is("1ms", 1000000, true);
	is("1s", 1000000000, true);
	is("1m", 60000000000, true);
	is("1h", 3600000000000, true);
	is("1d", 86400000000000, true);
	is("1_0e1ms", 100000000, true);
	is("0s", 0, true);
	is("0x1d", 29, false); /* a digit, no day */

	fails("", NUMBER_MALFORMED);
	fails("x", NUMBER_MALFORMED);
	fails("-1", NUMBER_MALFORMED);
	fails("0x", NUMBER_MALFORMED);
	fails("0x_1", NUMBER_MALFORMED);
	fails("08", NUMBER_MALFORMED);
	fails("0779", NUMBER_MALFORMED);
	fails("1_", NUMBER_MALFORMED);
	fails("1__0", NUMBER_MALFORMED);
	fails("1e", NUMBER_MALFORMED);
	fails("1ex", NUMBER_MALFORMED);
	fails("1 ", NUMBER_SUFFIX);
	fails("1MS", NUMBER_SUFFIX);
	fails("5parsec", NUMBER_SUFFIX);
	fails("0xfg", NUMBER_SUFFIX);
	fails("18446744073709551616", NUMBER_TOO_LARGE);
	fails("0x10000000000000000", NUMBER_TOO_LARGE);
	fails("1e20", NUMBER_TOO_LARGE);
	fails("1e99999999999999999999", NUMBER_TOO_LARGE);
	fails("300000000d", NUMBER_TOO_LARGE);

	/* Only len bytes count. */
	CHECK_INT_EQ(number_parse("123", 2, &n), NUMBER_OK);
	CHECK_INT_EQ(n.value, 12);
	return test_failures();
}
