/*
 * Numbers, helpers, branches and loops.
 *
 * The verifier follows the machine code, not the IR: where it must see a bound, LLVM must
 * not find out that the check is redundant, merge it, or move it. opaque() is that
 * fence: an empty piece of assembler that "changes" a register.
 */
#include "codegen/internal.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

struct value value_of(LLVMValueRef ref)
{
	return (struct value){ .ref = ref };
}

struct value emit_int(struct emit *e, int64_t n)
{
	return value_of(module_const(e->m, (uint64_t)n));
}

LLVMValueRef as_int(struct emit *e, struct value v)
{
	if (LLVMTypeOf(v.ref) == e->m->ptr)
		return LLVMBuildPtrToInt(e->b, v.ref, e->m->i64, "");
	return v.ref;
}

LLVMValueRef as_ptr(struct emit *e, struct value v)
{
	if (LLVMTypeOf(v.ref) == e->m->ptr)
		return v.ref;
	return LLVMBuildIntToPtr(e->b, v.ref, e->m->ptr, "");
}

/* A comparison's result is a widened bit: use the bit, not a test of the number. */
LLVMValueRef as_bit(struct emit *e, struct value v)
{
	if (LLVMIsAZExtInst(v.ref)) {
		LLVMValueRef bit = LLVMGetOperand(v.ref, 0);

		if (LLVMTypeOf(bit) == e->m->i1)
			return bit;
	}
	return LLVMBuildICmp(e->b, LLVMIntNE, v.ref, LLVMConstNull(LLVMTypeOf(v.ref)),
			     "");
}

static struct value from_bit(struct emit *e, LLVMValueRef bit)
{
	return value_of(LLVMBuildZExt(e->b, bit, e->m->i64, ""));
}

struct value opaque(struct emit *e, struct value v)
{
	LLVMTypeRef of = LLVMTypeOf(v.ref), type = LLVMFunctionType(of, &of, 1, 0);
	LLVMValueRef fence = LLVMGetInlineAsm(type, "", 0, "=r,0", 4, 1, 0,
					      LLVMInlineAsmDialectATT, 0);

	return value_of(LLVMBuildCall2(e->b, type, fence, &v.ref, 1, ""));
}

/*
 * A value of its own behind the check: else LLVM may keep the one from before it on the
 * stack, of which older kernels do not know that it was checked.
 */
struct value bounded(struct emit *e, struct value v, uint64_t max)
{
	LLVMValueRef n = opaque(e, v).ref;
	bool checked = because(e, WHY_BOUND);
	LLVMBasicBlockRef inside = block_new(e, "inside");
	LLVMValueRef over =
		LLVMBuildICmp(e->b, LLVMIntUGT, n, module_const(e->m, max), "");

	if (checked)
		LLVMBuildCondBr(e->b, over, e->leave, inside);
	else
		LLVMBuildBr(e->b, inside);
	LLVMPositionBuilderAtEnd(e->b, inside);
	return opaque(e, value_of(n));
}

struct value emit_bounded(struct emit *e, struct value v, uint64_t max)
{
	return bounded(e, v, max);
}

static LLVMValueRef sign_of(struct emit *e, LLVMValueRef v)
{
	return LLVMBuildAShr(e->b, v, module_const(e->m, 63), "");
}

/* v with its sign changed if sign is all ones; unchanged if it is 0. */
static LLVMValueRef with_sign(struct emit *e, LLVMValueRef v, LLVMValueRef sign)
{
	return LLVMBuildSub(e->b, LLVMBuildXor(e->b, v, sign, ""), sign, "");
}

/* For LLVM a division by zero has no meaning; for BPF it has: it must not be removed. */
static LLVMValueRef divisor(struct emit *e, LLVMValueRef v)
{
	if (LLVMIsAConstantInt(v) && LLVMConstIntGetZExtValue(v) != 0)
		return v;
	return opaque(e, value_of(v)).ref;
}

