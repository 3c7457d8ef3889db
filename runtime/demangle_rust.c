/*
 * Rust's scheme "v0" (RFC 2603): the grammar is printed while it is read. Back references
 * lead to an earlier place of the name, which is read again there; what they can unfold
 * to is bounded by the length of the text, the depth and the number of steps.
 */
#include "runtime/demangle.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "runtime/rust_name.h"
#include "runtime/sink.h"

static bool path(struct rust *r, bool in_value);
static void type(struct rust *r);
static void constant(struct rust *r);

/* Reads what a back reference leads to; nothing if nothing is printed anyway. */
static bool refer(struct rust *r, bool (*what)(struct rust *r, bool flag), bool flag)
{
	size_t here = r->at - 1, to = rust_base62(r), back = r->at;
	bool result;

	if (r->failed || to >= here) {
		rust_fail(r);
		return false;
	}
	if (r->silent)
		return false;
	r->at = to;
	result = what(r, flag);
	r->at = back;
	return result;
}

static bool some_type(struct rust *r, bool unused)
{
	(void)unused;
	type(r);
	return false;
}

static bool some_constant(struct rust *r, bool unused)
{
	(void)unused;
	constant(r);
	return false;
}

static void lifetime(struct rust *r)
{
	uint64_t index = rust_base62(r);
	char name[3] = "'_";

	if (index > 0) {
		if (index > r->lifetimes)
			rust_fail(r);
		index = r->lifetimes - index;
		if (index >= 26) {
			rust_say(r, "'_");
			rust_say_number(r, index);
			return;
		}
		name[1] = (char)('a' + index);
	}
	rust_say(r, name);
}

/* "for<'a, 'b> "; the caller restores r->lifetimes. */
static void binder(struct rust *r)
{
	uint64_t n = rust_tagged(r, 'G');

	if (n > RUST_MAX_DEPTH)
		rust_fail(r);
	if (r->failed || n == 0)
		return;
	rust_say(r, "for<");
	for (uint64_t i = 0; i < n; i++) {
		uint64_t index = r->lifetimes++;
		char name[3] = { '\'', (char)('a' + index % 26), '\0' };

		if (i)
			rust_say(r, ", ");
		rust_say(r, index < 26 ? name : "'_");
	}
	rust_say(r, "> ");
}

static void generic_arguments(struct rust *r)
{
	for (bool first = true; !r->failed && !rust_eat(r, 'E'); first = false) {
		if (!first)
			rust_say(r, ", ");
		if (rust_eat(r, 'L'))
			lifetime(r);
		else if (rust_eat(r, 'K'))
			constant(r);
		else
			type(r);
	}
}

static void nested_path(struct rust *r, bool in_value)
{
	char space = rust_next(r);
	struct rust_identifier w;

	path(r, in_value);
	w = rust_word(r);
	if (isupper((unsigned char)space)) {
		rust_say(r, "::{");
		if (space == 'C' || space == 'S')
			rust_say(r, space == 'C' ? "closure" : "shim");
		else
			rust_add(r, &space, 1);
		if (w.len) {
			rust_say(r, ":");
			rust_say_word(r, &w);
		}
		rust_say(r, "#");
		rust_say_number(r, w.disambiguator);
		rust_say(r, "}");
	} else if (islower((unsigned char)space)) {
		if (w.len) {
			rust_say(r, "::");
			rust_say_word(r, &w);
		}
	} else {
		rust_fail(r);
	}
}

/* The place of an impl block says nothing that a reader wants. */
static void skip_impl_path(struct rust *r)
{
	bool silent = r->silent;

	r->silent = true;
	rust_tagged(r, 's');
	path(r, false);
	r->silent = silent;
}

/* "<Type>" or "<Type as Trait>". */
static void impl_path(struct rust *r, char kind)
{
	if (kind != 'Y')
		skip_impl_path(r);
	rust_say(r, "<");
	type(r);
	if (kind != 'M') {
		rust_say(r, " as ");
		path(r, false);
	}
	rust_say(r, ">");
}

