#include "sema/type.h"

#include <string.h>

#include "builtins/builtin.h"
#include "core/arena.h"

const struct type type_void = { .kind = TYPE_VOID };
const struct type type_u64 = { .kind = TYPE_INT, .size = 8 };
const struct type type_s64 = { .kind = TYPE_INT, .size = 8, .is_signed = true };
/* Signed, so that computing with it gives what computing with 0 and 1 does. */
const struct type type_bool = {
	.kind = TYPE_INT, .size = 1, .is_signed = true, .is_bool = true
};
const struct type type_args = { .kind = TYPE_ARGS };
const struct type type_name = { .kind = TYPE_NAME };

const struct type *type_int(struct arena *a, unsigned size, bool is_signed, enum unit u)
{
	struct type *t;

	if (size == 8 && u == UNIT_NONE)
		return is_signed ? &type_s64 : &type_u64;
	t = ARENA_NEW(a, struct type);
	*t = (struct type){ .kind = TYPE_INT,
			    .size = (uint8_t)size,
			    .is_signed = is_signed,
			    .unit = u };
	return t;
}

const struct type *type_with_epoch(struct arena *a, const struct type *t,
				   enum epoch epoch)
{
	struct type *copy;

	if (t->epoch == epoch)
		return t;
	copy = ARENA_NEW(a, struct type);
	*copy = *t;
	copy->epoch = epoch;
	return copy;
}

const struct type *type_str(struct arena *a, uint32_t limit)
{
	struct type *t = ARENA_NEW(a, struct type);

	*t = (struct type){ .kind = TYPE_STR, .limit = limit };
	return t;
}

const struct type *type_ptr(struct arena *a, const struct type *to, enum space space)
{
	struct type *t = ARENA_NEW(a, struct type);

	*t = (struct type){ .kind = TYPE_PTR, .to = to, .space = space };
	return t;
}

/* Read by helpers, as all that a pointer leads to. */
const struct type *type_ptr_to_variable(struct arena *a, const struct type *of)
{
	struct type *t = ARENA_NEW(a, struct type);

	*t = (struct type){
		.kind = TYPE_PTR, .to = of, .space = SPACE_KERNEL, .to_variable = true
	};
	return t;
}

const struct type *type_array(struct arena *a, const struct type *of, uint64_t count,
			      enum space space)
{
	struct type *t = ARENA_NEW(a, struct type);

	*t = (struct type){
		.kind = TYPE_ARRAY, .to = of, .count = count, .space = space
	};
	return t;
}

const struct type *type_struct(struct arena *a, const struct record_type *record,
			       enum space space)
{
	struct type *t = ARENA_NEW(a, struct type);

	*t = (struct type){ .kind = TYPE_STRUCT, .record = record, .space = space };
	return t;
}

const struct type *type_shown(struct arena *a, const struct shape *shape,
			      uint32_t limit, const char *format)
{
	struct type *t = ARENA_NEW(a, struct type);

	*t = (struct type){
		.kind = TYPE_SHOWN, .shape = shape, .limit = limit, .format = format
	};
	return t;
}

const struct type *type_tuple(struct arena *a, const struct type *const *items,
			      const char *const *names, size_t n)
{
	struct record_type *r = ARENA_NEW(a, struct record_type);
	struct type_member *members = ARENA_ARRAY(a, struct type_member, n);
	struct type *t = ARENA_NEW(a, struct type);

	for (size_t i = 0; i < n; i++) {
		members[i].name = names ? names[i] : NULL;
		members[i].type = items[i];
		members[i].bit_offset = r->size * 8;
		r->size += type_size(items[i]);
	}
	r->members = members;
	r->n = n;
	r->complete = true;
	*t = (struct type){ .kind = TYPE_TUPLE, .record = r };
	return t;
}

