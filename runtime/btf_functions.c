/* Functions and raw tracepoints: see runtime/btf.h. */
#include "runtime/btf.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "runtime/btf_internal.h"

/* How many parameters: "..." is a last one without name and type. */
static uint32_t count_params(const struct btf_place *proto)
{
	const struct btf_param *items = btf_items_of(proto->type);
	uint32_t n = btf_count_of(proto->type);

	return n && !items[n - 1].name_off && !items[n - 1].type ? n - 1 : n;
}

/* Calls found for the parameters from the skipped ones on, with names as names has them. */
static int each_param(const struct btf_place *proto, const struct btf_place *names,
		      uint32_t skipped,
		      int (*found)(const struct target_param *p, void *arg), void *arg)
{
	const struct btf_param *types = btf_items_of(proto->type);
	const struct btf_param *named = btf_items_of(names->type);
	uint32_t n = count_params(proto);
	int err = 0;

	for (uint32_t i = skipped; !err && i < n; i++) {
		struct target_param p = {
			.name = btf_file_string(names->file, named[i].name_off),
			.type = btf_place_id(proto, types[i].type),
		};

		err = found(&p, arg);
	}
	return err;
}

static int find_function(struct btf_set *s, const char *module, const char *name,
			 struct btf_place *out)
{
	return btf_place_find(s, module, BTF_NAMES_FUNCTIONS, 1 << BTF_KIND_FUNC, name,
			      out);
}

static int find_prototype(struct btf_set *s, const char *module, const char *name,
			  struct btf_place *out)
{
	int err = find_function(s, module, name, out);

	if (!err)
		err = btf_place_go(out, out->type->type, out);
	if (!err && !btf_place_is(out, 1 << BTF_KIND_FUNC_PROTO))
		err = -EINVAL;
	return err;
}

int btf_function_params(struct btf_set *s, const char *module, const char *name,
			int (*found)(const struct target_param *p, void *arg),
			void *arg, target_type_id *returns)
{
	struct btf_place p;
	int err = find_prototype(s, module, name, &p);

	if (err)
		return err;
	if (returns)
		*returns = btf_place_id(&p, p.type->type);
	return each_param(&p, &p, 0, found, arg);
}

int btf_function_id(struct btf_set *s, const char *module, const char *name,
		    uint32_t *id, int *fd)
{
	struct btf_place p;
	int err = find_function(s, module, name, &p);

	if (!err)
		err = btf_place_fd(s, &p, fd);
	if (!err)
		*id = p.id;
	return err;
}

/* False: that would be too long to be the name of anything. */
static bool join(char *out, size_t size, const char *prefix, const char *name)
{
	int n = snprintf(out, size, "%s%s", prefix, name);

	return n >= 0 && (size_t)n < size;
}

/* The typedef that the kernel makes for each tracepoint: of a pointer to a function. */
static int find_raw_tracepoint(struct btf_set *s, const char *event,
			       struct btf_place *out)
{
	char name[NAME_MAX];

	if (!join(name, sizeof(name), "btf_trace_", event))
		return -ENOENT;
	return btf_place_find(s, NULL, BTF_NAMES_TYPES, 1 << BTF_KIND_TYPEDEF, name,
			      out);
}

bool btf_has_raw_tracepoint(struct btf_set *s, const char *event)
{
	struct btf_place p;
	char name[NAME_MAX];

	return join(name, sizeof(name), "btf_trace_", event) &&
	       !btf_place_find(s, "vmlinux", BTF_NAMES_TYPES, 1 << BTF_KIND_TYPEDEF,
			       name, &p);
}

/* A typedef has no parameters' names: those are in the function that calls all probes. */
static void find_names(struct btf_set *s, const char *event, struct btf_place *proto)
{
	struct btf_place p;
	char name[NAME_MAX];

	if (join(name, sizeof(name), "__traceiter_", event) &&
	    find_prototype(s, NULL, name, &p) == 0 &&
	    count_params(&p) == count_params(proto))
		*proto = p;
}

int btf_raw_tracepoint_params(struct btf_set *s, const char *event,
			      int (*found)(const struct target_param *p, void *arg),
			      void *arg)
{
	struct btf_place p, names;
	int err = find_raw_tracepoint(s, event, &p);

	if (!err)
		err = btf_place_strip(&p, NULL);
	if (!err && btf_place_is(&p, 1 << BTF_KIND_PTR))
		err = btf_place_go(&p, p.type->type, &p);
	if (!err && !btf_place_is(&p, 1 << BTF_KIND_FUNC_PROTO))
		err = -EINVAL;
	if (err)
		return err;
	names = p;
	find_names(s, event, &names);
	return each_param(&p, &names, 1, found, arg);
}

int btf_raw_tracepoint_id(struct btf_set *s, const char *event, uint32_t *id, int *fd)
{
	struct btf_place p;
	int err = find_raw_tracepoint(s, event, &p);

	if (!err)
		err = btf_place_fd(s, &p, fd);
	if (!err)
		*id = p.id;
	return err;
}
