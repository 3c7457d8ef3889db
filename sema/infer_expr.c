/* Expressions: every number is 64 bits wide once anything is computed from it. */
#include <string.h>

#include "core/arena.h"
#include "probes/probe.h"
#include "sema/infer.h"

const struct type *infer_value(struct sema *s, struct node *n)
{
	const struct type *t = infer_expr(s, n);

	if (!t || (t->kind != TYPE_VOID && t->kind != TYPE_ARGS))
		return t;
	if (t->kind == TYPE_ARGS)
		sema_error(s, DIAG_not_a_value, n->span,
			   "the arguments are no value: name one of them");
	else
		sema_error(s, DIAG_not_a_value, n->span, "this has no value");
	return NULL;
}

const struct type *infer_unsupported(struct sema *s, const struct node *n)
{
	static const char *const summaries[] = {
#define NODE(kind, field, summary) [NODE_##kind] = summary,
#include "parser/node_kinds.def"
#undef NODE
	};

	sema_error(s, DIAG_unsupported, n->span, "this is not in memql yet: %s",
		   summaries[n->kind]);
	return NULL;
}

bool infer_bad_parameter(struct sema *s, const struct node *n)
{
	if (n->kind != NODE_STR || s->cc->source->text[n->span.begin] != '$')
		return false;
	sema_error(s, DIAG_bad_parameter, n->span,
		   "a number is needed here, \"%s\" is none", n->string.bytes);
	return true;
}

void infer_condition(struct sema *s, struct node *n)
{
	const struct type *t = infer_value(s, n);

	if (!t || type_is_number(t) || infer_bad_parameter(s, n))
		return;
	sema_error(s, DIAG_type_mismatch, n->span, "a condition is a number, found %s",
		   infer_text(s, t));
	if (s->report && t->kind == TYPE_STR)
		diag_hint(s->cc, "compare it: ... != \"\"");
}

static const struct type *int_literal(struct sema *s, const struct node *n)
{
	bool is_signed = n->integer.negative || n->integer.value <= INT64_MAX;

	if (is_signed && !n->integer.negative && n->integer.unit == UNIT_NONE)
		return &type_constant;
	return type_int(s->cc->arena, 8, is_signed, n->integer.unit);
}

/* Variables and fields. */

static const struct type *infer_var(struct sema *s, struct node *n)
{
	const struct var_info *v = n->var.info;

	/* If anything else is wrong, that is why it has no type. */
	if (!v->type && s->report && diag_ok(s->cc))
		sema_error(s, DIAG_unknown_variable, n->span,
			   "nothing is assigned to '%s'", v->name);
	return v->type;
}

static void unknown_field(struct sema *s, const struct node *n,
			  const struct probe_layout *layout)
{
	struct suggestion near = { .word = n->field.name };
	const char *all = "";

	sema_error(s, DIAG_unknown_field, n->span, "'%s' has no argument '%s'",
		   s->program->sites[0].name, n->field.name);
	if (!s->report)
		return;
	for (size_t i = 0; i < layout->n; i++) {
		if (!layout->fields[i].name)
			continue;
		suggest(&near, layout->fields[i].name);
		all = arena_printf(s->cc->arena, "%s%s%s", all, *all ? ", " : "",
				   layout->fields[i].name);
	}
	if (near.best)
		diag_hint(s->cc, "did you mean '%s'?", near.best);
	else if (*all)
		diag_hint(s->cc, "it has %s", all);
	else
		diag_hint(s->cc, "it has no named arguments");
}

/* Somewhere it can be read: where it cannot, the program counts that as lost. */
static bool is_readable(const struct program_info *p, size_t field)
{
	for (size_t i = 0; i < p->nlayouts; i++)
		if (p->layouts[i].fields[field].at.kind != LOC_UNREADABLE)
			return true;
	return false;
}

static const struct type *infer_arg_field(struct sema *s, struct node *n)
{
	static const struct probe_layout none;
	const struct program_info *p = s->program;
	const struct probe_layout *layout = p->nlayouts ? &p->layouts[0] : &none;

	for (size_t i = 0; i < layout->n; i++) {
		const struct probe_field *f = &layout->fields[i];

		if (!f->name || strcmp(f->name, n->field.name) != 0)
			continue;
		if (!is_readable(p, i)) {
			sema_error(s, DIAG_no_such_argument, n->span,
				   "'%s' cannot be read: %s", f->name, f->at.why);
			return NULL;
		}
		n->field.data = f;
		return f->type;
	}
	unknown_field(s, n, layout);
	return NULL;
}

static const struct type *infer_field(struct sema *s, struct node *n)
{
	const struct type *base = infer_expr(s, n->field.base);

	if (!base)
		return NULL;
	if (base->kind == TYPE_ARGS)
		return infer_arg_field(s, n);
	sema_error(s, DIAG_unsupported, n->span, "only args has fields, this is %s",
		   infer_text(s, base));
	return NULL;
}