const struct type *type_at(struct arena *a, const struct type *t, enum space space)
{
	struct type *copy;

	if (t->kind != TYPE_PTR && t->kind != TYPE_STRUCT && t->kind != TYPE_ARRAY)
		return t;
	/* What BTF says of a pointer is more than where it was found. */
	if (t->space == space || (t->kind == TYPE_PTR && t->space != SPACE_ANY))
		return t;
	copy = ARENA_NEW(a, struct type);
	*copy = *t;
	copy->space = space;
	return copy;
}

const struct type *type_owned(struct arena *a, const struct type *t)
{
	struct type *copy;

	if (!type_is_elsewhere(t))
		return t;
	copy = ARENA_NEW(a, struct type);
	*copy = *t;
	copy->origin = t->space;
	copy->space = SPACE_OWN;
	return copy;
}

static size_t round8(uint64_t n)
{
	return (size_t)((n + 7) & ~(uint64_t)7);
}

size_t type_size(const struct type *t)
{
	switch (t->kind) {
	case TYPE_VOID:
	case TYPE_ARGS:
	case TYPE_ANY:
		return 0;
	case TYPE_INT:
	case TYPE_PTR:
	case TYPE_NAME:
	case TYPE_TIME:
		return 8;
	case TYPE_STR:
		return round8((uint64_t)t->limit + 1);
	case TYPE_STRUCT:
	case TYPE_ARRAY:
		return round8(type_c_size(t));
	case TYPE_TUPLE:
		return t->record->size;
	case TYPE_SHOWN:
		return round8((uint64_t)t->shape->size + t->limit);
	}
	return 0;
}

/* More than anything has room for: sums of such sizes do not overflow. */
static uint64_t array_size(uint64_t count, uint64_t each)
{
	const uint64_t max = UINT64_C(1) << 48;

	return each && count > max / each ? max : count * each;
}

uint64_t type_c_size(const struct type *t)
{
	switch (t->kind) {
	case TYPE_VOID:
		return 1; /* as GNU C steps */
	case TYPE_INT:
		return t->size;
	case TYPE_STRUCT:
	case TYPE_TUPLE:
		return t->record->size;
	case TYPE_ARRAY:
		return array_size(t->count, type_c_size(t->to));
	case TYPE_PTR:
	case TYPE_NAME:
	case TYPE_TIME:
		return 8;
	case TYPE_STR:
		return (uint64_t)t->limit + 1;
	case TYPE_SHOWN:
		return type_size(t);
	case TYPE_ARGS:
	case TYPE_ANY:
		break;
	}
	return 0;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_items(const struct record_type *a, const struct record_type *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!same_text(a->members[i].name, b->members[i].name) ||
		    !type_equal(a->members[i].type, b->members[i].type))
			return false;
	return true;
}

/* What pointers lead to is the same wherever it is. */
static bool same_pointee(const struct type *a, const struct type *b)
{
	if (a->kind == TYPE_STRUCT && b->kind == TYPE_STRUCT)
		return a->record == b->record;
	if (a->kind == TYPE_ARRAY && b->kind == TYPE_ARRAY)
		return a->count == b->count && same_pointee(a->to, b->to);
	return type_equal(a, b);
}

bool type_equal(const struct type *a, const struct type *b)
{
	if (a == b)
		return true;
	if (!a || !b || a->kind != b->kind)
		return false;
	switch (a->kind) {
	case TYPE_VOID:
	case TYPE_NAME:
	case TYPE_ARGS:
	case TYPE_ANY:
		return true;
	case TYPE_INT:
		return a->size == b->size && a->is_signed == b->is_signed &&
		       a->unit == b->unit && a->epoch == b->epoch &&
		       a->is_bool == b->is_bool && a->is_char == b->is_char &&
		       a->record == b->record;
	case TYPE_STR:
		return a->limit == b->limit;
	case TYPE_PTR:
		return a->space == b->space && a->to_variable == b->to_variable &&
		       same_pointee(a->to, b->to);
	case TYPE_STRUCT:
		return a->space == b->space && a->origin == b->origin &&
		       a->record == b->record;
	case TYPE_ARRAY:
		return a->space == b->space && a->origin == b->origin &&
		       a->count == b->count && type_equal(a->to, b->to);
	case TYPE_TUPLE:
		return same_items(a->record, b->record);
	case TYPE_SHOWN:
		return a->shape == b->shape && a->limit == b->limit &&
		       same_text(a->format, b->format);
	case TYPE_TIME:
		return a->epoch == b->epoch && same_text(a->format, b->format);
	}
	return false;
}

