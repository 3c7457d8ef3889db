/*
 * The grammar. No builtin is a keyword, and any expression may stand left of '=': sema
 * refuses what cannot be assigned to, and can say why. A condition needs no parentheses:
 * (c) is an expression already.
 *
 * After an error, a statement ends at its ';', at a block that follows, or at the '}' of
 * the block around it; outside, a clause ends with its block.
 */
%require "3.6"
%define api.pure full
%define api.prefix {parser_yy}
%define api.token.prefix {TOK_}
%define parse.error custom
%define parse.lac full
%locations
%define api.location.type {struct span}
%initial-action { @$ = (struct span){ 0, 0 }; }
%expect 0

%parse-param { struct parser *p }
%lex-param { struct parser *p }

%code requires {
#include "parser/build.h"
}

%union {
	struct lexeme lexeme;
	struct node *node;
	struct node_list list;
	struct field_list fields;
	struct point_list points;
	struct type_name type;
	struct dim_list dims;
	struct type_spec spec;
	struct member_list members;
	struct value_list values;
	struct param_list params;
	enum type_tag tag;
	bool packed;
	const char *words;
	unsigned count;
	enum op op;
}

%code {
#include "core/diag.h"
#include "parser/syntax.h"

static int parser_yylex(PARSER_YYSTYPE *value, struct span *at, struct parser *p);
static void parser_yyerror(const struct span *at, struct parser *p, const char *what);

/* An empty rule lies directly behind what came before it. */
#define YYLLOC_DEFAULT(current, rhs, n)                                                \
	((current) = (n) ? span_join(YYRHSLOC(rhs, 1), YYRHSLOC(rhs, n))               \
			 : (struct span){ YYRHSLOC(rhs, 0).end, YYRHSLOC(rhs, 0).end })

}

/* In the order of lexer/tokens.def. */
%token END 0 "the end of the program"
%token <lexeme> CONFIG "'config'"
%token <lexeme> ATTACH_POINT "attach point"
%token IMPORT "'import'"
%token MACRO "'macro'"
%token TYPEDEF "'typedef'"
%token PREDICATE_BEGIN "'/'"
%token PREDICATE_END "'/' before '{'"
%token <lexeme> IDENTIFIER "identifier"
%token <lexeme> TYPE "type"
%token <lexeme> TYPE_NAME "type's name"
%token <lexeme> INTEGER "number"
%token <lexeme> STRING "string"
%token <lexeme> PARAM "parameter"
%token <lexeme> VARIABLE "variable"
%token <lexeme> MAP "map"
%token QUALIFIER "'const'"
%token STRUCT "'struct'"
%token UNION "'union'"
%token ENUM "'enum'"
%token TYPEOF "'typeof'"
%token ATTRIBUTE "'__attribute__'"
%token IF "'if'"
%token IF_VALUE "'if' as a value"
%token ELSE "'else'"
%token FOR "'for'"
%token WHILE "'while'"
%token UNROLL "'unroll'"
%token LET "'let'"
%token RETURN "'return'"
%token BREAK "'break'"
%token CONTINUE "'continue'"
%token BLOCK_VALUE "'{' as a value"
%token RANGE "'..'"
%token ARROW "'->'"
%token INCREMENT "'++'"
%token DECREMENT "'--'"
%token SHL "'<<'"
%token SHR "'>>'"
%token LE "'<='"
%token GE "'>='"
%token EQ "'=='"
%token NE "'!='"
%token LAND "'&&'"
%token LOR "'||'"
%token ADD_ASSIGN "'+='"
%token SUB_ASSIGN "'-='"
%token MUL_ASSIGN "'*='"
%token DIV_ASSIGN "'/='"
%token MOD_ASSIGN "'%='"
%token AND_ASSIGN "'&='"
%token OR_ASSIGN "'|='"
%token XOR_ASSIGN "'^='"
%token SHL_ASSIGN "'<<='"
%token SHR_ASSIGN "'>>='"

/* Messages name what they expected in this order. */
%token ';' ',' '{' '}' ')' ']' ':'

