/*
 * Entries of maps of which each thread has one word: MAP_KEPT.
 *
 * To insert into a hash map and to delete again costs the kernel 150 ns, to find an entry
 * 12. So a thread has a seat: an element of an array, found by the low bits of its number
 * without a call. Who sits there is written in it, once and for good. A thread whose seat
 * is taken has its entry in the hash map. Deleted is a seat whose word "set" is 0; its
 * value is 0 then, as that of no entry is.
 *
 * Seat 0 is thread 0's, which all idle CPUs are: it reads as taken by that thread from the
 * start. A thread that finds its seat empty has no entry in the hash map either.
 *
 * A program looks its entry up once.
 */
#include "codegen/internal.h"

#include <assert.h>
#include <linux/bpf.h>
#include <stddef.h>

enum {
	SET = offsetof(struct image_seat, set),
	OWNER = offsetof(struct image_seat, owner),
};

/*
 * Where the program remembers it; NULL: it may not. *first: nothing that was built until
 * now can have remembered it.
 */
static LLVMValueRef remembered(struct emit *e, const struct map_info *info, bool *first)
{
	LLVMValueRef *local = e->kept ? &e->kept[info->index] : NULL;

	*first = !local || !*local;
	if (!local)
		return NULL;
	if (!*local) {
		*local = LLVMBuildAlloca(e->entry, e->m->ptr, "");
		LLVMBuildStore(e->entry, LLVMConstNull(e->m->ptr), *local);
	}
	return *local;
}

static void remember(struct emit *e, LLVMValueRef local, struct value p)
{
	if (local)
		LLVMBuildStore(e->b, p.ref, local);
}

static struct value thread_of(struct emit *e, const struct node *map)
{
	return value_of(as_int(e, emit_eval(e, map->map.keys)));
}

/* Memory for the keys of both maps, one after the other: stack is dear where it is shared. */
static struct value key_memory(struct emit *e)
{
	return emit_temp(e, sizeof(uint64_t));
}

static struct value fill_key(struct emit *e, struct value key, struct value number,
			     size_t size)
{
	if (!because(e, WHY_KEY_MEMORY))
		return number;
	emit_store(e, key, 0, number, size);
	return key;
}

static struct value look_up_hashed(struct emit *e, const struct map_info *info,
				   struct value key, struct value thread)
{
	return emit_helper_ptr(e, HELPER_MAP_LOOKUP_ELEM, 2, map_of(e, info),
			       fill_key(e, key, thread, sizeof(uint64_t)));
}

static struct value look_up_seat(struct emit *e, const struct map_info *info,
				 struct value key, struct value number)
{
	return emit_helper_ptr(e, HELPER_MAP_LOOKUP_ELEM, 2,
			       value_of(e->m->seats[info->index]),
			       fill_key(e, key, number, sizeof(uint32_t)));
}

static struct value owner_at(struct emit *e, struct value entry)
{
	return emit_load(e, entry, OWNER, 8, false);
}

/*
 * Whether the empty seat is the thread's now: it may have been, by a program that
 * interrupted this one.
 */
static struct value take_seat(struct emit *e, struct value seat, struct value thread)
{
	LLVMValueRef pair = LLVMBuildAtomicCmpXchg(
		e->b, emit_at(e, seat, emit_int(e, OWNER)).ref, emit_int(e, 0).ref,
		thread.ref, LLVMAtomicOrderingSequentiallyConsistent,
		LLVMAtomicOrderingSequentiallyConsistent, 0);
	struct value was = value_of(LLVMBuildExtractValue(e->b, pair, 0, ""));

	return emit_op(e, OP_LOR, emit_op(e, OP_EQ, was, emit_int(e, 0), false),
		       emit_op(e, OP_EQ, was, thread, false), false);
}

/* Of a thread that has no seat: an empty one if it may take that, else what is hashed. */
static struct value look_further(struct emit *e, const struct map_info *info,
				 struct value key, struct value thread,
				 struct value number, struct value seat, bool take)
{
	LLVMValueRef result = LLVMBuildAlloca(e->entry, e->m->ptr, "");
	LLVMValueRef search = local_new(e);
	struct branch empty, hashed;

	LLVMBuildStore(e->b, LLVMConstNull(e->m->ptr), result);
	local_set(e, search, emit_int(e, 1));
	empty = emit_if(
		e, emit_op(e, OP_LAND,
			   emit_op(e, OP_EQ, owner_at(e, seat), emit_int(e, 0), false),
			   number, false));
	if (take) {
		LLVMBuildStore(e->b, seat.ref, result);
		local_set(e, search,
			  emit_op(e, OP_EQ, take_seat(e, seat, thread), emit_int(e, 0),
				  false));
	} else {
		local_set(e, search, emit_int(e, 0));
	}
	emit_end(e, &empty);
	hashed = emit_if(e, local_get(e, search));
	LLVMBuildStore(e->b, look_up_hashed(e, info, key, thread).ref, result);
	emit_end(e, &hashed);
	return value_of(LLVMBuildLoad2(e->b, e->m->ptr, result, ""));
}

