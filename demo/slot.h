/* Where the text of a statement lies while its probes fire: warm or cold memory. */
#ifndef MEMSQLD_SLOT_H
#define MEMSQLD_SLOT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A cold slot is a mapped file. The text goes in through the file, never through the
 * mapping, and before each statement the pages leave the page table and, if the file
 * system lets them go, the page cache too. A tracer that reads the text at query__start
 * without being able to fault reads nothing. The engine itself parses from the slot, so
 * at query__done the text is resident again: as in a real engine.
 */
struct slot {
	bool cold;
	int fd;
	char *map;
	size_t size;            /* of file and mapping, whole pages */
	unsigned long in_cache; /* texts that stayed in the page cache all the same */
};

/* A slot; with cold, its file is made in dir. 0 or -errno. */
int slot_open(struct slot *s, bool cold, const char *dir);
void slot_close(struct slot *s);

/* The text in its place, valid until the next call; NULL with errno set. */
const char *slot_place(struct slot *s, const char *text);

#endif