/* C's precedence. */
%right '?' ':'
%left LOR
%left LAND
%left '|'
%left '^'
%left '&'
%left EQ NE
%left '<' '>' LE GE
%left SHL SHR
%left '+' '-'
%left '*' '/' '%'
%precedence UNARY '!' '~'
%precedence INCREMENT DECREMENT
%precedence '.' ARROW '['

%type <node> predicate braces inside block compound simple if_stmt else_part iteration
%type <node> config_value init expr arg
%type <list> exprs args arg_list stmts tuple_of
%type <fields> fields record_of
%type <points> points
%type <type> type base_type let_type written
%type <dims> dims sizes
%type <spec> spec spec_core struct_def enum_def
%type <tag> tag
%type <members> members member declarators declarator
%type <values> values
%type <params> params param_list
%type <lexeme> param
%type <packed> attributes attribute attribute_list attribute_words attribute_word
%type <words> type_words
%type <count> stars
%type <op> assign_op

%%

program: items;

items:
  %empty
| items ';'
| items config
| items clause
| items map_def
| items macro
| items type_def
| items import
;

config:
  config_begin '=' '{' config_items '}'
| config_begin '=' '{' config_items error '}' { yyerrok; }
;

config_begin: CONFIG { begin_config(p, @1, &$1); };

config_items:
  %empty
| config_items config_item
| config_items ';'
| config_items ','
| config_items error ';' { yyerrok; }
;

config_item: IDENTIFIER '=' config_value { add_config(p, @$, &$1, $3); };

config_value:
  INTEGER    { $$ = make_int(p, @$, &$1); }
| STRING     { $$ = make_string(p, @$, &$1); }
| IDENTIFIER { $$ = make_name(p, @$, &$1); }
;

clause:
  points predicate block
	{ add_clause(p, @$, $points.first, $predicate, $block, false); }
| ELSE points predicate block
	{ add_clause(p, @$, $points.first, $predicate, $block, true); }
| error block { yyerrok; }
| error '}'   { yyerrok; }
| error ';'   { yyerrok; }
;

points:
  ATTACH_POINT            { $$ = points_add(p, no_points, @1, &$1); }
| points ',' ATTACH_POINT { $$ = points_add(p, $1, @3, &$3); }
| points ','
;

predicate:
  %empty                             { $$ = NULL; }
| PREDICATE_BEGIN expr PREDICATE_END { $$ = $expr; }
;

map_def:
  LET MAP '=' IDENTIFIER '(' args ')' ';'
	{ add_map(p, @$, &$MAP, &$IDENTIFIER, @IDENTIFIER, $args.first); }
;

macro: MACRO IDENTIFIER '(' params ')' braces
	{ add_macro(p, @$, @2, &$IDENTIFIER, $params.first, $braces); };

params: %empty { $$ = no_params; } | param_list;

param_list:
  param                { $$ = params_add(p, no_params, @1, &$1); }
| param_list ',' param { $$ = params_add(p, $1, @3, &$3); }
;

param: IDENTIFIER | VARIABLE | MAP;

import: IMPORT STRING { import(p, @2, &$STRING); };

/*
 * Definitions of types, as in C. A declarator is turned inside out only as far as
 * kernels do it: a pointer to a function has parentheses, nothing else.
 */

type_def:
  struct_def                   { define_outside(p, @$, $1); }
| enum_def                     { define_outside(p, @$, $1); }
| tag IDENTIFIER ';'
| ENUM IDENTIFIER ';'
| TYPEDEF spec declarators ';' { add_typedefs(p, typed_members($spec, $declarators).first); }
;

/* What has a name is kept under it: the result is the name. */
struct_def:
  tag '{' members '}' attributes
	{ $$ = define_struct(p, @$, $tag, NULL, $members.first, $5); }
| tag IDENTIFIER '{' members '}' attributes
	{ $$ = define_struct(p, @$, $tag, &$2, $members.first, $6); }
| tag attribute_list '{' members '}' attributes
	{ $$ = define_struct(p, @$, $tag, NULL, $members.first, $2 || $6); }
