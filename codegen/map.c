/*
 * Entries of @maps.
 *
 * Cells and counters are changed in place. To make a new one without losing what another
 * CPU counts in the meantime, zeros are inserted if nothing is there, and the entry that
 * won is looked up again.
 */
#include "codegen/internal.h"

#include <assert.h>
#include <linux/bpf.h>

static bool is_scalar(const struct map_info *map)
{
	return map->storage == MAP_SCALAR || map->storage == MAP_PERCPU_SCALAR;
}

struct value map_of(struct emit *e, const struct map_info *map)
{
	return value_of(e->m->maps[map->index]);
}

/* The only key of an array of one. */
static struct value zero_key(struct emit *e)
{
	return emit_rodata(e, &(uint32_t){ 0 }, sizeof(uint32_t));
}

/* Build what follows only if p is the address of a value. */
static struct branch if_there(struct emit *e, struct value p)
{
	return emit_if(e, because(e, WHY_NULL_CHECK) ? p : emit_int(e, 1));
}

struct value map_key(struct emit *e, const struct node *map)
{
	const struct map_info *info = map->map.info;
	const struct node *n = map->map.keys;
	const struct type *type;
	struct value key;
	size_t offset = 0;

	if (is_scalar(info))
		return zero_key(e);
	key = emit_temp(e, info->key_size);
	if (!because(e, WHY_KEY_MEMORY))
		return emit_eval(e, n);
	if (info->nkeys > 1 && !n->next) {
		/* One tuple for all keys. */
		type = type_tuple(e->m->cc->arena, info->keys, NULL, info->nkeys);
		eval_into(e, n, key, type, true);
		return key;
	}
	for (size_t i = 0; i < info->nkeys; i++, n = n->next) {
		eval_into(e, n, emit_at(e, key, emit_int(e, (int64_t)offset)),
			  info->keys[i], true);
		offset += type_size(info->keys[i]);
	}
	assert(offset == info->key_size);
	return key;
}

static struct value lookup(struct emit *e, const struct map_info *map, struct value key)
{
	return emit_helper_ptr(e, HELPER_MAP_LOOKUP_ELEM, 2, map_of(e, map), key);
}

static struct value update(struct emit *e, const struct map_info *map, struct value key,
			   struct value entry, uint64_t flags)
{
	return emit_helper(e, HELPER_MAP_UPDATE_ELEM, 4, map_of(e, map), key, entry,
			   emit_int(e, (int64_t)flags));
}

/* A value of MAP_SCALAR and MAP_KEPT is followed by a word that says whether it was ever set. */
int64_t map_set_offset(const struct map_info *map)
{
	return (int64_t)(map->value_size - sizeof(uint64_t));
}

/* An address that is one of two. */
static LLVMValueRef merge(struct emit *e, LLVMValueRef a, LLVMBasicBlockRef from_a,
			  LLVMValueRef b, LLVMBasicBlockRef from_b)
{
	LLVMValueRef phi = LLVMBuildPhi(e->b, e->m->ptr, "");
	LLVMValueRef values[] = { a, b };
	LLVMBasicBlockRef blocks[] = { from_a, from_b };

	LLVMAddIncoming(phi, values, blocks, 2);
	return phi;
}

/* p if it is an address whose entry was set, else 0. */
struct value map_only_if_set(struct emit *e, const struct map_info *map, struct value p)
{
	LLVMBasicBlockRef loaded;
	LLVMValueRef none = LLVMConstNull(e->m->ptr), result;
	struct branch there = if_there(e, p);
	struct value set = emit_load(e, p, map_set_offset(map), 8, false);

	result = LLVMBuildSelect(e->b, as_bit(e, set), p.ref, none, "");
	loaded = LLVMGetInsertBlock(e->b);
	LLVMBuildBr(e->b, there.end);
	LLVMPositionBuilderAtEnd(e->b, there.otherwise);
	LLVMBuildBr(e->b, there.end);
	LLVMPositionBuilderAtEnd(e->b, there.end);
	return value_of(merge(e, result, loaded, none, there.otherwise));
}

