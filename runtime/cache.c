#include "runtime/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/arena.h"

/* A file: this, what it was compiled from, the object. */
struct header {
	char magic[8];
	/*
	 * Of the memql that wrote it. The time, in ns, is that of its last change (ctime):
	 * what builds or copies a file may set the other ones.
	 */
	uint64_t dev, ino, size, time;
	uint64_t key_size, object_size;
	uint64_t sum; /* of the object: a file may be damaged */
};

static const char magic[] = "memql o2";

enum { NAME_BYTES = 32 };

struct files {
	struct object_cache port;
	int directory;
	struct header self; /* sizes and sum are 0 */
};

/* As FNV-1a, by words: objects may have megabytes. */
static uint64_t add_to_sum(uint64_t sum, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	for (; n > 0; n -= n < sizeof(uint64_t) ? n : sizeof(uint64_t)) {
		uint64_t word = 0;

		memcpy(&word, p, n < sizeof(word) ? n : sizeof(word));
		sum = (sum ^ word) * 0x100000001b3;
		p += sizeof(word);
	}
	return sum;
}

static uint64_t sum_of(const void *bytes, size_t n)
{
	return add_to_sum(0xcbf29ce484222325, bytes, n);
}

/* The name only says where to look. */
static void file_name(const struct files *f, const void *key, size_t key_size,
		      char out[NAME_BYTES])
{
	uint64_t sum = add_to_sum(sum_of(&f->self, sizeof(f->self)), key, key_size);

	snprintf(out, NAME_BYTES, "%016" PRIx64, sum);
}

static bool is_private(const struct stat *st)
{
	return st->st_uid == geteuid() && !(st->st_mode & (S_IRWXG | S_IRWXO));
}

static bool is_ours(const struct header *h, const struct header *self)
{
	return memcmp(h, self, offsetof(struct header, key_size)) == 0;
}

/* A file that this user's memql may have written, and its size; or -1. */
static int open_private(const struct files *f, const char *name, size_t *size)
{
	int fd = openat(f->directory, name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || !is_private(&st) ||
	    st.st_nlink != 1 || st.st_size > CACHE_BYTES_MAX) {
		close(fd);
		return -1;
	}
	*size = (size_t)st.st_size;
	return fd;
}

static const void *find(struct object_cache *c, struct arena *a, const void *key,
			size_t key_size, size_t *size)
{
	const struct files *f = (const struct files *)c;
	const size_t front = sizeof(struct header) + key_size;
	unsigned char *bytes, *object = NULL;
	const struct header *h;
	char name[NAME_BYTES];
	size_t all;
	int fd;

	file_name(f, key, key_size, name);
	fd = open_private(f, name, &all);
	if (fd < 0)
		return NULL;
	bytes = arena_alloc(a, front);
	h = (const struct header *)bytes;
	if (all >= front) {
		const struct iovec parts[] = {
			{ bytes, front },
			{ object = arena_alloc(a, all - front + 1), all - front },
		};

		if (readv(fd, parts, 2) != (ssize_t)all)
			object = NULL;
	}
	close(fd);
	if (!object || !is_ours(h, &f->self) || h->key_size != key_size ||
	    h->object_size != all - front ||
	    memcmp(bytes + sizeof(*h), key, key_size) != 0 ||
	    h->sum != sum_of(object, h->object_size))
		return NULL;
	/* The least recently used make room first. */
	utimensat(f->directory, name, NULL, AT_SYMLINK_NOFOLLOW);
	*size = h->object_size;
	return object;
}

struct entry {
	char name[NAME_BYTES];
	off_t size;
	struct timespec time;
};

static int compare_times(const void *x, const void *y)
{
	const struct timespec *a = &((const struct entry *)x)->time;
	const struct timespec *b = &((const struct entry *)y)->time;

	if (a->tv_sec != b->tv_sec)
		return a->tv_sec < b->tv_sec ? -1 : 1;
	return (a->tv_nsec > b->tv_nsec) - (a->tv_nsec < b->tv_nsec);
}

/*
 * MEMQL_CACHE may name a directory with other files, which nobody asked to be deleted: only
 * names as keep() makes them are known.
 */
static bool is_cache_name(const char *name)
{
	static const char hex[] = "0123456789abcdef";

	if (strncmp(name, "new.", 4) == 0)
		return name[4] && !name[4 + strspn(name + 4, "0123456789")];
	return strlen(name) == 16 && strspn(name, hex) == 16;
}

/* All files of the cache, to the arena; their size together. */
static size_t list_files(const struct files *f, DIR *dir, struct arena *a,
			 struct entry **out, off_t *total)
{
	struct {
		struct entry *items;
		size_t n, cap;
	} found = { 0 };
	struct dirent *d;