/* A path without the ">" of its own arguments: true if that is to follow. */
static bool open_path(struct rust *r, bool in_value)
{
	bool open = false;
	struct rust_identifier w;
	char kind;

	if (!rust_enter(r))
		return false;
	kind = rust_next(r);
	switch (kind) {
	case 'C':
		w = rust_word(r);
		rust_say_word(r, &w);
		break;
	case 'M':
	case 'X':
	case 'Y':
		impl_path(r, kind);
		break;
	case 'N':
		nested_path(r, in_value);
		break;
	case 'I':
		path(r, in_value);
		rust_say(r, in_value ? "::<" : "<");
		generic_arguments(r);
		open = true;
		break;
	case 'B':
		open = refer(r, open_path, in_value);
		break;
	default:
		rust_fail(r);
	}
	rust_leave(r);
	return open;
}

static bool path(struct rust *r, bool in_value)
{
	if (open_path(r, in_value))
		rust_say(r, ">");
	return false;
}

static const char *basic_type(char c)
{
	static const char *const names[26] = {
		"i8",    "bool", "char", "f64", "str",  "f32",  NULL,  "u8", "isize",
		"usize", NULL,   "i32",  "u32", "i128", "u128", "_",   NULL, NULL,
		"i16",   "u16",  "()",   "...", NULL,   "i64",  "u64", "!",
	};

	return islower((unsigned char)c) ? names[c - 'a'] : NULL;
}

static void tuple(struct rust *r)
{
	size_t n = 0;

	rust_say(r, "(");
	for (; !r->failed && !rust_eat(r, 'E'); n++) {
		if (n)
			rust_say(r, ", ");
		type(r);
	}
	rust_say(r, n == 1 ? ",)" : ")");
}

static void say_abi(struct rust *r)
{
	struct rust_identifier w;

	rust_say(r, "extern \"");
	if (rust_eat(r, 'C')) {
		rust_say(r, "C");
	} else {
		w = rust_plain_word(r);
		for (size_t i = 0; i < w.len; i++)
			rust_add(r, w.bytes[i] == '_' ? "-" : &w.bytes[i], 1);
	}
	rust_say(r, "\" ");
}

static void function_type(struct rust *r)
{
	uint64_t lifetimes = r->lifetimes;

	binder(r);
	if (rust_eat(r, 'U'))
		rust_say(r, "unsafe ");
	if (rust_eat(r, 'K'))
		say_abi(r);
	rust_say(r, "fn(");
	for (bool first = true; !r->failed && !rust_eat(r, 'E'); first = false) {
		if (!first)
			rust_say(r, ", ");
		type(r);
	}
	rust_say(r, ")");
	if (!rust_eat(r, 'u')) { /* () */
		rust_say(r, " -> ");
		type(r);
	}
	r->lifetimes = lifetimes;
}

/* Associated types go among the arguments of the trait: dyn Iterator<Item = u8>. */
static void dyn_trait(struct rust *r)
{
	bool open = open_path(r, false);

	while (!r->failed && rust_eat(r, 'p')) {
		struct rust_identifier w = rust_plain_word(r);

		rust_say(r, open ? ", " : "<");
		open = true;
		rust_say_word(r, &w);
		rust_say(r, " = ");
		type(r);
	}
	if (open)
		rust_say(r, ">");
}

static void dyn_type(struct rust *r)
{
	uint64_t lifetimes = r->lifetimes;

	rust_say(r, "dyn ");
	binder(r);
	for (bool first = true; !r->failed && !rust_eat(r, 'E'); first = false) {
		if (!first)
			rust_say(r, " + ");
		dyn_trait(r);
	}
	r->lifetimes = lifetimes;
	if (!rust_eat(r, 'L'))
		rust_fail(r);
	else if (rust_peek(r) == '_')
		r->at++;
	else {
		rust_say(r, " + ");
		lifetime(r);
	}
}

