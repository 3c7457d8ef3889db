/*
 * Names as linkers see them to names as programmers wrote them: C++ (Itanium ABI) and
 * Rust, in both of its schemes.
 */
#ifndef MEMQL_DEMANGLE_H
#define MEMQL_DEMANGLE_H

#include <stdbool.h>
#include <stddef.h>

struct text;

/* No longer name is made: some would have gigabytes. */
enum { DEMANGLE_MAX = 32 << 10 };

/*
 * Add what the name means, or nothing and return false: it is no mangled one, makes no
 * sense, or is too long. The hashes of Rust's compiler are left out. The result is not
 * yet safe to show.
 */
bool demangle(const char *name, struct text *out);

/* For demangle.c and tests: names of Rust that begin with "_R". */
bool demangle_rust(const char *name, struct text *out);

#endif
