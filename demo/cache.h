/* Memory that outlives the statement which asked for it: keep() and evict(). */
#ifndef MEMSQLD_CACHE_H
#define MEMSQLD_CACHE_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "demo/record.h"

#define CACHE_MAX (64u << 20) /* bytes; keeping more evicts the oldest first */

/* A block from malloc: this header, then size bytes which the engine accounts for. */
struct block {
	struct block *next;
	size_t size;
};

struct cache {
	pthread_mutex_t mutex; /* guards what follows */
	struct block *oldest, *newest;
	uint64_t bytes; /* without the headers */
};

void cache_init(struct cache *c);
void cache_destroy(struct cache *c);

/* A block with every page touched, or NULL without memory. Ends with free(). */
struct block *block_new(size_t size);

/* Give a block to the cache. Waiting is charged to u. 0 or a pthread error. */
int cache_add(struct cache *c, struct block *b, struct usage *u);

/*
 * Take the oldest block if the cache holds more than `keep` bytes: NULL if not. The
 * caller frees it. Waiting is charged to u.
 */
struct block *cache_take(struct cache *c, uint64_t keep, struct usage *u);

#endif
