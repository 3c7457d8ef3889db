/* Constant expressions: what the kernel would compute, in 64 bits. */
#include <string.h>

#include "sema/sema.h"

struct constant {
	uint64_t value;
	bool is_signed;
};

/* Truncates towards zero; the two cases that trap in C wrap around here. */
static uint64_t divide(struct constant x, struct constant y, bool is_signed)
{
	uint64_t a = x.value, b = y.value, quotient;
	bool negative = false;

	if (is_signed && (int64_t)a < 0) {
		a = -a;
		negative = !negative;
	}
	if (is_signed && (int64_t)b < 0) {
		b = -b;
		negative = !negative;
	}
	quotient = a / b;
	return negative ? -quotient : quotient;
}

/* As numbers, whatever their signs: see compare_mixed() in codegen/expr.c. */
static bool less(struct constant x, struct constant y)
{
	bool minus_x = x.is_signed && (int64_t)x.value < 0;
	bool minus_y = y.is_signed && (int64_t)y.value < 0;

	return minus_x != minus_y ? minus_x : x.value < y.value;
}

static uint64_t shift_right(struct constant x, uint64_t count)
{
	uint64_t result = x.value >> count;

	if (x.is_signed && (int64_t)x.value < 0 && count)
		result |= ~(UINT64_MAX >> count);
	return result;
}

static bool compute(enum op op, struct constant x, struct constant y,
		    struct constant *out)
{
	bool is_signed = x.is_signed && y.is_signed;
	uint64_t a = x.value, b = y.value, r = 0;

	switch (op) {
	case OP_ADD:
		r = a + b;
		break;
	case OP_SUB:
		r = a - b;
		break;
	case OP_MUL:
		r = a * b;
		break;
	case OP_DIV:
	case OP_MOD:
		if (!b)
			return false;
		r = divide(x, y, is_signed);
		r = op == OP_DIV ? r : a - r * b;
		break;
	case OP_AND:
		r = a & b;
		break;
	case OP_OR:
		r = a | b;
		break;
	case OP_XOR:
		r = a ^ b;
		break;
	case OP_SHL:
		r = a << (b & 63);
		is_signed = x.is_signed;
		break;
	case OP_SHR:
		r = shift_right(x, b & 63);
		is_signed = x.is_signed;
		break;
	case OP_EQ:
		r = a == b;
		break;
	case OP_NE:
		r = a != b;
		break;
	case OP_LT:
		r = less(x, y);
		break;
	case OP_LE:
		r = !less(y, x);
		break;
	case OP_GT:
		r = less(y, x);
		break;
	case OP_GE:
		r = !less(x, y);
		break;
	case OP_LAND:
		r = a && b;
		break;
	case OP_LOR:
		r = a || b;
		break;
	case OP_NEG:
	case OP_NOT:
	case OP_INV:
		return false;
	}
	if (op_rows[op].flags & (OP_COMPARE | OP_LOGICAL))
		is_signed = true;
	*out = (struct constant){ r, is_signed };
	return true;
}

static bool eval(const struct node *n, struct constant *out);

static struct constant literal(const struct node *n)
{
	bool is_signed = n->integer.negative || n->integer.value <= INT64_MAX;

	/* Folded from something wider than it looks: (uint64)5. */
	if (n->type && n->type->kind == TYPE_INT)
		is_signed = n->type->is_signed;
	return (struct constant){ n->integer.value, is_signed };
}

static bool eval_unary(const struct node *n, struct constant *out)
{
	if (!eval(n->unary.operand, out))
		return false;
	if (n->unary.op == OP_NOT)
		*out = (struct constant){ !out->value, true };
	else
		out->value = n->unary.op == OP_NEG ? -out->value : ~out->value;
	return true;
}

/* Two literal strings: what getopt() and $1 have become. */
static bool eval_strings(const struct node *n, struct constant *out)
{
	const struct node *x = n->binary.left, *y = n->binary.right;
	bool equal;

	if (n->binary.op != OP_EQ && n->binary.op != OP_NE)
		return false;
	equal = strcmp(x->string.bytes, y->string.bytes) == 0;
	*out = (struct constant){ equal == (n->binary.op == OP_EQ), true };
	return true;
}

