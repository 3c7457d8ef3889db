/* Program text on a terminal: the line of a span with carets under it. */
#ifndef MEMQL_EXCERPT_H
#define MEMQL_EXCERPT_H

#include <stddef.h>
#include <stdio.h>

#include "core/source.h"

/*
 * Write text that came from outside so that it cannot drive the terminal: tabs as one
 * blank, control bytes and what is not UTF-8 as '?'. Each character is one column.
 */
void excerpt_text(FILE *out, const char *s, size_t len);

/*
 * The first line of the span and a line that marks it, with "..." if the span goes on
 * below; of a long line the part around the span. Nothing if that line is blank. mark
 * and plain switch the caret's color on and off, or are empty.
 */
void excerpt(FILE *out, const struct source *s, struct span at, const char *mark,
	     const char *plain);

#endif
