/*
 * C types: structs, unions, enums and typedefs, from the program's own definitions and
 * from what the target says of the kernel's (BTF). A name means the program's definition
 * if there is one.
 *
 * Types made here have no space yet (SPACE_ANY, but where BTF marks a pointer as a user's):
 * type_at() gives them one.
 */
#ifndef MEMQL_CTYPE_H
#define MEMQL_CTYPE_H

#include "core/compile.h"
#include "core/diag.h"
#include "sema/target.h"
#include "sema/type.h"

/*
 * The type that is written, or NULL; with report, after a message. Not for typeof(): only
 * inference knows the type of an expression.
 */
const struct type *ctype_written(struct compile *cc, const struct type_name *as,
				 struct span at, bool report);

/* The same without a message: NULL if there is none of this name. */
const struct type *ctype_find(struct compile *cc, enum type_tag tag, const char *name);

/* A number that the target gave. Never NULL: what cannot be told is bytes. */
const struct type *ctype_from_target(struct compile *cc, target_type_id id);

/*
 * Fill in what is in a struct, union or enum. False if only its name is known: it is
 * declared somewhere, but defined nowhere.
 */
bool ctype_complete(struct compile *cc, const struct record_type *r);

/*
 * The same for all that is shown of a value of this type: the structs and enums in it,
 * but not what its pointers point to.
 */
void ctype_complete_shown(struct compile *cc, const struct type *t);

/*
 * The member of this name, also of anonymous structs inside; *bit_offset is from the start
 * of r. NULL: there is none.
 */
const struct type_member *ctype_member(struct compile *cc, const struct record_type *r,
				       const char *name, uint64_t *bit_offset);

/* What is nearest to a member's name that does not exist, or NULL. */
const char *ctype_near_member(struct compile *cc, const struct record_type *r,
			      const char *name);

/* Enumerators as candidates: the program's, and the kernel's if nothing else is near. */
void ctype_suggest_constants(struct compile *cc, struct suggestion *guess);

/* The value of an enumerator, and its enum; NULL: no enum has it. */
const struct type *ctype_constant(struct compile *cc, const char *name, int64_t *value);

#endif
