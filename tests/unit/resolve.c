/* Attach points to programs, on machines that golden tests do not have. */
#include <stdlib.h>

#include "core/compile.h"
#include "sema/sema.h"
#include "tests/fake_target.h"
#include "tests/unit/test.h"

/* True if the program resolves; *messages is what was said, for free(). */
static bool resolves(const char *machine, const char *program, size_t *nprograms,
		     char **messages)
{
	struct compile_options options = { 0 };
	struct target *t = fake_target_parse("machine", machine);
	struct compile *cc = compile_new(t, &options);
	size_t size;
	FILE *out = open_memstream(messages, &size);
	bool ok;

	cc->source = source_new(cc->arena, "test", program, (uint32_t)strlen(program));
	ok = parse(cc) && resolve(cc);
	*nprograms = ok ? cc->plan->programs.n : 0;
	diag_render(cc, out, false, false);
	fclose(out);
	compile_free(cc);
	fake_target_close(t);
	return ok;
}

static void check_programs(const char *machine, const char *program, size_t want)
{
	char *messages;
	size_t n;

	if (!CHECK(resolves(machine, program, &n, &messages)))
		fputs(messages, stderr);
	CHECK_INT_EQ(n, want);
	free(messages);
}

static void check_fails(const char *machine, const char *program, const char *message)
{
	char *messages;
	size_t n;

	CHECK(!resolves(machine, program, &n, &messages));
	if (!CHECK(strstr(messages, message) != NULL))
		fputs(messages, stderr);
	free(messages);
}

static void test_no_privileges(void)
{
	static const char machine[] = "tracefs 13\n"
				      "object /bin/secret\n fails 13\n";

	check_fails(machine, "tracepoint:a:b { exit(); }", "must run as root");
	check_fails(machine, "uprobe:/bin/secret:f { exit(); }", "Permission denied");
	check_programs(machine, "BEGIN { exit(); }", 1);
}

/* Sites share a program unless their arguments have other names or types. */
static void test_grouping(void)
{
	static const char machine[] = "tracepoint g a\n field 8 8 signed x long\n"
				      "tracepoint g b\n field 16 8 signed x long\n"
				      "tracepoint g c\n field 8 4 signed x int\n"
				      "tracepoint g d\n field 8 8 signed x long\n"
				      " field 16 8 signed y long\n";

	check_programs(machine, "tracepoint:g:* { exit(); }", 1);
	check_programs(machine, "tracepoint:g:* { print(args.x); }", 3);
	check_programs(machine, "tracepoint:g:a, tracepoint:g:b { exit(); }", 2);
}

static void test_missing(void)
{
	static const char machine[] = "tracepoint g a\n";
	static const char warn[] = "config = { missing_probes = warn }"
				   "tracepoint:g:a, tracepoint:g:b { exit(); }";

	check_fails(machine, "tracepoint:g:a, tracepoint:g:b { exit(); }",
		    "matches 'tracepoint:g:b'");
	check_programs(machine, warn, 1);
	check_fails("", warn, "nothing that this program traces");
	check_fails("",
		    "config = { missing_probes = ignore; missing_hint = \"try this\" }"
		    "interval:s:1 { exit(); } usdt:*:p:x { exit(); }",
		    "try this");
}

static void test_too_many(void)
{
	static const char machine[] =
		"tracepoint g a\ntracepoint g b\ntracepoint g c\n";

	check_fails(machine, "config = { max_probes = 2 } tracepoint:g:* { exit(); }",
		    "more than 2 probes");
	check_programs(machine,
		       "config = { max_probes = 3 } tracepoint:g:* { exit(); }", 1);
}

int main(void)
{
	test_no_privileges();
	test_grouping();
	test_missing();
	test_too_many();
	return test_failures();
}
