#include "cli/roff.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum { LINE_MAX_COLUMNS = 72 }; /* of the page's source, for readable diffs */

struct roff {
	FILE *out;
	bool code;      /* within a block of code */
	bool fenced;    /* and that is one with a fence */
	bool paragraph; /* a blank line came before */
	bool fresh;     /* nothing came after a heading */
};

/* One byte as it shall be seen. Code may be copied into a shell: ASCII, not typography. */
static void put(struct roff *r, char c, bool code)
{
	switch (c) {
	case '\\':
		fputs("\\e", r->out);
		break;
	case '-':
		fputs(code ? "\\-" : "-", r->out);
		break;
	case '\'':
		fputs(code ? "\\(aq" : "'", r->out);
		break;
	case '^':
		fputs("\\(ha", r->out);
		break;
	case '~':
		fputs("\\(ti", r->out);
		break;
	case '`':
		fputs("\\(ga", r->out);
		break;
	default:
		fputc(c, r->out);
	}
}

/* A dot or quote that begins a line would be a request. */
static void begin_line(struct roff *r, char first)
{
	if (first == '.' || first == '\'')
		fputs("\\&", r->out);
}

static const char *font(bool code, bool bold)
{
	return code ? "\\fB" : bold ? "\\fB" : "\\fR";
}

/*
 * Text with its marks. With wrap, lines of the source end at blanks; a heading or term is
 * one line.
 */
static void inline_text(struct roff *r, const char *s, size_t len, bool wrap)
{
	bool code = false, bold = false;
	int column = 0;

	begin_line(r, len ? s[0] : '\0');
	for (size_t i = 0; i < len; i++, column++) {
		const char *close;

		if (s[i] == '`') {
			code = !code;
			fputs(font(code, bold), r->out);
		} else if (!code && i + 1 < len && s[i] == '*' && s[i + 1] == '*') {
			bold = !bold;
			fputs(font(code, bold), r->out);
			i++;
		} else if (!code && s[i] == '[' && (close = strstr(s + i, "](")) &&
			   close < s + len) {
			inline_text(r, s + i + 1, (size_t)(close - s) - i - 1, false);
			i = (size_t)(close - s) + strcspn(close, ")");
		} else if (wrap && s[i] == ' ' && column > LINE_MAX_COLUMNS) {
			fputc('\n', r->out);
			column = 0;
			if (i + 1 < len)
				begin_line(r, s[i + 1]);
		} else {
			put(r, s[i], code);
		}
	}
	fputc('\n', r->out);
}

static void set_code(struct roff *r, bool on, bool fenced)
{
	if (on && !r->fresh)
		fputs(".PP\n", r->out);
	fputs(on ? ".RS 4\n.EX\n" : ".EE\n.RE\n", r->out);
	r->code = on;
	r->fenced = on && fenced;
	r->paragraph = r->fresh = false;
}

static void code_line(struct roff *r, const char *s, size_t len)
{
	begin_line(r, len ? s[0] : '\0');
	for (size_t i = 0; i < len; i++)
		put(r, s[i], true);
	fputc('\n', r->out);
}

static void heading(struct roff *r, const char *s, size_t len)
{
	size_t level = strspn(s, "#");

	s += level + 1;
	len -= level + 1;
	if (level == 2) {
		fputs(".SH \"", r->out);
		for (size_t i = 0; i < len; i++)
			fputc(toupper((unsigned char)s[i]), r->out);
		fputs("\"\n", r->out);
	} else if (level == 3) {
		fputs(".SS ", r->out);
		inline_text(r, s, len, false);
	}
	r->fresh = true;
	r->paragraph = false;
}

/* next: the line behind this one. */
static void text_line(struct roff *r, const char *s, size_t len, const char *next)
{
	if (strncmp(s, "- ", 2) == 0) {
		fputs(".IP \\(bu 2\n", r->out);
		s += 2;
		len -= 2;
	} else if (strncmp(next, ": ", 2) == 0) {
		fputs(".TP\n", r->out);
		inline_text(r, s, len, false);
		r->paragraph = r->fresh = false;
		return;
	} else if (strncmp(s, ": ", 2) == 0) {
		s += 2;
		len -= 2;
	} else if (r->paragraph) {
		fputs(".PP\n", r->out);
	}
	inline_text(r, s, len, true);
	r->paragraph = r->fresh = false;
}

static void line(struct roff *r, const char *s, size_t len, const char *next)
{
	bool fence = strncmp(s, "```", 3) == 0;
	bool indented = strncmp(s, "    ", 4) == 0;

	if (r->code && !r->fenced && !indented)
		set_code(r, false, false);
	if (fence)
		set_code(r, !r->code, true);
	else if (r->fenced)
		code_line(r, s, len);
	else if (indented && !r->code)
		set_code(r, true, false);
	if (fence || r->fenced)
		return;
	if (indented)
		code_line(r, s + 4, len - 4);
	else if (len == 0)
		r->paragraph = !r->fresh;
	else if (*s == '#')
		heading(r, s, len);
	else
		text_line(r, s, len, next);
}

void roff_write(const char *markdown, FILE *out)
{
	struct roff r = { .out = out };

	while (*markdown) {
		size_t len = strcspn(markdown, "\n");
		const char *next = markdown + len + (markdown[len] == '\n');

		line(&r, markdown, len, next);
		markdown = next;
	}
	if (r.code)
		set_code(&r, false, false);
}
