/* What a learner is told of results that are not those of the solution. */
#include "cli/lesson.h"

#include <stdlib.h>
#include <string.h>

#include "cli/json.h"
#include "core/arena.h"
#include "tests/unit/test.h"

#define MAP(members) "{\"type\":\"map\",\"data\":{" members "}}\n"
#define ENTRY(key, value) "{\"key\":[" key "],\"value\":" value "}"
#define LINE(text) "{\"type\":\"printf\",\"data\":\"" text "\"}\n"

static const struct {
	const char *what, *compare, *want, *got;
	const char *told; /* a part of it; NULL: they agree */
} rows[] = {
	{ "the same number", "@n", MAP("\"@n\":3"), MAP("\"@n\":3"), NULL },
	{ "another number", "@n", MAP("\"@n\":3"), MAP("\"@n\":4"),
	  "@n: 3 expected, yours is 4" },
	{ "near enough", "@n 10%", MAP("\"@n\":100"), MAP("\"@n\":91"), NULL },
	{ "not near enough", "@n 10%", MAP("\"@n\":100"), MAP("\"@n\":89"),
	  "@n: 100 expected" },
	{ "no such map", "@n", MAP("\"@n\":3"), MAP("\"@m\":3"),
	  "@n: yours has none, or nothing in it; it has @m\n" },
	{ "two other maps", "@n", MAP("\"@n\":3"),
	  MAP("\"@m\":{\"a\":1,\"b\":2},\"@k\":[" ENTRY("1", "5") "]"),
	  "; it has @m, @k\n" },
	{ "other keys", "@n", MAP("\"@n\":[" ENTRY("1", "5") "]"),
	  MAP("\"@n\":[" ENTRY("2", "5") "," ENTRY("3", "5") "," ENTRY(
		  "4", "5") "," ENTRY("5", "5") "]"),
	  "... and 1 more of @n that should not be there" },
	{ "a map that nobody asked for", "@n", MAP("\"@n\":3"),
	  MAP("\"@n\":3,\"@m\":1"), NULL },
	{ "a name that another begins with", "@n", MAP("\"@n\":3,\"@nn\":1"),
	  MAP("\"@n\":3,\"@nn\":2"), NULL },
	{ "what was printed last counts", "@n", MAP("\"@n\":3"),
	  MAP("\"@n\":2") MAP("\"@n\":3"), NULL },
	{ "a large number, by one", "@n", MAP("\"@n\":18446744073709551615"),
	  MAP("\"@n\":18446744073709551614"), "18446744073709551615 expected" },
	{ "keys in any order", "@n",
	  MAP("\"@n\":[" ENTRY("1", "5") "," ENTRY("2", "6") "]"),
	  MAP("\"@n\":[" ENTRY("2", "6") "," ENTRY("1", "5") "]"), NULL },
	{ "a key too few", "@n",
	  MAP("\"@n\":[" ENTRY("1", "5") "," ENTRY("2", "6") "]"),
	  MAP("\"@n\":[" ENTRY("2", "6") "]"),
	  "@n[1]: 5 expected, and it is not there" },
	{ "a key too many", "@n", MAP("\"@n\":[" ENTRY("2", "6") "]"),
	  MAP("\"@n\":[" ENTRY("1", "5") "," ENTRY("2", "6") "]"),
	  "@n[1]: 5, which should not be there" },
	{ "no keys", "@n", MAP("\"@n\":[" ENTRY("1", "5") "]"), MAP("\"@n\":5"),
	  "@n has no key in yours" },
	{ "keys where none are", "@n", MAP("\"@n\":5"),
	  MAP("\"@n\":[" ENTRY("1", "5") "]"), "@n has keys in yours" },
	{ "what should be empty", "@n", "", MAP("\"@n\":5"),
	  "@n: 5, which should not be" },
	{ "keys of several parts", "@n",
	  MAP("\"@n\":[" ENTRY("\"a\",[1,true]", "5") "]"),
	  MAP("\"@n\":[" ENTRY("\"a\",[1,true]", "6") "]"), "@n[\"a\", 1, true]: 5" },
	{ "a small number beside a large one", "@n 5%",
	  MAP("\"@n\":[" ENTRY("1", "10") "," ENTRY("2", "1000") "]"),
	  MAP("\"@n\":[" ENTRY("1", "30") "," ENTRY("2", "1000") "]"), NULL },
	{ "members are of another size", "@n 5%",
	  MAP("\"@n\":{\"max\":1000,\"p50\":10}"),
	  MAP("\"@n\":{\"max\":1000,\"p50\":30}"), "@n.p50: 10 expected" },
	{ "a histogram's rows are not compared", "@n",
	  MAP("\"@n\":{\"count\":2,\"buckets\":[{\"min\":1,\"count\":2}]}"),
	  MAP("\"@n\":{\"count\":2,\"rough\":[\"p50\"],\"buckets\":[{\"min\":2,\"count\":2}]}"),
	  NULL },
	{ "a number for a histogram", "@n", MAP("\"@n\":{\"count\":2}"),
	  MAP("\"@n\":2"), "@n is one number in yours" },
	{ "the same lines in another order", "printf", LINE("a") LINE("b") LINE("a"),
	  LINE("b") LINE("a") LINE("a"), NULL },
	{ "a line too few", "printf", LINE("a") LINE("a"), LINE("a"),
	  "printf \"a\": 2 times expected, yours is 1 times" },
	{ "two names, the second one differs", "@n, @m 1%", MAP("\"@n\":3,\"@m\":100"),
	  MAP("\"@n\":3,\"@m\":90"), "@m: 100" },
	{ "nothing at all", "@n", MAP("\"@n\":3"), "", "@n: yours has none" },
	{ "no JSON", "@n", MAP("\"@n\":3"), "{\"type\":", "@n: yours has none" },
};

static void compare_rows(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		char *told;
		size_t n;
		FILE *out = open_memstream(&told, &n);
		bool same = lesson_compare(a, rows[i].compare, rows[i].want,
					   rows[i].got, out);

		fclose(out);
		if (same != !rows[i].told || (!same && !strstr(told, rows[i].told)))
			printf("%s: %s\n", rows[i].what, told);
		CHECK(same == !rows[i].told);
		CHECK(same ? n == 0 : strstr(told, rows[i].told) != NULL);
		free(told);
		arena_free(a);
	}
}

static void read_json(void)
{
	static const char *const wrong[] = { "",        "{",        "[1",
					     "{\"a\"}", "{\"a\":}", "\"x",
					     "[1 2]",   "{1:2}",    "{\"a\":1]" };
	struct arena *a = arena_new();
	const char *at = "{\"a\":[1,-2.5e3],\"b\":{\"c\":\"x\\\"y\"}} null";
	struct json *v = json_read(a, &at);

	CHECK(v && v->kind == JSON_OBJECT);
	CHECK_STR_EQ(json_member(v, "a")->first->next->text, "-2.5e3");
	CHECK_STR_EQ(json_member(json_member(v, "b"), "c")->text, "x\\\"y");
	CHECK(json_member(v, "c") == NULL && json_member(NULL, "c") == NULL);
	CHECK_STR_EQ(json_read(a, &at)->text, "null");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		at = wrong[i];
		CHECK(json_read(a, &at) == NULL);
	}
	arena_free(a);
}

int main(void)
{
	compare_rows();
	read_json();
	return test_failures();
}
