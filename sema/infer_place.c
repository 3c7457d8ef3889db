/*
 * Parts of values: fields of structs, tuples and args, elements of arrays, what pointers
 * point to.
 *
 * A struct or array in another space is only named, by its address, until a number in it is
 * needed or it is stored. Pointers that are found in it point into the same space, unless
 * BTF says otherwise.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/intern.h"
#include "sema/ctype.h"
#include "sema/infer.h"
#include "sema/target.h"

enum { POINTERS_MAX = 8 };

/* Where the pointers inside it point. */
static enum space origin_of(const struct type *t)
{
	return t->space == SPACE_OWN ? t->origin : t->space;
}

/* The type of a part of base, which is at the same place. */
static const struct type *part_type(struct sema *s, const struct type *part,
				    const struct type *base)
{
	struct arena *a = s->cc->arena;
	struct type *own;

	if (part->kind == TYPE_PTR)
		return type_at(a, part, origin_of(base));
	/* An array of char is text. */
	if (part->kind == TYPE_ARRAY && part->to->kind == TYPE_INT && part->to->is_char)
		return type_str(a, part->count ? (uint32_t)part->count
					       : s->cc->plan->max_strlen);
	if (base->kind == TYPE_PTR || base->space != SPACE_OWN)
		return type_at(a, part, base->space);
	if (part->kind != TYPE_STRUCT && part->kind != TYPE_ARRAY)
		return part;
	own = ARENA_NEW(a, struct type);
	*own = *part;
	own->space = SPACE_OWN;
	own->origin = base->origin;
	return own;
}

/* args.NAME */

static void unknown_arg(struct sema *s, const struct node *n,
			const struct probe_layout *layout)
{
	struct suggestion near = { .word = n->field.name };
	const char *all = "";

	sema_error(s, DIAG_unknown_field, n->span, "'%s' has no argument '%s'",
		   s->program->sites[0].name, n->field.name);
	if (!s->report)
		return;
	for (size_t i = 0; i < layout->n; i++) {
		if (!layout->fields[i].name)
			continue;
		suggest(&near, layout->fields[i].name);
		all = arena_printf(s->cc->arena, "%s%s%s", all, *all ? ", " : "",
				   layout->fields[i].name);
	}
	if (near.best)
		diag_hint(s->cc, "did you mean '%s'?", near.best);
	else if (*all)
		diag_hint(s->cc, "it has %s", all);
	else
		diag_hint(s->cc, "it has no named arguments");
}

/* Somewhere it can be read: where it cannot, the program counts that as lost. */
static bool is_readable(const struct program_info *p, size_t field)
{
	for (size_t i = 0; i < p->nlayouts; i++)
		if (p->layouts[i].fields[field].at.kind != LOC_UNREADABLE)
			return true;
	return false;
}

static const struct type *infer_arg_field(struct sema *s, struct node *n)
{
	static const struct probe_layout none;
	const struct program_info *p = s->program;
	const struct probe_layout *layout = p->nlayouts ? &p->layouts[0] : &none;

	for (size_t i = 0; i < layout->n; i++) {
		const struct probe_field *f = &layout->fields[i];

		if (!f->name || strcmp(f->name, n->field.name) != 0)
			continue;
		if (!is_readable(p, i)) {
			sema_error(s, DIAG_no_such_argument, n->span,
				   "'%s' cannot be read: %s", f->name, f->at.why);
			return NULL;
		}
		n->field.data = f;
		return f->type;
	}
	unknown_arg(s, n, layout);
	return NULL;
}

/* args as a value is a record: (a = args.a, b = args.b). */
bool infer_spread_args(struct sema *s, struct node *n)
{
	const struct program_info *p = s->program;
	const struct probe_layout *layout = p->nlayouts ? &p->layouts[0] : NULL;
	struct node *args = ARENA_NEW(s->cc->arena, struct node), *items = NULL;
	struct node **end = &items;
	const char **names;
	size_t count = 0;

	*args = *n;
	args->next = NULL;
	names = ARENA_ARRAY(s->cc->arena, const char *, layout ? layout->n : 0);
	for (size_t i = 0; layout && i < layout->n; i++) {
		if (!layout->fields[i].name || layout->fields[i].hidden)
			continue;
		*end = node_new(s->cc->arena, NODE_FIELD, n->span);
		(*end)->field.base = args;
		(*end)->field.name = names[count++] = layout->fields[i].name;
		end = &(*end)->next;
	}
	if (!count)
		return false;
	n->kind = NODE_TUPLE;
	n->tuple.items = items;
	n->tuple.names = names;
	return true;
}

/* Members. */

static void set_part(struct sema *s, struct node *n, const struct type_member *m,
		     uint64_t bit_offset)
{
	struct part_info *part = ARENA_NEW(s->cc->arena, struct part_info);

	*part = (struct part_info){
		.type = m->type,
		.bit_offset = bit_offset,
		.bits = m->bits,
	};
	n->field.data = part;
}

