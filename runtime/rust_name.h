/*
 * Reading a mangled name of Rust piece by piece while its meaning is printed: shared by
 * demangle_rust.c and rust_name.c, by nobody else.
 */
#ifndef MEMQL_RUST_NAME_H
#define MEMQL_RUST_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text;

enum { RUST_MAX_DEPTH = 200 };

struct rust {
	const char *name; /* behind "_R", which is where back references count from */
	size_t at;
	struct text *out;
	size_t start;       /* of the text */
	uint64_t lifetimes; /* that are bound around here */
	unsigned depth, steps;
	bool silent; /* reads and prints nothing */
	bool failed;
};

/* An identifier as it stands there. */
struct rust_identifier {
	const char *bytes;
	size_t len;
	uint64_t disambiguator;
	bool is_punycode;
};

/* It makes no sense, or is too long: nothing is read or printed any more. */
void rust_fail(struct rust *r);

/* The next byte; NUL at the end and after a failure. */
char rust_peek(const struct rust *r);
char rust_next(struct rust *r); /* fails at the end */
bool rust_eat(struct rust *r, char c);

/* False if this is too deep or takes too long; else rust_leave() must follow. */
bool rust_enter(struct rust *r);
void rust_leave(struct rust *r);

/* "_" is 0, "0_" is 1, "Z_" is 62. */
uint64_t rust_base62(struct rust *r);
/* 0 without the tag in front. */
uint64_t rust_tagged(struct rust *r, char tag);
/* Hexadecimal digits and "_"; false if they do not fit: then they have been printed. */
bool rust_hex_number(struct rust *r, uint64_t *out);

struct rust_identifier rust_plain_word(struct rust *r);
struct rust_identifier rust_word(struct rust *r); /* with a disambiguator */

/* Print; a text that becomes too long fails. */
void rust_add(struct rust *r, const char *text, size_t len);
void rust_say(struct rust *r, const char *text);
void rust_say_number(struct rust *r, uint64_t n);
void rust_say_utf8(struct rust *r, uint32_t c);
void rust_say_word(struct rust *r, const struct rust_identifier *w);

#endif
