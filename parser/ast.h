/* The syntax tree: built by parser/, annotated by sema/, read by codegen/. */
#ifndef MEMQL_AST_H
#define MEMQL_AST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/source.h"

struct arena;
struct builtin;
struct compile;
struct map_info;
struct type;
struct var_info;

enum node_kind {
#define NODE(kind, field, summary) NODE_##kind,
#include "parser/node_kinds.def"
#undef NODE
};

enum op {
#define OP(name, text, flags) OP_##name,
#include "parser/operators.def"
#undef OP
};

/*
 * The parser refuses trees that are higher, so that every walk may recurse: 10,000 nested
 * blocks end with a message instead of a stack overflow.
 */
enum { AST_MAX_HEIGHT = 500 };

enum op_flags {
	OP_COMPARE = 1 << 0,
	OP_LOGICAL = 1 << 1,
	OP_SIGNED = 1 << 2,
	OP_UNARY = 1 << 3,
	OP_BITWISE = 1 << 4,
};

struct op_row {
	const char *name, *text;
	unsigned flags;
};
extern const struct op_row op_rows[]; /* indexed by enum op */

/* What a literal counts; carried by the type of every expression made from it. */
enum unit { UNIT_NONE, UNIT_NS, UNIT_US, UNIT_MS, UNIT_S };

/*
 * A type as in a cast. Other spellings (uint64_t, unsigned long, long) have become one of
 * these names: int8 int16 int32 int64 uint8 uint16 uint32 uint64 char bool void.
 */
struct type_name {
	const char *name; /* interned */
	unsigned stars;
};

struct node {
	enum node_kind kind;
	struct span span;
	uint32_t height;   /* longest way down to a leaf; at most AST_MAX_HEIGHT */
	struct node *next; /* next sibling: argument, key or statement */
	const struct type *type; /* sema/infer.c; NULL before */

	union { /* by kind; see node_kinds.def */
		struct {
			uint64_t value;
			bool negative;    /* folded from a negative constant: value is
					* its two's complement */
			enum unit unit;   /* UNIT_NS for 10ms and the like */
			const char *text; /* of $1: as given by the user; else NULL */
		} integer;
		struct {
			const char *bytes; /* unescaped, NUL-terminated, interned */
			uint32_t len;
		} string;
		struct {
			uint32_t index;
		} param;
		struct {
			const char *name; /* interned */
			struct span name_span;
			struct node *args;
			bool has_parens;
			const struct builtin *builtin; /* sema/resolve.c */
			void *data; /* what the builtin's check left for its emit */
		} call;
		struct {
			const char *name; /* "@x"; "@" alone is the unnamed map */
			struct node *keys;
			bool has_keys;
			struct map_info *info; /* sema/resolve.c */
		} map;
		struct {
			const char *name;      /* "$x" */
			struct var_info *info; /* sema/resolve.c */
		} var;
		struct {
			struct node *base;
			const char *name;
			/* sema: args.NAME is a struct probe_field of layouts[0] */
			const void *data;
		} field;
		struct {
			struct type_name to;
			struct node *operand;
		} cast;
		struct {
			enum op op;
			struct node *operand;
		} unary;
		struct {
			enum op op;
			struct node *left, *right;
		} binary;
		struct {
			struct node *place, *value;
			enum op op; /* iff compound */
			bool compound;
		} assign;
		struct {
			struct node *place;
			bool decrement, prefix;
		} step;
		struct {
			struct node *var;
			struct node *value;  /* or NULL */
			struct type_name as; /* name NULL: none was written */
		} let;
		struct {
			struct node *cond, *then, *otherwise;
		} branch; /* IF: then and otherwise are BLOCKs, or otherwise an IF */
		struct {
			struct node *stmts;
		} block;
		struct {
			struct node *value;
		} expr;
	};
};

/* One attach point as written: "tracepoint:sched:sched_switch". */
struct attach_point {
	struct attach_point *next;
	struct span span;
	const char *text;
};

/* attach points /predicate/ { body }: the predicate, if any, is the body's first IF. */
struct clause {
	struct clause *next;
	struct span span;
	struct attach_point *points;
	struct node *predicate; /* or NULL */
	struct node *body;      /* BLOCK */
};

/* config = { name = value; } */
struct config_item {
	struct config_item *next;
	struct span span;
	const char *name;
	struct node *value; /* INT, STR or a bare name as CALL */
};

struct ast {
	struct config_item *config;
	struct clause *clauses;
};

/* Parse cc->source into cc->ast; false if an error was recorded. */
bool parse(struct compile *cc);

/*
 * A node of this kind, with everything else zero. The parser and the stages that
 * rewrite the tree make nodes here and nowhere else.
 */
struct node *node_new(struct arena *a, enum node_kind kind, struct span span);

/* A deep copy, siblings excluded, without annotations. */
struct node *node_clone(struct arena *a, const struct node *n);

/* Call visit on each child in source order; the only generic walker. */
void node_each_child(struct node *n, void (*visit)(struct node *child, void *arg),
		     void *arg);

/* How many siblings a list has; its i-th (0-based), or NULL. */
size_t node_count(const struct node *list);
struct node *node_at(struct node *list, size_t i);

/* One S-expression per clause. */
void ast_dump(const struct ast *ast, FILE *out);

/*
 * The same for one node and what is below it, indented by depth tabs, with a newline at
 * the end. This layer knows no types: text turns node->type into what is printed behind
 * a colon; NULL leaves types out.
 */
typedef const char *node_type_text(void *arg, const struct type *type);
void node_dump(const struct node *n, int depth, FILE *out, node_type_text *text,
	       void *arg);

#endif