/* Casts and pointers. */

static const struct cast_type {
	const char *name;
	uint8_t size; /* 0: void */
	bool is_signed;
} cast_types[] = {
	{ "int8", 1, true },    { "int16", 2, true },   { "int32", 4, true },
	{ "int64", 8, true },   { "uint8", 1, false },  { "uint16", 2, false },
	{ "uint32", 4, false }, { "uint64", 8, false }, { "char", 1, true },
	{ "bool", 1, false },   { "void", 0, false },
};

static const struct type *written_type(struct sema *s, const struct node *n)
{
	const struct type_name *as = &n->cast.to;
	const struct type *t = NULL;

	if (as->tag || as->of || as->ndims)
		return infer_unsupported(s, n);
	for (size_t i = 0; i < sizeof(cast_types) / sizeof(cast_types[0]); i++) {
		const struct cast_type *c = &cast_types[i];

		if (strcmp(c->name, as->name) == 0)
			t = c->size ? type_int(s->cc->arena, c->size, c->is_signed,
					       UNIT_NONE)
				    : &type_void;
	}
	if (!t || (t == &type_void && !as->stars)) {
		sema_error(s, DIAG_unsupported, n->span, "'%s' is no type to cast to",
			   as->name);
		return NULL;
	}
	for (unsigned i = 0; i < as->stars; i++)
		t = type_ptr(s->cc->arena, t,
			     s->program->kind->flags & PROBE_USER ? SPACE_USER
								  : SPACE_ANY);
	return t;
}

static const struct type *infer_cast(struct sema *s, struct node *n)
{
	const struct type *from = infer_value(s, n->cast.operand);
	const struct type *to = written_type(s, n);

	if (!from || !to)
		return NULL;
	if (!type_is_number(from)) {
		sema_error(s, DIAG_type_mismatch, n->span, "%s cannot be cast to %s",
			   infer_text(s, from), infer_text(s, to));
		return NULL;
	}
	if (to->kind == TYPE_INT && from->kind == TYPE_INT)
		return type_int(s->cc->arena, to->size, to->is_signed, from->unit);
	return to;
}

static const struct type *infer_deref(struct sema *s, struct node *n)
{
	const struct type *t = infer_value(s, n->unary.operand);

	if (!t)
		return NULL;
	if (t->kind == TYPE_PTR && t->to->kind != TYPE_VOID)
		return t->to;
	sema_error(s, DIAG_type_mismatch, n->span,
		   "%s does not point to anything known", infer_text(s, t));
	if (s->report && type_is_number(t))
		diag_hint(s->cc, "say what is there: *(uint64 *)...");
	return NULL;
}

/* Operators. */

static const struct type *wrong_operand(struct sema *s, enum op op,
					const struct node *n, const struct type *t)
{
	if (!infer_bad_parameter(s, n))
		sema_error(s, DIAG_type_mismatch, n->span,
			   "'%s' takes numbers, found %s", op_rows[op].text,
			   infer_text(s, t));
	return NULL;
}

static const struct type *pointer_operand(struct sema *s, enum op op, struct span at)
{
	sema_error(s, DIAG_unsupported, at, "'%s' with a pointer", op_rows[op].text);
	if (s->report)
		diag_hint(s->cc, "cast it to a number first: (uint64)pointer");
	return NULL;
}

static const struct type *infer_unary(struct sema *s, struct node *n)
{
	const struct type *t = infer_value(s, n->unary.operand);
	enum op op = n->unary.op;

	if (!t)
		return NULL;
	if (!type_is_number(t))
		return wrong_operand(s, op, n->unary.operand, t);
	if (op == OP_NOT)
		return &type_s64;
	if (t->kind == TYPE_PTR)
		return pointer_operand(s, op, n->span);
	return type_int(s->cc->arena, 8, t->is_signed,
			op == OP_NEG ? t->unit : UNIT_NONE);
}

/* Strings are compared as a whole; a name with what it might be. */
static bool comparable(enum op op, const struct node *left, const struct type *x,
		       const struct node *right, const struct type *y)
{
	bool equality = op == OP_EQ || op == OP_NE;

	if (type_is_number(x) && type_is_number(y))
		return true;
	if (x->kind == TYPE_TIME && y->kind == TYPE_TIME)
		return true;
	if (!equality)
		return false;
	if (x->kind == TYPE_NAME && right->kind == NODE_STR)
		return true;
	if (y->kind == TYPE_NAME && left->kind == NODE_STR)
		return true;
	return x->kind == y->kind && (x->kind == TYPE_STR || x->kind == TYPE_NAME);
}

