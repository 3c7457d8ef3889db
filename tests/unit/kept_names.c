/* runtime/kept_names.c: the kernel's lists, from one start to the next. */
#include "runtime/kept_names.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/cache.h"
#include "tests/unit/test.h"

static const char listing[] = "ffffffff81000100 t do_work\n"
			      "ffffffff81000200 t do_work\n"
			      "ffffffff81000300 T vfs_read\n"
			      "ffffffff81000300 T __vfs_read\n"
			      "ffffffffc0001000 t ext_read\t[ext]\n";

static char path[] = "/tmp/memql-kept-XXXXXX", directory[] = "/tmp/memql-kept-XXXXXX";
static int times; /* that the list was read */

static int read_all(struct kernel_names *out, void *arg)
{
	times++;
	return arg ? *(int *)arg : kernel_functions_read_symbols(path, out);
}

/* Of what is listed here as __vfs_read. */
static int read_aliases(struct kernel_names *out, void *arg)
{
	struct kernel_names all = { 0 }, one;
	int err;

	(void)arg;
	times++;
	CHECK_INT_EQ(kernel_functions_read_symbols(path, &all), 0);
	one = (struct kernel_names){ .items = &all.items[3],
				     .n = 1,
				     .texts = all.texts };
	err = kernel_functions_read_aliases(path, &one, out);
	kernel_names_free(&all);
	return err;
}

static int add(const char *module, const char *name, void *arg)
{
	char *found = arg;

	strcat(strcat(strcat(strcat(found, " "), module), ":"), name);
	return 0;
}

static void test_lists(struct object_cache *c)
{
	for (int i = 0; i < 2; i++) {
		struct kernel_names k = { 0 };
		char found[256] = "";

		CHECK_INT_EQ(kept_names_read(c, "functions", read_all, NULL, &k), 0);
		CHECK_INT_EQ(kernel_names_each(&k, "*", "*", add, found), 0);
		CHECK_STR_EQ(found, " vmlinux:do_work vmlinux:do_work "
				    "vmlinux:vfs_read vmlinux:__vfs_read "
				    "ext:ext_read");
		CHECK_INT_EQ(times, 1);
		kernel_names_free(&k);
	}
	for (int i = 0; i < 2; i++) {
		struct kernel_names k = { 0 };
		char found[256] = "";

		CHECK_INT_EQ(kept_names_read(c, "aliases", read_aliases, NULL, &k), 0);
		CHECK_INT_EQ(kernel_aliases_each(&k, "*", "vfs_*", add, found), 0);
		CHECK_STR_EQ(found, " vmlinux:vfs_read");
		CHECK_INT_EQ(times, 2);
		kernel_names_free(&k);
	}
}

static void test_nothing_kept(struct object_cache *c)
{
	struct kernel_names k = { 0 };
	int err = -EACCES;

	times = 0;
	for (int i = 0; i < 2; i++) {
		CHECK_INT_EQ(kept_names_read(c, "refused", read_all, &err, &k), err);
		CHECK_INT_EQ(kept_names_read(NULL, "functions", read_all, NULL, &k), 0);
		CHECK_INT_EQ(k.n, 5);
		kernel_names_free(&k);
	}
	CHECK_INT_EQ(times, 4);
}

int main(void)
{
	int fd = mkstemp(path);
	struct object_cache *c;
	struct dirent *d;
	DIR *dir;

	CHECK_INT_EQ(write(fd, listing, strlen(listing)), strlen(listing));
	close(fd);
	CHECK(mkdtemp(directory));
	c = cache_open(directory);
	if (CHECK(c)) {
		test_lists(c);
		test_nothing_kept(c);
	}
	cache_close(c);
	dir = opendir(directory);
	while ((d = readdir(dir)))
		if (d->d_name[0] != '.')
			unlinkat(dirfd(dir), d->d_name, 0);
	closedir(dir);
	CHECK(!rmdir(directory));
	unlink(path);
	return test_failures();
}
