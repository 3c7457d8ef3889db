/* The compiler, as a list. */
#ifndef MEMQL_PIPELINE_H
#define MEMQL_PIPELINE_H

#include <stdbool.h>
#include <stdio.h>

struct compile;

/*
 * Run the stages on cc->source. With last ("tokens", "ast", "expand", "plan", "ir", "bpf"), stop
 * after that one and write what it made to dump, unless that is NULL. False if an error was
 * recorded.
 */
bool compile_until(struct compile *cc, const char *last, FILE *dump);

#endif
