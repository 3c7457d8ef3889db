/* Types of values, and how they are stored in keys, map values and variables. */
#ifndef MEMQL_TYPE_H
#define MEMQL_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parser/ast.h"

struct arena;
struct shape; /* builtins/builtin.h */

enum type_kind {
	TYPE_VOID, /* actions */
	TYPE_INT,  /* size, is_signed, unit, is_bool, record of an enum; computed in 64
		      * bits */
	TYPE_STR,  /* limit */
	TYPE_PTR,  /* to, space */
	TYPE_STRUCT, /* record, space: a struct or union */
	TYPE_ARRAY,  /* to, count, space */
	TYPE_TUPLE, /* record: its members are the items; those of a record have names */
	TYPE_SHOWN, /* shape, limit, format: user space knows how to show it */
	TYPE_NAME,  /* TYPE_NAME_FIRST + an index into the image's names: probe, func */
	TYPE_TIME,  /* nanoseconds of a clock, shown through format */
	TYPE_ARGS,  /* the probe's arguments as a whole: only args.FIELD uses it */
	TYPE_ANY,   /* in signatures: any value */
};

/* No address, whatever the memory: a symbol's word may hold a name, see struct shape. */
#define TYPE_NAME_FIRST (UINT64_C(1) << 62)

/* Whose memory an address is in. */
enum space {
	SPACE_ANY, /* not known: of the kernel or of a program; the address tells */
	SPACE_KERNEL,
	SPACE_USER,
	SPACE_OWN, /* the probe's own: stack, scratch memory, a map's value */
};

/* Which clock's reading a number is, if it is one: what strftime() must know. */
enum epoch {
	EPOCH_NONE,
	EPOCH_BOOT,
	EPOCH_MONOTONIC,
	EPOCH_TAI,
	EPOCH_SEVERAL, /* now this, now that clock's: a variable of several */
};

struct type {
	enum type_kind kind;
	uint8_t size; /* INT: 1, 2, 4 or 8 bytes */
	bool is_signed;
	bool is_bool;       /* INT: shown as true or false */
	bool is_char;       /* INT: C's char: an array of it is text */
	bool to_variable;   /* PTR: only to variables, which may hold more than they
			     * did when their address was taken */
	enum space space;   /* PTR: what it points into; STRUCT, ARRAY: where it is */
	enum space origin;  /* STRUCT, ARRAY in SPACE_OWN: where its pointers point */
	enum unit unit;     /* INT: what it counts */
	enum epoch epoch;   /* INT, TIME: since when */
	uint32_t limit;     /* STR: longest text in bytes, NUL excluded; SHOWN: bytes
				* after those of the shape */
	const char *format; /* TIME, SHOWN: how it is shown, by the shape's rules */
	const struct type *to;            /* PTR, ARRAY */
	uint64_t count;                   /* ARRAY: elements */
	const struct record_type *record; /* STRUCT, TUPLE, enums */
	const struct shape *shape;        /* SHOWN */
};

/* A member of a struct or union, or an item of a tuple. */
struct type_member {
	const char *name;        /* interned; NULL: an item, or an anonymous member */
	const struct type *type; /* in SPACE_OWN; type_at() tells it elsewhere */
	uint64_t bit_offset;
	unsigned bits; /* of a bit field, else 0 */
};

/* A name for a value of an enum. */
struct type_value {
	const char *name;
	int64_t value;
};

/*
 * What is in a struct, union, tuple or enum. The members of a kernel's struct are looked
 * up when somebody asks for them: ctype_members() in sema/ctype.h. There is one for each
 * struct of a program, so that equal types have equal addresses; tuples are compared by
 * their items.
 */
struct record_type {
	enum type_tag tag; /* TAG_NONE: a tuple */
	const char *name;  /* NULL: anonymous */
	uint64_t size;     /* bytes; of a tuple as it is stored */
	const struct type_member *members;
	size_t n;
	const struct type_value *values; /* of an enum */
	size_t nvalues;
	uint64_t id;   /* the target's number for it */
	bool complete; /* members, or values, and size are there */
};

extern const struct type type_void, type_u64, type_s64, type_bool, type_args, type_name;

/* Types made here live in the arena. */
const struct type *type_int(struct arena *a, unsigned size, bool is_signed,
			    enum unit u);
/* The same with this epoch. */
const struct type *type_with_epoch(struct arena *a, const struct type *t,
				   enum epoch epoch);
const struct type *type_str(struct arena *a, uint32_t limit);
const struct type *type_ptr(struct arena *a, const struct type *to, enum space space);
const struct type *type_ptr_to_variable(struct arena *a, const struct type *of);
const struct type *type_array(struct arena *a, const struct type *of, uint64_t count,
			      enum space space);
const struct type *type_struct(struct arena *a, const struct record_type *record,
			       enum space space);
const struct type *type_shown(struct arena *a, const struct shape *shape,
			      uint32_t limit, const char *format);

/* Items one after the other, each as type_size() has it; names may be NULL. */
const struct type *type_tuple(struct arena *a, const struct type *const *items,
			      const char *const *names, size_t n);

/*
 * The type of a member, or of what a pointer points to, in this memory: a struct or array
 * is there, a pointer points to where the pointers of that memory point.
 */
const struct type *type_at(struct arena *a, const struct type *t, enum space space);

/* A copy that the probe has made of it; other types are what they are. */
const struct type *type_owned(struct arena *a, const struct type *t);

/*
 * Bytes a value takes in a key, a map value or a variable: a multiple of 8. INT, PTR,
 * NAME and TIME are one 64-bit word, extended by their sign; STR is NUL-terminated text
 * in limit + 1 bytes, rounded up. In keys the bytes after the NUL are zero. A struct is
 * stored as C has it.
 */
size_t type_size(const struct type *t);

/* sizeof: bytes of it in C's memory, as pointers and arrays step. */
uint64_t type_c_size(const struct type *t);

bool type_equal(const struct type *a, const struct type *b);

/* True if both hold a number: INT, PTR. */
bool type_is_number(const struct type *t);

/*
 * True if its value in a program is the address of memory that the program owns, and
 * not a word: STR, TUPLE, wide SHOWN, and STRUCT and ARRAY in SPACE_OWN.
 */
bool type_in_memory(const struct type *t);

/* True if its value is an address elsewhere: STRUCT, ARRAY but in SPACE_OWN. */
bool type_is_elsewhere(const struct type *t);

/*
 * The type that holds values of both, or NULL if there is none: the wider string; the
 * signed integer if either is signed; the unit if both agree.
 */
const struct type *type_join(struct arena *a, const struct type *x,
			     const struct type *y);

/* As users read it: "int64", "string[64]", "uint8 *". Allocated in the arena. */
const char *type_text(struct arena *a, const struct type *t);

#endif
