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
struct loop_info;
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

/* The word before a type's name. */
enum type_tag { TAG_NONE, TAG_STRUCT, TAG_UNION, TAG_ENUM };

enum { TYPE_DIMS = 4 };

/*
 * A type as in a cast. Other spellings (uint64_t, unsigned long, long) have become one of
 * these names: int8 int16 int32 int64 uint8 uint16 uint32 uint64 char bool void. Any other
 * name without a tag is a typedef of the kernel or of the program. A tuple's type has items
 * instead of a name. name, of and items NULL: none was written.
 */
struct type_name {
	struct span at; /* where it is written; empty: with what it is a part of */
	enum type_tag tag;
	const char
		*name; /* interned; "string", "buffer": the first dimension is a size */
	struct node *of;    /* typeof(expression): then name is NULL */
	struct node *items; /* (int32, string[16]): TYPE nodes; then name is NULL */
	const char *const *names; /* of the items of a record; NULL: a tuple */
	unsigned stars;
	unsigned ndims;
	/* int32[2][3] has 2, 3; stars are of the element. 0, in []: as many as there are. */
	uint64_t dims[TYPE_DIMS];
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
			bool is_bool;     /* true, false */
			enum unit unit;   /* UNIT_NS for 10ms and the like */
			const char *text; /* of $1: as given by the user; else NULL */
			bool of_type;     /* what a test of a type has become */
			const struct type *of; /* the enum of an enumerator: resolve */
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
			const char *name; /* "0", "1" ... are items of tuples */
			/* sema: args.NAME is a struct probe_field of layouts[0] */
			const void *data;
		} field;
		struct {
			struct node *base, *at;
		} index;
		struct {
			struct node *items;
			const char *const *names; /* of a record: one for each item;
						   * NULL: a tuple */
		} tuple;
		struct type_name written; /* TYPE: an argument that is a type */
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
		} branch; /* IF: then and otherwise are BLOCKs, or otherwise an IF;
			   * COND: of "if a { b } else { c }" they are BLOCKs with values */
		struct {
			struct node *stmts;
			struct node
				*value; /* { ...; value } as an expression; or NULL */
		} block;
		struct {
			struct node *value; /* RETURN: or NULL */
			bool discard;       /* _ = value: its result is not wanted */
		} expr;
		struct {
			struct node *var;       /* FOR_RANGE, FOR_MAP: VAR */
			struct node *from, *to; /* FOR_RANGE: from up to, without, to;
						 * FOR_MAP: from is the MAP */
			struct node *cond;      /* WHILE; UNROLL: how often */
			struct node *body;      /* BLOCK */
			struct loop_info *info; /* sema/plan.c */
		} loop;
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
	struct node *predicate;      /* or NULL */
	struct node *body;           /* BLOCK */
	const struct engine *engine; /* that its file is about, or NULL */
	bool is_pack;                /* read by parse_packs() */
	bool is_else; /* attached if the clause before it, and its else, find nothing */
	bool is_used; /* of a pack: somebody looks at what it does (sema/pack.c) */
};

/*
 * engine = { name = "..."; exe = "..."; }: what the clauses of a file are about. In their
 * attach points $exe stands for the engine's program.
 */
struct engine {
	struct engine *next;
	struct span span;
	const char *name, *exe; /* exe may be a pattern; NULL: not given */
	bool is_library;        /* exe is a library that many programs use */
};

/* config = { name = value; } */
struct config_item {
	struct config_item *next;
	struct span span;
	const char *name;
	struct node *value; /* INT, STR or a bare name as CALL */
};

/*
 * struct, union or enum NAME { ... }. Those without a name are in the members that they
 * are defined for only; but every enum is in the list of all. A pointer to a function is
 * one to void.
 */
