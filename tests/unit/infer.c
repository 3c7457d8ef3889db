/* Types that need more than one pass, and that one pass must not report. */
#include <time.h>

#include "core/compile.h"
#include "runtime/sink.h"
#include "sema/sema.h"
#include "tests/fake_target.h"
#include "tests/unit/test.h"

/* The types of the program's maps, "@x=int64 @y[string[15]]=count"; NULL after an error. */
static const char *map_types(struct compile *cc, const char *program)
{
	static char out[512];
	size_t len = 0;

	cc->source = source_new(cc->arena, "test", program, (uint32_t)strlen(program));
	if (!parse(cc) || !resolve(cc) || !infer(cc)) {
		diag_render(cc, stderr, false, false);
		return NULL;
	}
	out[0] = '\0';
	for (size_t i = 0; i < cc->plan->maps.n; i++) {
		const struct map_info *m = cc->plan->maps.items[i];

		len += (size_t)snprintf(
			out + len, sizeof(out) - len, "%s%s=%s", i ? " " : "", m->name,
			m->agg ? m->agg->name : type_text(cc->arena, m->value));
	}
	return out;
}

static void check_maps(const struct target *t, const char *program, const char *want)
{
	struct compile_options options = { 0 };
	struct compile *cc = compile_new(t, &options);

	CHECK_STR_EQ(map_types(cc, program), want);
	compile_free(cc);
}

/* Each assignment learns from the one below it. */
static void test_against_the_order(const struct target *t)
{
	check_maps(t, "BEGIN { @a = @b; @b = @c; @c = @d; @d = comm; }",
		   "@a=string[15] @b=string[15] @c=string[15] @d=string[15]");
	check_maps(t, "BEGIN { @a = @b; } END { @b = nsecs; @b = -1; }",
		   "@a=int64 @b=int64");
}

static void test_constants_join_anything(const struct target *t)
{
	check_maps(t, "BEGIN { @a = 0; @a = nsecs; }", "@a=uint64 ns");
	check_maps(t, "BEGIN { @a = nsecs; @a = 0; }", "@a=uint64 ns");
	check_maps(t, "BEGIN { @a = 0; @a += nsecs; }", "@a=uint64 ns");
	check_maps(t, "BEGIN { @a++; @a = pid; }", "@a=uint64");
	check_maps(t, "BEGIN { @a = pid; @a = -1; }", "@a=int64");
	check_maps(t, "BEGIN { $x = 1; @a = $x; @a = nsecs; }", "@a=uint64 ns");
	check_maps(t, "BEGIN { @p = 0; @p = (uint8 *)0; }", "@p=uint8 *");
	check_maps(t, "BEGIN { @a = pid ? nsecs : 0; }", "@a=uint64 ns");
}

static void test_strings_grow(const struct target *t)
{
	check_maps(t, "BEGIN { @a = \"x\"; @b = @a; } END { @a = comm; }",
		   "@a=string[15] @b=string[15]");
	check_maps(t, "BEGIN { $s = \"x\"; if (pid) { $s = comm; } @a = $s; }",
		   "@a=string[15]");
}

/* What is read before it is written in the text may be an aggregation. */
static void test_late_aggregations(const struct target *t)
{
	check_maps(t, "BEGIN { print(@x); clear(@x); } END { @x = count(); }",
		   "@x=count");
	check_maps(t, "BEGIN { print(@x[1]); } END { @x[pid] = hist(nsecs); }",
		   "@x=hist");
}

/*
 * A tuple is no place: that it has a type is no change, which would mean another pass, and
 * one more after that, up to a limit that nobody notices in a small program.
 */
static void test_tuples_settle(const struct target *t)
{
	struct text program = { 0 };
	const clock_t begin = clock();

	text_printf(&program, "BEGIN { @a = (x = 1, y = 2");
	for (int i = 0; i < 450; i++)
		text_printf(&program, " + 2");
	text_printf(&program, "); }");
	check_maps(t, program.bytes, "@a=(x=int64, y=int64)");
	CHECK((double)(clock() - begin) / CLOCKS_PER_SEC < 1);
	text_free(&program);
}

int main(void)
{
	struct target *t = fake_target_parse("none", "");

	test_against_the_order(t);
	test_constants_join_anything(t);
	test_strings_grow(t);
	test_late_aggregations(t);
	test_tuples_settle(t);
	fake_target_close(t);
	return test_failures();
}
