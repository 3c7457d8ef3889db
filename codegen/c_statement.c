/* What one instruction does: an assignment, a call, or the declaration of a variable. */
#include <assert.h>
#include <string.h>

#include "codegen/c_text.h"
#include "codegen/explained.h"
#include "core/arena.h"

/* A helper's parameter: is it a pointer? */
static bool is_pointer(const char *prototype, unsigned i)
{
	const char *at = strchr(prototype, '('), *end;

	for (; i && at; i--)
		at = strchr(at + 1, ',');
	if (!at)
		return false;
	end = at + 1 + strcspn(at + 1, ",)");
	return memchr(at, '*', (size_t)(end - at)) != NULL;
}

/* Arguments as the prototype wants them; NULL: numbers and addresses as they are. */
static const char *arguments(struct c_function *f, LLVMValueRef call,
			     const char *prototype)
{
	const char *text = "";

	for (unsigned i = 0; i < LLVMGetNumArgOperands(call); i++) {
		LLVMValueRef arg = LLVMGetOperand(call, i);
		bool is_ptr = LLVMTypeOf(arg) == f->m->ptr;
		const char *as = "", *word;

		if (prototype && is_ptr != is_pointer(prototype, i) &&
		    !strstr(prototype, "..."))
			as = is_ptr ? "(u64)" : "(void *)";
		else if (!prototype && is_ptr)
			as = "(void *)";
		word = c_expr(f, arg, *as ? C_UNARY : C_ANY);
		text = arena_printf(f->a, "%s%s%s%s", text, i ? ", " : "", as, word);
	}
	return text;
}

static const char *call_text(struct c_function *f, LLVMValueRef call)
{
	LLVMValueRef called = LLVMGetCalledValue(call);
	const struct helper_row *row;
	const char *name;

	if (!LLVMIsAConstantExpr(called))
		return arena_printf(f->a, "%s(%s)", c_symbol(f->a, called),
				    arguments(f, call, NULL));
	row = helper_find((int)LLVMConstIntGetZExtValue(LLVMGetOperand(called, 0)));
	assert(row);
	name = strstr(row->prototype, "bpf_");
	return arena_printf(f->a, "%.*s(%s)", (int)strcspn(name, "("), name,
			    arguments(f, call, row->prototype));
}

static bool is_used(const struct c_function *f, LLVMValueRef v)
{
	for (LLVMUseRef u = LLVMGetFirstUse(v); u; u = LLVMGetNextUse(u)) {
		const struct c_value *by = c_find(f, LLVMGetUser(u));

		if (by && !by->is_said)
			return true;
	}
	return false;
}

static void assign(struct c_function *f, struct c_value *v, const char *text)
{
	LLVMTypeRef type = LLVMTypeOf(v->ref);
	bool is_new = !v->name;
	const char *name = c_name(f, v);

	if (!is_new) {
		c_line(f, "%s = %s;", name, text);
		return;
	}
	if (LLVMIsAAtomicCmpXchgInst(v->ref))
		type = f->m->i64;
	c_line(f, "%s%s = %s;", c_type(type), name, text);
	f->out->items[f->out->n - 1].is_declaration = true;
}

/* Pieces of assembler with nothing in them: see opaque() and unlike_others(). */
static void fence(struct c_function *f, struct c_value *v)
{
	LLVMValueRef call = v->ref;

	assign(f, v, c_expr(f, LLVMGetOperand(call, 0), C_ANY));
	if (LLVMGetNumArgOperands(call) == 1)
		c_line(f, "barrier_var(%s);", c_name(f, v));
	else
		c_line(f, "asm volatile(\"\" : \"+r\"(%s) : \"i\"(%s));", c_name(f, v),
		       c_expr(f, LLVMGetOperand(call, 1), C_ANY));
}

static void call(struct c_function *f, struct c_value *v)
{
	const char *text;

	if (LLVMIsAInlineAsm(LLVMGetCalledValue(v->ref))) {
		fence(f, v);
		return;
	}
	text = call_text(f, v->ref);
	if (is_used(f, v->ref))
		assign(f, v, text);
	else
		c_line(f, "%s;", text);
}

static const char *atomic_name(LLVMAtomicRMWBinOp op)
{
	switch ((int)op) {
	case LLVMAtomicRMWBinOpAdd:
		return "add";
	case LLVMAtomicRMWBinOpSub:
		return "sub";
	case LLVMAtomicRMWBinOpAnd:
		return "and";
	case LLVMAtomicRMWBinOpOr:
		return "or";
	case LLVMAtomicRMWBinOpXor:
		return "xor";
	}
	assert(!"operation");
	return "";
}

