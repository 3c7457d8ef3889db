#include "runtime/gfp.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "runtime/sink.h"
#include "runtime/tracefs.h"

enum {
	DEPTH_MAX = 200, /* of parentheses; the kernel's are 20 deep */
	FORMAT_MAX = 64 << 10,
};

/* A constant expression of C, from numbers and ~ << & | only. */
struct expression {
	const char *p;
	int depth;
	bool bad;
};

static uint64_t parse_or(struct expression *x);

static bool take(struct expression *x, const char *what)
{
	x->p += strspn(x->p, " ");
	if (strncmp(x->p, what, strlen(what)) != 0)
		return false;
	x->p += strlen(what);
	return true;
}

/* "( unsigned long)" and "( gfp_t)" change nothing that matters here. */
static bool take_cast(struct expression *x)
{
	const char *p = x->p + strspn(x->p, " ");

	if (*p != '(' || !isalpha((unsigned char)p[1 + strspn(p + 1, " ")]))
		return false;
	p++;
	while (isalnum((unsigned char)*p) || *p == '_' || *p == ' ')
		p++;
	if (*p != ')')
		return false;
	x->p = p + 1;
	return true;
}

static uint64_t parse_number(struct expression *x)
{
	char *end;
	uint64_t n;

	x->p += strspn(x->p, " ");
	if (!isdigit((unsigned char)*x->p)) {
		x->bad = true;
		return 0;
	}
	n = strtoull(x->p, &end, 0);
	x->p = end + strspn(end, "uUlL");
	return n;
}

static uint64_t parse_unary(struct expression *x)
{
	bool inverted = false;
	uint64_t n;

	for (;;) {
		if (take(x, "~"))
			inverted = !inverted;
		else if (!take_cast(x))
			break;
	}
	if (!take(x, "(")) {
		n = parse_number(x);
	} else {
		x->bad |= ++x->depth > DEPTH_MAX;
		n = x->bad ? 0 : parse_or(x);
		x->bad |= !take(x, ")");
		x->depth--;
	}
	return inverted ? ~n : n;
}

static uint64_t parse_shift(struct expression *x)
{
	uint64_t n = parse_unary(x), by;

	while (!x->bad && take(x, "<<")) {
		by = parse_unary(x);
		n = by < 64 ? n << by : 0;
	}
	return n;
}

static uint64_t parse_and(struct expression *x)
{
	uint64_t n = parse_shift(x);

	while (!x->bad && take(x, "&"))
		n &= parse_shift(x);
	return n;
}

static uint64_t parse_or(struct expression *x)
{
	uint64_t n = parse_and(x);

	while (!x->bad && take(x, "|"))
		n |= parse_and(x);
	return n;
}

/* "{EXPRESSION, "NAME"}"; false at the end of the table. */
static bool parse_flag(struct arena *a, struct expression *x, struct gfp_flag *out)
{
	size_t len;

	if (!take(x, "{"))
		return false;
	out->mask = parse_or(x);
	if (x->bad || !take(x, ",") || !take(x, "\""))
		return false;
	len = strcspn(x->p, "\"");
	out->name = arena_strndup(a, x->p, len);
	x->p += len;
	return take(x, "\"") && take(x, "}") && out->mask;
}

struct gfp_flags gfp_parse(struct arena *a, const char *format)
{
	static const char start[] = "__print_flags(";
	const char *table = strstr(format, start), *first;
	struct expression x = { 0 };
	struct {
		struct gfp_flag *items;
		size_t n, cap;
	} flags = { 0 };
	struct gfp_flag flag;

	/* The value, the delimiter between quotes, then the flags. */
	first = table ? strchr(table, '{') : NULL;
	x.p = first ? first : "";
	while (parse_flag(a, &x, &flag)) {
		ARENA_PUSH(a, &flags, flag);
		take(&x, ",");
	}
	return (struct gfp_flags){ .items = flags.items, .n = flags.n };
}

struct gfp_flags gfp_read(struct arena *a)
{
	struct gfp_flags none = { 0 };
	struct tracefs fs;
	char path[PATH_MAX], *text;
	FILE *fp;

	if (tracefs_open(&fs))
		return none;
	snprintf(path, sizeof(path), "%s/events/kmem/kmalloc/format", fs.path);
	fp = fopen(path, "re");
	text = arena_alloc(a, FORMAT_MAX);
	if (fp) {
		text[fread(text, 1, FORMAT_MAX - 1, fp)] = '\0';
		fclose(fp);
		none = gfp_parse(a, text);
	}
	tracefs_close(&fs);
	return none;
}

void gfp_add(struct text *out, const struct gfp_flags *flags, uint64_t value)
{
	const char *between = "";

	for (size_t i = 0; i < flags->n; i++) {
		const struct gfp_flag *f = &flags->items[i];

		if ((value & f->mask) != f->mask)
			continue;
		text_printf(out, "%s%s", between, f->name);
		value &= ~f->mask;
		between = "|";
	}
	if (value)
		text_printf(out, "%s0x%" PRIx64, between, value);
	else if (!*between)
		text_add(out, "0", 1);
}
