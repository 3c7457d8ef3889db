/*
 * Records have no index of their own and lengths that depend on their kind: opening
 * walks them once, half a millisecond for the 120,000 of a kernel. A name is searched
 * by a walk over the records that may have it, and from the fifth one on by a hash,
 * since most programs ask for a few structs only, over and over: the latest are
 * remembered. What is kept is small, for a fresh page costs more than to walk over a few
 * records: one offset for STEP records, four bytes for a name.
 */
#include "runtime/btf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEP = 16, WALKS_MAX = 4 };

/* All of one sort that have names. */
struct names {
	uint32_t count;
	uint32_t from, to; /* the records that have them, by number; to is excluded */
	/* Searched for without slots: what was found, 0 for nothing, and among which kinds. */
	struct {
		uint32_t id, mask;
	} walks[WALKS_MAX];
	unsigned nwalks;
	/* Open addressing, in the order of ids: the id of a type with the name, or 0. */
	uint32_t *slots;
	uint32_t mask;
};

/* Bytes that follow the struct btf_type of a kind: in all, and for each item. */
struct layout {
	uint8_t once, each;
	uint16_t flags;
};

/* Each kind that there was when this was written; a FUNC's count is its linkage. */
static const struct kind {
	bool is_known;
	uint8_t once, each, names; /* names: the index that its own name is in */
} kinds[] = {
	[BTF_KIND_INT] = { true, sizeof(uint32_t), 0, BTF_NAMES_TYPES },
	[BTF_KIND_PTR] = { true, 0, 0, BTF_NAMES_COUNT },
	[BTF_KIND_ARRAY] = { true, sizeof(struct btf_array), 0, BTF_NAMES_COUNT },
	[BTF_KIND_STRUCT] = { true, 0, sizeof(struct btf_member), BTF_NAMES_TYPES },
	[BTF_KIND_UNION] = { true, 0, sizeof(struct btf_member), BTF_NAMES_TYPES },
	[BTF_KIND_ENUM] = { true, 0, sizeof(struct btf_enum), BTF_NAMES_TYPES },
	[BTF_KIND_FWD] = { true, 0, 0, BTF_NAMES_TYPES },
	[BTF_KIND_TYPEDEF] = { true, 0, 0, BTF_NAMES_TYPES },
	[BTF_KIND_VOLATILE] = { true, 0, 0, BTF_NAMES_COUNT },
	[BTF_KIND_CONST] = { true, 0, 0, BTF_NAMES_COUNT },
	[BTF_KIND_RESTRICT] = { true, 0, 0, BTF_NAMES_COUNT },
	[BTF_KIND_FUNC] = { true, 0, 0, BTF_NAMES_FUNCTIONS },
	[BTF_KIND_FUNC_PROTO] = { true, 0, sizeof(struct btf_param), BTF_NAMES_COUNT },
	[BTF_KIND_VAR] = { true, sizeof(struct btf_var), 0, BTF_NAMES_COUNT },
	[BTF_KIND_DATASEC] = { true, 0, sizeof(struct btf_var_secinfo),
			       BTF_NAMES_COUNT },
	[BTF_KIND_FLOAT] = { true, 0, 0, BTF_NAMES_TYPES },
	[BTF_KIND_DECL_TAG] = { true, sizeof(struct btf_decl_tag), 0, BTF_NAMES_COUNT },
	[BTF_KIND_TYPE_TAG] = { true, 0, 0, BTF_NAMES_COUNT },
	[BTF_KIND_ENUM64] = { true, 0, sizeof(struct btf_enum64), BTF_NAMES_TYPES },
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

struct btf_file {
	const struct btf_file *base;
	char *image; /* what was mapped or read; NULL: the caller's memory */
	size_t image_size;
	bool is_mapped;

	const char *types, *strings;
	uint32_t types_size, strings_size;
	const struct layout *layouts;
	size_t nlayouts;

	uint32_t first, count; /* ids, and how many */
	uint32_t string_base;  /* the offset of the first string of this file */
	bool has_signs;        /* an enum is marked as signed */
	uint32_t *offsets;     /* in types, of every record whose number STEP divides */
	struct names names[BTF_NAMES_COUNT];
};

/* Not every kernel lets its BTF be mapped (6.16 was the first): the others are read. */
static int read_all(int fd, char *to, size_t size)
{
	while (size) {
		ssize_t n = read(fd, to, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EINVAL;
		to += n;
		size -= (size_t)n;
	}
	return 0;
}

static int read_image(int fd, struct btf_file *f)
{
	struct stat st;
	void *map;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(struct btf_header) ||
	    st.st_size > UINT32_MAX)
		return -EINVAL;
	f->image_size = (size_t)st.st_size;
	map = mmap(NULL, f->image_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map != MAP_FAILED) {
		f->image = map;
		f->is_mapped = true;
		return 0;
	}
	f->image = malloc(f->image_size);
	return f->image ? read_all(fd, f->image, f->image_size) : -ENOMEM;
}

/* A section of the file that header's fields name, or NULL if it is not inside. */
static const char *section(const char *bytes, size_t size, uint32_t header,
			   uint32_t offset, uint32_t length)
{
	uint64_t start = (uint64_t)header + offset;

	return start + length <= size ? bytes + start : NULL;
}

static int read_header(struct btf_file *f, const char *bytes, size_t size)
{
	const struct btf_header *h = (const struct btf_header *)bytes;
	const uint32_t *more = (const uint32_t *)(h + 1);
	uint32_t layouts_size = 0;

	if (size < sizeof(*h) || h->magic != BTF_MAGIC || h->version != BTF_VERSION ||
	    h->hdr_len < sizeof(*h) || h->hdr_len > size || h->hdr_len % 4)
		return -EINVAL;
	f->types = section(bytes, size, h->hdr_len, h->type_off, h->type_len);
	f->types_size = h->type_len;
	f->strings = section(bytes, size, h->hdr_len, h->str_off, h->str_len);
	f->strings_size = h->str_len;
	if (!f->types || !f->strings || h->type_off % 4)
		return -EINVAL;
	/* With its end every string of the section ends. */
	if (f->strings_size && f->strings[f->strings_size - 1])
		return -EINVAL;
	if (h->hdr_len >= sizeof(*h) + 2 * sizeof(*more)) {
		layouts_size = more[1];
		f->layouts = (const void *)section(bytes, size, h->hdr_len, more[0],
						   layouts_size);
		if (!f->layouts || more[0] % 2)
			return -EINVAL;
	}
	f->nlayouts = layouts_size / sizeof(*f->layouts);
	return 0;
}

/*
 * Bytes of a record. Kinds that are newer than this are stepped over, if the file tells
 * how long they are, as those since 7.2 do; -1: it does not.
 */
static int64_t record_size(const struct btf_file *f, const struct btf_type *t)
{
	unsigned kind = btf_kind_of(t);
	int64_t size = sizeof(*t), n = btf_count_of(t);

	if (kind < KINDS && kinds[kind].is_known)
		return size + kinds[kind].once + n * kinds[kind].each;
	if (kind == BTF_KIND_UNKN || kind >= f->nlayouts)
		return -1;
	return size + f->layouts[kind].once + n * f->layouts[kind].each;
}

static bool is_enum(const struct btf_type *t)
{
	return btf_kind_of(t) == BTF_KIND_ENUM || btf_kind_of(t) == BTF_KIND_ENUM64;
}

/* Which index has the name of a type, or BTF_NAMES_COUNT: none. */
static unsigned names_of(const struct btf_type *t)
{
	unsigned kind = btf_kind_of(t);

	return kind < KINDS && t->name_off ? kinds[kind].names : BTF_NAMES_COUNT;
}

static void add_count(struct names *n, uint32_t record, uint32_t count)
{
	if (!n->count)
		n->from = record;
	n->to = record + 1;
	n->count += count;
}

/* The record is number f->count. */
static void count_names(struct btf_file *f, const struct btf_type *t)
{
	unsigned which = names_of(t);

	if (which != BTF_NAMES_COUNT)
		add_count(&f->names[which], f->count, 1);
	if (is_enum(t)) {
		add_count(&f->names[BTF_NAMES_CONSTANTS], f->count, btf_count_of(t));
		f->has_signs = f->has_signs || btf_flag_of(t);
	}
}

/* Finds where the records are, and that they are inside. */
static int read_types(struct btf_file *f)
{
	size_t most = f->types_size / sizeof(struct btf_type) / STEP + 1;
	uint32_t at = 0;

	f->offsets = malloc(most * sizeof(*f->offsets));
	if (!f->offsets)
		return -ENOMEM;
	while (at < f->types_size) {
		const struct btf_type *t = (const struct btf_type *)(f->types + at);
		uint32_t left = f->types_size - at;
		int64_t size = left < sizeof(*t) ? -1 : record_size(f, t);

		if (size < 0 || size > left || size % 4)
			return -EINVAL;
		count_names(f, t);
		if (f->count % STEP == 0)
			f->offsets[f->count / STEP] = at;
		f->count++;
		at += (uint32_t)size;
	}
	return f->count > UINT32_MAX - f->first ? -EINVAL : 0;
}

static int read_file(struct btf_file *f, const char *bytes, size_t size)
{
	int err = read_header(f, bytes, size);

	if (err)
		return err;
	f->first = f->base ? btf_file_end(f->base) : 1;
	f->string_base = f->base ? f->base->string_base + f->base->strings_size : 0;
	return read_types(f);
}

static int open_file(struct btf_file *f, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int err;

	if (fd < 0)
		return -errno;
	err = read_image(fd, f);
	close(fd);
	return err ? err : read_file(f, f->image, f->image_size);
}

int btf_file_open(const char *path, const struct btf_file *base, struct btf_file **out)
{
	struct btf_file *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	f->base = base;
	err = open_file(f, path);
	if (err)
		btf_file_close(f);
	else
		*out = f;
	return err;
}

int btf_file_from_bytes(const void *bytes, size_t size, const struct btf_file *base,
			struct btf_file **out)
{
	struct btf_file *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	f->base = base;
	err = read_file(f, bytes, size);
	if (err)
		btf_file_close(f);
	else
		*out = f;
	return err;
}

void btf_file_close(struct btf_file *f)
{
	if (!f)
		return;
	for (int i = 0; i < BTF_NAMES_COUNT; i++)
		free(f->names[i].slots);
	free(f->offsets);
	if (f->is_mapped)
		munmap(f->image, f->image_size);
	else
		free(f->image);
	free(f);
}

uint32_t btf_file_first(const struct btf_file *f)
{
	return f->first;
}

uint32_t btf_file_end(const struct btf_file *f)
{
	return f->first + f->count;
}

static const struct btf_type *next_record(const struct btf_file *f,
					  const struct btf_type *t)
{
	return (const struct btf_type *)((const char *)t + record_size(f, t));
}

static const struct btf_type *record(const struct btf_file *f, uint32_t number)
{
	const struct btf_type *t =
		(const struct btf_type *)(f->types + f->offsets[number / STEP]);

	for (number %= STEP; number; number--)
		t = next_record(f, t);
	return t;
}

const struct btf_type *btf_file_type(const struct btf_file *f, uint32_t id)
{
	while (f && id < f->first)
		f = f->base;
	if (!f || id - f->first >= f->count)
		return NULL;
	return record(f, id - f->first);
}

const char *btf_file_string(const struct btf_file *f, uint32_t offset)
{
	while (f && offset < f->string_base)
		f = f->base;
	if (!f || offset - f->string_base >= f->strings_size)
		return "";
	return f->strings + (offset - f->string_base);
}

bool btf_file_has_signs(const struct btf_file *f)
{
	return f->base ? f->base->has_signs : f->has_signs;
}

/* FNV-1a. */
static uint32_t hash_name(const char *name)
{
	uint32_t h = 2166136261u;

	while (*name)
		h = (h ^ (unsigned char)*name++) * 16777619u;
	return h;
}

static void add_name(struct names *n, const char *name, uint32_t id)
{
	uint32_t at = hash_name(name) & n->mask;

	while (n->slots[at])
		at = (at + 1) & n->mask;
	n->slots[at] = id;
}

/* Enumerators of both kinds begin with their name. */
static const char *enumerator(const struct btf_file *f, const struct btf_type *t,
			      uint32_t i)
{
	const struct btf_enum *small = btf_items_of(t);
	const struct btf_enum64 *wide = btf_items_of(t);
	bool is_small = btf_kind_of(t) == BTF_KIND_ENUM;

	return btf_file_string(f, is_small ? small[i].name_off : wide[i].name_off);
}

static bool has_names(const struct btf_type *t, enum btf_names which)
{
	return which == BTF_NAMES_CONSTANTS ? is_enum(t) : names_of(t) == which;
}

const struct btf_type *btf_file_next(const struct btf_file *f, enum btf_names which,
				     const struct btf_type *after)
{
	const struct names *n = &f->names[which];
	const struct btf_type *t, *end;

	if (!n->count)
		return NULL;
	t = after ? next_record(f, after) : record(f, n->from);
	end = next_record(f, record(f, n->to - 1));
	while (t != end && !has_names(t, which))
		t = next_record(f, t);
	return t != end ? t : NULL;
}

static int make_slots(const struct btf_file *f, enum btf_names which, struct names *n)
{
	const struct btf_type *t = record(f, n->from);
	size_t size = 16;

	while (size < (size_t)n->count + n->count / 2)
		size *= 2;
	n->slots = calloc(size, sizeof(*n->slots));
	if (!n->slots)
		return -ENOMEM;
	n->mask = (uint32_t)(size - 1);
	for (uint32_t i = n->from; i < n->to; i++, t = next_record(f, t)) {
		if (names_of(t) == which)
			add_name(n, btf_file_string(f, t->name_off), f->first + i);
		if (which == BTF_NAMES_CONSTANTS && is_enum(t))
			for (uint32_t j = 0; j < btf_count_of(t); j++)
				add_name(n, enumerator(f, t, j), f->first + i);
	}
	return 0;
}

static bool is_meant(const struct btf_file *f, enum btf_names which, uint32_t mask,
		     const struct btf_type *t, const char *name)
{
	if (btf_kind_of(t) >= KINDS || !(mask >> btf_kind_of(t) & 1))
		return false;
	if (which != BTF_NAMES_CONSTANTS)
		return strcmp(btf_file_string(f, t->name_off), name) == 0;
	for (uint32_t i = 0; i < btf_count_of(t); i++)
		if (strcmp(enumerator(f, t, i), name) == 0)
			return true;
	return false;
}

/*
 * The id of a type that was searched for before, or 0. The enum that was found for one of
 * its constants may not be the first that has another one.
 */
static uint32_t find_again(const struct btf_file *f, enum btf_names which,
			   uint32_t mask, const char *name)
{
	const struct names *n = &f->names[which];

	if (which == BTF_NAMES_CONSTANTS)
		return 0;
	for (unsigned i = 0; i < n->nwalks; i++)
		if (n->walks[i].id && n->walks[i].mask == mask &&
		    is_meant(f, which, mask, btf_file_type(f, n->walks[i].id), name))
			return n->walks[i].id;
	return 0;
}

/* The id of the type, or 0. */
static uint32_t find_by_walk(const struct btf_file *f, enum btf_names which,
			     uint32_t mask, const char *name)
{
	const struct names *n = &f->names[which];
	const struct btf_type *t = record(f, n->from);

	for (uint32_t i = n->from; i < n->to; i++, t = next_record(f, t))
		if (is_meant(f, which, mask, t, name))
			return f->first + i;
	return 0;
}

static uint32_t find_by_hash(const struct btf_file *f, enum btf_names which,
			     uint32_t mask, const char *name)
{
	const struct names *n = &f->names[which];
	uint32_t at;

	for (at = hash_name(name) & n->mask; n->slots[at]; at = (at + 1) & n->mask)
		if (is_meant(f, which, mask, btf_file_type(f, n->slots[at]), name))
			return n->slots[at];
	return 0;
}

/* The same; -ENOMEM. */
static int find_anew(struct btf_file *f, enum btf_names which, uint32_t mask,
		     const char *name, uint32_t *id)
{
	struct names *n = &f->names[which];
	int err = n->slots || n->nwalks < WALKS_MAX ? 0 : make_slots(f, which, n);

	if (err)
		return err;
	if (n->slots) {
		*id = find_by_hash(f, which, mask, name);
		return 0;
	}
	*id = find_by_walk(f, which, mask, name);
	n->walks[n->nwalks].id = *id;
	n->walks[n->nwalks++].mask = mask;
	return 0;
}

int btf_file_find(struct btf_file *f, enum btf_names which, uint32_t mask,
		  const char *name, uint32_t *id)
{
	uint32_t found;
	int err = 0;

	if (!f->names[which].count || !*name)
		return -ENOENT;
	found = find_again(f, which, mask, name);
	if (!found)
		err = find_anew(f, which, mask, name, &found);
	if (err || !found)
		return err ? err : -ENOENT;
	*id = found;
	return 0;
}
