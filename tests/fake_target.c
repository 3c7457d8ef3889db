/* Reads the file: one function per kind of line; words[0] is the kind. */
#include "tests/fake_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/source.h"
#include "tests/fake_internal.h"

enum { WORDS_MAX = 16 };

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

static struct fake_object *last_object(struct line *l)
{
	struct fake *f = l->fake;

	return f->objects.n ? &f->objects.items[f->objects.n - 1] : NULL;
}

static bool line_feature(struct line *l)
{
	static const char *const names[FEATURE_COUNT] = {
#define FEATURE(NAME, name, group, need, probe, use, without, fix) name,
#include "sema/features.def"
#undef FEATURE
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
	struct fake_event e = { .group = l->words[1], .name = l->words[2] };

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
	struct fake_object o = { .path = l->words[1] };
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
	struct fake_object *o = last_object(l);

	if (o)
		o->err = -(int)number(l->words[1]);
	return o;
}

static bool line_section(struct line *l)
{
	struct fake_object *o = last_object(l);

	if (o)
		o->section = l->words[1];
	return o;
}

static bool line_symbol(struct line *l)
{
	struct fake_object *o = last_object(l);
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
	struct fake_object *o = last_object(l);
	struct fake_data d = { l->words[1], number(l->words[2]) };

	if (o)
		ARENA_PUSH(l->fake->arena, &o->data, d);
	return o;
}

static bool line_usdt(struct line *l)
{
	struct fake_object *o = last_object(l);
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
	struct fake_name k = { l->words[1], l->words[2] };

	ARENA_PUSH(l->fake->arena, &l->fake->functions, k);
	fake_types_function(l->fake, k.name, false);
	return true;
}

static bool line_raw_tracepoint(struct line *l)
{
	struct fake_name k = { l->words[1], l->words[2] };

	ARENA_PUSH(l->fake->arena, &l->fake->raw_tracepoints, k);
	fake_types_function(l->fake, k.name, true);
	return true;
}

static bool line_kernel_symbol(struct line *l)
{
	struct fake_data d = { l->words[1], number(l->words[2]) };

	ARENA_PUSH(l->fake->arena, &l->fake->kernel_symbols, d);
	return true;
}

static bool line_cgroup(struct line *l)
{
	struct fake_data d = { l->words[1], number(l->words[2]) };

	ARENA_PUSH(l->fake->arena, &l->fake->cgroups, d);
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
	{ "cgroup", 3, line_cgroup },
};

static bool read_line(struct line *l)
{
	for (size_t i = 0; i < sizeof(line_kinds) / sizeof(line_kinds[0]); i++)
		if (strcmp(line_kinds[i].name, l->words[0]) == 0)
			return l->n >= line_kinds[i].min && line_kinds[i].read(l);
	return fake_types_line(l->fake, l->words, l->n);
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

	f->target = (struct target){ .ops = &fake_ops, .kernel = "fake", .ncpus = 2 };
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
	if (!fake_types_finish(f)) {
		fprintf(stderr, "%s: the types are not well-formed\n", name);
		arena_free(a);
		return NULL;
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