/*
 * As BPF divides, by 0 too: a compiler would make a >= b of a / b != 0, for memql's code or
 * for the C of explain, so that it may not see that the result is a quotient.
 */
static LLVMValueRef divide_plain(struct emit *e, enum op op, LLVMValueRef a,
				 LLVMValueRef b)
{
	LLVMValueRef n = op == OP_DIV ? LLVMBuildUDiv(e->b, a, b, "")
				      : LLVMBuildURem(e->b, a, b, "");

	return LLVMIsAConstantInt(b) ? n : opaque(e, value_of(n)).ref;
}

/* The machine divides unsigned numbers only (up to cpu v3). */
static LLVMValueRef divide(struct emit *e, enum op op, LLVMValueRef a, LLVMValueRef b,
			   bool is_signed)
{
	LLVMValueRef sa, sb, n;

	b = divisor(e, b);
	if (!is_signed)
		return divide_plain(e, op, a, b);
	because(e, WHY_SIGNED_DIVISION);
	sa = sign_of(e, a);
	sb = sign_of(e, b);
	a = with_sign(e, a, sa);
	b = divisor(e, with_sign(e, b, sb));
	n = divide_plain(e, op, a, b);
	return with_sign(e, n, op == OP_MOD ? sa : LLVMBuildXor(e->b, sa, sb, ""));
}

static struct value compare(struct emit *e, LLVMIntPredicate is, LLVMValueRef a,
			    LLVMValueRef b)
{
	return from_bit(e, LLVMBuildICmp(e->b, is, a, b, ""));
}

static bool is_address(const struct emit *e, struct value v)
{
	return v.ref && LLVMTypeOf(v.ref) == e->m->ptr;
}

/*
 * Is an address 0? The answer is fenced: LLVM would join it with other conditions, as in
 * "(p | n) != 0", and the verifier: "R7 pointer arithmetic on map_value_or_null
 * prohibited, null-check it first".
 */
static struct value compare_addresses(struct emit *e, enum op op, struct value left,
				      struct value right)
{
	LLVMValueRef a = as_ptr(e, left), b = as_ptr(e, right);

	assert(op == OP_EQ || op == OP_NE);
	return opaque(e, compare(e, op == OP_EQ ? LLVMIntEQ : LLVMIntNE, a, b));
}

static LLVMValueRef count_of(struct emit *e, LLVMValueRef v)
{
	return LLVMBuildAnd(e->b, v, module_const(e->m, 63), "");
}

struct value emit_op(struct emit *e, enum op op, struct value left, struct value right,
		     bool is_signed)
{
	LLVMBuilderRef at = e->b;
	LLVMValueRef a, b;

	if ((is_address(e, left) || is_address(e, right)) &&
	    op_rows[op].flags & OP_COMPARE)
		return compare_addresses(e, op, left, right);
	a = as_int(e, left);
	b = right.ref ? as_int(e, right) : NULL;
	switch (op) {
	case OP_ADD:
		return value_of(LLVMBuildAdd(at, a, b, ""));
	case OP_SUB:
		return value_of(LLVMBuildSub(at, a, b, ""));
	case OP_MUL:
		return value_of(LLVMBuildMul(at, a, b, ""));
	case OP_DIV:
	case OP_MOD:
		return value_of(divide(e, op, a, b, is_signed));
	case OP_AND:
		return value_of(LLVMBuildAnd(at, a, b, ""));
	case OP_OR:
		return value_of(LLVMBuildOr(at, a, b, ""));
	case OP_XOR:
		return value_of(LLVMBuildXor(at, a, b, ""));
	case OP_SHL:
		return value_of(LLVMBuildShl(at, a, count_of(e, b), ""));
	case OP_SHR:
		return value_of(is_signed ? LLVMBuildAShr(at, a, count_of(e, b), "")
					  : LLVMBuildLShr(at, a, count_of(e, b), ""));
	case OP_EQ:
		return compare(e, LLVMIntEQ, a, b);
	case OP_NE:
		return compare(e, LLVMIntNE, a, b);
	case OP_LT:
		return compare(e, is_signed ? LLVMIntSLT : LLVMIntULT, a, b);
	case OP_LE:
		return compare(e, is_signed ? LLVMIntSLE : LLVMIntULE, a, b);
	case OP_GT:
		return compare(e, is_signed ? LLVMIntSGT : LLVMIntUGT, a, b);
	case OP_GE:
		return compare(e, is_signed ? LLVMIntSGE : LLVMIntUGE, a, b);
	case OP_LAND:
		return from_bit(
			e, LLVMBuildAnd(at, as_bit(e, left), as_bit(e, right), ""));
	case OP_LOR:
		return from_bit(e,
				LLVMBuildOr(at, as_bit(e, left), as_bit(e, right), ""));
	case OP_NEG:
		return value_of(LLVMBuildNeg(at, a, ""));
	case OP_NOT:
		return from_bit(e, LLVMBuildNot(at, as_bit(e, left), ""));
	case OP_INV:
		return value_of(LLVMBuildNot(at, a, ""));
	}
	assert(!"operator");
	return left;
}

