/* How messages look: places, carets, order, caps; and which name is suggested. */
#include "core/diag.h"

#include <stdlib.h>

#include "core/arena.h"
#include "core/compile.h"
#include "test.h"

static struct compile *compile_text(const char *text)
{
	const struct compile_options options = { 0 };
	struct compile *cc = compile_new(NULL, &options);

	cc->source = source_new(cc->arena, "t.mq", text, (uint32_t)strlen(text));
	return cc;
}

static struct span span(uint32_t begin, uint32_t end)
{
	return (struct span){ begin, end };
}

/* Compare what is rendered, and free cc. */
static void expect(struct compile *cc, bool color, bool quiet, const char *want)
{
	char *got = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&got, &len);

	diag_render(cc, out, color, quiet);
	fclose(out);
	CHECK_STR_EQ(got, want);
	free(got);
	compile_free(cc);
}

static void one_with_all_parts(void)
{
	struct compile *cc = compile_text("a = 1;\n\tbb = nsec;\n");

	diag(cc, DIAG_unknown_builtin, span(13, 17), "unknown builtin '%s'", "nsec");
	diag_note(cc, span(0, 1), "seen %d times", 2);
	diag_hint(cc, "did you mean '%s'?", "nsecs");
	CHECK(!diag_ok(cc));
	expect(cc, false, false,
	       "t.mq:2:7: error: unknown builtin 'nsec' [unknown_builtin]\n"
	       "    2 |  bb = nsec;\n"
	       "      |       ^~~~\n"
	       "t.mq:1:1: note: seen 2 times\n"
	       "    1 | a = 1;\n"
	       "      | ^\n"
	       "      hint: did you mean 'nsecs'?\n");
}

static void sorted_by_place_without_repeats(void)
{
	struct compile *cc = compile_text("x y");

	diag(cc, DIAG_syntax, span(2, 3), "second");
	diag(cc, DIAG_syntax, span(0, 1), "first");
	diag(cc, DIAG_syntax, span(2, 3), "second");
	diag_hint(cc, "of the one that was dropped");
	diag(cc, DIAG_syntax, span(2, 3), "third, at the same place");
	expect(cc, false, false,
	       "t.mq:1:1: error: first [syntax]\n"
	       "    1 | x y\n"
	       "      | ^\n"
	       "t.mq:1:3: error: second [syntax]\n"
	       "    1 | x y\n"
	       "      |   ^\n"
	       "t.mq:1:3: error: third, at the same place [syntax]\n"
	       "    1 | x y\n"
	       "      |   ^\n");
}

static void warnings_are_no_errors(void)
{
	struct compile *cc = compile_text("x");

	diag(cc, DIAG_unused_value, span(0, 1), "unused");
	CHECK(diag_ok(cc));
	expect(cc, false, true, "");

	cc = compile_text("x");
	diag(cc, DIAG_unused_value, span(0, 1), "unused");
	expect(cc, true, false,
	       "t.mq:1:1: \033[1;35mwarning:\033[0m unused [unused_value]\n"
	       "    1 | x\n"
	       "      | \033[1;35m^\033[0m\n");
}

static void span_over_lines_ends_with_its_first(void)
{
	struct compile *cc = compile_text("if x {\r\n}\n");

	diag(cc, DIAG_syntax, span(3, 9), "long");
	expect(cc, false, false,
	       "t.mq:1:4: error: long [syntax]\n"
	       "    1 | if x {\n"
	       "      |    ^~~...\n");
}

/* Program text must not drive the terminal, and carets count characters. */
static void odd_bytes_are_shown_safely(void)
{
	struct compile *cc = compile_text("\"gr\xc3\xbc\xc3\x9f"
					  "e\" \x1b[1m\xff\xc2\x9b x");

	diag(cc, DIAG_syntax, span(18, 19), "bad \x1b[31m '\xff'");
	expect(cc, false, false,
	       "t.mq:1:19: error: bad ?[31m '?' [syntax]\n"
	       "    1 | \"gr\xc3\xbc\xc3\x9f"
	       "e\" ?[1m??? x\n"
	       "      |                 ^\n");
}

