/*
 * The types, functions and constants of the running kernel and its modules, as
 * struct target (sema/target.h) tells them. An id has the number of the module in its
 * upper half, 0 for vmlinux: modules use the same numbers for different types.
 *
 * Modules are looked at only for what vmlinux does not have, in the order of their
 * names. Nothing is read before the first question; what is read is kept.
 */
#ifndef MEMQL_BTF_H
#define MEMQL_BTF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sema/target.h"

struct btf_set;

/* directory: where vmlinux and the modules are; NULL: /sys/kernel/btf. 0 or -ENOMEM. */
int btf_open(const char *directory, struct btf_set **out);
/* A kernel without modules, from memory that must outlive the set; 0 or -errno. */
int btf_from_bytes(const void *bytes, size_t size, struct btf_set **out);
void btf_close(struct btf_set *s); /* NULL is fine */

/* The questions of struct target_ops; -EINVAL is damaged BTF. */
int btf_find(struct btf_set *s, enum type_tag tag, const char *name,
	     target_type_id *out);
int btf_describe(struct btf_set *s, target_type_id id, struct target_type *out);
int btf_members(struct btf_set *s, target_type_id id,
		int (*found)(const struct target_member *m, void *arg), void *arg);
int btf_values(struct btf_set *s, target_type_id id,
	       int (*found)(const char *name, int64_t value, void *arg), void *arg);
int btf_constant(struct btf_set *s, const char *name, int64_t *value,
		 target_type_id *type);
int btf_constant_names(struct btf_set *s, int (*found)(const char *name, void *arg),
		       void *arg);
int btf_type_names(struct btf_set *s, enum type_tag tag, const char *pattern,
		   int (*found)(const char *name, void *arg), void *arg);

/* As type_walk of struct target_ops. */
int btf_walk(struct btf_set *s, target_type_id id, uint64_t offset, unsigned size,
	     target_type_id *next);

/* module: "vmlinux", a module's name, or NULL or "*" for the first that has it. */
int btf_function_params(struct btf_set *s, const char *module, const char *name,
			int (*found)(const struct target_param *p, void *arg),
			void *arg, target_type_id *returns);
/* Whether the kernel itself, not a module, has the tracepoint. */
bool btf_has_raw_tracepoint(struct btf_set *s, const char *event);
int btf_raw_tracepoint_params(struct btf_set *s, const char *event,
			      int (*found)(const struct target_param *p, void *arg),
			      void *arg);

/*
 * For BPF_PROG_LOAD: the kernel's own number of a function (fentry, fexit, iterators,
 * functions that programs may call), or of the typedef that stands for a raw tracepoint
 * (tp_btf). *fd is 0 if vmlinux has it, else a descriptor of the module's BTF in the
 * kernel, which lives as long as the set. -ENOENT: there is none.
 */
int btf_function_id(struct btf_set *s, const char *module, const char *name,
		    uint32_t *id, int *fd);
int btf_raw_tracepoint_id(struct btf_set *s, const char *event, uint32_t *id, int *fd);

#endif
