#include "sema/type.h"

#include "core/arena.h"

const struct type type_void = { .kind = TYPE_VOID };
const struct type type_u64 = { .kind = TYPE_INT, .size = 8 };
const struct type type_s64 = { .kind = TYPE_INT, .size = 8, .is_signed = true };
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

const struct type *type_str(struct arena *a, uint32_t limit)
{
	struct type *t = ARENA_NEW(a, struct type);

	*t = (struct type){ .kind = TYPE_STR, .limit = limit };
	return t;
}

const struct type *type_ptr(struct arena *a, const struct type *to, bool user)
{
	struct type *t = ARENA_NEW(a, struct type);

	*t = (struct type){ .kind = TYPE_PTR, .to = to, .user = user };
	return t;
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
		return ((size_t)t->limit + 1 + 7) & ~(size_t)7;
	}
	return 0;
}

static bool same_format(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
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
		       a->unit == b->unit;
	case TYPE_STR:
		return a->limit == b->limit;
	case TYPE_PTR:
		return a->user == b->user && type_equal(a->to, b->to);
	case TYPE_TIME:
		return same_format(a->format, b->format);
	}
	return false;
}

bool type_is_number(const struct type *t)
{
	return t->kind == TYPE_INT || t->kind == TYPE_PTR;
}

static const struct type *join_int(struct arena *a, const struct type *x,
				   const struct type *y)
{
	return type_int(a, x->size > y->size ? x->size : y->size,
			x->is_signed || y->is_signed,
			x->unit == y->unit ? x->unit : UNIT_NONE);
}

const struct type *type_join(struct arena *a, const struct type *x,
			     const struct type *y)
{
	if (type_equal(x, y))
		return x;
	if (x->kind != y->kind)
		return NULL;
	switch (x->kind) {
	case TYPE_INT:
		return join_int(a, x, y);
	case TYPE_STR:
		return x->limit > y->limit ? x : y;
	case TYPE_VOID:
	case TYPE_PTR:
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

const char *type_text(struct arena *a, const struct type *t)
{
	switch (t->kind) {
	case TYPE_VOID:
		return "void";
	case TYPE_INT:
		return arena_printf(a, "%sint%u%s", t->is_signed ? "" : "u",
				    t->size * 8u, unit_text(t->unit));
	case TYPE_STR:
		return arena_printf(a, "string[%u]", t->limit);
	case TYPE_PTR:
		return pointer_text(a, t);
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
