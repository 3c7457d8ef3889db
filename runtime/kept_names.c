#include "runtime/kept_names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/object_cache.h"

/* What is kept: this, the items, their texts. */
struct kept {
	uint64_t n, texts_size;
};

struct kept_item {
	uint32_t name, module, listed;
};

/* The lists follow from that, whether or not the files can be read. */
struct key {
	char *text;
	size_t size;
};

static void put_boot(FILE *out)
{
	FILE *fp = fopen("/proc/sys/kernel/random/boot_id", "re");
	char line[64];

	if (fp && fgets(line, sizeof(line), fp))
		fputs(line, out);
	if (fp)
		fclose(fp);
}

/* Who uses a module changes often, and changes no list. */
static void put_modules(FILE *out)
{
	FILE *fp = fopen("/proc/modules", "re");
	char *line = NULL;
	size_t cap = 0;

	while (fp && getline(&line, &cap, fp) > 0) {
		char name[64], size[32], state[32], address[32];

		if (sscanf(line, "%63s %31s %*s %*s %31s %31s", name, size, state,
			   address) == 4)
			fprintf(out, "%s %s %s %s\n", name, size, state, address);
	}
	free(line);
	if (fp)
		fclose(fp);
}

/* text NULL: there is no memory. */
static struct key key_of(const char *what)
{
	struct key k = { NULL };
	FILE *out = open_memstream(&k.text, &k.size);

	if (!out)
		return k;
	fprintf(out, "%s %d\n", what,
		faccessat(AT_FDCWD, KPROBES_BLACKLIST_PATH, R_OK, AT_EACCESS));
	put_boot(out);
	put_modules(out);
	if (fclose(out)) {
		free(k.text);
		k.text = NULL;
	}
	return k;
}

static bool is_whole(const struct kept *kept, size_t size)
{
	size_t left = size - sizeof(*kept);

	return size >= sizeof(*kept) && kept->n <= left / sizeof(struct kept_item) &&
	       kept->texts_size == left - kept->n * sizeof(struct kept_item) &&
	       (!kept->n || kept->texts_size);
}

/* False: it was not, or there is no memory. */
static bool find(struct object_cache *cache, struct arena *a, const struct key *key,
		 struct kernel_names *out)
{
	const struct kept_item *items;
	const struct kept *kept;
	size_t size;

	kept = cache->find(cache, a, key->text, key->size, &size);
	if (!kept || !is_whole(kept, size))
		return false;
	items = (const struct kept_item *)(kept + 1);
	out->items = calloc(kept->n + 1, sizeof(*out->items));
	out->texts = malloc(kept->texts_size + 1);
	if (!out->items || !out->texts) {
		kernel_names_free(out);
		return false;
	}
	out->n = out->cap = kept->n;
	out->texts_size = out->texts_cap = kept->texts_size;
	memcpy(out->texts, items + kept->n, kept->texts_size);
	for (size_t i = 0; i < out->n; i++)
		out->items[i] = (struct kernel_name){
			.name = items[i].name,
			.module = items[i].module,
			.listed = items[i].listed,
		};
	return true;
}

static void keep(struct object_cache *cache, struct arena *a, const struct key *key,
		 const struct kernel_names *k)
{
	size_t items_size = k->n * sizeof(struct kept_item);
	size_t size = sizeof(struct kept) + items_size + k->texts_size;
	struct kept *kept = arena_alloc(a, size);
	struct kept_item *items = (struct kept_item *)(kept + 1);

	*kept = (struct kept){ k->n, k->texts_size };
	for (size_t i = 0; i < k->n; i++)
		items[i] = (struct kept_item){ k->items[i].name, k->items[i].module,
					       k->items[i].listed };
	if (k->texts_size)
		memcpy(items + k->n, k->texts, k->texts_size);
	cache->keep(cache, key->text, key->size, kept, size);
}

int kept_names_read(struct object_cache *cache, const char *what,
		    int (*read)(struct kernel_names *out, void *arg), void *arg,
		    struct kernel_names *out)
{
	struct key before = { NULL }, now = { NULL };
	struct arena *a = arena_new();
	int err = 0;

	if (cache)
		before = key_of(what);
	if (!before.text || !find(cache, a, &before, out)) {
		err = read(out, arg);
		/* Unless modules came or went meanwhile. */
		if (!err && out->n && before.text)
			now = key_of(what);
		if (now.text && now.size == before.size &&
		    memcmp(now.text, before.text, now.size) == 0)
			keep(cache, a, &now, out);
	}
	free(before.text);
	free(now.text);
	arena_free(a);
	return err;
}