/* As written here: an option's default may well be 0. */
static bool is_written(const struct sema *s, const struct node *n)
{
	char c = s->cc->source->text[n->span.begin];

	return (c >= '0' && c <= '9') || c == '-';
}

/* unsigned < 0 and the like; less: the operator says that x is less than y. */
static bool always_same(struct sema *s, enum op op, const struct type *x,
			const struct node *right)
{
	int64_t n;

	if (x->kind != TYPE_INT || x->is_signed || !is_written(s, right) ||
	    !constant_int(right, &n))
		return false;
	if (n < 0)
		return true;
	return n == 0 && (op == OP_LT || op == OP_GE);
}

static enum op mirrored(enum op op)
{
	if (op == OP_LT)
		return OP_GT;
	if (op == OP_GT)
		return OP_LT;
	if (op == OP_LE)
		return OP_GE;
	return op == OP_GE ? OP_LE : op;
}

static void warn_always_same(struct sema *s, enum op op, struct span at,
			     const struct node *left, const struct type *x,
			     const struct node *right, const struct type *y)
{
	const struct type *is_unsigned;
	int64_t n;

	if (!s->report || (constant_int(left, &n) && constant_int(right, &n)))
		return;
	if (always_same(s, op, x, right))
		is_unsigned = x;
	else if (always_same(s, mirrored(op), y, left))
		is_unsigned = y;
	else
		return;
	sema_error(
		s, DIAG_always_same, at,
		"this has the same answer for every event: %s has no negative values",
		infer_text(s, is_unsigned));
	if (is_unsigned->size == 8)
		diag_hint(s->cc, "(int64)... makes it signed");
}

static const struct type *
infer_comparison(struct sema *s, enum op op, struct span at, const struct node *left,
		 const struct type *x, const struct node *right, const struct type *y)
{
	if (!comparable(op, left, x, right, y)) {
		if ((type_is_number(x) && infer_bad_parameter(s, right)) ||
		    (type_is_number(y) && infer_bad_parameter(s, left)))
			return NULL;
		sema_error(s, DIAG_type_mismatch, at, "'%s' cannot compare %s with %s",
			   op_rows[op].text, infer_text(s, x), infer_text(s, y));
		if (s->report && type_is_number(x) && x->size != 4 &&
		    y->kind == TYPE_STR)
			diag_hint(s->cc, "str(...) reads the text at an address");
		return NULL;
	}
	warn_always_same(s, op, at, left, x, right, y);
	return &type_s64;
}

static bool is_plain_constant(const struct node *n, const struct type *t,
			      int64_t *value)
{
	return t->unit == UNIT_NONE && constant_int(n, value);
}

/* It takes the other side's unit; a place may hold constants only, so far. */
static bool has_any_unit(const struct node *n, const struct type *t)
{
	int64_t value;

	return t == &type_constant || is_plain_constant(n, t, &value);
}

/* A duration by 1000, 1e6 or 1e9 is a duration in the next larger units. */
static enum unit divided_unit(enum unit u, const struct node *right,
			      const struct type *y)
{
	int64_t n;
	int steps;

	if (u == UNIT_NONE || !is_plain_constant(right, y, &n))
		return UNIT_NONE;
	steps = n == 1000 ? 1 : n == 1000000 ? 2 : n == 1000000000 ? 3 : 0;
	return steps && u + steps <= UNIT_S ? (enum unit)(u + steps) : UNIT_NONE;
}

static enum unit result_unit(enum op op, const struct node *left, const struct type *x,
			     const struct node *right, const struct type *y)
{
	int64_t n;

	switch (op) {
	case OP_ADD:
	case OP_SUB:
		if (x->unit == y->unit || has_any_unit(right, y))
			return x->unit;
		return has_any_unit(left, x) ? y->unit : UNIT_NONE;
	case OP_MUL:
		if (is_plain_constant(right, y, &n) && n == 1)
			return x->unit;
		return is_plain_constant(left, x, &n) && n == 1 ? y->unit : UNIT_NONE;
	case OP_DIV:
		return divided_unit(x->unit, right, y);
	case OP_MOD:
	case OP_AND:
	case OP_OR:
	case OP_XOR:
	case OP_SHL:
	case OP_SHR:
	case OP_EQ:
	case OP_NE:
	case OP_LT:
	case OP_LE:
	case OP_GT:
	case OP_GE:
	case OP_LAND:
	case OP_LOR:
	case OP_NEG:
	case OP_NOT:
	case OP_INV:
		break;
	}
	return UNIT_NONE;
}

const struct type *infer_operator(struct sema *s, enum op op, struct span at,
				  struct node *left, const struct type *x,
				  struct node *right, const struct type *y)
{
	bool is_signed = x->is_signed && y->is_signed;

