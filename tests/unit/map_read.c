#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "core/arena.h"
#include "runtime/map_read.h"
#include "sema/plan.h"

enum { ENTRIES = 10000 };

static void add_words(void *into, const void *cell, const struct agg_site *site)
{
	(void)site;
	*(uint64_t *)into += *(const uint64_t *)cell;
}

static const struct agg_ops sum_ops = { .combine = add_words };
static const struct builtin sum_row = { .name = "s", .agg = &sum_ops };

static const struct map_info percpu = {
	.name = "@p",
	.has_keys = true,
	.agg = &sum_row,
	.storage = MAP_PERCPU_HASH,
	.key_size = 16,
	.value_size = 8,
	.max_entries = ENTRIES,
};

/* Each key's first word must be seen once, with the value it was given. */
static void check_entries(const struct map_entries *e, size_t n, size_t key_size,
			  uint64_t factor)
{
	unsigned char *seen = calloc(1, ENTRIES);

	CHECK_INT_EQ(e->n, n);
	for (size_t i = 0; i < e->n; i++) {
		uint64_t key = 0, value;

		memcpy(&key, e->items[i].key, key_size < 8 ? key_size : 8);
		memcpy(&value, e->items[i].value, 8);
		if (!CHECK(key < ENTRIES) || !CHECK(!seen[key]))
			break;
		seen[key] = 1;
		if (!CHECK_INT_EQ(value, factor ? key * factor : 1))
			break;
	}
	free(seen);
}

static void fill_percpu(int fd, unsigned ncpus)
{
	uint64_t *cells = calloc(ncpus, 8);

	for (uint64_t i = 0; i < ENTRIES; i++) {
		uint64_t key[2] = { i, 7 };

		for (unsigned cpu = 0; cpu < ncpus; cpu++)
			cells[cpu] = i;
		CHECK_INT_EQ(bpf_map_update_elem(fd, key, cells, BPF_ANY), 0);
	}
	free(cells);
}

/* More entries than a batch holds; cells of all CPUs are added. */
static void test_percpu(unsigned ncpus)
{
	struct arena *a = arena_new();
	struct map_entries e;
	struct map_entry one;
	uint64_t key[2] = { 5, 7 };
	int fd = bpf_map_create(BPF_MAP_TYPE_PERCPU_HASH, "t", 16, 8, ENTRIES, NULL);

	CHECK_INT_EQ(map_read(&percpu, fd, ncpus, a, &e), 0);
	CHECK_INT_EQ(e.n, 0);
	fill_percpu(fd, ncpus);
	CHECK_INT_EQ(map_read(&percpu, fd, ncpus, a, &e), 0);
	check_entries(&e, ENTRIES, 16, ncpus);

	CHECK_INT_EQ(map_read_entry(&percpu, fd, ncpus, a, (unsigned char *)key, &one),
		     0);
	CHECK_INT_EQ(*(const uint64_t *)one.value, 5 * ncpus);
	key[0] = ENTRIES;
	CHECK_INT_EQ(map_read_entry(&percpu, fd, ncpus, a, (unsigned char *)key, &one),
		     -ENOENT);

	CHECK_INT_EQ(map_write_zero(&percpu, fd, ncpus, true), 0);
	CHECK_INT_EQ(map_read(&percpu, fd, ncpus, a, &e), 0);
	CHECK_INT_EQ(e.n, ENTRIES);
	CHECK_INT_EQ(*(const uint64_t *)e.items[0].value, 0);
	CHECK_INT_EQ(map_delete_all(&percpu, fd), 0);
	CHECK_INT_EQ(map_read(&percpu, fd, ncpus, a, &e), 0);
	CHECK_INT_EQ(e.n, 0);

	/* Taken, all are read and gone; with zeros they are back. */
	fill_percpu(fd, ncpus);
	CHECK_INT_EQ(map_take(&percpu, fd, ncpus, false, a, &e), 0);
	check_entries(&e, ENTRIES, 16, ncpus);
	CHECK_INT_EQ(map_insert_zero(&percpu, fd, ncpus, &e), 0);
	CHECK_INT_EQ(map_insert_zero(&percpu, fd, ncpus, &e), 0);
	CHECK_INT_EQ(map_take(&percpu, fd, ncpus, false, a, &e), 0);
	CHECK_INT_EQ(e.n, ENTRIES);
	CHECK_INT_EQ(*(const uint64_t *)e.items[0].value, 0);
	CHECK_INT_EQ(map_read(&percpu, fd, ncpus, a, &e), 0);
	CHECK_INT_EQ(e.n, 0);
	close(fd);
	arena_free(a);
}

/* A kind of map that the kernel has no batches for: values are indexes of "lo". */
static void test_without_batches(void)
{
	const struct map_info map = {
		.name = "@d",
		.has_keys = true,
		.storage = MAP_HASH,
		.key_size = 4,
		.value_size = 4,
		.max_entries = 100,
	};
	struct arena *a = arena_new();
	struct map_entries e;
	int fd = bpf_map_create(BPF_MAP_TYPE_DEVMAP_HASH, "t", 4, 4, 100, NULL);
	uint32_t lo = 1, n = 0;

	for (uint32_t i = 0; fd >= 0 && i < 50; i++)
		n += !bpf_map_update_elem(fd, &i, &lo, BPF_ANY);
	if (n == 50) {
		CHECK_INT_EQ(map_read(&map, fd, 1, a, &e), 0);
		check_entries(&e, 50, 4, 0);
		CHECK_INT_EQ(map_take(&map, fd, 1, false, a, &e), 0);
		check_entries(&e, 50, 4, 0);
		CHECK_INT_EQ(map_read(&map, fd, 1, a, &e), 0);
		CHECK_INT_EQ(e.n, 0);
	}
	if (fd >= 0)
		close(fd);
	arena_free(a);
}

static void test_scalar(void)
{
	const struct map_info map = {
		.name = "@s",
		.storage = MAP_SCALAR,
		.key_size = 4,
		.value_size = 16,
		.max_entries = 1,
	};
	const uint64_t words[2] = { 42, 1 };
	const uint32_t zero = 0;
	struct arena *a = arena_new();
	struct map_entries e;
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "t", 4, 16, 1, NULL);

	CHECK_INT_EQ(bpf_map_update_elem(fd, &zero, words, BPF_ANY), 0);
	CHECK_INT_EQ(map_read(&map, fd, 1, a, &e), 0);
	CHECK_INT_EQ(e.n, 1);
	CHECK(!memcmp(e.items[0].value, words, sizeof(words)));

	/* zero() keeps it set, clear() does not. */
	CHECK_INT_EQ(map_write_zero(&map, fd, 1, true), 0);
	CHECK_INT_EQ(map_read(&map, fd, 1, a, &e), 0);
	CHECK_INT_EQ(((const uint64_t *)e.items[0].value)[0], 0);
	CHECK_INT_EQ(((const uint64_t *)e.items[0].value)[1], 1);
	CHECK_INT_EQ(map_write_zero(&map, fd, 1, false), 0);
	CHECK_INT_EQ(map_read(&map, fd, 1, a, &e), 0);
	CHECK_INT_EQ(((const uint64_t *)e.items[0].value)[1], 0);
	close(fd);
	arena_free(a);
}

int main(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "t", 4, 8, 1, NULL);

	if (fd < 0)
		return test_skip("this process may not make BPF maps");
	close(fd);
	test_percpu((unsigned)libbpf_num_possible_cpus());
	test_without_batches();
	test_scalar();
	return test_failures();
}
