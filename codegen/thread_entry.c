/*
 * Entries that stay when they are deleted: MAP_KEPT, of which each thread has one word.
 *
 * To delete an entry and insert it again costs the kernel 150 ns, to find it 12. So a deleted
 * one is marked, by the word behind its value, and used again by its thread. Those of threads
 * that ended stay too, up to KEPT_MAX, for which the map has room of its own; from there on
 * entries are freed as they are deleted. A deleted entry's value is 0, as is that of none.
 *
 * A program looks its entry up once.
 */
#include "codegen/internal.h"

#include <assert.h>
#include <linux/bpf.h>

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

static struct value key_memory(struct emit *e, const struct node *map)
{
	return emit_temp(e, map->map.info->key_size);
}

static struct value look_up(struct emit *e, const struct node *map, struct value key)
{
	return emit_helper_ptr(e, HELPER_MAP_LOOKUP_ELEM, 2, map_of(e, map->map.info),
			       key);
}

static struct value fill_key(struct emit *e, const struct node *map, struct value key)
{
	if (!because(e, WHY_KEY_MEMORY))
		return emit_eval(e, map->map.keys);
	eval_into(e, map->map.keys, key, map->map.info->keys[0], true);
	return key;
}

/* The entry; if there is none, its key is in the memory for it. */
static struct value find_entry(struct emit *e, const struct node *map, struct value key)
{
	struct branch known;
	struct value p;
	bool first;
	LLVMValueRef local = remembered(e, map->map.info, &first);

	because(e, WHY_KEPT);
	if (first) {
		p = look_up(e, map, fill_key(e, map, key));
		remember(e, local, p);
		return p;
	}
	known = emit_if(e, value_of(LLVMBuildLoad2(e->b, e->m->ptr, local, "")));
	emit_else(e, &known);
	remember(e, local, look_up(e, map, fill_key(e, map, key)));
	emit_end(e, &known);
	return value_of(LLVMBuildLoad2(e->b, e->m->ptr, local, ""));
}

struct value kept_lookup(struct emit *e, const struct node *map)
{
	return find_entry(e, map, key_memory(e, map));
}

static void count_entry(struct emit *e, const struct map_info *info, int64_t by)
{
	LLVMBuildAtomicRMW(e->b, LLVMAtomicRMWBinOpAdd, module_kept(e->m, info),
			   emit_int(e, by).ref, LLVMAtomicOrderingMonotonic, 0);
}

/*
 * In this order: another program that interrupts this one reads the same thread's entry.
 * What it must not see is one that is set and has no value yet.
 */
static void set_word(struct emit *e, struct value p, int64_t offset, struct value v)
{
	struct value at = emit_at(e, p, emit_int(e, offset));

	LLVMSetVolatile(LLVMBuildStore(e->b, as_int(e, v), at.ref), 1);
}

/* A new entry; what the helper says. */
static struct value insert(struct emit *e, const struct node *map, struct value key,
			   struct value v, bool set)
{
	const struct map_info *info = map->map.info;
	struct value entry = emit_temp(e, info->value_size), failed;
	struct branch done;

	emit_store(e, entry, 0, v, 8);
	emit_store(e, entry, map_set_offset(info), emit_int(e, set), 8);
	failed = emit_helper(e, HELPER_MAP_UPDATE_ELEM, 4, map_of(e, info), key, entry,
			     emit_int(e, BPF_ANY));
	done = emit_if(e, emit_op(e, OP_EQ, failed, emit_int(e, 0), false));
	count_entry(e, info, 1);
	emit_end(e, &done);
	return failed;
}

struct value kept_entry(struct emit *e, const struct node *map)
{
	LLVMValueRef result = LLVMBuildAlloca(e->entry, e->m->ptr, "");
	struct value key = key_memory(e, map), p = find_entry(e, map, key);
	struct branch there;
	bool first;

	LLVMBuildStore(e->b, p.ref, result);
	there = emit_if(e, p);
	emit_else(e, &there);
	insert(e, map, key, emit_int(e, 0), false);
	p = look_up(e, map, key);
	remember(e, remembered(e, map->map.info, &first), p);
	LLVMBuildStore(e->b, p.ref, result);
	emit_end(e, &there);
	return value_of(LLVMBuildLoad2(e->b, e->m->ptr, result, ""));
}

void kept_assign(struct emit *e, const struct node *map, const struct node *value)
{
	const struct map_info *info = map->map.info;
	struct value v = emit_fit(e, emit_eval(e, value), info->value);
	struct value key = key_memory(e, map), p = find_entry(e, map, key);
	struct branch there = emit_if(e, p);

	set_word(e, p, 0, v);
	set_word(e, p, map_set_offset(info), emit_int(e, 1));
	emit_else(e, &there);
	loss_if(e, insert(e, map, key, v, true), LOSS_MAP_FULL, map->span);
	emit_end(e, &there);
}

/* There are more of them than are to stay. */
static struct value are_many(struct emit *e, const struct map_info *info)
{
	LLVMValueRef n = LLVMBuildLoad2(e->b, e->m->i64, module_kept(e->m, info), "");

	LLVMSetVolatile(n, 1);
	return emit_op(e, OP_GT, value_of(n), emit_int(e, kept_most(info)), true);
}

/*
 * Never that of thread 0, which all idle CPUs are: another one may be about to write to
 * it.
 */
static void free_entry(struct emit *e, const struct node *map, struct value key)
{
	const struct map_info *info = map->map.info;
	struct branch one, done;
	struct value failed;
	bool first;

	fill_key(e, map, key);
	one = emit_if(e, emit_load(e, key, 0, 8, false));
	failed = emit_helper(e, HELPER_MAP_DELETE_ELEM, 2, map_of(e, info), key);
	done = emit_if(e, emit_op(e, OP_EQ, failed, emit_int(e, 0), false));
	count_entry(e, info, -1);
	emit_end(e, &done);
	remember(e, remembered(e, info, &first), value_of(LLVMConstNull(e->m->ptr)));
	emit_end(e, &one);
}

struct value kept_delete(struct emit *e, const struct node *map)
{
	const struct map_info *info = map->map.info;
	LLVMValueRef result = local_new(e);
	struct value key = key_memory(e, map), p = find_entry(e, map, key);
	struct branch there, many;

	local_set(e, result, emit_int(e, 0));
	there = emit_if(e, p);
	local_set(e, result, emit_load(e, p, map_set_offset(info), 8, false));
	set_word(e, p, map_set_offset(info), emit_int(e, 0));
	set_word(e, p, 0, emit_int(e, 0));
	many = emit_if(e, are_many(e, info));
	free_entry(e, map, key);
	emit_end(e, &many);
	emit_end(e, &there);
	return local_get(e, result);
}
