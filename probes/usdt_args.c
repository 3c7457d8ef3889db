/*
 * An operand is [-]SIZE[f]@OPERAND, where OPERAND is what the compiler would write in
 * AT&T syntax:
 *
 *	$N $SYM+N		a constant
 *	%REG			a register
 *	D(%BASE,%INDEX,SCALE)	memory; each part may be missing
 *
 * D is a sum of numbers and at most one symbol. The address of a symbol is known only
 * relative to the probe, since the program may be loaded anywhere: it becomes the
 * instruction pointer when the probe fires, plus the distance from the probe to the
 * symbol as linked. A uprobe's program sees the address of the probed instruction in
 * the instruction pointer, so the sum needs no correction.
 */
#include "probes/usdt_args.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "probes/arch.h"

struct operand {
	struct arena *arena;
	const struct usdt_site *site;
	const char *p, *end;
	struct location at;
};

/* Makes the operand unreadable; false, to be returned. */
static bool unreadable(struct operand *o, const char *why)
{
	if (o->at.kind != LOC_UNREADABLE) {
		o->at.kind = LOC_UNREADABLE;
		o->at.why = why;
	}
	return false;
}

static bool take(struct operand *o, char c)
{
	while (o->p < o->end && *o->p == ' ')
		o->p++;
	if (o->p >= o->end || *o->p != c)
		return false;
	o->p++;
	return true;
}

static bool is_symbol_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '$' ||
	       (unsigned char)c >= 0x80;
}

/* A register's name after '%'; NULL after saying why. */
static const struct arch_register *parse_register(struct operand *o)
{
	const struct arch *arch = o->site->arch;
	const struct arch_register *r;
	const char *name = o->p;
	size_t len;

	while (o->p < o->end && isalnum((unsigned char)*o->p))
		o->p++;
	len = (size_t)(o->p - name);
	r = arch_register(arch, name, len);
	if (r)
		return r;
	if (o->p < o->end && *o->p == ':')
		unreadable(o, "it is in thread-local storage");
	else if (arch_is_hidden(arch, name, len))
		unreadable(o, arena_printf(o->arena,
					   "it is in %%%.*s, which the kernel does not "
					   "show to probes",
					   (int)len, name));
	else
		unreadable(o, arena_printf(o->arena, "no register is called %%%.*s",
					   (int)len, name));
	return NULL;
}

/* One number or symbol of a displacement. */
static bool parse_term(struct operand *o, bool minus, int64_t *sum, bool *has_symbol)
{
	const char *name = o->p;
	uint64_t value;
	char *copy, *rest;

	while (o->p < o->end && is_symbol_char(*o->p))
		o->p++;
	if (o->p == name)
		return unreadable(o, "its operand is not understood");
	copy = arena_strndup(o->arena, name, (size_t)(o->p - name));

	if (isdigit((unsigned char)*copy)) {
		value = strtoull(copy, &rest, 0);
		if (*rest)
			return unreadable(o, "its operand is not understood");
	} else {
		if (o->p < o->end && *o->p == '@')
			return unreadable(o, "its address is made when the program is "
					     "loaded");
		if (minus || *has_symbol)
			return unreadable(o, "its operand is not understood");
		if (!o->site->symbol || o->site->symbol(copy, &value, o->site->arg) < 0)
			return unreadable(o, arena_printf(o->arena,
							  "the file has no symbol '%s'",
							  copy));
		*has_symbol = true;
	}
	/* Unsigned: sums wrap as the processor's do. */
	*sum = (int64_t)(minus ? (uint64_t)*sum - value : (uint64_t)*sum + value);
	return true;
}

/* "-8", "glob+12", "" (0). */
static bool parse_sum(struct operand *o, int64_t *sum, bool *has_symbol)
{
	bool first = true;

	*sum = 0;
	*has_symbol = false;
	for (;;) {
		bool minus = take(o, '-'), plus = !minus && take(o, '+');

		if (!minus && !plus &&
		    (!first || o->p >= o->end || *o->p == '(' || *o->p == '%'))
			return true;
		take(o, ' ');
		if (!parse_term(o, minus, sum, has_symbol))
			return false;
		first = false;
	}
}

static bool parse_constant(struct operand *o)
{
	bool has_symbol;

	o->at.kind = LOC_CONSTANT;
	if (!parse_sum(o, &o->at.value, &has_symbol))
		return false;
	if (has_symbol)
		return unreadable(o, "it is an address that is known only once the "
				     "program is loaded");
	if (o->p != o->end)
		return unreadable(o, "its operand is not understood");
	return true;
}

/* A register in an address: whole ones only. */
static bool parse_address_register(struct operand *o, int16_t *out)
{
	const struct arch_register *r;

	if (!take(o, '%'))
		return true;
	r = parse_register(o);
	if (!r)
		return false;
	if (r->size != o->site->arch->word)
		return unreadable(o, "its address is in a part of a register");
	*out = r->offset;
	return true;
}

