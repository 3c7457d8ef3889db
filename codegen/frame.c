/*
 * Memory of the program: registers, the frame on the stack, scratch memory.
 *
 * The kernel gives a program 512 bytes of stack, for our slots and for what the back
 * end spills. So slots are small, are shared by statements that follow each other, and
 * whatever does not fit lies in scratch memory, which program.c looks up at the start.
 *
 * Sleepable programs have no slots at all, and those of other preemptible programs are
 * few. From 6.13 on the kernel gives a program whose stack reaches 64 bytes (rounded up by
 * 16) a stack of its own, one for each CPU. While a sleepable program waits for a page, or
 * any other is preempted, another thread may run it on the same CPU, and each finds the
 * other's values in its stack: keys and the context's address were seen to change places.
 * So sleepable programs must stay below STACK_SHARED_MIN. The others lose their slots if
 * they do not, and hold their CPU while they run, as far as the kernel lets them: see
 * object.c and program.c.
 */
#include "codegen/internal.h"

#include <assert.h>

enum {
	FRAME_MAX = 256,        /* bytes of all slots at once */
	FRAME_MAX_THRIFTY = 96, /* the same after a stack overflow */
	FRAME_MAX_SHARED = 24,  /* the same of a preemptible program */
	LOOP_DEPTH_MAX = 2,     /* loops in loops share the 512 bytes: deeper ones keep
				 * nothing there */
	LARGE_MIN = 4096,       /* bytes of a struct that fills the memory sooner than
				 * text does */
};

