#include "runtime/seats.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "codegen/image.h"
#include "core/arena.h"

enum { PART = 2048 /* seats that are mapped at once, if these are whole pages */ };

static uint64_t word(const uint64_t *at)
{
	return __atomic_load_n(at, __ATOMIC_RELAXED);
}

static void set_word(uint64_t *at, uint64_t n)
{
	__atomic_store_n(at, n, __ATOMIC_RELAXED);
}

static size_t part_seats(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t n = PART;

	while (n < IMAGE_SEATS_MAX && n * sizeof(struct image_seat) % page)
		n *= 2;
	return n;
}

/* What is done to each seat that is set. */
static int visit(int fd, void (*seat)(struct image_seat *seat, void *arg), void *arg)
{
	const size_t n = part_seats(), bytes = n * sizeof(struct image_seat);

	for (size_t first = 0; first < IMAGE_SEATS_MAX; first += n) {
		struct image_seat *part =
			mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			     (off_t)(first * sizeof(*part)));

		if (part == MAP_FAILED)
			return -errno;
		for (size_t i = 0; i < n; i++)
			if (word(&part[i].set))
				seat(&part[i], arg);
		munmap(part, bytes);
	}
	return 0;
}

static void delete_seat(struct image_seat *seat, void *unused)
{
	(void)unused;
	set_word(&seat->set, 0);
	set_word(&seat->value, 0);
}

static void zero_seat(struct image_seat *seat, void *unused)
{
	(void)unused;
	set_word(&seat->value, 0);
}

/* Whoever gets the entries. */
struct finder {
	bool take;
	void (*found)(const struct map_entry *e, void *arg);
	void *arg;
};

static void find_seat(struct image_seat *seat, void *arg)
{
	const struct finder *f = arg;
	uint64_t owner = word(&seat->owner);
	uint64_t value[] = { word(&seat->value), word(&seat->set) };
	const struct map_entry e = { .key = (const unsigned char *)&owner,
				     .value = (const unsigned char *)value };

	if (f->take)
		delete_seat(seat, NULL);
	f->found(&e, f->arg);
}

int seats_each(int fd, bool take, void (*found)(const struct map_entry *e, void *arg),
	       void *arg)
{
	struct finder f = { take, found, arg };

	return visit(fd, find_seat, &f);
}

/* A finder that keeps all. */
struct collector {
	const struct map_info *map;
	struct arena *arena;
	struct map_entries *out;
};

static void collect(const struct map_entry *e, void *arg)
{
	const struct collector *c = arg;
	struct map_entry copy = *e;

	map_entry_copy(c->map, c->arena, &copy);
	ARENA_PUSH(c->arena, c->out, copy);
}

int seats_read(int fd, bool take, const struct map_info *map, struct arena *a,
	       struct map_entries *out)
{
	struct collector c = { map, a, out };

	return seats_each(fd, take, collect, &c);
}

int seats_write_zero(int fd)
{
	return visit(fd, zero_seat, NULL);
}

int seats_delete_all(int fd)
{
	return visit(fd, delete_seat, NULL);
}