/* The thread's entry, or 0; take: or a seat that was empty. key: memory for it. */
static struct value look_up(struct emit *e, const struct node *map, struct value key,
			    bool take)
{
	const struct map_info *info = map->map.info;
	LLVMValueRef result = LLVMBuildAlloca(e->entry, e->m->ptr, "");
	struct value thread = thread_of(e, map), seat;
	struct value number =
		emit_op(e, OP_AND, thread, emit_int(e, IMAGE_SEATS_MAX - 1), false);
	struct branch there, own;

	seat = look_up_seat(e, info, key, number);
	LLVMBuildStore(e->b, seat.ref, result);
	there = emit_if(e, seat);
	own = emit_if(e, emit_op(e, OP_NE, owner_at(e, seat), thread, false));
	LLVMBuildStore(e->b, look_further(e, info, key, thread, number, seat, take).ref,
		       result);
	emit_end(e, &own);
	emit_end(e, &there);
	return value_of(LLVMBuildLoad2(e->b, e->m->ptr, result, ""));
}

static struct value find_entry(struct emit *e, const struct node *map, struct value key,
			       bool take)
{
	struct branch known;
	struct value p;
	bool first;
	LLVMValueRef local = remembered(e, map->map.info, &first);

	because(e, WHY_KEPT);
	if (first) {
		p = look_up(e, map, key, take);
		remember(e, local, p);
		return p;
	}
	known = emit_if(e, value_of(LLVMBuildLoad2(e->b, e->m->ptr, local, "")));
	emit_else(e, &known);
	remember(e, local, look_up(e, map, key, take));
	emit_end(e, &known);
	return value_of(LLVMBuildLoad2(e->b, e->m->ptr, local, ""));
}

struct value kept_lookup(struct emit *e, const struct node *map)
{
	return find_entry(e, map, key_memory(e), false);
}

static void set_word(struct emit *e, struct value p, int64_t offset, struct value v)
{
	struct value at = emit_at(e, p, emit_int(e, offset));

	LLVMSetVolatile(LLVMBuildStore(e->b, as_int(e, v), at.ref), 1);
}

void kept_set(struct emit *e, struct value p)
{
	set_word(e, p, SET,
		 emit_op(e, OP_OR, emit_load(e, p, SET, 8, false),
			 emit_int(e, IMAGE_SET), false));
}

/* A new entry of the hash map; what the helper says. */
static struct value insert(struct emit *e, const struct node *map, struct value key,
			   struct value v)
{
	const struct map_info *info = map->map.info;
	struct value entry = emit_temp(e, info->value_size);

	key = fill_key(e, key, thread_of(e, map), sizeof(uint64_t));
	emit_store(e, entry, 0, v, 8);
	emit_store(e, entry, SET, emit_int(e, IMAGE_SET | IMAGE_HASHED), 8);
	return emit_helper(e, HELPER_MAP_UPDATE_ELEM, 4, map_of(e, info), key, entry,
			   emit_int(e, BPF_ANY));
}

struct value kept_entry(struct emit *e, const struct node *map)
{
	LLVMValueRef result = LLVMBuildAlloca(e->entry, e->m->ptr, "");
	struct value key = key_memory(e), p = find_entry(e, map, key, true);
	struct branch there;
	bool first;

	LLVMBuildStore(e->b, p.ref, result);
	there = emit_if(e, p);
	emit_else(e, &there);
	insert(e, map, key, emit_int(e, 0));
	p = look_up_hashed(e, map->map.info, key, thread_of(e, map));
	remember(e, remembered(e, map->map.info, &first), p);
	LLVMBuildStore(e->b, p.ref, result);
	emit_end(e, &there);
	return value_of(LLVMBuildLoad2(e->b, e->m->ptr, result, ""));
}

/*
 * First the value: another program that interrupts this one reads the same thread's entry.
 * What it must not see is one that is set and has no value yet.
 */
void kept_assign(struct emit *e, const struct node *map, const struct node *value)
{
	const struct map_info *info = map->map.info;
	struct value v = emit_fit(e, emit_eval(e, value), info->value);
	struct value key = key_memory(e), p = find_entry(e, map, key, true);
	struct branch there = emit_if(e, p);

	set_word(e, p, 0, v);
	kept_set(e, p);
	emit_else(e, &there);
	loss_if(e, insert(e, map, key, v), LOSS_MAP_FULL, map->span);
	emit_end(e, &there);
}

struct value kept_delete(struct emit *e, const struct node *map)
{
	const struct map_info *info = map->map.info;
	LLVMValueRef result = local_new(e);
	struct value key = key_memory(e), p = find_entry(e, map, key, false);
	struct branch there, hashed;
	struct value set;
	bool first;

	local_set(e, result, emit_int(e, 0));
	there = emit_if(e, p);
	set = emit_load(e, p, SET, 8, false);
	local_set(e, result, emit_op(e, OP_AND, set, emit_int(e, IMAGE_SET), false));
	hashed = emit_if(e, emit_op(e, OP_AND, set, emit_int(e, IMAGE_HASHED), false));
	emit_helper(e, HELPER_MAP_DELETE_ELEM, 2, map_of(e, info),
		    fill_key(e, key, thread_of(e, map), sizeof(uint64_t)));
	remember(e, remembered(e, info, &first), value_of(LLVMConstNull(e->m->ptr)));
	emit_else(e, &hashed);
	set_word(e, p, SET, emit_int(e, 0));
	set_word(e, p, 0, emit_int(e, 0));
	emit_end(e, &hashed);
	emit_end(e, &there);
	return local_get(e, result);
}
