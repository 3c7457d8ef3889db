/* What sema/ctype.c asks of the program's own definitions; nobody else includes this. */
#ifndef MEMQL_CTYPE_DEF_H
#define MEMQL_CTYPE_DEF_H

#include "core/compile.h"
#include "sema/type.h"

/* The type that the program defines under this name, laid out as C does; or NULL. */
const struct type *ctype_def_find(struct compile *cc, enum type_tag tag,
				  const char *name);

/* The program has a definition of this name, be it a wrong one. */
bool ctype_def_exists(const struct compile *cc, enum type_tag tag, const char *name);

/* An enumerator of the program: its enum, or NULL. */
const struct type *ctype_def_constant(struct compile *cc, const char *name,
				      int64_t *value);

#endif
