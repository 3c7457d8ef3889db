/*
 * Memory of other address spaces: user memory, the kernel's, the probe's context.
 *
 * Helpers copy it, and fail where there is none, or none yet: a page that was never
 * touched is brought in only by programs that may sleep. Every failure is counted.
 */
#include "codegen/internal.h"

#include <assert.h>
#include <string.h>

enum { PAGE_BYTES = 4096 }; /* the smallest there is: larger ones are asked twice */

/*
 * For each space the helpers that copy bytes and text. Those for any space go by the
 * address; they exist where kernel and user addresses cannot be confused.
 */
static const struct {
	enum bpf_helper bytes, text;
} readers[] = {
	[SPACE_ANY] = { HELPER_PROBE_READ, HELPER_PROBE_READ_STR },
	[SPACE_KERNEL] = { HELPER_PROBE_READ_KERNEL, HELPER_PROBE_READ_KERNEL_STR },
	[SPACE_USER] = { HELPER_PROBE_READ_USER, HELPER_PROBE_READ_USER_STR },
	[SPACE_OWN] = { HELPER_PROBE_READ_KERNEL, HELPER_PROBE_READ_KERNEL_STR },
};

enum space emit_space(struct emit *e, const struct type *t)
{
	if (t->kind == TYPE_PTR || t->kind == TYPE_STRUCT || t->kind == TYPE_ARRAY)
		return t->space;
	return e->program->kind->flags & PROBE_USER ? SPACE_USER : SPACE_ANY;
}

static bool can_fault(const struct emit *e, enum space space)
{
	return (space == SPACE_USER || space == SPACE_ANY) && e->program->sleepable;
}

static struct value is_error(struct emit *e, struct value result)
{
	return emit_op(e, OP_LT, result, emit_int(e, 0), true);
}

/* A helper that fails leaves zeros. */
void emit_read_some(struct emit *e, struct value dst, struct value address,
		    struct value bytes, enum space space, struct span at)
{
	struct value failed;
	struct branch b;

	if (space == SPACE_ANY)
		because(e, WHY_SPACE_UNKNOWN);
	if (!because(e, WHY_PROBE_READ)) {
		emit_store(e, dst, 0, emit_load(e, address, 0, 1, false), 1);
		return;
	}
	failed = is_error(e,
			  emit_helper(e, readers[space].bytes, 3, dst, bytes, address));
	b = emit_if(e, failed);
	if (can_fault(e, space)) {
		because(e, WHY_FAULT_IN);
		failed = is_error(e, emit_helper(e, HELPER_COPY_FROM_USER, 3, dst,
						 bytes, address));
		loss_if(e, failed, LOSS_MEMORY_READ, at);
	} else {
		emit_loss(e, LOSS_MEMORY_READ, at);
	}
	emit_end(e, &b);
}

void emit_read_bytes(struct emit *e, struct value dst, struct value address,
		     size_t size, enum space space, struct span at)
{
	emit_read_some(e, dst, address, emit_int(e, (int64_t)size), space, at);
}

struct value emit_read(struct emit *e, struct value address, unsigned size,
		       bool is_signed, enum space space, struct span at)
{
	struct value slot = emit_temp(e, 8);

	emit_read_bytes(e, slot, address, size, space, at);
	return emit_load(e, slot, 0, size, is_signed);
}

/* One page further at each turn, until the text's end is in memory. */
static void read_after_fault(struct emit *e, struct value dst, struct value size,
			     uint32_t max, struct value address, LLVMValueRef result)
{
	struct value byte = emit_temp(e, 8), touched, n;
	struct value page =
		emit_op(e, OP_AND, address, emit_int(e, -PAGE_BYTES), false);
	struct value step, where;
	struct branch b;
	struct loop l = emit_loop(e, max / PAGE_BYTES + 2);

	because(e, WHY_FAULT_IN);
	/* The first touch is at the address, the others where the next pages begin. */
	step = emit_op(e, OP_MUL, l.i, emit_int(e, PAGE_BYTES), false);
	where = emit_op(e, OP_ADD, page, step, false);
	where = emit_select(e, emit_op(e, OP_EQ, l.i, emit_int(e, 0), false), address,
			    where);
	touched = emit_helper(e, HELPER_COPY_FROM_USER, 3, byte, emit_int(e, 1), where);
	b = emit_if(e, is_error(e, touched));
	emit_break(e, &l);
	emit_end(e, &b);
	n = emit_helper(e, HELPER_PROBE_READ_USER_STR, 3, dst, size, address);
	local_set(e, result, n);
	b = emit_if(e, emit_op(e, OP_GE, n, emit_int(e, 0), true));
	emit_break(e, &l);
	emit_end(e, &b);
	emit_loop_end(e, &l);
}

