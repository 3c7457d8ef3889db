/*
 * Checks for unit tests: a failed one says where and what, and the test goes on. A test
 * ends with "return test_failures();", which is main()'s status.
 */
#ifndef MEMQL_TEST_H
#define MEMQL_TEST_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int test_failed, test_checks;

static inline bool test_check(bool ok, const char *file, int line, const char *what)
{
	test_checks++;
	if (!ok) {
		test_failed++;
		fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
	}
	return ok;
}

static inline bool test_int(int64_t got, int64_t want, const char *file, int line,
			    const char *what)
{
	bool ok = test_check(got == want, file, line, what);

	if (!ok)
		fprintf(stderr, "\tgot  %" PRId64 "\n\twant %" PRId64 "\n", got, want);
	return ok;
}

static inline bool test_str(const char *got, const char *want, const char *file,
			    int line, const char *what)
{
	bool same = got && want ? strcmp(got, want) == 0 : got == want;

	test_check(same, file, line, what);
	if (!same)
		fprintf(stderr, "\tgot  %s\n\twant %s\n", got ? got : "NULL",
			want ? want : "NULL");
	return same;
}

/* Each is an expression: false if the check failed. */
#define CHECK(cond) test_check((cond), __FILE__, __LINE__, #cond)
#define CHECK_INT_EQ(got, want)                                                        \
	test_int((int64_t)(got), (int64_t)(want), __FILE__, __LINE__, #got " == " #want)
#define CHECK_STR_EQ(got, want)                                                        \
	test_str((got), (want), __FILE__, __LINE__, #got " equals " #want)

/* A test that cannot run here: return test_skip("why"); */
static inline int test_skip(const char *why)
{
	printf("skipped: %s\n", why);
	return 77;
}

static inline int test_failures(void)
{
	printf("%d checks, %d failed\n", test_checks, test_failed);
	return test_failed > 0;
}

#endif
