/* Spans as they are declared: let @query = span((text = "", id = 0)); */
#include <string.h>

#include "core/arena.h"
#include "core/intern.h"
#include "parser/ast.h"
#include "sema/event.h"

const char span_start[] = "start", span_done[] = "done";

const struct map_def *span_def(const struct compile *cc, const char *map)
{
	for (const struct map_def *def = cc->ast->maps; def; def = def->next)
		if (def->name == map && map_def_is_span(def))
			return def;
	return NULL;
}

struct node *span_members(const struct map_def *def)
{
	struct node *record = def->args;

	return record && record->kind == NODE_TUPLE && record->tuple.names ? record
									   : NULL;
}

const char *event_name(struct compile *cc, const char *map, const char *word)
{
	return intern_str(cc->names, arena_printf(cc->arena, "%s:%s", map + 1, word));
}

bool event_of_span(struct compile *cc, const struct attach_point *point,
		   const char *span)
{
	return glob_match(point->text, event_name(cc, span, span_start)) ||
	       glob_match(point->text, event_name(cc, span, span_done));
}

static bool is_literal(const struct node *n)
{
	while (n->kind == NODE_CAST || n->kind == NODE_UNARY)
		n = n->kind == NODE_CAST ? n->cast.operand : n->unary.operand;
	return n->kind == NODE_INT || n->kind == NODE_STR;
}

static void check_members(struct compile *cc, const struct map_def *def)
{
	for (const struct node *n = def->args->tuple.items; n; n = n->next)
		if (!is_literal(n))
			diag(cc, DIAG_literal_needed, n->span,
			     "a span's members are declared with constants: 0, \"\", "
			     "(int64)-1");
}

/* Each span's first member is the time when it was opened. */
static void give_start(struct compile *cc, const struct map_def *def)
{
	struct node *record = span_members(def), *start;
	size_t n;
	const char **names;

	if (record)
		check_members(cc, def);
	if (!record) {
		diag(cc, DIAG_type_mismatch, def->span,
		     "a span is declared with its members: let %s = span((a = 0, b = "
		     "\"\"))",
		     def->name);
		return;
	}
	n = node_count(record->tuple.items);
	names = ARENA_ARRAY(cc->arena, const char *, n + 1);
	names[0] = intern_str(cc->names, span_start);
	memcpy(names + 1, record->tuple.names, n * sizeof(*names));
	start = node_new(cc->arena, NODE_CAST, def->span);
	start->cast.to.name = intern_str(cc->names, "uint64");
	start->cast.operand = node_new(cc->arena, NODE_INT, def->span);
	start->cast.operand->integer.unit = UNIT_NS;
	start->next = record->tuple.items;
	node_set_height(start->cast.operand);
	node_set_height(start);
	record->tuple.items = start;
	record->tuple.names = names;
	node_set_height(record);
}

bool spans_declare(struct compile *cc)
{
	for (const struct map_def *def = cc->ast->maps; def; def = def->next)
		if (map_def_is_span(def))
			give_start(cc, def);
	return diag_ok(cc);
}
