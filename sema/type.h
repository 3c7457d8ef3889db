/* Types of values, and how they are stored in keys, map values and variables. */
#ifndef MEMQL_TYPE_H
#define MEMQL_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parser/ast.h"

struct arena;

enum type_kind {
	TYPE_VOID, /* actions */
	TYPE_INT,  /* size, is_signed, unit; computed in 64 bits */
	TYPE_STR,  /* limit */
	TYPE_PTR,  /* to, user */
	TYPE_NAME, /* an index into the image's names: probe, func */
	TYPE_TIME, /* nanoseconds since boot, shown through format */
	TYPE_ARGS, /* the probe's arguments as a whole: only args.FIELD uses it */
	TYPE_ANY,  /* in signatures: any value */
};

struct type {
	enum type_kind kind;
	uint8_t size; /* INT: 1, 2, 4 or 8 bytes */
	bool is_signed;
	bool user;             /* PTR: into the traced program's memory */
	enum unit unit;        /* INT: what it counts */
	uint32_t limit;        /* STR: longest text in bytes, NUL excluded */
	const char *format;    /* TIME: for strftime(3) */
	const struct type *to; /* PTR */
};

extern const struct type type_void, type_u64, type_s64, type_args, type_name;

/* Types made here live in the arena. */
const struct type *type_int(struct arena *a, unsigned size, bool is_signed,
			    enum unit u);
const struct type *type_str(struct arena *a, uint32_t limit);
const struct type *type_ptr(struct arena *a, const struct type *to, bool user);

/*
 * Bytes a value takes in a key, a map value or a variable: a multiple of 8. INT, PTR,
 * NAME and TIME are one 64-bit word, extended by their sign; STR is NUL-terminated text
 * in limit + 1 bytes, rounded up. In keys the bytes after the NUL are zero.
 */
size_t type_size(const struct type *t);

bool type_equal(const struct type *a, const struct type *b);

/* True if both hold a number: INT, PTR. */
bool type_is_number(const struct type *t);

/*
 * The type that holds values of both, or NULL if there is none: the wider string; the
 * signed integer if either is signed; the unit if both agree.
 */
const struct type *type_join(struct arena *a, const struct type *x,
			     const struct type *y);

/* As users read it: "int64", "string[64]", "uint8 *". Allocated in the arena. */
const char *type_text(struct arena *a, const struct type *t);

#endif