static void reference_type(struct rust *r, bool is_mutable)
{
	rust_say(r, "&");
	if (rust_eat(r, 'L')) {
		if (rust_peek(r) == '_') {
			r->at++;
		} else {
			lifetime(r);
			rust_say(r, " ");
		}
	}
	if (is_mutable)
		rust_say(r, "mut ");
	type(r);
}

static void array_type(struct rust *r, bool has_length)
{
	rust_say(r, "[");
	type(r);
	if (has_length) {
		rust_say(r, "; ");
		constant(r);
	}
	rust_say(r, "]");
}

static void type(struct rust *r)
{
	char c = rust_peek(r);

	if (!rust_enter(r))
		return;
	r->at += c != '\0';
	if (basic_type(c)) {
		rust_say(r, basic_type(c));
	} else if (c == 'A' || c == 'S') {
		array_type(r, c == 'A');
	} else if (c == 'T') {
		tuple(r);
	} else if (c == 'R' || c == 'Q') {
		reference_type(r, c == 'Q');
	} else if (c == 'P' || c == 'O') {
		rust_say(r, c == 'P' ? "*const " : "*mut ");
		type(r);
	} else if (c == 'F') {
		function_type(r);
	} else if (c == 'D') {
		dyn_type(r);
	} else if (c == 'B') {
		refer(r, some_type, false);
	} else if (c) {
		r->at--;
		path(r, false);
	} else {
		rust_fail(r);
	}
	rust_leave(r);
}

static void character(struct rust *r, uint64_t c)
{
	static const char escapes[] = "\tt\rr\nn''\\\\";
	char text[24];

	if (c >= 0x110000 || (c >= 0xd800 && c < 0xe000)) {
		rust_fail(r);
		return;
	}
	rust_say(r, "'");
	for (size_t i = 0; escapes[i]; i += 2) {
		if (c == (unsigned char)escapes[i]) {
			snprintf(text, sizeof(text), "\\%c'", escapes[i + 1]);
			rust_say(r, text);
			return;
		}
	}
	if (c < ' ' || c == 0x7f) {
		snprintf(text, sizeof(text), "\\u{%x}", (unsigned)c);
		rust_say(r, text);
	} else {
		rust_say_utf8(r, (uint32_t)c);
	}
	rust_say(r, "'");
}

/* Numbers, bool and char; those of other types are rare, and the name stays mangled. */
static void constant(struct rust *r)
{
	char c = rust_peek(r);
	uint64_t n;

	if (!rust_enter(r))
		return;
	r->at += c != '\0';
	if (c == 'p') {
		rust_say(r, "_");
	} else if (c == 'B') {
		refer(r, some_constant, false);
	} else if (c && strchr("hmotyj", c)) {
		if (rust_hex_number(r, &n))
			rust_say_number(r, n);
	} else if (c && strchr("alnsxi", c)) {
		if (rust_eat(r, 'n'))
			rust_say(r, "-");
		if (rust_hex_number(r, &n))
			rust_say_number(r, n);
	} else if (c == 'b') {
		if (!rust_hex_number(r, &n) || n > 1)
			rust_fail(r);
		rust_say(r, n ? "true" : "false");
	} else if (c == 'c') {
		if (rust_hex_number(r, &n))
			character(r, n);
	} else {
		rust_fail(r);
	}
	rust_leave(r);
}

bool demangle_rust(const char *name, struct text *out)
{
	struct rust r = { .name = name + 2, .out = out, .start = out->len };

	/* A digit would be the version of a later scheme. */
	if (strncmp(name, "_R", 2) != 0 || !isupper((unsigned char)name[2]))
		return false;
	path(&r, true);
	/* The crate that a generic function was made for. */
	if (isupper((unsigned char)rust_peek(&r))) {
		r.silent = true;
		path(&r, false);
	}
	/* LLVM's suffixes. */
	if (rust_peek(&r) && rust_peek(&r) != '.' && rust_peek(&r) != '$')
		rust_fail(&r);
	if (!r.failed)
		return true;
	out->len = r.start;
	if (out->bytes)
		out->bytes[out->len] = '\0';
	return false;
}
