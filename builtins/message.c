/*
 * What is told besides results: errors and warnings of the script itself, checked
 * assumptions, files, lists of words.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "builtins/builtin.h"
#include "builtins/format.h"
#include "codegen/emit.h"
#include "core/arena.h"
#include "core/compile.h"
#include "runtime/session.h"
#include "runtime/sink.h"
#include "sema/sema.h"

static bool check_format(struct sema *s, struct node *call)
{
	return format_check(s, call, 0);
}

/* errorf(format, ...), warnf(format, ...) */

static void tell(struct session *s, const struct action_info *action, const char *kind,
		 const struct text *text)
{
	struct sink *out = session_sink(s);

	out->ops->message(out, action->builtin->name, kind, action->file, action->line,
			  text->bytes ? text->bytes : "", text->len);
}

static void run_errorf(struct session *s, const struct action_info *action,
		       const struct datum *args, uint64_t time)
{
	struct text text = { 0 };

	(void)time;
	format_render(&text, session_sink(s), action->text, args, action->nargs);
	tell(s, action, "error", &text);
	text_free(&text);
}

static void run_warnf(struct session *s, const struct action_info *action,
		      const struct datum *args, uint64_t time)
{
	struct text text = { 0 };

	(void)time;
	if (!session_shows_warnings(s))
		return;
	format_render(&text, session_sink(s), action->text, args, action->nargs);
	tell(s, action, "warning", &text);
	text_free(&text);
}

static const struct action_ops errorf_ops = { run_errorf };
static const struct action_ops warnf_ops = { run_warnf };

/* assert(condition, message) */

static struct value emit_assert(struct emit *e, const struct node *call)
{
	struct value failed =
		emit_op(e, OP_EQ, emit_arg(e, call, 0), emit_int(e, 0), false);
	struct branch b = emit_if(e, failed);

	emit_record(e, call, true);
	emit_return(e);
	emit_end(e, &b);
	return emit_int(e, 0);
}

static void run_assert(struct session *s, const struct action_info *action,
		       const struct datum *args, uint64_t time)
{
	struct text text = { 0 };

	(void)args;
	(void)time;
	text_printf(&text, "assert failed: %s", action->text);
	tell(s, action, "error", &text);
	text_free(&text);
	session_exit(s, 1);
}

static const struct action_ops assert_ops = { run_assert };

/* cat(format, ...) */

/* Lines and tabs of a file are its own; anything else is shown as from a program. */
static void add_file_text(struct text *out, const char *bytes, size_t len)
{
	const char *end = bytes + len;

	while (bytes < end) {
		size_t run = 0;

		while (bytes + run < end && bytes[run] != '\n' && bytes[run] != '\t')
			run++;
		text_add_safe(out, bytes, run);
		bytes += run;
		if (bytes < end)
			text_add(out, bytes++, 1);
	}
}

/* Up to max bytes of the file; what is left out is told. */
static int read_file(struct text *out, const char *path, size_t max, bool *cut)
{
	FILE *file = fopen(path, "re");
	char buffer[4096];
	struct text raw = { 0 };
	size_t n = 0;
	int err = file ? 0 : -errno;

	while (!err && raw.len <= max &&
	       (n = fread(buffer, 1, sizeof(buffer), file)) > 0)
		text_add(&raw, buffer, n);
	if (file && ferror(file))
		err = -errno;
	if (file)
		fclose(file);
	*cut = raw.len > max;
	if (!err && raw.len)
		add_file_text(out, raw.bytes, *cut ? max : raw.len);
	text_free(&raw);
	return err;
}

static void run_cat(struct session *s, const struct action_info *action,
		    const struct datum *args, uint64_t time)
{
	struct sink *out = session_sink(s);
	struct text path = { 0 }, text = { 0 }, message = { 0 };
	size_t max = session_max_cat_bytes(s);
	bool cut;
	int err;

	(void)time;
	format_render(&path, out, action->text, args, action->nargs);
	err = read_file(&text, path.bytes ? path.bytes : "", max, &cut);
	if (text.len)
		out->ops->text(out, "cat", text.bytes, text.len);
	if (err)
		text_printf(&message, "cannot read %s: %s", path.bytes, strerror(-err));
	else if (cut)
		text_printf(
			&message,
			"%s has more than the %zu bytes of max_cat_bytes: the rest is "
			"not shown",
			path.bytes, max);
	if (message.len)
		tell(s, action, err ? "error" : "warning", &message);
	text_free(&path);
	text_free(&text);
	text_free(&message);
}

static const struct action_ops cat_ops = { run_cat };

/*
 * join(array[, delimiter]): the argument becomes a text, which the program puts together;
 * user space prints it.
 */

enum {
	JOIN_WORDS_MAX = 64,
	JOIN_BYTES_MAX = 4096,
	JOIN_TYPE_LIMIT = JOIN_BYTES_MAX + JOIN_DELIMITER_MAX + JOIN_WORD_MAX + 15,
};

