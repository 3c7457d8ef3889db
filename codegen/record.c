/*
 * Records: what an action sends to user space, as codegen/image.h lays it out.
 *
 * Strings are packed one after the other, so that a record is as long as its text is and
 * not as long as it might be. Where one begins is known only when the program runs;
 * every length is checked before it is added, for the verifier to see where it ends.
 */
#include "codegen/internal.h"

#include <assert.h>
#include <stddef.h>

#include "core/arena.h"

enum { SHORT_BYTES = 24 };
enum { RINGBUF_NO_WAKEUP = 1, RINGBUF_FORCE_WAKEUP = 2, RINGBUF_AVAILABLE = 0 };

/* Where the record is built. */
struct building {
	struct value at;
	struct value end; /* bytes so far */
	size_t end_max;
	size_t words; /* where those of the arguments begin */
	bool in_frame;
};

static size_t word_offset(const struct building *r, size_t i)
{
	return r->words + i * 8;
}

static size_t words_offset(const struct action_info *action)
{
	return offsetof(struct record, words) + record_times(action) * 8;
}

static struct building open_record(struct emit *e, const struct action_info *action)
{
	struct building r = { .words = words_offset(action) };
	size_t fixed = word_offset(&r, action->nargs), texts = 0, text_bytes = 0;

	for (size_t i = 0; i < action->nargs; i++) {
		const struct type *type = action->args[i];

		if (is_text(type)) {
			text_bytes += type_size(type);
			texts++;
		} else if (is_wide(type)) {
			fixed += type_size(type);
		}
	}
	r.end = emit_int(e, (int64_t)fixed);
	r.end_max = fixed;
	/* On the stack a string can be built only at a constant place. */
	r.in_frame = texts <= 1 && text_bytes <= FRAME_TEXT_MAX &&
		     fits_frame(e, fixed + text_bytes);
	if (!r.in_frame) {
		r.at = temp_in_scratch(e, fixed + text_bytes);
		return r;
	}
	r.at = emit_temp(e, fixed + text_bytes);
	emit_zero(e, emit_at(e, r.at, r.end), text_bytes);
	return r;
}

/*
 * Bytes before the NUL in a word, 8 if there is none. The lowest bit that is left of
 * (w - low bits) & ~w & high bits is in the first byte that is 0; less by one, it is all
 * bits of those before, one of each of which is counted by the product's highest byte.
 */
static struct value bytes_before_nul(struct emit *e, struct value w)
{
	struct value low = emit_int(e, INT64_C(0x0101010101010101));
	struct value one = emit_int(e, 1), none = { 0 }, ends, first;

	ends = emit_op(e, OP_AND, emit_op(e, OP_SUB, w, low, false),
		       emit_op(e, OP_INV, w, none, false), false);
	ends = emit_op(e, OP_SHR, ends, emit_int(e, 7), false);
	ends = emit_op(e, OP_AND, ends, low, false);
	first = emit_op(e, OP_AND, ends, emit_op(e, OP_NEG, ends, none, false), false);
	first = emit_op(e, OP_AND, emit_op(e, OP_SUB, first, one, false), low, false);
	return emit_op(e, OP_SHR, emit_op(e, OP_MUL, first, low, false),
		       emit_int(e, 56), false);
}

/* Of text in a few words, without a helper and without a branch. */
static struct value short_length(struct emit *e, struct value text, size_t size)
{
	struct value len = emit_int(e, 0), whole = emit_int(e, -1), n, none = { 0 };

	for (size_t i = 0; i < size; i += 8) {
		n = bytes_before_nul(e, emit_load(e, text, (int64_t)i, 8, false));
		len = emit_op(e, OP_ADD, len, emit_op(e, OP_AND, n, whole, false),
			      false);
		/* All bits as long as no word has a NUL. */
		n = emit_op(e, OP_SHR, n, emit_int(e, 3), false);
		whole = emit_op(e, OP_AND, whole, emit_op(e, OP_NEG, n, none, false),
				false);
	}
	return len;
}

/*
 * The length goes through memory, where the verifier forgets on which of the ways here it
 * was computed: one way goes on instead of three for each string.
 */
static struct value length_of(struct emit *e, struct building *r, const struct node *n,
			      struct value text, size_t i)
{
	struct value len = value_of(text.len), size;
	struct value word = emit_at(e, r->at, emit_int(e, (int64_t)word_offset(r, i)));
	LLVMValueRef load;

	if (!len.ref && type_size(n->type) <= SHORT_BYTES) {
		len = short_length(e, text, type_size(n->type));
	} else if (!len.ref) {
		/* Onto itself: the helper returns the length. */
		size = emit_int(e, (int64_t)n->type->limit + 1);
		len = emit_helper(e, HELPER_PROBE_READ_KERNEL_STR, 3, text, size, text);
		len = emit_op(e, OP_SUB, len, emit_int(e, 1), false);
	}
	emit_store(e, word, 0, len, 8);
	if (LLVMIsAConstantInt(len.ref))
		return len;
	load = LLVMBuildLoad2(e->b, e->m->i64, word.ref, "");
	LLVMSetVolatile(load, 1);
	return bounded(e, value_of(load), n->type->limit);
}

static void add_text(struct emit *e, struct building *r, const struct node *n, size_t i)
{
	struct value text = emit_at(e, r->at, r->end), len;

	text = eval_text_at(e, n, text, type_size(n->type));
	len = length_of(e, r, n, text, i);
	r->end = emit_op(e, OP_ADD, r->end, len, false);
	r->end_max += n->type->limit;
}

/*
 * A value of fixed size at offset, copied from where it is; returns the offset behind it.
 */
