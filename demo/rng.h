/* Random numbers that are the same in every run: xorshift64*. */
#ifndef MEMSQLD_RNG_H
#define MEMSQLD_RNG_H

#include <stdint.h>

/* A state for stream number n; streams do not overlap in any length we use. */
static inline uint64_t rng_seed(uint64_t n)
{
	return (n + 1) * 0x9e3779b97f4a7c15ull;
}

static inline uint64_t rng_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

#endif
