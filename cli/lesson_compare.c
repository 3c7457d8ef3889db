/* How two runs' results differ, as somebody would want to be told who wrote one of them. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json.h"
#include "cli/lesson.h"
#include "core/arena.h"

enum { TOLD_MAX = 3 }; /* differences of one name and kind; all maps are some, too */

/* One number or text of the results: @calls["read"], @took[3].p50. */
struct fact {
	const char *path;
	const char *kind; /* the path without keys: what it is compared with for size */
	const char *text;
	unsigned times; /* of a line that was printed */
};

struct facts {
	struct arena *arena;
	struct fact *items;
	size_t n, cap;
};

static struct fact *find(const struct facts *f, const char *path)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->items[i].path, path) == 0)
			return &f->items[i];
	return NULL;
}

/* What is printed twice is what it was at last; lines are counted. */
static struct fact *add(struct facts *f, const char *path, const char *kind,
			const char *text)
{
	struct fact *known = find(f, path);
	struct fact fresh = { .path = path, .kind = kind };

	if (!known) {
		ARENA_PUSH(f->arena, f, fresh);
		known = &f->items[f->n - 1];
	}
	known->text = text;
	known->times++;
	return known;
}

static const char *shown(struct arena *a, const struct json *value)
{
	const char *list = "";

	switch (value->kind) {
	case JSON_WORD:
		return value->text;
	case JSON_TEXT:
		return arena_printf(a, "\"%s\"", value->text);
	case JSON_ARRAY:
	case JSON_OBJECT:
		for (const struct json *i = value->first; i; i = i->next)
			list = arena_printf(a, "%s%s%s", list, *list ? ", " : "",
					    shown(a, i));
	}
	return list;
}

/* Of a histogram, its percentiles say what rows and their borders would say again. */
static bool is_detail(const char *name)
{
	return strcmp(name, "buckets") == 0 || strcmp(name, "rough") == 0;
}

static void flatten(struct facts *f, const struct json *value, const char *path,
		    const char *kind)
{
	struct arena *a = f->arena;
	size_t index = 0;

	if (value->kind == JSON_WORD || value->kind == JSON_TEXT) {
		add(f, path, kind, shown(a, value));
		return;
	}
	for (const struct json *i = value->first; i; i = i->next, index++) {
		const struct json *key = json_member(i, "key");
		const struct json *of = json_member(i, "value");

		if (key && of)
			flatten(f, of, arena_printf(a, "%s[%s]", path, shown(a, key)),
				kind);
		else if (!i->name)
			flatten(f, i, arena_printf(a, "%s[%zu]", path, index), kind);
		else if (!is_detail(i->name))
			flatten(f, i, arena_printf(a, "%s.%s", path, i->name),
				arena_printf(a, "%s.%s", kind, i->name));
	}
}

/* A line that was printed is known by its text, and counts how often it was. */
static void add_line(struct facts *f, const char *type, const char *text)
{
	struct fact *line =
		add(f, arena_printf(f->arena, "%s \"%s\"", type, text), type, "");

	line->text = arena_printf(f->arena, "%u times", line->times);
}

static struct facts read_facts(struct arena *a, const char *results)
{
	struct facts f = { .arena = a };
	const struct json *event;

	while ((event = json_read(a, &results))) {
		const struct json *type = json_member(event, "type");
		const struct json *data = json_member(event, "data");

		if (!type || !data)
			continue;
		if (data->kind == JSON_TEXT)
			add_line(&f, type->text, data->text);
		for (const struct json *m = data->first; m; m = m->next)
			if (m->name && *m->name == '@')
				flatten(&f, m, m->name, m->name);
	}
	return f;
}

/* A name to compare, and what differs so far. */
struct comparison {
	const char *name;
	double tolerance; /* a part of one */
	const struct facts *want, *got;
	FILE *out;
	unsigned told;  /* of what is missing or wrong */
	unsigned extra; /* of what should not be there */
};

static bool is_meant(const struct comparison *c, const struct fact *f)
{
	size_t len = strlen(c->name);

	return strncmp(f->kind, c->name, len) == 0 &&
	       (f->kind[len] == '\0' || f->kind[len] == '.');
}

static bool any_meant(const struct comparison *c, const struct facts *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (is_meant(c, &f->items[i]))
			return true;
	return false;
}

static double largest_of_kind(const struct facts *f, const char *kind)
{
	double largest = 0;

	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->items[i].kind, kind) == 0)
			largest = fmax(largest, fabs(strtod(f->items[i].text, NULL)));
	return largest;
}

