#include "builtins/format.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "core/arena.h"
#include "parser/ast.h"
#include "runtime/resolver.h"
#include "runtime/sink.h"
#include "sema/sema.h"

struct conversion {
	const char *letters;
	const char *wants; /* for messages: what it takes */
	bool (*takes)(const struct type *t);
	void (*render)(struct text *out, const struct sink *sink,
		       const struct format_part *part, const struct datum *d);
};

/* Numbers. */

static bool takes_number(const struct type *t)
{
	return type_is_number(t);
}

/*
 * Values are kept in 64 bits, extended by their sign. As in C, an unsigned conversion
 * shows the bits of the type and no more: (int32)-1 is ffffffff.
 */
static uint64_t cut(uint64_t n, unsigned bytes)
{
	return bytes >= 8 ? n : n & ((UINT64_C(1) << 8 * bytes) - 1);
}

static int64_t cut_signed(uint64_t n, unsigned bytes)
{
	unsigned unused = 64 - 8 * bytes;

	return (int64_t)(n << unused) >> unused;
}

static unsigned number_bytes(const struct format_part *part, const struct type *t)
{
	unsigned size = t->kind == TYPE_INT ? t->size : 8;

	return part->bytes < size ? part->bytes : size;
}

/* The C library does the digits: a negative width means left, precision all. */
static void render_digits(struct text *out, const struct format_part *part, char letter,
			  long long n)
{
	char spec[16];
	size_t len = 0;

	spec[len++] = '%';
	if (part->plus)
		spec[len++] = '+';
	if (part->space)
		spec[len++] = ' ';
	if (part->alternate)
		spec[len++] = '#';
	if (part->zero)
		spec[len++] = '0';
	memcpy(spec + len, "*.*ll", 5);
	len += 5;
	spec[len++] = letter;
	spec[len] = '\0';
	text_printf(out, spec, part->left ? -part->width : part->width, part->precision,
		    n);
}

static void render_signed(struct text *out, const struct sink *sink,
			  const struct format_part *part, const struct datum *d)
{
	(void)sink;
	render_digits(out, part, 'd', cut_signed(d->n, part->bytes));
}

static void render_unsigned(struct text *out, const struct sink *sink,
			    const struct format_part *part, const struct datum *d)
{
	(void)sink;
	render_digits(out, part, part->letter,
		      (long long)cut(d->n, number_bytes(part, d->type)));
}

/* Text. */

/* Columns that safe text takes: its characters, as the bytes are valid UTF-8. */
static bool starts_character(char byte)
{
	return ((unsigned char)byte & 0xc0) != 0x80;
}

static void pad(struct text *out, int n)
{
	for (; n > 0; n--)
		text_add(out, " ", 1);
}

/* Append safe text with the part's width and precision, both in characters. */
static void add_text(struct text *out, const struct format_part *part,
		     const struct text *safe)
{
	size_t len = 0;
	int columns = 0;

	for (; len < safe->len; len++) {
		if (!starts_character(safe->bytes[len]))
			continue;
		if (columns == part->precision)
			break;
		columns++;
	}

	if (!part->left)
		pad(out, part->width - columns);
	text_add(out, safe->bytes ? safe->bytes : "", len);
	if (part->left)
		pad(out, part->width - columns);
}

/* In C this would show the text: whoever writes it wants str(). */
static bool points_to_text(const struct type *t)
{
	return t->kind == TYPE_PTR && t->to && t->to->kind == TYPE_INT &&
	       t->to->size == 1;
}

static bool takes_text(const struct type *t)
{
	return t->kind != TYPE_VOID && t->kind != TYPE_ARGS && t->kind != TYPE_ANY &&
	       !points_to_text(t);
}

static void render_text(struct text *out, const struct sink *sink,
			const struct format_part *part, const struct datum *d)
{
	struct text safe = { 0 };

	text_add_datum(&safe, sink, d);
	add_text(out, part, &safe);
	text_free(&safe);
}

static void render_char(struct text *out, const struct sink *sink,
			const struct format_part *part, const struct datum *d)
{
	struct text safe = { 0 };
	char byte = (char)d->n;

	(void)sink;
	text_add_safe(&safe, &byte, 1);
	add_text(out, part, &safe);
	text_free(&safe);
}

static void render_pointer(struct text *out, const struct sink *sink,
			   const struct format_part *part, const struct datum *d)
{
	struct text digits = { 0 };

	(void)sink;
	text_printf(&digits, "0x%llx", (unsigned long long)d->n);
	add_text(out, part, &digits);
	text_free(&digits);
}

/* Bytes, which are shown so that no two are alike. */

static void render_escaped(struct text *out, const char *bytes, size_t len, bool all)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c < ' ' || c > '~' || all)
			text_printf(out, "\\x%02x", c);
		else
			text_add(out, &bytes[i], 1);
	}
}

static void render_hex(struct text *out, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		text_printf(out, "%s%02x", i ? " " : "", (unsigned char)bytes[i]);
}

