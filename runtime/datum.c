#include "runtime/datum.h"

#include <assert.h>
#include <string.h>

#include "builtins/builtin.h"
#include "runtime/sink.h"

/* Reading. */

static uint64_t load_word(const void *bytes)
{
	uint64_t n;

	memcpy(&n, bytes, sizeof(n));
	return n;
}

struct datum datum_stored(const struct type *type, const void *bytes)
{
	struct datum d = { .type = type };

	if (!type_in_memory(type)) {
		d.n = load_word(bytes);
		return d;
	}
	d.s = bytes;
	d.len = type->kind == TYPE_STR ? strnlen(d.s, type->limit) : type_size(type);
	return d;
}

static uint64_t extend(uint64_t n, unsigned bits, bool is_signed)
{
	unsigned unused = 64 - bits;

	if (!bits)
		return 0;
	n <<= unused;
	return is_signed ? (uint64_t)((int64_t)n >> unused) : n >> unused;
}

/*
 * An integer in C's memory, little-endian; a bit field spans up to nine bytes. bit: its
 * offset from the struct's begin.
 */
static uint64_t load_int(const struct type *t, const char *bytes, uint64_t bit,
			 unsigned bits)
{
	unsigned shift = bit % 8;
	unsigned __int128 n = 0;

	if (!bits)
		bits = t->size * 8u;
	memcpy(&n, bytes + bit / 8, (shift + bits + 7) / 8);
	return extend((uint64_t)(n >> shift), bits, t->is_signed);
}

/* A member or element, as C has it and not as type_size() would. */
static struct datum load_c(const struct type *t, const char *bytes, uint64_t bit,
			   unsigned bits)
{
	struct datum d = { .type = t };

	switch (t->kind) {
	case TYPE_INT:
		d.n = load_int(t, bytes, bit, bits);
		break;
	case TYPE_STRUCT:
	case TYPE_ARRAY:
		d.s = bytes + bit / 8;
		d.len = type_c_size(t);
		break;
	case TYPE_PTR:
	case TYPE_STR:
	case TYPE_TUPLE:
	case TYPE_SHOWN:
	case TYPE_NAME:
	case TYPE_TIME:
		return datum_stored(t, bytes + bit / 8);
	case TYPE_VOID:
	case TYPE_ARGS:
	case TYPE_ANY:
		break; /* no value has them */
	}
	return d;
}

/* Parts. */

bool datum_is_chars(const struct datum *d, size_t *len)
{
	if (d->type->kind != TYPE_ARRAY || !d->type->to->is_char)
		return false;
	*len = d->type->count ? strnlen(d->s, d->type->count) : 0;
	return true;
}

bool datum_is_tuple(const struct datum *d)
{
	const struct record_type *r = d->type->record;

	return d->type->kind == TYPE_TUPLE && (!r->n || !r->members[0].name);
}

size_t datum_parts(const struct datum *d)
{
	size_t len;

	switch (d->type->kind) {
	case TYPE_STRUCT:
	case TYPE_TUPLE:
		return d->type->record->n;
	case TYPE_ARRAY:
		return datum_is_chars(d, &len) ? 0 : d->type->count;
	case TYPE_VOID:
	case TYPE_INT:
	case TYPE_STR:
	case TYPE_PTR:
	case TYPE_SHOWN:
	case TYPE_NAME:
	case TYPE_TIME:
	case TYPE_ARGS:
	case TYPE_ANY:
		break;
	}
	return 0;
}

struct datum datum_part(const struct datum *d, size_t i)
{
	const struct type_member *m;
	uint64_t bit;

	assert(i < datum_parts(d));
	if (d->type->kind == TYPE_ARRAY) {
		bit = i * type_c_size(d->type->to) * 8;
		return load_c(d->type->to, d->s, bit, 0);
	}
	m = &d->type->record->members[i];
	if (d->type->kind == TYPE_TUPLE)
		return datum_stored(m->type, d->s + m->bit_offset / 8);
	return load_c(m->type, d->s, m->bit_offset, m->bits);
}

const char *datum_part_name(const struct datum *d, size_t i)
{
	if (d->type->kind == TYPE_ARRAY)
		return NULL;
	return d->type->record->members[i].name;
}

size_t datum_key_parts(const struct datum *keys, size_t n)
{
	return n == 1 && datum_is_tuple(keys) ? datum_parts(keys) : n;
}

struct datum datum_key_part(const struct datum *keys, size_t n, size_t i)
{
	return n == 1 && datum_is_tuple(keys) ? datum_part(keys, i) : keys[i];
}

/* What is known of a value. */

const char *datum_enum_name(const struct datum *d)
{
	const struct record_type *r = d->type->record;
	unsigned bits = d->type->size * 8u;

	if (d->type->kind != TYPE_INT || !r)
		return NULL;
	/* Whether values of 32 bits have been extended by a sign depends on who made the
	 * BTF. */
	for (size_t i = 0; i < r->nvalues; i++)
		if (extend((uint64_t)r->values[i].value, bits, false) ==
		    extend(d->n, bits, false))
			return r->values[i].name;
	return NULL;
}

