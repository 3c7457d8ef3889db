/*
 * Names of C++ and Rust: what they mean, and that none takes long, whatever it is.
 * tests/runtime/symbols_debug.py compares thousands of real ones with what other tools say.
 */
#include "runtime/demangle.h"

#include <stdlib.h>
#include <time.h>

#include "runtime/sink.h"
#include "tests/unit/test.h"

static const struct {
	const char *name, *means; /* NULL: stays as it is */
} cases[] = {
	/* C++ */
	{ "_Z4workv", "work()" },
	{ "_ZN3one3twoEiPKc", "one::two(int, char const*)" },
	{ "_ZN4poolC2Ej", "pool::pool(unsigned int)" },
	{ "_ZNSt6vectorIiSaIiEE9push_backERKi",
	  "std::vector<int, std::allocator<int> >::push_back(int const&)" },
	{ "_Z4workv.cold", "work() [clone .cold]" },
	{ "_ZNKSt9exception4whatEv", "std::exception::what() const" },
	{ "_Z", NULL },
	{ "_ZN3oneE3", NULL },
	/* Rust, as it was */
	{ "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE",
	  "core::fmt::Formatter::pad" },
	{ "_ZN4main17h0123456789abcdefE.llvm.123", "main" },
	{ "_ZN71_$LT$alloc..string..String$u20$as$u20$core..fmt..Display$GT$"
	  "3fmt17h0123456789abcdefE",
	  NULL }, /* a wrong length */
	{ "_ZN60_$LT$alloc..string..String$u20$as$u20$core..fmt..Display$GT$"
	  "3fmt17h0123456789abcdefE",
	  "<alloc::string::String as core::fmt::Display>::fmt" },
	{ "_ZN1a4main28_$u7b$$u7b$closure$u7d$$u7d$17h1715678d84a03b79E",
	  "a::main::{{closure}}" },
	{ "_ZN1a5inner13gr$uf6$$udf$e17h07271921f4b9db54E",
	  "a::inner::gr\u00f6\u00dfe" },
	{ "_ZN1a17h0123456789abcdeXE", "a::h0123456789abcdeX" },
	/* Rust, as it is */
	{ "_RNvCs1234_7mycrate3foo", "mycrate::foo" },
	{ "_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar" },
	{ "_RNvMs_Cs1234_7mycrateNtB4_3Foo3bar", "<mycrate::Foo>::bar" },
	{ "_RNvXCs1234_7mycrateNtB2_3FooNtB2_3Bar3baz",
	  "<mycrate::Foo as mycrate::Bar>::baz" },
	{ "_RINvCs1234_7mycrate3fooNvB2_3barlEB2_",
	  "mycrate::foo::<mycrate::bar, i32>" },
	{ "_RNCNvCs1234_7mycrate3foo0B3_", "mycrate::foo::{closure#0}" },
	{ "_RNCNvCs1234_7mycrate3foos_0B3_", "mycrate::foo::{closure#1}" },
	{ "_RINvC1a1bTlhEE", "a::b::<(i32, u8)>" },
	{ "_RINvC1a1bThEE", "a::b::<(u8,)>" },
	{ "_RINvC1a1bAhj10_E", "a::b::<[u8; 16]>" },
	{ "_RINvC1a1bRShQeE", "a::b::<&[u8], &mut str>" },
	{ "_RINvC1a1bPuOzE", "a::b::<*const (), *mut !>" },
	{ "_RINvC1a1bFUKCThEvEuE", "a::b::<unsafe extern \"C\" fn((u8,), ...)>" },
	{ "_RINvC1a1bFG_RL0_hEjE", "a::b::<for<'a> fn(&'a u8) -> usize>" },
	{ "_RINvC1a1bDNtB2_1cp4ItemhEL_E", "a::b::<dyn a::c<Item = u8>>" },
	{ "_RINvC1a1bKlna_Kb1_Kc27_KpE", "a::b::<-10, true, '\\'', _>" },
	{ "_RINvC1a1bKo123456789abcdef01_E", "a::b::<0x123456789abcdef01>" },
	{ "_RNvC7mycrateu8gdel_5qa", "mycrate::g\u00f6del" },
	{ "_RNvC7mycrateu2ZZ", "mycrate::punycode{ZZ}" },
	{ "_RNvC1a1b.llvm.77", "a::b" },
	{ "_RNvC1a", NULL },
	{ "_RNvC1a99b", NULL },
	{ "_RNvBz_1b", NULL },
	{ "_R1NvC1a1b", NULL },
	{ "_RINvC1a1bKf5_E", NULL },
	/* Neither */
	{ "main", NULL },
	{ "", NULL },
	{ "_start", NULL },
	{ "__libc_start_main", NULL },
};