static void render_bytes(struct text *out, const struct sink *sink,
			 const struct format_part *part, const struct datum *d)
{
	struct text shown = { 0 };
	const char *bytes;
	size_t len;

	(void)sink;
	if (!datum_bytes(d, &bytes, &len))
		return; /* format_check() has refused it */
	if (part->variant == 'h')
		render_hex(&shown, bytes, len);
	else
		render_escaped(&shown, bytes, len, part->variant == 'x');
	add_text(out, part, &shown);
	text_free(&shown);
}

/* With what right the kernel was asked for memory: gfp_t. */
static void render_gfp(struct text *out, const struct sink *sink,
		       const struct format_part *part, const struct datum *d)
{
	uint64_t flags = cut(d->n, number_bytes(part, d->type));
	struct text names = { 0 };

	if (sink->resolver && sink->resolver->add_gfp)
		sink->resolver->add_gfp(sink->resolver, &names, flags);
	else
		text_printf(&names, "0x%llx", (unsigned long long)flags);
	add_text(out, part, &names);
	text_free(&names);
}

static const struct conversion gfp_conversion = { "g", "a number", takes_number,
						  render_gfp };

static const struct conversion conversions[] = {
	{ "di", "a number", takes_number, render_signed },
	{ "uoxX", "a number", takes_number, render_unsigned },
	{ "c", "a number", takes_number, render_char },
	{ "p", "a pointer or a number", takes_number, render_pointer },
	{ "s", "text", takes_text, render_text },
	{ "r", "a buffer, text or an array of bytes", datum_type_has_bytes,
	  render_bytes },
};

static const struct conversion *conversion_find(char letter)
{
	for (size_t i = 0; i < sizeof(conversions) / sizeof(conversions[0]); i++)
		if (letter && strchr(conversions[i].letters, letter))
			return &conversions[i];
	return NULL;
}

/* Reading a format. */

static const char *read_flags(const char *p, struct format_part *part)
{
	for (;; p++) {
		switch (*p) {
		case '-':
			part->left = true;
			break;
		case '+':
			part->plus = true;
			break;
		case ' ':
			part->space = true;
			break;
		case '#':
			part->alternate = true;
			break;
		case '0':
			part->zero = true;
			break;
		default:
			return p;
		}
	}
}

/* Digits; a number that is too large stays so. */
static const char *read_number(const char *p, int *out)
{
	for (*out = 0; *p >= '0' && *p <= '9'; p++)
		if (*out <= FORMAT_WIDTH_MAX)
			*out = *out * 10 + (*p - '0');
	return p;
}

/* All numbers have 64 bits, so that only the modifiers that make one smaller count. */
static const char *read_modifiers(const char *p, struct format_part *part)
{
	part->bytes = 8;
	if (*p == 'h') {
		part->bytes = p[1] == 'h' ? 1 : 2;
		return p + (p[1] == 'h' ? 2 : 1);
	}
	while (*p && strchr("lLqjzt", *p))
		p++;
	return p;
}

/* What follows '%' at p; returns the end. */
static const char *read_conversion(const char *p, struct format_part *part)
{
	p = read_flags(p, part);
	part->precision = -1;
	p = read_number(p, &part->width);
	if (*p == '.')
		p = read_number(p + 1, &part->precision);
	if (*p == '*') {
		part->error = "a width or precision must be written as a number";
		return p + 1;
	}
	p = read_modifiers(p, part);

	part->letter = *p;
	if (p[0] == 'g' && p[1] == 'r')
		part->variant = *++p;
	part->conversion = part->variant ? &gfp_conversion : conversion_find(*p);
	if (part->width > FORMAT_WIDTH_MAX || part->precision > FORMAT_WIDTH_MAX)
		part->error = "the width or precision is too large";
	else if (!isalpha((unsigned char)*p))
		part->error = "no conversion follows; a percent sign is written %%";
	else if (!part->conversion)
		part->error = "there is no such conversion; a percent sign is %%";
	part->unsupported = !part->variant && *p && strchr("fFeEgGaA", *p);
	if (part->unsupported)
		part->error = "memql does not have this conversion yet";
	if (part->error)
		part->conversion = NULL;
	if (part->letter == 'r' && (p[1] == 'x' || p[1] == 'h'))
		part->variant = *++p;
	return *p ? p + 1 : p;
}

bool format_next(const char *format, size_t *pos, struct format_part *part)
{
	const char *start = format + *pos, *p = start;

	*part = (struct format_part){ .begin = *pos, .precision = -1 };
	if (!*p)
		return false;
	if (p[0] == '%' && p[1] == '%') {
		part->begin++; /* one of the two is the text */
		p += 2;
	} else if (p[0] == '%') {
		p = read_conversion(p + 1, part);
	} else {
		p += strcspn(p, "%");
	}
	part->end = *pos = (size_t)(p - format);
	return true;
}

/* Checking. */

