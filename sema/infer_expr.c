/* Expressions: every number is 64 bits wide once anything is computed from it. */
#include <string.h>

#include "core/arena.h"
#include "probes/probe.h"
#include "sema/ctype.h"
#include "sema/infer.h"

enum { COMPARE_MEMORY_MAX = 128 };

const struct type *infer_value(struct sema *s, struct node *n)
{
	const struct type *t = infer_expr(s, n);

	if (!t || (t->kind != TYPE_VOID && t->kind != TYPE_ARGS))
		return t;
	if (t->kind == TYPE_ARGS && infer_spread_args(s, n))
		return infer_expr(s, n);
	sema_error(s, DIAG_not_a_value, n->span, "this has no value");
	return NULL;
}

bool infer_bad_parameter(struct sema *s, const struct node *n)
{
	if (n->kind != NODE_STR || *source_text(s->cc->source, n->span) != '$')
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
	else if (s->report && n->kind == NODE_TUPLE && n->tuple.names)
		diag_hint(s->cc, "a comparison is written '=='");
}

static const struct type *int_literal(struct sema *s, const struct node *n)
{
	bool is_signed = n->integer.negative || n->integer.value <= INT64_MAX;

	if (n->integer.is_bool)
		return &type_bool;
	if (n->integer.of)
		return n->integer.of;
	if (is_signed && !n->integer.negative && n->integer.unit == UNIT_NONE)
		return &type_constant;
	return type_int(s->cc->arena, 8, is_signed, n->integer.unit);
}

/* Variables and fields. */

static const struct type *infer_var(struct sema *s, struct node *n)
{
	const struct var_info *v = n->var.info;

	if (!v->type && s->report && !s->untyped)
		s->untyped = n;
	return v->type;
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

/* As in C: pointers step by what they point to. */
static const struct type *infer_pointers(struct sema *s, enum op op, struct span at,
					 const struct type *x, const struct type *y)
{
	if (op != OP_ADD && op != OP_SUB)
		return pointer_operand(s, op, at);
	if (x->kind != TYPE_PTR)
		return op == OP_ADD ? y : pointer_operand(s, op, at);
	if (y->kind != TYPE_PTR)
		return x;
	if (op == OP_SUB && type_c_size(x->to) == type_c_size(y->to))
		return &type_s64;
	return pointer_operand(s, op, at);
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
		return &type_bool;
	if (t->kind == TYPE_PTR)
		return pointer_operand(s, op, n->span);
	return type_int(s->cc->arena, 8, t->is_signed,
			op == OP_NEG ? t->unit : UNIT_NONE);
}

/* What is compared byte by byte, without a loop. */
static bool comparable_memory(struct arena *a, const struct type *x,
			      const struct type *y)
{
	if (x->kind == TYPE_TUPLE && y->kind == TYPE_TUPLE) {
		x = type_join(a, x, y);
		return x && type_size(x) <= COMPARE_MEMORY_MAX;
	}
	return x->kind == y->kind && type_c_size(x) == type_c_size(y) &&
	       type_size(x) <= COMPARE_MEMORY_MAX &&
	       (x->kind != TYPE_SHOWN || x->shape == y->shape);
}

/* Strings are compared as a whole; a name with what it might be. */
static bool comparable(struct arena *a, enum op op, const struct node *left,
		       const struct type *x, const struct node *right,
		       const struct type *y)
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
	if (x->kind == TYPE_TUPLE || x->kind == TYPE_SHOWN || x->kind == TYPE_ARRAY)
		return comparable_memory(a, x, y);
	return x->kind == y->kind && (x->kind == TYPE_STR || x->kind == TYPE_NAME);
}