static struct value emit_joined(struct emit *e, const struct node *call)
{
	const struct node *array = call_arg(call, 0), *delimiter = call_arg(call, 1);
	struct joining j = {
		.delimiter = delimiter ? delimiter->string.bytes : " ",
		.limit = JOIN_BYTES_MAX,
		.words = JOIN_WORDS_MAX,
		.space = emit_space(e, array->type),
	};

	return emit_join(e, emit_dest(e, call), emit_arg(e, call, 0), &j, call->span);
}

/* What join() prints; not known by name. */
static const struct builtin joined = {
	.name = "join",
	.kind = BUILTIN_FUNC,
	.returns = { .kind = TYPE_STR, .limit = JOIN_TYPE_LIMIT },
	.params = {
		{ .name = "array", .type = TYPE_PTR },
		{ .name = "delimiter", .type = TYPE_STR,
		  .flags = PARAM_LITERAL | PARAM_OPTIONAL },
	},
	.emit = emit_joined,
};

/* join(a, d) becomes join(JOINED(a, d)): once. */
static bool check_join(struct sema *s, struct node *call)
{
	struct node *array = call_arg(call, 0), *inner;

	const char *delimiter = " ";

	if (array->kind == NODE_CALL && array->call.builtin == &joined)
		return true;
	if (array->next)
		delimiter = constant_str(s, array->next);
	if (delimiter && strlen(delimiter) > JOIN_DELIMITER_MAX)
		return sema_error(
			s, DIAG_literal_range, array->next->span,
			"the delimiter has %zu bytes, at most %d are possible",
			strlen(delimiter), JOIN_DELIMITER_MAX);
	if (!type_is_number(array->type))
		return sema_error(s, DIAG_type_mismatch, array->span,
				  "join() wants an array of addresses of text, not %s",
				  type_text(s->cc->arena, array->type));
	inner = node_new(s->cc->arena, NODE_CALL, call->span);
	inner->height = call->height;
	inner->call.name = call->call.name;
	inner->call.name_span = call->call.name_span;
	inner->call.has_parens = true;
	inner->call.builtin = &joined;
	inner->call.args = array;
	inner->type = &joined.returns;
	call->call.args = inner;
	s->changed = true;
	return true;
}

static void run_join(struct session *s, const struct action_info *action,
		     const struct datum *args, uint64_t time)
{
	struct sink *out = session_sink(s);
	struct text text = { 0 };

	(void)action;
	(void)time;
	text_add_safe(&text, args[0].s, args[0].len);
	text_add(&text, "\n", 1);
	out->ops->text(out, "join", text.bytes, text.len);
	text_free(&text);
}

static const struct action_ops join_ops = { run_join };

/*
 * debugf(format, ...): the kernel formats it, by rules of its own: up to three values,
 * numbers of 64 bits only if it says so, no precision.
 */

enum { DEBUG_VALUES_MAX = 3 };

static const char *debug_error(const struct format_part *part, const struct node *arg)
{
	if (!part->letter || !strchr("diuxXps", part->letter))
		return "the kernel has no such conversion: d, i, u, x, X, p, s";
	if (part->precision >= 0 || part->alternate || part->bytes < 8)
		return "the kernel knows a width, '-', '+', ' ' and '0' only";
	if (part->letter == 's' && arg->type->kind != TYPE_STR)
		return "the kernel shows text only: str(), comm and the like";
	return NULL;
}

/* %d becomes %lld; an address is shown as it is. */
static void add_debug_part(struct text *out, const char *format,
			   const struct format_part *part)
{
	size_t len = part->end - part->begin;

	if (!part->conversion) {
		bool percent = format[part->begin] == '%';

		text_printf(out, percent ? "%%%%" : "%.*s", (int)len,
			    format + part->begin);
		return;
	}
	text_printf(out, "%%%s%s%s%s", part->left ? "-" : "", part->plus ? "+" : "",
		    part->space ? " " : "", part->zero ? "0" : "");
	if (part->width)
		text_printf(out, "%d", part->width);
	if (part->letter == 's')
		text_printf(out, "s");
	else if (part->letter == 'p')
		text_printf(out, "llx");
	else
		text_printf(out, "ll%c", part->letter);
}

static bool check_debugf(struct sema *s, struct node *call)
{
	const struct node *literal = call_arg(call, 0), *arg = literal->next;
	const char *format = constant_str(s, call_arg(call, 0)), *error;
	struct text kernels = { 0 };
	struct format_part part;
	size_t pos = 0;
	bool ok = format_check(s, call, 0);

	if (!format || !ok)
		return ok;
	if (node_count(arg) > DEBUG_VALUES_MAX)
		return sema_error(s, DIAG_arity, call->span,
				  "debugf() takes a format and up to %d values",
				  DEBUG_VALUES_MAX);
	while (ok && format_next(format, &pos, &part)) {
		error = part.conversion ? debug_error(&part, arg) : NULL;
		if (error)
			ok = sema_error(s, DIAG_format, literal->span, "'%.*s': %s",
					(int)(part.end - part.begin),
					format + part.begin, error);
		add_debug_part(&kernels, format, &part);
		if (part.conversion)
			arg = arg->next;
	}
	if (ok)
		call->call.data =
			arena_strdup(s->cc->arena, kernels.bytes ? kernels.bytes : "");
	text_free(&kernels);
	return ok;
}

