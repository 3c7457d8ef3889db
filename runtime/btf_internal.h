/* What a set of BTF files is made of: shared by the btf files, by nobody else. */
#ifndef MEMQL_BTF_INTERNAL_H
#define MEMQL_BTF_INTERNAL_H

#include <stdbool.h>

#include "runtime/btf.h"
#include "runtime/btf_file.h"

struct btf_module {
	char *name;
	struct btf_file *file; /* NULL: not opened yet, or err says why it cannot be */
	int err;
	int fd; /* of its BTF in the kernel; 0: not opened yet */
};

struct btf_set {
	char *directory;
	bool tried, listed;
	int err; /* of vmlinux, once it was tried */
	struct btf_file *vmlinux;
	struct btf_module *modules; /* by name */
	size_t nmodules;
};

/* A type and the file whose ids and strings it uses; type is NULL for void. */
struct btf_place {
	const struct btf_type *type;
	struct btf_file *file;
	uint32_t module; /* the upper half of its ids: its number in modules, plus 1 */
	uint32_t id;
};

/*
 * Call look for vmlinux and then each module, or for the one that is named only (NULL
 * and "*" are any), until it returns something else than -ENOENT, and return that.
 */
int btf_each_file(struct btf_set *s, const char *only,
		  int (*look)(struct btf_set *s, struct btf_place *p, void *arg),
		  void *arg);

/* The first type of the name and one of the kinds (a mask), in module or anywhere. */
int btf_place_find(struct btf_set *s, const char *module, enum btf_names names,
		   uint32_t kinds, const char *name, struct btf_place *out);

/* For the kernel: 0 if it is in vmlinux, else the module's BTF; the set closes it. */
int btf_place_fd(struct btf_set *s, const struct btf_place *p, int *fd);

/* Its own name; "". */
const char *btf_place_name(const struct btf_place *p);

/* True if it is of one of the kinds; void is of none. */
bool btf_place_is(const struct btf_place *p, uint32_t kinds);

/* The number of a type that a record of the place refers to by id, and its own. */
target_type_id btf_place_id(const struct btf_place *p, uint32_t id);

/* Where that type is; -EINVAL: nowhere. to may be from. */
int btf_place_go(const struct btf_place *from, uint32_t id, struct btf_place *to);

/* Follow typedefs and modifiers; *user becomes true at a tag that says so, or NULL. */
int btf_place_strip(struct btf_place *p, bool *user);

/* Go from a declaration to the definition, wherever it is; one without stays. */
int btf_place_define(struct btf_set *s, struct btf_place *p);

/* From the number of a type to what it is: stripped and defined. */
int btf_place_resolve(struct btf_set *s, target_type_id id, struct btf_place *out);

#endif