static void unknown_member(struct sema *s, const struct node *n,
			   const struct type *record)
{
	const char *near;

	if (!ctype_complete(s->cc, record->record)) {
		sema_error(s, DIAG_unknown_field, n->span,
			   "what is in %s is not known here", infer_text(s, record));
		return;
	}
	sema_error(s, DIAG_unknown_field, n->span, "%s has no member '%s'",
		   infer_text(s, record), n->field.name);
	if (!s->report)
		return;
	near = ctype_near_member(s->cc, record->record, n->field.name);
	if (near)
		diag_hint(s->cc, "did you mean '%s'?", near);
}

/* base: the struct itself, or the pointer to it. */
static const struct type *infer_member(struct sema *s, struct node *n,
				       const struct type *base,
				       const struct type *record)
{
	const struct type_member *m;
	uint64_t bit_offset = 0;

	m = ctype_member(s->cc, record->record, n->field.name, &bit_offset);
	if (!m) {
		unknown_member(s, n, record);
		return NULL;
	}
	if (type_in_memory(base) && m->type->kind == TYPE_ARRAY && !m->type->count) {
		sema_error(s, DIAG_unsupported, n->span,
			   "what follows %s is not in a copy of it",
			   infer_text(s, record));
		if (s->report)
			diag_hint(s->cc, "read it through a pointer: pointer->%s",
				  n->field.name);
		return NULL;
	}
	set_part(s, n, m, bit_offset);
	return part_type(s, m->type, base);
}

enum { TYPE_TEXT_MAX = 80, NAMES_MAX = 64 }; /* bytes in a line */

/* The names of a record that is too long for its types, in lines. */
static void note_items(struct sema *s, const struct record_type *r)
{
	const char *line = "", *start = "there is ";

	for (size_t i = 0; i < r->n; i++) {
		line = arena_printf(s->cc->arena, "%s%s%s", line, *line ? ", " : "",
				    r->members[i].name);
		if (i + 1 < r->n && strlen(line) < NAMES_MAX)
			continue;
		diag_hint(s->cc, "%s%s%s", start, line, i + 1 < r->n ? "," : "");
		line = start = "";
	}
}

static void unknown_item(struct sema *s, const struct node *n, const struct type *tuple)
{
	const struct record_type *r = tuple->record;
	struct suggestion near = { .word = n->field.name };
	const char *text = infer_text(s, tuple);
	const bool is_long = r->n && r->members[0].name && strlen(text) > TYPE_TEXT_MAX;

	sema_error(s, DIAG_unknown_field, n->span, "%s has no item '%s'",
		   is_long ? "this record" : text, n->field.name);
	for (size_t i = 0; i < r->n; i++)
		if (r->members[i].name)
			suggest(&near, r->members[i].name);
	if (near.best && s->report)
		diag_hint(s->cc, "did you mean '%s'?", near.best);
	if (is_long && s->report)
		note_items(s, r);
}

const struct type *infer_item(struct sema *s, struct node *n, const struct type *tuple)
{
	const struct record_type *r = tuple->record;
	char *end;
	size_t i = strtoul(n->field.name, &end, 10);

	if (*end)
		for (i = 0; i < r->n; i++)
			if (r->members[i].name &&
			    strcmp(r->members[i].name, n->field.name) == 0)
				break;
	if (i >= r->n) {
		unknown_item(s, n, tuple);
		return NULL;
	}
	set_part(s, n, &r->members[i], r->members[i].bit_offset);
	return r->members[i].type;
}

const struct type *infer_field(struct sema *s, struct node *n)
{
	const struct type *base = infer_expr(s, n->field.base);

	if (!base)
		return NULL;
	if (base->kind == TYPE_ARGS)
		return infer_arg_field(s, n);
	if (base->kind == TYPE_TUPLE)
		return infer_item(s, n, base);
	if (base->kind == TYPE_STRUCT)
		return infer_member(s, n, base, base);
	if (base->kind == TYPE_PTR && base->to->kind == TYPE_STRUCT)
		return infer_member(s, n, base, base->to);
	sema_error(s, DIAG_type_mismatch, n->span, "%s has no fields",
		   infer_text(s, base));
	if (s->report && base->kind == TYPE_PTR && base->to->kind == TYPE_PTR)
		diag_hint(s->cc, "it points to a pointer: (*x).%s", n->field.name);
	else if (s->report && type_is_number(base))
		diag_hint(s->cc, "say what is there: ((struct NAME *)x).%s",
			  n->field.name);
	return NULL;
}

/* What can be read through a pointer: &$x may point to a tuple, too. */
static bool is_c_type(const struct type *t)
{
	return type_is_number(t) || t->kind == TYPE_STR || t->kind == TYPE_STRUCT ||
	       t->kind == TYPE_ARRAY;
}

/* Elements. */

static const struct type *bad_index(struct sema *s, const struct node *n,
				    const struct type *base, int64_t at)
{
	sema_error(s, DIAG_literal_range, n->index.at->span,
		   "%s has no element %" PRId64, infer_text(s, base), at);
	return NULL;
}