static void atomic(struct c_function *f, struct c_value *v)
{
	const char *text;

	if (LLVMIsAAtomicCmpXchgInst(v->ref))
		text = arena_printf(f->a,
				    "__sync_val_compare_and_swap((u64 *)%s, %s, %s)",
				    c_expr(f, LLVMGetOperand(v->ref, 0), C_UNARY),
				    c_expr(f, LLVMGetOperand(v->ref, 1), C_ANY),
				    c_expr(f, LLVMGetOperand(v->ref, 2), C_ANY));
	else
		text = arena_printf(f->a, "__sync_fetch_and_%s((u64 *)%s, %s)",
				    atomic_name(LLVMGetAtomicRMWBinOp(v->ref)),
				    c_expr(f, LLVMGetOperand(v->ref, 0), C_UNARY),
				    c_expr(f, LLVMGetOperand(v->ref, 1), C_ANY));
	if (is_used(f, v->ref))
		assign(f, v, text);
	else
		c_line(f, "%s;", text);
}

static void store(struct c_function *f, LLVMValueRef v)
{
	LLVMValueRef what = LLVMGetOperand(v, 0);

	c_line(f, "%s = %s;",
	       c_object(f, LLVMGetOperand(v, 1), LLVMTypeOf(what), false),
	       c_expr(f, what, C_ANY));
}

/* Does an instruction set it before any other uses it? */
static struct c_value *first_store(struct c_function *f, const struct c_value *v)
{
	struct c_value *next = c_find(f, LLVMGetNextInstruction(v->ref));

	if (v->is_local && next && LLVMIsAStoreInst(next->ref) &&
	    LLVMGetOperand(next->ref, 1) == v->ref &&
	    LLVMIsAConstantInt(LLVMGetOperand(next->ref, 0)))
		return next;
	return NULL;
}

static void declare(struct c_function *f, struct c_value *v)
{
	LLVMTypeRef type = LLVMGetAllocatedType(v->ref);
	struct c_value *set = first_store(f, v);

	if (LLVMGetTypeKind(type) == LLVMArrayTypeKind)
		c_line(f, "u64 %s[%u];", c_name(f, v), LLVMGetArrayLength(type));
	else if (set)
		c_line(f, "%s%s = %s;", c_type(type), c_name(f, v),
		       c_expr(f, LLVMGetOperand(set->ref, 0), C_ANY));
	else
		c_line(f, "%s%s;", c_type(type), c_name(f, v));
	if (set)
		set->is_said = true;
}

/* What a loop counts with goes on as the same variable. */
static void share_name(struct c_function *f, struct c_value *phi)
{
	uint32_t end = f->blocks.items[phi->block].loop_end;

	for (unsigned i = 0; end != C_NONE && i < LLVMCountIncoming(phi->ref); i++) {
		struct c_value *next = c_find(f, LLVMGetIncomingValue(phi->ref, i));

		if (c_find_block(f, LLVMGetIncomingBlock(phi->ref, i)) == end && next &&
		    next->block == end && LLVMIsACallInst(next->ref))
			next->name = phi->name;
	}
}

void c_declare(struct c_function *f)
{
	for (size_t i = 0; i < f->values.n; i++) {
		struct c_value *v = &f->values.items[i];

		if (LLVMIsAPHINode(v->ref)) {
			c_line(f, "%s%s;", c_type(LLVMTypeOf(v->ref)), c_name(f, v));
			share_name(f, v);
		}
		if (LLVMIsAAllocaInst(v->ref) && is_used(f, v->ref))
			declare(f, v);
	}
}

void c_statement(struct c_function *f, struct c_value *v)
{
	if (LLVMIsAAllocaInst(v->ref))
		return;
	if (LLVMIsAStoreInst(v->ref)) {
		store(f, v->ref);
	} else if (LLVMIsAAtomicRMWInst(v->ref) || LLVMIsAAtomicCmpXchgInst(v->ref)) {
		atomic(f, v);
	} else if (LLVMIsACallInst(v->ref) &&
		   !(LLVMIsAFunction(LLVMGetCalledValue(v->ref)) &&
		     LLVMGetIntrinsicID(LLVMGetCalledValue(v->ref)))) {
		call(f, v);
	} else if (is_used(f, v->ref)) {
		v->is_inline = true;
		assign(f, v, c_expr(f, v->ref, C_ANY));
		v->is_inline = false;
	}
}
