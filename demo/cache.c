/* A queue of blocks, oldest first. */
#include "demo/cache.h"

#include <stdlib.h>
#include <string.h>

#include "demo/lock.h"

void cache_init(struct cache *c)
{
	memset(c, 0, sizeof(*c));
	pthread_mutex_init(&c->mutex, NULL);
}

void cache_destroy(struct cache *c)
{
	struct usage unused = { 0 };
	struct block *b;

	while ((b = cache_take(c, 0, &unused)))
		free(b);
	pthread_mutex_destroy(&c->mutex);
}

struct block *block_new(size_t size)
{
	struct block *b = malloc(sizeof(*b) + size);

	if (!b)
		return NULL;
	b->next = NULL;
	b->size = size;
	memset(b + 1, 0x5a, size);
	return b;
}

int cache_add(struct cache *c, struct block *b, struct usage *u)
{
	int rc = lock_acquire(&c->mutex, u);

	if (rc != 0)
		return rc;
	if (c->newest)
		c->newest->next = b;
	else
		c->oldest = b;
	c->newest = b;
	c->bytes += b->size;
	pthread_mutex_unlock(&c->mutex);
	return 0;
}

struct block *cache_take(struct cache *c, uint64_t keep, struct usage *u)
{
	struct block *b = NULL;

	if (lock_acquire(&c->mutex, u) != 0)
		return NULL;
	if (c->bytes > keep) {
		b = c->oldest;
		c->oldest = b->next;
		if (!c->oldest)
			c->newest = NULL;
		c->bytes -= b->size;
		b->next = NULL;
	}
	pthread_mutex_unlock(&c->mutex);
	return b;
}
