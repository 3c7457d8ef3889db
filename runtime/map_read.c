#include "runtime/map_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "codegen/image.h"
#include "core/arena.h"
#include "sema/plan.h"

enum {
	BATCH_BYTES = 1 << 20, /* of keys and values per system call */
	BATCH_LEAST = 16,
	BATCH_MOST = 4096,
};

/* The kernel's ENOTSUPP, which user space has no name for. */
enum { KERNEL_ENOTSUPP = 524 };

static bool is_percpu(const struct map_info *map)
{
	return map->storage == MAP_PERCPU_SCALAR || map->storage == MAP_PERCPU_HASH;
}

/* Bytes the kernel transfers for one value: the cells of all possible CPUs. */
static size_t transfer_size(const struct map_info *map, unsigned ncpus)
{
	size_t cell = (map->value_size + 7) / 8 * 8;

	return is_percpu(map) ? cell * ncpus : cell;
}

/* The cells of all CPUs to one value, in so many bytes. */
static size_t value_room(const struct map_info *map)
{
	return (map->value_size + 7) / 8 * 8;
}

static void combine(const struct map_info *map, unsigned ncpus, unsigned char *value,
		    const unsigned char *cells)
{
	size_t cell = value_room(map);

	if (!is_percpu(map)) {
		memcpy(value, cells, map->value_size);
		return;
	}
	memset(value, 0, cell);
	for (unsigned cpu = 0; cpu < ncpus; cpu++)
		map->agg->agg->combine(value, cells + cpu * cell, &map->site);
}

void map_entry_copy(const struct map_info *map, struct arena *a, struct map_entry *e)
{
	e->key = memcpy(arena_alloc(a, map->key_size), e->key, map->key_size);
	e->value = memcpy(arena_alloc(a, value_room(map)), e->value, value_room(map));
}

static void add_entry(const struct map_info *map, unsigned ncpus, struct arena *a,
		      struct map_entries *out, const unsigned char *key,
		      const unsigned char *cells)
{
	unsigned char *value = arena_alloc(a, value_room(map));
	struct map_entry e = {
		.key = memcpy(arena_alloc(a, map->key_size), key, map->key_size),
		.value = value,
	};

	combine(map, ncpus, value, cells);
	ARENA_PUSH(a, out, e);
}

int map_read_entry(const struct map_info *map, int fd, unsigned ncpus, struct arena *a,
		   const unsigned char *key, struct map_entry *out)
{
	unsigned char *cells = arena_alloc(a, transfer_size(map, ncpus));
	unsigned char *value = arena_alloc(a, value_room(map));

	if (bpf_map_lookup_elem(fd, key, cells))
		return -errno;
	combine(map, ncpus, value, cells);
	out->key = key;
	out->value = value;
	return 0;
}

/* Room for one batch, which grows when a bucket does not fit. */
struct batch {
	unsigned char *keys, *cells;
	uint32_t room;
};

static bool batch_resize(struct batch *b, const struct map_info *map, size_t cells,
			 uint32_t room)
{
	free(b->keys);
	free(b->cells);
	b->keys = calloc(room, map->key_size);
	b->cells = calloc(room, cells);
	b->room = room;
	return b->keys && b->cells;
}

static uint32_t batch_room(const struct map_info *map, size_t cells)
{
	size_t n = BATCH_BYTES / (map->key_size + cells);

	return n < BATCH_LEAST  ? BATCH_LEAST
	       : n > BATCH_MOST ? BATCH_MOST
				: (uint32_t)n;
}

/* One system call: to look, or to take. */
static int batch_call(bool take, int fd, void *from, void *to, struct batch *b,
		      uint32_t *n)
{
	int err = take ? bpf_map_lookup_and_delete_batch(fd, from, to, b->keys,
							 b->cells, n, NULL)
		       : bpf_map_lookup_batch(fd, from, to, b->keys, b->cells, n, NULL);

	return err ? -errno : 0;
}

/* Whoever gets the entries; they last for the call. */
struct reader {
	void (*found)(const struct map_entry *e, void *arg);
	void *arg;
};

/*
 * Every entry, which is removed if take. The position between two calls is a bucket's
 * number, in room for a whole key because other kinds of map keep one there.
 */
