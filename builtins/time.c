/* Clocks. Unless another is named: CLOCK_BOOTTIME, which goes on while the machine sleeps. */
#include "builtins/builtin.h"
#include "codegen/emit.h"
#include "core/arena.h"
#include "sema/sema.h"
#include "sema/target.h"

/* nsecs(clock) */

static struct value boot_ns(struct emit *e)
{
	return emit_helper(e, HELPER_KTIME_GET_BOOT_NS, 0);
}

static struct value monotonic_ns(struct emit *e)
{
	return emit_helper(e, HELPER_KTIME_GET_NS, 0);
}

static struct value tai_ns(struct emit *e)
{
	return emit_helper(e, HELPER_KTIME_GET_TAI_NS, 0);
}

static struct value sw_tai_ns(struct emit *e)
{
	return emit_op(e, OP_ADD, boot_ns(e), emit_setting(e, SETTING_TAI_OFFSET),
		       false);
}

static const struct clock {
	struct value (*read)(struct emit *e);
	enum epoch epoch;
	bool needs_tai;
} clocks[] = {
	{ boot_ns, EPOCH_BOOT, false },
	{ monotonic_ns, EPOCH_MONOTONIC, false },
	{ tai_ns, EPOCH_TAI, true },
	{ sw_tai_ns, EPOCH_TAI, false },
};

static bool check_nsecs(struct sema *s, struct node *call)
{
	static const char *const names[] = { "boot", "monotonic", "tai", "sw_tai",
					     NULL };
	const struct target *t = s->cc->target;
	int i = call_word(s, call, 0, names);

	if (i < 0)
		return false;
	call->call.data = (void *)&clocks[i];
	call->type = type_with_epoch(s->cc->arena, &call->call.builtin->returns,
				     clocks[i].epoch);
	if (!clocks[i].needs_tai || t->ops->has(t, FEATURE_KTIME_TAI))
		return true;
	sema_error(s, DIAG_not_on_this_kernel, call->span,
		   "this kernel lets no program read the clock 'tai'");
	if (s->report)
		diag_hint(s->cc, "nsecs(sw_tai) is within a microsecond of it");
	return false;
}

static struct value emit_nsecs(struct emit *e, const struct node *call)
{
	const struct clock *clock = call->call.data;

	return clock->read(e);
}

static struct value emit_elapsed(struct emit *e, const struct node *call)
{
	(void)call;
	return emit_op(e, OP_SUB, boot_ns(e), emit_setting(e, SETTING_START), false);
}

/* Its value is the time itself; user space shows it through the format. */
static bool check_strftime(struct sema *s, struct node *call)
{
	const char *format = constant_str(s, call_arg(call, 0));
	const struct node *time = call_arg(call, 1);
	struct type *type;

	if (!format)
		return true; /* the signature says so */
	type = ARENA_NEW(s->cc->arena, struct type);
	*type = (struct type){ .kind = TYPE_TIME,
			       .format = format,
			       .epoch = time->type->epoch };
	call->type = type;
	if (type->epoch != EPOCH_SEVERAL)
		return true;
	sema_error(s, DIAG_type_mismatch, time->span,
		   "this is the time of one clock or of another");
	if (s->report)
		diag_hint(s->cc,
			  "keep nsecs() of different clocks in different places");
	return false;
}

static struct value emit_strftime(struct emit *e, const struct node *call)
{
	return emit_arg(e, call, 1);
}

const struct builtin time_builtins[] = {
	{
		.name = "nsecs",
		.kind = BUILTIN_VALUE,
		.returns = { .kind = TYPE_INT, .size = 8, .unit = UNIT_NS },
		.params = {
			{ .name = "clock", .type = TYPE_STR,
			  .flags = PARAM_LITERAL | PARAM_OPTIONAL | PARAM_WORD },
		},
		.check = check_nsecs,
		.summary = "nanoseconds since the machine started",
		.doc = "Only differences mean something: `nsecs - @start[tid]` is a "
		       "duration, which histograms and `%s` show with a unit. Divided by "
		       "1000, 1e6 or 1e9 it counts microseconds, milliseconds or seconds. "
		       "`nsecs(monotonic)` does not count the time that the machine "
		       "slept; `nsecs(tai)` is International Atomic Time (Linux 6.1), "
		       "`nsecs(sw_tai)` nearly the same without the kernel's help: `boot`, "
		       "the default, plus the difference when memql started.",
		.example = "tracepoint:syscalls:sys_enter_fsync { @start[tid] = nsecs; }\n"
			   "tracepoint:syscalls:sys_exit_fsync /@start[tid]/ {\n"
			   "\t@us = hist((nsecs - @start[tid]) / 1000);\n"
			   "\tdelete(@start[tid]);\n"
			   "}",
		.emit = emit_nsecs,
	},
	{
		.name = "elapsed",
		.kind = BUILTIN_VALUE,
		.returns = { .kind = TYPE_INT, .size = 8, .unit = UNIT_NS },
		.summary = "nanoseconds since memql started",
		.doc = "Counted from just before the programs were loaded.",
		.example = "interval:s:1 { printf(\"%s\\n\", elapsed); }",
		.emit = emit_elapsed,
	},
	{
		.name = "strftime",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_TIME },
		.params = {
			{ .name = "format", .type = TYPE_STR, .flags = PARAM_LITERAL },
			{ .name = "nsecs", .type = TYPE_INT },
		},
		.check = check_strftime,
		.summary = "a time of nsecs as a date and time of day",
		.doc = "The format is that of strftime(3), and `%f` for microseconds; in "
		       "the time zone of memql. What nsecs() said of any clock is shown right, "
		       "also with a duration added; other numbers are taken for `boot`. "
		       "The result can be printed, be a key, or be "
		       "kept in a map or variable.",
		.example = "interval:s:1 "
			   "{ printf(\"%s\\n\", strftime(\"%H:%M:%S.%f\", nsecs)); }",
		.emit = emit_strftime,
	},
	{ 0 },
};
