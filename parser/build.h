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
};

/* A list that grows at its end. */
struct node_list {
	struct node *first, *last;
};
struct point_list {
	struct attach_point *first, *last;
};

struct node_list list_add(struct node_list list, struct node *n); /* NULL: nothing */
struct point_list points_add(struct parser *p, struct point_list list, struct span at,
			     const struct lexeme *text);

void add_config(struct parser *p, struct span at, const struct lexeme *name,
		struct node *value);

/* Each makes one node of its parts, and reports if the tree becomes too high. */
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
struct node *make_cast(struct parser *p, struct span at, struct type_name to,
		       struct node *operand);
struct node *make_deref(struct parser *p, struct span at, struct node *operand);
struct node *make_unary(struct parser *p, struct span at, enum op op,
			struct node *operand);
struct node *make_binary(struct parser *p, struct span at, enum op op,
			 struct node *left, struct node *right);
struct node *make_branch(struct parser *p, struct span at, enum node_kind kind,
			 struct node *cond, struct node *then, struct node *otherwise);
struct node *make_step(struct parser *p, struct span at, struct node *place,
		       bool decrement, bool prefix);
struct node *make_assign(struct parser *p, struct span at, struct node *place,
			 struct node *value);
struct node *make_compound(struct parser *p, struct span at, enum op op,
			   struct node *place, struct node *value);
struct node *make_let(struct parser *p, struct span at, struct node *var,
		      struct type_name as, struct node *value);
struct node *make_expr(struct parser *p, struct node *value);
struct node *make_block(struct parser *p, struct span at, struct node *stmts);

/* "unsigned" and "long" to "unsigned long". */
const char *join_words(struct parser *p, const char *words, const char *word);

/* The type that these words name, or int64 after a message. */
struct type_name make_type(struct parser *p, struct span at, const char *words,
			   unsigned stars);

void add_clause(struct parser *p, struct span at, struct attach_point *points,
		struct node *predicate, struct node *body);

#endif