struct value emit_map_lookup(struct emit *e, const struct node *map)
{
	const struct map_info *info = map->map.info;
	struct value p;

	if (info->storage == MAP_KEPT)
		return map_only_if_set(e, info, kept_lookup(e, map));
	p = lookup(e, info, map_key(e, map));
	return info->storage == MAP_SCALAR ? map_only_if_set(e, info, p) : p;
}

/* Emptied in place. */
static struct value delete_scalar(struct emit *e, const struct map_info *map)
{
	struct value p = lookup(e, map, zero_key(e));
	LLVMValueRef result = local_new(e);
	struct branch there = if_there(e, p);

	local_set(e, result, emit_load(e, p, map_set_offset(map), 8, false));
	emit_zero(e, p, map->value_size);
	emit_end(e, &there);
	return local_get(e, result);
}

void emit_entry_to(struct emit *e, const struct node *place, const struct node *map,
		   struct value entry)
{
	const struct var_info *var = place->var.info;
	const struct type *of = map->map.info->value;

	if (is_wide(var->type))
		convert(e, var_text(e, var), var->type, entry, of, false);
	else
		var_store(e, var, emit_load(e, entry, 0, 8, false));
	once_var_changed(e, var);
}

static struct value delete_any(struct emit *e, const struct node *map)
{
	const struct map_info *info = map->map.info;
	struct value key, failed;

	if (info->storage == MAP_SCALAR)
		return delete_scalar(e, info);
	assert(info->storage != MAP_PERCPU_SCALAR && "see plan.c");
	if (info->storage == MAP_KEPT)
		return kept_delete(e, map);
	key = map_key(e, map);
	failed = emit_helper(e, HELPER_MAP_DELETE_ELEM, 2, map_of(e, info), key);
	return emit_op(e, OP_EQ, failed, emit_int(e, 0), false);
}

struct value emit_map_delete(struct emit *e, const struct node *map)
{
	struct value was_there = delete_any(e, map);

	once_map_changed(e, map->map.info);
	return was_there;
}

void emit_map_close(struct emit *e, const struct node *map, bool if_open,
		    enum loss_kind kind, struct span at)
{
	struct value was_open = emit_map_delete(e, map);
	const char *outer = e->subject;

	e->subject = map->map.info->name;
	loss_if(e,
		if_open ? was_open : emit_op(e, OP_EQ, was_open, emit_int(e, 0), false),
		kind, at);
	e->subject = outer;
}

struct value map_read_cells(struct emit *e, const struct map_info *map,
			    struct value key)
{
	struct cells cells = {
		.map = map_of(e, map).ref,
		.key = key.ref,
		.per_cpu = map->storage == MAP_PERCPU_SCALAR ||
			   map->storage == MAP_PERCPU_HASH,
	};

	return map->agg->agg->read(e, &cells, &map->site);
}

/* A missing entry reads as 0 or "". */
struct value map_value(struct emit *e, const struct node *map)
{
	const struct map_info *info = map->map.info;
	LLVMBasicBlockRef found, missing;
	LLVMValueRef local, empty;
	struct branch there;
	struct value p;

	if (info->agg)
		return map_read_cells(e, info, map_key(e, map));
	p = info->storage == MAP_KEPT ? kept_lookup(e, map)
				      : lookup(e, info, map_key(e, map));
	if (is_wide(info->value)) {
		empty = module_zeros(e->m, type_size(info->value));
		there = emit_if(e, p);
		found = LLVMGetInsertBlock(e->b);
		LLVMBuildBr(e->b, there.end);
		missing = there.otherwise;
		LLVMPositionBuilderAtEnd(e->b, missing);
		LLVMBuildBr(e->b, there.end);
		LLVMPositionBuilderAtEnd(e->b, there.end);
		return value_of(merge(e, p.ref, found, empty, missing));
	}
	local = local_new(e);
	local_set(e, local, emit_int(e, 0));
	there = if_there(e, p);
	local_set(e, local, emit_load(e, p, 0, 8, false));
	emit_end(e, &there);
	return local_get(e, local);
}

