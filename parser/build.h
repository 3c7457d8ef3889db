/* What the grammar's actions build; private to parser/. */
#ifndef MEMQL_BUILD_H
#define MEMQL_BUILD_H

#include "lexer/lexer.h"
#include "parser/ast.h"

/* What was wrong so far: one mistake is one message. */
struct syntax_state {
	unsigned n;
	bool in_clause; /* since the latest attach point */
	bool no_braces; /* the latest: where a { should be */
	bool outside; /* since a line began with an attach point: what stands outside of
			 * clauses may belong into one */
	bool lost;    /* a } is missing: where clauses begin is not known */
};

struct parser {
	struct compile *cc;
	struct arena *arena; /* cc's */
	struct lexer *lexer;
	const char *file;               /* its name */
	const struct value_def *values; /* of the enum at hand, so far */
	struct ast *ast;
	struct config_item **config_end;
	struct type_def **types_end;
	struct map_def **maps_end;
	struct macro **macros_end;
	struct clause **clauses_end;
	struct engine **engines_end;
	struct engine *engine;      /* that this file is about, or NULL */
	bool in_engine;             /* what is assigned is about it */
	bool is_pack;               /* parse_packs() reads this file */
	struct syntax_state errors; /* in this file, as the next ones */
	const char *last_point;     /* text of the latest attach point, or NULL */
	bool has_clauses;

	struct imports *imports; /* NULL: none so far */
	unsigned nhidden;        /* variables that the parser made */
	unsigned ndefs;          /* maps, macros and types */
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
struct member_list {
	struct member_def *first, *last;
};
struct value_list {
	struct value_def *first, *last;
};
struct param_list {
	struct macro_param *first, *last;
	unsigned n;
};
/* A type that has a name, or one that was defined right there. */
struct type_spec {
	struct type_name type;
	struct type_def *def;
};
/* The sizes in int32[2][3]; 0 for []. */
struct dim_list {
	unsigned n;
	uint64_t sizes[TYPE_DIMS];
};

/* With nothing in them. */
extern const struct node_list empty_list;
extern const struct field_list no_fields;
extern const struct dim_list no_dims;
extern const struct member_list no_members;
extern const struct value_list no_values;
extern const struct param_list no_params;
extern const struct point_list no_points;

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

/* A parser that adds to cc->ast. */
struct parser parser_for(struct compile *cc);

/* The word before "= {": what follows is config's or an engine's. */
void begin_config(struct parser *p, struct span at, const struct lexeme *word);
/* config = { ... } was read; at: the word. */
void end_config(struct parser *p, struct span at);
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
struct type_name tuple_type(struct node *items); /* TYPE nodes */
struct type_name record_type(const struct field_list *fields);
struct type_name make_type(struct type_name base, unsigned stars, struct dim_list dims);

/* Definitions; each reports a name that is there already. */

void add_map(struct parser *p, struct span at, const struct lexeme *name,
	     const struct lexeme *kind, struct span kind_span, struct node *args);
struct param_list params_add(struct parser *p, struct param_list list, struct span at,
			     const struct lexeme *name);
void add_macro(struct parser *p, struct span at, struct span name_span,
	       const struct lexeme *name, struct macro_param *params,
	       struct node *body);

/* name NULL: none. With a name, the definition is added, and the result names it. */
struct type_spec define_struct(struct parser *p, struct span at, enum type_tag tag,
			       const struct lexeme *name, struct member_def *members,
			       bool packed);
struct type_spec define_enum(struct parser *p, struct span at,
			     const struct lexeme *name, struct value_def *values);
/* Outside of other definitions only an enum needs no name. */
void define_outside(struct parser *p, struct span at, struct type_spec spec);
/* Declarators with their types. */
void add_typedefs(struct parser *p, struct member_def *names);

struct value_list values_add(struct parser *p, struct value_list list, struct span at,
			     const struct lexeme *name, struct node *value);
struct member_list members_join(struct member_list list, struct member_list more);

/* struct { ... }; inside another one */
struct member_list unnamed_member(struct parser *p, struct span at,
				  struct type_spec spec);
/* Declarators know their stars and sizes; this adds the type before them. */
struct member_list typed_members(struct type_spec spec, struct member_list list);
struct member_list declare(struct parser *p, struct span at, const struct lexeme *name,
			   unsigned stars, struct dim_list sizes);
struct member_list declare_bits(struct parser *p, struct span at,
				const struct lexeme *name, const struct node *bits);
struct member_list declare_function(struct parser *p, struct span at,
				    const struct lexeme *name, struct dim_list sizes);
struct dim_list sizes_add(struct parser *p, struct dim_list list,
			  const struct node *size);
/* True for packed; reports those that would change the layout in another way. */
bool attribute_packs(struct parser *p, struct span at, const struct lexeme *name);

/* Parse another file in the place of an import. */
void import(struct parser *p, struct span at, const struct lexeme *path);
void parse_file(struct parser *p, const struct source_file *file);

void add_clause(struct parser *p, struct span at, struct attach_point *points,
		struct node *predicate, struct node *body, bool is_else);

#endif
