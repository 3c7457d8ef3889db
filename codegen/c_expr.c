/* Values as expressions of C. All numbers are unsigned, of 64 bits unless a cast says else. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "codegen/c_text.h"
#include "codegen/explained.h"
#include "core/arena.h"

unsigned c_bits(LLVMTypeRef type)
{
	return LLVMGetTypeKind(type) == LLVMIntegerTypeKind ? LLVMGetIntTypeWidth(type)
							    : 64;
}

static const char *signed_type(LLVMTypeRef type)
{
	switch (c_bits(type)) {
	case 8:
		return "s8";
	case 16:
		return "s16";
	case 32:
		return "s32";
	}
	return "s64";
}

const char *c_type(LLVMTypeRef type)
{
	if (LLVMGetTypeKind(type) == LLVMPointerTypeKind)
		return "void *";
	switch (c_bits(type)) {
	case 1:
		return "bool ";
	case 8:
		return "u8 ";
	case 16:
		return "u16 ";
	case 32:
		return "u32 ";
	}
	return "u64 ";
}

const char *c_symbol(struct arena *a, LLVMValueRef global)
{
	size_t n;
	char *name = arena_strdup(a, LLVMGetValueName2(global, &n));

	for (char *p = name; (p = strchr(p, '.'));)
		*p = '_';
	return name;
}

const char *c_new_name(struct c_function *f, const char *base)
{
	struct c_name name = { base, 1 };

	for (size_t i = 0; i < f->names.n; i++)
		if (strcmp(f->names.items[i].base, base) == 0)
			return arena_printf(f->a, "%s_%u", base, ++f->names.items[i].n);
	ARENA_PUSH(f->a, &f->names, name);
	return base;
}

/* What a helper's result is called: "bpf_get_current_pid_tgid": pid_tgid. */
static const char *result_name(struct c_function *f, LLVMValueRef call)
{
	static const char *const heads[] = { "bpf_",       "get_",   "current_",
					     "ktime_get_", "probe_", "ringbuf_" };
	const struct helper_row *row = NULL;
	LLVMValueRef called = LLVMGetCalledValue(call);
	const char *name;

	if (LLVMIsAConstantExpr(called))
		row = helper_find(
			(int)LLVMConstIntGetZExtValue(LLVMGetOperand(called, 0)));
	if (!row)
		return "n";
	if (strncmp(row->prototype, "void *", 6) == 0)
		return "entry";
	if (strncmp(row->prototype, "long ", 5) == 0)
		return strstr(row->prototype, "_str") ? "length" : "result";
	name = strstr(row->prototype, "bpf_");
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		if (strncmp(name, heads[i], strlen(heads[i])) == 0)
			name += strlen(heads[i]);
	return arena_strndup(f->a, name, strcspn(name, "("));
}

const char *c_name(struct c_function *f, struct c_value *v)
{
	size_t n;
	const char *given = LLVMGetValueName2(v->ref, &n);

	if (v->name)
		return v->name;
	if (n && !LLVMIsAGetElementPtrInst(v->ref))
		v->name = arena_strndup(f->a, given, strcspn(given, "0123456789."));
	else if (LLVMIsACallInst(v->ref))
		v->name = result_name(f, v->ref);
	else if (LLVMGetTypeKind(LLVMTypeOf(v->ref)) == LLVMPointerTypeKind &&
		 !LLVMIsAAllocaInst(v->ref))
		v->name = "p";
	else
		v->name = LLVMIsAAllocaInst(v->ref) ? "value" : "n";
	v->name = c_new_name(f, v->name);
	return v->name;
}

static const char *in_parentheses(struct c_function *f, const char *text,
				  enum c_tight own, enum c_tight wanted)
{
	return own < wanted ? arena_printf(f->a, "(%s)", text) : text;
}

