/* memql -l: the probes of this machine, a file or a process. */
#ifndef MEMQL_LIST_H
#define MEMQL_LIST_H

#include <stdbool.h>
#include <stdio.h>

struct compile;

/*
 * Print the probes that a pattern matches, one a line: an attach point with wildcards, a
 * file (its USDT probes and functions), a word that their names may hold, or a glob that
 * names match from a colon on. Types of the kernel, too: see list_types.h. Without a
 * pattern: those of the process that cc->options.pid names, or else what needs no
 * binary. With args, the arguments of each follow, indented. 0, or -1 after an error was
 * recorded: nothing matched, or something could not be read.
 */
int list_probes(struct compile *cc, const char *pattern, bool args, FILE *out);

/* Print the places that a resolved program attaches to. */
void list_program(const struct compile *cc, FILE *out);

#endif