| tag attribute_list IDENTIFIER '{' members '}' attributes
	{ $$ = define_struct(p, @$, $tag, &$3, $members.first, $2 || $7); }
;

tag: STRUCT { $$ = TAG_STRUCT; } | UNION { $$ = TAG_UNION; };

enum_def:
  ENUM '{' values '}'            { $$ = define_enum(p, @$, NULL, $values.first); }
| ENUM IDENTIFIER '{' values '}' { $$ = define_enum(p, @$, &$2, $values.first); }
;

values:
  IDENTIFIER init            { $$ = values_add(p, no_values, @$, &$1, $init); }
| values ','
| values ',' IDENTIFIER init { $$ = values_add(p, $1, @3, &$3, $init); }
;

members:
  %empty            { $$ = no_members; }
| members member    { $$ = members_join($1, $2); }
| members error ';' { yyerrok; }
;

member:
  spec ';'             { $$ = unnamed_member(p, @$, $spec); }
| spec declarators ';' { $$ = typed_members($spec, $declarators); }
;

/* A type, and what was defined for it on the way. */
spec: spec_core | qualifiers spec_core { $$ = $2; };

spec_core:
  base_type  { $$ = (struct type_spec){ .type = $1 }; }
| IDENTIFIER { $$ = (struct type_spec){ .type = named_type(&$1) }; }
| struct_def
| enum_def
;

declarators:
  declarator
| declarators ',' declarator { $$ = members_join($1, $3); }
;

declarator:
  stars IDENTIFIER sizes attributes { $$ = declare(p, @2, &$2, $stars, $sizes); }
| stars IDENTIFIER ':' expr         { $$ = declare_bits(p, @2, &$2, $4); }
| ':' expr                          { $$ = declare_bits(p, @$, NULL, $2); }
| stars '(' '*' stars IDENTIFIER sizes ')' '(' ignored ')'
	{ $$ = declare_function(p, @5, &$5, $sizes); }
;

sizes:
  %empty             { $$ = no_dims; }
| sizes '[' expr ']' { $$ = sizes_add(p, $1, $3); }
| sizes '[' ']'      { $$ = dims_add(p, $1, @3, 0); }
;

attributes: %empty { $$ = false; } | attribute_list;

attribute_list: attribute | attribute_list attribute { $$ = $1 || $2; };

attribute: ATTRIBUTE '(' '(' attribute_words ')' ')' { $$ = $4; };

attribute_words:
  attribute_word
| attribute_words ',' attribute_word { $$ = $1 || $3; }
;

attribute_word:
  IDENTIFIER                 { $$ = attribute_packs(p, @1, &$1); }
| IDENTIFIER '(' ignored ')' { $$ = attribute_packs(p, @1, &$1); }
;

/* Parameters of functions and attributes: nothing depends on them. */
ignored: %empty | ignored ignored_word;

ignored_word:
  IDENTIFIER | TYPE | TYPE_NAME | QUALIFIER | STRUCT | UNION | ENUM | INTEGER | STRING
| '*' | ',' | '.' | RANGE | '[' | ']' | '(' ignored ')'
;

/* Statements */

/*
 * Braces hold a body or a value: what stands at their end without a ';' is kept as the
 * value, until they turn out to be a statement.
 */
braces: '{' inside { $$ = $inside; $$->span = @$; };

inside:
  stmts '}'        { $$ = make_braces(p, @$, $stmts, NULL); }
| stmts simple '}' { $$ = make_braces(p, @$, $stmts, $simple); }
| stmts error '}'  { yyerrok; $$ = make_braces(p, @$, $stmts, NULL); }
;

block: braces { $$ = drop_value(p, $1); };

stmts:
  %empty              { $$ = empty_list; }
| stmts ';'
| stmts simple ';'    { $$ = stmts_add(p, $1, $simple); }
| stmts compound      { $$ = stmts_add(p, $1, $compound); }
| stmts error ';'     { yyerrok; }
| stmts error block   { yyerrok; $$ = stmts_add(p, $1, $block); }
;