static const char *number(struct c_function *f, LLVMValueRef v, enum c_tight tight)
{
	unsigned bits = c_bits(LLVMTypeOf(v));
	uint64_t n = LLVMConstIntGetZExtValue(v);
	int64_t sn = LLVMConstIntGetSExtValue(v);

	if (bits == 1)
		return n ? "1" : "0";
	if (n <= INT32_MAX)
		return arena_printf(f->a, n < 4096 ? "%llu" : "0x%llx",
				    (unsigned long long)n);
	if (bits == 64 && sn < 0 && sn >= -4096)
		return in_parentheses(f, arena_printf(f->a, "%lldLL", (long long)sn),
				      C_UNARY, tight);
	return arena_printf(f->a, "0x%llx%s", (unsigned long long)n,
			    bits == 64 ? "ULL" : "U");
}

/* The bytes from the beginning of a named object to this address, if that is constant. */
static LLVMValueRef base_of(LLVMValueRef at, int64_t *offset)
{
	int64_t scale;
	LLVMValueRef index;

	*offset = 0;
	while (LLVMIsAGetElementPtrInst(at) ||
	       (LLVMIsAConstantExpr(at) &&
		LLVMGetConstOpcode(at) == LLVMGetElementPtr)) {
		index = LLVMGetOperand(at, 1);
		if (!LLVMIsAConstantInt(index))
			break;
		scale = c_bits(LLVMGetGEPSourceElementType(at)) / 8;
		*offset += scale * LLVMConstIntGetSExtValue(index);
		at = LLVMGetOperand(at, 0);
	}
	return at;
}

static bool is_array(LLVMValueRef base)
{
	LLVMTypeRef type = NULL;

	if (LLVMIsAAllocaInst(base))
		type = LLVMGetAllocatedType(base);
	else if (LLVMIsAGlobalVariable(base))
		type = LLVMGlobalGetValueType(base);
	return type && LLVMGetTypeKind(type) == LLVMArrayTypeKind;
}

/* An address that is of no void: one must not count with it. */
static bool is_object(LLVMValueRef at)
{
	int64_t offset;
	LLVMValueRef base = base_of(at, &offset);

	return LLVMIsAAllocaInst(base) || LLVMIsAGlobalVariable(base);
}

/* An address as (void *). */
static const char *address(struct c_function *f, LLVMValueRef at, enum c_tight tight)
{
	int64_t offset;
	LLVMValueRef base = base_of(at, &offset);
	bool is_alloca = LLVMIsAAllocaInst(base) != NULL;
	const char *name;

	if (LLVMIsAFunction(base))
		return c_symbol(f->a, base);
	if (is_alloca)
		name = c_name(f, c_find(f, base));
	else if (LLVMIsAGlobalVariable(base))
		name = c_symbol(f->a, base);
	else
		name = c_expr(f, base, offset ? C_SUM : tight);
	if (is_alloca && is_array(base) && offset > 0 && offset % 8 == 0)
		return arena_printf(f->a, "&%s[%lld]", name, (long long)offset / 8);
	if (is_array(base) && offset)
		name = arena_printf(f->a, "(void *)%s", name);
	else if ((is_alloca && !is_array(base)) ||
		 (LLVMIsAGlobalVariable(base) && !is_array(base)))
		name = arena_printf(f->a, "&%s", name);
	if (!offset)
		return name;
	return in_parentheses(f,
			      arena_printf(f->a, "%s %c %lld", name,
					   offset < 0 ? '-' : '+',
					   (long long)(offset < 0 ? -offset : offset)),
			      C_SUM, tight);
}

const char *c_object(struct c_function *f, LLVMValueRef at, LLVMTypeRef type,
		     bool is_signed)
{
	int64_t offset;
	LLVMValueRef base = base_of(at, &offset);
	bool is_alloca = LLVMIsAAllocaInst(base) != NULL;
	const char *as = c_type(type);

	if (is_alloca && !offset && LLVMGetAllocatedType(base) == type)
		return c_name(f, c_find(f, base));
	if (is_alloca && is_array(base) && offset >= 0 && offset % 8 == 0 &&
	    type == f->m->i64)
		return arena_printf(f->a, "%s[%lld]", c_name(f, c_find(f, base)),
				    (long long)offset / 8);
	if (LLVMIsAGlobalVariable(base) && !offset &&
	    LLVMGlobalGetValueType(base) == type)
		return c_symbol(f->a, base);
	if (is_signed)
		as = arena_printf(f->a, "%s ", signed_type(type));
	return arena_printf(f->a, "*(%s*)%s", as, c_expr(f, at, C_UNARY));
}