static size_t round8(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

static size_t frame_max(const struct emit *e)
{
	if (without_slots(e) || e->depth > LOOP_DEPTH_MAX)
		return 0;
	if (e->program->kind->flags & PROBE_PREEMPTIBLE)
		return FRAME_MAX_SHARED;
	return e->m->thrifty || e->program->has_loops ? FRAME_MAX_THRIFTY : FRAME_MAX;
}

bool without_slots(const struct emit *e)
{
	bool preemptible = e->program->kind->flags & PROBE_PREEMPTIBLE;

	return e->program->sleepable || e->m->bare[e->index] ||
	       (preemptible && e->program->has_loops);
}

bool fits_frame(const struct emit *e, size_t size)
{
	size_t max = frame_max(e);

	return size <= FRAME_SLOT_MAX && e->frame_used + size <= max;
}

static struct value temp_in_frame(struct emit *e, size_t size)
{
	LLVMValueRef index = module_const(e->m, e->frame_used / 8);

	if (!e->frame)
		e->frame = LLVMBuildAlloca(e->entry, e->m->i64, "frame");
	e->frame_used += size;
	if (e->frame_peak < e->frame_used)
		e->frame_peak = e->frame_used;
	return value_of(LLVMBuildGEP2(e->b, e->m->i64, e->frame, &index, 1, "slot"));
}

/* How much scratch memory the kernel gives to this program. */
static size_t scratch_max(const struct emit *e)
{
	return e->program->kind->flags & PROBE_PREEMPTIBLE ? SCRATCH_TASK_MAX
							   : SCRATCH_CPU_MAX;
}

static bool is_large(const struct type *t)
{
	return t && (t->kind == TYPE_STRUCT || t->kind == TYPE_ARRAY) &&
	       type_size(t) > LARGE_MIN;
}

/* Are there structs that alone explain it? */
static bool has_large_structs(const struct emit *e)
{
	const struct plan *plan = e->m->cc->plan;

	for (size_t i = 0; i < e->program->vars.n; i++)
		if (is_large(e->program->vars.items[i]->type))
			return true;
	for (size_t i = 0; i < plan->actions.n; i++)
		for (size_t j = 0; j < plan->actions.items[i]->nargs; j++)
			if (is_large(plan->actions.items[i]->args[j]))
				return true;
	return false;
}

static void too_large(struct emit *e, size_t size, size_t max)
{
	if (e->m->too_large)
		return;
	e->m->too_large = true;
	diag(e->m->cc, DIAG_string_limit, e->span,
	     "this needs %zu bytes of memory while the probe runs, the kernel gives %zu",
	     size, max);
	if (has_large_structs(e))
		diag_hint(e->m->cc,
			  "take what is needed of the struct: pointer->member");
	else
		diag_hint(e->m->cc, "shorten the strings: str(x, 256), or "
				    "config = { max_strlen = 256; }");
}

size_t scratch_take(struct emit *e, size_t size)
{
	size_t offset = e->scratch_used, max = scratch_max(e);

	size = round8(size);
	if (offset + size > max)
		too_large(e, offset + size, max);
	e->scratch_used += size;
	if (e->scratch_peak < e->scratch_used)
		e->scratch_peak = e->scratch_used;
	return offset;
}

/* Where the stack would have to go on: for those who want to see what the kernel says. */
static struct value beyond_frame(struct emit *e, size_t size)
{
	struct value frame = opaque(e, temp_in_frame(e, 8));

	return emit_at(e, frame, emit_int(e, -(int64_t)(STACK_BYTES + round8(size))));
}

struct value temp_in_scratch(struct emit *e, size_t size)
{
	struct value base;

	if (!because(e, WHY_SCRATCH))
		return beyond_frame(e, size);
	base = value_of(program_scratch(e));
	return emit_at(e, base, emit_int(e, (int64_t)scratch_take(e, size)));
}

struct value emit_temp(struct emit *e, size_t size)
{
	size = round8(size);
	return fits_frame(e, size) ? temp_in_frame(e, size) : temp_in_scratch(e, size);
}

/* Zeroed if it is on the stack: the verifier wants every byte that is read written. */
struct value temp_text(struct emit *e, size_t size)
{
	struct value slot;

	size = round8(size);
	if (size > FRAME_TEXT_MAX || !fits_frame(e, size))
		return temp_in_scratch(e, size);
	slot = temp_in_frame(e, size);
	if (because(e, WHY_PADDING))
		emit_zero(e, slot, size);
	return slot;
}

/* Slots were handed out from a stand-in: now the size is known. */
void frame_finish(struct emit *e)
{
	LLVMTypeRef type;
	LLVMValueRef frame;

	if (!e->frame)
		return;
	type = LLVMArrayType(e->m->i64, (unsigned)(e->frame_peak / 8));
	frame = LLVMBuildAlloca(e->entry, type, "frame");
	LLVMSetAlignment(frame, 8);
	LLVMReplaceAllUsesWith(e->frame, frame);
	LLVMInstructionEraseFromParent(e->frame);
	e->frame = frame;
}

LLVMValueRef local_new(struct emit *e)
{
	LLVMValueRef local = LLVMBuildAlloca(e->entry, e->m->i64, "");

	LLVMBuildStore(e->entry, module_const(e->m, 0), local);
	return local;
}

void local_set(struct emit *e, LLVMValueRef local, struct value v)
{
	LLVMBuildStore(e->b, as_int(e, v), local);
}

struct value local_get(struct emit *e, LLVMValueRef local)
{
	return value_of(LLVMBuildLoad2(e->b, e->m->i64, local, ""));
}

static LLVMTypeRef word_type(const struct emit *e, unsigned size)
{
	switch (size) {
	case 1:
		return e->m->i8;
	case 2:
		return e->m->i16;
	case 4:
		return e->m->i32;
	}
	assert(size == 8);
	return e->m->i64;
}

struct value emit_at(struct emit *e, struct value base, struct value offset)
{
	LLVMValueRef by = as_int(e, offset);

	if (LLVMTypeOf(base.ref) != e->m->ptr)
		return value_of(LLVMBuildAdd(e->b, base.ref, by, ""));
	if (LLVMIsAConstantInt(by) && LLVMConstIntGetZExtValue(by) == 0)
		return value_of(base.ref);
	return value_of(LLVMBuildGEP2(e->b, e->m->i8, base.ref, &by, 1, ""));
}

struct value emit_load(struct emit *e, struct value base, int64_t offset, unsigned size,
		       bool is_signed)
{
	struct value at = emit_at(e, base, emit_int(e, offset));
	LLVMValueRef v = LLVMBuildLoad2(e->b, word_type(e, size), as_ptr(e, at), "");

	LLVMSetAlignment(v, size);
	if (size == 8)
		return value_of(v);
	return value_of(is_signed ? LLVMBuildSExt(e->b, v, e->m->i64, "")
				  : LLVMBuildZExt(e->b, v, e->m->i64, ""));
}

void emit_store(struct emit *e, struct value base, int64_t offset, struct value v,
		unsigned size)
{
	struct value at = emit_at(e, base, emit_int(e, offset));
	LLVMValueRef n = as_int(e, v);
	LLVMValueRef store;

	if (size < 8)
		n = LLVMBuildTrunc(e->b, n, word_type(e, size), "");
	store = LLVMBuildStore(e->b, n, as_ptr(e, at));
	LLVMSetAlignment(store, size);
}

/* The largest word that fits what is left. */
static unsigned word_for(size_t left)
{
	return left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

void emit_zero(struct emit *e, struct value base, size_t size)
{
	if (size > INLINE_BYTES_MAX) {
		struct value zeros = value_of(module_zeros(e->m, size));

		emit_helper(e, HELPER_PROBE_READ_KERNEL, 3, base,
			    emit_int(e, (int64_t)size), zeros);
		return;
	}
	for (size_t i = 0; i < size;) {
		unsigned word = word_for(size - i);

		emit_store(e, base, (int64_t)i, emit_int(e, 0), word);
		i += word;
	}
}

/* Both are memory that the program may touch; 8-byte aligned. */
void emit_copy(struct emit *e, struct value dst, struct value src, size_t size)
{
	if (size > INLINE_BYTES_MAX) {
		emit_helper(e, HELPER_PROBE_READ_KERNEL, 3, dst,
			    emit_int(e, (int64_t)size), src);
		return;
	}
	for (size_t i = 0; i < size;) {
		unsigned word = word_for(size - i);

		emit_store(e, dst, (int64_t)i,
			   emit_load(e, src, (int64_t)i, word, false), word);
		i += word;
	}
}

/*
 * The helper stops at the NUL, and pads nothing: what follows at dst stays. It returns
 * the length with the NUL.
 */
struct value emit_copy_str(struct emit *e, struct value dst, struct value src,
			   size_t size)
{
	struct value n = emit_helper(e, HELPER_PROBE_READ_KERNEL_STR, 3, dst,
				     emit_int(e, (int64_t)size), src);

	n = emit_op(e, OP_SUB, n, emit_int(e, 1), false);
	return (struct value){ .ref = dst.ref, .len = n.ref };
}
