/* Maps of the kernel as bytes: per-CPU cells combined, keys as they are. */
#ifndef MEMQL_MAP_READ_H
#define MEMQL_MAP_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct map_info;

/* What becomes of entries as they are read. */
enum map_then { MAP_KEEP, MAP_CLEAR, MAP_ZERO };

struct map_entry {
	const unsigned char *key;   /* map->key_size bytes */
	const unsigned char *value; /* map->value_size bytes, 8-byte aligned */
	uint64_t order;             /* for who sorts them */
};

struct map_entries {
	struct map_entry *items;
	size_t n, cap;
};

/* All entries, in the arena, in no order. ncpus: possible CPUs. 0 or -errno. */
int map_read(const struct map_info *map, int fd, unsigned ncpus, struct arena *a,
	     struct map_entries *out);

/*
 * The same, and remove each entry in the step that reads it: an update by a program is
 * either in what was read or in the map. After an error *out holds what was removed so
 * far. What has no keys is set to zero right after it was read, as map_write_zero() does
 * with keep_set: updates between the two are lost.
 */
int map_take(const struct map_info *map, int fd, unsigned ncpus, bool keep_set,
	     struct arena *a, struct map_entries *out);

/*
 * Each entry of a map with keys, which is removed if take, for who keeps few of them: what
 * found gets is valid during the call. -EOPNOTSUPP, before the first one: this map or
 * kernel has no such way.
 */
int map_each(const struct map_info *map, int fd, unsigned ncpus, bool take,
	     void (*found)(const struct map_entry *e, void *arg), void *arg);

/* Move the entry's key and value to the arena. */
void map_entry_copy(const struct map_info *map, struct arena *a, struct map_entry *e);

/* What keeps all entries that it gets: for map_each(), arg is a struct map_collector. */
struct map_collector {
	const struct map_info *map;
	struct arena *arena; /* of the copies */
	struct map_entries *out;
};
void map_collect(const struct map_entry *e, void *arg);

/* Insert zeros for the keys of entries that are not there. 0 or -errno. */
int map_insert_zero(const struct map_info *map, int fd, unsigned ncpus,
		    const struct map_entries *keys);

/* The entry of a key; -ENOENT: there is none. */
int map_read_entry(const struct map_info *map, int fd, unsigned ncpus, struct arena *a,
		   const unsigned char *key, struct map_entry *out);

/* How many entries a map with keys has now; or -errno. */
int64_t map_count(const struct map_info *map, int fd);

/* Delete the entries of a map with keys that are there now. 0 or -errno. */
int map_delete_all(const struct map_info *map, int fd);

/*
 * Zero in all entries that are there now. A plain scalar that was set stays set if
 * keep_set. 0 or -errno.
 */
int map_write_zero(const struct map_info *map, int fd, unsigned ncpus, bool keep_set);

#endif