/* A number of fewer bits, made one of 64. */
static const char *extended(struct c_function *f, LLVMValueRef v, enum c_tight tight)
{
	LLVMValueRef from = LLVMGetOperand(v, 0);
	bool is_signed = LLVMIsASExtInst(v) != NULL;
	struct c_value *value = c_find(f, from);
	const char *text;

	if (is_signed && value && value->is_inline && LLVMIsALoadInst(from))
		text = c_object(f, LLVMGetOperand(from, 0), LLVMTypeOf(from), true);
	else if (is_signed)
		text = arena_printf(f->a, "(%s)%s", signed_type(LLVMTypeOf(from)),
				    c_expr(f, from, C_UNARY));
	else
		text = c_expr(f, from, tight == C_ANY ? C_ANY : C_UNARY);
	/* An assignment does the rest. */
	return tight == C_ANY ? text : arena_printf(f->a, "(u64)%s", text);
}

static const char *cast(struct c_function *f, LLVMValueRef v, enum c_tight tight)
{
	LLVMValueRef from = LLVMGetOperand(v, 0);

	if (LLVMIsAZExtInst(v) || LLVMIsASExtInst(v))
		return extended(f, v, tight);
	if (LLVMTypeOf(v) == f->m->ptr)
		return arena_printf(f->a, "(void *)%s", c_expr(f, from, C_UNARY));
	return arena_printf(f->a, "(u%u)%s", c_bits(LLVMTypeOf(v)),
			    c_expr(f, from, C_UNARY));
}

static const char *comparison(LLVMIntPredicate is, bool negated)
{
	switch (is) {
	case LLVMIntEQ:
		return negated ? "!=" : "==";
	case LLVMIntNE:
		return negated ? "==" : "!=";
	case LLVMIntUGT:
	case LLVMIntSGT:
		return negated ? "<=" : ">";
	case LLVMIntUGE:
	case LLVMIntSGE:
		return negated ? "<" : ">=";
	case LLVMIntULT:
	case LLVMIntSLT:
		return negated ? ">=" : "<";
	case LLVMIntULE:
	case LLVMIntSLE:
		return negated ? ">" : "<=";
	}
	assert(!"predicate");
	return "";
}

static bool is_signed_comparison(LLVMIntPredicate is)
{
	return is == LLVMIntSGT || is == LLVMIntSGE || is == LLVMIntSLT ||
	       is == LLVMIntSLE;
}

static const char *signed_number(struct c_function *f, int64_t n)
{
	if (n == INT64_MIN) /* -n is no number in C, but - and one that is too large */
		return "(-9223372036854775807LL - 1)";
	return arena_printf(f->a, "%lld%s", (long long)n,
			    n > INT32_MAX || n < INT32_MIN ? "LL" : "");
}

/* One side of a comparison with the other. */
static const char *compared(struct c_function *f, LLVMValueRef v, bool is_signed)
{
	if (!is_signed)
		return c_expr(f, v, C_SUM);
	if (LLVMIsAConstantInt(v))
		return signed_number(f, LLVMConstIntGetSExtValue(v));
	return arena_printf(f->a, "(%s)%s", signed_type(LLVMTypeOf(v)),
			    c_expr(f, v, C_UNARY));
}

static bool is_zero(LLVMValueRef v)
{
	return LLVMIsConstant(v) && LLVMIsNull(v);
}