static bool agree(const struct comparison *c, const struct fact *want,
		  const struct fact *got)
{
	double allowed = c->tolerance * largest_of_kind(c->want, want->kind);

	if (strcmp(want->text, got->text) == 0)
		return true;
	if (c->tolerance == 0 || *want->text == '"' || *got->text == '"')
		return false;
	return fabs(strtod(want->text, NULL) - strtod(got->text, NULL)) <= allowed;
}

static void tell(struct comparison *c, const struct fact *want, const struct fact *got)
{
	if (++*(want ? &c->told : &c->extra) > TOLD_MAX)
		return;
	if (!got)
		fprintf(c->out, "  %s: %s expected, and it is not there\n", want->path,
			want->text);
	else if (!want)
		fprintf(c->out, "  %s: %s, which should not be there\n", got->path,
			got->text);
	else
		fprintf(c->out, "  %s: %s expected, yours is %s\n", want->path,
			want->text, got->text);
}

/* A number where the solution has several, as of a histogram. */
static bool members_differ(struct comparison *c, const struct fact *want)
{
	for (size_t i = 0; i < c->got->n; i++) {
		const char *path = c->got->items[i].path;
		size_t len = strlen(path);

		if (strncmp(want->path, path, len) != 0 || want->path[len] != '.')
			continue;
		fprintf(c->out,
			"  %s is one number in yours, and several in the solution\n",
			path);
		c->told++;
		return true;
	}
	return false;
}

/* A map without keys where some are expected, or the other way. */
static bool keys_differ(struct comparison *c, const struct fact *want)
{
	size_t len = strlen(c->name);
	bool wants_key = want->path[len] == '[';

	for (size_t i = 0; i < c->got->n; i++) {
		const struct fact *g = &c->got->items[i];

		if (*c->name != '@' || !is_meant(c, g) ||
		    (g->path[len] == '[') == wants_key)
			continue;
		fprintf(c->out, "  %s has %s in yours, and %s in the solution\n",
			c->name, wants_key ? "no key" : "keys",
			wants_key ? "some" : "none");
		c->told++;
		return true;
	}
	return false;
}

/* What the solution has. False: the two are of another form, which says it all. */
static bool compare_wanted(struct comparison *c)
{
	for (size_t i = 0; i < c->want->n; i++) {
		const struct fact *want = &c->want->items[i];
		const struct fact *got = find(c->got, want->path);

		if (!is_meant(c, want) || (got && agree(c, want, got)))
			continue;
		if (!got && (keys_differ(c, want) || members_differ(c, want)))
			return false;
		tell(c, want, got);
	}
	return true;
}

/* The maps that there are instead: one may have been misspelled. */
static void tell_names(const struct comparison *c)
{
	const char *last = "";

	for (size_t i = 0; i < c->got->n; i++) {
		const struct fact *f = &c->got->items[i];
		int len = (int)strcspn(f->kind, ".");

		if (*f->kind != '@' || strncmp(f->kind, last, (size_t)len) == 0)
			continue;
		fprintf(c->out, "%s%.*s", *last ? ", " : "; it has ", len, f->kind);
		last = f->kind;
	}
}

static void tell_more(const struct comparison *c, unsigned told, const char *what)
{
	if (told > TOLD_MAX)
		fprintf(c->out, "  ... and %u more of %s%s\n", told - TOLD_MAX, c->name,
			what);
}

static void compare_name(struct comparison *c)
{
	if (any_meant(c, c->want) && !any_meant(c, c->got)) {
		fprintf(c->out, "  %s: yours has none, or nothing in it", c->name);
		tell_names(c);
		fputc('\n', c->out);
		c->told++;
		return;
	}
	if (!compare_wanted(c))
		return;
	tell_more(c, c->told, "");
	for (size_t i = 0; i < c->got->n; i++)
		if (is_meant(c, &c->got->items[i]) &&
		    !find(c->want, c->got->items[i].path))
			tell(c, NULL, &c->got->items[i]);
	tell_more(c, c->extra, " that should not be there");
}

bool lesson_compare(struct arena *a, const char *compare, const char *want,
		    const char *got, FILE *out)
{
	struct facts wanted = read_facts(a, want), found = read_facts(a, got);
	char *names = arena_strdup(a, compare), *rest;
	bool same = true;

	for (char *n = strtok_r(names, ",", &rest); n; n = strtok_r(NULL, ",", &rest)) {
		struct comparison c = { .want = &wanted, .got = &found, .out = out };
		size_t len;

		n += strspn(n, " ");
		len = strcspn(n, " ");
		c.name = arena_strndup(a, n, len);
		c.tolerance = strtod(n + len, NULL) / 100;
		compare_name(&c);
		same &= c.told + c.extra == 0;
	}
	return same;
}
