/* What the kernel asks user space to do: the halves that run there. */
#include "builtins/builtin.h"
#include "builtins/format.h"
#include "codegen/emit.h"
#include "runtime/session.h"
#include "runtime/sink.h"
#include "sema/sema.h"

/* printf(format, ...) */

static bool check_printf(struct sema *s, struct node *call)
{
	return format_check(s, call, 0);
}

static void run_printf(struct session *s, const struct action_info *action,
		       const struct datum *args, uint64_t time)
{
	struct sink *out = session_sink(s);
	struct text text = { 0 };

	(void)time;
	format_render(&text, out, action->text, args, action->nargs);
	out->ops->text(out, "printf", text.bytes ? text.bytes : "", text.len);
	text_free(&text);
}

static const struct action_ops printf_ops = { run_printf };

/*
 * print(@x[, top[, div]]), print(@x[k][, top[, div]]), print(value). The entry of an
 * aggregation is spread over the CPUs, so that user space reads it: the record holds the
 * keys.
 */

static bool check_print(struct sema *s, struct node *call)
{
	const struct node *what = call_arg(call, 0), *top = call_arg(call, 1);

	if (top && what->kind != NODE_MAP)
		return sema_error(
			s, DIAG_map_needed, what->span,
			"only a map or an entry of one can be printed with 'top' and "
			"'div'");
	return true;
}

/* Of one entry 'top' is always enough. */
static void run_print(struct session *s, const struct action_info *action,
		      const struct datum *args, uint64_t time)
{
	uint64_t div = action->lit[2] ? (uint64_t)action->lit[2] : 1;

	(void)time;
	if (action->map && action->nargs)
		session_print_entry(s, action->map, args, div);
	else if (action->map)
		session_print_map(s, action->map, (uint64_t)action->lit[1], div);
	else
		session_print_value(s, args, div);
}

static const struct action_ops print_ops = { run_print };

/* clear(@x), zero(@x) */

static bool check_clear(struct sema *s, struct node *call)
{
	(void)s;
	call_arg(call, 0)->map.info->emptied = true;
	return true;
}

static void run_clear(struct session *s, const struct action_info *action,
		      const struct datum *args, uint64_t time)
{
	(void)args;
	(void)time;
	session_clear_map(s, action->map);
}

static const struct action_ops clear_ops = { run_clear };

static void run_zero(struct session *s, const struct action_info *action,
		     const struct datum *args, uint64_t time)
{
	(void)args;
	(void)time;
	session_zero_map(s, action->map);
}

static const struct action_ops zero_ops = { run_zero };

/* time([format]) */

static void run_time(struct session *s, const struct action_info *action,
		     const struct datum *args, uint64_t time)
{
	const struct type type = {
		.kind = TYPE_TIME,
		.format = action->text ? action->text : "%H:%M:%S\n",
	};
	const struct datum now = { .type = &type, .n = time };
	struct sink *out = session_sink(s);
	struct text text = { 0 };

	(void)args;
	text_add_datum(&text, out, &now);
	out->ops->text(out, "time", text.bytes ? text.bytes : "", text.len);
	text_free(&text);
}

static const struct action_ops time_ops = { run_time, .timed = true };

/* exit([code]) */

static struct value emit_exit(struct emit *e, const struct node *call)
{
	emit_record(e, call, true);
	emit_return(e);
	return emit_int(e, 0);
}

static void run_exit(struct session *s, const struct action_info *action,
		     const struct datum *args, uint64_t time)
{
	(void)time;
	session_exit(s, action->nargs ? (int)(args[0].n & 0xff) : 0);
}

static const struct action_ops exit_ops = { run_exit };

