/* A script's command line: options, parameters and the help made from them. */
#include <stdlib.h>

#include "core/compile.h"
#include "sema/sema.h"
#include "tests/fake_target.h"
#include "tests/unit/test.h"

static const char program[] =
	"BEGIN { print(getopt(\"min\", 10ms, \"shortest\")); print(getopt(\"n\", -3)); "
	"print(getopt(\"text\", \"none\")); print(getopt(\"all\")); "
	"print(getopt(\"on\", true)); print($1); print($#); }"
	"BEGIN /comm == str($2)/ { $min_size = (int32)$3; }";

enum { MAX_ARGS = 8 };

/* The program, after these words; options are resolved. */
static struct compile *with_args(const struct target *t, const char *const *args)
{
	struct compile_options options = { .args = (char *const *)args };
	struct compile *cc;

	while (args[options.nargs])
		options.nargs++;
	cc = compile_new(t, &options);
	cc->source = source_new(cc->arena, "test", program, (uint32_t)strlen(program));
	CHECK(parse(cc));
	return cc;
}

/* The i-th print()'s argument. */
static const struct node *printed(const struct compile *cc, size_t i)
{
	struct node *stmts = cc->ast->clauses->body->block.stmts;

	return node_at(stmts, i)->expr.value->call.args;
}

static void check_int(const struct compile *cc, size_t i, int64_t want, enum unit unit)
{
	const struct node *n = printed(cc, i);

	CHECK_INT_EQ(n->kind, NODE_INT);
	CHECK_INT_EQ(n->integer.value, want);
	CHECK_INT_EQ(n->integer.unit, unit);
	CHECK_INT_EQ(n->integer.negative, want < 0);
}

static void test_defaults(const struct target *t)
{
	static const char *const args[] = { NULL };
	struct compile *cc = with_args(t, args);

	CHECK(resolve(cc));
	check_int(cc, 0, 10000000, UNIT_NS);
	check_int(cc, 1, -3, UNIT_NONE);
	CHECK_STR_EQ(printed(cc, 2)->string.bytes, "none");
	check_int(cc, 3, 0, UNIT_NONE);
	check_int(cc, 4, 1, UNIT_NONE);
	check_int(cc, 5, 0, UNIT_NONE);
	check_int(cc, 6, 0, UNIT_NONE);
	compile_free(cc);
}

static void test_given(const struct target *t)
{
	static const char *const args[] = { "--min",   "5us",   "0x10",   "--n=-7",
					    "--text=", "--all", "--on=0", "--",
					    "--x",     NULL };
	struct compile *cc = with_args(t, args);

	CHECK(resolve(cc));
	check_int(cc, 0, 5000, UNIT_NS);
	check_int(cc, 1, -7, UNIT_NONE);
	CHECK_STR_EQ(printed(cc, 2)->string.bytes, "");
	check_int(cc, 3, 1, UNIT_NONE);
	check_int(cc, 4, 0, UNIT_NONE);
	check_int(cc, 5, 16, UNIT_NONE);
	CHECK_STR_EQ(printed(cc, 5)->integer.text, "0x10");
	check_int(cc, 6, 2, UNIT_NONE);
	compile_free(cc);
}

static void check_bad(const struct target *t, const char *first, const char *second)
{
	const char *args[MAX_ARGS] = { first, second };
	struct compile *cc = with_args(t, args);

	if (!CHECK(!resolve(cc)))
		fprintf(stderr, "%s %s\n", first, second ? second : "");
	compile_free(cc);
}

static void test_bad(const struct target *t)
{
	check_bad(t, "--mni=5ms", NULL);
	check_bad(t, "--min", NULL);
	check_bad(t, "--min", "5");
	check_bad(t, "--min", "5x");
	check_bad(t, "--min=", NULL);
	check_bad(t, "--n=9223372036854775808000", NULL);
	check_bad(t, "--n=--5", NULL);
	check_bad(t, "--all=maybe", NULL);
	check_bad(t, "-n", "5");
}

static void test_help(const struct target *t)
{
	static const char *const args[] = { NULL };
	struct compile *cc = with_args(t, args);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	CHECK(script_options_collect(cc));
	CHECK(script_options_collect(cc)); /* nothing twice */
	script_help(cc, "script.mq", out);
	fclose(out);
	CHECK_STR_EQ(text, "usage: memql script.mq [OPTIONS] ARG1 COMM MIN_SIZE\n"
			   "\n"
			   "options of the script:\n"
			   "  --min=DURATION  shortest (default: 10ms)\n"
			   "  --n=N           (default: -3)\n"
			   "  --text=TEXT     (default: none)\n"
			   "  --all\n"
			   "  --on            (default: true)\n"
			   "  --help          show this\n");
	free(text);
	compile_free(cc);
}

int main(void)
{
	struct target *t = fake_target_parse("none", "");

	test_defaults(t);
	test_given(t);
	test_bad(t);
	test_help(t);
	fake_target_close(t);
	return test_failures();
}
