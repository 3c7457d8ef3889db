/* The built-in load: which statements, how often. */
#ifndef MEMSQLD_MIX_H
#define MEMSQLD_MIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mix_row {
	unsigned weight; /* relative to the others of the mix */
	const char *db;
	const char *text; /* {low..high} stands for a number; low ones are likelier */
};

struct mix {
	const char *name;
	const char *summary;
	unsigned rate; /* statements per second if the user does not say; 0: no limit */
	const struct mix_row *rows;
	size_t nr_rows;
};

/* All mixes, the default first; *count of them. */
const struct mix *mix_all(size_t *count);

/* The mix of that name, or NULL. */
const struct mix *mix_find(const char *name);

/* Draw a row. */
const struct mix_row *mix_pick(const struct mix *m, uint64_t *rng);

/*
 * Write a statement from a template, padded by a comment to `pad` bytes if it is
 * shorter; the comment counts off its own offsets, so that a cut is seen at once. False
 * if it does not fit in size, or if a {low..high} is malformed.
 */
bool mix_expand(const char *form, size_t pad, uint64_t *rng, char *out, size_t size);

#endif