	*total = 0;
	while ((d = readdir(dir))) {
		struct entry e = { 0 };
		struct stat st;

		if (!is_cache_name(d->d_name) || strlen(d->d_name) >= sizeof(e.name) ||
		    fstatat(f->directory, d->d_name, &st, AT_SYMLINK_NOFOLLOW) ||
		    !S_ISREG(st.st_mode))
			continue;
		memcpy(e.name, d->d_name, strlen(d->d_name) + 1);
		e.size = st.st_size;
		e.time = st.st_mtim;
		*total += e.size;
		ARENA_PUSH(a, &found, e);
	}
	*out = found.items;
	return found.n;
}

static void make_room(const struct files *f, size_t size)
{
	int fd = fcntl(f->directory, F_DUPFD_CLOEXEC, 0);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct entry *entries;
	struct arena *a;
	off_t total;
	size_t n;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	rewinddir(dir); /* its position is shared with the descriptor */
	a = arena_new();
	n = list_files(f, dir, a, &entries, &total);
	if (total + (off_t)size > CACHE_BYTES_MAX) {
		qsort(entries, n, sizeof(*entries), compare_times);
		for (size_t i = 0; i < n && total + (off_t)size > CACHE_BYTES_MAX; i++)
			if (!unlinkat(f->directory, entries[i].name, 0))
				total -= entries[i].size;
	}
	arena_free(a);
	closedir(dir);
}

/* Complete or not at all: under another name until it is. */
static void keep(struct object_cache *c, const void *key, size_t key_size,
		 const void *object, size_t size)
{
	const struct files *f = (const struct files *)c;
	struct header h = f->self;
	struct iovec parts[] = {
		{ &h, sizeof(h) },
		{ (void *)key, key_size },
		{ (void *)object, size },
	};
	const size_t all = sizeof(h) + key_size + size;
	char name[NAME_BYTES], temporary[NAME_BYTES];
	bool ok;
	int fd;

	if (all > CACHE_BYTES_MAX / 4)
		return;
	h.key_size = key_size;
	h.object_size = size;
	h.sum = sum_of(object, size);
	make_room(f, all);
	file_name(f, key, key_size, name);
	snprintf(temporary, sizeof(temporary), "new.%d", (int)getpid());
	unlinkat(f->directory, temporary, 0);
	fd = openat(f->directory, temporary,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	ok = writev(fd, parts, 3) == (ssize_t)all;
	if (close(fd) || !ok || renameat(f->directory, temporary, f->directory, name))
		unlinkat(f->directory, temporary, 0);
}

/* Where it is by default, made if need be; false: nowhere. */
static bool default_place(char out[PATH_MAX])
{
	const char *named = getenv("MEMQL_CACHE"), *home = getenv("HOME");
	const char *xdg = getenv("XDG_CACHE_HOME");
	char above[PATH_MAX];
	int n;

	/* Whoever owns the cache would choose what is loaded with rights that are not his. */
	if (getauxval(AT_SECURE))
		return false;
	if (named && *named) {
		n = snprintf(out, PATH_MAX, "%s", named);
	} else if (!geteuid()) {
		/* Root's $HOME may be that of who called sudo(8). */
		n = snprintf(out, PATH_MAX, "/var/cache/memql");
	} else if ((xdg && *xdg == '/') || home) {
		bool by_xdg = xdg && *xdg == '/';

		n = snprintf(above, sizeof(above), "%s%s/memql", by_xdg ? xdg : home,
			     by_xdg ? "" : "/.cache");
		if (n < 0 || n >= (int)sizeof(above))
			return false;
		mkdir(above, 0700);
		n = snprintf(out, PATH_MAX, "%.*s/objects", n, above);
	} else {
		return false;
	}
	return n > 0 && n < PATH_MAX && (!mkdir(out, 0700) || errno == EEXIST);
}

/* Another memql compiles to other objects. */
static bool know_self(struct header *h)
{
	struct stat st;

	if (stat("/proc/self/exe", &st))
		return false;
	memcpy(h->magic, magic, sizeof(h->magic));
	h->dev = st.st_dev;
	h->ino = st.st_ino;
	h->size = (uint64_t)st.st_size;
	h->time =
		(uint64_t)st.st_ctim.tv_sec * 1000000000 + (uint64_t)st.st_ctim.tv_nsec;
	return true;
}

struct object_cache *cache_open(const char *directory)
{
	struct files f = { .port = { find, keep } }, *out;
	char place[PATH_MAX];
	struct stat st;

	if (!know_self(&f.self) || (!directory && !default_place(place)))
		return NULL;
	f.directory = open(directory ? directory : place,
			   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (f.directory < 0)
		return NULL;
	out = malloc(sizeof(*out));
	if (!out || fstat(f.directory, &st) || !is_private(&st)) {
		close(f.directory);
		free(out);
		return NULL;
	}
	*out = f;
	return &out->port;
}

void cache_close(struct object_cache *c)
{
	struct files *f = (struct files *)c;

	if (!f)
		return;
	close(f->directory);
	free(f);
}
