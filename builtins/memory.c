/* Memory as it is: buffers, comparison, and whose memory an address is in. */
#include <inttypes.h>
#include <string.h>

#include "builtins/builtin.h"
#include "codegen/emit.h"
#include "core/arena.h"
#include "runtime/sink.h"
#include "sema/sema.h"

/* buf(data[, length]): the length in a word, then so many bytes, and zeros. */

enum { BUF_LENGTH = 0, BUF_BYTES = 8, BUF_MAX = 16384 };

static const char *buffer_bytes(const struct datum *d, size_t *len)
{
	uint64_t n;

	memcpy(&n, d->s + BUF_LENGTH, sizeof(n));
	*len = n < d->len - BUF_BYTES ? (size_t)n : d->len - BUF_BYTES;
	return d->s + BUF_BYTES;
}

static void render_buffer(struct text *out, const struct sink *sink,
			  const struct datum *d)
{
	size_t len;
	const char *bytes = buffer_bytes(d, &len);

	(void)sink;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c >= ' ' && c <= '~')
			text_add(out, &bytes[i], 1);
		else
			text_printf(out, "\\x%02x", c);
	}
}

static int compare_buffers(const struct datum *a, const struct datum *b)
{
	size_t x, y;
	const char *p = buffer_bytes(a, &x), *q = buffer_bytes(b, &y);
	int order = memcmp(p, q, x < y ? x : y);

	return order ? order : (x > y) - (x < y);
}

static const struct shape buffer_shape = {
	.name = "buffer",
	.size = BUF_BYTES,
	.render = render_buffer,
	.compare = compare_buffers,
	.bytes = buffer_bytes,
};

/* How many bytes there are, if the type says so; 0: it does not. */
static uint64_t own_bytes(const struct type *t)
{
	switch (t->kind) {
	case TYPE_STR:
		return t->limit;
	case TYPE_STRUCT:
	case TYPE_ARRAY:
		return type_c_size(t);
	case TYPE_INT:
	case TYPE_PTR:
	case TYPE_TUPLE:
	case TYPE_SHOWN:
	case TYPE_NAME:
	case TYPE_TIME:
	case TYPE_VOID:
	case TYPE_ARGS:
	case TYPE_ANY:
		break;
	}
	return 0;
}

static bool check_buf(struct sema *s, struct node *call)
{
	const struct node *data = call_arg(call, 0), *length = call_arg(call, 1);
	uint64_t own = own_bytes(data->type), limit = own;
	int64_t n;

	if (!own && !type_is_number(data->type))
		return sema_error(s, DIAG_type_mismatch, data->span,
				  "buf() wants an address or an array, not %s",
				  type_text(s->cc->arena, data->type));
	if (!limit || (length && limit > s->cc->plan->max_strlen))
		limit = s->cc->plan->max_strlen;
	if (length && constant_int(length, &n)) {
		if (n < 1 || n > BUF_MAX)
			return sema_error(
				s, DIAG_literal_range, length->span,
				"the length must be from 1 to %d, not %" PRId64,
				BUF_MAX, n);
		if (own && (uint64_t)n > own)
			return sema_error(s, DIAG_literal_range, length->span,
					  "%s has only %" PRIu64 " bytes",
					  type_text(s->cc->arena, data->type), own);
		limit = (uint64_t)n;
	}
	if (limit > BUF_MAX)
		return sema_error(s, DIAG_string_limit, data->span,
				  "%s has more than %d bytes: give a length",
				  type_text(s->cc->arena, data->type), BUF_MAX);
	call->type = type_shown(s->cc->arena, &buffer_shape, (uint32_t)limit, NULL);
	return true;
}

static enum space space_of(struct emit *e, const struct type *t)
{
	return t->kind == TYPE_STR ? SPACE_OWN : emit_space(e, t);
}

static struct value emit_buf(struct emit *e, const struct node *call)
{
	const struct node *data = call_arg(call, 0), *length = call_arg(call, 1);
	struct value dest = emit_dest(e, call), from = emit_eval(e, data);
	struct value bytes = emit_at(e, dest, emit_int(e, BUF_BYTES)), len;
	uint64_t limit = call->type->limit;
	int64_t n;

	if (!length || constant_int(length, &n)) {
		emit_zero(e, bytes, type_size(call->type) - BUF_BYTES);
		emit_store(e, dest, BUF_LENGTH, emit_int(e, (int64_t)limit), 8);
		emit_read_bytes(e, bytes, from, limit, space_of(e, data->type),
				call->span);
		return dest;
	}
	/* As unsigned numbers: a negative one is too large. */
	len = emit_eval(e, length);
	len = emit_select(e, emit_op(e, OP_LT, len, emit_int(e, (int64_t)limit), false),
			  len, emit_int(e, (int64_t)limit));
	len = emit_bounded(e, len, limit);
	emit_zero(e, bytes, type_size(call->type) - BUF_BYTES);
	emit_store(e, dest, BUF_LENGTH, len, 8);
	emit_read_some(e, bytes, from, len, space_of(e, data->type), call->span);
	return dest;
}

/* memcmp(a, b, count) */

