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
	if (t && t->kind != TYPE_STR && !type_is_number(t))
		return sema_error(s, DIAG_type_mismatch, address->span,
				  "str() wants an address, not %s",
				  type_text(s->cc->arena, t));
	if (!str_limit(s, n, &limit))
		return false;
	call->type = type_str(s->cc->arena, limit + STR_MARK);
	return true;
}

static struct value emit_str(struct emit *e, const struct node *call)
{
	const struct node *address = call_arg(call, 0), *n = call_arg(call, 1);
	struct text_length length = { .limit = call->type->limit - STR_MARK };
	struct value dest, from;
	int64_t constant;

	if (address->type->kind == TYPE_STR && !n)
		return emit_arg(e, call, 0);
	dest = emit_dest(e, call);
	from = emit_arg(e, call, 0);
	if (n && !constant_int(n, &constant))
		length.most = emit_arg(e, call, 1);
	/* Text at hand is cut as text elsewhere is. */
	return emit_read_str(e, dest, from, length,
			     address->type->kind == TYPE_STR
				     ? SPACE_OWN
				     : emit_space(e, address->type),
			     call->span);
}

/* strlen(s) */

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

static struct value emit_strncmp(struct emit *e, const struct node *call)
{
	const struct node *a = call_arg(call, 0), *b = call_arg(call, 1);
	const struct node *literal = b->kind == NODE_STR ? b : a;
	const struct node *other = literal == b ? a : b;
	size_t shortest =
		a->type->limit < b->type->limit ? a->type->limit : b->type->limit;
	struct value first, same;
	int64_t n = 0;

	constant_int(call_arg(call, 2), &n);
	if (literal->kind == NODE_STR && other->kind != NODE_STR) {
		size_t len = strlen(literal->string.bytes) + 1;

		len = (uint64_t)n < len ? (size_t)n : len;
		if (len > (size_t)other->type->limit + 1)
			return emit_int(e, 1); /* the other is always shorter */
		if (len <= COMPARE_WORDS_MAX)
			return compare_words(e, emit_eval(e, other),
					     literal->string.bytes, len);
	}
	first = emit_text_memory(e, a);
	same = emit_same_text(e, first, emit_text_memory(e, b),
			      (uint64_t)n < shortest + 1 ? (size_t)n : shortest + 1);
	return emit_op(e, OP_EQ, same, emit_int(e, 0), false);
}

/* strcontains(haystack, needle) */

/*
 * A literal is looked for by a table that is made of it, which reads each byte once; else
 * each place is tried.
 */
static struct value find_text(struct emit *e, const struct node *call)
{
	const struct node *haystack = call_arg(call, 0), *needle = call_arg(call, 1);
	size_t limit = haystack->type->limit, len;

	if (needle->kind != NODE_STR)
		return emit_search_text(e, haystack, needle);
	len = strlen(needle->string.bytes);
	if (len == 0 || len > limit)
		return emit_int(e, len == 0 ? 0 : -1);
	if (len > FIND_MAX)
		return emit_search_text(e, haystack, needle);
	return emit_find_text(e, emit_text_memory(e, haystack), limit,
			      needle->string.bytes);
}

static struct value emit_strcontains(struct emit *e, const struct node *call)
{
	return emit_op(e, OP_GE, find_text(e, call), emit_int(e, 0), true);
}

static struct value emit_strstr(struct emit *e, const struct node *call)
{
	return find_text(e, call);
}

/* strcap(s): bytes of its type, with the NUL. */

static bool check_strcap(struct sema *s, struct node *call)
{
	/* The type may grow until the last pass. */
	if (s->report)
		sema_become_int(s, call, (int64_t)call_arg(call, 0)->type->limit + 1);
	return true;
}

/* str_concat(a, b) */

static bool check_str_concat(struct sema *s, struct node *call)
{
	uint64_t limit = (uint64_t)call_arg(call, 0)->type->limit +
			 call_arg(call, 1)->type->limit;

	if (limit > STR_MAX)
		return sema_error(s, DIAG_string_limit, call->span,
				  "both strings together may have %" PRIu64
				  " bytes, at most %d are possible",
				  limit, STR_MAX);
	call->type = type_str(s->cc->arena, (uint32_t)limit);
	return true;
}

