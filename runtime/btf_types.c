/* What types are: see runtime/btf.h. */
#include "runtime/btf.h"

#include <errno.h>
#include <string.h>

#include "probes/probe.h"
#include "runtime/btf_internal.h"

/* Arrays of more dimensions are a circle. */
enum { DIMENSIONS_MAX = 64, POINTER_SIZE = 8 };

static uint32_t kinds_of(enum type_tag tag)
{
	switch (tag) {
	case TAG_NONE:
		return 1 << BTF_KIND_TYPEDEF | 1 << BTF_KIND_INT | 1 << BTF_KIND_FLOAT;
	case TAG_STRUCT:
		return 1 << BTF_KIND_STRUCT;
	case TAG_UNION:
		return 1 << BTF_KIND_UNION;
	case TAG_ENUM:
		return 1 << BTF_KIND_ENUM | 1 << BTF_KIND_ENUM64;
	}
	return 0;
}

/* A declaration by the same words: its flag says union. */
static int find_declaration(struct btf_set *s, enum type_tag tag, const char *name,
			    struct btf_place *out)
{
	int err;

	if (tag != TAG_STRUCT && tag != TAG_UNION)
		return -ENOENT;
	err = btf_place_find(s, NULL, BTF_NAMES_TYPES, 1 << BTF_KIND_FWD, name, out);
	if (!err && btf_flag_of(out->type) != (tag == TAG_UNION))
		err = -ENOENT;
	return err;
}

int btf_find(struct btf_set *s, enum type_tag tag, const char *name,
	     target_type_id *out)
{
	struct btf_place p;
	int err = btf_place_find(s, NULL, BTF_NAMES_TYPES, kinds_of(tag), name, &p);

	if (err == -ENOENT)
		err = find_declaration(s, tag, name, &p);
	if (!err)
		*out = btf_place_id(&p, p.id);
	return err;
}

static uint32_t int_word(const struct btf_type *t)
{
	return *(const uint32_t *)btf_items_of(t);
}

/* Kernels call char a plain integer; and since 6.2 theirs is unsigned. */
static void describe_int(const struct btf_place *p, struct target_type *out)
{
	const char *name = btf_place_name(p);
	unsigned encoding = BTF_INT_ENCODING(int_word(p->type));

	out->size = p->type->size;
	out->is_signed = encoding & BTF_INT_SIGNED;
	if (encoding & BTF_INT_BOOL || strcmp(name, "_Bool") == 0 ||
	    strcmp(name, "bool") == 0)
		out->kind = TARGET_BOOL;
	else if (strcmp(name, "char") == 0 && out->size == 1)
		out->kind = TARGET_CHAR;
	else
		out->kind = TARGET_INT;
}

static int describe_pointer(const struct btf_place *p, struct target_type *out)
{
	struct btf_place to;
	int err = btf_place_go(p, p->type->type, &to);

	out->kind = TARGET_PTR;
	out->size = POINTER_SIZE;
	out->to = btf_place_id(p, p->type->type);
	return err ? err : btf_place_strip(&to, &out->is_user);
}

static int describe_place(struct btf_set *s, struct btf_place *p,
			  struct target_type *out);

/* Of an array of arrays too: its size is what they hold in all. */
static int describe_array(struct btf_set *s, const struct btf_place *p,
			  struct target_type *out)
{
	const struct btf_array *a = btf_items_of(p->type);
	uint64_t count = a->nelems;
	struct btf_place item = *p;
	struct target_type last;
	int err;

	out->kind = TARGET_ARRAY;
	out->to = btf_place_id(p, a->type);
	out->count = a->nelems;
	for (int i = 0;; i++) {
		err = i < DIMENSIONS_MAX ? btf_place_go(&item, a->type, &item)
					 : -EINVAL;
		if (!err)
			err = btf_place_strip(&item, NULL);
		if (err)
			return err;
		if (!btf_place_is(&item, 1 << BTF_KIND_ARRAY))
			break;
		a = btf_items_of(item.type);
		if (__builtin_mul_overflow(count, a->nelems, &count))
			return -EINVAL;
	}
	err = describe_place(s, &item, &last);
	if (!err && __builtin_mul_overflow(count, last.size, &out->size))
		err = -EINVAL;
	return err;
}

