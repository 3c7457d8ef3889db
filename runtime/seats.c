#include "runtime/seats.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "codegen/image.h"
#include "core/arena.h"

enum { BYTES = IMAGE_SEATS_MAX * sizeof(struct image_seat) };

static void unmap(void *seats)
{
	munmap(seats, BYTES);
}

int seats_open(struct arena *a, int fd, struct image_seat **out)
{
	void *at = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return -errno;
	arena_defer(a, unmap, at);
	*out = at;
	return 0;
}

static uint64_t word(const uint64_t *at)
{
	return __atomic_load_n(at, __ATOMIC_RELAXED);
}

static void set_word(uint64_t *at, uint64_t n)
{
	__atomic_store_n(at, n, __ATOMIC_RELAXED);
}

static void delete_entry(struct image_seat *seat)
{
	set_word(&seat->set, 0);
	set_word(&seat->value, 0);
}

void seats_each(struct image_seat *seats, bool take,
		void (*found)(const struct map_entry *e, void *arg), void *arg)
{
	for (size_t i = 0; i < IMAGE_SEATS_MAX; i++) {
		uint64_t owner = word(&seats[i].owner);
		uint64_t value[] = { word(&seats[i].value), word(&seats[i].set) };
		const struct map_entry e = { .key = (const unsigned char *)&owner,
					     .value = (const unsigned char *)value };

		if (!value[1])
			continue;
		if (take)
			delete_entry(&seats[i]);
		found(&e, arg);
	}
}

/* A reader that keeps all. */
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

void seats_read(struct image_seat *seats, bool take, const struct map_info *map,
		struct arena *a, struct map_entries *out)
{
	struct collector c = { map, a, out };

	seats_each(seats, take, collect, &c);
}

void seats_write_zero(struct image_seat *seats)
{
	for (size_t i = 0; i < IMAGE_SEATS_MAX; i++)
		if (word(&seats[i].set))
			set_word(&seats[i].value, 0);
}

void seats_delete_all(struct image_seat *seats)
{
	for (size_t i = 0; i < IMAGE_SEATS_MAX; i++)
		if (word(&seats[i].set))
			delete_entry(&seats[i]);
}