static struct value emit_debugf(struct emit *e, const struct node *call)
{
	const char *format = call->call.data;
	struct value v[DEBUG_VALUES_MAX], size, result;
	struct branch b;
	unsigned n = 0;

	for (const struct node *arg = call_arg(call, 1); arg; arg = arg->next)
		v[n++] = arg->type->kind == TYPE_STR ? emit_text_memory(e, arg)
						     : emit_eval(e, arg);
	while (n < DEBUG_VALUES_MAX)
		v[n++] = emit_int(e, 0);
	size = emit_int(e, (int64_t)strlen(format) + 1);
	result = emit_helper(e, HELPER_TRACE_PRINTK, 5,
			     emit_rodata(e, format, strlen(format) + 1), size, v[0],
			     v[1], v[2]);
	b = emit_if(e, emit_op(e, OP_LT, result, emit_int(e, 0), true));
	emit_loss(e, LOSS_REFUSED, call->span);
	emit_end(e, &b);
	return emit_int(e, 0);
}

#define FORMAT_PARAMS                                                                  \
	{                                                                              \
		{ .name = "format", .type = TYPE_STR, .flags = PARAM_LITERAL },        \
		{                                                                      \
			.name = "value", .type = TYPE_ANY, .flags = PARAM_REST         \
		}                                                                      \
	}

const struct builtin message_builtins[] = {
	{
		.name = "errorf",
		.kind = BUILTIN_ACTION,
		.returns = { .kind = TYPE_VOID },
		.params = FORMAT_PARAMS,
		.check = check_format,
		.summary = "prints an error message",
		.doc = "As printf(), to standard error and with its place in the script. The "
		       "program goes on.",
		.example = "BEGIN { if (getopt(\"n\", 1) < 1) { errorf(\"--n is %d\", "
			   "getopt(\"n\", 1)); exit(1); } }",
		.action = &errorf_ops,
	},
	{
		.name = "warnf",
		.kind = BUILTIN_ACTION,
		.returns = { .kind = TYPE_VOID },
		.params = FORMAT_PARAMS,
		.check = check_format,
		.summary = "prints a warning",
		.doc = "As errorf(); nothing with -q or --no-warnings.",
		.example = "BEGIN { if (!has_cpid) { warnf(\"no -c: this traces everything\"); } }",
		.action = &warnf_ops,
	},
	{
		.name = "debugf",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_VOID },
		.params = FORMAT_PARAMS,
		.check = check_debugf,
		.summary = "prints into the kernel's trace_pipe",
		.doc = "For programs that crash the machine, or lose events: all others have "
		       "printf(). The kernel formats up to three numbers and texts and puts "
		       "them where everybody's go, /sys/kernel/tracing/trace_pipe; with a "
		       "width, but without a precision. It is slow.",
		.example = "kprobe:vfs_read { debugf(\"%s reads %d bytes\", comm, arg2); }",
		.emit = emit_debugf,
	},
	{
		.name = "assert",
		.kind = BUILTIN_ACTION,
		.returns = { .kind = TYPE_VOID },
		.params = {
			{ .name = "condition", .type = TYPE_INT },
			{ .name = "message", .type = TYPE_STR, .flags = PARAM_LITERAL },
		},
		.emit = emit_assert,
		.summary = "ends memql with an error unless a condition holds",
		.doc = "The probe's remaining statements are skipped, END runs, and the exit "
		       "status is 1. What is known when the program is compiled is for "
		       "static_assert().",
		.example = "tracepoint:syscalls:sys_exit_read "
			   "{ assert(args.ret < 1073741824, \"a gigabyte at once\"); }",
		.action = &assert_ops,
	},
	{
		.name = "cat",
		.kind = BUILTIN_ACTION,
		.returns = { .kind = TYPE_VOID },
		.params = FORMAT_PARAMS,
		.check = check_format,
		.summary = "prints a file",
		.doc = "The path is made as printf() makes text. User space reads the file when "
		       "it gets to the event, up to max_cat_bytes (10240 unless configured); "
		       "that it was longer, or could not be read, is told.",
		.example = "BEGIN { cat(\"/proc/loadavg\"); }",
		.action = &cat_ops,
	},
	{
		.name = "join",
		.kind = BUILTIN_ACTION,
		.flags = BUILTIN_READS_USER,
		.returns = { .kind = TYPE_VOID },
		.params = {
			{ .name = "array", .type = TYPE_ANY },
			{ .name = "delimiter", .type = TYPE_STR,
			  .flags = PARAM_LITERAL | PARAM_OPTIONAL },
		},
		.check = check_join,
		.summary = "prints the texts of an array of addresses, such as argv",
		.doc = "With blanks between them, or the given text of up to 8 bytes, and a line "
		       "feed. The array ends with an address of 0. More than 64 texts or 4096 "
		       "bytes are cut, which is shown by `...`.",
		.example = "tracepoint:syscalls:sys_enter_execve { join(args.argv); }",
		.action = &join_ops,
	},
	{ 0 },
};