static int read_batches(const struct map_info *map, int fd, unsigned ncpus, bool take,
			const struct reader *r)
{
	size_t cells = transfer_size(map, ncpus);
	unsigned char *at = calloc(1, map->key_size + 8);
	unsigned char *value = calloc(1, value_room(map));
	struct batch b = { 0 };
	bool first = true;
	int err = 0;

	if (!at || !value || !batch_resize(&b, map, cells, batch_room(map, cells)))
		err = -ENOMEM;
	while (!err) {
		uint32_t n = b.room;

		err = batch_call(take, fd, first ? NULL : at, at, &b, &n);
		/* A bucket with more entries than there is room. */
		if (err == -ENOSPC) {
			err = batch_resize(&b, map, cells, b.room * 2) ? 0 : -ENOMEM;
			continue;
		}
		if (err && err != -ENOENT)
			break;
		for (uint32_t i = 0; i < n; i++) {
			struct map_entry e = { .key = b.keys + i * map->key_size,
					       .value = value };

			combine(map, ncpus, value, b.cells + i * cells);
			r->found(&e, r->arg);
		}
		first = false;
	}
	free(at);
	free(value);
	free(b.keys);
	free(b.cells);
	return err == -ENOENT ? 0 : err;
}

void map_collect(const struct map_entry *e, void *arg)
{
	const struct map_collector *c = arg;
	struct map_entry copy = *e;

	map_entry_copy(c->map, c->arena, &copy);
	ARENA_PUSH(c->arena, c->out, copy);
}

static int collect_batches(const struct map_info *map, int fd, unsigned ncpus,
			   bool take, struct arena *a, struct map_entries *out)
{
	struct map_collector c = { map, a, out };

	return read_batches(map, fd, ncpus, take, &(struct reader){ map_collect, &c });
}

static int compare_keys(const void *x, const void *y, void *arg)
{
	const struct map_info *map = arg;

	return memcmp(((const struct map_entry *)x)->key,
		      ((const struct map_entry *)y)->key, map->key_size);
}

static void drop_repeated(const struct map_info *map, struct map_entries *e)
{
	size_t n = 0;

	if (!e->n)
		return;
	qsort_r(e->items, e->n, sizeof(*e->items), compare_keys, (void *)map);
	for (size_t i = 0; i < e->n; i++) {
		if (n && !compare_keys(&e->items[n - 1], &e->items[i], (void *)map))
			continue;
		e->items[n++] = e->items[i];
	}
	e->n = n;
}

/* For kernels without batches. An entry that vanishes meanwhile is not an error. */
static int read_one_by_one(const struct map_info *map, int fd, unsigned ncpus,
			   struct arena *a, struct map_entries *out)
{
	unsigned char *key = arena_alloc(a, map->key_size);
	unsigned char *cells = arena_alloc(a, transfer_size(map, ncpus));
	const unsigned char *prev = NULL;
	int err = 0;

	for (uint64_t i = 0; i < 2 * (uint64_t)map->max_entries; i++) {
		if (bpf_map_get_next_key(fd, prev, key)) {
			err = errno == ENOENT ? 0 : -errno;
			break;
		}
		prev = key;
		if (!bpf_map_lookup_elem(fd, key, cells))
			add_entry(map, ncpus, a, out, key, cells);
	}
	drop_repeated(map, out);
	return err;
}

static int read_scalar(const struct map_info *map, int fd, unsigned ncpus,
		       struct arena *a, struct map_entries *out)
{
	static const unsigned char zero[sizeof(uint32_t)];
	struct map_entry e = { 0 };
	int err = map_read_entry(map, fd, ncpus, a, zero, &e);

	if (!err)
		ARENA_PUSH(a, out, e);
	return err;
}

static bool has_no_batches(int err)
{
	return err == -EINVAL || err == -EOPNOTSUPP || err == -KERNEL_ENOTSUPP;
}

int map_each(const struct map_info *map, int fd, unsigned ncpus, bool take,
	     void (*found)(const struct map_entry *e, void *arg), void *arg)
{
	int err;

	if (!map->has_keys)
		return -EOPNOTSUPP;
	err = read_batches(map, fd, ncpus, take, &(struct reader){ found, arg });
	return has_no_batches(err) ? -EOPNOTSUPP : err;
}

int map_read(const struct map_info *map, int fd, unsigned ncpus, struct arena *a,
	     struct map_entries *out)
{
	int err;

	*out = (struct map_entries){ 0 };
	if (map->storage == MAP_SCALAR || map->storage == MAP_PERCPU_SCALAR)
		return read_scalar(map, fd, ncpus, a, out);
	err = collect_batches(map, fd, ncpus, false, a, out);
	if (has_no_batches(err))
		err = read_one_by_one(map, fd, ncpus, a, out);
	return err;
}

