/*
 * The formats of printf(): one reader for the compiler, which checks them against the
 * arguments' types, and for the runtime, which fills them in.
 */
#ifndef MEMQL_FORMAT_H
#define MEMQL_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

struct conversion; /* how one letter takes and shows a value: format.c */
struct datum;
struct node;
struct sema;
struct sink;
struct text;

/* Text as it is, or one conversion such as "%-16s". */
struct format_part {
	size_t begin, end; /* bytes of the format, end excluded */
	const char *error; /* why it is no conversion, or NULL */
	bool unsupported;  /* the error is memql's: the language has this */
	const struct conversion *conversion; /* NULL: text, or an error */

	bool left, plus, space, alternate, zero;
	int width;     /* columns; 0: as wide as it is */
	int precision; /* digits, or characters of text; -1: all */
	char letter;
	char variant;   /* of %rx, %rh and %gr the second letter, else 0 */
	unsigned bytes; /* "hh" and "h" keep 1 and 2 bytes of a number; else 8 */
};

enum { FORMAT_WIDTH_MAX = 4096 };

/* The part of a format that begins at *pos, which moves past it; false at the end. */
bool format_next(const char *format, size_t *pos, struct format_part *part);

/*
 * Check the call's literal format, its argument number i, against the arguments that
 * follow it. False if an error was recorded.
 */
bool format_check(struct sema *s, const struct node *call, unsigned i);

/* Append the format, filled with arguments that format_check() has accepted. */
void format_render(struct text *out, const struct sink *sink, const char *format,
		   const struct datum *args, size_t nargs);

#endif
