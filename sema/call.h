/* Calls and signatures: what resolve() and infer() share; nobody else includes this. */
#ifndef MEMQL_CALL_H
#define MEMQL_CALL_H

#include "sema/sema.h"

/* "hist(n[, k])": how the builtin is called. In the arena. */
const char *builtin_signature(struct compile *cc, const struct builtin *b);

/* Too few or too many arguments? Reports it. */
bool call_check_arity(struct sema *s, const struct node *call);

#endif
