/* What the grammar's actions build; private to parser/. */
#ifndef MEMQL_BUILD_H
#define MEMQL_BUILD_H

#include "lexer/lexer.h"
#include "parser/ast.h"

struct parser {
	struct compile *cc;
	struct arena *arena; /* cc's */
	struct lexer *lexer;
	struct ast *ast;
	struct config_item **config_end;
	struct clause **clauses_end;
	unsigned nerrors;       /* of syntax */
	const char *last_point; /* text of the latest attach point, or NULL */
	unsigned nhidden;       /* variables that the parser made */
};

/* A list that grows at its end. */
struct node_list {
	struct node *first, *last;
};
struct point_list {
	struct attach_point *first, *last;
};

/* name = value, ...; the names are those of the items. */
struct field_list {
	struct node_list values;
	struct {
		const char **items;
		size_t n, cap;
	} names;
};
/* The sizes in int32[2][3]; 0 for []. */
struct dim_list {
	unsigned n;
	uint64_t sizes[TYPE_DIMS];
};

struct node_list list_add(struct node_list list, struct node *n); /* NULL: nothing */
struct node *list_push(struct node *first, struct node_list rest);
struct field_list fields_add(struct parser *p, struct field_list list, struct span at,
			     const struct lexeme *name, struct node *value);
struct dim_list dims_add(struct parser *p, struct dim_list list, struct span at,
			 uint64_t size);
/* A statement behind others. */
struct node_list stmts_add(struct parser *p, struct node_list list, struct node *n);
struct point_list points_add(struct parser *p, struct point_list list, struct span at,
			     const struct lexeme *text);

void add_config(struct parser *p, struct span at, const struct lexeme *name,
		struct node *value);

/* To be called for a node that has its children: reports if the tree becomes too high. */
struct node *finish(struct parser *p, struct node *n);

/* Each makes one node of its parts. */
struct node *make_int(struct parser *p, struct span at, const struct lexeme *l);
struct node *make_string(struct parser *p, struct span at, const struct lexeme *l);
struct node *make_param(struct parser *p, struct span at, const struct lexeme *l);
struct node *make_var(struct parser *p, struct span at, const struct lexeme *l);
struct node *make_map(struct parser *p, struct span at, const struct lexeme *l,
		      struct node *keys);
struct node *make_name(struct parser *p, struct span at, const struct lexeme *name);
struct node *make_call(struct parser *p, struct span at, struct span name_span,
		       const struct lexeme *name, struct node *args);
struct node *make_field(struct parser *p, struct span at, struct node *base,
			const struct lexeme *name);
/* base.0 */
struct node *make_item(struct parser *p, struct span at, struct node *base,
		       struct span index_span, const struct lexeme *index);
struct node *make_index(struct parser *p, struct span at, struct node *base,
			struct node *index);
struct node *make_tuple(struct parser *p, struct span at, struct node *items);
struct node *make_record(struct parser *p, struct span at,
			 const struct field_list *fields);
struct node *make_type_arg(struct parser *p, struct span at, struct type_name type);
struct node *make_cast(struct parser *p, struct span at, struct type_name to,
		       struct node *operand);
/* DEREF or ADDRESS */
struct node *make_pointed(struct parser *p, struct span at, enum node_kind kind,
			  struct node *operand);
struct node *make_unary(struct parser *p, struct span at, enum op op,
			struct node *operand);
struct node *make_binary(struct parser *p, struct span at, enum op op,
			 struct node *left, struct node *right);
struct node *make_branch(struct parser *p, struct span at, enum node_kind kind,
			 struct node *cond, struct node *then, struct node *otherwise);
/* a ?: b */
struct node *make_either(struct parser *p, struct span at, struct node *first,
			 struct node *second);
/* if cond { then } else { otherwise }, or else if: as a value */
struct node *make_if_value(struct parser *p, struct span at, struct node *cond,
			   struct node *then, struct node *otherwise);
struct node *make_step(struct parser *p, struct span at, struct node *place,
		       bool decrement, bool prefix);
struct node *make_assign(struct parser *p, struct span at, struct node *place,
			 struct node *value);
struct node *make_compound(struct parser *p, struct span at, enum op op,
			   struct node *place, struct node *value);
struct node *make_let(struct parser *p, struct span at, struct node *var,
		      struct type_name as, struct node *value);
struct node *make_expr(struct parser *p, struct span at, struct node *value);
struct node *make_jump(struct parser *p, struct span at, enum node_kind kind,
		       struct node *value);
struct node *make_loop(struct parser *p, struct span at, enum node_kind kind,
		       struct node *cond, struct node *body);
/* A loop without its body: over from..to, or if to is NULL over a map. */
struct node *make_for(struct parser *p, const struct lexeme *var, struct span var_span,
		      struct node *from, struct node *to);
struct node *set_body(struct parser *p, struct span at, struct node *loop,
		      struct node *body);

/*
 * A block; last, or NULL, stands at its end without a ';'. If that is an expression, or an
 * if with a value in each of its blocks, it becomes the block's value.
 */
struct node *make_braces(struct parser *p, struct span at, struct node_list stmts,
			 struct node *last);
/* The block as a statement: its value, if any, is computed and dropped. */
struct node *drop_value(struct parser *p, struct node *block);

/* "unsigned" and "long" to "unsigned long". */
const char *join_words(struct parser *p, const char *words, const char *word);

/* The type that these words name, or int64 after a message. */
struct type_name word_type(struct parser *p, struct span at, const char *words);
struct type_name named_type(const struct lexeme *name);
struct type_name tagged_type(enum type_tag tag, const struct lexeme *name);
struct type_name make_type(struct type_name base, unsigned stars, struct dim_list dims);

void add_clause(struct parser *p, struct span at, struct attach_point *points,
		struct node *predicate, struct node *body);

#endif
