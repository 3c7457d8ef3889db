/*
 * Stacks: what called the place that the probe is at.
 *
 * The kernel writes the frames into scratch memory. A stack is stored once, in a hash map
 * under a hash of its frames, and the program goes on with that number: as a value, a key
 * or an argument it is a word. User space reads the frames when it shows the number. The
 * kernel's own stack-trace maps do the same, but they drop stacks whose hashes collide,
 * and sleepable programs may not use them.
 *
 * 64 bits of hash: of a million stacks, two fall together once in 37 million traces.
 */
#include "codegen/internal.h"

#include <errno.h>
#include <linux/bpf.h>

/* An entry of the map: see struct stored_stack. */
enum { STORED_BYTES = 0, STORED_FRAMES = 8 };

static struct value stacks_map(struct emit *e)
{
	return value_of(e->m->stacks);
}

static struct value stored_at(struct emit *e, struct value id)
{
	struct value key = emit_temp(e, 8);

	emit_store(e, key, 0, id, 8);
	return emit_helper_ptr(e, HELPER_MAP_LOOKUP_ELEM, 2, stacks_map(e), key);
}

/* The id, or 0 if there is no room for it. */
static struct value store_stack(struct emit *e, struct value id, struct value stack,
				struct span at)
{
	LLVMValueRef result = local_new(e);
	struct value key = emit_temp(e, 8), there, err;
	struct branch absent, failed;

	local_set(e, result, id);
	emit_store(e, key, 0, id, 8);
	there = emit_helper_ptr(e, HELPER_MAP_LOOKUP_ELEM, 2, stacks_map(e), key);
	absent = emit_if(e, emit_op(e, OP_EQ, there, emit_int(e, 0), false));
	err = emit_helper(e, HELPER_MAP_UPDATE_ELEM, 4, stacks_map(e), key, stack,
			  emit_int(e, BPF_NOEXIST));
	/* Another CPU may have been faster. */
	err = emit_op(e, OP_LAND, emit_op(e, OP_NE, err, emit_int(e, 0), false),
		      emit_op(e, OP_NE, err, emit_int(e, -EEXIST), false), false);
	failed = emit_if(e, err);
	emit_loss(e, LOSS_STACK, at);
	local_set(e, result, emit_int(e, 0));
	emit_end(e, &failed);
	emit_end(e, &absent);
	return local_get(e, result);
}

struct value emit_stack(struct emit *e, const struct stack_request *r, struct span at)
{
	size_t size = e->m->cc->plan->stack_bytes;
	struct value stack = temp_in_scratch(e, size), frames, bytes, none, id;
	uint64_t flags = (r->user ? BPF_F_USER_STACK : 0) |
			 (r->build_ids ? BPF_F_USER_BUILD_ID : 0);

	because(e, WHY_STACK_HASH);
	frames = emit_at(e, stack, emit_int(e, STORED_FRAMES));
	bytes = emit_helper(e, HELPER_GET_STACK, 4, emit_ctx(e), frames,
			    emit_int(e, (int64_t)stack_frames_bytes(r)),
			    emit_int(e, (int64_t)flags));
	/* An error means that there is none: a thread of the kernel has no user stack. */
	none = emit_op(e, OP_LT, bytes, emit_int(e, 0), true);
	bytes = emit_select(e, none, emit_int(e, 0), bytes);
	emit_store(e, stack, STORED_BYTES, bytes, 8);
	/* Or two places of one program would never have the same stack. */
	if (!r->user && e->program->kind->flags & PROBE_ON_STACK)
		emit_store(e, frames, 0, emit_int(e, 0), 8);
	id = emit_hash(e, stack, size, bytes);
	return store_stack(e, id, stack, at);
}

struct value emit_stack_length(struct emit *e, struct value id, bool build_ids)
{
	LLVMValueRef result = local_new(e);
	struct value stack = stored_at(e, id), bytes;
	struct branch there = emit_if(e, stack);

	bytes = emit_load(e, stack, STORED_BYTES, 8, false);
	local_set(e, result,
		  emit_op(e, OP_SHR, bytes, emit_int(e, build_ids ? 5 : 3), false));
	emit_end(e, &there);
	return local_get(e, result);
}
