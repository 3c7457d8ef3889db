/* Markdown to the language of manual pages, man(7). */
#ifndef MEMQL_ROFF_H
#define MEMQL_ROFF_H

#include <stdio.h>

/*
 * What the rows and our own texts use of Markdown: headings (# is left out: it is the
 * page's name), paragraphs, lists of "- ", terms with ": " on the next line, code in fences
 * or indented by four, `code` and **words** within lines, [text](link) without its link.
 */
void roff_write(const char *markdown, FILE *out);

#endif