static void places_at_the_end(void)
{
	struct compile *cc = compile_text("ab\n");

	diag(cc, DIAG_syntax, span(3, 3), "on the empty last line");
	diag(cc, DIAG_syntax, span(2, 2), "behind the text");
	diag(cc, DIAG_syntax, span(50, 60), "beyond the end");
	expect(cc, false, false,
	       "t.mq:1:3: error: behind the text [syntax]\n"
	       "    1 | ab\n"
	       "      |   ^\n"
	       "t.mq:2:1: error: on the empty last line [syntax]\n"
	       "t.mq:2:1: error: beyond the end [syntax]\n");
}

static void long_lines_are_cut(void)
{
	struct compile *cc;
	char text[301];

	memset(text, 'x', 300);
	text[300] = '\0';
	text[150] = '!';
	cc = compile_text(text);
	diag(cc, DIAG_syntax, span(150, 151), "here");
	expect(cc, false, false,
	       "t.mq:1:151: error: here [syntax]\n"
	       "    1 | ...xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	       "!xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\n"
	       "      |                                                                "
	       "^\n");
}

static void many_are_counted(void)
{
	struct compile *cc = compile_text("x");
	char *got = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&got, &len);
	unsigned lines = 0;

	for (int i = 0; i < 1000; i++)
		diag(cc, DIAG_syntax, span(0, 1), "error %d", i);
	diag_render(cc, out, false, false);
	fclose(out);
	for (const char *s = got; *s; s++)
		lines += *s == '\n';
	CHECK_INT_EQ(lines, 3 * DIAG_MAX + 1);
	CHECK(strstr(got, "\n980 more errors\n") != NULL);
	free(got);
	compile_free(cc);
}

static void without_a_source(void)
{
	const struct compile_options options = { 0 };
	struct compile *cc = compile_new(NULL, &options);

	diag(cc, DIAG_script_option, span(0, 0), "no source yet");
	expect(cc, false, false, "memql: error: no source yet [script_option]\n");
}

/* The best of a few candidates. */
static const char *suggested(const char *word)
{
	static const char *const candidates[] = { "count", "nsecs", "printf", "print",
						  "pid",   "sum",   "tid" };
	struct suggestion s = { .word = word };

	for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++)
		suggest(&s, candidates[i]);
	return s.best;
}

static void near_names_are_suggested(void)
{
	char longest[200];

	CHECK_STR_EQ(suggested("nsec"), "nsecs");
	CHECK_STR_EQ(suggested("cuont"), "count"); /* a swap is one edit */
	CHECK_STR_EQ(suggested("COUNT"), "count");
	CHECK_STR_EQ(suggested("printt"), "printf");
	CHECK_STR_EQ(suggested("prnt"), "print");
	CHECK_STR_EQ(suggested("tid"), "tid");
	CHECK_STR_EQ(suggested("x"), NULL);
	CHECK_STR_EQ(suggested("foo"), NULL);
	CHECK_STR_EQ(suggested("histogram"), NULL);
	CHECK_STR_EQ(suggested(""), NULL);
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	CHECK_STR_EQ(suggested(longest), NULL);
}

static void tags_have_names(void)
{
	CHECK_STR_EQ(diag_tag_name(DIAG_syntax), "syntax");
	CHECK_STR_EQ(diag_tag_name(DIAG_unsupported), "unsupported");
}

int main(void)
{
	one_with_all_parts();
	sorted_by_place_without_repeats();
	warnings_are_no_errors();
	span_over_lines_ends_with_its_first();
	odd_bytes_are_shown_safely();
	places_at_the_end();
	long_lines_are_cut();
	many_are_counted();
	without_a_source();
	near_names_are_suggested();
	tags_have_names();
	return test_failures();
}
