/*
 * Variables of a kind of probe that are fields of its layouts: arg0, arg1, ..., retval. Their
 * rows come first in probe_kind.vars, in the order of the fields.
 */
#ifndef MEMQL_VARS_H
#define MEMQL_VARS_H

#include <stdbool.h>

#include "builtins/builtin.h"

struct node;
struct sema;

/* For .check: every site has the field, and can read it; the call gets its type. */
bool vars_check(struct sema *s, struct node *call);

/* For .emit. */
struct value vars_emit(struct emit *e, const struct node *call);

/* The rows of registers_entry(); hint is one more sentence. */
#define VARS_REGISTER(n, probe, hint)                                                  \
	{                                                                              \
		.name = "arg" #n,                                                      \
		.kind = BUILTIN_VALUE,                                                 \
		.flags = BUILTIN_ARGUMENT,                                             \
		.returns = { .kind = TYPE_INT, .size = 8 },                            \
		.summary = "argument " #n " of the function, counted from 0",          \
		.doc = "As the calling convention passes integers and pointers: the "  \
		       "first six in registers, the others on the stack. " hint,       \
		.example = probe " { @[arg" #n "] = count(); }",                       \
		.emit = vars_emit,                                                     \
	}
/* clang-format off */
#define VARS_REGISTERS(probe, hint)                                                    \
	VARS_REGISTER(0, probe, hint), VARS_REGISTER(1, probe, hint),                  \
	VARS_REGISTER(2, probe, hint), VARS_REGISTER(3, probe, hint),                  \
	VARS_REGISTER(4, probe, hint), VARS_REGISTER(5, probe, hint),                  \
	VARS_REGISTER(6, probe, hint), VARS_REGISTER(7, probe, hint),                  \
	VARS_REGISTER(8, probe, hint), VARS_REGISTER(9, probe, hint)
/* clang-format on */

/* The row of registers_return(). */
#define VARS_RETVAL(shown)                                                             \
	{                                                                              \
		.name = "retval",                                                      \
		.kind = BUILTIN_VALUE,                                                 \
		.flags = BUILTIN_ARGUMENT,                                             \
		.returns = { .kind = TYPE_INT, .size = 8 },                            \
		.summary = "what the function returns",                                \
		.doc = "The whole register. Of a function that returns a smaller "     \
		       "type the upper bits may be anything: cast, as in "             \
		       "(int32)retval.",                                               \
		.example = shown,                                                      \
		.emit = vars_emit,                                                     \
	}

#endif