	if (op_rows[op].flags & OP_COMPARE)
		return infer_comparison(s, op, at, left, x, right, y);
	if (!type_is_number(x))
		return wrong_operand(s, op, left, x);
	if (!type_is_number(y))
		return wrong_operand(s, op, right, y);
	if (op_rows[op].flags & OP_LOGICAL)
		return &type_s64;
	if (x->kind == TYPE_PTR || y->kind == TYPE_PTR)
		return pointer_operand(s, op, at);
	if (op == OP_SHL || op == OP_SHR)
		is_signed = x->is_signed;
	return type_int(s->cc->arena, 8, is_signed, result_unit(op, left, x, right, y));
}

static const struct type *infer_binary(struct sema *s, struct node *n)
{
	const struct type *x = infer_value(s, n->binary.left);
	const struct type *y = infer_value(s, n->binary.right);

	if (!x || !y)
		return NULL;
	return infer_operator(s, n->binary.op, n->span, n->binary.left, x,
			      n->binary.right, y);
}

static const struct type *infer_ternary(struct sema *s, struct node *n)
{
	const struct type *x, *y, *joined;

	infer_condition(s, n->branch.cond);
	x = infer_value(s, n->branch.then);
	y = infer_value(s, n->branch.otherwise);
	if (!x || !y)
		return NULL;
	joined = infer_join_types(s, x, y);
	if (!joined)
		sema_error(s, DIAG_type_mismatch, n->span,
			   "one side of ':' is %s, the other %s", infer_text(s, x),
			   infer_text(s, y));
	return joined;
}

/* x++: a place that has no value yet counts from 0. */
static const struct type *infer_step(struct sema *s, struct node *n)
{
	struct node *place = n->step.place;
	const struct type *t;

	if (place->kind == NODE_MAP) {
		const struct map_info *m = place->map.info;

		infer_map_keys(s, place);
		if (m->agg) {
			sema_error(s, DIAG_aggregation_use, n->span,
				   "'%s' holds %s(), which cannot be stepped", m->name,
				   m->agg->name);
			return NULL;
		}
		t = m->value;
	} else {
		t = place->var.info->type;
	}
	t = t ? t : &type_constant;
	if (t->kind == TYPE_PTR)
		return pointer_operand(s, n->step.decrement ? OP_SUB : OP_ADD, n->span);
	if (!type_is_number(t)) {
		sema_error(s, DIAG_type_mismatch, n->span,
			   "only numbers can be stepped, "
			   "this is %s",
			   infer_text(s, t));
		return NULL;
	}
	if (place->kind == NODE_MAP)
		infer_map_value(s, place, t, n->span);
	else
		infer_var_value(s, place, t, n->span);
	return place->type;
}

static const struct type *infer_kind(struct sema *s, struct node *n)
{
	switch (n->kind) {
	case NODE_INT:
		return int_literal(s, n);
	case NODE_STR:
		return type_str(s->cc->arena, n->string.len);
	case NODE_CALL:
		if (n->call.builtin->kind != BUILTIN_AGG)
			return infer_call(s, n);
		sema_error(s, DIAG_aggregation_use, n->span,
			   "%s() is kept in a map only", n->call.builtin->name);
		if (s->report)
			diag_hint(s->cc, "write @name = %s",
				  builtin_signature(s->cc, n->call.builtin));
		return NULL;
	case NODE_MAP:
		return infer_map_read(s, n);
	case NODE_VAR:
		return infer_var(s, n);
	case NODE_FIELD:
		return infer_field(s, n);
	case NODE_CAST:
		return infer_cast(s, n);
	case NODE_DEREF:
		return infer_deref(s, n);
	case NODE_UNARY:
		return infer_unary(s, n);
	case NODE_BINARY:
		return infer_binary(s, n);
	case NODE_COND:
		return infer_ternary(s, n);
	case NODE_STEP:
		return infer_step(s, n);
	case NODE_INDEX:
	case NODE_TUPLE:
	case NODE_TYPE:
	case NODE_ADDRESS:
	case NODE_BLOCK:
		return infer_unsupported(s, n);
	case NODE_PARAM:
	case NODE_ASSIGN:
	case NODE_LET:
	case NODE_IF:
	case NODE_EXPR:
	case NODE_FOR_RANGE:
	case NODE_FOR_MAP:
	case NODE_WHILE:
	case NODE_UNROLL:
	case NODE_BREAK:
	case NODE_CONTINUE:
	case NODE_RETURN:
		break; /* a literal by now; no expressions */
	}
	return NULL;
}

const struct type *infer_expr(struct sema *s, struct node *n)
{
	const struct type *t = infer_kind(s, n);
	int64_t value;

	if (t && type_equal(t, &type_s64) && n->kind != NODE_VAR &&
	    n->kind != NODE_MAP && constant_int(n, &value) && value >= 0)
		t = &type_constant;
	n->type = t;
	return t;
}
