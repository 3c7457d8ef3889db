#include "core/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_SIZE = 64 << 10 };

struct chunk {
	struct chunk *next;
	alignas(max_align_t) char bytes[];
};

struct closer {
	struct closer *next;
	void (*close)(void *object);
	void *object;
};

struct arena {
	struct chunk *chunks;
	char *free, *end; /* what is left of the newest small chunk */
	struct closer *closers;
};

/* No caller can do anything useful without memory, so none is asked to try. */
static void *must_calloc(size_t size)
{
	void *p = calloc(1, size);

	if (!p) {
		fprintf(stderr, "memql: out of memory (%zu bytes)\n", size);
		abort();
	}
	return p;
}

struct arena *arena_new(void)
{
	return must_calloc(sizeof(struct arena));
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	/* A closer may look at what was allocated, so memory goes last. */
	for (struct closer *c = a->closers; c; c = c->next)
		c->close(c->object);
	while (a->chunks) {
		struct chunk *next = a->chunks->next;

		free(a->chunks);
		a->chunks = next;
	}
	free(a);
}

static char *new_chunk(struct arena *a, size_t size)
{
	struct chunk *c = must_calloc(sizeof(*c) + size);

	c->next = a->chunks;
	a->chunks = c;
	return c->bytes;
}

void *arena_alloc(struct arena *a, size_t size)
{
	const size_t align = alignof(max_align_t);
	char *p;

	if (size > SIZE_MAX - CHUNK_SIZE)
		must_calloc(SIZE_MAX);
	size = (size + align - 1) / align * align;
	if (size > CHUNK_SIZE / 4)
		return new_chunk(a, size);
	if (!a->free || (size_t)(a->end - a->free) < size) {
		a->free = new_chunk(a, CHUNK_SIZE);
		a->end = a->free + CHUNK_SIZE;
	}
	p = a->free;
	a->free += size;
	return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *copy = arena_alloc(a, len + 1);

	if (len > 0)
		memcpy(copy, s, len);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;
	char *text;
	int len;

	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (len < 0)
		return arena_strdup(a, fmt); /* over 2 GiB: show what can be shown */
	text = arena_alloc(a, (size_t)len + 1);
	vsnprintf(text, (size_t)len + 1, fmt, ap);
	return text;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return text;
}

void arena_defer(struct arena *a, void (*close)(void *object), void *object)
{
	struct closer *c = ARENA_NEW(a, struct closer);

	*c = (struct closer){ .next = a->closers, .close = close, .object = object };
	a->closers = c;
}

void *arena_grow(struct arena *a, void *items, size_t n, size_t *cap, size_t size)
{
	void *larger;

	if (n < *cap)
		return items;
	*cap = *cap ? *cap * 2 : 8;
	larger = arena_alloc(a, *cap * size);
	if (n > 0)
		memcpy(larger, items, n * size);
	return larger;
}
