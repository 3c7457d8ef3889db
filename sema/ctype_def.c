/*
 * struct, union, enum and typedef of the program, laid out as GCC and clang do it: members
 * at multiples of their alignment, bit fields packed into units of their declared type.
 */
#include "sema/ctype_def.h"

#include <inttypes.h>
#include <string.h>

#include "core/arena.h"
#include "sema/ctype.h"
#include "sema/resolve.h"

/* A definition and what has become of it. */
struct laid_out {
	const struct type_def *def;
	struct record_type *record;
	uint64_t align;
	bool busy; /* being laid out: it cannot contain itself */
};

struct ctype_defs {
	struct laid_out *items;
	size_t n, cap;
};

static struct ctype_defs *defs_get(struct compile *cc)
{
	struct plan *plan = plan_get(cc);

	if (!plan->ctype_defs)
		plan->ctype_defs = ARENA_NEW(cc->arena, struct ctype_defs);
	return plan->ctype_defs;
}

static struct laid_out *lay_out(struct compile *cc, const struct type_def *def);

/* Alignment of a type in memory; of the program's structs it is known. */
static uint64_t align_of(struct compile *cc, const struct type *t)
{
	const struct ctype_defs *defs = defs_get(cc);

	while (t->kind == TYPE_ARRAY)
		t = t->to;
	if (t->kind == TYPE_INT)
		return t->size;
	for (size_t i = 0; t->kind == TYPE_STRUCT && i < defs->n; i++)
		if (defs->items[i].record == t->record)
			return defs->items[i].align;
	return 8; /* pointers, and structs of the kernel */
}

static const struct type *def_type(struct compile *cc, const struct type_def *def)
{
	const struct laid_out *l = lay_out(cc, def);
	struct type *t;

	if (!l)
		return NULL;
	if (def->tag != TAG_ENUM)
		return type_struct(cc->arena, l->record, SPACE_ANY);
	t = ARENA_NEW(cc->arena, struct type);
	*t = (struct type){ .kind = TYPE_INT, .size = 4, .record = l->record };
	for (size_t i = 0; i < l->record->nvalues; i++) {
		int64_t v = l->record->values[i].value;

		t->is_signed = t->is_signed || v < 0;
		if (v > UINT32_MAX || v < INT32_MIN)
			t->size = 8;
	}
	return t;
}

static const struct type *member_type(struct compile *cc, const struct member_def *m)
{
	const struct type *t = m->def ? def_type(cc, m->def)
				      : ctype_written(cc, &m->type, m->span, true);

	if (!t || !m->def)
		return t;
	for (unsigned i = 0; i < m->type.stars; i++)
		t = type_ptr(cc->arena, t, SPACE_ANY);
	for (unsigned i = m->type.ndims; i-- > 0;)
		t = type_array(cc->arena, t, m->type.dims[i], SPACE_ANY);
	return t;
}

/* Where the next member goes, in bits. */
struct cursor {
	uint64_t bit, end, align;
	bool is_union, packed;
};

static uint64_t align_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

static void place_member(struct compile *cc, struct cursor *c,
			 const struct member_def *def, struct type_member *m)
{
	uint64_t size = type_c_size(m->type) * 8, align = align_of(cc, m->type) * 8;

	if (c->is_union)
		c->bit = 0;
	if (c->packed)
		align = 8;
	if (!def->has_bits) {
		c->bit = align_up(c->bit, align);
		m->bit_offset = c->bit;
		c->bit += size;
	} else if (def->bits == 0) {
		c->bit = align_up(c->bit, size); /* "int : 0" ends a unit */
		return;
	} else {
		if (!c->packed && c->bit / size != (c->bit + def->bits - 1) / size)
			c->bit = align_up(c->bit, size);
		m->bit_offset = c->bit;
		m->bits = def->bits;
		c->bit += def->bits;
	}
	c->align = c->align < align ? align : c->align;
	c->end = c->end < c->bit ? c->bit : c->end;
}

static bool check_bits(struct compile *cc, const struct member_def *def,
		       const struct type *t)
{
	if (!def->has_bits)
		return true;
	if (t->kind == TYPE_INT && def->bits <= t->size * 8u)
		return true;
	diag(cc, DIAG_type_mismatch, def->span,
	     "a bit field of %u bits does not fit %s", def->bits,
	     type_text(cc->arena, t));
	return false;
}

/* A struct by value must be known as a whole. */
static bool check_complete(struct compile *cc, const struct member_def *def,
			   const struct type *t)
{
	while (t->kind == TYPE_ARRAY)
		t = t->to;
	if (t->kind == TYPE_VOID) {
		diag(cc, DIAG_type_mismatch, def->span, "no member is void");
		return false;
	}
	if (t->kind != TYPE_STRUCT || ctype_complete(cc, t->record))
		return true;
	diag(cc, DIAG_unknown_type, def->span, "what is in %s is not known here",
	     type_text(cc->arena, t));
	return false;
}