/*
 * Before 6.0 BTF did not say which enums are signed, and cut the values of wide ones to
 * 32 bits. Those that could be an errno are then negative: on 5.15 that is right of 34
 * enums that 6.1 says more of, and wrong of 5 masks.
 */
static bool has_signed_values(const struct btf_place *p)
{
	const struct btf_enum *items = btf_items_of(p->type);

	if (btf_flag_of(p->type) || btf_file_has_signs(p->file) ||
	    btf_place_is(p, 1 << BTF_KIND_ENUM64))
		return btf_flag_of(p->type);
	for (uint32_t i = 0; i < btf_count_of(p->type); i++)
		if (items[i].val < 0 && items[i].val >= -4095)
			return true;
	return false;
}

/* What strip() ended with. */
static int describe_place(struct btf_set *s, struct btf_place *p,
			  struct target_type *out)
{
	int err = btf_place_define(s, p);

	*out = (struct target_type){ .kind = TARGET_VOID, .name = "" };
	if (err || !p->type)
		return err;
	out->id = btf_place_id(p, p->id);
	switch (btf_kind_of(p->type)) {
	case BTF_KIND_INT:
		describe_int(p, out);
		return 0;
	case BTF_KIND_FLOAT:
		out->kind = TARGET_FLOAT;
		out->size = p->type->size;
		return 0;
	case BTF_KIND_PTR:
		return describe_pointer(p, out);
	case BTF_KIND_ARRAY:
		return describe_array(s, p, out);
	case BTF_KIND_FUNC_PROTO:
		out->kind = TARGET_FUNC;
		return 0;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		out->kind = btf_place_is(p, 1 << BTF_KIND_UNION) ? TARGET_UNION
								 : TARGET_STRUCT;
		out->size = p->type->size;
		break;
	case BTF_KIND_FWD:
		out->kind = btf_flag_of(p->type) ? TARGET_UNION : TARGET_STRUCT;
		break;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		out->kind = TARGET_ENUM;
		out->size = p->type->size;
		out->is_signed = has_signed_values(p);
		break;
	default:
		return -EINVAL;
	}
	out->name = btf_place_name(p);
	return 0;
}

int btf_describe(struct btf_set *s, target_type_id id, struct target_type *out)
{
	struct btf_place p;
	int err = btf_place_resolve(s, id, &p);

	return err ? err : describe_place(s, &p, out);
}

/*
 * Bit fields are told by the record, if its flag is set, or by an integer type of their
 * own that has fewer bits than bytes, as in BTF before 5.0.
 */
static int describe_member(const struct btf_place *p, const struct btf_member *m,
			   struct target_member *out)
{
	struct btf_place of;
	uint32_t word;
	int err;

	*out = (struct target_member){
		.name = btf_file_string(p->file, m->name_off),
		.type = btf_place_id(p, m->type),
		.bit_offset = m->offset,
	};
	if (btf_flag_of(p->type)) {
		out->bits = BTF_MEMBER_BITFIELD_SIZE(m->offset);
		out->bit_offset = BTF_MEMBER_BIT_OFFSET(m->offset);
		return 0;
	}
	err = btf_place_go(p, m->type, &of);
	if (!err)
		err = btf_place_strip(&of, NULL);
	if (err || !btf_place_is(&of, 1 << BTF_KIND_INT))
		return err;
	word = int_word(of.type);
	if (BTF_INT_OFFSET(word) || BTF_INT_BITS(word) != of.type->size * 8 ||
	    m->offset % 8) {
		out->bits = BTF_INT_BITS(word);
		out->bit_offset += BTF_INT_OFFSET(word);
	}
	return 0;
}

int btf_members(struct btf_set *s, target_type_id id,
		int (*found)(const struct target_member *m, void *arg), void *arg)
{
	struct btf_place p;
	const struct btf_member *items;
	int err = btf_place_resolve(s, id, &p);

	if (!err && !btf_place_is(&p, 1 << BTF_KIND_STRUCT | 1 << BTF_KIND_UNION))
		err = btf_place_is(&p, 1 << BTF_KIND_FWD) ? -ENOENT : -EINVAL;
	if (err)
		return err;
	items = btf_items_of(p.type);
	for (uint32_t i = 0; !err && i < btf_count_of(p.type); i++) {
		struct target_member m;

		err = describe_member(&p, &items[i], &m);
		if (!err)
			err = found(&m, arg);
	}
	return err;
}

