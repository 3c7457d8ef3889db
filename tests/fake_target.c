#include "tests/fake_target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/compile.h"
#include "core/source.h"
#include "probes/probe.h"

enum { WORDS_MAX = 16, PIDS_MAX = 4, NAMES_MAX = 4 };

struct event {
	const char *group, *name;
	struct {
		struct target_field *items;
		size_t n, cap;
	} fields;
};

struct data {
	const char *name;
	uint64_t address;
};

struct object {
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
		struct data *items;
		size_t n, cap;
	} data;
	struct {
		struct target_usdt *items;
		size_t n, cap;
	} usdt;
};

struct names {
	struct kernel_name {
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
		struct event *items;
		size_t n, cap;
	} events;
	struct {
		struct object *items;
		size_t n, cap;
	} objects;
	struct names functions, raw_tracepoints;
	struct {
		struct data *items;
		size_t n, cap;
	} kernel_symbols;
};

static const struct fake *fake_of(const struct target *t)
{
	return (const struct fake *)t;
}

/* The questions. */

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
		const struct event *e = &f->events.items[i];

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
		const struct event *e = &f->events.items[i];

		if (strcmp(e->group, group) != 0 || strcmp(e->name, event) != 0)
			continue;
		for (size_t j = 0; j < e->fields.n && !err; j++)
			err = found(&e->fields.items[j], arg);
		return err;
	}
	return -ENOENT;
}

static bool uses(const struct object *o, int32_t pid)
{
	bool found = o->pid == pid;

	for (int i = 0; i < PIDS_MAX; i++)
		found = found || o->used[i] == pid;
	return found;
}

static bool is_named(const struct object *o, const char *name)
{
	const char *base = strrchr(o->path, '/');

	if (strcmp(o->path, name) == 0 || (base && glob_match(name, base + 1)))
		return true;
	for (int i = 0; i < NAMES_MAX; i++)
		if (o->names[i] && strcmp(o->names[i], name) == 0)
			return true;
	return false;
}

static bool is_meant(const struct object *o, const char *name, int32_t pid)
{
	if (pid)
		return uses(o, pid) &&
		       (!*name || strcmp(name, "*") == 0 || is_named(o, name));
	if (!glob_is_pattern(name))
		return is_named(o, name);
	if (*name == '/')
		return glob_match(name, o->path);
	return o->pid && (strcmp(name, "*") == 0 || is_named(o, name));
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

static const struct object *find_object(const struct target *t, const char *path)
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
	const struct object *o = find_object(t, path);
	int err = o ? o->err : -ENOENT;

	for (size_t i = 0; o && i < o->symbols.n && !err; i++)
		err = found(&o->symbols.items[i], arg);
	return err;
}

static int fake_usdt(const struct target *t, const char *path,
		     int (*found)(const struct target_usdt *, void *), void *arg)
{
	const struct object *o = find_object(t, path);
	int err = o ? o->err : -ENOENT;

	for (size_t i = 0; o && i < o->usdt.n && !err; i++)
		err = found(&o->usdt.items[i], arg);
	return err;
}

static int fake_symbol_address(const struct target *t, const char *path,
			       const char *name, uint64_t *address)
{
	const struct object *o = find_object(t, path);

	for (size_t i = 0; o && i < o->data.n; i++) {
		if (strcmp(o->data.items[i].name, name) == 0) {
			*address = o->data.items[i].address;
			return 0;
		}
	}
	return -ENOENT;
}