/* dst may have any alignment. */
static size_t store_mark(struct emit *e, struct value dst, uint32_t offset)
{
	const char *mark = e->m->cc->plan->trailer;
	size_t n = strlen(mark);

	for (size_t i = 0; i <= n; i++)
		emit_store(e, dst, (int64_t)(offset + i), emit_int(e, mark[i]), 1);
	return n;
}

/*
 * Bytes to read, with the NUL. One byte more than the limit tells text that fits from text
 * cut. Nothing is read behind a length that the program computes: in a key, what follows
 * the NUL must stay zero.
 */
static struct value bytes_to_read(struct emit *e, struct text_length length)
{
	struct value whole = emit_int(e, (int64_t)length.limit + 2), part;

	if (!length.most.ref)
		return whole;
	part = emit_op(e, OP_ADD, length.most, emit_int(e, 1), false);
	part = emit_select(
		e, emit_op(e, OP_LT, length.most, emit_int(e, length.limit), false),
		part, whole);
	return bounded(e, part, (uint64_t)length.limit + 2);
}

/*
 * No text: none could be read, or it is empty. Of an empty one of a program 6.1 says 0, not 1
 * for its NUL, which it does not write.
 */
static void take_nothing(struct emit *e, struct value dst, struct value n,
			 LLVMValueRef length, struct span at)
{
	struct branch failed = emit_if(e, is_error(e, n));

	emit_loss(e, LOSS_STRING_READ, at);
	emit_end(e, &failed);
	emit_store(e, dst, 0, emit_int(e, 0), 1);
	local_set(e, length, emit_int(e, 0));
}

struct value emit_read_str(struct emit *e, struct value dst, struct value address,
			   struct text_length read, enum space space, struct span at)
{
	struct value size = bytes_to_read(e, read);
	uint32_t limit = read.limit;
	LLVMValueRef result = local_new(e), length = local_new(e);
	struct value n;
	struct branch b;

	n = emit_helper(e, readers[space].text, 3, dst, size, address);
	local_set(e, result, n);
	if (can_fault(e, space)) {
		b = emit_if(e, is_error(e, n));
		read_after_fault(e, dst, size, limit + 2, address, result);
		emit_end(e, &b);
	}
	n = local_get(e, result);
	b = emit_if(e, emit_op(e, OP_LE, n, emit_int(e, 0), true));
	take_nothing(e, dst, n, length, at);
	emit_else(e, &b);
	local_set(e, length, emit_op(e, OP_SUB, n, emit_int(e, 1), false));
	emit_end(e, &b);

	b = emit_if(e,
		    emit_op(e, OP_GT, local_get(e, length), emit_int(e, limit), true));
	local_set(e, length, emit_int(e, (int64_t)(limit + store_mark(e, dst, limit))));
	emit_end(e, &b);
	return (struct value){ .ref = dst.ref, .len = local_get(e, length).ref };
}

/* One byte more is asked for, which becomes the NUL if the array has none. */
struct value emit_read_array(struct emit *e, struct value dst, struct value address,
			     uint32_t limit, enum space space, struct span at)
{
	struct value size = emit_int(e, (int64_t)limit + 1), n;
	LLVMValueRef length = local_new(e);
	struct branch b;

	n = emit_helper(e, readers[space].text, 3, dst, size, address);
	local_set(e, length, emit_op(e, OP_SUB, n, emit_int(e, 1), false));
	b = emit_if(e, emit_op(e, OP_LE, n, emit_int(e, 0), true));
	take_nothing(e, dst, n, length, at);
	emit_end(e, &b);
	return (struct value){ .ref = dst.ref, .len = local_get(e, length).ref };
}

struct value emit_read_word(struct emit *e, struct value dst, struct value address,
			    uint32_t size, enum space space, struct span at)
{
	LLVMValueRef length = local_new(e);
	struct value n =
		emit_helper(e, readers[space].text, 3, dst, emit_int(e, size), address);
	struct branch b = emit_if(e, emit_op(e, OP_LE, n, emit_int(e, 0), true));

	take_nothing(e, dst, n, length, at);
	emit_else(e, &b);
	local_set(e, length, emit_op(e, OP_SUB, n, emit_int(e, 1), false));
	emit_end(e, &b);
	return local_get(e, length);
}

