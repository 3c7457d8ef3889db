#include "cli/json.h"

#include <string.h>

#include "core/arena.h"

enum { DEPTH_MAX = 100 };

static struct json *read_value(struct arena *a, const char **at, int depth);

static void skip_blanks(const char **at)
{
	*at += strspn(*at, " \t\r\n");
}

/* What stands between quotes; NULL: they are not closed. */
static const char *read_text(struct arena *a, const char **at)
{
	const char *begin = *at + 1, *p = begin;

	while (*p && *p != '"')
		p += *p == '\\' && p[1] ? 2 : 1;
	if (!*p)
		return NULL;
	*at = p + 1;
	return arena_strndup(a, begin, (size_t)(p - begin));
}

/* "name": before a member's value. */
static const char *read_name(struct arena *a, const char **at)
{
	const char *name = **at == '"' ? read_text(a, at) : NULL;

	skip_blanks(at);
	if (!name || **at != ':')
		return NULL;
	++*at;
	return name;
}

static struct json *read_items(struct arena *a, const char **at, int depth)
{
	struct json *whole = ARENA_NEW(a, struct json);
	struct json **last = &whole->first;
	char end = **at == '{' ? '}' : ']';

	whole->kind = **at == '{' ? JSON_OBJECT : JSON_ARRAY;
	++*at;
	skip_blanks(at);
	while (**at != end) {
		const char *name = end == '}' ? read_name(a, at) : NULL;

		if (end == '}' && !name)
			return NULL;
		*last = read_value(a, at, depth + 1);
		if (!*last)
			return NULL;
		(*last)->name = name;
		last = &(*last)->next;
		skip_blanks(at);
		if (**at != ',' && **at != end)
			return NULL;
		if (**at == ',')
			++*at;
		skip_blanks(at);
	}
	++*at;
	return whole;
}

static struct json *read_value(struct arena *a, const char **at, int depth)
{
	struct json *v;
	size_t n;

	skip_blanks(at);
	if (depth > DEPTH_MAX)
		return NULL;
	if (**at == '{' || **at == '[')
		return read_items(a, at, depth);
	v = ARENA_NEW(a, struct json);
	if (**at == '"') {
		v->kind = JSON_TEXT;
		v->text = read_text(a, at);
		return v->text ? v : NULL;
	}
	n = strspn(*at, "+-.0123456789abcdefghijklmnopqrstuvwxyzE");
	v->kind = JSON_WORD;
	v->text = arena_strndup(a, *at, n);
	*at += n;
	return n ? v : NULL;
}

struct json *json_read(struct arena *a, const char **at)
{
	return read_value(a, at, 0);
}

const struct json *json_member(const struct json *object, const char *name)
{
	if (!object || object->kind != JSON_OBJECT)
		return NULL;
	for (const struct json *m = object->first; m; m = m->next)
		if (strcmp(m->name, name) == 0)
			return m;
	return NULL;
}
