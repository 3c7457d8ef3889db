/* What the fake machine answers; about types: fake_types.c. */
#include "tests/fake_internal.h"

#include <errno.h>
#include <string.h>

#include "probes/probe.h"

static const struct fake *fake_of(const struct target *t)
{
	return (const struct fake *)t;
}

static bool fake_has(const struct target *t, enum feature f)
{
	return fake_of(t)->has[f];
}

static int fake_tracepoints(const struct target *t, const char *group,
			    const char *event,
			    int (*found)(const char *, const char *, void *), void *arg)
{
	const struct fake *f = fake_of(t);
	int err = f->tracefs;

	for (size_t i = 0; i < f->events.n && !err; i++) {
		const struct fake_event *e = &f->events.items[i];

		if (glob_match(group, e->group) && glob_match(event, e->name))
			err = found(e->group, e->name, arg);
	}
	return err;
}

static int fake_fields(const struct target *t, const char *group, const char *event,
		       int (*found)(const struct target_field *, void *), void *arg)
{
	const struct fake *f = fake_of(t);
	int err = 0;

	for (size_t i = 0; i < f->events.n; i++) {
		const struct fake_event *e = &f->events.items[i];

		if (strcmp(e->group, group) != 0 || strcmp(e->name, event) != 0)
			continue;
		for (size_t j = 0; j < e->fields.n && !err; j++)
			err = found(&e->fields.items[j], arg);
		return err;
	}
	return -ENOENT;
}

static bool uses(const struct fake_object *o, int32_t pid)
{
	bool found = o->pid == pid;

	for (int i = 0; i < PIDS_MAX; i++)
		found = found || o->used[i] == pid;
	return found;
}

static bool is_named(const struct fake_object *o, const char *name)
{
	const char *base = strrchr(o->path, '/');

	if (strcmp(o->path, name) == 0 || (base && glob_match(name, base + 1)))
		return true;
	for (int i = 0; i < NAMES_MAX; i++)
		if (o->names[i] && strcmp(o->names[i], name) == 0)
			return true;
	return false;
}

static bool is_meant(const struct fake_object *o, const char *name, int32_t pid)
{
	if (pid)
		return uses(o, pid) &&
		       (!*name || strcmp(name, "*") == 0 || is_named(o, name));
	if (!glob_is_pattern(name))
		return is_named(o, name);
	if (*name == '/')
		return glob_match(name, o->path);
	return o->pid && (glob_match(name, o->path) || is_named(o, name));
}

static int fake_objects(const struct target *t, const char *name, int32_t pid,
			int (*found)(const char *, void *), void *arg)
{
	const struct fake *f = fake_of(t);
	int err = 0;

	for (size_t i = 0; i < f->objects.n && !err; i++)
		if (is_meant(&f->objects.items[i], name, pid))
			err = found(f->objects.items[i].path, arg);
	return err;
}

static const struct fake_object *find_object(const struct target *t, const char *path)
{
	const struct fake *f = fake_of(t);

	for (size_t i = 0; i < f->objects.n; i++)
		if (strcmp(f->objects.items[i].path, path) == 0)
			return &f->objects.items[i];
	return NULL;
}

static int fake_symbols(const struct target *t, const char *path,
			int (*found)(const struct target_symbol *, void *), void *arg)
{
	const struct fake_object *o = find_object(t, path);
	int err = o ? o->err : -ENOENT;

	for (size_t i = 0; o && i < o->symbols.n && !err; i++)
		err = found(&o->symbols.items[i], arg);
	return err;
}

static int fake_usdt(const struct target *t, const char *path,
		     int (*found)(const struct target_usdt *, void *), void *arg)
{
	const struct fake_object *o = find_object(t, path);
	int err = o ? o->err : -ENOENT;

	for (size_t i = 0; o && i < o->usdt.n && !err; i++)
		err = found(&o->usdt.items[i], arg);
	return err;
}

static int fake_symbol_address(const struct target *t, const char *path,
			       const char *name, uint64_t *address, uint64_t *size)
{
	const struct fake_object *o = find_object(t, path);

	for (size_t i = 0; o && i < o->data.n; i++) {
		if (strcmp(o->data.items[i].name, name) == 0) {
			*address = o->data.items[i].address;
			*size = 8;
			return 0;
		}
	}
	return -ENOENT;
}