const struct builtin action_builtins[] = {
	{
		.name = "printf",
		.kind = BUILTIN_ACTION,
		.returns = { .kind = TYPE_VOID },
		.params = {
			{ .name = "format", .type = TYPE_STR, .flags = PARAM_LITERAL },
			{ .name = "value", .type = TYPE_ANY, .flags = PARAM_REST },
		},
		.check = check_printf,
		.summary = "prints values through a format",
		.doc = "`%d %i %u %x %X %o %c %p` take numbers, `%s` takes any value: text, "
		       "numbers, durations (1.25ms), enums by their names, tuples, structs "
		       "and arrays as print() shows them. `%r` shows the bytes of a buffer, "
		       "a text or an array of bytes, those that are not printable as "
		       "`\\xNN`; `%rx` all of them so, `%rh` as `0a ff`. `%gr` shows "
		       "gfp_t's flags, with what right memory was asked for, by the kernel's "
		       "own names: `GFP_KERNEL|__GFP_ZERO`. Flags `-`, "
		       "`0`, `+`, blank and `#`, width and precision are those of C; "
		       "length modifiers are not needed, but `hh` and `h` keep the lowest "
		       "1 and 2 bytes. Bytes of traced programs that are not printable "
		       "are shown as `\\n`, `\\t` or `\\xNN`.",
		.example = "tracepoint:syscalls:sys_enter_openat "
			   "{ printf(\"%-6d %-16s %s\\n\", pid, comm, str(args.filename)); }",
		.action = &printf_ops,
	},
	{
		.name = "print",
		.kind = BUILTIN_ACTION,
		.returns = { .kind = TYPE_VOID },
		.params = {
			{ .name = "what", .type = TYPE_ANY,
			  .flags = PARAM_MAP | PARAM_VALUE },
			{ .name = "top", .type = TYPE_INT,
			  .flags = PARAM_LITERAL | PARAM_OPTIONAL, .max = INT32_MAX },
			{ .name = "div", .type = TYPE_INT,
			  .flags = PARAM_LITERAL | PARAM_OPTIONAL, .max = INT64_MAX },
		},
		.check = check_print,
		.summary = "prints a map or a value",
		.doc = "`print(@x)` prints all entries of a map in ascending order, "
		       "`print(@x, 5)` the 5 largest, `print(@x, 5, 1000)` with each "
		       "number divided by 1000 (of histograms, the counts of the rows). User space "
		       "reads the map when it gets to the event, so that later events may "
		       "be in it. `print(@x[key])` prints one entry, `print(value)` the "
		       "value that the event had. Of values that are tuples each number "
		       "is divided.",
		.example = "tracepoint:raw_syscalls:sys_enter { @calls[comm] = count(); }\n"
			   "interval:s:5 { print(@calls, 10); clear(@calls); }",
		.action = &print_ops,
	},
	{
		.name = "clear",
		.kind = BUILTIN_ACTION,
		.returns = { .kind = TYPE_VOID },
		.params = { { .name = "map", .flags = PARAM_MAP } },
		.check = check_clear,
		.summary = "removes all entries of a map",
		.doc = "User space does it when it gets to the event.",
		.example = "tracepoint:raw_syscalls:sys_enter { @calls[comm] = count(); }\n"
			   "interval:s:1 { print(@calls); clear(@calls); }",
		.action = &clear_ops,
	},
	{
		.name = "zero",
		.kind = BUILTIN_ACTION,
		.returns = { .kind = TYPE_VOID },
		.params = { { .name = "map", .flags = PARAM_MAP } },
		.summary = "sets all values of a map to zero and keeps the keys",
		.doc = "User space does it when it gets to the event.",
		.example = "tracepoint:raw_syscalls:sys_enter { @calls[comm] = count(); }\n"
			   "interval:s:1 { print(@calls); zero(@calls); }",
		.action = &zero_ops,
	},
	{
		.name = "time",
		.kind = BUILTIN_ACTION,
		.returns = { .kind = TYPE_VOID },
		.params = {
			{ .name = "format", .type = TYPE_STR,
			  .flags = PARAM_LITERAL | PARAM_OPTIONAL },
		},
		.summary = "prints the time of day of the event",
		.doc = "The format is that of strftime(), \"%H:%M:%S\\n\" if none is given.",
		.example = "interval:s:1 { time(\"%H:%M:%S \"); printf(\"tick\\n\"); }",
		.action = &time_ops,
	},
	{
		.name = "exit",
		.kind = BUILTIN_ACTION,
		.flags = BUILTIN_RETURNS,
		.returns = { .kind = TYPE_VOID },
		.params = {
			{ .name = "code", .type = TYPE_INT, .flags = PARAM_OPTIONAL },
		},
		.summary = "ends memql",
		.doc = "The probe's remaining statements are skipped, END runs, the maps are "
		       "printed. memql's exit status is the code (its lowest 8 bits), 0 if "
		       "none is given.",
		.example = "interval:s:10 { exit(); }",
		.emit = emit_exit,
		.action = &exit_ops,
	},
	{ 0 },
};
