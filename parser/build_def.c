/* Definitions: types, maps and macros. */
#include "parser/build.h"

#include <inttypes.h>
#include <string.h>

#include "core/arena.h"
#include "core/diag.h"
#include "core/intern.h"

/*
 * Names are looked for one by one: there shall not be too many of them. Nobody writes
 * more by hand, and no kernel takes a program with more maps.
 */
enum { MAX_NAMES = 2000 };

/* Counts one more; false if there are too many, after a message. */
static bool has_room(struct parser *p, unsigned *n, struct span at)
{
	if (++*n == MAX_NAMES)
		diag(p->cc, DIAG_unsupported, at, "more than %d definitions",
		     MAX_NAMES - 1);
	return *n < MAX_NAMES;
}

static void redeclared(struct parser *p, struct span at, const char *name,
		       struct span first)
{
	diag(p->cc, DIAG_redeclared, at, "'%s' is defined already", name);
	diag_note(p->cc, first, "here");
}

/* Maps and macros. */

void add_map(struct parser *p, struct span at, const struct lexeme *name,
	     const struct lexeme *kind, struct span kind_span, struct node *args)
{
	struct map_def *m = ARENA_NEW(p->arena, struct map_def);

	if (!has_room(p, &p->ndefs, at))
		return;
	for (const struct map_def *old = p->ast->maps; old; old = old->next) {
		if (old->name == name->text)
			redeclared(p, at, name->text, old->span);
	}
	m->span = at;
	m->name = name->text;
	m->kind = kind->text;
	m->kind_span = kind_span;
	m->args = args;
	m->is_pack = p->is_pack;
	*p->maps_end = m;
	p->maps_end = &m->next;
}

struct param_list params_add(struct parser *p, struct param_list list, struct span at,
			     const struct lexeme *name)
{
	struct macro_param *param = ARENA_NEW(p->arena, struct macro_param);

	if (!has_room(p, &list.n, at))
		return list;
	for (const struct macro_param *old = list.first; old; old = old->next) {
		if (old->name == name->text)
			redeclared(p, at, name->text, old->span);
	}
	param->span = at;
	param->name = name->text;
	if (list.last)
		list.last->next = param;
	else
		list.first = param;
	list.last = param;
	return list;
}

void add_macro(struct parser *p, struct span at, struct span name_span,
	       const struct lexeme *name, struct macro_param *params, struct node *body)
{
	struct macro *m = ARENA_NEW(p->arena, struct macro);

	if (!has_room(p, &p->ndefs, at))
		return;
	for (const struct macro *old = p->ast->macros; old; old = old->next) {
		if (old->name == name->text)
			redeclared(p, name_span, name->text, old->name_span);
	}
	m->span = at;
	m->name_span = name_span;
	m->name = name->text;
	m->params = params;
	m->body = body;
	*p->macros_end = m;
	p->macros_end = &m->next;
}

/* Types. */

/* struct, union and enum share their names; typedefs have others. */
static void add_type(struct parser *p, struct type_def *def)
{
	if (!has_room(p, &p->ndefs, def->span))
		return;
	for (const struct type_def *old = p->ast->types; old; old = old->next) {
		if (old->name && old->name == def->name &&
		    (old->tag == TAG_NONE) == (def->tag == TAG_NONE))
			redeclared(p, def->span, def->name, old->span);
	}
	*p->types_end = def;
	p->types_end = &def->next;
}

static struct type_spec define(struct parser *p, struct type_def *def)
{
	if (def->name || def->tag == TAG_ENUM)
		add_type(p, def);
	if (!def->name)
		return (struct type_spec){ .def = def };
	return (struct type_spec){ .type = { .tag = def->tag, .name = def->name } };
}

struct type_spec define_struct(struct parser *p, struct span at, enum type_tag tag,
			       const struct lexeme *name, struct member_def *members,
			       bool packed)
{
	struct type_def *def = ARENA_NEW(p->arena, struct type_def);

	def->span = at;
	def->tag = tag;
	def->name = name ? name->text : NULL;
	def->packed = packed;
	def->members = members;
	return define(p, def);
}