/* As written here: an option's default may well be 0. */
static bool is_written(const struct sema *s, const struct node *n)
{
	char c = *source_text(s->cc->source, n->span);

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

static void cannot_compare(struct sema *s, enum op op, struct span at,
			   const struct type *x, const struct type *y)
{
	bool equality = op == OP_EQ || op == OP_NE;

	sema_error(s, DIAG_type_mismatch, at, "'%s' cannot compare %s with %s",
		   op_rows[op].text, infer_text(s, x), infer_text(s, y));
	if (!s->report)
		return;
	if (type_is_number(x) && x->size != 4 && y->kind == TYPE_STR)
		diag_hint(s->cc, "str(...) reads the text at an address");
	else if (equality && x->kind == TYPE_TUPLE && type_join(s->cc->arena, x, y))
		diag_hint(s->cc, "at most %d bytes are compared at once: compare items",
			  COMPARE_MEMORY_MAX);
	else if (x->kind == TYPE_STR && y->kind == TYPE_STR)
		diag_hint(s->cc, "strings are equal or not: '==' and '!='");
}

static const struct type *
infer_comparison(struct sema *s, enum op op, struct span at, const struct node *left,
		 const struct type *x, const struct node *right, const struct type *y)
{
	if (!comparable(s->cc->arena, op, left, x, right, y)) {
		if ((type_is_number(x) && infer_bad_parameter(s, right)) ||
		    (type_is_number(y) && infer_bad_parameter(s, left)))
			return NULL;
		cannot_compare(s, op, at, x, y);
		return NULL;
	}
	warn_always_same(s, op, at, left, x, right, y);
	return &type_bool;
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
		/* n * 1ns says what n counts. */
		if (x->unit == UNIT_NONE && y->unit && constant_int(right, &n))
			return y->unit;
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

/* A time and a duration are a time; two times have a distance. */
static enum epoch result_epoch(enum op op, enum epoch x, enum epoch y)
{
	if (y == EPOCH_NONE && (op == OP_ADD || op == OP_SUB))
		return x;
	return x == EPOCH_NONE && op == OP_ADD ? y : EPOCH_NONE;
}

const struct type *infer_operator(struct sema *s, enum op op, struct span at,
				  struct node *left, const struct type *x,
				  struct node *right, const struct type *y)
{
	bool is_signed = x->is_signed && y->is_signed;
	const struct type *t;

	if (op_rows[op].flags & OP_COMPARE)
		return infer_comparison(s, op, at, left, x, right, y);
	if (!type_is_number(x))
		return wrong_operand(s, op, left, x);
	if (!type_is_number(y))
		return wrong_operand(s, op, right, y);
	if (op_rows[op].flags & OP_LOGICAL)
		return &type_bool;
	if (x->kind == TYPE_PTR || y->kind == TYPE_PTR)
		return infer_pointers(s, op, at, x, y);
	if (op == OP_SHL || op == OP_SHR)
		is_signed = x->is_signed;
	t = type_int(s->cc->arena, 8, is_signed, result_unit(op, left, x, right, y));
	return type_with_epoch(s->cc->arena, t, result_epoch(op, x->epoch, y->epoch));
}

/* $1 + 2, where $1 is text: what is behind its first two bytes. */
static bool skip_parameter(struct node *n)
{
	const struct node *left = n->binary.left;
	const char *bytes = left->kind == NODE_STR   ? left->string.bytes
			    : left->kind == NODE_INT ? left->integer.text
						     : NULL;
	int64_t skip;

	if (!bytes || left->kind != NODE_STR || !constant_int(n->binary.right, &skip) ||
	    skip < 0)
		return false;
	if ((uint64_t)skip > left->string.len)
		skip = left->string.len;
	n->kind = NODE_STR;
	n->string.len = left->string.len - (uint32_t)skip;
	n->string.bytes = bytes + skip;
	return true;
}

static const struct type *infer_binary(struct sema *s, struct node *n)
{
	const struct type *x = infer_value(s, n->binary.left);
	const struct type *y = infer_value(s, n->binary.right);

	if (!x || !y)
		return NULL;
	if (n->binary.op == OP_ADD && skip_parameter(n))
		return infer_expr(s, n);
	return infer_operator(s, n->binary.op, n->span, n->binary.left, x,
			      n->binary.right, y);
}

static const struct type *infer_ternary(struct sema *s, struct node *n)
{
	const struct type *x, *y, *joined;
	struct infer_reach outer;
	bool muted;

	infer_condition(s, n->branch.cond);
	outer = infer_enter(s, n->branch.cond, true);
	x = infer_value(s, n->branch.then);
	muted = outer.report && !s->report;
	infer_leave(s, outer);
	if (muted)
		return infer_value(s, n->branch.otherwise);
	outer = infer_enter(s, n->branch.cond, false);
	y = infer_value(s, n->branch.otherwise);
	muted = outer.report && !s->report;
	infer_leave(s, outer);
	if (muted)
		return x;
	if (!x || !y)
		return NULL;
	joined = infer_join_types(s, x, y);
	if (!joined)
		sema_error(s, DIAG_type_mismatch, n->span,
			   "one side of ':' is %s, the other %s", infer_text(s, x),
			   infer_text(s, y));
	return joined;
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
	case NODE_INDEX:
		return infer_index(s, n);
	case NODE_TUPLE:
		return infer_tuple(s, n);
	case NODE_ADDRESS:
		return infer_address(s, n);
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
	case NODE_BLOCK:
		return infer_block_value(s, n);
	case NODE_TYPE:
		sema_error(s, DIAG_not_a_value, n->span, "a type is no value");
		return NULL;
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
		break; /* no expressions */
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
