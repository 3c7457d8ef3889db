/* A plan to BPF. */
#ifndef MEMQL_CODEGEN_H
#define MEMQL_CODEGEN_H

#include <stdbool.h>
#include <stdio.h>

#include "core/compile.h"

/*
 * Fill cc->image from cc->plan. False if an error was recorded (string_limit: a value
 * is too large). Whatever else fails inside LLVM is a bug of memql: it is reported as
 * such, with the program's symbol, and ends the process with status 70.
 */
bool generate(struct compile *cc);

/* --dump=ir: the LLVM IR after the passes. --dump=bpf: instructions with source lines. */
void dump_ir(const struct compile *cc, FILE *out);
void dump_bpf(const struct compile *cc, FILE *out);

#endif
