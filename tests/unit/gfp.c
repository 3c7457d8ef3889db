/* The kernel's own table of gfp_t's flags, out of the format of a tracepoint. */
#include "runtime/gfp.h"

#include <string.h>

#include "core/arena.h"
#include "runtime/sink.h"
#include "tests/unit/test.h"

static void check(const struct gfp_flags *flags, uint64_t value, const char *want)
{
	struct text t = { 0 };

	gfp_add(&t, flags, value);
	CHECK_STR_EQ(t.bytes, want);
	text_free(&t);
}

/* As Linux 6.18 has it: bits are shifted. */
static void test_shifts(struct arena *a)
{
	struct gfp_flags f = gfp_parse(
		a,
		"print fmt: \"%s\", (REC->f) ? __print_flags(REC->f, \"|\", "
		"{( unsigned long)(((( gfp_t)(((((1UL))) << (10))|((((1UL))) << (11)))) "
		"| (( gfp_t)((((1UL))) << (6))) | (( gfp_t)0)) & ~(( gfp_t)((((1UL))) "
		"<< (11)))), \"GFP_SOME\"}, "
		"{( unsigned long)(( gfp_t)((((1UL))) << (6))), \"__GFP_IO\"}, "
		"{( unsigned long)(( gfp_t)((((1UL))) << (11))), \"__GFP_K\"}, "
		"{ 0, ((void *)0) } ) : \"none\"");

	CHECK_INT_EQ(f.n, 3);
	CHECK_INT_EQ(f.items[0].mask, 0x440);
	check(&f, 0, "0");
	check(&f, 0x440, "GFP_SOME");
	check(&f, 0xc40, "GFP_SOME|__GFP_K");
	check(&f, 0x40, "__GFP_IO");
	check(&f, 0x1040, "__GFP_IO|0x1000");
	check(&f, 0x1, "0x1");
}

/* As 5.15 has it: numbers. */
static void test_numbers(struct arena *a)
{
	struct gfp_flags f = gfp_parse(
		a,
		"__print_flags(REC->gfp_flags, \"|\", {(unsigned long)((( gfp_t)(0x400u|"
		"0x800u)) | (( gfp_t)0x40u)), \"GFP_A\"}, {(unsigned long)"
		"(( gfp_t)0x800u), \"B\" }) : \"none\"");

	CHECK_INT_EQ(f.n, 2);
	check(&f, 0xc40, "GFP_A");
	check(&f, 0x800, "B");
}

/* Whatever is there, nothing is made up. */
static void test_damage(struct arena *a)
{
	static const char *const texts[] = {
		"",
		"__print_flags(",
		"__print_flags(x, \"|\", {",
		"__print_flags(x, \"|\", {(1 << ",
		"__print_flags(x, \"|\", {(FOO), \"A\"}",
		"__print_flags(x, \"|\", {0, \"A\"}",
		"__print_flags(x, \"|\", {1, \"A",
	};
	char deep[2000];
	struct gfp_flags f;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		f = gfp_parse(a, texts[i]);
		CHECK_INT_EQ(f.n, 0);
		check(&f, 5, "0x5");
	}
	memset(deep, '(', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	memcpy(deep, "__print_flags({", 15);
	f = gfp_parse(a, deep);
	CHECK_INT_EQ(f.n, 0);
}

int main(void)
{
	struct arena *a = arena_new();

	test_shifts(a);
	test_numbers(a);
	test_damage(a);
	arena_free(a);
	return test_failures();
}
