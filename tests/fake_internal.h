/* What the fake machine is made of: shared by the fake files, by nobody else. */
#ifndef MEMQL_FAKE_INTERNAL_H
#define MEMQL_FAKE_INTERNAL_H

#include "tests/fake_target.h"

struct arena;
struct fake_types;

enum { PIDS_MAX = 4, NAMES_MAX = 4 };

struct fake_event {
	const char *group, *name;
	struct {
		struct target_field *items;
		size_t n, cap;
	} fields;
};

struct fake_data {
	const char *name;
	uint64_t address;
};

struct fake_object {
	const char *path;
	const char *names[NAMES_MAX];
	int32_t pid, used[PIDS_MAX];
	int err;
	const char *section;
	struct {
		struct target_symbol *items;
		size_t n, cap;
	} symbols;
	struct {
		struct fake_data *items;
		size_t n, cap;
	} data;
	struct {
		struct target_usdt *items;
		size_t n, cap;
	} usdt;
};

struct fake_names {
	struct fake_name {
		const char *module, *name;
	} *items;
	size_t n, cap;
};

struct fake {
	struct target target; /* first: what the compiler holds */
	struct arena *arena;
	bool has[FEATURE_COUNT];
	int tracefs;
	struct {
		struct fake_event *items;
		size_t n, cap;
	} events;
	struct {
		struct fake_object *items;
		size_t n, cap;
	} objects;
	struct fake_names functions, raw_tracepoints;
	struct {
		struct fake_data *items;
		size_t n, cap;
	} kernel_symbols, cgroups;
	struct fake_types *types; /* NULL: no BTF */
	const char *unknown;      /* the last function, while BTF does not know it */
	bool is_tracepoint;       /* it is a raw tracepoint */
};

extern const struct target_ops fake_ops;

/* fake_types.c: the types, as BTF that the kernel's own reader reads. */

/*
 * Take a line that is about types: true if it is one and well-formed. What follows a
 * function or raw tracepoint, "param" and "returns", belongs to the one that
 * fake_types_function() was told last.
 */
bool fake_types_line(struct fake *f, char *const *words, size_t n);
void fake_types_function(struct fake *f, const char *name, bool is_tracepoint);
/* All lines are read: false if they contradict each other. */
bool fake_types_finish(struct fake *f);

/* The questions that it answers. */
int fake_type_find(const struct target *t, enum type_tag tag, const char *name,
		   target_type_id *out);
int fake_type_describe(const struct target *t, target_type_id id,
		       struct target_type *out);
int fake_type_members(const struct target *t, target_type_id id,
		      int (*found)(const struct target_member *m, void *arg),
		      void *arg);
int fake_type_values(const struct target *t, target_type_id id,
		     int (*found)(const char *name, int64_t value, void *arg),
		     void *arg);
int fake_constant(const struct target *t, const char *name, int64_t *value,
		  target_type_id *type);
int fake_constant_names(const struct target *t,
			int (*found)(const char *name, void *arg), void *arg);
int fake_type_names(const struct target *t, enum type_tag tag, const char *pattern,
		    int (*found)(const char *name, void *arg), void *arg);
int fake_function_params(const struct target *t, const char *module, const char *name,
			 int (*found)(const struct target_param *p, void *arg),
			 void *arg, target_type_id *returns);
int fake_raw_tracepoint_params(const struct target *t, const char *event,
			       int (*found)(const struct target_param *p, void *arg),
			       void *arg);

#endif
