/* Equal strings become one pointer, so that names compare with ==. */
#ifndef MEMQL_INTERN_H
#define MEMQL_INTERN_H

#include <stddef.h>

struct arena;
struct intern;

/* The table and its strings live in the arena. */
struct intern *intern_new(struct arena *a);

/* The one NUL-terminated copy of these len bytes (which may hold NULs). */
const char *intern(struct intern *t, const char *s, size_t len);
const char *intern_str(struct intern *t, const char *s);

#endif
