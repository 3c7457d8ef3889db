/*
 * A value as the kernel sent or stored it: a word, or bytes whose type says what is in
 * them. Keys, values of maps and arguments of actions are read through this.
 */
#ifndef MEMQL_DATUM_H
#define MEMQL_DATUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sema/type.h"

struct sink;

struct datum {
	const struct type *type;
	uint64_t n;    /* INT, PTR, NAME, TIME, and SHOWN of up to 8 bytes */
	const char *s; /* STR: len bytes, not NUL-terminated; STRUCT, ARRAY, TUPLE and
			* wide SHOWN: their bytes, of any alignment */
	size_t len;    /* at least type_c_size(), but of STR */
};

/*
 * The value at bytes, which are type_size() of it as a key, a map's value or an item of a
 * tuple has them. It points into them.
 */
struct datum datum_stored(const struct type *type, const void *bytes);

/*
 * The other way: a value as one of type `as`, which holds it (type_join()), in
 * type_size(as) bytes that are zero.
 */
void datum_store(const struct datum *d, const struct type *as, unsigned char *out);

/*
 * The items of a tuple, elements of an array or members of a struct, in order. What has
 * neither, text in an array of chars included, has 0 parts.
 */
size_t datum_parts(const struct datum *d);
struct datum datum_part(const struct datum *d, size_t i);

/* A member's name; NULL for items, elements and anonymous members. */
const char *datum_part_name(const struct datum *d, size_t i);

/* A tuple whose items have no names. */
bool datum_is_tuple(const struct datum *d);

/* True if it is an array of chars: text in d->s, up to the first NUL. */
bool datum_is_chars(const struct datum *d, size_t *len);

/* The name of an enum's value, or NULL if it has none or is no enum. */
const char *datum_enum_name(const struct datum *d);

/* The text of a NAME; "" if there is none. */
const char *datum_name(const struct sink *out, const struct datum *d);

/* Bytes as they are, of what can be shown as such: text, buffers, arrays of bytes. */
bool datum_bytes(const struct datum *d, const char **bytes, size_t *len);
bool datum_type_has_bytes(const struct type *t);

/*
 * The order of two values of one type: numbers by their sign, text byte by byte, names by
 * their text, parts from the first to the last, shapes as they say. <0, 0, >0.
 */
int datum_compare(const struct sink *out, const struct datum *a, const struct datum *b);

/*
 * print()'s div: a number divided, and each number of a tuple. Other values, also bools
 * and enums, stay what they are. room: type_size() bytes that the result may point into.
 */
struct datum datum_divided(const struct datum *d, uint64_t div, unsigned char *room);

/* A key that is one tuple is shown as a key of several parts: those are these. */
size_t datum_key_parts(const struct datum *keys, size_t n);
struct datum datum_key_part(const struct datum *keys, size_t n, size_t i);

#endif