static int64_t enumerator(const struct btf_place *p, bool is_signed, uint32_t i,
			  const char **name)
{
	const struct btf_enum *small = btf_items_of(p->type);
	const struct btf_enum64 *wide = btf_items_of(p->type);

	if (btf_place_is(p, 1 << BTF_KIND_ENUM64)) {
		*name = btf_file_string(p->file, wide[i].name_off);
		return (int64_t)((uint64_t)wide[i].val_hi32 << 32 | wide[i].val_lo32);
	}
	*name = btf_file_string(p->file, small[i].name_off);
	return is_signed ? small[i].val : (int64_t)(uint32_t)small[i].val;
}

int btf_values(struct btf_set *s, target_type_id id,
	       int (*found)(const char *name, int64_t value, void *arg), void *arg)
{
	struct btf_place p;
	bool is_signed;
	int err = btf_place_resolve(s, id, &p);

	if (!err && !btf_place_is(&p, kinds_of(TAG_ENUM)))
		err = -EINVAL;
	if (err)
		return err;
	is_signed = has_signed_values(&p);
	for (uint32_t i = 0; !err && i < btf_count_of(p.type); i++) {
		const char *name;
		int64_t value = enumerator(&p, is_signed, i, &name);

		err = found(name, value, arg);
	}
	return err;
}

int btf_constant(struct btf_set *s, const char *name, int64_t *value,
		 target_type_id *type)
{
	struct btf_place p;
	bool is_signed;
	int err = btf_place_find(s, NULL, BTF_NAMES_CONSTANTS, kinds_of(TAG_ENUM), name,
				 &p);

	if (err)
		return err;
	is_signed = has_signed_values(&p);
	for (uint32_t i = 0; i < btf_count_of(p.type); i++) {
		const char *n;
		int64_t v = enumerator(&p, is_signed, i, &n);

		if (strcmp(n, name) == 0) {
			*value = v;
			*type = btf_place_id(&p, p.id);
			return 0;
		}
	}
	return -ENOENT;
}

struct constant_listing {
	int (*found)(const char *name, void *arg);
	void *arg;
};

/* -ENOENT, unless found stops: as list_names(). */
static int list_constants(struct btf_set *s, struct btf_place *p, void *arg)
{
	const struct constant_listing *l = arg;
	int err = 0;

	(void)s;
	p->type = NULL;
	while (!err &&
	       (p->type = btf_file_next(p->file, BTF_NAMES_CONSTANTS, p->type))) {
		for (uint32_t i = 0; !err && i < btf_count_of(p->type); i++) {
			const char *name;

			enumerator(p, false, i, &name);
			err = l->found(name, l->arg);
		}
	}
	return err ? err : -ENOENT;
}

int btf_constant_names(struct btf_set *s, int (*found)(const char *name, void *arg),
		       void *arg)
{
	struct constant_listing l = { found, arg };
	int err = btf_each_file(s, NULL, list_constants, &l);

	return err == -ENOENT ? 0 : err;
}

struct listing {
	enum type_tag tag;
	const char *pattern;
	int (*found)(const char *name, void *arg);
	void *arg;
};

/* Of types of one name, the first stands for all. */
static bool is_first(struct btf_set *s, uint32_t kinds, const struct btf_place *p)
{
	struct btf_place first;

	return btf_place_find(s, NULL, BTF_NAMES_TYPES, kinds, btf_place_name(p),
			      &first) == 0 &&
	       first.type == p->type;
}

/* -ENOENT, unless found stops: the next file is to be listed too. */
static int list_names(struct btf_set *s, struct btf_place *p, void *arg)
{
	const struct listing *l = arg;
	uint32_t kinds = kinds_of(l->tag);
	int err = 0;

	p->type = NULL;
	while (!err && (p->type = btf_file_next(p->file, BTF_NAMES_TYPES, p->type))) {
		const char *name = btf_place_name(p);

		if (btf_place_is(p, kinds) && glob_match(l->pattern, name) &&
		    is_first(s, kinds, p))
			err = l->found(name, l->arg);
	}
	return err ? err : -ENOENT;
}

int btf_type_names(struct btf_set *s, enum type_tag tag, const char *pattern,
		   int (*found)(const char *name, void *arg), void *arg)
{
	struct listing l = { tag, pattern, found, arg };
	int err = btf_each_file(s, NULL, list_names, &l);

	return err == -ENOENT ? 0 : err;
}