struct type_spec define_enum(struct parser *p, struct span at,
			     const struct lexeme *name, struct value_def *values)
{
	struct type_def *def = ARENA_NEW(p->arena, struct type_def);

	def->span = at;
	def->tag = TAG_ENUM;
	def->name = name ? name->text : NULL;
	def->values = values;
	return define(p, def);
}

void define_outside(struct parser *p, struct span at, struct type_spec spec)
{
	if (spec.def && spec.def->tag != TAG_ENUM)
		diag(p->cc, DIAG_syntax, at,
		     "a type that is defined here needs a name");
}

void add_typedefs(struct parser *p, struct member_def *names)
{
	for (const struct member_def *m = names; m; m = m->next) {
		struct type_def *def = ARENA_NEW(p->arena, struct type_def);

		def->span = m->span;
		def->name = m->name;
		def->alias = m->type;
		def->alias_def = m->def;
		add_type(p, def);
	}
}

static bool evaluate(const struct parser *p, const struct node *n, uint64_t *out);

struct value_list values_add(struct parser *p, struct value_list list, struct span at,
			     const struct lexeme *name, struct node *value)
{
	struct value_def *v = ARENA_NEW(p->arena, struct value_def);
	uint64_t number;

	v->span = at;
	v->name = name->text;
	v->value = value;
	p->values = list.first;
	if (value && evaluate(p, value, &number)) {
		v->value = node_new(p->arena, NODE_INT, value->span);
		v->value->integer.value = number;
	}
	p->values = NULL;
	if (list.last)
		list.last->next = v;
	else
		list.first = v;
	list.last = v;
	return list;
}

/* Members. */

static struct member_list one_member(struct member_def *m)
{
	return (struct member_list){ m, m };
}

struct member_list members_join(struct member_list list, struct member_list more)
{
	if (!list.first)
		return more;
	if (!more.first)
		return list;
	list.last->next = more.first;
	list.last = more.last;
	return list;
}

static struct member_def *new_member(struct parser *p, struct span at,
				     const struct lexeme *name)
{
	struct member_def *m = ARENA_NEW(p->arena, struct member_def);

	m->span = at;
	m->name = name ? name->text : NULL;
	return m;
}

struct member_list unnamed_member(struct parser *p, struct span at,
				  struct type_spec spec)
{
	struct member_def *m = new_member(p, at, NULL);

	/* A definition only, as in C: struct with a name, or enum. */
	if (!spec.def || spec.def->tag == TAG_ENUM) {
		if (spec.type.name && spec.type.tag == TAG_NONE)
			diag(p->cc, DIAG_syntax, at, "this member has no name");
		return (struct member_list){ NULL, NULL };
	}
	m->def = spec.def;
	return one_member(m);
}

struct member_list typed_members(struct type_spec spec, struct member_list list)
{
	for (struct member_def *m = list.first; m; m = m->next) {
		if (m->type.name)
			continue; /* a pointer to a function */
		m->def = spec.def;
		m->type.tag = spec.type.tag;
		m->type.name = spec.type.name;
		m->type.of = spec.type.of;
	}
	return list;
}

struct member_list declare(struct parser *p, struct span at, const struct lexeme *name,
			   unsigned stars, struct dim_list sizes)
{
	struct member_def *m = new_member(p, at, name);

	m->type = make_type((struct type_name){ .name = NULL }, stars, sizes);
	return one_member(m);
}

struct member_list declare_function(struct parser *p, struct span at,
				    const struct lexeme *name, struct dim_list sizes)
{
	struct member_def *m = new_member(p, at, name);
	const struct type_name of_void = { .name = intern_str(p->cc->names, "void") };

	m->type = make_type(of_void, 1, sizes);
	return one_member(m);
}

/* Constants of definitions: sizes decide layouts, so they must be known here. */