/* The entry, made of zeros if there is none; 0 if the map is full or may have no more. */
static struct value entry_or_new(struct emit *e, const struct map_info *map,
				 struct value key)
{
	struct value p = lookup(e, map, key), again;
	LLVMBasicBlockRef found, made;
	struct branch there;

	if (map->is_span)
		return map->storage == MAP_SCALAR ? map_only_if_set(e, map, p) : p;
	if (is_scalar(map))
		return p;
	because(e, WHY_ENTRY_AGAIN);
	there = emit_if(e, p);
	found = LLVMGetInsertBlock(e->b);
	LLVMBuildBr(e->b, there.end);
	LLVMPositionBuilderAtEnd(e->b, there.otherwise);
	update(e, map, key, value_of(module_zeros(e->m, map->value_size)), BPF_NOEXIST);
	again = lookup(e, map, key);
	made = LLVMGetInsertBlock(e->b);
	LLVMBuildBr(e->b, there.end);
	LLVMPositionBuilderAtEnd(e->b, there.end);
	return value_of(merge(e, p.ref, found, again.ref, made));
}

/* An array's entry is always there: the test is for the verifier only. */
static bool can_be_full(const struct map_info *map)
{
	return !is_scalar(map) && !map->is_span;
}

/* Build what follows only if p is an entry; close with lose_entry(). */
static void lose_entry(struct emit *e, const struct map_info *map, struct branch *there,
		       struct span at)
{
	if (can_be_full(map)) {
		emit_else(e, there);
		emit_loss(e, LOSS_MAP_FULL, at);
	}
	emit_end(e, there);
}

static void find_map(struct node *n, void *arg)
{
	bool *found = arg;

	*found |= n->kind == NODE_MAP;
	node_each_child(n, find_map, arg);
}

/* What looks at maps must not see the entry that is made for it, nor delete it. */
static void compute_early(struct emit *e, const struct node *call)
{
	struct node *arg = call->call.args;
	bool found = false;

	if (arg)
		find_map(arg, &found);
	if (!found)
		return;
	e->early_value = emit_eval(e, arg);
	e->early = call;
}

static void aggregate(struct emit *e, const struct node *map, const struct node *call)
{
	const struct map_info *info = map->map.info;
	struct value key = map_key(e, map), p;
	size_t outer_size = e->cell_size;
	bool outer_atomic = e->cell_atomic;
	struct branch there;

	compute_early(e, call);
	p = entry_or_new(e, info, key);
	there = if_there(e, p);

	if (info->storage == MAP_PERCPU_SCALAR || info->storage == MAP_PERCPU_HASH)
		because(e, WHY_PER_CPU);
	e->cell_size = info->value_size;
	e->cell_atomic = info->atomic;
	if (info->storage == MAP_SCALAR) {
		e->cell_size = (size_t)map_set_offset(info);
		emit_store(e, p, map_set_offset(info), emit_int(e, 1), 8);
	}
	call->call.builtin->agg->update(e, p, call, &info->site);
	e->cell_size = outer_size;
	e->cell_atomic = outer_atomic;
	lose_entry(e, info, &there, map->span);
}

static void assign_scalar(struct emit *e, const struct map_info *map,
			  const struct node *value)
{
	struct value v = emit_eval(e, value);
	struct value p = lookup(e, map, zero_key(e));
	struct branch there = if_there(e, p);

	convert(e, p, map->value, v, value->type, false);
	because(e, WHY_SET_WORD);
	emit_store(e, p, map_set_offset(map), emit_int(e, 1), 8);
	emit_end(e, &there);
}