LLVMValueRef unlike_others(struct emit *e, LLVMValueRef v)
{
	LLVMTypeRef types[] = { LLVMTypeOf(v), e->m->i64 };
	LLVMTypeRef type = LLVMFunctionType(types[0], types, 2, 0);
	LLVMValueRef args[] = { v, module_const(e->m, e->fences++) };
	LLVMValueRef fence = LLVMGetInlineAsm(type, "", 0, "=r,0,i", 6, 1, 0,
					      LLVMInlineAsmDialectATT, 0);

	return LLVMBuildCall2(e->b, type, fence, args, 2, "");
}

/*
 * A word of the context. The verifier wants the register that the program began with and
 * a constant: "dereference of modified ctx ptr R3 off=8 disallowed". So each load has its
 * own fenced copy of the address, from which LLVM can share or keep no sum, and is
 * volatile: neither merged nor moved. And it wants an instruction that reads nothing but
 * the context: "same insn cannot be used with different pointers". So no block ends as
 * another does behind a load of something else, or the back end would join them.
 */
static LLVMValueRef load_context(struct emit *e, int64_t offset, unsigned size)
{
	LLVMTypeRef type = LLVMIntTypeInContext(e->m->context, size * 8);
	LLVMValueRef index = module_const(e->m, (uint64_t)offset);
	LLVMValueRef ctx = opaque(e, emit_ctx(e)).ref;
	bool direct = because(e, WHY_CONTEXT);
	LLVMValueRef at = LLVMBuildGEP2(e->b, e->m->i8, ctx, &index, 1, "");
	LLVMValueRef v;

	if (!direct)
		at = opaque(e, value_of(at)).ref;
	v = LLVMBuildLoad2(e->b, type, at, "");
	LLVMSetVolatile(v, 1);
	LLVMSetAlignment(v, size);
	v = size == 8 ? v : LLVMBuildZExt(e->b, v, e->m->i64, "");
	return unlike_others(e, v);
}

struct value context_word(struct emit *e, int64_t offset)
{
	return value_of(load_context(e, offset, 8));
}

/* The low size bytes of a word, extended to 64 bits. */
static struct value extend(struct emit *e, LLVMValueRef v, unsigned size,
			   bool is_signed)
{
	LLVMTypeRef type = LLVMIntTypeInContext(e->m->context, size * 8);

	if (size == 8)
		return value_of(v);
	v = LLVMBuildTrunc(e->b, v, type, "");
	return value_of(is_signed ? LLVMBuildSExt(e->b, v, e->m->i64, "")
				  : LLVMBuildZExt(e->b, v, e->m->i64, ""));
}

/* Fields of a record, which packed structs may leave unaligned. */
static struct value read_context(struct emit *e, const struct location *at)
{
	LLVMValueRef v = NULL;

	if (at->value % at->size == 0)
		return extend(e, load_context(e, at->value, at->size), at->size,
			      at->is_signed);
	for (unsigned i = 0; i < at->size; i++) {
		LLVMValueRef byte = load_context(e, at->value + i, 1);

		byte = LLVMBuildShl(e->b, byte, module_const(e->m, i * 8), "");
		v = v ? LLVMBuildOr(e->b, v, byte, "") : byte;
	}
	return extend(e, v, at->size, at->is_signed);
}

/* Registers are whole words in pt_regs; %ah and the like begin inside one. */
static LLVMValueRef read_register(struct emit *e, int offset)
{
	LLVMValueRef v = load_context(e, offset & ~7, 8);

	if (offset & 7)
		v = LLVMBuildLShr(e->b, v, module_const(e->m, (offset & 7) * 8), "");
	return v;
}

struct value emit_register(struct emit *e, int offset, unsigned size)
{
	return extend(e, read_register(e, offset), size, false);
}

static struct value memory_address(struct emit *e, const struct location *at)
{
	LLVMValueRef v = module_const(e->m, (uint64_t)at->value);

	if (at->base != LOC_NO_REGISTER)
		v = LLVMBuildAdd(e->b, read_register(e, at->base), v, "");
	if (at->index != LOC_NO_REGISTER) {
		LLVMValueRef i = read_register(e, at->index);

		i = LLVMBuildMul(e->b, i, module_const(e->m, at->scale), "");
		v = LLVMBuildAdd(e->b, v, i, "");
	}
	return value_of(v);
}

/* The record is in kernel memory; the verifier lets helpers have its address. */
static struct value read_text(struct emit *e, const struct probe_field *f,
			      struct value dst, struct span span)
{
	uint32_t limit = f->type->limit > TEXT_MARK ? f->type->limit - TEXT_MARK : 1;
	struct value from = emit_ctx(e), where;