static const char *compare(struct c_function *f, LLVMValueRef v, bool negated,
			   enum c_tight tight)
{
	LLVMIntPredicate is = LLVMGetICmpPredicate(v);
	LLVMValueRef a = LLVMGetOperand(v, 0), b = LLVMGetOperand(v, 1);
	bool is_signed = is_signed_comparison(is);
	const char *text;

	if (is_zero(b) && (is == LLVMIntNE || is == LLVMIntEQ) &&
	    (is == LLVMIntEQ) != negated)
		return arena_printf(f->a, "!%s", c_expr(f, a, C_UNARY));
	text = arena_printf(f->a, "%s %s %s", compared(f, a, is_signed),
			    comparison(is, negated), compared(f, b, is_signed));
	return in_parentheses(f, text, C_COMPARE, tight);
}

static bool is_bit(LLVMValueRef v)
{
	return c_bits(LLVMTypeOf(v)) == 1;
}

static const char *logical(struct c_function *f, LLVMValueRef v, bool negated,
			   enum c_tight tight)
{
	bool is_and = (LLVMGetInstructionOpcode(v) == LLVMAnd) != negated;
	const char *text = arena_printf(
		f->a, "%s %s %s",
		c_truth(f, LLVMGetOperand(v, 0), negated, is_and ? C_AND : C_BITS),
		is_and ? "&&" : "||",
		c_truth(f, LLVMGetOperand(v, 1), negated, is_and ? C_AND : C_BITS));

	return in_parentheses(f, text, is_and ? C_AND : C_OR, tight);
}

const char *c_truth(struct c_function *f, LLVMValueRef v, bool negated,
		    enum c_tight tight)
{
	struct c_value *value = LLVMIsAInstruction(v) ? c_find(f, v) : NULL;
	LLVMOpcode op = value ? LLVMGetInstructionOpcode(v) : LLVMRet;

	if (value && value->is_inline && is_bit(v)) {
		if (op == LLVMICmp && !negated && is_zero(LLVMGetOperand(v, 1)) &&
		    LLVMGetICmpPredicate(v) == LLVMIntNE)
			return c_truth(f, LLVMGetOperand(v, 0), false, tight);
		if (op == LLVMICmp && negated && is_zero(LLVMGetOperand(v, 1)) &&
		    LLVMGetICmpPredicate(v) == LLVMIntEQ)
			return c_truth(f, LLVMGetOperand(v, 0), false, tight);
		if (op == LLVMICmp)
			return compare(f, v, negated, tight);
		if (op == LLVMXor && LLVMIsAConstantInt(LLVMGetOperand(v, 1)))
			return c_truth(f, LLVMGetOperand(v, 0), !negated, tight);
		if (op == LLVMAnd || op == LLVMOr)
			return logical(f, v, negated, tight);
	}
	if (negated)
		return arena_printf(f->a, "!%s", c_expr(f, v, C_UNARY));
	return c_expr(f, v, tight);
}

/* The operators of C. */
static const struct operator_row {
	LLVMOpcode op;
	const char *sign;
	enum c_tight tight, inner; /* of the result, of both sides */
} operator_rows[] = {
	{ LLVMAdd, "+", C_SUM, C_SUM },
	{ LLVMSub, "-", C_SUM, C_SUM },
	{ LLVMMul, "*", C_PRODUCT, C_PRODUCT },
	{ LLVMUDiv, "/", C_PRODUCT, C_PRODUCT },
	{ LLVMURem, "%", C_PRODUCT, C_PRODUCT },
	/* Compilers want parentheses around those in others. */
	{ LLVMShl, "<<", C_BITS, C_UNARY },
	{ LLVMLShr, ">>", C_BITS, C_UNARY },
	{ LLVMAShr, ">>", C_BITS, C_UNARY },
	{ LLVMAnd, "&", C_BITS, C_UNARY },
	{ LLVMOr, "|", C_BITS, C_UNARY },
	{ LLVMXor, "^", C_BITS, C_UNARY },
};

