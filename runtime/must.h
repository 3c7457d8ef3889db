/*
 * Memory for the parts of runtime/ that own what they allocate piece by piece. Never
 * NULL: memory that runs out ends the process with a message, as in an arena.
 */
#ifndef MEMQL_MUST_H
#define MEMQL_MUST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void *must_have(void *p)
{
	if (!p) {
		fputs("memql: out of memory\n", stderr);
		abort();
	}
	return p;
}

/* Zeroed. */
static inline void *must_calloc(size_t n, size_t size)
{
	return must_have(calloc(n ? n : 1, size));
}

static inline void *must_resize(void *p, size_t n, size_t size)
{
	return must_have(reallocarray(p, n ? n : 1, size));
}

static inline char *must_strndup(const char *s, size_t len)
{
	return (char *)must_have(strndup(s, len));
}

#endif
