/*
 * A target that hands on what it is asked, and remembers what was answered: the compiler is
 * a function of the program, its options and that. What was compiled before need not be
 * again, if all three are the same.
 */
#ifndef MEMQL_ANSWERS_H
#define MEMQL_ANSWERS_H

#include <stdint.h>

#include "sema/target.h"

/*
 * Questions and answers up to now. Sums stand for them, in their order; no secret and no
 * trust depends on these: the program is compared itself.
 */
struct answers {
	uint64_t sum[2];     /* which kernel it is, and all that is not below */
	uint64_t types[2];   /* of the kernel: another answer means another kernel */
	uint64_t asked, had; /* features: bits by number */
};

struct listener;

/* NULL if there is no memory. from must outlive it. */
struct listener *listener_new(const struct target *from);
void listener_free(struct listener *l); /* NULL is fine */

const struct target *listener_target(struct listener *l);
struct answers listener_answers(const struct listener *l);

#endif