static void check_cases(void)
{
	struct text t = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text_free(&t);
		text_add(&t, "before ", 7);
		if (demangle(cases[i].name, &t))
			CHECK_STR_EQ(t.bytes + 7, cases[i].means);
		else if (cases[i].means)
			CHECK_STR_EQ(cases[i].name, cases[i].means);
		else
			CHECK_STR_EQ(t.bytes, "before ");
	}
	text_free(&t);
}

static double seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

/* Back to a place of a Rust name. */
static void add_reference(struct text *name, size_t at)
{
	static const char digits[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	text_printf(name, "B");
	if (at > 62)
		text_add(name, &digits[(at - 1) / 62], 1);
	text_printf(name, "%c_", digits[(at - 1) % 62]);
}

/* So far it is short. */
static void check_meaning(const struct text *begun)
{
	struct text name = { 0 }, out = { 0 };

	text_printf(&name, "%sE", begun->bytes);
	if (CHECK(demangle(name.bytes, &out)))
		CHECK_STR_EQ(out.bytes,
			     "a::b::<(u8, u8), ((u8, u8), (u8, u8)), "
			     "(((u8, u8), (u8, u8)), ((u8, u8), (u8, u8))), "
			     "((((u8, u8), (u8, u8)), ((u8, u8), (u8, u8))), "
			     "(((u8, u8), (u8, u8)), ((u8, u8), (u8, u8))))>");
	text_free(&name);
	text_free(&out);
}

/* Each parameter is a pair of the one before it: 2 to the power of 60 words. */
static void check_explosions(void)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	struct text name = { 0 }, out = { 0 };
	double before = seconds();
	size_t at;

	text_printf(&name, "_Z1fSt4pairIiiE");
	for (int i = 0; i < 35; i++)
		text_printf(&name, "S_IS%c_S%c_E", digits[i], digits[i]);
	CHECK(!demangle(name.bytes, &out) && out.len == 0);

	name.len = 0;
	text_printf(&name, "_RINvC1a1bThhE");
	at = name.len - 2 - 4;
	for (int i = 0; i < 35; i++) {
		size_t begin = name.len - 2;

		text_add(&name, "T", 1);
		add_reference(&name, at);
		add_reference(&name, at);
		text_add(&name, "E", 1);
		at = begin;
		if (i == 2)
			check_meaning(&name);
	}
	text_add(&name, "E", 1);
	CHECK(!demangle(name.bytes, &out) && out.len == 0);

	/* Deep: the same letter again and again. */
	for (const char *c = "PRSTAIFDNMXYB"; *c; c++) {
		name.len = out.len = 0;
		text_printf(&name, "_RINvC1a1b");
		for (int i = 0; i < 20000; i++)
			text_add(&name, c, 1);
		CHECK(!demangle(name.bytes, &out));
		name.len = 0;
		text_printf(&name, "_Z1f");
		for (int i = 0; i < 20000; i++)
			text_add(&name, c, 1);
		demangle(name.bytes, &out);
	}
	CHECK(seconds() - before < 5);
	text_free(&name);
	text_free(&out);
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static void check_broken(void)
{
	static const char letters[] = "_ERNvCMXYIBKLTASPQODFGUSsup0123456789abchijlZ$.";
	struct text name = { 0 }, out = { 0 };
	uint32_t state = 1;

	for (int i = 0; i < 100000; i++) {
		const char *good =
			cases[next_random(&state) % (sizeof(cases) / sizeof(cases[0]))]
				.name;
		unsigned times = 1 + next_random(&state) % 4;

		name.len = out.len = 0;
		text_printf(&name, "%s", good);
		while (times-- && name.len > 2)
			name.bytes[2 + next_random(&state) % (name.len - 2)] =
				letters[next_random(&state) % (sizeof(letters) - 1)];
		if (!demangle(name.bytes, &out))
			CHECK(out.len == 0);
	}
	text_free(&name);
	text_free(&out);
}

int main(void)
{
	check_cases();
	check_explosions();
	check_broken();
	return test_failures();
}
