/*
 * Compiled objects, and what else takes long to find out, in files of a directory that
 * belongs to this user alone: for root /var/cache/memql, else
 * $XDG_CACHE_HOME/memql/objects; $MEMQL_CACHE names another.
 *
 * A file that is found ends up in the kernel: what another user could have written is not
 * read. Neither the directory nor a file may belong to somebody else, or be open to others
 * in any way, or be a link; and a file holds all of what it was compiled from, which is
 * compared, so that no hash needs to be trusted. What memql itself is belongs to that.
 */
#ifndef MEMQL_CACHE_H
#define MEMQL_CACHE_H

#include "core/object_cache.h"

/* All files together; the oldest make room. */
enum { CACHE_BYTES_MAX = 32 << 20 };

/*
 * NULL directory: the place above, which is made. NULL if there is no cache to be had:
 * it is not there, or not private.
 */
struct object_cache *cache_open(const char *directory);
void cache_close(struct object_cache *c); /* NULL is fine */

#endif
