/* Text. Strings are NUL-terminated, and their types know the longest there can be. */
#include <inttypes.h>
#include <string.h>

#include "builtins/builtin.h"
#include "codegen/emit.h"
#include "core/arena.h"
#include "sema/sema.h"

/* str(address[, n]) */

enum {
	STR_MAX = 16384, /* as the largest max_strlen */
	STR_MARK = 3,    /* "..." after text that was cut */
};

/* The limit that n sets: a constant's value, or the default if it is not constant. */
static bool str_limit(struct sema *s, const struct node *n, uint32_t *out)
{
	int64_t limit;

	*out = s->cc->plan->max_strlen;
	if (!n || !constant_int(n, &limit))
		return true;
	if (limit < 1 || limit > STR_MAX)
		return sema_error(s, DIAG_literal_range, n->span,
				  "the length must be from 1 to %d, not %" PRId64,
				  STR_MAX, limit);
	*out = (uint32_t)limit;
	return true;
}

static bool check_str(struct sema *s, struct node *call)
{
	const struct node *n = call_arg(call, 1);
	struct node *address = call_arg(call, 0);
	const struct type *t;
	uint32_t limit;

	constant_str(s, address); /* $1 is text, also if it looks like a number */
	t = address->type;
	if (t && t->kind == TYPE_STR && !n) {
		call->type = t; /* an array of the probe's arguments: text already */
		return true;
	}
	if (t && !type_is_number(t)) {
		sema_error(s, DIAG_type_mismatch, address->span,
			   "str() wants an address, not %s",
			   type_text(s->cc->arena, t));
		if (s->report && t->kind == TYPE_STR)
			diag_hint(s->cc, "it is text already");
		return false;
	}
	if (!str_limit(s, n, &limit))
		return false;
	call->type = type_str(s->cc->arena, limit + STR_MARK);
	return true;
}

/* Numbers are addresses of what the probe traces; pointers know. */
static bool is_user_address(struct emit *e, const struct type *t)
{
	return t->kind == TYPE_PTR ? t->user
				   : emit_program(e)->kind->flags & PROBE_USER;
}

static struct value emit_str(struct emit *e, const struct node *call)
{
	const struct node *address = call_arg(call, 0), *n = call_arg(call, 1);
	struct text_length length = { .limit = call->type->limit - STR_MARK };
	struct value dest, from;
	int64_t constant;

	if (address->type->kind == TYPE_STR)
		return emit_arg(e, call, 0);
	dest = emit_dest(e, call);
	from = emit_arg(e, call, 0);
	if (n && !constant_int(n, &constant))
		length.most = emit_arg(e, call, 1);
	return emit_read_str(e, dest, from, length, is_user_address(e, address->type),
			     call->span);
}

/* strlen(s) */

/* One byte of a string. */
static struct value byte_at(struct emit *e, struct value text, struct value i)
{
	return emit_load(e, emit_at(e, text, i), 0, 1, false);
}

static void break_if(struct emit *e, struct loop *l, struct value cond)
{
	struct branch b = emit_if(e, cond);

	emit_break(e, l);
	emit_end(e, &b);
}

/*
 * Copying tells the length, in one call; what it copies is not used. A loop would give
 * the verifier another constant for each turn, to try the rest of the program with.
 */
static struct value emit_strlen(struct emit *e, const struct node *call)
{
	size_t size = (size_t)call_arg(call, 0)->type->limit + 1;
	struct value text = emit_arg(e, call, 0);

	if (!text.len)
		text = emit_copy_str(e, emit_temp(e, size), text, size);
	return (struct value){ .ref = text.len };
}

/* strncmp(a, b, n) */

enum { COMPARE_WORDS_MAX = 64 }; /* bytes of a literal that are compared as words */

/*
 * 0 if text begins with these bytes, which end in a NUL or hold none: words are compared
 * without a loop. The bytes of a string type are a multiple of 8, so that what is read
 * lies inside.
 */
static struct value compare_words(struct emit *e, struct value text, const char *bytes,
				  size_t count)
{
	struct value differ = emit_int(e, 0);

	for (size_t i = 0; i < count; i += 8) {
		size_t n = count - i < 8 ? count - i : 8;
		uint64_t want = 0,
			 mask = n < 8 ? (UINT64_C(1) << 8 * n) - 1 : UINT64_MAX;
		struct value word = emit_load(e, text, (int64_t)i, 8, false);

		memcpy(&want, bytes + i, n);
		if (n < 8)
			word = emit_op(e, OP_AND, word, emit_int(e, (int64_t)mask),
				       false);
		word = emit_op(e, OP_XOR, word, emit_int(e, (int64_t)want), false);
		differ = i ? emit_op(e, OP_OR, differ, word, false) : word;
	}
	return emit_op(e, OP_NE, differ, emit_int(e, 0), false);
}