/* All bytes, for the verifier; what is after a NUL does not matter. */
static struct value build_value(struct emit *e, const struct map_info *map,
				const struct node *value)
{
	size_t size = type_size(map->value);
	struct value slot =
		is_wide(map->value) ? temp_text(e, size) : emit_temp(e, size);

	eval_into(e, value, slot, map->value, false);
	return slot;
}

static void assign_entry(struct emit *e, const struct node *map,
			 const struct node *value)
{
	const struct map_info *info = map->map.info;
	struct value slot = build_value(e, info, value);
	struct value key = map_key(e, map);
	struct value failed = update(e, info, key, slot, BPF_ANY);

	loss_if(e, failed, LOSS_MAP_FULL, map->span);
}

void emit_map_open(struct emit *e, const struct node *map, const struct node *value,
		   struct span at)
{
	const struct map_info *info = map->map.info;
	struct value slot = build_value(e, info, value);
	struct value key = map_key(e, map);
	struct value failed = update(e, info, key, slot, BPF_NOEXIST), again;
	struct branch open = emit_if(e, failed), full;
	const char *outer = e->subject;

	e->subject = info->name;
	again = update(e, info, key, slot, BPF_EXIST);
	full = emit_if(e, again);
	emit_loss(e, LOSS_MAP_FULL, at);
	emit_else(e, &full);
	emit_loss(e, LOSS_SPAN_AGAIN, at);
	emit_end(e, &full);
	emit_end(e, &open);
	once_map_changed(e, info);
	e->subject = outer;
}

void map_assign(struct emit *e, const struct node *map, const struct node *value)
{
	const struct map_info *info = map->map.info;
	const char *outer = e->subject;

	e->subject = info->name;
	if (info->agg)
		aggregate(e, map, value);
	else if (is_scalar(info))
		assign_scalar(e, info, value);
	else if (info->storage == MAP_KEPT)
		kept_assign(e, map, value);
	else
		assign_entry(e, map, value);
	once_map_changed(e, info);
	e->subject = outer;
}

/* Where a member is in its map's value; of the map itself: 0. */
static int64_t place_offset(const struct node *place)
{
	const struct part_info *part;
	int64_t offset = 0;

	for (; place->kind == NODE_FIELD; place = place->field.base) {
		part = place->field.data;
		offset += (int64_t)(part->bit_offset / 8);
	}
	return offset;
}

/*
 * The value is there before the entry is looked up, for it may read the same entry, and
 * text goes there padded and in one copy, as items of records are.
 */
void map_assign_member(struct emit *e, struct node *place, const struct node *value)
{
	const struct node *map = node_place_root(place);
	const struct map_info *info = map->map.info;
	const char *outer = e->subject;
	size_t size = type_size(place->type);
	struct value v, p;
	struct branch there;

	e->subject = info->name;
	if (is_wide(place->type)) {
		v = temp_text(e, size);
		eval_into(e, value, v, place->type, true);
	} else {
		v = emit_eval(e, value);
	}
	p = entry_or_new(e, info, map_key(e, map));
	there = if_there(e, p);
	if (is_wide(place->type))
		emit_copy(e, emit_at(e, p, emit_int(e, place_offset(place))), v, size);
	else
		emit_store(e, p, place_offset(place), v, 8);
	if (info->storage == MAP_SCALAR)
		emit_store(e, p, map_set_offset(info), emit_int(e, 1), 8);
	lose_entry(e, info, &there, map->span);
	once_map_changed(e, info);
	e->subject = outer;
}

/* How a word is changed at once, or false if it takes a read and a write. */
static bool atomic_op(enum op op, LLVMAtomicRMWBinOp *out)
{
	switch (op) {
	case OP_ADD:
		*out = LLVMAtomicRMWBinOpAdd;
		return true;
	case OP_SUB:
		*out = LLVMAtomicRMWBinOpSub;
		return true;
	case OP_AND:
		*out = LLVMAtomicRMWBinOpAnd;
		return true;
	case OP_OR:
		*out = LLVMAtomicRMWBinOpOr;
		return true;
	case OP_XOR:
		*out = LLVMAtomicRMWBinOpXor;
		return true;
	case OP_MUL:
	case OP_DIV:
	case OP_MOD:
	case OP_SHL:
	case OP_SHR:
	case OP_EQ:
	case OP_NE:
	case OP_LT:
	case OP_LE:
	case OP_GT:
	case OP_GE:
	case OP_LAND:
	case OP_LOR:
	case OP_NEG:
	case OP_NOT:
	case OP_INV:
		break;
	}
	return false;
}

