/* Entries of maps. */
#include "builtins/builtin.h"
#include "codegen/emit.h"
#include "sema/sema.h"

/*
 * delete(@x, key) is another way to write delete(@x[key]): the keys move into the map
 * before any stage but this sees them.
 */
static bool check_entry(struct sema *s, struct node *call)
{
	struct node *map = call_arg(call, 0);
	const struct map_info *info;

	if (map->kind != NODE_MAP)
		return true; /* the signature says so */
	info = map->map.info;
	if (map->next && map->map.has_keys)
		return sema_error(s, DIAG_arity, map->next->span,
				  "the key of %s is given twice", map->map.name);
	if (map->next) {
		map->map.keys = map->next;
		map->map.has_keys = true;
		map->next = NULL;
		s->changed = true;
	}
	if (info && info->keys_known && info->has_keys && !map->map.has_keys) {
		sema_error(s, DIAG_map_key, map->span, "%s has keys: which entry?",
			   map->map.name);
		if (s->report)
			diag_hint(s->cc, "clear(%s) removes all entries",
				  map->map.name);
		return false;
	}
	return true;
}

static bool check_delete(struct sema *s, struct node *call)
{
	struct node *map = call_arg(call, 0);

	if (!check_entry(s, call))
		return false;
	if (map->kind == NODE_MAP && map->map.info)
		map->map.info->deleted = true;
	return true;
}

/* Of an aggregation without keys, each CPU has a cell from the start. */
static bool check_has_key(struct sema *s, struct node *call)
{
	const struct node *map = call_arg(call, 0);
	const struct map_info *info;

	if (!check_entry(s, call))
		return false;
	info = map->kind == NODE_MAP ? map->map.info : NULL;
	if (info && info->agg && !map->map.has_keys)
		return sema_error(
			s, DIAG_aggregation_use, map->span,
			"'%s' has no keys, and whether %s() was ever called is "
			"known to user space only",
			map->map.name, info->agg->name);
	return true;
}

static struct value emit_delete(struct emit *e, const struct node *call)
{
	return emit_map_delete(e, call_arg(call, 0));
}

static struct value emit_has_key(struct emit *e, const struct node *call)
{
	struct value entry = emit_map_lookup(e, call_arg(call, 0));

	return emit_op(e, OP_NE, entry, emit_int(e, 0), false);
}

/* find(@x, key, $variable) */

/* The key moves into the map, as in delete(@x, key); the variable stays. */
static bool check_find(struct sema *s, struct node *call)
{
	struct node *map = call_arg(call, 0), *key = call_arg(call, 1), *place;
	const struct map_info *info = map->map.info;

	place = key ? key->next : NULL;
	if (place) {
		map->map.keys = key;
		map->map.has_keys = true;
		map->next = place;
		key->next = NULL;
		s->changed = true;
		return true;
	}
	if (!map->map.has_keys || !key || key->kind != NODE_VAR) {
		sema_error(s, DIAG_arity, call->span,
			   "%s() needs a map, a key and a $variable",
			   call->call.builtin->name);
		if (s->report)
			diag_hint(s->cc, "it is called %s(%s, key, $variable)",
				  call->call.builtin->name, map->map.name);
		return false;
	}
	if (info->agg)
		return sema_error(s, DIAG_aggregation_use, map->span,
				  "'%s' holds %s(), of which each CPU has its own",
				  map->map.name, info->agg->name);
	sema_set(s, key, info->value);
	return true;
}

static struct value emit_find(struct emit *e, const struct node *call)
{
	const struct node *map = call_arg(call, 0), *place = call_arg(call, 1);
	struct value entry = emit_map_lookup(e, map), found;
	struct branch b;

	found = emit_op(e, OP_NE, entry, emit_int(e, 0), false);
	b = emit_if(e, found);
	emit_entry_to(e, place, map, entry);
	emit_end(e, &b);
	return found;
}

const struct builtin map_builtins[] = {
	{
		.name = "delete",
		.kind = BUILTIN_FUNC,
		.flags = BUILTIN_KEYS,
		.returns = { .kind = TYPE_INT, .size = 1, .is_signed = true, .is_bool = true },
		.params = {
			{ .name = "map", .type = TYPE_ANY,
			  .flags = PARAM_MAP | PARAM_ENTRY },
			{ .name = "key", .type = TYPE_ANY, .flags = PARAM_REST },
		},
		.check = check_delete,
		.summary = "removes one entry of a map",
		.doc = "Written `delete(@x[key])` or `delete(@x, key)`; a map without keys "
		       "is emptied by `delete(@x)`. Its value is whether there was an "
		       "entry.",
		.example = "tracepoint:syscalls:sys_enter_fsync { @start[tid] = nsecs; }\n"
			   "tracepoint:syscalls:sys_exit_fsync { delete(@start[tid]); }",
		.emit = emit_delete,
	},
	{
		.name = "find",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_INT, .size = 1, .is_signed = true, .is_bool = true },
		.params = {
			{ .name = "map", .type = TYPE_ANY,
			  .flags = PARAM_MAP | PARAM_ENTRY },
			{ .name = "key, $variable", .type = TYPE_ANY,
			  .flags = PARAM_REST | PARAM_PLACE },
		},
		.check = check_find,
		.summary = "reads an entry of a map, if there is one",
		.doc = "Its value is put into the variable, and the result is true. If there is "
		       "none the variable stays as it was: one look-up instead of two.",
		.example = "tracepoint:syscalls:sys_enter_fsync { @start[tid] = nsecs; }\n"
			   "tracepoint:syscalls:sys_exit_fsync {\n"
			   "\tlet $start;\n"
			   "\tif (find(@start, tid, $start)) {\n"
			   "\t\t@us = hist((nsecs - $start) / 1000);\n"
			   "\t\tdelete(@start, tid);\n"
			   "\t}\n"
			   "}",
		.emit = emit_find,
	},
	{
		.name = "has_key",
		.kind = BUILTIN_FUNC,
		.flags = BUILTIN_KEYS,
		.returns = { .kind = TYPE_INT, .size = 1, .is_signed = true, .is_bool = true },
		.params = {
			{ .name = "map", .type = TYPE_ANY,
			  .flags = PARAM_MAP | PARAM_ENTRY },
			{ .name = "key", .type = TYPE_ANY, .flags = PARAM_REST },
		},
		.check = check_has_key,
		.summary = "whether a map has an entry with this key",
		.doc = "Written `has_key(@x[key])` or `has_key(@x, key)`. Tells an entry "
		       "whose value is 0 from none, as reading a missing entry gives 0.",
		.example = "tracepoint:syscalls:sys_enter_fsync { @seen[pid] = 0; }\n"
			   "tracepoint:syscalls:sys_exit_fsync /has_key(@seen, pid)/ "
			   "{ @calls = count(); }",
		.emit = emit_has_key,
	},
	{ 0 },
};
