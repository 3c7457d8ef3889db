/*
 * Constant expressions to literals. What can never run is left as it is: nobody shall
 * look at it any more, and a division by an option that is 0 there is no error.
 */
#include <string.h>

#include "sema/sema.h"

static void fold_node(struct node *n, void *arg);

static bool is_zero(const struct node *n)
{
	return n->kind == NODE_INT && n->integer.value == 0;
}

static void check_divisor(struct compile *cc, enum op op, const struct node *divisor)
{
	const struct span at = divisor->span;

	if ((op != OP_DIV && op != OP_MOD) || !is_zero(divisor))
		return;
	diag(cc, DIAG_divide_by_zero, at,
	     op == OP_DIV ? "division by zero" : "remainder of a division by zero");
	/* A missing $1 is 0, as in bpftrace: that zero is not in the program's text. */
	if (divisor->integer.text && !*divisor->integer.text)
		diag_hint(cc, "%.*s is 0, as nothing was given for it",
			  (int)(at.end - at.begin), cc->source->text + at.begin);
}

/* A probe's or function's name is compared by its index in the plan's names. */
static void literal_to_name(struct compile *cc, struct node *literal,
			    const struct node *other)
{
	uint64_t id;

	if (literal->kind != NODE_STR || other->type->kind != TYPE_NAME)
		return;
	id = TYPE_NAME_FIRST + plan_name(cc, literal->string.bytes);
	literal->kind = NODE_INT;
	memset(&literal->integer, 0, sizeof(literal->integer));
	literal->integer.value = (int64_t)id;
	literal->type = &type_name;
}

static void fold_binary(struct compile *cc, struct node *n)
{
	int64_t unused;

	fold_node(n->binary.left, cc);
	if ((op_rows[n->binary.op].flags & OP_LOGICAL) && constant_int(n, &unused))
		return; /* decided by the left side */
	fold_node(n->binary.right, cc);
	check_divisor(cc, n->binary.op, n->binary.right);
	literal_to_name(cc, n->binary.left, n->binary.right);
	literal_to_name(cc, n->binary.right, n->binary.left);
}

static void fold_branch(struct compile *cc, struct node *n)
{
	const struct node *cond = n->branch.cond;

	fold_node(n->branch.cond, cc);
	if (cond->kind != NODE_INT || cond->integer.value)
		fold_node(n->branch.then, cc);
	if (n->branch.otherwise && (cond->kind != NODE_INT || !cond->integer.value))
		fold_node(n->branch.otherwise, cc);
}

/* Its type stays what inference made of it. */
static void become_literal(struct node *n, int64_t value)
{
	enum unit unit = n->type ? n->type->unit : UNIT_NONE;
	bool is_signed = !n->type || n->type->is_signed;

	n->kind = NODE_INT;
	memset(&n->integer, 0, sizeof(n->integer));
	n->integer.value = (uint64_t)value;
	n->integer.negative = is_signed && value < 0;
	n->integer.unit = unit;
}

static void fold_node(struct node *n, void *arg)
{
	struct compile *cc = arg;
	int64_t value;

	switch (n->kind) {
	case NODE_BINARY:
		fold_binary(cc, n);
		break;
	case NODE_IF:
	case NODE_COND:
		fold_branch(cc, n);
		break;
	case NODE_ASSIGN:
		node_each_child(n, fold_node, cc);
		if (n->assign.compound)
			check_divisor(cc, n->assign.op, n->assign.value);
		break;
	case NODE_INT:
	case NODE_STR:
	case NODE_PARAM:
	case NODE_CALL:
	case NODE_MAP:
	case NODE_VAR:
	case NODE_FIELD:
	case NODE_INDEX:
	case NODE_TUPLE:
	case NODE_TYPE:
	case NODE_ADDRESS:
	case NODE_CAST:
	case NODE_DEREF:
	case NODE_UNARY:
	case NODE_STEP:
	case NODE_LET:
	case NODE_BLOCK:
	case NODE_EXPR:
	case NODE_FOR_RANGE:
	case NODE_FOR_MAP:
	case NODE_WHILE:
	case NODE_UNROLL:
	case NODE_BREAK:
	case NODE_CONTINUE:
	case NODE_RETURN:
		node_each_child(n, fold_node, cc);
		break;
	}
	if (n->kind != NODE_INT && constant_int(n, &value))
		become_literal(n, value);
}

bool fold(struct compile *cc)
{
	const struct plan *plan = cc->plan;

	for (size_t i = 0; i < plan->programs.n; i++) {
		struct program_info *p = plan->programs.items[i];

		if (p->predicate)
			fold_node(p->predicate, cc);
		fold_node(p->body, cc);
	}
	return diag_ok(cc);
}
