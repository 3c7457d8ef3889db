/* Cold texts. */
#include "demo/slot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "demo/data.h"

int slot_open(struct slot *s, bool cold, const char *dir)
{
	*s = (struct slot){ .cold = cold, .fd = -1 };
	if (!cold)
		return 0;
	/*
	 * One file for each slot: two mappings of one file could become one region, in
	 * which a neighbour's fault maps our pages too (fault-around).
	 */
	s->fd = data_tmpfile(dir, 0);
	return s->fd < 0 ? s->fd : 0;
}

void slot_close(struct slot *s)
{
	if (s->map)
		munmap(s->map, s->size);
	if (s->fd >= 0)
		close(s->fd);
	*s = (struct slot){ .fd = -1 };
}

/* Room for `need` bytes, by whole pages; the mapping may move. 0 or -1 with errno. */
static int slot_grow(struct slot *s, size_t need)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = (need + page - 1) / page * page;
	char *map;

	if (size <= s->size)
		return 0;
	if (ftruncate(s->fd, (off_t)size) != 0)
		return -1;
	map = mmap(NULL, size, PROT_READ, MAP_SHARED, s->fd, 0);
	if (map == MAP_FAILED)
		return -1;
	if (s->map)
		munmap(s->map, s->size);
	s->map = map;
	s->size = size;
	return 0;
}

static int write_all(int fd, const char *p, size_t len)
{
	off_t at = 0;

	while (len) {
		ssize_t n = pwrite(fd, p, len, at);

		if (n < 0)
			return -1;
		p += n;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* mincore() tells of the page cache, not of our page table, which madvise emptied. */
static bool in_page_cache(const struct slot *s)
{
	unsigned char resident = 1;

	mincore(s->map, 1, &resident);
	return resident & 1;
}

const char *slot_place(struct slot *s, const char *text)
{
	size_t len = strlen(text) + 1;

	if (!s->cold)
		return text;
	if (slot_grow(s, len) != 0 || write_all(s->fd, text, len) != 0)
		return NULL;
	/* Order matters: a dirty page or a mapped one cannot leave the page cache. */
	if (fdatasync(s->fd) != 0 || madvise(s->map, s->size, MADV_DONTNEED) != 0)
		return NULL;
	posix_fadvise(s->fd, 0, 0, POSIX_FADV_DONTNEED);
	s->in_cache += in_page_cache(s);
	return s->map;
}
