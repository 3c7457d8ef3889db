#include <string.h>
#include <unistd.h>

#include "cli/progress.h"
#include "tests/unit/test.h"

static size_t seven(const void *of)
{
	(void)of;
	return 7;
}

static const struct progress_of work = { "Attaching", 10, seven, NULL };

/* What comes through a pipe until it ends. */
static void read_rest(int fd, char *text, size_t size)
{
	size_t n = strlen(text);
	ssize_t got;

	while (n + 1 < size && (got = read(fd, text + n, size - n - 1)) > 0)
		n += (size_t)got;
	text[n] = '\0';
}

static void test_long_work(void)
{
	static const char shown[] = "Attaching: 7 of 10\r";
	char text[65536] = "";
	struct progress *p;
	int fds[2];

	if (!CHECK(!pipe(fds)))
		return;
	p = progress_start(fds[1], 0, &work);
	CHECK(p);
	/* The work takes until the line is there. */
	CHECK_INT_EQ(read(fds[0], text, sizeof(shown) - 1), sizeof(shown) - 1);
	progress_stop(p);
	close(fds[1]);
	read_rest(fds[0], text, sizeof(text));
	close(fds[0]);
	CHECK(strncmp(text, shown, sizeof(shown) - 1) == 0);
	CHECK_STR_EQ(strlen(text) > 4 ? text + strlen(text) - 4 : text, "\r\033[K");
}

static void test_short_work(void)
{
	char text[100] = "";
	int fds[2];

	if (!CHECK(!pipe(fds)))
		return;
	progress_stop(progress_start(fds[1], 3600 * 1000, &work));
	progress_stop(NULL);
	close(fds[1]);
	read_rest(fds[0], text, sizeof(text));
	close(fds[0]);
	CHECK_STR_EQ(text, "");
}

int main(void)
{
	test_long_work();
	test_short_work();
	return test_failures();
}
