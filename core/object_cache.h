/*
 * What was compiled once and need not be again: a port, so that the compiler knows nothing
 * of files. runtime/cache.h implements it.
 */
#ifndef MEMQL_OBJECT_CACHE_H
#define MEMQL_OBJECT_CACHE_H

#include <stddef.h>

struct arena;

struct object_cache {
	/*
	 * What was kept for exactly these bytes, in the arena; NULL: nothing was. It may be
	 * of 0 bytes.
	 */
	const void *(*find)(struct object_cache *c, struct arena *a, const void *key,
			    size_t key_size, size_t *size);
	/* Keep it if that is possible; it is no error if not. */
	void (*keep)(struct object_cache *c, const void *key, size_t key_size,
		     const void *object, size_t size);
};

#endif