static struct value modify_word(struct emit *e, const struct node *place, enum op op,
				const struct node *operand, struct value n,
				struct value p)
{
	LLVMAtomicRMWBinOp how;
	struct value old;

	/* The instruction knows nothing of what a pointer points to; ++ has counted it. */
	if (operand && place->type->kind == TYPE_PTR)
		n = emit_op(e, OP_MUL, n, step_of(e, place->type), false);
	if (atomic_op(op, &how)) {
		because(e, WHY_ATOMIC);
		return value_of(LLVMBuildAtomicRMW(e->b, how, p.ref, n.ref,
						   LLVMAtomicOrderingMonotonic, 0));
	}
	old = emit_load(e, p, 0, 8, false);
	emit_store(e, p, 0, number_op(e, op, place, old, operand, n), 8);
	return old;
}

void map_modify(struct emit *e, struct node *place, enum op op,
		const struct node *operand, struct value n, struct value *before,
		struct value *after)
{
	const struct node *map = node_place_root(place);
	const struct map_info *info = map->map.info;
	LLVMValueRef was = before ? local_new(e) : NULL,
		     is = after ? local_new(e) : NULL;
	const char *outer = e->subject;
	struct branch there;
	struct value p, word, old;

	e->subject = info->name;
	p = info->storage == MAP_KEPT ? kept_entry(e, map)
				      : entry_or_new(e, info, map_key(e, map));
	there = if_there(e, p);
	word = emit_at(e, p, emit_int(e, place_offset(place)));
	old = modify_word(e, place, op, operand, n, word);
	if (before)
		local_set(e, was, old);
	if (after)
		local_set(e, is, emit_op(e, op, old, n, false));
	if (info->storage == MAP_SCALAR)
		emit_store(e, p, map_set_offset(info), emit_int(e, 1), 8);
	else if (info->storage == MAP_KEPT)
		kept_set(e, p);
	lose_entry(e, info, &there, map->span);
	once_map_changed(e, info);
	e->subject = outer;
	if (before)
		*before = local_get(e, was);
	if (after)
		*after = local_get(e, is);
}

void map_modify_all(struct emit *e, const struct change *changes, size_t n)
{
	const struct node *map = node_place_root(changes[0].place);
	const struct map_info *info = map->map.info;
	const char *outer = e->subject;
	struct value p, word, by;
	struct branch there;

	assert(info->storage != MAP_KEPT && "it holds numbers, not records");
	e->subject = info->name;
	p = entry_or_new(e, info, map_key(e, map));
	there = if_there(e, p);
	for (size_t i = 0; i < n; i++) {
		const struct change *c = &changes[i];
		struct span span = debug_at(e, c->place->span);

		if (i)
			because(e, WHY_ONE_ENTRY);
		word = emit_at(e, p, emit_int(e, place_offset(c->place)));
		by = c->in_memory ? emit_load(e, c->n, 0, 8, false) : c->n;
		modify_word(e, c->place, c->op, c->operand, by, word);
		debug_at(e, span);
	}
	if (info->storage == MAP_SCALAR)
		emit_store(e, p, map_set_offset(info), emit_int(e, 1), 8);
	if (can_be_full(info)) {
		emit_else(e, &there);
		for (size_t i = 0; i < n; i++)
			emit_loss(e, LOSS_MAP_FULL,
				  node_place_root(changes[i].place)->span);
	}
	emit_end(e, &there);
	once_map_changed(e, info);
	e->subject = outer;
}