static struct value length_of(struct emit *e, const struct node *n, struct value text)
{
	size_t size = (size_t)n->type->limit + 1;

	if (!text.len) /* onto itself: the helper returns the length */
		text = emit_copy_str(e, text, text, size);
	return emit_bounded(e, (struct value){ .ref = text.len }, n->type->limit);
}

/* The first is copied: it may be the place that the result goes to. */
static struct value emit_str_concat(struct emit *e, const struct node *call)
{
	const struct node *a = call_arg(call, 0), *b = call_arg(call, 1);
	struct value dest = emit_dest(e, call), first = emit_memory(e, a), end, len;
	struct value second = emit_memory(e, b);

	first = emit_copy_str(e, dest, first, (size_t)a->type->limit + 1);
	len = length_of(e, a, first);
	end = emit_copy_str(e, emit_at(e, dest, len), second,
			    (size_t)b->type->limit + 1);
	len = emit_op(e, OP_ADD, len, (struct value){ .ref = end.len }, false);
	return (struct value){ .ref = dest.ref, .len = len.ref };
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
		.returns = { .kind = TYPE_INT, .size = 1, .is_signed = true, .is_bool = true },
		.params = {
			{ .name = "haystack", .type = TYPE_STR },
			{ .name = "needle", .type = TYPE_STR },
		},
		.summary = "whether a string contains another",
		.doc = "Upper and lower case differ. Literals of up to 63 bytes are found "
		       "fastest.",
		.example = "tracepoint:syscalls:sys_enter_openat "
			   "/strcontains(str(args.filename), \".so\")/ "
			   "{ @libraries[str(args.filename)] = count(); }",
		.emit = emit_strcontains,
	},
	{
		.name = "strstr",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_INT, .size = 8, .is_signed = true },
		.params = {
			{ .name = "haystack", .type = TYPE_STR },
			{ .name = "needle", .type = TYPE_STR },
		},
		.summary = "where in a string another begins",
		.doc = "0 if it begins with it, -1 if it does not contain it.",
		.example = "tracepoint:syscalls:sys_enter_openat "
			   "/strstr(str(args.filename), \"/proc/\") == 0/ "
			   "{ @proc = count(); }",
		.emit = emit_strstr,
	},
	{
		.name = "strcap",
		.kind = BUILTIN_FUNC,
		.flags = BUILTIN_LITERAL,
		.returns = { .kind = TYPE_INT, .size = 8, .is_signed = true },
		.params = { { .name = "s", .type = TYPE_STR } },
		.check = check_strcap,
		.summary = "how many bytes a string's type has room for, with the NUL",
		.doc = "Known when the program is compiled; strlen() is what it holds.",
		.example = "BEGIN { printf(\"%d\\n\", strcap(comm)); }",
	},
	{
		.name = "str_concat",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_STR },
		.params = {
			{ .name = "a", .type = TYPE_STR },
			{ .name = "b", .type = TYPE_STR },
		},
		.check = check_str_concat,
		.summary = "two strings as one",
		.doc = "Nothing is cut off: the result has room for both.",
		.example = "tracepoint:sched:sched_process_exec "
			   "{ @[str_concat(\"command \", comm)] = count(); }",
		.emit = emit_str_concat,
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
			{ .name = "least", .type = TYPE_INT,
			  .flags = PARAM_LITERAL | PARAM_OPTIONAL },
			{ .name = "most", .type = TYPE_INT,
			  .flags = PARAM_LITERAL | PARAM_OPTIONAL },
		},
		.check = script_option_check,
		.summary = "the value of the script's option --name",
		.doc = "The default says whether it is a number or text; without one it is a "
		       "flag: 1 if it was given, else 0. Options follow the script's name, "
		       "as `--name=value` or `--name value`, and `memql SCRIPT --help` "
		       "lists them with the help text. Numbers may be durations: "
		       "`--min 10ms`. With least, or least and most, other numbers are refused.",
		.example = "BEGIN { printf(\"at least %s\\n\", "
			   "getopt(\"min\", 10ms, \"shortest query to show\")); }",
		.emit = NULL,
	},
	{ 0 },
};