/* Nothing but the system calls comes between reading and writing. */
static int take_scalar(const struct map_info *map, int fd, unsigned ncpus,
		       bool keep_set, struct arena *a, struct map_entries *out)
{
	static const unsigned char zero[sizeof(uint32_t)];
	size_t set = map->value_size - sizeof(uint64_t);
	unsigned char *cells = arena_alloc(a, transfer_size(map, ncpus));
	unsigned char *zeros = arena_alloc(a, transfer_size(map, ncpus));
	unsigned char *value = arena_alloc(a, value_room(map));
	struct map_entry e = { .key = zero };

	if (bpf_map_lookup_elem(fd, zero, cells))
		return -errno;
	if (keep_set && map->storage == MAP_SCALAR)
		memcpy(zeros + set, cells + set, sizeof(uint64_t));
	if (bpf_map_update_elem(fd, zero, zeros, BPF_EXIST))
		return -errno;
	combine(map, ncpus, value, cells);
	e.value = value;
	ARENA_PUSH(a, out, e);
	return 0;
}

int map_take(const struct map_info *map, int fd, unsigned ncpus, bool keep_set,
	     struct arena *a, struct map_entries *out)
{
	int err;

	*out = (struct map_entries){ 0 };
	if (!map->has_keys)
		return take_scalar(map, fd, ncpus, keep_set, a, out);
	err = collect_batches(map, fd, ncpus, true, a, out);
	if (out->n || !has_no_batches(err))
		return err;
	err = read_one_by_one(map, fd, ncpus, a, out);
	for (size_t i = 0; !err && i < out->n; i++) {
		if (bpf_map_delete_elem(fd, out->items[i].key) && errno != ENOENT)
			err = -errno;
	}
	return err;
}

/* What is 0, and there: in the arena. */
static const unsigned char *zero_cells(const struct map_info *map, unsigned ncpus,
				       struct arena *a)
{
	unsigned char *cells = arena_alloc(a, transfer_size(map, ncpus));
	const uint64_t set = IMAGE_SET | IMAGE_HASHED;

	if (map->storage == MAP_KEPT)
		memcpy(cells + map->value_size - sizeof(set), &set, sizeof(set));
	return cells;
}

int map_insert_zero(const struct map_info *map, int fd, unsigned ncpus,
		    const struct map_entries *keys)
{
	struct arena *a = arena_new();
	const unsigned char *cells = zero_cells(map, ncpus, a);
	int err = 0;

	for (size_t i = 0; !err && i < keys->n; i++) {
		if (!bpf_map_update_elem(fd, keys->items[i].key, cells, BPF_NOEXIST))
			continue;
		/* The program was faster, with this key or with others. */
		if (errno != EEXIST && errno != E2BIG)
			err = -errno;
	}
	arena_free(a);
	return err;
}

/*
 * The keys that are there now, key_size bytes each, as a list made first: to delete the
 * first key until there is none would not end while a program inserts.
 */
static int read_keys(const struct map_info *map, int fd, struct arena *a,
		     struct map_entries *out)
{
	const unsigned char *prev = NULL;

	*out = (struct map_entries){ 0 };
	for (uint64_t i = 0; i < 2 * (uint64_t)map->max_entries; i++) {
		struct map_entry e = { 0 };
		unsigned char *key = arena_alloc(a, map->key_size);

		if (bpf_map_get_next_key(fd, prev, key))
			return errno == ENOENT ? 0 : -errno;
		e.key = prev = key;
		ARENA_PUSH(a, out, e);
	}
	return 0;
}

int64_t map_count(const struct map_info *map, int fd)
{
	struct map_entries keys;
	struct arena *a = arena_new();
	int err = read_keys(map, fd, a, &keys);

	arena_free(a);
	return err ? err : (int64_t)keys.n;
}

int map_delete_all(const struct map_info *map, int fd)
{
	struct map_entries keys;
	struct arena *a = arena_new();
	int err = read_keys(map, fd, a, &keys);

	for (size_t i = 0; !err && i < keys.n; i++) {
		if (bpf_map_delete_elem(fd, keys.items[i].key) && errno != ENOENT)
			err = -errno;
	}
	arena_free(a);
	return err;
}

int map_write_zero(const struct map_info *map, int fd, unsigned ncpus, bool keep_set)
{
	struct arena *a = arena_new();
	const unsigned char *cells = zero_cells(map, ncpus, a);
	struct map_entries keys = { 0 };
	int err;

	if (!map->has_keys) {
		err = take_scalar(map, fd, ncpus, keep_set, a, &keys);
		goto out;
	}
	err = read_keys(map, fd, a, &keys);
	for (size_t i = 0; !err && i < keys.n; i++) {
		/* One that was deleted meanwhile shall not come back. */
		if (bpf_map_update_elem(fd, keys.items[i].key, cells, BPF_EXIST) &&
		    errno != ENOENT)
			err = -errno;
	}
out:
	arena_free(a);
	return err;
}
