#include "core/excerpt.h"

#include <stdbool.h>
#include <string.h>

enum {
	WIDTH_MAX = 100, /* columns of program text shown */
	BEFORE_MAX = 60, /* of them before the span */
};

/* Bytes of the character at s that a terminal may see as it is; 0: none. */
static size_t printable(const char *s, const char *end)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t len = u[0] < 0x80 ? 1 : u[0] >= 0xf0 ? 4 : u[0] >= 0xe0 ? 3 : 2;

	if (u[0] < 0x20 || u[0] == 0x7f)
		return 0;
	if (u[0] >= 0x80 && (u[0] < 0xc2 || u[0] > 0xf4))
		return 0;
	if (len > (size_t)(end - s))
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	}
	/* U+0080 to U+009F are control characters too. */
	return u[0] == 0xc2 && u[1] < 0xa0 ? 0 : len;
}

/* The start of the next character. */
static const char *skip(const char *s, const char *end)
{
	size_t len = printable(s, end);

	return s + (len > 0 ? len : 1);
}

static size_t columns(const char *s, const char *end)
{
	size_t n = 0;

	for (; s < end; s = skip(s, end))
		n++;
	return n;
}

void excerpt_text(FILE *out, const char *s, size_t len)
{
	const char *end = s + len;

	for (; s < end; s = skip(s, end)) {
		size_t n = printable(s, end);

		if (n > 0)
			fwrite(s, 1, n, out);
		else
			fputc(*s == '\t' ? ' ' : '?', out);
	}
}

/* What is shown of one line; it may begin and end inside. */
struct window {
	const char *begin, *end;
	bool cut_before, cut_after;
};

static struct window find_window(const char *line, const char *end, const char *at)
{
	struct window w = { .begin = line, .end = line };
	size_t n = 0;

	while (columns(w.begin, at) > BEFORE_MAX) {
		/* Bytes, not characters: only here can a line be megabytes long. */
		w.begin = at - w.begin > 8 * BEFORE_MAX ? at - 8 * BEFORE_MAX
							: skip(w.begin, end);
		w.cut_before = true;
	}
	for (w.end = w.begin; w.end < end && n < WIDTH_MAX; n++)
		w.end = skip(w.end, end);
	w.cut_after = w.end < end;
	return w;
}

static void repeat(FILE *out, char c, size_t n)
{
	while (n-- > 0)
		fputc(c, out);
}

static bool is_blank(const char *s, const char *end)
{
	while (s < end && strchr(" \t\r", *s) && *s)
		s++;
	return s == end;
}

void excerpt(FILE *out, const struct source *s, struct span at, const char *mark,
	     const char *plain)
{
	uint32_t first = at.begin < s->len ? at.begin : s->len;
	const uint32_t number = source_place(s, first).line;
	const struct span line = source_line(s, first);
	const char *text = s->text + line.begin, *end = s->text + line.end;
	const char *begin = s->text + first;
	const char *stop = s->text + (at.end < s->len ? at.end : s->len);
	const bool goes_on = stop > end; /* on the next line */
	struct window w;
	size_t carets;

	if (end > text && end[-1] == '\r')
		end--;
	if (is_blank(text, end))
		return;
	if (begin > end)
		begin = end;
	w = find_window(text, end, begin);
	if (stop > w.end)
		stop = w.end;
	carets = columns(begin, stop);

	fprintf(out, "%5u | %s", number, w.cut_before ? "..." : "");
	excerpt_text(out, w.begin, (size_t)(w.end - w.begin));
	fprintf(out, "%s\n", w.cut_after ? "..." : "");
	/* The gutter is as wide as the number above. */
	repeat(out, ' ', (size_t)snprintf(NULL, 0, "%5u", number));
	fputs(" | ", out);
	repeat(out, ' ', columns(w.begin, begin) + (w.cut_before ? 3 : 0));
	fprintf(out, "%s^", mark);
	repeat(out, '~', carets > 1 ? carets - 1 : 0);
	fprintf(out, "%s%s\n", goes_on ? "..." : "", plain);
}
