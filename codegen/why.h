/* Why the generator builds what nobody wrote: see why.def. */
#ifndef MEMQL_WHY_H
#define MEMQL_WHY_H

#include <stdbool.h>

enum why {
#define WHY(id, name, breakable, why, remedy, example) WHY_##id,
#include "codegen/why.def"
#undef WHY
	WHY_COUNT
};

struct why_row {
	const char *name;
	bool breakable; /* memql explain --without NAME leaves it out */
	const char *why;
	const char *remedy;  /* for programs of one's own; iff breakable */
	const char *example; /* a program that has it */
};
extern const struct why_row why_rows[]; /* indexed by enum why */

/* The breakable one of this name, or WHY_COUNT. */
enum why why_find(const char *name);

#endif