compound:
  if_stmt
| block
| FOR iteration block         { $$ = set_body(p, @$, $iteration, $block); }
| FOR '(' iteration ')' block { $$ = set_body(p, @$, $iteration, $block); }
| FOR '(' error ')' block     { yyerrok; $$ = $block; }
| WHILE expr block            { $$ = make_loop(p, @$, NODE_WHILE, $expr, $block); }
| UNROLL expr block           { $$ = make_loop(p, @$, NODE_UNROLL, $expr, $block); }
;

if_stmt: IF expr braces else_part
	{ $$ = make_branch(p, @$, NODE_IF, $expr, $braces, $else_part); };

else_part:
  %empty       { $$ = NULL; }
| ELSE braces  { $$ = $braces; }
| ELSE if_stmt { $$ = $if_stmt; }
;

iteration:
  VARIABLE ':' expr            { $$ = make_for(p, &$1, @1, $3, NULL); }
| VARIABLE ':' expr RANGE expr { $$ = make_for(p, &$1, @1, $3, $5); }
;

simple:
  expr                       { $$ = make_expr(p, @$, $expr); }
| expr '=' expr              { $$ = make_assign(p, @$, $1, $3); }
| expr assign_op expr        { $$ = make_compound(p, @$, $2, $1, $3); }
| LET VARIABLE let_type init
	{ $$ = make_let(p, @$, make_var(p, @2, &$2), $let_type, $init); }
| RETURN                     { $$ = make_jump(p, @$, NODE_RETURN, NULL); }
| RETURN expr                { $$ = make_jump(p, @$, NODE_RETURN, $expr); }
| BREAK                      { $$ = make_jump(p, @$, NODE_BREAK, NULL); }
| CONTINUE                   { $$ = make_jump(p, @$, NODE_CONTINUE, NULL); }
;

let_type:
  %empty      { $$ = (struct type_name){ .name = NULL }; }
| ':' written { $$ = $written; $$.at = @written; }
;

/* A type where nothing else can stand. */
written:
  type
| IDENTIFIER stars dims  { $$ = make_type(named_type(&$1), $stars, $dims); }
| '(' tuple_of comma ')'  { $$ = tuple_type($2.first); }
| '(' record_of comma ')' { $$ = record_type(&$2); }
;

tuple_of:
  written              { $$ = list_add(empty_list, make_type_arg(p, @$, $1)); }
| tuple_of ',' written { $$ = list_add($1, make_type_arg(p, @3, $3)); }
;

record_of:
  IDENTIFIER '=' written
	{ $$ = fields_add(p, no_fields, @1, &$1, make_type_arg(p, @3, $3)); }
| record_of ',' IDENTIFIER '=' written
	{ $$ = fields_add(p, $1, @3, &$3, make_type_arg(p, @5, $5)); }
;

init:
  %empty   { $$ = NULL; }
| '=' expr { $$ = $expr; }
;

assign_op:
  ADD_ASSIGN { $$ = OP_ADD; }
| SUB_ASSIGN { $$ = OP_SUB; }
| MUL_ASSIGN { $$ = OP_MUL; }
| DIV_ASSIGN { $$ = OP_DIV; }
| MOD_ASSIGN { $$ = OP_MOD; }
| AND_ASSIGN { $$ = OP_AND; }
| OR_ASSIGN  { $$ = OP_OR; }
| XOR_ASSIGN { $$ = OP_XOR; }
| SHL_ASSIGN { $$ = OP_SHL; }
| SHR_ASSIGN { $$ = OP_SHR; }
;

/* Expressions. @$ covers parentheses, a node's own span does not. */

expr:
  INTEGER  { $$ = make_int(p, @$, &$1); }