struct type_def {
	struct type_def *next;
	struct span span;
	enum type_tag tag;
	const char *name; /* interned; NULL: it has none */
	bool packed;      /* __attribute__((packed)) */
	struct member_def *members;
	struct value_def *values; /* of an enum */
	/* typedef ... NAME: tag is TAG_NONE. */
	struct type_name alias; /* of what has a name; of alias_def: stars and dims */
	struct type_def *alias_def; /* typedef struct { ... } NAME; or NULL */
};

struct member_def {
	struct member_def *next;
	struct span span;
	const char *name;      /* NULL: an anonymous struct or union, or unnamed bits */
	struct type_name type; /* without a name if def is there */
	struct type_def *def;  /* defined right here, without a name; or NULL */
	bool has_bits;
	unsigned bits; /* of a bit field */
};

struct value_def {
	struct value_def *next;
	struct span span;
	const char *name;
	struct node *value; /* constant expression, or NULL: one more than before */
};

/* let @name = hash(4096); */
struct map_def {
	struct map_def *next;
	struct span span;
	const char *name; /* "@x" */
	const char *kind; /* as written: "hash", "lruhash"; interned */
	struct span kind_span;
	struct node *args;
	bool is_pack; /* read by parse_packs() */
};

/* macro name(x, $y, @z) { ...; value } */
struct macro {
	struct macro *next;
	struct span span;
	const char *name;
	struct span name_span;
	struct macro_param *params;
	struct node *body; /* BLOCK, perhaps with a value */
};

/*
 * The first byte of a name says what the parameter takes: '$' a variable, '@' a map, any
 * other an expression, which is evaluated wherever the body names it.
 */
struct macro_param {
	struct macro_param *next;
	struct span span;
	const char *name;
};

/* Definitions of imported files are in the lists, too, before those of the importing. */
struct ast {
	struct config_item *config;
	struct type_def *types;
	struct map_def *maps;
	struct macro *macros;
	struct clause *clauses;
	struct engine *engines;
	const struct attach_point *event; /* of the program: the first that is one */
	bool has_includes; /* #include was skipped: a type that is missing may be there */
	uint32_t packs; /* where those of parse_packs() begin in the source; 0: none */
};

/* Parse cc->source into cc->ast; false if an error was recorded. */
bool parse(struct compile *cc);

/*
 * Add the programs in a folder to cc->ast, behind everything that is there, as if the last
 * line of the program imported it; those that were imported already are left out. False if
 * an error was recorded.
 */
bool parse_packs(struct compile *cc, const char *folder);

/*
 * A node of this kind, with everything else zero. The parser and the stages that
 * rewrite the tree make nodes here and nowhere else.
 */
struct node *node_new(struct arena *a, enum node_kind kind, struct span span);

/* A deep copy, siblings excluded, without annotations. */
struct node *node_clone(struct arena *a, const struct node *n);

/* Set the height of a node whose children have theirs. */
void node_set_height(struct node *n);

/*
 * A block as a statement: its value, if any, is computed at its end and dropped. The same
 * for a statement, in place: an EXPR of a block becomes that block, one of a value
 * "if a { b } else { c }" an IF; any IF loses the values of its blocks.
 */
void node_drop_value(struct arena *a, struct node *block);
void node_simplify_statement(struct arena *a, struct node *stmt);

/* Call visit on each child in source order; the only generic walker. */
void node_each_child(struct node *n, void (*visit)(struct node *child, void *arg),
		     void *arg);

/* Whether any type was written. */
bool type_name_given(const struct type_name *t);

/*
 * What a place is a part of: @m[k] of @m[k].a.b. A place that is no member is that
 * itself.
 */
struct node *node_place_root(struct node *place);

/* How many siblings a list has; its i-th (0-based), or NULL. */
size_t node_count(const struct node *list);
struct node *node_at(struct node *list, size_t i);

/* How many nodes a tree has, itself included. */
size_t node_total(struct node *n);

/* n becomes what other is, and keeps its place among its siblings. */
void node_become(struct node *n, const struct node *other);

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