static size_t add_wide(struct emit *e, struct building *r, const struct node *n,
		       const struct type *type, size_t i, size_t offset)
{
	size_t size = type_size(type);

	eval_into(e, n, emit_at(e, r->at, emit_int(e, (int64_t)offset)), type, false);
	emit_store(e, r->at, (int64_t)word_offset(r, i), emit_int(e, (int64_t)size), 8);
	return offset + size;
}

static void add_header(struct emit *e, const struct building *r,
		       const struct action_info *action)
{
	/* Both halves of the word, which nothing may leave unwritten. */
	emit_store(e, r->at, offsetof(struct record, action),
		   emit_int(e, action->index), 4);
	emit_store(e, r->at, offsetof(struct record, unused), emit_int(e, 0), 4);
	if (record_times(action))
		emit_store(e, r->at, offsetof(struct record, words),
			   emit_helper(e, HELPER_KTIME_GET_BOOT_NS, 0), 8);
}

/*
 * Waking costs microseconds; the reader looks by itself every few milliseconds. So it is
 * woken as what waits becomes one, two or three quarters of the buffer, and not for each
 * record beyond: a reader that is awake, but has no CPU, does not get one by that.
 */
static struct value wake_flags(struct emit *e, struct value ring, struct value size,
			       bool wake)
{
	const int64_t header = 8; /* of each record, whose size is rounded up to 8 */
	struct value waiting, after, limit;

	if (wake)
		return emit_int(e, RINGBUF_FORCE_WAKEUP);
	because(e, WHY_WAKE);
	waiting = emit_helper(e, HELPER_RINGBUF_QUERY, 2, ring,
			      emit_int(e, RINGBUF_AVAILABLE));
	after = emit_op(e, OP_ADD, size, emit_int(e, header + 7), false);
	after = emit_op(e, OP_AND, after, emit_int(e, -8), false);
	after = emit_op(e, OP_ADD, waiting, after, false);
	/* A power of two: both differ in a bit of it, or above. */
	limit = emit_setting(e, SETTING_WAKE);
	return emit_select(e,
			   emit_op(e, OP_GE, emit_op(e, OP_XOR, waiting, after, false),
				   limit, false),
			   emit_int(e, RINGBUF_FORCE_WAKEUP),
			   emit_int(e, RINGBUF_NO_WAKEUP));
}

static struct value emit_copied_record(struct emit *e, const struct node *call,
				       bool wake)
{
	const struct action_info *action = call->call.data;
	struct building r = open_record(e, action);
	struct value ring = value_of(e->m->ring), flags, result;
	size_t offset = word_offset(&r, action->nargs);

	for (size_t i = 0; i < action->nargs; i++) {
		const struct node *arg = action_arg(call, i);
		const struct type *type = action->args[i];

		if (is_text(type))
			add_text(e, &r, arg, i);
		else if (is_wide(type))
			offset = add_wide(e, &r, arg, type, i, offset);
		else
			emit_store(e, r.at, (int64_t)word_offset(&r, i),
				   emit_eval(e, arg), 8);
	}
	add_header(e, &r, action);
	flags = wake_flags(e, ring, r.end, wake);
	if (!LLVMIsAConstantInt(r.end.ref))
		r.end = bounded(e, r.end, r.end_max);
	because(e, WHY_RECORD);
	result = emit_helper(e, HELPER_RINGBUF_OUTPUT, 4, ring, r.at, r.end, flags);
	loss_if(e, result, LOSS_RING_FULL, call->span);
	return result;
}

/* Numbers alone, as many as programs have room for while they compute them. */
static bool is_plain(const struct emit *e, const struct action_info *action)
{
	for (size_t i = 0; i < action->nargs; i++)
		if (is_text(action->args[i]) || is_wide(action->args[i]))
			return false;
	return fits_frame(e, action->nargs * 8);
}

/*
 * Of a record whose size is known: written where it stays. To build it elsewhere and have
 * the kernel copy it takes 10 ns more.
 */
static struct value emit_plain_record(struct emit *e, const struct node *call,
				      bool wake)
{
	const struct action_info *action = call->call.data;
	struct value *words = ARENA_ARRAY(e->m->cc->arena, struct value, action->nargs);
	struct value ring = value_of(e->m->ring), flags, size;
	LLVMValueRef failed = local_new(e);
	struct building r = { .words = words_offset(action) };
	struct branch there;

	for (size_t i = 0; i < action->nargs; i++)
		words[i] = emit_eval(e, action_arg(call, i));
	size = emit_int(e, (int64_t)word_offset(&r, action->nargs));
	flags = wake_flags(e, ring, size, wake);
	because(e, WHY_RECORD);
	r.at = emit_helper_ptr(e, HELPER_RINGBUF_RESERVE, 3, ring, size,
			       emit_int(e, 0));
	local_set(e, failed, emit_int(e, 0));
	there = emit_if(e, r.at);
	add_header(e, &r, action);
	for (size_t i = 0; i < action->nargs; i++)
		emit_store(e, r.at, (int64_t)word_offset(&r, i), words[i], 8);
	emit_helper(e, HELPER_RINGBUF_SUBMIT, 2, r.at, flags);
	emit_else(e, &there);
	emit_loss(e, LOSS_RING_FULL, call->span);
	local_set(e, failed, emit_int(e, 1));
	emit_end(e, &there);
	return local_get(e, failed);
}

struct value emit_record(struct emit *e, const struct node *call, bool wake)
{
	return is_plain(e, call->call.data) ? emit_plain_record(e, call, wake)
					    : emit_copied_record(e, call, wake);
}
