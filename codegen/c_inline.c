/*
 * Which values become variables. What is used once stays in the expression of its user,
 * unless it is read from memory and something may have written there in between.
 */
#include "codegen/c_text.h"

enum { DEPTH_MAX = 24 }; /* of an expression: for who reads it, and clang has limits */

/* An address as good as its base's name: so many bytes behind it. */
static bool is_place(LLVMValueRef v)
{
	return LLVMIsAGetElementPtrInst(v) && LLVMIsAConstantInt(LLVMGetOperand(v, 1));
}

static bool is_cast(LLVMValueRef v)
{
	return LLVMIsACastInst(v) != NULL;
}

/* It computes something and does nothing else. */
static bool is_pure(LLVMValueRef v)
{
	LLVMValueRef called;

	if (LLVMIsACallInst(v)) {
		called = LLVMGetCalledValue(v);
		return LLVMIsAFunction(called) && LLVMGetIntrinsicID(called);
	}
	return LLVMIsABinaryOperator(v) || LLVMIsAICmpInst(v) || is_cast(v) ||
	       LLVMIsASelectInst(v) || LLVMIsAGetElementPtrInst(v) ||
	       LLVMIsAExtractValueInst(v);
}

static bool is_call(LLVMValueRef v)
{
	return LLVMIsACallInst(v) && !is_pure(v) &&
	       !LLVMIsAInlineAsm(LLVMGetCalledValue(v));
}

/* May it change what lies at an address? Locals are no memory. */
static bool is_clobber(const struct c_function *f, LLVMValueRef v, LLVMValueRef local)
{
	LLVMValueRef at;
	struct c_value *to;

	if (!LLVMIsAStoreInst(v))
		return !local && (is_call(v) || LLVMIsAAtomicRMWInst(v) ||
				  LLVMIsAAtomicCmpXchgInst(v));
	at = LLVMGetOperand(v, 1);
	to = LLVMIsAAllocaInst(at) ? c_find(f, at) : NULL;
	if (to && to->is_local)
		return at == local;
	return !local;
}

static unsigned count_uses(const struct c_function *f, LLVMValueRef v,
			   struct c_value **user)
{
	unsigned n = 0;

	for (LLVMUseRef u = LLVMGetFirstUse(v); u; u = LLVMGetNextUse(u)) {
		struct c_value *by = c_find(f, LLVMGetUser(u));

		if (by && !by->is_said) {
			*user = by;
			n++;
		}
	}
	return n;
}

/* Only loaded and stored, as what it is. */
static bool is_local(LLVMValueRef alloca)
{
	LLVMTypeRef type = LLVMGetAllocatedType(alloca);

	for (LLVMUseRef u = LLVMGetFirstUse(alloca); u; u = LLVMGetNextUse(u)) {
		LLVMValueRef by = LLVMGetUser(u);

		if (LLVMIsALoadInst(by) && LLVMTypeOf(by) == type)
			continue;
		if (LLVMIsAStoreInst(by) && LLVMGetOperand(by, 1) == alloca &&
		    LLVMTypeOf(LLVMGetOperand(by, 0)) == type)
			continue;
		return false;
	}
	return true;
}

static bool load_can_wait(const struct c_function *f, uint32_t i,
			  const struct c_value *user)
{
	LLVMValueRef at = LLVMGetOperand(f->values.items[i].ref, 0);
	struct c_value *from = LLVMIsAAllocaInst(at) ? c_find(f, at) : NULL;
	LLVMValueRef local = from && from->is_local ? at : NULL;

	/* One that must be there may be part of what follows at once. */
	if ((LLVMGetVolatile(f->values.items[i].ref) && user->point != i + 1) ||
	    user->block != f->values.items[i].block ||
	    f->values.items[user->point].block != user->block)
		return false;
	for (uint32_t k = i + 1; k < user->point; k++)
		if (is_clobber(f, f->values.items[k].ref, local))
			return false;
	return true;
}

static bool stays_inline(const struct c_function *f, uint32_t i)
{
	const struct c_value *v = &f->values.items[i];
	struct c_value *user = NULL;
	unsigned n = count_uses(f, v->ref, &user);
	struct c_value *unused = NULL;

	if (is_place(v->ref) || LLVMIsAExtractValueInst(v->ref))
		return true;
	if (n != 1 || LLVMIsAPHINode(user->ref))
		return false;
	if (user->is_inline && user->depth == DEPTH_MAX)
		return false;
	/* Else it would be computed for each of those who use that. */
	if (user->is_inline && count_uses(f, user->ref, &unused) > 1)
		return false;
	if (LLVMIsALoadInst(v->ref))
		return load_can_wait(f, i, user);
	return is_pure(v->ref);
}

/* Is it a load, or anything else that is there for its value only, which nobody wants? */
static bool is_idle(const struct c_function *f, const struct c_value *v)
{
	struct c_value *user;

	return (is_pure(v->ref) || LLVMIsALoadInst(v->ref)) &&
	       count_uses(f, v->ref, &user) == 0;
}

/* Is it a store to a variable that nobody loads? */
static bool is_unread(const struct c_function *f, const struct c_value *v)
{
	const struct c_value *to;

	if (!LLVMIsAStoreInst(v->ref) || !LLVMIsAAllocaInst(LLVMGetOperand(v->ref, 1)))
		return false;
	to = c_find(f, LLVMGetOperand(v->ref, 1));
	for (LLVMUseRef u = LLVMGetFirstUse(to->ref); u; u = LLVMGetNextUse(u)) {
		const struct c_value *by = c_find(f, LLVMGetUser(u));

		if (by && !by->is_said && LLVMIsALoadInst(by->ref))
			return false;
	}
	return to->is_local;
}

/* What is not wanted makes more that is not. */
static void drop_idle(struct c_function *f)
{
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = f->values.n; i-- > 0;) {
			struct c_value *v = &f->values.items[i];

			if (v->is_said || !(is_idle(f, v) || is_unread(f, v)))
				continue;
			v->is_said = more = true;
		}
	}
}

void c_choose_variables(struct c_function *f)
{
	for (size_t i = 0; i < f->values.n; i++) {
		struct c_value *v = &f->values.items[i];

		v->is_local = LLVMIsAAllocaInst(v->ref) && is_local(v->ref);
	}
	drop_idle(f);
	/* Users first. */
	for (size_t i = f->values.n; i-- > 0;) {
		struct c_value *v = &f->values.items[i], *user = NULL;

		if (LLVMIsAAllocaInst(v->ref) || v->is_said)
			continue;
		v->is_inline = stays_inline(f, (uint32_t)i);
		if (v->is_inline && count_uses(f, v->ref, &user) == 1) {
			v->point = user->point;
			v->depth = user->is_inline ? user->depth + 1 : 1;
		}
	}
}

bool c_is_expression(const struct c_function *f, const struct c_block *b)
{
	for (uint32_t i = 0; i + 1 < b->n; i++) {
		const struct c_value *v = &f->values.items[b->first + i];

		if (!v->is_inline && !v->is_said)
			return false;
	}
	return true;
}
