#include "sema/ctype.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "core/arena.h"
#include "core/intern.h"
#include "sema/ctype_def.h"
#include "sema/resolve.h"

/* One record for each struct: by the target's number, or the program's definition. */
struct ctypes {
	struct {
		struct record_type **items;
		size_t n, cap;
	} records;
};

static const struct cast_type {
	const char *name;
	uint8_t size; /* 0: void */
	bool is_signed, is_bool, is_char;
} basic_types[] = {
	{ "int8", 1, true },
	{ "int16", 2, true },
	{ "int32", 4, true },
	{ "int64", 8, true },
	{ "uint8", 1, false },
	{ "uint16", 2, false },
	{ "uint32", 4, false },
	{ "uint64", 8, false },
	{ "char", 1, true, .is_char = true },
	{ "bool", 1, true, .is_bool = true },
	{ "void", 0, false },
};

enum { BASIC_TYPES = sizeof(basic_types) / sizeof(basic_types[0]) };

static const struct type *basic_type(struct arena *a, unsigned size, bool is_signed,
				     bool is_bool, bool is_char)
{
	struct type *t = ARENA_NEW(a, struct type);

	*t = (struct type){
		.kind = TYPE_INT,
		.size = (uint8_t)size,
		.is_signed = is_signed,
		.is_bool = is_bool,
		.is_char = is_char,
	};
	return t;
}

static const struct type *find_basic(struct arena *a, const char *name)
{
	/* Nothing computes with them, but structs have them. */
	if (strcmp(name, "float") == 0 || strcmp(name, "double") == 0)
		return type_array(a, type_int(a, 1, false, UNIT_NONE),
				  *name == 'f' ? 4 : 8, SPACE_ANY);
	for (size_t i = 0; i < BASIC_TYPES; i++) {
		const struct cast_type *c = &basic_types[i];

		if (strcmp(c->name, name) != 0)
			continue;
		return c->size ? basic_type(a, c->size, c->is_signed, c->is_bool,
					    c->is_char)
			       : &type_void;
	}
	return NULL;
}

static struct ctypes *ctypes_get(struct compile *cc)
{
	struct plan *plan = plan_get(cc);

	if (!plan->ctypes)
		plan->ctypes = ARENA_NEW(cc->arena, struct ctypes);
	return plan->ctypes;
}

/* The target's. */

static enum type_tag tag_of(enum target_type_kind kind)
{
	return kind == TARGET_UNION  ? TAG_UNION
	       : kind == TARGET_ENUM ? TAG_ENUM
				     : TAG_STRUCT;
}

static struct record_type *record_of(struct compile *cc, target_type_id id,
				     const struct target_type *t)
{
	struct ctypes *types = ctypes_get(cc);
	struct record_type *r;

	for (size_t i = 0; i < types->records.n; i++)
		if (types->records.items[i]->id == id)
			return types->records.items[i];
	r = ARENA_NEW(cc->arena, struct record_type);
	*r = (struct record_type){
		.tag = tag_of(t->kind),
		.name = t->name && *t->name ? intern_str(cc->names, t->name) : NULL,
		.size = t->size,
		.id = id,
	};
	ARENA_PUSH(cc->arena, &types->records, r);
	return r;
}

static const struct type *enum_type(struct arena *a, const struct record_type *r,
				    unsigned size, bool is_signed)
{
	struct type *t = ARENA_NEW(a, struct type);

	*t = (struct type){
		.kind = TYPE_INT,
		.size = (uint8_t)size,
		.is_signed = is_signed,
		.record = r,
	};
	return t;
}