struct value emit_select(struct emit *e, struct value cond, struct value a,
			 struct value b)
{
	return value_of(
		LLVMBuildSelect(e->b, as_bit(e, cond), as_int(e, a), as_int(e, b), ""));
}

/*
 * Bit by bit of the result, without a branch: a branch would double the verifier's paths
 * six times. Below 2^63, -x has its highest bit set unless x is 0.
 */
struct value emit_log2(struct emit *e, struct value v)
{
	LLVMBuilderRef at = e->b;
	LLVMValueRef x = as_int(e, v), log = NULL;
	LLVMValueRef top = module_const(e->m, 63);

	because(e, WHY_LOG2);
	for (unsigned bit = 5; bit < 6; bit--) {
		LLVMValueRef width = module_const(e->m, UINT64_C(1) << bit);
		LLVMValueRef high = LLVMBuildLShr(at, x, width, "");
		LLVMValueRef any =
			LLVMBuildLShr(at, LLVMBuildNeg(at, high, ""), top, "");
		LLVMValueRef step;

		/* Keeps LLVM from turning it into comparisons. */
		any = opaque(e, value_of(any)).ref;
		step = LLVMBuildShl(at, any, module_const(e->m, bit), "");
		log = log ? LLVMBuildOr(at, log, step, "") : step;
		if (bit)
			x = LLVMBuildLShr(at, x, step, "");
	}
	return value_of(log);
}

/* One instruction of the machine. */
struct value emit_swap(struct emit *e, struct value v, unsigned size)
{
	LLVMTypeRef type = LLVMIntTypeInContext(e->m->context, size * 8);
	LLVMTypeRef function = LLVMFunctionType(type, &type, 1, 0);
	unsigned id = LLVMLookupIntrinsicID("llvm.bswap", strlen("llvm.bswap"));
	LLVMValueRef n = LLVMBuildTrunc(e->b, as_int(e, v), type, "");

	if (size > 1) {
		LLVMValueRef swap = LLVMGetIntrinsicDeclaration(e->m->ir, id, &type, 1);

		n = LLVMBuildCall2(e->b, function, swap, &n, 1, "");
	}
	return value_of(LLVMBuildZExt(e->b, n, e->m->i64, ""));
}

/* What a helper's number says about its calls: see helpers.def. */
static bool helper_is_constant(enum bpf_helper id)
{
	switch (id) {
#define HELPER(name, number, constant, since, prototype)                               \
	case HELPER_##name:                                                            \
		return constant;
#include "codegen/helpers.def"
#undef HELPER
	}
	return false;
}

