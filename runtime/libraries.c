#include "runtime/libraries.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The current format of ld.so.cache (since glibc 2.2): this header, entries, strings. */
struct cache_header {
	char magic[17], version[3];
	uint32_t nlibs, len_strings;
	uint8_t flags, padding[3];
	uint32_t extensions, unused[3];
};

struct cache_entry {
	int32_t flags;
	uint32_t name, path; /* offsets from the header */
	uint32_t os_version;
	uint64_t hardware;
};

static const char cache_magic[] = "glibc-ld.so.cache";

/* ELF, C library 6, and the machine. */
#if defined(__x86_64__)
enum { CACHE_FLAGS = 0x0303 };
static const char multiarch[] = "x86_64-linux-gnu";
#endif

bool library_is_called(const char *file, const char *name)
{
	const char *p = file;
	size_t len = strlen(name);

	if (strcmp(file, name) == 0)
		return true;
	if (strncmp(name, "lib", 3) != 0) {
		if (strncmp(p, "lib", 3) != 0)
			return false;
		p += 3;
	}
	/* "libpq" is libpq.so.5, "libpq.so" is, but not libpqtypes.so. */
	if (strncmp(p, name, len) != 0)
		return false;
	return strncmp(p + len, ".so", 3) == 0 ||
	       (strstr(name, ".so") && (p[len] == '.' || p[len] == '\0'));
}

static int search_cache(const char *cache, size_t size, const char *name, char *out,
			size_t out_size)
{
	struct cache_header h;
	size_t i;

	if (size < sizeof(h))
		return -ENOENT;
	memcpy(&h, cache, sizeof(h));
	if (memcmp(h.magic, cache_magic, sizeof(h.magic)) != 0 ||
	    h.nlibs > (size - sizeof(h)) / sizeof(struct cache_entry) ||
	    cache[size - 1] != '\0')
		return -ENOENT;
	for (i = 0; i < h.nlibs; i++) {
		struct cache_entry e;

		memcpy(&e, cache + sizeof(h) + i * sizeof(e), sizeof(e));
		if (e.flags != CACHE_FLAGS || e.name >= size || e.path >= size ||
		    !library_is_called(cache + e.name, name) ||
		    access(cache + e.path, F_OK) < 0)
			continue;
		snprintf(out, out_size, "%s", cache + e.path);
		return 0;
	}
	return -ENOENT;
}

static int find_in_cache(const char *name, char *out, size_t size)
{
	int fd = open("/etc/ld.so.cache", O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *cache;
	int err = -ENOENT;

	if (fd < 0)
		return -ENOENT;
	if (fstat(fd, &st) == 0 && st.st_size > 0) {
		cache = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (cache != MAP_FAILED) {
			err = search_cache(cache, (size_t)st.st_size, name, out, size);
			munmap(cache, (size_t)st.st_size);
		}
	}
	close(fd);
	return err;
}

static int find_in_directory(const char *path, const char *name, char *out, size_t size)
{
	DIR *dir = opendir(path);
	struct dirent *d;
	int err = -ENOENT;

	if (!dir)
		return -ENOENT;
	while (err && (d = readdir(dir))) {
		if (!library_is_called(d->d_name, name))
			continue;
		snprintf(out, size, "%s/%s", path, d->d_name);
		err = 0;
	}
	closedir(dir);
	return err;
}

int library_find(const char *name, char *out, size_t size)
{
	static const char *const dirs[] = {
		"/usr/local/lib", "/lib", "/usr/lib", "/lib64", "/usr/lib64",
	};
	char path[PATH_MAX];
	size_t i;

	if (find_in_cache(name, out, size) == 0)
		return 0;
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dirs[i], multiarch);
		if (find_in_directory(path, name, out, size) == 0 ||
		    find_in_directory(dirs[i], name, out, size) == 0)
			return 0;
	}
	return -ENOENT;
}
