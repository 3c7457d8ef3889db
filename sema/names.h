/*
 * What the parts of resolve_names() share: the walk (names.c), variables and maps
 * (names_scope.c), builtins and constants (names_call.c). Nobody else includes this.
 */
#ifndef MEMQL_NAMES_H
#define MEMQL_NAMES_H

#include "sema/resolve.h"

/* A declared variable; the list of a scope. */
struct local {
	struct local *next;
	struct var_info *info;
};

struct scope {
	struct scope *outer;
	struct local *locals;
};

struct names {
	struct compile *cc;
	struct program_info *program;
	struct scope *scope;
	unsigned loops; /* around here */
	struct {
		const char **items;
		size_t n, cap;
	} bare; /* names that were assigned to without their dollar */
};

/* The variable of this name that is known here, or NULL. */
struct local *names_find(const struct names *s, const char *name);

/* as: of "let $x: uint8", else NULL. */
struct local *names_declare(struct names *s, struct node *var,
			    const struct type_name *as);

/* A variable is read or changed; NULL after a message. */
struct local *names_use(struct names *s, struct node *var);

void names_visit_map(struct names *s, struct node *n);

/* A call, or a bare name. */
void names_visit_call(struct names *s, struct node *n);

/* Any expression; the walker's form, arg is the struct names. */
void names_visit_expr(struct node *n, void *arg);

/* The row of this name, or NULL; rows may be NULL. */
const struct builtin *names_find_row(const struct builtin *rows, const char *name);

#endif
