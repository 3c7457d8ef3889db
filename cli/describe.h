/*
 * Rows turned into text: docs/reference.md, the manual pages and what shells complete. All
 * of it is written as Markdown first; roff.c makes manual pages of that.
 */
#ifndef MEMQL_DESCRIBE_H
#define MEMQL_DESCRIBE_H

#include <stdio.h>

/* form: one of the words of --reference, see options.def. */
void describe(const char *form, FILE *out);

/* Markdown: every kind of probe with its variables, every builtin by family, config. */
void describe_rows(FILE *out);

/* The manual pages: memql(1) from the options, memql(7) from the rows. */
void describe_command(FILE *out);
void describe_language(FILE *out);

/* Markdown: what memql uses of the kernel, and what the verifier's sentences mean. */
void describe_features(FILE *out);

/* Completions, as scripts for the shell. */
void describe_bash(FILE *out);
void describe_zsh(FILE *out);

#endif
