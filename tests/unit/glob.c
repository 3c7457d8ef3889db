/* Globs of attach points. */
#include "probes/probe.h"
#include "tests/unit/test.h"

int main(void)
{
	char text[20001];

	CHECK(glob_match("", ""));
	CHECK(!glob_match("", "a"));
	CHECK(glob_match("*", ""));
	CHECK(glob_match("*", "abc"));
	CHECK(glob_match("abc", "abc"));
	CHECK(!glob_match("abc", "abcd"));
	CHECK(!glob_match("abcd", "abc"));
	CHECK(glob_match("a?c", "abc"));
	CHECK(!glob_match("a?c", "ac"));
	CHECK(glob_match("a*c", "ac"));
	CHECK(glob_match("a*c", "abbbc"));
	CHECK(glob_match("a*bc", "abcbc"));
	CHECK(!glob_match("a*bc", "abcb"));
	CHECK(glob_match("*query*start*", "query__plan__start"));
	CHECK(glob_match("**a**", "bab"));
	CHECK(!glob_match("*a", "ab"));
	CHECK(glob_match("sys_enter_?", "sys_enter_x"));

	CHECK(glob_is_pattern("a*"));
	CHECK(glob_is_pattern("?"));
	CHECK(!glob_is_pattern("abc"));
	CHECK(!glob_is_pattern(NULL));

	/* Must not take time exponential in the number of stars. */
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	CHECK(!glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
	return test_failures();
}
