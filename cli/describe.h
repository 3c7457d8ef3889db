/* Rows turned into text: docs/reference.md and --reference. */
#ifndef MEMQL_DESCRIBE_H
#define MEMQL_DESCRIBE_H

#include <stdio.h>

/* Markdown: every kind of probe with its variables, then every builtin by family. */
void describe_reference(FILE *out);

#endif
