/*
 * What threads have in a map's seats: see codegen/thread_entry.c. Programs change them
 * meanwhile, a word at once; an assignment may meet what clears it.
 *
 * fd: the array of seats. It is mapped in parts, for as long as it is read: the whole of it
 * would be a twentieth of the memory that memql takes. All return 0, or -errno.
 */
#ifndef MEMQL_SEATS_H
#define MEMQL_SEATS_H

#include "runtime/map_read.h"

/* Each entry that is set; found gets it for the call, and then happens to it. */
int seats_each(int fd, enum map_then then,
	       void (*found)(const struct map_entry *e, void *arg), void *arg);

/* Zero in all entries that are set. */
int seats_write_zero(int fd);

/* Delete them. */
int seats_delete_all(int fd);

#endif