static bool check_memcmp(struct sema *s, struct node *call)
{
	const struct node *count = call_arg(call, 2);
	int64_t n;

	if (!constant_int(count, &n))
		return true; /* the signature says so */
	for (size_t i = 0; i < 2; i++) {
		const struct node *arg = call_arg(call, i);
		const struct type *t = type_owned(s->cc->arena, arg->type);
		/* Of a string the NUL counts, too. */
		uint64_t own =
			t->kind == TYPE_STR ? (uint64_t)t->limit + 1 : type_c_size(t);

		if (!type_in_memory(t))
			return sema_error(
				s, DIAG_type_mismatch, arg->span,
				"memcmp() compares strings, arrays, structs and "
				"tuples, not %s",
				type_text(s->cc->arena, t));
		if ((uint64_t)n > own)
			return sema_error(s, DIAG_literal_range, count->span,
					  "%s has only %" PRIu64 " bytes",
					  type_text(s->cc->arena, t), own);
	}
	return true;
}

static struct value emit_memcmp(struct emit *e, const struct node *call)
{
	int64_t n = 0;

	constant_int(call_arg(call, 2), &n);
	return emit_compare_memory(e, call_arg(call, 0), call_arg(call, 1), (size_t)n);
}

/* kptr(address), uptr(address): the same address, and where it is. */

static bool check_space(struct sema *s, struct node *call, enum space space)
{
	const struct type *t = call_arg(call, 0)->type;

	call->type =
		type_ptr(s->cc->arena, t->kind == TYPE_PTR ? t->to : &type_void, space);
	return true;
}

static bool check_kptr(struct sema *s, struct node *call)
{
	return check_space(s, call, SPACE_KERNEL);
}

static bool check_uptr(struct sema *s, struct node *call)
{
	return check_space(s, call, SPACE_USER);
}

static struct value emit_pointer(struct emit *e, const struct node *call)
{
	return emit_arg(e, call, 0);
}

/* is_err(pointer) */

enum { ERRNO_MAX = 4095 }; /* the kernel's MAX_ERRNO */

static struct value emit_is_err(struct emit *e, const struct node *call)
{
	return emit_op(e, OP_GE, emit_arg(e, call, 0), emit_int(e, -ERRNO_MAX), false);
}

const struct builtin memory_builtins[] = {
	{
		.name = "buf",
		.kind = BUILTIN_FUNC,
		.flags = BUILTIN_READS_USER,
		.returns = { .kind = TYPE_SHOWN, .shape = &buffer_shape },
		.params = {
			{ .name = "data", .type = TYPE_ANY },
			{ .name = "length", .type = TYPE_INT, .flags = PARAM_OPTIONAL },
		},
		.check = check_buf,
		.summary = "bytes of memory",
		.doc = "Of an array or struct all of it, or so many bytes from its start or at "
		       "an address: without a length, or at most if the program computes it, "
		       "max_strlen (1024 unless configured). `%r` and print() show it with "
		       "bytes that are not printable as `\\xNN`, `%rx` all as `\\xNN`, `%rh` as "
		       "`0a ff`. Memory that cannot be read is zeros, and counted as lost.",
		.example = "tracepoint:syscalls:sys_enter_write "
			   "{ printf(\"%r\\n\", buf(args.buf, 16)); }",
		.emit = emit_buf,
	},
	{
		.name = "memcmp",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_INT, .size = 8, .is_signed = true },
		.params = {
			{ .name = "a", .type = TYPE_ANY },
			{ .name = "b", .type = TYPE_ANY },
			{ .name = "count", .type = TYPE_INT, .flags = PARAM_LITERAL,
			  .min = 1, .max = 4096 },
		},
		.check = check_memcmp,
		.summary = "0 if the first count bytes of two values are equal",
		.doc = "Else the difference of the first bytes that are not, as unsigned "
		       "numbers. For strings, arrays, structs and tuples; what follows the NUL "
		       "of a string is zeros.",
		.example = "BEGIN { if (memcmp(pton(\"127.0.0.1\"), pton(\"127.0.0.2\"), 3) == 0) "
			   "{ printf(\"one network\\n\"); } }",
		.emit = emit_memcmp,
	},
	{
		.name = "kptr",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_PTR, .to = &type_void, .space = SPACE_KERNEL },
		.params = { { .name = "address", .type = TYPE_PTR } },
		.check = check_kptr,
		.summary = "an address, as one of the kernel's memory",
		.doc = "A pointer stays a pointer to the same type. Plain numbers are looked at: "
		       "on most processors the address tells whose memory it is.",
		.example = "tracepoint:syscalls:sys_enter_openat { print(kptr(args.filename)); }",
		.emit = emit_pointer,
	},
	{
		.name = "uptr",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_PTR, .to = &type_void, .space = SPACE_USER },
		.params = { { .name = "address", .type = TYPE_PTR } },
		.check = check_uptr,
		.summary = "an address, as one of the traced program's memory",
		.doc = "A pointer stays a pointer to the same type.",
		.example = "tracepoint:syscalls:sys_enter_openat "
			   "{ printf(\"%s\\n\", str(uptr(args.filename))); }",
		.emit = emit_pointer,
	},
	{
		.name = "is_err",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_INT, .size = 1, .is_signed = true, .is_bool = true },
		.params = { { .name = "pointer", .type = TYPE_PTR } },
		.summary = "whether what a kernel function returned is an error, not a pointer",
		.doc = "Such functions return one of the last 4095 addresses: `strerror(-(int32)"
		       "retval)` names it.",
		.example = "BEGIN { printf(\"%d\\n\", is_err((uint64)-2)); }",
		.emit = emit_is_err,
	},
	{ 0 },
};