bool type_is_number(const struct type *t)
{
	return t->kind == TYPE_INT || t->kind == TYPE_PTR;
}

bool type_in_memory(const struct type *t)
{
	switch (t->kind) {
	case TYPE_STR:
	case TYPE_TUPLE:
		return true;
	case TYPE_STRUCT:
	case TYPE_ARRAY:
		return t->space == SPACE_OWN;
	case TYPE_SHOWN:
		return type_size(t) > sizeof(uint64_t);
	case TYPE_VOID:
	case TYPE_INT:
	case TYPE_PTR:
	case TYPE_NAME:
	case TYPE_TIME:
	case TYPE_ARGS:
	case TYPE_ANY:
		break;
	}
	return false;
}

bool type_is_elsewhere(const struct type *t)
{
	return (t->kind == TYPE_STRUCT || t->kind == TYPE_ARRAY) &&
	       t->space != SPACE_OWN;
}

/* Plain numbers, such as the 0 that a variable begins with, are no clock's. */
static enum epoch join_epoch(enum epoch x, enum epoch y)
{
	if (x == EPOCH_NONE || x == y)
		return y;
	return y == EPOCH_NONE ? x : EPOCH_SEVERAL;
}

static const struct type *join_int(struct arena *a, const struct type *x,
				   const struct type *y)
{
	struct type *t = ARENA_NEW(a, struct type);

	*t = (struct type){
		.kind = TYPE_INT,
		.size = x->size > y->size ? x->size : y->size,
		.is_signed = x->is_signed || y->is_signed,
		.is_bool = x->is_bool && y->is_bool,
		.is_char = x->is_char && y->is_char,
		.unit = x->unit == y->unit ? x->unit : UNIT_NONE,
		.epoch = join_epoch(x->epoch, y->epoch),
		.record = x->record == y->record ? x->record : NULL,
	};
	return t;
}

/*
 * An address from two spaces is of either; what it points to must be known. Variables are
 * words, or text that ends with a NUL: they can be read as the larger of two.
 */
static const struct type *join_ptr(struct arena *a, const struct type *x,
				   const struct type *y)
{
	const struct type *to = x->to;

	if (x->to_variable && y->to_variable) {
		to = type_join(a, x->to, y->to);
		return to ? type_ptr_to_variable(a, to) : NULL;
	}
	if (!same_pointee(x->to, y->to)) {
		if (x->to->kind == TYPE_VOID)
			to = y->to;
		else if (y->to->kind != TYPE_VOID)
			return NULL;
	}
	return type_ptr(a, to, x->space == y->space ? x->space : SPACE_ANY);
}

static const struct type *join_items(struct arena *a, const struct type *x,
				     const struct type *y)
{
	size_t n = x->record->n;
	const struct type **items = ARENA_ARRAY(a, const struct type *, n);
	const char **names = ARENA_ARRAY(a, const char *, n);

	if (y->record->n != n)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		const struct type_member *p = &x->record->members[i];
		const struct type_member *q = &y->record->members[i];

		names[i] = p->name;
		items[i] = type_join(a, p->type, q->type);
		if (!items[i] || !same_text(p->name, q->name))
			return NULL;
	}
	return type_tuple(a, items, n && names[0] ? names : NULL, n);
}

static const struct type *join_shown(const struct type *x, const struct type *y)
{
	if (x->shape != y->shape || !same_text(x->format, y->format))
		return NULL;
	return x->limit > y->limit ? x : y;
}