	if (f->at.kind == LOC_STRING) {
		from = emit_at(e, from, emit_int(e, f->at.value));
		return emit_copy_str(e, dst, from, (size_t)f->at.size + 1);
	}
	where = value_of(load_context(e, f->at.value, 4));
	where = emit_op(e, OP_AND, where, emit_int(e, 0xffff), false);
	return emit_read_str(e, dst, emit_at(e, from, where),
			     (struct text_length){ .limit = limit }, SPACE_KERNEL,
			     span);
}

/* A copy: the record's address cannot be computed with. */
static struct value read_array(struct emit *e, const struct probe_field *f,
			       struct value dst)
{
	struct value from = emit_at(e, emit_ctx(e), emit_int(e, f->at.value));

	if (f->at.size % 8)
		emit_store(e, dst, f->at.size & ~7, emit_int(e, 0), 8);
	emit_helper(e, HELPER_PROBE_READ_KERNEL, 3, dst, emit_int(e, f->at.size), from);
	return dst;
}

static struct value unreadable(struct emit *e, struct span span)
{
	emit_loss(e, LOSS_MEMORY_READ, span);
	return emit_int(e, 0);
}

/*
 * Not loaded from the context: the verifier knows there what pointers point to, and allows
 * no arithmetic with them. What a helper has written is a number.
 */
static struct value read_argument(struct emit *e, const struct location *at)
{
	struct value word = emit_temp(e, 8), from = emit_ctx(e);

	because(e, WHY_ARGUMENT_COPY);
	from = emit_at(e, from, emit_int(e, at->value * 8));
	emit_helper(e, HELPER_PROBE_READ_KERNEL, 3, word, emit_int(e, 8), from);
	return emit_load(e, word, 0, at->size, at->is_signed);
}

static struct value read_number(struct emit *e, const struct location *at,
				struct span span)
{
	switch (at->kind) {
	case LOC_CONSTANT:
		return emit_int(e, at->value);
	case LOC_CONTEXT:
		return read_context(e, at);
	case LOC_REGISTER:
		return extend(e, read_register(e, at->base), at->size, at->is_signed);
	case LOC_MEMORY:
		return emit_read(e, memory_address(e, at), at->size, at->is_signed,
				 e->program->kind->flags & PROBE_USER ? SPACE_USER
								      : SPACE_KERNEL,
				 span);
	case LOC_ARGUMENT:
		return read_argument(e, at);
	case LOC_UNREADABLE:
		return unreadable(e, span);
	case LOC_STRING:
	case LOC_BYTES:
	case LOC_DATA_LOC:
		break;
	}
	assert(!"text is no number");
	return emit_int(e, 0);
}

static struct value read_layout(struct emit *e, const struct probe_layout *layout,
				unsigned i, struct span span)
{
	return i < layout->n ? read_number(e, &layout->fields[i].at, span)
			     : unreadable(e, span);
}

/* The sites keep the argument in different places: the cookie says which. */
static struct value read_by_site(struct emit *e, const struct probe_layout *layouts,
				 unsigned i, struct span span)
{
	const struct program_info *p = e->program;
	LLVMValueRef result = local_new(e), layout, fork;
	LLVMBasicBlockRef end = block_new(e, "known"), block;

	layout = LLVMBuildLShr(e->b, program_cookie(e), module_const(e->m, 48), "");
	fork = LLVMBuildSwitch(e->b, layout, end, (unsigned)p->nlayouts);
	for (size_t k = 0; k < p->nlayouts; k++) {
		block = block_new(e, "layout");
		LLVMAddCase(fork, module_const(e->m, k), block);
		LLVMPositionBuilderAtEnd(e->b, block);
		local_set(e, result, read_layout(e, &layouts[k], i, span));
		LLVMBuildBr(e->b, end);
	}
	LLVMPositionBuilderAtEnd(e->b, end);
	return local_get(e, result);
}

struct value field_read(struct emit *e, unsigned i, const struct node *n,
			struct span span)
{
	const struct program_info *p = e->program;
	const struct probe_layout *first = &p->layouts[0];

	assert(p->nlayouts);
	if (i < first->n && is_wide(first->fields[i].type)) {
		const struct probe_field *f = &first->fields[i];

		assert(p->nlayouts == 1);
		if (f->at.kind == LOC_BYTES)
			return read_array(e, f, dest_for(e, n, f->type));
		return read_text(e, f, dest_for(e, n, f->type), span);
	}
	return emit_by_site(e, p->layouts, i, span);
}

struct value emit_by_site(struct emit *e, const struct probe_layout *layouts,
			  unsigned i, struct span span)
{
	if (e->program->nlayouts > 1)
		return read_by_site(e, layouts, i, span);
	return read_layout(e, &layouts[0], i, span);
}

struct value emit_field(struct emit *e, unsigned i, struct span at)
{
	return field_read(e, i, NULL, at);
}
