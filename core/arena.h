/* One arena per compilation: everything it hands out dies together. */
#ifndef MEMQL_ARENA_H
#define MEMQL_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

/* Never fail: memory that runs out ends the process with a message. */
struct arena *arena_new(void);

/* Run the deferred closers, newest first, then free everything. NULL is fine. */
void arena_free(struct arena *a);

/* Zeroed and aligned for any type; size 0 gives a valid pointer. */
void *arena_alloc(struct arena *a, size_t size);
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap);

/* Call close(object) when the arena is freed: for objects that others own memory of. */
void arena_defer(struct arena *a, void (*close)(void *object), void *object);

/*
 * Make room for one more element of a growing array: returns items, or a larger copy,
 * and updates *cap. The old array stays in the arena.
 */
void *arena_grow(struct arena *a, void *items, size_t n, size_t *cap, size_t size);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_alloc((a), sizeof(type) * (n)))

/* vec is any struct with the members items, n and cap. */
#define ARENA_PUSH(a, vec, value)                                                      \
	((vec)->items = arena_grow((a), (vec)->items, (vec)->n, &(vec)->cap,           \
				   sizeof(*(vec)->items)),                             \
	 (vec)->items[(vec)->n++] = (value))

#endif
