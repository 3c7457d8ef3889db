/*
 * One file of BTF, the kernel's description of its types: that of vmlinux, or that of a
 * module, which continues the type ids and string offsets of vmlinux.
 *
 * Every record is checked once, when the file is opened: what btf_file_type() hands out
 * lies in the file with all that follows it. Ids and offsets inside of records may be
 * anything; the functions here take any.
 */
#ifndef MEMQL_BTF_FILE_H
#define MEMQL_BTF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/btf.h>

struct btf_file;

/* What has names, each kind with an index of its own that the first search makes. */
enum btf_names {
	BTF_NAMES_TYPES,     /* structs, unions, enums, typedefs, basic types */
	BTF_NAMES_FUNCTIONS, /* of the kernel, not prototypes */
	BTF_NAMES_CONSTANTS, /* enumerators: the id is that of their enum */
	BTF_NAMES_COUNT
};

/*
 * Read a file; base is vmlinux for a module's, else NULL, and must outlive it. 0;
 * -EINVAL: it is not BTF, or it is damaged; or what open and read say.
 */
int btf_file_open(const char *path, const struct btf_file *base, struct btf_file **out);
/* The same from memory, which must be aligned to 4 bytes and outlive the file. */
int btf_file_from_bytes(const void *bytes, size_t size, const struct btf_file *base,
			struct btf_file **out);
void btf_file_close(struct btf_file *f); /* NULL is fine */

/* Ids from first on, and below end, are of this file; those below first of its base. */
uint32_t btf_file_first(const struct btf_file *f);
uint32_t btf_file_end(const struct btf_file *f);

/* NULL: there is no such type; also for 0, which is void. */
const struct btf_type *btf_file_type(const struct btf_file *f, uint32_t id);

/* "" for an offset outside of the strings. */
const char *btf_file_string(const struct btf_file *f, uint32_t offset);

/* True if BTF says which enums are signed; before 6.0 it did not. */
bool btf_file_has_signs(const struct btf_file *f);

/*
 * The first type of this file alone that has the name and one of the kinds in the
 * mask, 1 << BTF_KIND_...; *id is set only on success. 0, -ENOENT or -ENOMEM.
 */
int btf_file_find(struct btf_file *f, enum btf_names which, uint32_t mask,
		  const char *name, uint32_t *id);

/*
 * The types or functions of this file alone that have names, in their order: the first
 * after the one that is given (NULL: of all), or NULL.
 */
const struct btf_type *btf_file_next(const struct btf_file *f, enum btf_names which,
				     const struct btf_type *after);

/* Since 7.2 the count has 24 bits and the kind 7; before, the new ones were zero. */
static inline unsigned btf_kind_of(const struct btf_type *t)
{
	return (t->info >> 24) & 0x7f;
}

static inline uint32_t btf_count_of(const struct btf_type *t)
{
	return t->info & 0xffffff;
}

static inline bool btf_flag_of(const struct btf_type *t)
{
	return t->info >> 31;
}

/* What follows a record, count times: members, parameters, enumerators. */
static inline const void *btf_items_of(const struct btf_type *t)
{
	return t + 1;
}

#endif
