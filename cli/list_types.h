/* memql -l 'struct NAME': types of the kernel. */
#ifndef MEMQL_LIST_TYPES_H
#define MEMQL_LIST_TYPES_H

#include <stdbool.h>
#include <stdio.h>

struct compile;

/*
 * Whether a pattern of -l asks for types: "struct", "union" or "enum", and a name, which
 * may be a glob.
 */
bool list_is_types(const char *pattern);

/*
 * Print the types, one a line; with members, as the kernel's BTF knows them, in C. 0, or
 * -1 after an error was recorded.
 */
int list_types(struct compile *cc, const char *pattern, bool members, FILE *out);

#endif