static const struct type *join_aggregate(struct arena *a, const struct type *x,
					 const struct type *y)
{
	x = type_owned(a, x);
	y = type_owned(a, y);
	if (x->origin != y->origin) {
		x = type_at(a, x, SPACE_ANY);
		y = type_at(a, y, SPACE_ANY);
		x = type_owned(a, x);
		y = type_owned(a, y);
	}
	return type_equal(x, y) ? x : NULL;
}

/* func may stand where ksym() does: for bpftrace they are the same. */
static bool takes_name(const struct type *shown, const struct type *name)
{
	return shown->kind == TYPE_SHOWN && shown->shape->names &&
	       name->kind == TYPE_NAME;
}

const struct type *type_join(struct arena *a, const struct type *x,
			     const struct type *y)
{
	if (type_equal(x, y) || takes_name(x, y))
		return x;
	if (takes_name(y, x))
		return y;
	if (x->kind != y->kind)
		return NULL;
	switch (x->kind) {
	case TYPE_INT:
		return join_int(a, x, y);
	case TYPE_STR:
		return x->limit > y->limit ? x : y;
	case TYPE_PTR:
		return join_ptr(a, x, y);
	case TYPE_TUPLE:
		return join_items(a, x, y);
	case TYPE_SHOWN:
		return join_shown(x, y);
	case TYPE_STRUCT:
	case TYPE_ARRAY:
		return join_aggregate(a, x, y);
	case TYPE_VOID:
	case TYPE_NAME:
	case TYPE_TIME:
	case TYPE_ARGS:
	case TYPE_ANY:
		return NULL;
	}
	return NULL;
}

static const char *unit_text(enum unit u)
{
	switch (u) {
	case UNIT_NONE:
		return "";
	case UNIT_NS:
		return " ns";
	case UNIT_US:
		return " us";
	case UNIT_MS:
		return " ms";
	case UNIT_S:
		return " s";
	}
	return "";
}

static const char *pointer_text(struct arena *a, const struct type *t)
{
	const char *to = type_text(a, t->to);
	bool nested = t->to->kind == TYPE_PTR;

	return arena_printf(a, nested ? "%s*" : "%s *", to);
}

static const char *record_text(struct arena *a, const struct record_type *r)
{
	static const char *const tags[] = {
		[TAG_NONE] = "",
		[TAG_STRUCT] = "struct",
		[TAG_UNION] = "union",
		[TAG_ENUM] = "enum",
	};

	return arena_printf(a, "%s %s", tags[r->tag], r->name ? r->name : "{...}");
}

static const char *tuple_text(struct arena *a, const struct record_type *r)
{
	const char *text = "(";

	for (size_t i = 0; i < r->n; i++) {
		const struct type_member *m = &r->members[i];

		text = arena_printf(a, "%s%s%s%s%s", text, i ? ", " : "",
				    m->name ? m->name : "", m->name ? "=" : "",
				    type_text(a, m->type));
	}
	return arena_printf(a, "%s)", text);
}

static const char *int_text(struct arena *a, const struct type *t)
{
	if (t->is_bool)
		return "bool";
	if (t->record)
		return record_text(a, t->record);
	return arena_printf(a, "%sint%u%s", t->is_signed ? "" : "u", t->size * 8u,
			    unit_text(t->unit));
}

const char *type_text(struct arena *a, const struct type *t)
{
	switch (t->kind) {
	case TYPE_VOID:
		return "void";
	case TYPE_INT:
		return int_text(a, t);
	case TYPE_STR:
		return arena_printf(a, "string[%u]", t->limit);
	case TYPE_PTR:
		return pointer_text(a, t);
	case TYPE_STRUCT:
		return record_text(a, t->record);
	case TYPE_ARRAY:
		return arena_printf(a, "%s[%llu]", type_text(a, t->to),
				    (unsigned long long)t->count);
	case TYPE_TUPLE:
		return tuple_text(a, t->record);
	case TYPE_SHOWN:
		return t->shape->name;
	case TYPE_NAME:
		return "name";
	case TYPE_TIME:
		return "time";
	case TYPE_ARGS:
		return "args";
	case TYPE_ANY:
		return "any value";
	}
	return "";
}
