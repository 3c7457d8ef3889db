#include "runtime/seats.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "codegen/image.h"

enum { PART = 2048 /* seats that are mapped at once, if these are whole pages */ };

static size_t part_seats(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t n = PART;

	while (n < IMAGE_SEATS_MAX && n * sizeof(struct image_seat) % page)
		n *= 2;
	return n;
}

/* Whoever gets the entries, or NULL. */
struct reader {
	enum map_then then;
	void (*found)(const struct map_entry *e, void *arg);
	void *arg;
};

/* "set" comes last when a program makes an entry: with it, the others are there. */
static void read_seat(struct image_seat *seat, const struct reader *r)
{
	uint64_t set = __atomic_load_n(&seat->set, __ATOMIC_ACQUIRE),
		 owner = seat->owner;
	uint64_t value[2] = { 0, set };
	const struct map_entry e = { .key = (const unsigned char *)&owner,
				     .value = (const unsigned char *)value };

	if (!set)
		return;
	if (r->then == MAP_CLEAR)
		__atomic_store_n(&seat->set, 0, __ATOMIC_RELAXED);
	value[0] = r->then == MAP_KEEP
			   ? __atomic_load_n(&seat->value, __ATOMIC_RELAXED)
			   : __atomic_exchange_n(&seat->value, 0, __ATOMIC_RELAXED);
	if (r->found)
		r->found(&e, r->arg);
}

static int read_all(int fd, const struct reader *r)
{
	const size_t n = part_seats(), bytes = n * sizeof(struct image_seat);

	for (size_t first = 0; first < IMAGE_SEATS_MAX; first += n) {
		struct image_seat *part =
			mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			     (off_t)(first * sizeof(*part)));

		if (part == MAP_FAILED)
			return -errno;
		for (size_t i = 0; i < n; i++)
			read_seat(&part[i], r);
		munmap(part, bytes);
	}
	return 0;
}

int seats_each(int fd, enum map_then then,
	       void (*found)(const struct map_entry *e, void *arg), void *arg)
{
	return read_all(fd, &(struct reader){ then, found, arg });
}

int seats_write_zero(int fd)
{
	return seats_each(fd, MAP_ZERO, NULL, NULL);
}

int seats_delete_all(int fd)
{
	return seats_each(fd, MAP_CLEAR, NULL, NULL);
}