/* No instructions are there; the symbols say where addresses are in the file. */
static int fake_code(const struct target *t, const char *path, uint64_t address,
		     uint64_t *offset, uint8_t *bytes, size_t *size)
{
	const struct fake_object *o = find_object(t, path);

	(void)bytes;
	*size = 0;
	for (size_t i = 0; o && i < o->symbols.n; i++) {
		const struct target_symbol *s = &o->symbols.items[i];

		if (address >= s->address && address < s->address + s->size) {
			*offset = s->offset + (address - s->address);
			return 0;
		}
	}
	return o ? -ERANGE : -ENOENT;
}

static int fake_linked_address(const struct target *t, const char *path,
			       uint64_t offset, uint64_t *address)
{
	const struct fake_object *o = find_object(t, path);

	for (size_t i = 0; o && i < o->symbols.n; i++) {
		const struct target_symbol *s = &o->symbols.items[i];

		if (offset >= s->offset && offset < s->offset + s->size) {
			*address = s->address + (offset - s->offset);
			return 0;
		}
	}
	return o ? -ERANGE : -ENOENT;
}

static bool fake_has_section(const struct target *t, const char *path, const char *name)
{
	const struct fake_object *o = find_object(t, path);

	return o && o->section && strcmp(o->section, name) == 0;
}

static int each_name(const struct fake_names *names, const char *module,
		     const char *name,
		     int (*found)(const char *module, const char *name, void *arg),
		     void *arg)
{
	int err = 0;

	for (size_t i = 0; i < names->n && !err; i++) {
		const struct fake_name *k = &names->items[i];

		if (glob_match(module, k->module) && glob_match(name, k->name))
			err = found(k->module, k->name, arg);
	}
	return err;
}

static int fake_functions(const struct target *t, const char *module, const char *name,
			  int (*found)(const char *, const char *, void *), void *arg)
{
	return each_name(&fake_of(t)->functions, module, name, found, arg);
}

static int fake_raw_tracepoints(const struct target *t, const char *module,
				const char *event,
				int (*found)(const char *, const char *, void *),
				void *arg)
{
	return each_name(&fake_of(t)->raw_tracepoints, module, event, found, arg);
}

static int fake_kernel_symbol(const struct target *t, const char *name,
			      uint64_t *address)
{
	const struct fake *f = fake_of(t);

	for (size_t i = 0; i < f->kernel_symbols.n; i++) {
		if (strcmp(f->kernel_symbols.items[i].name, name) == 0) {
			*address = f->kernel_symbols.items[i].address;
			return 0;
		}
	}
	return -ENOENT;
}

static int fake_cgroup_id(const struct target *t, const char *path, uint64_t *id)
{
	const struct fake *f = fake_of(t);

	for (size_t i = 0; i < f->cgroups.n; i++) {
		if (strcmp(f->cgroups.items[i].name, path) == 0) {
			*id = f->cgroups.items[i].address;
			return *id ? 0 : -EMEDIUMTYPE;
		}
	}
	return -ENOENT;
}

static unsigned fake_process_count(const struct target *t)
{
	const struct fake *f = fake_of(t);
	unsigned n = 0;

	for (size_t i = 0; i < f->objects.n; i++)
		n += f->objects.items[i].pid != 0;
	return n;
}

const struct target_ops fake_ops = {
	.has = fake_has,
	.tracepoints = fake_tracepoints,
	.tracepoint_fields = fake_fields,
	.objects = fake_objects,
	.symbols = fake_symbols,
	.usdt = fake_usdt,
	.symbol_address = fake_symbol_address,
	.linked_address = fake_linked_address,
	.code = fake_code,
	.has_section = fake_has_section,
	.type_find = fake_type_find,
	.type_describe = fake_type_describe,
	.type_members = fake_type_members,
	.type_values = fake_type_values,
	.constant = fake_constant,
	.constant_names = fake_constant_names,
	.type_names = fake_type_names,
	.functions = fake_functions,
	.function_params = fake_function_params,
	.raw_tracepoint_params = fake_raw_tracepoint_params,
	.raw_tracepoints = fake_raw_tracepoints,
	.kernel_symbol = fake_kernel_symbol,
	.cgroup_id = fake_cgroup_id,
	.process_count = fake_process_count,
};