| STRING   { $$ = make_string(p, @$, &$1); }
| PARAM    { $$ = make_param(p, @$, &$1); }
| VARIABLE { $$ = make_var(p, @$, &$1); }
| MAP %prec UNARY          { $$ = make_map(p, @$, &$1, NULL); }
| MAP '[' exprs ']'        { $$ = make_map(p, @$, &$1, $exprs.first); }
| IDENTIFIER               { $$ = make_name(p, @$, &$1); }
| IDENTIFIER '(' args ')'  { $$ = make_call(p, @$, @1, &$1, $args.first); }
| '(' expr ')'             { $$ = $2; }
| '(' ')'                  { $$ = make_tuple(p, @$, NULL); }
| '(' expr ',' ')'         { $$ = make_tuple(p, @$, $2); }
| '(' expr ',' exprs comma ')' { $$ = make_tuple(p, @$, list_push($2, $4)); }
| '(' fields comma ')'     { $$ = make_record(p, @$, &$fields); }
| BLOCK_VALUE inside       { $$ = $inside; $$->span = @$; }
| IF_VALUE expr braces ELSE braces  { $$ = make_if_value(p, @$, $2, $3, $5); }
| IF_VALUE expr braces ELSE if_stmt { $$ = make_if_value(p, @$, $2, $3, $5); }
| expr '[' expr ']'        { $$ = make_index(p, @$, $1, $3); }
| expr '.' IDENTIFIER      { $$ = make_field(p, @$, $1, &$3); }
| expr ARROW IDENTIFIER    { $$ = make_field(p, @$, $1, &$3); }
| expr '.' INTEGER         { $$ = make_item(p, @$, $1, @3, &$3); }
| expr INCREMENT           { $$ = make_step(p, @$, $1, false, false); }
| expr DECREMENT           { $$ = make_step(p, @$, $1, true, false); }
| INCREMENT expr %prec UNARY { $$ = make_step(p, @$, $2, false, true); }
| DECREMENT expr %prec UNARY { $$ = make_step(p, @$, $2, true, true); }
| '(' type ')' expr %prec UNARY { $$ = make_cast(p, @$, $type, $4); }
| '-' expr %prec UNARY     { $$ = make_unary(p, @$, OP_NEG, $2); }
| '!' expr                 { $$ = make_unary(p, @$, OP_NOT, $2); }
| '~' expr                 { $$ = make_unary(p, @$, OP_INV, $2); }
| '*' expr %prec UNARY     { $$ = make_pointed(p, @$, NODE_DEREF, $2); }
| '&' expr %prec UNARY     { $$ = make_pointed(p, @$, NODE_ADDRESS, $2); }
| expr '*' expr            { $$ = make_binary(p, @$, OP_MUL, $1, $3); }
| expr '/' expr            { $$ = make_binary(p, @$, OP_DIV, $1, $3); }
| expr '%' expr            { $$ = make_binary(p, @$, OP_MOD, $1, $3); }
| expr '+' expr            { $$ = make_binary(p, @$, OP_ADD, $1, $3); }
| expr '-' expr            { $$ = make_binary(p, @$, OP_SUB, $1, $3); }
| expr SHL expr            { $$ = make_binary(p, @$, OP_SHL, $1, $3); }
| expr SHR expr            { $$ = make_binary(p, @$, OP_SHR, $1, $3); }
| expr '<' expr            { $$ = make_binary(p, @$, OP_LT, $1, $3); }
| expr '>' expr            { $$ = make_binary(p, @$, OP_GT, $1, $3); }
| expr LE expr             { $$ = make_binary(p, @$, OP_LE, $1, $3); }
| expr GE expr             { $$ = make_binary(p, @$, OP_GE, $1, $3); }
| expr EQ expr             { $$ = make_binary(p, @$, OP_EQ, $1, $3); }
| expr NE expr             { $$ = make_binary(p, @$, OP_NE, $1, $3); }
| expr '&' expr            { $$ = make_binary(p, @$, OP_AND, $1, $3); }
| expr '^' expr            { $$ = make_binary(p, @$, OP_XOR, $1, $3); }
| expr '|' expr            { $$ = make_binary(p, @$, OP_OR, $1, $3); }
| expr LAND expr           { $$ = make_binary(p, @$, OP_LAND, $1, $3); }
| expr LOR expr            { $$ = make_binary(p, @$, OP_LOR, $1, $3); }
| expr '?' expr ':' expr   { $$ = make_branch(p, @$, NODE_COND, $1, $3, $5); }
| expr '?' ':' expr        { $$ = make_either(p, @$, $1, $4); }
;