static bool eval_binary(const struct node *n, struct constant *out)
{
	const struct node *left = n->binary.left, *right = n->binary.right;
	struct constant x, y;

	if (left->kind == NODE_STR && right->kind == NODE_STR)
		return eval_strings(n, out);
	if (!eval(left, &x))
		return false;
	/* The right side of && and || need not be constant to be skipped. */
	if ((n->binary.op == OP_LAND && !x.value) ||
	    (n->binary.op == OP_LOR && x.value)) {
		*out = (struct constant){ x.value != 0, true };
		return true;
	}
	return eval(right, &y) && compute(n->binary.op, x, y, out);
}

static bool eval_cast(const struct node *n, struct constant *out)
{
	const char *name = n->cast.to.name;
	unsigned bits, shift;
	bool is_signed;

	if (n->cast.to.items || n->cast.to.stars || n->cast.to.ndims ||
	    n->cast.to.tag || n->cast.to.of || !eval(n->cast.operand, out))
		return false;
	if (strcmp(name, "char") == 0)
		name = "int8";
	is_signed = *name != 'u';
	name += is_signed ? 0 : 1;
	if (strncmp(name, "int", 3) != 0 || !strchr("1368", name[3]) ||
	    strlen(name) > strlen("int64"))
		return false;
	bits = name[3] == '8' ? 8 : name[3] == '1' ? 16 : name[3] == '3' ? 32 : 64;
	shift = 64 - bits;
	out->is_signed = is_signed;
	out->value <<= shift;
	out->value = shift_right(*out, shift);
	return true;
}

/* The type of c ? a : b is that of both. */
static bool eval_ternary(const struct node *n, struct constant *out)
{
	struct constant cond;

	if (!eval(n->branch.cond, &cond) ||
	    !eval(cond.value ? n->branch.then : n->branch.otherwise, out))
		return false;
	if (n->type && n->type->kind == TYPE_INT)
		out->is_signed = n->type->is_signed;
	return true;
}

/* A byte of a literal string; none behind its end. */
static bool eval_index(const struct node *n, struct constant *out)
{
	const struct node *base = n->index.base;

	if (base->kind != NODE_STR || !eval(n->index.at, out))
		return false;
	out->value = out->value < base->string.len
			     ? (uint64_t)(int64_t)(int8_t)base->string.bytes[out->value]
			     : 0;
	out->is_signed = true;
	return true;
}

static bool eval(const struct node *n, struct constant *out)
{
	switch (n->kind) {
	case NODE_INT:
		*out = literal(n);
		return true;
	case NODE_UNARY:
		return eval_unary(n, out);
	case NODE_BINARY:
		return eval_binary(n, out);
	case NODE_CAST:
		return eval_cast(n, out);
	case NODE_COND:
		return eval_ternary(n, out);
	case NODE_INDEX:
		return eval_index(n, out);
	case NODE_STR:
	case NODE_PARAM:
	case NODE_CALL:
	case NODE_MAP:
	case NODE_VAR:
	case NODE_FIELD:
	case NODE_TUPLE:
	case NODE_TYPE:
	case NODE_ADDRESS:
	case NODE_DEREF:
	case NODE_ASSIGN:
	case NODE_STEP:
	case NODE_LET:
	case NODE_IF:
	case NODE_BLOCK:
	case NODE_EXPR:
	case NODE_FOR_RANGE:
	case NODE_FOR_MAP:
	case NODE_WHILE:
	case NODE_UNROLL:
	case NODE_BREAK:
	case NODE_CONTINUE:
	case NODE_RETURN:
		break;
	}
	return false;
}

bool constant_int(const struct node *n, int64_t *out)
{
	struct constant c;

	if (!eval(n, &c))
		return false;
	*out = (int64_t)c.value;
	return true;
}