/* These do not take the other side's type: an int would stay one. */
static bool is_shift(LLVMOpcode op)
{
	return op == LLVMShl || op == LLVMLShr;
}

/* a | b | c */
static bool is_same(const struct c_function *f, LLVMValueRef v, LLVMOpcode op)
{
	const struct c_value *value = LLVMIsAInstruction(v) ? c_find(f, v) : NULL;

	return value && value->is_inline && LLVMGetInstructionOpcode(v) == op &&
	       (op == LLVMOr || op == LLVMAnd || op == LLVMXor);
}

/* "--x" would be another operator. */
static const char *negative(struct c_function *f, const char *text)
{
	return arena_printf(f->a, *text == '-' ? "-(%s)" : "-%s", text);
}

static const char *arithmetic(struct c_function *f, LLVMValueRef v, enum c_tight tight)
{
	LLVMOpcode op = LLVMGetInstructionOpcode(v);
	LLVMValueRef a = LLVMGetOperand(v, 0), b = LLVMGetOperand(v, 1);
	const struct operator_row *row = operator_rows;
	const char *text;

	while (row->op != op) {
		row++;
		assert(row < operator_rows +
				     sizeof(operator_rows) / sizeof(operator_rows[0]));
	}
	if (op == LLVMXor && LLVMIsAConstantInt(b) && LLVMConstIntGetSExtValue(b) == -1)
		return arena_printf(f->a, "~%s", c_expr(f, a, C_UNARY));
	if (is_zero(b) && (op == LLVMShl || op == LLVMLShr || op == LLVMAdd))
		return c_expr(f, a, tight);
	if (op == LLVMSub && is_zero(a))
		return negative(f, c_expr(f, b, C_UNARY));
	if (op == LLVMAdd && LLVMIsAConstantInt(b) && LLVMConstIntGetSExtValue(b) < 0 &&
	    LLVMConstIntGetSExtValue(b) > INT32_MIN)
		text = arena_printf(f->a, "%s - %lld", c_expr(f, a, C_SUM),
				    -(long long)LLVMConstIntGetSExtValue(b));
	else if (op == LLVMAShr)
		text = arena_printf(f->a, "(s64)%s >> %s", c_expr(f, a, C_UNARY),
				    c_expr(f, b, C_UNARY));
	else
		text = arena_printf(
			f->a, "%s%s %s %s",
			LLVMIsAConstantInt(a) && is_shift(op) ? "(u64)" : "",
			c_expr(f, a, is_same(f, a, op) ? row->tight : row->inner),
			row->sign, c_expr(f, b, (enum c_tight)(row->inner + 1)));
	if (op == LLVMAShr && tight != C_ANY)
		return arena_printf(f->a, "(u64)(%s)", text);
	return in_parentheses(f, text, row->tight, tight);
}

/* The intrinsics that memql uses swap bytes. */
static const char *swapped(struct c_function *f, LLVMValueRef v)
{
	return arena_printf(f->a, "__builtin_bswap%u(%s)", c_bits(LLVMTypeOf(v)),
			    c_expr(f, LLVMGetOperand(v, 0), C_ANY));
}

/* !v as 0 or 1: c_truth() would say v where that is as good. */
static const char *inverted(struct c_function *f, LLVMValueRef v, enum c_tight tight)
{
	LLVMValueRef of = LLVMGetOperand(v, 0);
	struct c_value *value = LLVMIsAInstruction(of) ? c_find(f, of) : NULL;

	assert(LLVMIsAConstantInt(LLVMGetOperand(v, 1)));
	if (value && value->is_inline && LLVMIsAICmpInst(of))
		return compare(f, of, true, tight);
	return arena_printf(f->a, "!%s", c_truth(f, of, false, C_UNARY));
}

/* Is it one of two constants? In C these would be of type int, or signed. */
static bool has_constants(LLVMValueRef select)
{
	return LLVMIsAConstantInt(LLVMGetOperand(select, 1)) &&
	       LLVMIsAConstantInt(LLVMGetOperand(select, 2));
}

