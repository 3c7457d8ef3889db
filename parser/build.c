#include "parser/build.h"

#include <string.h>

#include "core/arena.h"
#include "core/intern.h"

struct node_list list_add(struct node_list list, struct node *n)
{
	if (!n)
		return list;
	if (list.last)
		list.last->next = n;
	else
		list.first = n;
	list.last = n;
	return list;
}

struct point_list points_add(struct parser *p, struct point_list list, struct span at,
			     const struct lexeme *text)
{
	struct attach_point *point = ARENA_NEW(p->arena, struct attach_point);

	point->span = at;
	point->text = text->text;
	if (list.last)
		list.last->next = point;
	else
		list.first = point;
	list.last = point;
	p->last_point = text->text;
	return list;
}

void add_config(struct parser *p, struct span at, const struct lexeme *name,
		struct node *value)
{
	struct config_item *item = ARENA_NEW(p->arena, struct config_item);

	item->span = at;
	item->name = name->text;
	item->value = value;
	*p->config_end = item;
	p->config_end = &item->next;
}

void add_clause(struct parser *p, struct span at, struct attach_point *points,
		struct node *predicate, struct node *body)
{
	struct clause *c = ARENA_NEW(p->arena, struct clause);

	c->span = at;
	c->points = points;
	c->predicate = predicate;
	c->body = body;
	*p->clauses_end = c;
	p->clauses_end = &c->next;
}

static void take_height(struct node *child, void *arg)
{
	uint32_t *highest = arg;

	if (child->height > *highest)
		*highest = child->height;
}

/* Called when a node has its children. */
static struct node *finish(struct parser *p, struct node *n)
{
	uint32_t highest = 0;

	node_each_child(n, take_height, &highest);
	n->height = highest + 1;
	if (n->height > AST_MAX_HEIGHT) {
		diag(p->cc, DIAG_syntax, n->span, "nested too deeply: over %d levels",
		     AST_MAX_HEIGHT);
		n->height = 0; /* one message, not one for each level above */
	}
	return n;
}

struct node *make_int(struct parser *p, struct span at, const struct lexeme *l)
{
	struct node *n = node_new(p->arena, NODE_INT, at);

	n->integer.value = l->value;
	n->integer.unit = l->is_duration ? UNIT_NS : UNIT_NONE;
	return finish(p, n);
}

struct node *make_string(struct parser *p, struct span at, const struct lexeme *l)
{
	struct node *n = node_new(p->arena, NODE_STR, at);

	n->string.bytes = l->text;
	n->string.len = l->len;
	return finish(p, n);
}

struct node *make_param(struct parser *p, struct span at, const struct lexeme *l)
{
	struct node *n = node_new(p->arena, NODE_PARAM, at);

	n->param.index = (uint32_t)l->value;
	return finish(p, n);
}

struct node *make_var(struct parser *p, struct span at, const struct lexeme *l)
{
	struct node *n = node_new(p->arena, NODE_VAR, at);

	n->var.name = l->text;
	return finish(p, n);
}

struct node *make_map(struct parser *p, struct span at, const struct lexeme *l,
		      struct node *keys)
{
	struct node *n = node_new(p->arena, NODE_MAP, at);

	n->map.name = l->text;
	n->map.keys = keys;
	n->map.has_keys = keys != NULL;
	return finish(p, n);
}

struct node *make_name(struct parser *p, struct span at, const struct lexeme *name)
{
	struct node *n = node_new(p->arena, NODE_CALL, at);

	n->call.name = name->text;
	n->call.name_span = at;
	return finish(p, n);
}

struct node *make_call(struct parser *p, struct span at, struct span name_span,
		       const struct lexeme *name, struct node *args)
{
	struct node *n = node_new(p->arena, NODE_CALL, at);

	n->call.name = name->text;
	n->call.name_span = name_span;
	n->call.args = args;
	n->call.has_parens = true;
	return finish(p, n);
}

struct node *make_field(struct parser *p, struct span at, struct node *base,
			const struct lexeme *name)
{
	struct node *n = node_new(p->arena, NODE_FIELD, at);

	n->field.base = base;
	n->field.name = name->text;
	return finish(p, n);
}

struct node *make_cast(struct parser *p, struct span at, struct type_name to,
		       struct node *operand)
{
	struct node *n = node_new(p->arena, NODE_CAST, at);

	n->cast.to = to;
	n->cast.operand = operand;
	return finish(p, n);
}

struct node *make_deref(struct parser *p, struct span at, struct node *operand)
{
	struct node *n = node_new(p->arena, NODE_DEREF, at);

	n->unary.operand = operand;
	return finish(p, n);
}

