#include "tests/unit/test.h"

#include "runtime/sink.h"

static const char *safe(struct text *t, const char *bytes, size_t len)
{
	t->len = 0;
	text_add_safe(t, bytes, len);
	text_add(t, "", 0);
	return t->bytes;
}

static const char *json(struct text *t, const char *bytes, size_t len)
{
	t->len = 0;
	text_add_json(t, bytes, len);
	return t->bytes;
}

static const char *duration(struct text *t, int64_t n, enum unit unit)
{
	t->len = 0;
	text_add_duration(t, n, unit);
	return t->bytes;
}

#define SAFE(bytes) safe(&t, bytes, sizeof(bytes) - 1)
#define JSON(bytes) json(&t, bytes, sizeof(bytes) - 1)

static void test_safe(void)
{
	struct text t = { 0 };

	CHECK_STR_EQ(SAFE("plain \\ \"text\""), "plain \\ \"text\"");
	CHECK_STR_EQ(SAFE(""), "");
	CHECK_STR_EQ(SAFE("a\nb\tc\rd"), "a\\nb\\tc\\x0dd");
	CHECK_STR_EQ(SAFE("\033[2J\177"), "\\x1b[2J\\x7f");
	CHECK_STR_EQ(SAFE("nul\0byte"), "nul\\x00byte");
	/* UTF-8 stays: two, three and four bytes. */
	CHECK_STR_EQ(SAFE("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
		     "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	/* C1: U+009B is the same as ESC [ to some terminals. */
	CHECK_STR_EQ(SAFE("\xc2\x9b"), "\\xc2\\x9b");
	CHECK_STR_EQ(SAFE("\x9b"), "\\x9b");
	/* A right-to-left override, an isolate, a mark, a line separator. */
	CHECK_STR_EQ(SAFE("a\xe2\x80\xae"), "a\\xe2\\x80\\xae");
	CHECK_STR_EQ(SAFE("\xe2\x81\xa6"), "\\xe2\\x81\\xa6");
	CHECK_STR_EQ(SAFE("\xd8\x9c"), "\\xd8\\x9c");
	CHECK_STR_EQ(SAFE("\xe2\x80\xa8"), "\\xe2\\x80\\xa8");
	text_free(&t);
}

static void test_broken_utf8(void)
{
	struct text t = { 0 };

	CHECK_STR_EQ(SAFE("\xff\xfe"), "\\xff\\xfe");
	CHECK_STR_EQ(SAFE("\xc0\xaf"), "\\xc0\\xaf");          /* overlong */
	CHECK_STR_EQ(SAFE("\xe0\x80\xaf"), "\\xe0\\x80\\xaf"); /* overlong */
	CHECK_STR_EQ(SAFE("\xf0\x80\x80\xaf"), "\\xf0\\x80\\x80\\xaf");
	CHECK_STR_EQ(SAFE("\xed\xa0\x80"), "\\xed\\xa0\\x80"); /* surrogate */
	CHECK_STR_EQ(SAFE("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
	CHECK_STR_EQ(SAFE("ab\xe2\x82"), "ab\\xe2\\x82"); /* cut */
	CHECK_STR_EQ(SAFE("\xe2\x82g"), "\\xe2\\x82g");
	/* Every byte alone gives ASCII that can be printed. */
	for (int c = 0; c < 256; c++) {
		char byte = (char)c;
		const char *out = safe(&t, &byte, 1);

		for (size_t i = 0; i < t.len; i++)
			CHECK(out[i] >= ' ' && out[i] < 0x7f);
	}
	text_free(&t);
}

static void test_json(void)
{
	struct text t = { 0 };

	CHECK_STR_EQ(JSON(""), "\"\"");
	CHECK_STR_EQ(JSON("a\"b\\c/"), "\"a\\\"b\\\\c/\"");
	CHECK_STR_EQ(JSON("\n\t\r\b"), "\"\\n\\t\\u000d\\u0008\"");
	CHECK_STR_EQ(JSON("\0\033\177"), "\"\\u0000\\u001b\\u007f\"");
	CHECK_STR_EQ(JSON("\xc3\xa9"), "\"\xc3\xa9\"");
	CHECK_STR_EQ(JSON("\xe9"), "\"\\u00e9\"");
	CHECK_STR_EQ(JSON("x\xe2\x82"), "\"x\\u00e2\\u0082\"");
	CHECK_STR_EQ(JSON("\xe2\x80\xae"), "\"\\u202e\"");
	CHECK_STR_EQ(JSON("\xc2\x9b"), "\"\\u009b\"");
	text_free(&t);
}

static void test_duration(void)
{
	struct text t = { 0 };

	CHECK_STR_EQ(duration(&t, 0, UNIT_NS), "0ns");
	CHECK_STR_EQ(duration(&t, 7, UNIT_NS), "7ns");
	CHECK_STR_EQ(duration(&t, 999, UNIT_NS), "999ns");
	CHECK_STR_EQ(duration(&t, 1000, UNIT_NS), "1us");
	CHECK_STR_EQ(duration(&t, 1234, UNIT_NS), "1.23us");
	CHECK_STR_EQ(duration(&t, 12345, UNIT_NS), "12.3us");
	CHECK_STR_EQ(duration(&t, 640000, UNIT_NS), "640us");
	CHECK_STR_EQ(duration(&t, 1250000, UNIT_NS), "1.25ms");
	/* Rounding carries into the next digit and the next unit. */
	CHECK_STR_EQ(duration(&t, 9996, UNIT_NS), "10us");
	CHECK_STR_EQ(duration(&t, 99960, UNIT_NS), "100us");
	CHECK_STR_EQ(duration(&t, 999499, UNIT_NS), "999us");
	CHECK_STR_EQ(duration(&t, 999999, UNIT_NS), "1ms");
	CHECK_STR_EQ(duration(&t, 999999999, UNIT_NS), "1s");
	CHECK_STR_EQ(duration(&t, 12000000000, UNIT_NS), "12s");
	CHECK_STR_EQ(duration(&t, 86400, UNIT_S), "86400s");
	CHECK_STR_EQ(duration(&t, 1250, UNIT_US), "1.25ms");
	CHECK_STR_EQ(duration(&t, 5, UNIT_MS), "5ms");
	CHECK_STR_EQ(duration(&t, -1250, UNIT_US), "-1.25ms");
	CHECK_STR_EQ(duration(&t, INT64_MIN, UNIT_NS), "-9223372037s");
	CHECK_STR_EQ(duration(&t, INT64_MAX, UNIT_S), "9223372036854775807s");
	CHECK_STR_EQ(duration(&t, 1250000, UNIT_NONE), "1250000");
	text_free(&t);
}

/* The text of a datum, in both ways. */
static void check_datum(struct datum d, const char *as_text, const char *exact)
{
	static const char *const names[] = { "main", "ev\033il" };
	struct sink out = { .names = names,
			    .nnames = 2,
			    .to_wall[EPOCH_BOOT] = 1000000000,
			    .to_wall[EPOCH_TAI] = -37000000000 };
	struct text t = { 0 };

	text_add_datum(&t, &out, &d);
	text_add(&t, "", 0);
	CHECK_STR_EQ(t.bytes, as_text);
	t.len = 0;
	text_add_exact(&t, &out, &d);
	text_add(&t, "", 0);
	CHECK_STR_EQ(t.bytes, exact);
	text_free(&t);
}

static void test_datum(void)
{
	const struct type s64 = { .kind = TYPE_INT, .size = 8, .is_signed = true };
	const struct type u64 = { .kind = TYPE_INT, .size = 8 };
	const struct type ns = { .kind = TYPE_INT, .size = 8, .unit = UNIT_NS };
	const struct type ptr = { .kind = TYPE_PTR };
	const struct type str = { .kind = TYPE_STR, .limit = 8 };
	const struct type name = { .kind = TYPE_NAME };
	const struct type when = { .kind = TYPE_TIME, .format = "%s.%f %%f" };
	const struct type tai = { .kind = TYPE_TIME,
				  .format = "%s",
				  .epoch = EPOCH_TAI };

	check_datum((struct datum){ &s64, .n = (uint64_t)-5 }, "-5", "-5");
	check_datum((struct datum){ &u64, .n = (uint64_t)-5 }, "18446744073709551611",
		    "18446744073709551611");
	check_datum((struct datum){ &ns, .n = 1250000 }, "1.25ms", "1250000");
	/* Not a duration of minus 5 ns. */
	check_datum((struct datum){ &ns, .n = (uint64_t)-5 }, "18446744073709551611",
		    "18446744073709551611");
	check_datum((struct datum){ &ptr, .n = 0xffff0000 }, "0xffff0000",
		    "0xffff0000");
	check_datum((struct datum){ &str, .s = "a\nb", .len = 3 }, "a\\nb", "a\\nb");
	check_datum((struct datum){ &str, .s = NULL, .len = 0 }, "", "");
	check_datum((struct datum){ &name, .n = TYPE_NAME_FIRST + 0 }, "main", "main");
	check_datum((struct datum){ &name, .n = TYPE_NAME_FIRST + 1 }, "ev\\x1bil",
		    "ev\\x1bil");
	check_datum((struct datum){ &name, .n = TYPE_NAME_FIRST + 2 }, "", "");
	check_datum((struct datum){ &when, .n = 2000345678 }, "3.000345 %f",
		    "3.000345 %f");
	check_datum((struct datum){ &tai, .n = 40000000000 }, "3", "3");
}

/* Growth: from nothing, over the first allocation, with long formats. */
static void test_growth(void)
{
	struct text t = { 0 };
	char long_text[300];

	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	for (int i = 0; i < 1000; i++)
		text_printf(&t, "%d,", i % 10);
	CHECK_INT_EQ(t.len, 2000);
	CHECK_INT_EQ(strlen(t.bytes), 2000);
	text_printf(&t, "%s", long_text);
	CHECK_INT_EQ(t.len, 2299);
	CHECK_STR_EQ(t.bytes + 2000, long_text);
	text_free(&t);
	CHECK(!t.bytes && !t.len && !t.cap);
}

int main(void)
{
	test_safe();
	test_broken_utf8();
	test_json();
	test_duration();
	test_datum();
	test_growth();
	return test_failures();
}
