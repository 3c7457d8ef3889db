/*
 * What threads have in a map's seats: see codegen/thread_entry.c. Programs change them
 * meanwhile, a word at once; an assignment may meet what clears it.
 */
#ifndef MEMQL_SEATS_H
#define MEMQL_SEATS_H

#include <stdbool.h>

#include "runtime/map_read.h"

struct arena;
struct image_seat;

/* The array of this descriptor, as long as the arena lives; -errno. */
int seats_open(struct arena *a, int fd, struct image_seat **out);

/* Each entry that is set, and is deleted if take; found gets it for the call. */
void seats_each(struct image_seat *seats, bool take,
		void (*found)(const struct map_entry *e, void *arg), void *arg);

/* The same, as map_read() and map_take() have them: added to *out. */
void seats_read(struct image_seat *seats, bool take, const struct map_info *map,
		struct arena *a, struct map_entries *out);

/* Zero in all entries that are set. */
void seats_write_zero(struct image_seat *seats);

/* Delete them. */
void seats_delete_all(struct image_seat *seats);

#endif