/* Bytes of source that make one byte of a string literal. */
static uint32_t source_bytes(const char *p, const char *end)
{
	uint32_t n = 2;

	if (p[0] != '\\' || p + 1 >= end)
		return 1;
	if (p[1] == 'x') {
		while (n < 4 && p + n < end && strchr("0123456789abcdefABCDEF", p[n]))
			n++;
	} else if (p[1] >= '0' && p[1] <= '7') {
		while (n < 4 && p + n < end && p[n] >= '0' && p[n] <= '7')
			n++;
	}
	return n;
}

/*
 * Where in the source a part of the literal stands; the whole literal if it was not
 * written in place (a positional parameter).
 */
static struct span part_span(const struct sema *s, const struct node *literal,
			     const struct format_part *part)
{
	const char *text = source_text(s->cc->source, literal->span);
	const char *p = text + 1;
	const char *end = text + (literal->span.end - literal->span.begin);
	const char *begin = text;
	struct span span = literal->span;

	for (size_t i = 0; i < part->end && p < end; i++) {
		if (i == part->begin)
			begin = p;
		p += source_bytes(p, end);
	}
	if (p >= end || *begin != '%')
		return literal->span;
	span.begin = literal->span.begin + (uint32_t)(begin - text);
	span.end = literal->span.begin + (uint32_t)(p - text);
	return span;
}

static bool bad_part(struct sema *s, const struct node *literal, const char *format,
		     const struct format_part *part)
{
	size_t len = part->end - part->begin;

	/* What ended a conversion that is none, such as a new line, is not shown. */
	if (part->letter && !isalpha((unsigned char)part->letter))
		len--;
	return sema_error(s, part->unsupported ? DIAG_unsupported : DIAG_format,
			  part_span(s, literal, part), "'%.*s': %s", (int)len,
			  format + part->begin, part->error);
}

static bool bad_argument(struct sema *s, const struct node *literal, const char *format,
			 const struct format_part *part, const struct node *arg)
{
	const struct type *t = arg->type;

	sema_error(s, DIAG_format, part_span(s, literal, part),
		   "'%.*s' wants %s, not %s", (int)(part->end - part->begin),
		   format + part->begin, part->conversion->wants,
		   type_text(s->cc->arena, t));
	if (!s->report)
		return false;
	diag_note(s->cc, arg->span, "the argument");
	if (part->conversion->takes(&type_name) && t->kind == TYPE_PTR)
		diag_hint(s->cc, "str() reads the text behind a pointer, %%p shows the "
				 "address");
	return false;
}

static bool bad_count(struct sema *s, const struct node *call, const char *format,
		      size_t wanted, size_t found)
{
	size_t pos = 0;
	struct format_part part;

	sema_error(s, DIAG_format, call->span,
		   "the format has %zu conversion%s, but %zu value%s follow%s", wanted,
		   wanted == 1 ? "" : "s", found, found == 1 ? "" : "s",
		   found == 1 ? "s" : "");
	/* "100% done" has one that nobody meant. */
	while (s->report && wanted > found && format_next(format, &pos, &part))
		if (part.conversion && part.space)
			diag_hint(s->cc, "a percent sign is written %%%%");
	return false;
}

/* A positional parameter that looks like a number is text where text is wanted: as it
 * was written, 0x10 and not 16. */
static bool fits(struct sema *s, const struct format_part *part, struct node *arg)
{
	bool (*takes)(const struct type *) = part->conversion->takes;
	bool text = takes(&type_name), number;

	if (!arg->type)
		return true;
	number = arg->type->kind == TYPE_INT && arg->type->unit == UNIT_NONE;
	if (text && number && constant_str(s, arg))
		return true;
	return takes(arg->type);
}

bool format_check(struct sema *s, const struct node *call, unsigned i)
{
	struct node *literal = call_arg(call, i), *arg = literal->next;
	const char *format = constant_str(s, literal);
	size_t pos = 0, wanted = 0;
	struct format_part part;
	bool ok = true;

	if (!format)
		return true; /* the signature says so */
	if (literal->kind == NODE_STR && strlen(format) != literal->string.len)
		return sema_error(s, DIAG_format, literal->span,
				  "a format cannot hold a NUL byte");

	while (format_next(format, &pos, &part)) {
		if (part.error)
			ok = bad_part(s, literal, format, &part);
		if (!part.conversion)
			continue;
		wanted++;
		if (arg && !fits(s, &part, arg))
			ok = bad_argument(s, literal, format, &part, arg);
		arg = arg ? arg->next : NULL;
	}
	if (ok && wanted != node_count(literal->next))
		return bad_count(s, call, format, wanted, node_count(literal->next));
	return ok;
}

/* Rendering. */

void format_render(struct text *out, const struct sink *sink, const char *format,
		   const struct datum *args, size_t nargs)
{
	struct format_part part;
	size_t pos = 0, i = 0;

	while (format_next(format, &pos, &part)) {
		if (!part.conversion) {
			text_add(out, format + part.begin, part.end - part.begin);
			continue;
		}
		assert(i < nargs);
		part.conversion->render(out, sink, &part, &args[i++]);
	}
	assert(i == nargs);
}
