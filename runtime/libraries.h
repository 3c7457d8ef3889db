/* Where the dynamic linker would find a library. */
#ifndef MEMQL_LIBRARIES_H
#define MEMQL_LIBRARIES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * True if a file's name is that of the library: "c", "libc" and "libc.so.6" all mean
 * "libc.so.6".
 */
bool library_is_called(const char *file, const char *name);

/* The library's path: 0, or -ENOENT. */
int library_find(const char *name, char *out, size_t size);

#endif