static bool is_word_size(uint64_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

static const struct type *bytes_type(struct arena *a, uint64_t size)
{
	return type_array(a, type_int(a, 1, false, UNIT_NONE), size, SPACE_ANY);
}

const struct type *ctype_from_target(struct compile *cc, target_type_id id)
{
	const struct target *target = cc->target;
	struct arena *a = cc->arena;
	struct target_type t;

	if (target->ops->type_describe(target, id, &t))
		return &type_void;
	switch (t.kind) {
	case TARGET_VOID:
	case TARGET_FUNC:
		return &type_void;
	case TARGET_INT:
	case TARGET_BOOL:
	case TARGET_CHAR:
		if (!is_word_size(t.size))
			return bytes_type(a, t.size);
		return basic_type(a, (unsigned)t.size,
				  t.is_signed || t.kind == TARGET_BOOL,
				  t.kind == TARGET_BOOL, t.kind == TARGET_CHAR);
	case TARGET_FLOAT:
		return bytes_type(a, t.size);
	case TARGET_PTR:
		return type_ptr(a, ctype_from_target(cc, t.to),
				t.is_user ? SPACE_USER : SPACE_ANY);
	case TARGET_ARRAY:
		return type_array(a, ctype_from_target(cc, t.to), t.count, SPACE_ANY);
	case TARGET_STRUCT:
	case TARGET_UNION:
		return type_struct(a, record_of(cc, t.id, &t), SPACE_ANY);
	case TARGET_ENUM:
		if (!is_word_size(t.size))
			t.size = 4;
		return enum_type(a, record_of(cc, t.id, &t), (unsigned)t.size,
				 t.is_signed);
	}
	return &type_void;
}

struct member_list {
	struct compile *cc;
	struct type_member *items;
	size_t n, cap;
};

static int add_member(const struct target_member *m, void *arg)
{
	struct member_list *l = arg;
	struct type_member out = {
		.name = m->name && *m->name ? intern_str(l->cc->names, m->name) : NULL,
		.type = ctype_from_target(l->cc, m->type),
		.bit_offset = m->bit_offset,
		.bits = m->bits,
	};

	ARENA_PUSH(l->cc->arena, l, out);
	return 0;
}

struct value_list {
	struct compile *cc;
	struct type_value *items;
	size_t n, cap;
};

static int add_value(const char *name, int64_t value, void *arg)
{
	struct value_list *l = arg;
	struct type_value out = { intern_str(l->cc->names, name), value };

	ARENA_PUSH(l->cc->arena, l, out);
	return 0;
}

/* A struct may be only declared where its number was found, and defined elsewhere. */
static target_type_id definition_of(const struct target *t, const struct record_type *r)
{
	struct target_type found;
	target_type_id id;

	if (r->size || !r->name || t->ops->type_find(t, r->tag, r->name, &id) ||
	    t->ops->type_describe(t, id, &found))
		return r->id;
	return id;
}

/* Records are made here and by the program's definitions, so this may write to them. */
bool ctype_complete(struct compile *cc, const struct record_type *record)
{
	struct record_type *r = (struct record_type *)record;
	struct member_list members = { .cc = cc };
	struct value_list values = { .cc = cc };
	const struct target *t = cc->target;
	struct target_type found;
	target_type_id id;

	if (r->complete || !r->id)
		return r->complete;
	id = definition_of(t, r);
	if (r->tag == TAG_ENUM) {
		t->ops->type_values(t, id, add_value, &values);
	} else {
		t->ops->type_members(t, id, add_member, &members);
		if (!t->ops->type_describe(t, id, &found))
			r->size = found.size;
	}
	r->members = members.items;
	r->n = members.n;
	r->values = values.items;
	r->nvalues = values.n;
	r->complete = r->n || r->nvalues || r->size;
	return r->complete;
}

void ctype_complete_shown(struct compile *cc, const struct type *t)
{
	switch (t->kind) {
	case TYPE_ARRAY:
		ctype_complete_shown(cc, t->to);
		break;
	case TYPE_INT:
		if (t->record)
			ctype_complete(cc, t->record);
		break;
	case TYPE_STRUCT:
	case TYPE_TUPLE:
		ctype_complete(cc, t->record);
		for (size_t i = 0; i < t->record->n; i++)
			ctype_complete_shown(cc, t->record->members[i].type);
		break;
	case TYPE_VOID:
	case TYPE_STR:
	case TYPE_PTR:
	case TYPE_SHOWN:
	case TYPE_NAME:
	case TYPE_TIME:
	case TYPE_ARGS:
	case TYPE_ANY:
		break;
	}
}

/* Names. */

const struct type *ctype_find(struct compile *cc, enum type_tag tag, const char *name)
{
	const struct target *t = cc->target;
	const struct type *own;
	target_type_id id;

	if (tag == TAG_NONE && (own = find_basic(cc->arena, name)))
		return own;
	own = ctype_def_find(cc, tag, name);
	if (own)
		return own;
	if (!t->ops->type_find || t->ops->type_find(t, tag, name, &id))
		return NULL;
	return ctype_from_target(cc, id);
}

struct near {
	struct arena *arena;
	struct suggestion guess;
};

static int suggest_name(const char *name, void *arg)
{
	struct near *n = arg;

	suggest(&n->guess, name);
	if (n->guess.best == name)
		n->guess.best = arena_strdup(n->arena, name);
	return 0;
}

/* The program's own come first, then those that the language has. */
static void near_types(struct compile *cc, enum type_tag tag, struct near *n)
{
	const struct target *t = cc->target;

	for (const struct type_def *d = cc->ast->types; d; d = d->next)
		if (d->tag == tag && d->name)
			suggest(&n->guess, d->name);
	for (size_t i = 0; tag == TAG_NONE && i < BASIC_TYPES; i++)
		suggest(&n->guess, basic_types[i].name);
	if (tag == TAG_NONE)
		suggest(&n->guess, "string");
	if (t->ops->type_names)
		t->ops->type_names(t, tag, "*", suggest_name, n);
}

void ctype_suggest_constants(struct compile *cc, struct suggestion *guess)
{
	const struct target *t = cc->target;
	struct near n = { cc->arena, *guess };

	for (const struct type_def *d = cc->ast->types; d; d = d->next)
		for (const struct value_def *v = d->values; v; v = v->next)
			suggest(&n.guess, v->name);
	/* The kernel's are written like this, and are many. */
	if (!n.guess.best && isupper((unsigned char)*n.guess.word) &&
	    t->ops->constant_names)
		t->ops->constant_names(t, suggest_name, &n);
	*guess = n.guess;
}

static void unknown_type(struct compile *cc, const struct type_name *as, struct span at)
{
	static const char *const tags[] = {
		[TAG_NONE] = "",
		[TAG_STRUCT] = "struct ",
		[TAG_UNION] = "union ",
		[TAG_ENUM] = "enum ",
	};
	struct near n = { cc->arena, { .word = as->name } };
	const struct target *t = cc->target;
	target_type_id any;

	diag(cc, DIAG_unknown_type, at, "there is no type '%s%s'", tags[as->tag],
	     as->name);
	if (t->ops->type_find &&
	    t->ops->type_find(t, TAG_STRUCT, "task_struct", &any) == -ENODATA) {
		diag_hint(cc,
			  "this kernel has no BTF, which describes its types: define "
			  "the type in the program");
		return;
	}
	near_types(cc, as->tag, &n);
	if (as->tag == TAG_NONE && ctype_find(cc, TAG_STRUCT, as->name))
		diag_hint(cc, "did you mean 'struct %s'?", as->name);
	else if (n.guess.best)
		diag_hint(cc, "did you mean '%s%s'?", tags[as->tag], n.guess.best);
	else
		diag_hint(cc,
			  "types are the kernel's, or the program's own: %s%s "
			  "{ ... }; those of traced programs (DWARF) are not read",
			  as->tag ? tags[as->tag] : "struct ", as->name);
}

/* string[N] is text of N bytes; everything else has dimensions as in C. */
static const struct type *with_dims(struct compile *cc, const struct type_name *as,
				    const struct type *t)
{
	for (unsigned i = as->ndims; i-- > 0;)
		t = type_array(cc->arena, t, as->dims[i], SPACE_ANY);
	return t;
}

const struct type *ctype_written(struct compile *cc, const struct type_name *as,
				 struct span at, bool report)
{
	const struct type *t;

	if (as->tag == TAG_NONE && strcmp(as->name, "string") == 0 && as->ndims <= 1 &&
	    !as->stars)
		return type_str(cc->arena, as->ndims ? (uint32_t)as->dims[0]
						     : cc->plan->max_strlen);
	t = ctype_find(cc, as->tag, as->name);
	if (!t) {
		/* What is wrong with a definition was said there. */
		if (report && !ctype_def_exists(cc, as->tag, as->name))
			unknown_type(cc, as, at);
		return NULL;
	}
	for (unsigned i = 0; i < as->stars; i++)
		t = type_ptr(cc->arena, t, SPACE_ANY);
	if (t->kind == TYPE_VOID && as->ndims) {
		if (report)
			diag(cc, DIAG_type_mismatch, at, "there is no array of void");
		return NULL;
	}
	return with_dims(cc, as, t);
}

/* Members. */

const struct type_member *ctype_member(struct compile *cc, const struct record_type *r,
				       const char *name, uint64_t *bit_offset)
{
	if (!ctype_complete(cc, r))
		return NULL;
	for (size_t i = 0; i < r->n; i++) {
		const struct type_member *m = &r->members[i], *inner;

		if (m->name && strcmp(m->name, name) == 0) {
			*bit_offset = m->bit_offset;
			return m;
		}
		if (m->name || m->type->kind != TYPE_STRUCT)
			continue;
		inner = ctype_member(cc, m->type->record, name, bit_offset);
		if (inner) {
			*bit_offset += m->bit_offset;
			return inner;
		}
	}
	return NULL;
}

static void near_member(struct compile *cc, const struct record_type *r,
			struct suggestion *near)
{
	for (size_t i = 0; ctype_complete(cc, r) && i < r->n; i++) {
		const struct type_member *m = &r->members[i];

		if (m->name)
			suggest(near, m->name);
		else if (m->type->kind == TYPE_STRUCT)
			near_member(cc, m->type->record, near);
	}
}

const char *ctype_near_member(struct compile *cc, const struct record_type *r,
			      const char *name)
{
	struct suggestion near = { .word = name };

	near_member(cc, r, &near);
	return near.best;
}

const struct type *ctype_constant(struct compile *cc, const char *name, int64_t *value)
{
	const struct type *own = ctype_def_constant(cc, name, value);
	const struct target *t = cc->target;
	target_type_id id;

	if (own)
		return own;
	if (!t->ops->constant || t->ops->constant(t, name, value, &id))
		return NULL;
	return ctype_from_target(cc, id);
}
