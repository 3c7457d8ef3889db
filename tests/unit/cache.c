#include "tests/unit/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "runtime/cache.h"

/* How many files there are, and the path of one of them. */
static size_t list(const char *directory, char *one, size_t size)
{
	DIR *dir = opendir(directory);
	struct dirent *d;
	size_t n = 0;

	while (dir && (d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(one, size, "%s/%s", directory, d->d_name);
		n++;
	}
	closedir(dir);
	return n;
}

static const char *found(struct object_cache *c, struct arena *a, const char *key)
{
	size_t size;
	const char *object = c->find(c, a, key, strlen(key), &size);

	return object ? arena_strndup(a, object, size) : "(none)";
}

static void keep(struct object_cache *c, const char *key, const char *object)
{
	c->keep(c, key, strlen(key), object, strlen(object));
}

static void test_keeps(const char *directory)
{
	struct object_cache *c = cache_open(directory);
	struct arena *a = arena_new();
	char path[512];

	CHECK_STR_EQ(found(c, a, "key"), "(none)");
	keep(c, "key", "object");
	keep(c, "other", "");
	CHECK_STR_EQ(found(c, a, "key"), "object");
	CHECK_STR_EQ(found(c, a, "other"), "");
	CHECK_STR_EQ(found(c, a, "ke"), "(none)");
	keep(c, "key", "another");
	CHECK_STR_EQ(found(c, a, "key"), "another");
	CHECK(list(directory, path, sizeof(path)) == 2);
	arena_free(a);
	cache_close(c);
}

/* What somebody else could have written is not read. */
static void test_refuses(const char *directory)
{
	struct object_cache *c = cache_open(directory);
	struct arena *a = arena_new();
	char path[512], moved[600];
	int fd;

	keep(c, "key", "object");
	CHECK(list(directory, path, sizeof(path)) == 1);
	chmod(path, 0620);
	CHECK_STR_EQ(found(c, a, "key"), "(none)");
	chmod(path, 0600);
	CHECK_STR_EQ(found(c, a, "key"), "object");
	if (!geteuid()) {
		CHECK(!chown(path, 1, 1));
		CHECK_STR_EQ(found(c, a, "key"), "(none)");
		CHECK(!chown(path, 0, 0));
	}

	snprintf(moved, sizeof(moved), "%s.moved", path);
	CHECK(!link(path, moved));
	CHECK_STR_EQ(found(c, a, "key"), "(none)"); /* it has two names */
	unlink(path);
	CHECK(!symlink(moved, path));
	CHECK_STR_EQ(found(c, a, "key"), "(none)");
	CHECK(!rename(moved, path));
	CHECK_STR_EQ(found(c, a, "key"), "object");

	fd = open(path, O_RDWR);
	CHECK(lseek(fd, -1, SEEK_END) > 0 && write(fd, "x", 1) == 1);
	CHECK_STR_EQ(found(c, a, "key"), "(none)");
	CHECK(!ftruncate(fd, 20));
	CHECK_STR_EQ(found(c, a, "key"), "(none)");
	close(fd);
	keep(c, "key", "object");
	CHECK_STR_EQ(found(c, a, "key"), "object");
	cache_close(c);

	chmod(directory, 0750);
	CHECK(!cache_open(directory));
	chmod(directory, 0700);
	snprintf(moved, sizeof(moved), "%s.link", directory);
	CHECK(!symlink(directory, moved));
	CHECK(!cache_open(moved));
	unlink(moved);
	arena_free(a);
}

static void test_bounded(const char *directory)
{
	struct object_cache *c = cache_open(directory);
	const size_t size = CACHE_BYTES_MAX / 8;
	char *object = calloc(4, size), key[16], path[512];
	struct arena *a = arena_new();
	size_t n;

	for (int i = 0; i < 12; i++) {
		snprintf(key, sizeof(key), "key%d", i);
		c->keep(c, key, strlen(key), object, size);
	}
	CHECK(list(directory, path, sizeof(path)) == 7);
	CHECK(!c->find(c, a, "key0", 4, &n));
	CHECK(c->find(c, a, "key11", 5, &n) && n == size);
	c->keep(c, "huge", 4, object, CACHE_BYTES_MAX / 2);
	CHECK(!c->find(c, a, "huge", 4, &n));
	free(object);
	arena_free(a);
	cache_close(c);
}

static void make_file(const char *directory, const char *name, off_t size)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	CHECK(fd >= 0 && !ftruncate(fd, size));
	close(fd);
}

/* Room is made by removing what the cache wrote, nothing else that lies there. */
static void test_leaves_others(const char *directory)
{
	struct object_cache *c = cache_open(directory);
	struct arena *a = arena_new();
	char path[512];

	make_file(directory, "notes.txt", CACHE_BYTES_MAX + 1);
	make_file(directory, "0123456789abcdef0", 1);
	make_file(directory, "new.c", 1);
	make_file(directory, "new.4194305", CACHE_BYTES_MAX); /* of one that crashed */
	keep(c, "key", "object");
	CHECK_STR_EQ(found(c, a, "key"), "object");
	CHECK(list(directory, path, sizeof(path)) == 4);
	snprintf(path, sizeof(path), "%s/notes.txt", directory);
	CHECK(!access(path, F_OK));
	snprintf(path, sizeof(path), "%s/new.4194305", directory);
	CHECK(access(path, F_OK));
	arena_free(a);
	cache_close(c);
}

int main(void)
{
	static void (*const tests[])(const char *) = {
		test_keeps,
		test_refuses,
		test_bounded,
		test_leaves_others,
	};

	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		char directory[] = "/tmp/memql-cache.XXXXXX", path[512];

		CHECK(mkdtemp(directory));
		tests[i](directory);
		while (list(directory, path, sizeof(path)))
			unlink(path);
		CHECK(!rmdir(directory));
	}
	return test_failures();
}
