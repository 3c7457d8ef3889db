/* Sizes, joins and texts of types. */
#include "sema/type.h"

#include "builtins/builtin.h"
#include "core/arena.h"
#include "tests/unit/test.h"

static void test_sizes(struct arena *a)
{
	CHECK_INT_EQ(type_size(&type_void), 0);
	CHECK_INT_EQ(type_size(type_int(a, 1, true, UNIT_NONE)), 8);
	CHECK_INT_EQ(type_size(type_ptr(a, &type_u64, SPACE_USER)), 8);
	CHECK_INT_EQ(type_size(&type_name), 8);
	CHECK_INT_EQ(type_size(type_str(a, 0)), 8);
	CHECK_INT_EQ(type_size(type_str(a, 7)), 8);
	CHECK_INT_EQ(type_size(type_str(a, 8)), 16);
	CHECK_INT_EQ(type_size(type_str(a, 1027)), 1032);
}

static void test_join_ints(struct arena *a)
{
	const struct type *u8 = type_int(a, 1, false, UNIT_NONE);
	const struct type *s32 = type_int(a, 4, true, UNIT_NONE);
	const struct type *ns = type_int(a, 8, false, UNIT_NS);
	const struct type *us = type_int(a, 8, false, UNIT_US);

	CHECK_STR_EQ(type_text(a, type_join(a, u8, s32)), "int32");
	CHECK_STR_EQ(type_text(a, type_join(a, s32, u8)), "int32");
	CHECK_STR_EQ(type_text(a, type_join(a, ns, ns)), "uint64 ns");
	CHECK_STR_EQ(type_text(a, type_join(a, ns, us)), "uint64");
	CHECK_STR_EQ(type_text(a, type_join(a, ns, u8)), "uint64");
}

static void test_join_others(struct arena *a)
{
	static const struct shape names = { .name = "symbol",
					    .size = 8,
					    .names = true },
				  none = { .name = "other", .size = 8 };
	const struct type symbol = { .kind = TYPE_SHOWN, .shape = &names },
			  other = { .kind = TYPE_SHOWN, .shape = &none };
	const struct type *user = type_ptr(a, &type_u64, SPACE_USER);
	const struct type *kernel = type_ptr(a, &type_u64, SPACE_KERNEL);

	CHECK_INT_EQ(type_join(a, type_str(a, 3), type_str(a, 15))->limit, 15);
	CHECK_INT_EQ(type_join(a, type_str(a, 15), type_str(a, 3))->limit, 15);
	CHECK(type_join(a, user, type_ptr(a, &type_u64, SPACE_USER)));
	CHECK_INT_EQ(type_join(a, user, kernel)->space, SPACE_ANY);
	CHECK(!type_join(a, user, type_ptr(a, &type_s64, SPACE_USER)));
	CHECK(!type_join(a, &type_u64, type_str(a, 3)));
	CHECK(!type_join(a, &type_name, type_str(a, 3)));
	CHECK(type_join(a, &type_name, &type_name) == &type_name);
	CHECK(type_join(a, &type_name, &symbol) == &symbol);
	CHECK(type_join(a, &symbol, &type_name) == &symbol);
	CHECK(!type_join(a, &other, &type_name));
}

/* What a join gives must hold both: joining again changes nothing. */
static void test_join_is_upper_bound(struct arena *a)
{
	const struct type *all[24];
	size_t n = 0;

	for (unsigned size = 1; size <= 8; size *= 2)
		for (int is_signed = 0; is_signed < 2; is_signed++)
			for (enum unit u = UNIT_NONE; u <= UNIT_US; u++)
				all[n++] = type_int(a, size, is_signed, u);
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++) {
			const struct type *t = type_join(a, all[i], all[j]);

			CHECK(type_equal(t, type_join(a, all[j], all[i])));
			CHECK(type_equal(t, type_join(a, t, all[i])));
			CHECK(type_equal(t, type_join(a, all[j], t)));
		}
	}
}

static void test_texts(struct arena *a)
{
	const struct type *p = type_ptr(a, type_int(a, 1, true, UNIT_NONE), SPACE_USER);

	CHECK_STR_EQ(type_text(a, p), "int8 *");
	CHECK_STR_EQ(type_text(a, type_ptr(a, p, SPACE_USER)), "int8 **");
	CHECK_STR_EQ(type_text(a, type_ptr(a, &type_void, SPACE_KERNEL)), "void *");
	CHECK_STR_EQ(type_text(a, type_str(a, 64)), "string[64]");
	CHECK_STR_EQ(type_text(a, type_int(a, 2, false, UNIT_MS)), "uint16 ms");
}

int main(void)
{
	struct arena *a = arena_new();

	test_sizes(a);
	test_join_ints(a);
	test_join_others(a);
	test_join_is_upper_bound(a);
	test_texts(a);
	arena_free(a);
	return test_failures();
}