static const char *instruction(struct c_function *f, LLVMValueRef v, enum c_tight tight)
{
	const char *text;

	if (LLVMIsALoadInst(v) && LLVMGetVolatile(v) &&
	    !LLVMIsAGlobalVariable(LLVMGetOperand(v, 0)))
		return arena_printf(f->a, "*(%svolatile *)%s", c_type(LLVMTypeOf(v)),
				    c_expr(f, LLVMGetOperand(v, 0), C_UNARY));
	if (LLVMIsALoadInst(v))
		return c_object(f, LLVMGetOperand(v, 0), LLVMTypeOf(v), false);
	if (LLVMIsACastInst(v))
		return cast(f, v, tight);
	if (LLVMIsAICmpInst(v))
		return compare(f, v, false, tight);
	if (is_bit(v) && LLVMGetInstructionOpcode(v) == LLVMXor)
		return inverted(f, v, tight);
	if (is_bit(v) && LLVMIsABinaryOperator(v))
		return c_truth(f, v, false, tight);
	if (LLVMIsABinaryOperator(v))
		return arithmetic(f, v, tight);
	if (LLVMIsAExtractValueInst(v))
		return c_name(f, c_find(f, LLVMGetOperand(v, 0)));
	if (LLVMIsACallInst(v))
		return swapped(f, v);
	if (LLVMIsAGetElementPtrInst(v)) {
		text = arena_printf(f->a, "%s%s + %s",
				    is_object(LLVMGetOperand(v, 0)) ? "(void *)" : "",
				    c_expr(f, LLVMGetOperand(v, 0), C_SUM),
				    c_expr(f, LLVMGetOperand(v, 1), C_PRODUCT));
		return in_parentheses(f, text, C_SUM, tight);
	}
	assert(LLVMIsASelectInst(v));
	text = arena_printf(f->a, "%s ? %s%s : %s",
			    c_truth(f, LLVMGetOperand(v, 0), false, C_OR),
			    tight != C_ANY && has_constants(v) ? "(u64)" : "",
			    c_expr(f, LLVMGetOperand(v, 1), C_COND),
			    c_expr(f, LLVMGetOperand(v, 2), C_COND));
	return in_parentheses(f, text, C_COND, tight);
}

static const char *constant(struct c_function *f, LLVMValueRef v, enum c_tight tight)
{
	LLVMOpcode op;

	if (LLVMIsAConstantInt(v))
		return number(f, v, tight);
	if (LLVMIsAGlobalValue(v))
		return address(f, v, tight);
	if (!LLVMIsAConstantExpr(v))
		return "0";
	op = LLVMGetConstOpcode(v);
	if (op == LLVMGetElementPtr)
		return address(f, v, tight);
	return arena_printf(f->a, "(%s)%s", op == LLVMPtrToInt ? "u64" : "void *",
			    c_expr(f, LLVMGetOperand(v, 0), C_UNARY));
}

const char *c_expr(struct c_function *f, LLVMValueRef v, enum c_tight tight)
{
	int64_t offset;
	struct c_value *value;

	if (LLVMIsConstant(v))
		return constant(f, v, tight);
	if (LLVMIsAArgument(v)) {
		size_t n;
		const char *name = LLVMGetValueName2(v, &n);

		/* Parameters may be pointers to arrays, which would count as such. */
		return arena_printf(f->a, "%s%s",
				    LLVMTypeOf(v) == f->m->ptr &&
						    strcmp(name, "ctx") != 0
					    ? "(void *)"
					    : "",
				    name);
	}
	value = c_find(f, v);
	assert(value && "values are computed before they are used");
	if (LLVMIsAAllocaInst(v) || (value->is_inline && LLVMIsAGetElementPtrInst(v) &&
				     base_of(v, &offset) != v))
		return address(f, v, tight);
	if (!value->is_inline)
		return c_name(f, value);
	/* As the statement that does it says it. */
	return instruction(f, v, tight);
}