static void mark_constant(struct emit *e, LLVMValueRef call)
{
	static const char *const names[] = { "memory", "readnone" };
	static const char *const also[] = { "nounwind", "willreturn" };
	LLVMContextRef c = e->m->context;
	unsigned kind = 0;

	/* LLVM 16 renamed it; 0 is "touches none". */
	for (size_t i = 0; i < 2 && !kind; i++)
		kind = LLVMGetEnumAttributeKindForName(names[i], strlen(names[i]));
	LLVMAddCallSiteAttribute(call, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
				 LLVMCreateEnumAttribute(c, kind, 0));
	for (size_t i = 0; i < 2; i++) {
		kind = LLVMGetEnumAttributeKindForName(also[i], strlen(also[i]));
		LLVMAddCallSiteAttribute(call,
					 (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
					 LLVMCreateEnumAttribute(c, kind, 0));
	}
}

/* The call instruction of a helper is a call to the address that is its number. */
static struct value call_helper(struct emit *e, enum bpf_helper id, LLVMTypeRef returns,
				unsigned n, va_list ap)
{
	LLVMTypeRef types[5], type;
	LLVMValueRef args[5], address, call;

	assert(n <= 5);
	for (unsigned i = 0; i < n; i++) {
		args[i] = va_arg(ap, struct value).ref;
		types[i] = LLVMTypeOf(args[i]);
	}
	e->asked_task |= id == HELPER_GET_CURRENT_TASK_BTF;
	e->asked_ids |= id == HELPER_GET_CURRENT_PID_TGID;
	type = LLVMFunctionType(returns, types, n, 0);
	address = LLVMConstIntToPtr(module_const(e->m, id), e->m->ptr);
	call = LLVMBuildCall2(e->b, type, address, args, n, "");
	if (helper_is_constant(id) && because(e, WHY_ONE_CALL))
		mark_constant(e, call);
	return value_of(call);
}

struct value emit_helper(struct emit *e, enum bpf_helper id, unsigned n, ...)
{
	struct value v;
	va_list ap;

	va_start(ap, n);
	v = call_helper(e, id, e->m->i64, n, ap);
	va_end(ap);
	return v;
}

struct value emit_helper_ptr(struct emit *e, enum bpf_helper id, unsigned n, ...)
{
	struct value v;
	va_list ap;

	va_start(ap, n);
	v = call_helper(e, id, e->m->ptr, n, ap);
	va_end(ap);
	return v;
}

LLVMBasicBlockRef block_new(struct emit *e, const char *name)
{
	return LLVMAppendBasicBlockInContext(e->m->context, e->function, name);
}

struct branch emit_if(struct emit *e, struct value cond)
{
	LLVMBasicBlockRef then = block_new(e, "then");
	struct branch b = {
		.otherwise = block_new(e, "else"),
		.end = block_new(e, "end"),
	};

	LLVMBuildCondBr(e->b, as_bit(e, cond), then, b.otherwise);
	LLVMPositionBuilderAtEnd(e->b, then);
	return b;
}

void emit_else(struct emit *e, struct branch *b)
{
	LLVMBuildBr(e->b, b->end);
	LLVMPositionBuilderAtEnd(e->b, b->otherwise);
	b->has_else = true;
}

void emit_end(struct emit *e, struct branch *b)
{
	LLVMBuildBr(e->b, b->end);
	if (!b->has_else) {
		LLVMPositionBuilderAtEnd(e->b, b->otherwise);
		LLVMBuildBr(e->b, b->end);
	}
	LLVMPositionBuilderAtEnd(e->b, b->end);
}

void emit_return(struct emit *e)
{
	LLVMBuildBr(e->b, e->leave);
	LLVMPositionBuilderAtEnd(e->b, block_new(e, "dead"));
}

/*
 * The condition is at the end, so that the way back is a conditional branch: where it is
 * not, the back end may put the end of the loop in front of its beginning, and verifiers
 * such as 6.1's refuse a way back that is just the next instruction ("back-edge").
 *
 * The counter is fenced at each turn: the back end must keep counting it, rather than an
 * address, for the verifier to know how far the loop got.
 */
struct loop emit_loop(struct emit *e, uint64_t n)
{
	struct loop l = {
		.head = block_new(e, "head"),
		.end = block_new(e, "done"),
		.n = n,
	};
	LLVMBasicBlockRef before = LLVMGetInsertBlock(e->b);
	LLVMValueRef zero = module_const(e->m, 0);

	LLVMBuildCondBr(e->b, LLVMConstInt(e->m->i1, n > 0, 0), l.head, l.end);
	LLVMPositionBuilderAtEnd(e->b, l.head);
	l.counter = LLVMBuildPhi(e->b, e->m->i64, "i");
	LLVMAddIncoming(l.counter, &zero, &before, 1);
	l.i = value_of(l.counter);
	return l;
}

void emit_break(struct emit *e, struct loop *l)
{
	LLVMBuildBr(e->b, l->end);
	LLVMPositionBuilderAtEnd(e->b, block_new(e, "dead"));
}

void emit_loop_end(struct emit *e, struct loop *l)
{
	LLVMValueRef next = LLVMBuildAdd(e->b, l->i.ref, module_const(e->m, 1), "");
	LLVMBasicBlockRef here = LLVMGetInsertBlock(e->b);
	LLVMValueRef more;

	next = opaque(e, value_of(next)).ref;
	LLVMAddIncoming(l->counter, &next, &here, 1);
	more = LLVMBuildICmp(e->b, LLVMIntULT, next, module_const(e->m, l->n), "");
	LLVMBuildCondBr(e->b, more, l->head, l->end);
	LLVMPositionBuilderAtEnd(e->b, l->end);
}

/* One of memql_loss's counters. */
void emit_loss(struct emit *e, enum loss_kind kind, struct span at)
{
	uint32_t index = module_loss(e->m, kind, e->subject, at);
	struct value key = emit_rodata(e, &index, sizeof(index)), counter;
	struct branch b;

	because(e, WHY_LOSS);
	counter = emit_helper_ptr(e, HELPER_MAP_LOOKUP_ELEM, 2, value_of(e->m->loss),
				  key);
	b = emit_if(e, counter);
	LLVMBuildAtomicRMW(e->b, LLVMAtomicRMWBinOpAdd, counter.ref,
			   module_const(e->m, 1), LLVMAtomicOrderingMonotonic, 0);
	emit_end(e, &b);
}

LLVMValueRef emit_load_ptr(struct emit *e, struct value at)
{
	LLVMValueRef v = LLVMBuildLoad2(e->b, e->m->ptr, at.ref, "");

	LLVMSetAlignment(v, 8);
	return v;
}

void loss_if(struct emit *e, struct value cond, enum loss_kind kind, struct span at)
{
	struct branch b = emit_if(e, cond);

	emit_loss(e, kind, at);
	emit_end(e, &b);
}

struct value emit_ctx(struct emit *e)
{
	return value_of(e->context ? e->context : LLVMGetParam(e->function, 0));
}

struct value emit_rodata(struct emit *e, const void *bytes, size_t size)
{
	return value_of(module_rodata(e->m, bytes, size));
}

const struct program_info *emit_program(struct emit *e)
{
	return e->program;
}

/* Volatile: LLVM must not take the initial value for the final one. */
static struct value setting(struct emit *e, const char *name, unsigned size,
			    uint64_t initial)
{
	LLVMTypeRef type = size == 4 ? e->m->i32 : e->m->i64;
	LLVMValueRef global = module_setting(e->m, name, type, initial);
	LLVMValueRef v = LLVMBuildLoad2(e->b, type, global, "");

	LLVMSetVolatile(v, 1);
	return value_of(size == 4 ? LLVMBuildZExt(e->b, v, e->m->i64, "") : v);
}

struct value emit_setting(struct emit *e, enum setting s)
{
	switch (s) {
#define SETTING(name, symbol, bytes, initial)                                          \
	case SETTING_##name:                                                           \
		return setting(e, symbol, bytes, initial);
#include "codegen/settings.def"
#undef SETTING
	}
	assert(!"setting");
	return emit_int(e, 0);
}
