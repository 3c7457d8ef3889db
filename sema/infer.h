/*
 * What the parts of infer() share; nobody else includes this.
 *
 * A type of NULL means: not known yet, or, in the last pass, that an error was recorded
 * here or where the value comes from. Nothing more is said about such a value.
 */
#ifndef MEMQL_INFER_H
#define MEMQL_INFER_H

#include "sema/call.h"
#include "sema/sema.h"

/*
 * Of a constant that is not negative and counts nothing: what it is joined with decides
 * its sign and unit. Recognised by its address; its contents are int64.
 */
extern const struct type type_constant;

/* The type of an expression; may be void. Sets n->type. */
const struct type *infer_expr(struct sema *s, struct node *n);

/* The same where a value is needed: void is an error, args becomes a record. */
const struct type *infer_value(struct sema *s, struct node *n);

/*
 * A string that came from $1 where a number is needed: what was typed is to blame, not
 * the program. False if it is anything else.
 */
bool infer_bad_parameter(struct sema *s, const struct node *n);

/* Fields, elements, what a pointer points to, addresses and tuples: infer_place.c. */
const struct type *infer_field(struct sema *s, struct node *n);
const struct type *infer_index(struct sema *s, struct node *n);
const struct type *infer_deref(struct sema *s, struct node *n);
const struct type *infer_address(struct sema *s, struct node *n);
const struct type *infer_tuple(struct sema *s, struct node *n);

/* An item of a tuple, or a member of a record; NULL after a message. Sets n's data. */
const struct type *infer_item(struct sema *s, struct node *n, const struct type *tuple);

/* (type)x: infer_cast.c. */
const struct type *infer_cast(struct sema *s, struct node *n);

/* Make args a tuple of its fields; false if there are none. */
bool infer_spread_args(struct sema *s, struct node *n);

/* The type that is written, typeof() included; NULL after a message. */
const struct type *infer_written(struct sema *s, const struct type_name *as,
				 struct span at);

/* Where plain numbers lead as addresses. */
enum space infer_space(const struct sema *s);

/* { statements; value } */
const struct type *infer_block_value(struct sema *s, struct node *n);

/*
 * A side of an if or ?:. Where a constant condition leaves it out nothing is demanded of it;
 * if the condition is about types, what is wrong in it for the type is no error.
 */
struct infer_reach {
	unsigned unreached;
	bool report;
};
struct infer_reach infer_enter(struct sema *s, struct node *cond, bool is_then);
void infer_leave(struct sema *s, struct infer_reach outer);

/* A value that is tested for non-zero. */
void infer_condition(struct sema *s, struct node *n);

/* left op right, whose types are known; NULL after an error at the operator's span. */
const struct type *infer_operator(struct sema *s, enum op op, struct span at,
				  struct node *left, const struct type *x,
				  struct node *right, const struct type *y);

/* A call of any kind; an aggregation only where infer_aggregation() has it. */
const struct type *infer_call(struct sema *s, struct node *n);

/* A map's entry that is read, and one that is named only. */
const struct type *infer_map_read(struct sema *s, struct node *n);
bool infer_map_keys(struct sema *s, struct node *n);

/* What a program reads from an aggregation; NULL after a message. */
const struct type *infer_cell_value(struct sema *s, struct map_info *m, struct span at);

/* A map is read that nothing writes: an error, and what was meant. */
void infer_unknown_map(struct sema *s, const struct node *n);

/* place = value, place op= value; place++ and the like: infer_assign.c. */
void infer_assign(struct sema *s, struct node *n);
const struct type *infer_step(struct sema *s, struct node *n);

/* @x[k] = count(). */
void infer_aggregation(struct sema *s, struct node *assign);

/* The place holds a value of this type as well: t may be NULL. */
void infer_map_value(struct sema *s, struct node *map, const struct type *t,
		     struct span at);
void infer_var_value(struct sema *s, struct node *var, const struct type *t,
		     struct span at);

/*
 * Make *slot a type that holds t as well. False, without a change, if there is none.
 * Numbers keep the widest of their types, though variables and maps hold words.
 */
bool infer_join(struct sema *s, const struct type **slot, const struct type *t);

/* type_join() that knows constants. */
const struct type *infer_join_types(struct sema *s, const struct type *x,
				    const struct type *y);

/* "int64", for messages. */
const char *infer_text(struct sema *s, const struct type *t);

/* After the last pass: maps and variables that got no type. */
void report_untyped(const struct sema *s);

/* Maps by thread whose entries nothing removes. */
void warn_of_leaks(struct compile *cc);

#endif