/* No instructions are there; the symbols say where addresses are in the file. */
static int fake_code(const struct target *t, const char *path, uint64_t address,
		     uint64_t *offset, uint8_t *bytes, size_t *size)
{
	const struct object *o = find_object(t, path);

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

static bool fake_has_section(const struct target *t, const char *path, const char *name)
{
	const struct object *o = find_object(t, path);

	return o && o->section && strcmp(o->section, name) == 0;
}

static int each_name(const struct names *names, const char *module, const char *name,
		     int (*found)(const char *module, const char *name, void *arg),
		     void *arg)
{
	int err = 0;

	for (size_t i = 0; i < names->n && !err; i++) {
		const struct kernel_name *k = &names->items[i];

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

static unsigned fake_process_count(const struct target *t)
{
	const struct fake *f = fake_of(t);
	unsigned n = 0;

	for (size_t i = 0; i < f->objects.n; i++)
		n += f->objects.items[i].pid != 0;
	return n;
}

static const struct target_ops fake_ops = {
	.has = fake_has,
	.tracepoints = fake_tracepoints,
	.tracepoint_fields = fake_fields,
	.objects = fake_objects,
	.symbols = fake_symbols,
	.usdt = fake_usdt,
	.symbol_address = fake_symbol_address,
	.code = fake_code,
	.has_section = fake_has_section,
	.functions = fake_functions,
	.raw_tracepoints = fake_raw_tracepoints,
	.kernel_symbol = fake_kernel_symbol,
	.process_count = fake_process_count,
};

/* The file. One function per kind of line; words[0] is the kind. */

struct line {
	struct fake *fake;
	char *words[WORDS_MAX + 1];
	size_t n;
};

static uint64_t number(const char *word)
{
	return strtoull(word, NULL, 0);
}

/* What is left of the line, from word i on. */
static const char *rest_of(struct line *l, size_t i)
{
	const char *out = i < l->n ? l->words[i] : "";

	while (++i < l->n)
		out = arena_printf(l->fake->arena, "%s %s", out, l->words[i]);
	return out;
}

static struct object *last_object(struct line *l)
{
	struct fake *f = l->fake;

	return f->objects.n ? &f->objects.items[f->objects.n - 1] : NULL;
}

static bool line_feature(struct line *l)
{
	static const char *const names[FEATURE_COUNT] = {
		[FEATURE_UPROBE_MULTI] = "uprobe_multi",
		[FEATURE_SLEEPABLE_UPROBE] = "sleepable_uprobe",
		[FEATURE_TASK_STORAGE] = "task_storage",
		[FEATURE_LAZY_MAPS] = "lazy_maps",
	};

	for (int i = 0; i < FEATURE_COUNT; i++) {
		if (strcmp(names[i], l->words[1]) == 0) {
			l->fake->has[i] = true;
			return true;
		}
	}
	return false;
}

static bool line_tracefs(struct line *l)
{
	l->fake->tracefs = -(int)number(l->words[1]);
	return true;
}

static bool line_tracepoint(struct line *l)
{
	struct event e = { .group = l->words[1], .name = l->words[2] };

	ARENA_PUSH(l->fake->arena, &l->fake->events, e);
	return true;
}

static bool line_field(struct line *l)
{
	struct fake *f = l->fake;
	struct target_field field = {
		.offset = (uint32_t)number(l->words[1]),
		.size = (uint32_t)number(l->words[2]),
		.is_signed = strcmp(l->words[3], "signed") == 0,
		.name = l->words[4],
		.type_text = rest_of(l, 5),
	};

	if (!f->events.n)
		return false;
	ARENA_PUSH(f->arena, &f->events.items[f->events.n - 1].fields, field);
	return true;
}

static bool line_object(struct line *l)
{
	struct object o = { .path = l->words[1] };
	size_t names = 0, used = 0;

	for (size_t i = 2; i + 1 < l->n; i += 2) {
		const char *kind = l->words[i], *value = l->words[i + 1];

		if (strcmp(kind, "as") == 0 && names < NAMES_MAX)
			o.names[names++] = value;
		else if (strcmp(kind, "pid") == 0)
			o.pid = (int32_t)number(value);
		else if (strcmp(kind, "used") == 0 && used < PIDS_MAX)
			o.used[used++] = (int32_t)number(value);
		else
			return false;
	}
	ARENA_PUSH(l->fake->arena, &l->fake->objects, o);
	return l->n % 2 == 0;
}

static bool line_fails(struct line *l)
{
	struct object *o = last_object(l);

	if (o)
		o->err = -(int)number(l->words[1]);
	return o;
}

static bool line_section(struct line *l)
{
	struct object *o = last_object(l);

	if (o)
		o->section = l->words[1];
	return o;
}

static bool line_symbol(struct line *l)
{
	struct object *o = last_object(l);
	struct target_symbol s = {
		.name = l->words[1],
		.is_default = true,
		.address = number(l->words[2]),
		.offset = number(l->words[3]),
		.size = number(l->words[4]),
	};
	char *at = strchr(l->words[1], '@');

	if (!o)
		return false;
	if (at) {
		s.is_default = at[1] == '@';
		s.version = at + 1 + s.is_default;
		*at = '\0';
	}
	ARENA_PUSH(l->fake->arena, &o->symbols, s);
	return true;
}

static bool line_data(struct line *l)
{
	struct object *o = last_object(l);
	struct data d = { l->words[1], number(l->words[2]) };

	if (o)
		ARENA_PUSH(l->fake->arena, &o->data, d);
	return o;
}

static bool line_usdt(struct line *l)
{
	struct object *o = last_object(l);
	struct target_usdt u = {
		.provider = l->words[1],
		.name = l->words[2],
		.address = number(l->words[3]),
		.offset = number(l->words[4]),
		.semaphore_offset = number(l->words[5]),
		.args = rest_of(l, 6),
	};

	if (o)
		ARENA_PUSH(l->fake->arena, &o->usdt, u);
	return o;
}

static bool line_function(struct line *l)
{
	struct kernel_name k = { l->words[1], l->words[2] };

	ARENA_PUSH(l->fake->arena, &l->fake->functions, k);
	return true;
}

static bool line_raw_tracepoint(struct line *l)
{
	struct kernel_name k = { l->words[1], l->words[2] };

	ARENA_PUSH(l->fake->arena, &l->fake->raw_tracepoints, k);
	return true;
}

static bool line_kernel_symbol(struct line *l)
{
	struct data d = { l->words[1], number(l->words[2]) };

	ARENA_PUSH(l->fake->arena, &l->fake->kernel_symbols, d);
	return true;
}

static const struct line_kind {
	const char *name;
	size_t min; /* words, its name included */
	bool (*read)(struct line *l);
} line_kinds[] = {
	{ "feature", 2, line_feature },
	{ "tracefs", 2, line_tracefs },
	{ "tracepoint", 3, line_tracepoint },
	{ "field", 6, line_field },
	{ "object", 2, line_object },
	{ "fails", 2, line_fails },
	{ "section", 2, line_section },
	{ "symbol", 5, line_symbol },
	{ "data", 3, line_data },
	{ "usdt", 6, line_usdt },
	{ "function", 3, line_function },
	{ "raw_tracepoint", 3, line_raw_tracepoint },
	{ "kernel_symbol", 3, line_kernel_symbol },
};

static bool read_line(struct line *l)
{
	for (size_t i = 0; i < sizeof(line_kinds) / sizeof(line_kinds[0]); i++)
		if (strcmp(line_kinds[i].name, l->words[0]) == 0)
			return l->n >= line_kinds[i].min && line_kinds[i].read(l);
	return false;
}

static bool split_line(struct line *l, char *text)
{
	char *state, *word;

	text[strcspn(text, "#")] = '\0';
	l->n = 0;
	for (word = strtok_r(text, " \t", &state); word;
	     word = strtok_r(NULL, " \t", &state)) {
		if (l->n == WORDS_MAX)
			return false;
		l->words[l->n++] = word;
	}
	return true;
}

struct target *fake_target_parse(const char *name, const char *text)
{
	struct arena *a = arena_new();
	struct fake *f = ARENA_NEW(a, struct fake);
	struct line l = { .fake = f };
	unsigned number_of = 0;

	f->target = (struct target){ .ops = &fake_ops, .ncpus = 2 };
	f->arena = a;
	while (*text) {
		size_t len = strcspn(text, "\n");
		bool ok = split_line(&l, arena_strndup(a, text, len));

		number_of++;
		if (!ok || (l.n && !read_line(&l))) {
			fprintf(stderr, "%s:%u: not a line of a fake target\n", name,
				number_of);
			arena_free(a);
			return NULL;
		}
		text += len + (text[len] == '\n');
	}
	return &f->target;
}

struct target *fake_target_open(const char *path)
{
	struct arena *a = arena_new();
	const struct source *s;
	struct target *t = NULL;
	int err = source_read(a, path, &s);

	if (err)
		fprintf(stderr, "%s: %s\n", path, strerror(-err));
	else
		t = fake_target_parse(path, s->text);
	arena_free(a);
	return t;
}

void fake_target_close(struct target *t)
{
	if (t)
		arena_free(((struct fake *)t)->arena);
}