const struct type *infer_index(struct sema *s, struct node *n)
{
	const struct type *base = infer_value(s, n->index.base);
	const struct type *at = infer_value(s, n->index.at);
	int64_t constant;

	if (!base || !at)
		return NULL;
	if (at->kind != TYPE_INT) {
		sema_error(s, DIAG_type_mismatch, n->index.at->span,
			   "an index is a number, found %s", infer_text(s, at));
		return NULL;
	}
	if (base->kind == TYPE_STR)
		return type_int(s->cc->arena, 1, true, UNIT_NONE);
	if (base->kind == TYPE_PTR && is_c_type(base->to))
		return part_type(s, base->to, base);
	if (base->kind != TYPE_ARRAY) {
		sema_error(s, DIAG_type_mismatch, n->span, "%s has no elements",
			   infer_text(s, base));
		return NULL;
	}
	if (constant_int(n->index.at, &constant) &&
	    (constant < 0 || (base->count && (uint64_t)constant >= base->count)))
		return bad_index(s, n, base, constant);
	return part_type(s, base->to, base);
}

/* Pointers. */

const struct type *infer_deref(struct sema *s, struct node *n)
{
	const struct type *t = infer_value(s, n->unary.operand);

	if (!t)
		return NULL;
	if (t->kind == TYPE_PTR && is_c_type(t->to))
		return part_type(s, t->to, t);
	if (t->kind == TYPE_INT && t->size == 8 && t->unit == UNIT_NONE)
		return &type_u64; /* an address, as kaddr() is */
	sema_error(s, DIAG_type_mismatch, n->span,
		   "%s does not point to anything known", infer_text(s, t));
	if (s->report && type_is_number(t))
		diag_hint(s->cc, "say what is there: *(uint64 *)...");
	return NULL;
}

/* What & takes the address of: something in another space; NULL: it has none. */
static const struct type *addressed(const struct node *n)
{
	if (n->kind == NODE_FIELD) {
		const struct type *base = n->field.base->type;
		const struct part_info *part = n->field.data;

		if (base->kind == TYPE_ARGS || type_in_memory(base) || part->bits)
			return NULL;
		return part->type;
	}
	if (n->kind == NODE_INDEX)
		return type_in_memory(n->index.base->type) ? NULL
							   : n->index.base->type->to;
	return n->kind == NODE_DEREF ? n->unary.operand->type->to : NULL;
}

/* The space of what is addressed. */
static enum space space_of(const struct node *n)
{
	if (n->kind == NODE_FIELD)
		return n->field.base->type->space;
	return n->kind == NODE_INDEX ? n->index.base->type->space
				     : n->unary.operand->type->space;
}

/* A variable of a narrow type may hold more: it is read as the word that it is. */
static const struct type *whole_word(struct sema *s, const struct type *t)
{
	struct type *word;

	if (t->kind != TYPE_INT || t->size == 8)
		return t;
	word = ARENA_NEW(s->cc->arena, struct type);
	*word = *t;
	word->size = 8;
	return word;
}

static unsigned pointers_deep(const struct type *t)
{
	unsigned n = 0;

	for (; t->kind == TYPE_PTR; t = t->to)
		n++;
	return n;
}

/* Of $p = &$p the type would grow for ever. */
static const struct type *too_deep(struct sema *s, const struct node *n)
{
	sema_error(s, DIAG_unsupported, n->span, "pointers are at most %d deep",
		   POINTERS_MAX);
	return NULL;
}

const struct type *infer_address(struct sema *s, struct node *n)
{
	struct node *of = n->unary.operand;
	const struct type *t = infer_value(s, of), *to;

	if (!t)
		return NULL;
	if (of->kind == NODE_VAR) {
		if (pointers_deep(t) >= POINTERS_MAX)
			return too_deep(s, n);
		of->var.info->addressed = true;
		return type_ptr_to_variable(s->cc->arena, whole_word(s, t));
	}
	to = addressed(n->unary.operand);
	if (to)
		return type_ptr(s->cc->arena, to, space_of(n->unary.operand));
	sema_error(s, DIAG_unsupported, n->span,
		   "'&' takes the address of a variable, or of what is in the kernel's "
		   "or a program's memory");
	return NULL;
}

/* Tuples. */

const struct type *infer_tuple(struct sema *s, struct node *n)
{
	size_t count = node_count(n->tuple.items), i = 0;
	const struct type **items =
		ARENA_ARRAY(s->cc->arena, const struct type *, count);

	for (struct node *item = n->tuple.items; item; item = item->next) {
		const struct type *t = infer_value(s, item);
		const bool changed = s->changed;

		items[i] = NULL;
		if (t)
			infer_join(s, &items[i], t);
		s->changed = changed; /* what is new here each time is no news */
		if (!items[i++])
			return NULL;
	}
	return type_tuple(s->cc->arena, items, n->tuple.names, count);
}