/* "(%base,%index,scale)" after the displacement. */
static bool parse_registers(struct operand *o)
{
	struct location *at = &o->at;

	if (!parse_address_register(o, &at->base))
		return false;
	if (take(o, ',')) {
		take(o, ' ');
		if (!parse_address_register(o, &at->index))
			return false;
		if (take(o, ',')) {
			take(o, ' ');
			if (o->p >= o->end || !strchr("1248", *o->p))
				return unreadable(o, "its operand is not understood");
			at->scale = (uint8_t)(*o->p++ - '0');
		}
	}
	return take(o, ')') || unreadable(o, "its operand is not understood");
}

/* A symbol's address needs the instruction pointer as one of the two registers. */
static bool make_relative(struct operand *o)
{
	struct location *at = &o->at;
	int16_t ip = o->site->arch->ip;

	if (at->base != ip && at->base != LOC_NO_REGISTER) {
		if (at->index != LOC_NO_REGISTER)
			return unreadable(o, "its address has too many parts");
		at->index = at->base;
		at->scale = 1;
	}
	at->base = ip;
	at->value = (int64_t)((uint64_t)at->value - o->site->address);
	return true;
}

static bool parse_memory(struct operand *o)
{
	bool has_symbol;

	o->at.kind = LOC_MEMORY;
	o->at.base = o->at.index = LOC_NO_REGISTER;
	o->at.scale = 1;
	if (!parse_sum(o, &o->at.value, &has_symbol))
		return false;
	if (take(o, '(') && !parse_registers(o))
		return false;
	if (o->p != o->end)
		return unreadable(o, "its operand is not understood");
	return !has_symbol || make_relative(o);
}

/* "-4@", "8f@" or nothing. Returns false if the size is one that no integer has. */
static bool parse_size(struct operand *o, bool *has_size)
{
	const char *p = o->p;
	unsigned long size = 0;
	bool is_signed, is_float = false;

	*has_size = false;
	is_signed = p < o->end && *p == '-';
	p += is_signed;
	while (p < o->end && isdigit((unsigned char)*p) && size < 1000)
		size = size * 10 + (unsigned long)(*p++ - '0');
	if (p < o->end && *p == 'f') {
		is_float = true;
		p++;
	}
	if (p >= o->end || *p != '@' || size == 0)
		return true;

	o->p = p + 1;
	*has_size = true;
	o->at.is_signed = is_signed;
	o->at.size = (uint32_t)size;
	if (is_float)
		return unreadable(o, "it is a floating-point number, which the kernel "
				     "cannot compute with");
	if (size != 1 && size != 2 && size != 4 && size != 8)
		return unreadable(o,
				  arena_printf(o->arena,
					       "it has %lu bytes: numbers have 1, 2, "
					       "4 or 8",
					       size));
	return true;
}

static void parse_operand(struct operand *o)
{
	const struct arch_register *r;
	bool has_size;

	if (!parse_size(o, &has_size))
		return;
	if (!has_size)
		o->at.size = o->site->arch->word;

	if (take(o, '%')) {
		r = parse_register(o);
		if (!r)
			return;
		if (o->p != o->end) {
			unreadable(o, "its operand is not understood");
			return;
		}
		o->at.kind = LOC_REGISTER;
		o->at.base = r->offset;
		if (!has_size || r->size < o->at.size)
			o->at.size = r->size;
	} else if (take(o, '$')) {
		if (parse_constant(o) && !has_size)
			o->at.is_signed = true;
	} else {
		parse_memory(o);
	}
}

/* A constant is written without regard to its size: $-1 may be 255, $255 be -1. */
static void cut_constant(struct location *at)
{
	unsigned unused = 64 - 8 * at->size;

	if (at->is_signed)
		at->value = (int64_t)((uint64_t)at->value << unused) >> unused;
	else
		at->value = (int64_t)((uint64_t)at->value << unused >> unused);
}

/* The end of the operand that begins at p: blanks in parentheses belong to it. */
static const char *operand_end(const char *p)
{
	int depth = 0;

	for (; *p && (depth > 0 || !isspace((unsigned char)*p)); p++) {
		depth += *p == '(';
		depth -= *p == ')';
	}
	return p;
}

struct probe_layout usdt_args_parse(struct arena *a, const char *text,
				    const struct usdt_site *site)
{
	struct {
		struct probe_field *items;
		size_t n, cap;
	} fields = { 0 };
	const char *p = text;

	for (;;) {
		struct operand o = { .arena = a, .site = site };
		struct probe_field field = { 0 };

		while (isspace((unsigned char)*p))
			p++;
		if (!*p)
			break;
		o.p = p;
		p = o.end = operand_end(p);
		parse_operand(&o);
		if (o.at.kind == LOC_CONSTANT)
			cut_constant(&o.at);
		field.at = o.at;
		/* What cannot be read still needs a type: that of its size, or a word. */
		if (o.at.kind == LOC_UNREADABLE &&
		    (o.at.size == 0 || o.at.size > 8 || (o.at.size & (o.at.size - 1))))
			field.at.size = 8;
		field.type = type_int(a, field.at.size, field.at.is_signed, UNIT_NONE);
		ARENA_PUSH(a, &fields, field);
	}
	return (struct probe_layout){ .fields = fields.items, .n = fields.n };
}
