/* Libraries of the processes that run a program: a child of this one runs it. */
#include "runtime/objects.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"

struct found {
	unsigned n;
	char path[PATH_MAX];
};

static int count(const char *path, void *arg)
{
	struct found *f = arg;

	f->n++;
	snprintf(f->path, sizeof(f->path), "%s", path);
	return 0;
}

static unsigned find(const char *object, int32_t pid, struct found *f)
{
	struct objects *o = objects_new();
	unsigned nprocesses = 0;

	f->n = 0;
	CHECK_INT_EQ(objects_find(o, object, pid, count, f, &nprocesses), 0);
	objects_free(o);
	return f->n;
}

/* What was found is told again, though the process is no more. */
static void find_again(struct objects *o, pid_t child)
{
	unsigned nprocesses = 0;
	struct found f = { 0 };

	CHECK_INT_EQ(objects_find(o, "*/unit_objects", child, count, &f, &nprocesses),
		     0);
	CHECK_INT_EQ(f.n, 1);
	CHECK_INT_EQ(objects_find(o, "*/unit_no", child, count, &f, &nprocesses), 0);
	CHECK_INT_EQ(f.n, 1);
}

int main(void)
{
	struct found f = { 0 }, one = { 0 };
	struct objects *o = objects_new();
	char self[PATH_MAX], object[PATH_MAX + 16];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	pid_t child = fork();

	if (child == 0) {
		pause();
		_exit(0);
	}
	CHECK(n > 0 && child > 0);
	self[n] = '\0';

	CHECK_INT_EQ(find("*/unit_objects//libc", 0, &f), 1);
	CHECK(strstr(f.path, "libc.so") != NULL);
	snprintf(object, sizeof(object), "%s//libc.so.6", self);
	CHECK_INT_EQ(find(object, 0, &one), 1);
	CHECK_STR_EQ(one.path, f.path);
	CHECK_INT_EQ(find("*/unit_objects//libc", child, &one), 1);
	CHECK_STR_EQ(one.path, f.path);

	CHECK_INT_EQ(find("*/unit_objects//libno", 0, &one), 0);
	CHECK_INT_EQ(find("*/unit_no//libc", 0, &one), 0);
	CHECK_INT_EQ(find("*/unit_no//libc", child, &one), 0);
	CHECK_INT_EQ(find("/no/such/file//libc", 0, &one), 0);

	find_again(o, child);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	find_again(o, child);
	objects_free(o);
	return test_failures();
}