const char *datum_name(const struct sink *out, const struct datum *d)
{
	const char *name = sink_name(out, d->n);

	return name ? name : "";
}

bool datum_type_has_bytes(const struct type *t)
{
	switch (t->kind) {
	case TYPE_STR:
		return true;
	case TYPE_SHOWN:
		return t->shape->bytes != NULL;
	case TYPE_ARRAY:
		return t->to->kind == TYPE_INT && t->to->size == 1;
	case TYPE_VOID:
	case TYPE_INT:
	case TYPE_PTR:
	case TYPE_STRUCT:
	case TYPE_TUPLE:
	case TYPE_NAME:
	case TYPE_TIME:
	case TYPE_ARGS:
	case TYPE_ANY:
		break;
	}
	return false;
}

bool datum_bytes(const struct datum *d, const char **bytes, size_t *len)
{
	if (!datum_type_has_bytes(d->type))
		return false;
	if (d->type->kind == TYPE_SHOWN) {
		*bytes = d->type->shape->bytes(d, len);
		return true;
	}
	*bytes = d->s;
	*len = d->type->kind == TYPE_ARRAY ? d->type->count : d->len;
	return true;
}

/* Comparing. */

static int compare_unsigned(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_signed(uint64_t a, uint64_t b)
{
	return ((int64_t)a > (int64_t)b) - ((int64_t)a < (int64_t)b);
}

static int compare_bytes(const char *a, size_t na, const char *b, size_t nb)
{
	size_t n = na < nb ? na : nb;
	int c = n ? memcmp(a, b, n) : 0;

	return c ? c : compare_unsigned(na, nb);
}

static int compare_parts(const struct sink *out, const struct datum *a,
			 const struct datum *b)
{
	int c = 0;

	for (size_t i = 0; !c && i < datum_parts(a); i++) {
		struct datum x = datum_part(a, i), y = datum_part(b, i);

		c = datum_compare(out, &x, &y);
	}
	return c;
}

static int compare_shown(const struct datum *a, const struct datum *b)
{
	if (a->type->shape->compare)
		return a->type->shape->compare(a, b);
	return type_in_memory(a->type) ? compare_bytes(a->s, a->len, b->s, b->len)
				       : compare_unsigned(a->n, b->n);
}

int datum_compare(const struct sink *out, const struct datum *a, const struct datum *b)
{
	size_t na, nb;
	int c;

	switch (a->type->kind) {
	case TYPE_INT:
		return a->type->is_signed ? compare_signed(a->n, b->n)
					  : compare_unsigned(a->n, b->n);
	case TYPE_PTR:
	case TYPE_TIME:
		return compare_unsigned(a->n, b->n);
	case TYPE_STR:
		return compare_bytes(a->s, a->len, b->s, b->len);
	case TYPE_NAME:
		return strcmp(datum_name(out, a), datum_name(out, b));
	case TYPE_SHOWN:
		return compare_shown(a, b);
	case TYPE_ARRAY:
		if (datum_is_chars(a, &na) && datum_is_chars(b, &nb))
			return compare_bytes(a->s, na, b->s, nb);
		return compare_parts(out, a, b);
	case TYPE_TUPLE:
		return compare_parts(out, a, b);
	case TYPE_STRUCT:
		c = compare_parts(out, a, b);
		return c ? c : compare_bytes(a->s, a->len, b->s, b->len);
	case TYPE_VOID:
	case TYPE_ARGS:
	case TYPE_ANY:
		break; /* no value has them */
	}
	return 0;
}

/* Writing. */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

void datum_store(const struct datum *d, const struct type *as, unsigned char *out)
{
	if (!type_in_memory(as)) {
		memcpy(out, &d->n, sizeof(d->n));
		return;
	}
	if (as->kind != TYPE_TUPLE) {
		size_t most = as->kind == TYPE_STR ? as->limit : type_size(as);

		if (d->len)
			memcpy(out, d->s, least(d->len, most));
		return;
	}
	for (size_t i = 0; i < least(as->record->n, datum_parts(d)); i++) {
		const struct type_member *m = &as->record->members[i];
		struct datum item = datum_part(d, i);

		datum_store(&item, m->type, out + m->bit_offset / 8);
	}
}

static uint64_t divide(uint64_t n, uint64_t div, bool is_signed)
{
	if (is_signed && (int64_t)n < 0)
		return -(-n / div);
	return n / div;
}

struct datum datum_divided(const struct datum *d, uint64_t div, unsigned char *room)
{
	const struct type *t = d->type;
	struct datum result = *d;

	if (div <= 1)
		return result;
	if (t->kind == TYPE_INT && !t->is_bool && !t->record)
		result.n = divide(d->n, div, t->is_signed);
	if (t->kind != TYPE_TUPLE)
		return result;
	memcpy(room, d->s, type_size(t));
	for (size_t i = 0; i < t->record->n; i++) {
		unsigned char *at = room + t->record->members[i].bit_offset / 8;
		struct datum item = datum_part(d, i);
		/* A tuple within divides itself in its place. */
		struct datum part = datum_divided(&item, div, at);

		if (!type_in_memory(part.type))
			datum_store(&part, part.type, at);
	}
	result.s = (const char *)room;
	return result;
}