/* The same for two strings of which neither is known, byte by byte. */
static struct value compare_bytes(struct emit *e, struct value a, struct value b,
				  uint64_t count)
{
	struct value result = emit_temp(e, 8), x, y;
	struct branch differ;
	struct loop l;

	emit_store(e, result, 0, emit_int(e, 0), 8);
	l = emit_loop(e, count);
	x = byte_at(e, a, l.i);
	y = byte_at(e, b, l.i);
	differ = emit_if(e, emit_op(e, OP_NE, x, y, false));
	emit_store(e, result, 0, emit_int(e, 1), 8);
	emit_break(e, &l);
	emit_end(e, &differ);
	break_if(e, &l, emit_op(e, OP_EQ, x, emit_int(e, 0), false));
	emit_loop_end(e, &l);
	return emit_load(e, result, 0, 8, false);
}

static struct value emit_strncmp(struct emit *e, const struct node *call)
{
	const struct node *a = call_arg(call, 0), *b = call_arg(call, 1);
	const struct node *literal = b->kind == NODE_STR ? b : a;
	const struct node *other = literal == b ? a : b;
	struct value text = emit_arg(e, call, literal == b ? 0 : 1);
	uint64_t count, shortest;
	int64_t n = 0;

	constant_int(call_arg(call, 2), &n);
	shortest = a->type->limit < b->type->limit ? a->type->limit : b->type->limit;
	count = (uint64_t)n < shortest + 1 ? (uint64_t)n : shortest + 1;
	if (literal->kind == NODE_STR && other->kind != NODE_STR) {
		size_t len = strlen(literal->string.bytes) + 1;

		len = (uint64_t)n < len ? (size_t)n : len;
		if (len > other->type->limit + 1)
			return emit_int(e, 1); /* the other is always shorter */
		if (len <= COMPARE_WORDS_MAX)
			return compare_words(e, text, literal->string.bytes, len);
	}
	return compare_bytes(e, text, emit_arg(e, call, literal == b ? 1 : 0), count);
}

/* strcontains(haystack, needle) */

/*
 * The bitap algorithm: bit i of the state is set if the last i + 1 bytes are the first
 * i + 1 of the needle. A byte shifts the state, adds bit 0, and keeps the bits of the
 * places where the needle has that byte: one table look-up, no inner loop, no going back.
 */
enum { NEEDLE_MAX = 64 }; /* bits of the state */

static bool check_strcontains(struct sema *s, struct node *call)
{
	struct node *needle = call_arg(call, 1);
	const char *bytes = constant_str(s, needle);

	if (!bytes)
		return true; /* the signature says so */
	if (strlen(bytes) > NEEDLE_MAX)
		return sema_error(s, DIAG_literal_range, needle->span,
				  "the text to look for has %zu bytes, at most %d are "
				  "possible",
				  strlen(bytes), NEEDLE_MAX);
	return true;
}

/* For each byte, the places where the needle has it. */
static struct value place_table(struct emit *e, const char *needle, size_t len)
{
	uint64_t places[256] = { 0 };

	for (size_t i = 0; i < len; i++)
		places[(unsigned char)needle[i]] |= UINT64_C(1) << i;
	return emit_rodata(e, places, sizeof(places));
}

static struct value emit_strcontains(struct emit *e, const struct node *call)
{
	const char *needle = call_arg(call, 1)->string.bytes;
	size_t len = strlen(needle);
	uint32_t limit = call_arg(call, 0)->type->limit;
	struct value text = emit_arg(e, call, 0);
	struct value table, state, found, byte, places, bits;
	struct branch whole;
	struct loop l;

	if (len == 0 || len > limit)
		return emit_int(e, len == 0);
	table = place_table(e, needle, len);
	state = emit_temp(e, 8);
	found = emit_temp(e, 8);
	emit_store(e, state, 0, emit_int(e, 0), 8);
	emit_store(e, found, 0, emit_int(e, 0), 8);