static bool evaluate_binary(const struct parser *p, const struct node *n, uint64_t *out)
{
	uint64_t x, y;

	if (!evaluate(p, n->binary.left, &x) || !evaluate(p, n->binary.right, &y))
		return false;
	switch ((int)n->binary.op) {
	case OP_ADD:
		*out = x + y;
		return true;
	case OP_SUB:
		*out = x - y;
		return true;
	case OP_MUL:
		*out = x * y;
		return true;
	case OP_DIV:
		*out = y ? x / y : 0;
		return y;
	case OP_MOD:
		*out = y ? x % y : 0;
		return y;
	case OP_SHL:
		*out = x << (y & 63);
		return true;
	case OP_SHR:
		*out = x >> (y & 63);
		return true;
	case OP_AND:
		*out = x & y;
		return true;
	case OP_OR:
		*out = x | y;
		return true;
	default:
		return false;
	}
}

/* Values became numbers when they were added, so that none is computed twice. */
static bool find_value(const struct value_def *v, const char *name, uint64_t *out)
{
	uint64_t value = 0;

	for (; v; v = v->next, value++) {
		if (v->value && v->value->kind != NODE_INT)
			return false;
		value = v->value ? v->value->integer.value : value;
		if (v->name == name) {
			*out = value;
			return true;
		}
	}
	return false;
}

/* A value of an enum that was defined before, or of the one at hand. */
static bool evaluate_name(const struct parser *p, const char *name, uint64_t *out)
{
	if (find_value(p->values, name, out))
		return true;
	for (const struct type_def *t = p->ast->types; t; t = t->next)
		if (find_value(t->values, name, out))
			return true;
	return false;
}

static bool evaluate(const struct parser *p, const struct node *n, uint64_t *out)
{
	switch ((int)n->kind) {
	case NODE_INT:
		*out = n->integer.value;
		return true;
	case NODE_BINARY:
		return evaluate_binary(p, n, out);
	case NODE_UNARY:
		if (n->unary.op == OP_NOT || !evaluate(p, n->unary.operand, out))
			return false;
		*out = n->unary.op == OP_NEG ? -*out : ~*out;
		return true;
	case NODE_CALL:
		return !n->call.has_parens && evaluate_name(p, n->call.name, out);
	default:
		return false;
	}
}

struct dim_list sizes_add(struct parser *p, struct dim_list list,
			  const struct node *size)
{
	enum { MAX_SIZE = 1 << 24 };
	uint64_t value = 1;

	if (!evaluate(p, size, &value))
		diag(p->cc, DIAG_literal_needed, size->span,
		     "the size of an array is a constant number");
	else if (value > MAX_SIZE)
		diag(p->cc, DIAG_literal_range, size->span,
		     "an array may have at most %d elements", MAX_SIZE);
	return dims_add(p, list, size->span, value);
}

struct member_list declare_bits(struct parser *p, struct span at,
				const struct lexeme *name, const struct node *bits)
{
	enum { MAX_BITS = 64 };
	struct member_def *m = new_member(p, at, name);
	uint64_t value = 1;

	if (!evaluate(p, bits, &value))
		diag(p->cc, DIAG_literal_needed, bits->span,
		     "the number of bits is a constant number");
	else if (value > MAX_BITS || (value == 0 && name))
		diag(p->cc, DIAG_literal_range, bits->span,
		     "a bit field has from 1 to %d bits", MAX_BITS);
	m->has_bits = true;
	m->bits = (unsigned)value;
	return one_member(m);
}

bool attribute_packs(struct parser *p, struct span at, const struct lexeme *name)
{
	if (strcmp(name->text, "aligned") == 0 ||
	    strcmp(name->text, "__aligned__") == 0)
		diag(p->cc, DIAG_unsupported, at,
		     "the attribute 'aligned' is not in memql");
	return strcmp(name->text, "packed") == 0 ||
	       strcmp(name->text, "__packed__") == 0;
}
