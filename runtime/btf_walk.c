/*
 * What the verifier lets a program load through a pointer to one of the kernel's structs, as
 * btf_struct_walk() in kernel/bpf/btf.c decides it (5.11 to 6.18). Where versions differ, or
 * a kind of member is rare, the answer is no: a helper reads it then.
 */
#include "runtime/btf.h"

#include <errno.h>
#include <string.h>

#include "runtime/btf_internal.h"

enum { DEPTH_MAX = 32, RECORDS = 1 << BTF_KIND_STRUCT | 1 << BTF_KIND_UNION };

/* Where the walk is. */
struct walk {
	struct btf_set *set;
	struct btf_place record; /* STRUCT or UNION */
	uint64_t offset;         /* bytes from its start */
};

/* Programs may not follow pointers with such a tag. */
static bool is_forbidden(const struct btf_place *p)
{
	const char *tag = btf_place_name(p);

	return !strcmp(tag, "user") || !strcmp(tag, "percpu");
}

/* p is a pointer: to a struct that vmlinux defines, where the verifier knows it. */
static int follow(struct btf_place *p, target_type_id *next)
{
	int err = btf_place_go(p, p->type->type, p);

	for (int i = 0; !err && i < DEPTH_MAX && p->type; i++) {
		if (btf_place_is(p, RECORDS)) {
			*next = btf_place_id(p, p->id);
			return 0;
		}
		if (!btf_place_is(p, 1 << BTF_KIND_TYPE_TAG | 1 << BTF_KIND_TYPEDEF |
					     1 << BTF_KIND_VOLATILE |
					     1 << BTF_KIND_CONST |
					     1 << BTF_KIND_RESTRICT) ||
		    (btf_place_is(p, 1 << BTF_KIND_TYPE_TAG) && is_forbidden(p)))
			break;
		err = btf_place_go(p, p->type->type, p);
	}
	return err ? err : -EACCES;
}

static bool is_bit_field(const struct btf_place *record, const struct btf_member *m)
{
	return m->offset % 8 ||
	       (btf_flag_of(record->type) && BTF_MEMBER_BITFIELD_SIZE(m->offset));
}

/* The first member that has the place; of a union the others never count. */
static int find_member(const struct walk *w, struct btf_place *of, uint64_t *start,
		       uint64_t *size)
{
	const struct btf_member *items = btf_items_of(w->record.type);
	bool flag = btf_flag_of(w->record.type);

	for (uint32_t i = 0; i < btf_count_of(w->record.type); i++) {
		struct target_type t;
		int err;

		*start = (flag ? BTF_MEMBER_BIT_OFFSET(items[i].offset)
			       : items[i].offset) /
			 8;
		if (*start > w->offset)
			break;
		err = btf_describe(w->set, btf_place_id(&w->record, items[i].type), &t);
		if (!err)
			err = btf_place_go(&w->record, items[i].type, of);
		if (!err)
			err = btf_place_strip(of, NULL);
		if (err)
			return err;
		if (w->offset >= *start + t.size)
			continue;
		*size = t.size;
		return is_bit_field(&w->record, &items[i]) ? -EACCES : 0;
	}
	return -EACCES;
}

int btf_walk(struct btf_set *s, target_type_id id, uint64_t offset, unsigned size,
	     target_type_id *next)
{
	struct walk w = { .set = s, .offset = offset };
	int err = id >> 32 ? -EACCES : btf_place_resolve(s, id, &w.record);

	for (int depth = 0; !err && depth < DEPTH_MAX; depth++) {
		struct btf_place of;
		uint64_t start, bytes;

		if (!btf_place_is(&w.record, RECORDS) ||
		    w.offset + size > w.record.type->size)
			return -EACCES;
		err = find_member(&w, &of, &start, &bytes);
		if (err)
			return err;
		w.offset -= start;
		if (btf_place_is(&of, RECORDS)) {
			w.record = of;
			continue;
		}
		if (btf_place_is(&of, 1 << BTF_KIND_PTR))
			return w.offset || size != bytes ? -EACCES : follow(&of, next);
		if (!btf_place_is(&of, 1 << BTF_KIND_INT | 1 << BTF_KIND_ENUM |
					       1 << BTF_KIND_ENUM64) ||
		    w.offset % size || w.offset + size > bytes)
			return -EACCES;
		*next = 0;
		return 0;
	}
	return err ? err : -EACCES;
}