	l = emit_loop(e, limit);
	byte = byte_at(e, text, l.i);
	break_if(e, &l, emit_op(e, OP_EQ, byte, emit_int(e, 0), false));
	places = emit_op(e, OP_MUL, byte, emit_int(e, 8), false);
	places = emit_load(e, emit_at(e, table, places), 0, 8, false);
	bits = emit_load(e, state, 0, 8, false);
	bits = emit_op(e, OP_SHL, bits, emit_int(e, 1), false);
	bits = emit_op(e, OP_OR, bits, emit_int(e, 1), false);
	bits = emit_op(e, OP_AND, bits, places, false);
	emit_store(e, state, 0, bits, 8);
	bits = emit_op(e, OP_SHR, bits, emit_int(e, (int64_t)len - 1), false);
	bits = emit_op(e, OP_AND, bits, emit_int(e, 1), false);
	whole = emit_if(e, bits);
	emit_store(e, found, 0, emit_int(e, 1), 8);
	emit_break(e, &l);
	emit_end(e, &whole);
	emit_loop_end(e, &l);
	return emit_load(e, found, 0, 8, false);
}

const struct builtin string_builtins[] = {
	{
		.name = "str",
		.kind = BUILTIN_FUNC,
		.flags = BUILTIN_READS_USER,
		.returns = { .kind = TYPE_STR },
		.params = {
			{ .name = "address", .type = TYPE_ANY },
			{ .name = "n", .type = TYPE_INT, .flags = PARAM_OPTIONAL },
		},
		.check = check_str,
		.summary = "the text at an address",
		.doc = "Reads up to a NUL byte, but at most n bytes, or max_strlen (1024 "
		       "unless configured) if there is no n. Text that is longer is cut "
		       "and ends in `...`; where n is computed by the program, it is "
		       "taken for the length of the text and the mark is left out. Text that "
		       "cannot be read is empty, and counted as lost. Pages that are not in "
		       "memory are brought in where the kernel lets a probe wait for them: "
		       "in user space probes, since Linux 6.0.",
		.example = "tracepoint:syscalls:sys_enter_openat "
			   "{ printf(\"%s\\n\", str(args.filename)); }",
		.emit = emit_str,
	},
	{
		.name = "strlen",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_INT, .size = 8 },
		.params = { { .name = "s", .type = TYPE_STR } },
		.summary = "length of a string in bytes",
		.doc = "Of text that str() has cut, what is left with its mark.",
		.example = "tracepoint:syscalls:sys_enter_openat "
			   "{ @length = hist(strlen(str(args.filename))); }",
		.emit = emit_strlen,
	},
	{
		.name = "strncmp",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_INT, .size = 8, .is_signed = true },
		.params = {
			{ .name = "a", .type = TYPE_STR },
			{ .name = "b", .type = TYPE_STR },
			{ .name = "n", .type = TYPE_INT, .flags = PARAM_LITERAL,
			  .min = 1, .max = STR_MAX + STR_MARK },
		},
		.summary = "0 if the first n bytes of two strings are equal",
		.doc = "Else 1. Strings that end earlier are equal if they are the same.",
		.example = "tracepoint:raw_syscalls:sys_enter "
			   "/strncmp(comm, \"postgres\", 8) == 0/ { @calls = count(); }",
		.emit = emit_strncmp,
	},
	{
		.name = "strcontains",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_INT, .size = 8, .is_signed = true },
		.params = {
			{ .name = "haystack", .type = TYPE_STR },
			{ .name = "needle", .type = TYPE_STR, .flags = PARAM_LITERAL },
		},
		.check = check_strcontains,
		.summary = "1 if a string contains a text, else 0",
		.doc = "The text is a literal of at most 64 bytes; upper and lower case "
		       "differ.",
		.example = "tracepoint:syscalls:sys_enter_openat "
			   "/strcontains(str(args.filename), \".so\")/ "
			   "{ @libraries[str(args.filename)] = count(); }",
		.emit = emit_strcontains,
	},
	{
		.name = "getopt",
		.kind = BUILTIN_FUNC,
		.flags = BUILTIN_COMPILE_TIME,
		.returns = { .kind = TYPE_INT, .size = 8, .is_signed = true },
		.params = {
			{ .name = "name", .type = TYPE_STR, .flags = PARAM_LITERAL },
			{ .name = "default", .type = TYPE_ANY,
			  .flags = PARAM_LITERAL | PARAM_OPTIONAL },
			{ .name = "help", .type = TYPE_STR,
			  .flags = PARAM_LITERAL | PARAM_OPTIONAL },
		},
		.check = script_option_check,
		.summary = "the value of the script's option --name",
		.doc = "The default says whether it is a number or text; without one it is a "
		       "flag: 1 if it was given, else 0. Options follow the script's name, "
		       "as `--name=value` or `--name value`, and `memql SCRIPT --help` "
		       "lists them with the help text. Numbers may be durations: "
		       "`--min 10ms`.",
		.example = "BEGIN { printf(\"at least %s\\n\", "
			   "getopt(\"min\", 10ms, \"shortest query to show\")); }",
		.emit = NULL,
	},
	{ 0 },
};
