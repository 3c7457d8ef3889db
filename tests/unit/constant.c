/* Constant expressions: what the kernel would compute. */
#include "core/compile.h"
#include "sema/sema.h"
#include "tests/unit/test.h"

/* The value of an expression, in a program of its own. */
static bool value_of(const char *expression, int64_t *out)
{
	struct compile_options options = { 0 };
	struct compile *cc = compile_new(NULL, &options);
	char program[256];
	bool ok;

	snprintf(program, sizeof(program), "BEGIN /%s/ { }", expression);
	cc->source = source_new(cc->arena, "test", program, (uint32_t)strlen(program));
	ok = parse(cc) && constant_int(cc->ast->clauses->predicate, out);
	compile_free(cc);
	return ok;
}

static void check_value(const char *expression, int64_t want)
{
	int64_t got = 0;

	if (!value_of(expression, &got) || got != want) {
		fprintf(stderr, "%s is %" PRId64 ", not %" PRId64 "\n", expression, got,
			want);
		CHECK(!"right");
	} else {
		CHECK(true);
	}
}

static void test_arithmetic(void)
{
	check_value("1 + 2 * 3", 7);
	check_value("7 - 10", -3);
	check_value("9223372036854775807 + 1", INT64_MIN);
	check_value("(-7) % 3", -1);
	check_value("7 % -3", 1);
	check_value("(-9223372036854775807 - 1) % -1", 0);
	check_value("~5", -6);
	check_value("!0 + !7", 1);
	check_value("6 & 3 | 8 ^ 1", 11);
}

static void test_shifts(void)
{
	check_value("1 << 63", INT64_MIN);
	check_value("1 << 64", 1);
	check_value("-8 >> 1", -4);
	check_value("-1 >> 63", -1);
	check_value("0xffffffffffffffff >> 63", 1);
	check_value("-1 >> 64", -1);
}

static void test_comparisons(void)
{
	check_value("-1 < 0", 1);
	check_value("0xffffffffffffffff < 0", 0);
	check_value("0xffffffffffffffff > -1", 1);
	check_value("0xffffffffffffffff >= 1", 1);
	check_value("1 == 1 && 2 != 3 || 0", 1);
	check_value("\"a\" == \"a\"", 1);
	check_value("\"a\" != \"a\"", 0);
}

static void test_casts(void)
{
	check_value("(int8)200", -56);
	check_value("(uint8)-1", 255);
	check_value("(int16)0x18000", -32768);
	check_value("(uint32)-1", UINT32_MAX);
	check_value("(uint64)-1 > 0", 1);
	check_value("(char)255", -1);
}

/* One side decides, whatever the other is. */
static void test_shortcuts(void)
{
	check_value("0 && pid", 0);
	check_value("5 || pid", 1);
	check_value("1 ? 5 : pid", 5);
	check_value("0 ? pid : 6", 6);
}

static void test_not_constant(void)
{
	int64_t unused;

	CHECK(!value_of("pid", &unused));
	CHECK(!value_of("1 && pid", &unused));
	CHECK(!value_of("pid && 0", &unused));
	CHECK(!value_of("pid ? 1 : 1", &unused));
	CHECK(!value_of("5 % 0", &unused));
	CHECK(!value_of("\"a\" + 1", &unused));
	CHECK(!value_of("*5", &unused));
	CHECK(!value_of("(uint64 *)5", &unused));
}

int main(void)
{
	test_arithmetic();
	test_shifts();
	test_comparisons();
	test_casts();
	test_shortcuts();
	test_not_constant();
	return test_failures();
}
