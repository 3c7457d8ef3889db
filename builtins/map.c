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

const struct builtin map_builtins[] = {
	{
		.name = "delete",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_INT, .size = 1, .is_signed = true, .is_bool = true },
		.params = {
			{ .name = "map", .type = TYPE_ANY,
			  .flags = PARAM_MAP | PARAM_ENTRY },
			{ .name = "key", .type = TYPE_ANY, .flags = PARAM_REST },
		},
		.check = check_delete,
		.summary = "removes one entry of a map",
		.doc = "Written `delete(@x[key])` or `delete(@x, key)`; a map without keys "
		       "is emptied by `delete(@x)`. Its value is 1 if there was an entry, "
		       "else 0.",
		.example = "tracepoint:syscalls:sys_enter_fsync { @start[tid] = nsecs; }\n"
			   "tracepoint:syscalls:sys_exit_fsync { delete(@start[tid]); }",
		.emit = emit_delete,
	},
	{
		.name = "has_key",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_INT, .size = 1, .is_signed = true, .is_bool = true },
		.params = {
			{ .name = "map", .type = TYPE_ANY,
			  .flags = PARAM_MAP | PARAM_ENTRY },
			{ .name = "key", .type = TYPE_ANY, .flags = PARAM_REST },
		},
		.check = check_has_key,
		.summary = "1 if a map has an entry with this key, else 0",
		.doc = "Written `has_key(@x[key])` or `has_key(@x, key)`. Tells an entry "
		       "whose value is 0 from none, as reading a missing entry gives 0.",
		.example = "tracepoint:syscalls:sys_enter_fsync { @seen[pid] = 0; }\n"
			   "tracepoint:syscalls:sys_exit_fsync /has_key(@seen, pid)/ "
			   "{ @calls = count(); }",
		.emit = emit_has_key,
	},
	{ 0 },
};