static bool check_size(struct compile *cc, const struct member_def *def,
		       const struct cursor *c)
{
	if (c->end / 8 <= UINT32_MAX)
		return true;
	diag(cc, DIAG_literal_range, def->span,
	     "up to here it takes more than %" PRIu32 " bytes", UINT32_MAX);
	return false;
}

static bool add_members(struct compile *cc, const struct type_def *def,
			struct laid_out *l)
{
	struct cursor c = { .align = 8,
			    .is_union = def->tag == TAG_UNION,
			    .packed = def->packed };
	struct type_member *members;
	size_t n = 0;

	for (const struct member_def *m = def->members; m; m = m->next)
		n++;
	members = ARENA_ARRAY(cc->arena, struct type_member, n);
	n = 0;
	for (const struct member_def *m = def->members; m; m = m->next) {
		struct type_member *out = &members[n];

		out->name = m->name;
		out->type = member_type(cc, m);
		if (!out->type || !check_bits(cc, m, out->type) ||
		    !check_complete(cc, m, out->type))
			return false;
		place_member(cc, &c, m, out);
		if (!check_size(cc, m, &c))
			return false;
		if (!m->has_bits || m->bits)
			n++;
	}
	l->record->members = members;
	l->record->n = n;
	l->align = c.align / 8;
	l->record->size = align_up(c.end, c.align) / 8;
	return true;
}

static bool add_values(struct compile *cc, const struct type_def *def,
		       struct laid_out *l)
{
	struct type_value *values;
	int64_t next = 0;
	size_t n = 0;

	for (const struct value_def *v = def->values; v; v = v->next)
		n++;
	values = ARENA_ARRAY(cc->arena, struct type_value, n);
	n = 0;
	for (const struct value_def *v = def->values; v; v = v->next) {
		if (v->value && !constant_int(v->value, &next)) {
			diag(cc, DIAG_literal_needed, v->value->span,
			     "the value of '%s' must be a constant", v->name);
			return false;
		}
		values[n++] = (struct type_value){ v->name, next++ };
	}
	l->record->values = values;
	l->record->nvalues = n;
	l->record->size = l->align = 4;
	return true;
}

/* NULL after a message. */
static struct laid_out *lay_out(struct compile *cc, const struct type_def *def)
{
	struct ctype_defs *defs = defs_get(cc);
	struct laid_out l = { .def = def, .busy = true };
	size_t i;
	bool ok;

	for (i = 0; i < defs->n; i++) {
		if (defs->items[i].def != def)
			continue;
		/* If not, that was said when it was tried. */
		return defs->items[i].busy || defs->items[i].record->complete
			       ? &defs->items[i]
			       : NULL;
	}
	l.record = ARENA_NEW(cc->arena, struct record_type);
	*l.record = (struct record_type){ .tag = def->tag, .name = def->name };
	ARENA_PUSH(cc->arena, defs, l);
	ok = def->tag == TAG_ENUM ? add_values(cc, def, &l) : add_members(cc, def, &l);
	l.busy = false;
	l.record->complete = ok;
	defs->items[i] = l; /* it may have moved meanwhile */
	return ok ? &defs->items[i] : NULL;
}

static const struct type *alias_type(struct compile *cc, const struct type_def *def)
{
	const struct type *t =
		def->alias_def ? def_type(cc, def->alias_def)
			       : ctype_written(cc, &def->alias, def->span, true);

	for (unsigned i = 0; t && def->alias_def && i < def->alias.stars; i++)
		t = type_ptr(cc->arena, t, SPACE_ANY);
	return t;
}

static const struct type_def *find_def(const struct compile *cc, enum type_tag tag,
				       const char *name)
{
	for (const struct type_def *d = cc->ast ? cc->ast->types : NULL; d; d = d->next)
		if (d->tag == tag && d->name && strcmp(d->name, name) == 0)
			return d;
	return NULL;
}

bool ctype_def_exists(const struct compile *cc, enum type_tag tag, const char *name)
{
	return find_def(cc, tag, name);
}

const struct type *ctype_def_find(struct compile *cc, enum type_tag tag,
				  const char *name)
{
	const struct type_def *d = find_def(cc, tag, name);

	if (!d)
		return NULL;
	return tag == TAG_NONE ? alias_type(cc, d) : def_type(cc, d);
}

const struct type *ctype_def_constant(struct compile *cc, const char *name,
				      int64_t *value)
{
	for (const struct type_def *d = cc->ast ? cc->ast->types : NULL; d;
	     d = d->next) {
		const struct type_def *def = d->tag == TAG_NONE ? d->alias_def : d;
		const struct laid_out *l;

		if (!def || def->tag != TAG_ENUM)
			continue;
		l = lay_out(cc, def);
		for (size_t i = 0; l && i < l->record->nvalues; i++) {
			if (strcmp(l->record->values[i].name, name) != 0)
				continue;
			*value = l->record->values[i].value;
			return def_type(cc, def);
		}
	}
	return NULL;
}
