/* The arena: alignment, zeroes, growth, and the order of deferred closers. */
#include "core/arena.h"

#include <stdalign.h>

#include "test.h"

static void blocks_are_zeroed_and_aligned(struct arena *a)
{
	static const size_t sizes[] = { 0, 1, 7, 16, 1000, 16 << 10, 70000, 1 << 20 };

	for (int round = 0; round < 20; round++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			unsigned char *p = arena_alloc(a, sizes[i]);
			unsigned char any = 0;

			CHECK(p != NULL);
			CHECK_INT_EQ((uintptr_t)p % alignof(max_align_t), 0);
			for (size_t k = 0; k < sizes[i]; k++)
				any |= p[k];
			CHECK_INT_EQ(any, 0);
			memset(p, 0xff, sizes[i]);
		}
	}
}

static void strings_are_copied(struct arena *a)
{
	char text[] = "abcdef";
	char *copy = arena_strndup(a, text, 3), *whole = arena_strdup(a, text);

	text[0] = 'x';
	CHECK_STR_EQ(copy, "abc");
	CHECK_STR_EQ(whole, "abcdef");
	CHECK_STR_EQ(arena_strndup(a, NULL, 0), "");
	CHECK_STR_EQ(arena_printf(a, "%s-%d", "n", 42), "n-42");
	CHECK_INT_EQ(strlen(arena_printf(a, "%100000s", "x")), 100000);
}

static void arrays_grow(struct arena *a)
{
	struct {
		int *items;
		size_t n, cap;
	} v = { 0 };
	bool same = true;

	for (int i = 0; i < 10000; i++)
		ARENA_PUSH(a, &v, i);
	for (int i = 0; i < 10000; i++)
		same &= v.items[i] == i;
	CHECK_INT_EQ(v.n, 10000);
	CHECK(same);
}

static char order[3];
static size_t closed;

static void note_closing(void *object)
{
	order[closed++] = *(char *)object;
}

/* What is closed may still look at arena memory. */
static void closers_run_newest_first(void)
{
	struct arena *a = arena_new();

	arena_defer(a, note_closing, arena_strdup(a, "1"));
	arena_defer(a, note_closing, arena_strdup(a, "2"));
	arena_free(a);
	CHECK_STR_EQ(order, "21");
	arena_free(NULL);
}

int main(void)
{
	struct arena *a = arena_new();

	blocks_are_zeroed_and_aligned(a);
	strings_are_copied(a);
	arrays_grow(a);
	arena_free(a);
	closers_run_newest_first();
	return test_failures();
}