comma: %empty | ',';

args: %empty { $$ = empty_list; } | arg_list;

arg_list:
  arg              { $$ = list_add(empty_list, $1); }
| arg_list ',' arg { $$ = list_add($1, $3); }
;

arg: expr | type { $$ = make_type_arg(p, @$, $type); };

exprs:
  expr           { $$ = list_add(empty_list, $1); }
| exprs ',' expr { $$ = list_add($1, $3); }
;

fields:
  IDENTIFIER '=' expr            { $$ = fields_add(p, no_fields, @1, &$1, $3); }
| fields ',' IDENTIFIER '=' expr { $$ = fields_add(p, $1, @3, &$3, $5); }
;

/* Types. The lexer knows which names are types: it looks at what follows them. */

type:
  base_type stars dims             { $$ = make_type($1, $stars, $dims); }
| qualifiers base_type stars dims  { $$ = make_type($2, $stars, $dims); }
| qualifiers IDENTIFIER stars dims
	{ $$ = make_type(named_type(&$2), $stars, $dims); }
;

qualifiers: QUALIFIER | qualifiers QUALIFIER;

base_type:
  type_words            { $$ = word_type(p, @$, $1); }
| TYPE_NAME             { $$ = named_type(&$1); }
| tag IDENTIFIER        { $$ = tagged_type($tag, &$2); }
| ENUM IDENTIFIER       { $$ = tagged_type(TAG_ENUM, &$2); }
| TYPEOF '(' expr ')'   { $$ = (struct type_name){ .of = $expr }; }
;

type_words:
  TYPE            { $$ = $1.text; }
| type_words TYPE { $$ = join_words(p, $1, $2.text); }
;

stars:
  %empty          { $$ = 0; }
| stars '*'       { $$ = $1 + 1; }
| stars QUALIFIER { $$ = $1; }
;

dims:
  %empty               { $$ = no_dims; }
| dims '[' INTEGER ']' { $$ = dims_add(p, $1, @3, $3.value); }
| dims '[' ']'         { $$ = dims_add(p, $1, @3, 0); }
;

%%

/* The lexer numbers its tokens as bison does those above: from 258 on, in this order. */
#define TOKEN(name) _Static_assert((int)TOK_##name == (int)TOKEN_##name, #name);
#include "lexer/tokens.def"
#undef TOKEN

static int parser_yylex(PARSER_YYSTYPE *value, struct span *at, struct parser *p)
{
	return lexer_next(p->lexer, &value->lexeme, at);
}

/* Bison calls this only when its stack is full; it holds 10,000 symbols. */
static void parser_yyerror(const struct span *at, struct parser *p, const char *what)
{
	(void)what;
	diag(p->cc, DIAG_syntax, *at, "nested too deeply");
}

/* Bison numbers its symbols from 0 on, in the order above; this is the token's number. */
static int token_of(yysymbol_kind_t kind)
{
	for (int token = 0; token <= YYMAXUTOK; token++) {
		if (YYTRANSLATE(token) == kind)
			return token;
	}
	return TOKEN_END;
}

static const char *token_name(int token)
{
	return yysymbol_name(YYTRANSLATE(token));
}

static int yyreport_syntax_error(const yypcontext_t *context, struct parser *p)
{
	struct syntax_error e = {
		.at = *yypcontext_location(context),
		.found = token_of(yypcontext_token(context)),
		.name = token_name,
	};
	yysymbol_kind_t kinds[YYNTOKENS];
	int n;

	_Static_assert(YYNTOKENS <= SYNTAX_MAX, "every token may be expected");
	if (!syntax_error_is_seen(p, e.at))
		return 0;
	n = yypcontext_expected_tokens(context, kinds, YYNTOKENS);
	for (int i = 0; i < n; i++)
		e.expected[e.n++] = token_of(kinds[i]);
	syntax_error(p, &e);
	return 0;
}
