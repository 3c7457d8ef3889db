/* Expressions. */
#include "parser/build.h"

#include <inttypes.h>
#include <string.h>

#include "core/arena.h"
#include "core/diag.h"
#include "core/intern.h"

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

	/* @x[(a, b)] is another way to write @x[a, b]. */
	if (keys && !keys->next && keys->kind == NODE_TUPLE && !keys->tuple.names &&
	    node_count(keys->tuple.items) > 1)
		keys = keys->tuple.items;
	n->map.name = l->text;
	n->map.keys = keys;
	n->map.has_keys = keys != NULL;
	return finish(p, n);
}

struct node *make_name(struct parser *p, struct span at, const struct lexeme *name)
{
	const bool is_true = strcmp(name->text, "true") == 0;
	struct node *n;

	if (is_true || strcmp(name->text, "false") == 0) {
		n = node_new(p->arena, NODE_INT, at);
		n->integer.value = is_true;
		n->integer.is_bool = true;
		return finish(p, n);
	}
	n = node_new(p->arena, NODE_CALL, at);
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

struct node *make_item(struct parser *p, struct span at, struct node *base,
		       struct span index_span, const struct lexeme *index)
{
	/* .01 and .0x1 would be other names of .1 */
	const char *plain = arena_printf(p->arena, "%" PRIu64, index->value);

	if (strcmp(plain, index->text) != 0)
		diag(p->cc, DIAG_syntax, index_span,
		     "a tuple's items are .0, .1 and so on, not '.%s'", index->text);
	return make_field(p, at, base, index);
}

struct node *make_index(struct parser *p, struct span at, struct node *base,
			struct node *index)
{
	struct node *n = node_new(p->arena, NODE_INDEX, at);

	n->index.base = base;
	n->index.at = index;
	return finish(p, n);
}

struct node *make_tuple(struct parser *p, struct span at, struct node *items)
{
	struct node *n = node_new(p->arena, NODE_TUPLE, at);

	n->tuple.items = items;
	return finish(p, n);
}

struct field_list fields_add(struct parser *p, struct field_list list, struct span at,
			     const struct lexeme *name, struct node *value)
{
	enum { MAX_FIELDS = 1000 };

	if (list.names.n == MAX_FIELDS)
		diag(p->cc, DIAG_unsupported, at, "a record with more than %d fields",
		     MAX_FIELDS);
	if (list.names.n >= MAX_FIELDS)
		return list;
	for (size_t i = 0; i < list.names.n; i++) {
		if (list.names.items[i] == name->text)
			diag(p->cc, DIAG_redeclared, at,
			     "the record has a field '%s' already", name->text);
	}
	ARENA_PUSH(p->arena, &list.names, name->text);
	list.values = list_add(list.values, value);
	return list;
}

struct node *make_record(struct parser *p, struct span at,
			 const struct field_list *fields)
{
	struct node *n = node_new(p->arena, NODE_TUPLE, at);

	n->tuple.items = fields->values.first;
	n->tuple.names = fields->names.items;
	return finish(p, n);
}

struct node *make_type_arg(struct parser *p, struct span at, struct type_name type)
{
	struct node *n = node_new(p->arena, NODE_TYPE, at);

	n->written = type;
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

struct node *make_pointed(struct parser *p, struct span at, enum node_kind kind,
			  struct node *operand)
{
	struct node *n = node_new(p->arena, kind, at);

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

struct node *make_either(struct parser *p, struct span at, struct node *first,
			 struct node *second)
{
	/* { let $h = first; $h ? $h : second }: first is evaluated once. */
	const struct lexeme name = {
		.text = intern_str(p->cc->names,
				   arena_printf(p->arena, "$?:%u", p->nhidden++)),
	};
	struct node *let = make_let(p, first->span, make_var(p, first->span, &name),
				    (struct type_name){ .name = NULL }, first);
	struct node *value =
		make_branch(p, at, NODE_COND, make_var(p, first->span, &name),
			    make_var(p, first->span, &name), second);
	struct node *block = node_new(p->arena, NODE_BLOCK, at);

	block->block.stmts = let;
	block->block.value = value;
	return finish(p, block);
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
