/* The largest of a map with very many keys: read in batches, none kept but ten. */
#include "host.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <bpf/bpf.h>

enum { BATCH = 4096, TOP = 10 };

struct entry {
	uint64_t key, value;
};

static int is_less(const struct entry *a, const struct entry *b)
{
	return a->value != b->value ? a->value < b->value : a->key < b->key;
}

/* The smallest is the first of them. */
static void keep(struct entry *top, struct entry new)
{
	size_t i;

	if (!is_less(&top[0], &new))
		return;
	for (i = 1; i < TOP && is_less(&top[i], &new); i++)
		top[i - 1] = top[i];
	top[i - 1] = new;
}

void top_print(int map, unsigned cpus)
{
	uint64_t *keys = calloc(BATCH, sizeof(*keys));
	uint64_t *values = calloc((size_t)BATCH * cpus, sizeof(*values));
	struct entry top[TOP] = { 0 };
	uint32_t position, n;
	void *from = NULL;
	int err;

	do {
		n = BATCH;
		err = bpf_map_lookup_batch(map, from, &position, keys, values, &n,
					   NULL);
		if (err && errno != ENOENT)
			break;
		for (uint32_t i = 0; i < n; i++) {
			struct entry e = { keys[i], 0 };

			for (unsigned cpu = 0; cpu < cpus; cpu++)
				e.value += values[i * cpus + cpu];
			keep(top, e);
		}
		from = &position;
	} while (!err);
	for (size_t i = 0; i < TOP; i++)
		if (top[i].value)
			printf("%" PRIu64 ": %" PRIu64 "\n", top[i].key, top[i].value);
	free(keys);
	free(values);
}
