/* Program text and positions in it. */
#ifndef MEMQL_SOURCE_H
#define MEMQL_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct source_copies;

/* Half-open byte range; line and column are computed only to print. */
struct span {
	uint32_t begin, end;
};

/* What the command line is to blame for has no place in the text. */
#define SPAN_NOWHERE ((struct span){ UINT32_MAX, UINT32_MAX })

/*
 * The text of a program: its file, and behind it, one after the other, those that it
 * imports. Spans count through all of them, and each file begins a line.
 */
struct source {
	const char
		*name; /* of the first file, as shown to the user: a path, or "<-e>" */
	const char *text; /* NUL-terminated; spans point into it */
	uint32_t len;
	const uint32_t *line_start; /* nlines offsets, the first is 0 */
	uint32_t nlines;
	struct source_file *files;
	size_t nfiles;
	struct source_copies *copies; /* of macros' bodies */
};

struct source_file {
	const char *name;
	struct span text;
};

/* 1-based; column counts bytes. */
struct place {
	const char *name; /* of the file */
	uint32_t line, column;
};

enum { SOURCE_MAX = 4 << 20 }; /* bytes, of all files: a longer program is a mistake */

/* Copies name and text into the arena. len <= SOURCE_MAX. */
const struct source *source_new(struct arena *a, const char *name, const char *text,
				uint32_t len);

/* s and one more file; NULL if that is more than SOURCE_MAX. */
const struct source *source_add(struct arena *a, const struct source *s,
				const struct source *file);

/*
 * Read a file, or standard input when path is "-". Returns 0 and sets *out, or a
 * negative errno: -EISDIR, -EFBIG (over SOURCE_MAX), -EILSEQ (holds a NUL byte: not
 * text), or what open and read say.
 */
int source_read(struct arena *a, const char *path, const struct source **out);

struct place source_place(const struct source *s, uint32_t offset);

/* The line that the offset is in, without its newline. */
struct span source_line(const struct source *s, uint32_t offset);

/*
 * Each call of a macro gets its own copy of the places in the macro's body, behind the end
 * of the text, so that a span alone tells which call it belongs to. Returns what is to be
 * added to spans inside the body, or 0 if there is no room for more.
 */
uint32_t source_copy(struct arena *a, const struct source *s, struct span body,
		     struct span call, const char *name);

/* Where that was written: spans of a copy become those of the body, others stay. */
struct span source_written(const struct source *s, struct span at);

/* The text that was written there; it goes on to the end of the program. */
const char *source_text(const struct source *s, struct span at);

/*
 * The call of a macro, and the macro's name, that a span belongs to; false if it belongs
 * to none. The call may itself be in the copy of another macro's body.
 */
bool source_call(const struct source *s, struct span at, struct span *call,
		 const char **name);

/*
 * The words of a text on one line, with a blank for each gap. Of more than max bytes the
 * beginning and "..."; no character of UTF-8 is cut in two.
 */
char *source_words(struct arena *a, const char *text, size_t len, size_t max);

/* The smallest span that covers both. */
struct span span_join(struct span a, struct span b);

#endif