struct node *make_unary(struct parser *p, struct span at, enum op op,
			struct node *operand)
{
	struct node *n = node_new(p->arena, NODE_UNARY, at);

	n->unary.op = op;
	n->unary.operand = operand;
	return finish(p, n);
}

struct node *make_binary(struct parser *p, struct span at, enum op op,
			 struct node *left, struct node *right)
{
	struct node *n = node_new(p->arena, NODE_BINARY, at);

	n->binary.op = op;
	n->binary.left = left;
	n->binary.right = right;
	return finish(p, n);
}

struct node *make_branch(struct parser *p, struct span at, enum node_kind kind,
			 struct node *cond, struct node *then, struct node *otherwise)
{
	struct node *n = node_new(p->arena, kind, at);

	n->branch.cond = cond;
	n->branch.then = then;
	n->branch.otherwise = otherwise;
	return finish(p, n);
}

struct node *make_step(struct parser *p, struct span at, struct node *place,
		       bool decrement, bool prefix)
{
	struct node *n = node_new(p->arena, NODE_STEP, at);

	n->step.place = place;
	n->step.decrement = decrement;
	n->step.prefix = prefix;
	return finish(p, n);
}

struct node *make_assign(struct parser *p, struct span at, struct node *place,
			 struct node *value)
{
	struct node *n = node_new(p->arena, NODE_ASSIGN, at);

	n->assign.place = place;
	n->assign.value = value;
	return finish(p, n);
}

struct node *make_compound(struct parser *p, struct span at, enum op op,
			   struct node *place, struct node *value)
{
	struct node *n = make_assign(p, at, place, value);

	n->assign.op = op;
	n->assign.compound = true;
	return n;
}

struct node *make_let(struct parser *p, struct span at, struct node *var,
		      struct type_name as, struct node *value)
{
	struct node *n = node_new(p->arena, NODE_LET, at);

	n->let.var = var;
	n->let.as = as;
	n->let.value = value;
	return finish(p, n);
}

struct node *make_expr(struct parser *p, struct node *value)
{
	struct node *n = node_new(p->arena, NODE_EXPR, value->span);

	n->expr.value = value;
	return finish(p, n);
}

struct node *make_block(struct parser *p, struct span at, struct node *stmts)
{
	struct node *n = node_new(p->arena, NODE_BLOCK, at);

	n->block.stmts = stmts;
	return finish(p, n);
}

/* Every way to write a type, and its one name. */
static const struct {
	const char *words, *name;
} spellings[] = {
	{ "bool", "bool" },
	{ "char", "char" },
	{ "int", "int32" },
	{ "int16", "int16" },
	{ "int16_t", "int16" },
	{ "int32", "int32" },
	{ "int32_t", "int32" },
	{ "int64", "int64" },
	{ "int64_t", "int64" },
	{ "int8", "int8" },
	{ "int8_t", "int8" },
	{ "long int", "int64" },
	{ "long long int", "int64" },
	{ "long long", "int64" },
	{ "long", "int64" },
	{ "short int", "int16" },
	{ "short", "int16" },
	{ "signed char", "int8" },
	{ "signed int", "int32" },
	{ "signed long long", "int64" },
	{ "signed long", "int64" },
	{ "signed short", "int16" },
	{ "signed", "int32" },
	{ "uint16", "uint16" },
	{ "uint16_t", "uint16" },
	{ "uint32", "uint32" },
	{ "uint32_t", "uint32" },
	{ "uint64", "uint64" },
	{ "uint64_t", "uint64" },
	{ "uint8", "uint8" },
	{ "uint8_t", "uint8" },
	{ "unsigned char", "uint8" },
	{ "unsigned int", "uint32" },
	{ "unsigned long int", "uint64" },
	{ "unsigned long long int", "uint64" },
	{ "unsigned long long", "uint64" },
	{ "unsigned long", "uint64" },
	{ "unsigned short int", "uint16" },
	{ "unsigned short", "uint16" },
	{ "unsigned", "uint32" },
	{ "void", "void" },
};

const char *join_words(struct parser *p, const char *words, const char *word)
{
	/* No type is that long, and the words of a long list need not be kept. */
	if (strlen(words) > sizeof("unsigned long long int"))
		return words;
	return arena_printf(p->arena, "%s %s", words, word);
}

struct type_name make_type(struct parser *p, struct span at, const char *words,
			   unsigned stars)
{
	const char *name = NULL;

	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		if (strcmp(spellings[i].words, words) == 0)
			name = spellings[i].name;
	}
	if (!name) {
		diag(p->cc, DIAG_syntax, at, "there is no type '%s'", words);
		name = "int64";
	}
	return (struct type_name){ .name = intern_str(p->cc->names, name),
				   .stars = stars };
}
