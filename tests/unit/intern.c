/* Equal strings are one pointer, also after the table has grown. */
#include "core/intern.h"

#include "core/arena.h"
#include "test.h"

int main(void)
{
	struct arena *a = arena_new();
	struct intern *t = intern_new(a);
	const char *first[2000];
	char word[] = "word";
	bool same = true;

	CHECK(intern_str(t, "word") == intern_str(t, word));
	CHECK(intern(t, "words", 4) == intern_str(t, "word"));
	CHECK(intern_str(t, "word") != intern_str(t, "words"));
	CHECK_STR_EQ(intern(t, "cut here", 3), "cut");
	CHECK_STR_EQ(intern(t, "", 0), "");

	/* A NUL is a byte like others. */
	CHECK(intern(t, "a\0b", 3) != intern(t, "a\0c", 3));
	CHECK(intern(t, "a\0b", 3) != intern(t, "a", 1));
	CHECK(memcmp(intern(t, "a\0b", 3), "a\0b", 4) == 0);

	for (int i = 0; i < 2000; i++)
		first[i] = intern_str(t, arena_printf(a, "name%d", i));
	for (int i = 0; i < 2000; i++)
		same &= first[i] == intern_str(t, arena_printf(a, "name%d", i));
	CHECK(same);
	arena_free(a);
	return test_failures();
}
