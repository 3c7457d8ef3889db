/*
 * Spans: start(), done(), drop(), and fire(). What they do to the rest of the program, the
 * clauses that run in their place, was done before rows are asked: sema/event.c.
 */
#include "builtins/builtin.h"
#include "codegen/emit.h"
#include "parser/ast.h"
#include "sema/sema.h"

static bool check_span(struct sema *s, struct node *call)
{
	const struct node *map = call_arg(call, 0);

	if (map->kind == NODE_MAP && map->map.info && !map->map.info->is_span) {
		sema_error(s, DIAG_map_needed, map->span, "'%s' is no span",
			   map->map.name);
		if (s->report)
			diag_hint(s->cc,
				  "a span is declared with its members: let %s = "
				  "span((a = 0))",
				  map->map.name);
		return false;
	}
	return true;
}

static bool check_start(struct sema *s, struct node *call)
{
	struct node *map = call_arg(call, 0), *record = call_arg(call, 1);

	if (!check_span(s, call))
		return false;
	return !record || sema_store(s, map, record);
}

static bool check_end(struct sema *s, struct node *call)
{
	const struct node *map = call_arg(call, 0);

	if (map->kind == NODE_MAP && map->map.info)
		map->map.info->deleted = true;
	return check_span(s, call);
}

static struct value emit_start(struct emit *e, const struct node *call)
{
	emit_map_open(e, call_arg(call, 0), call_arg(call, 1), call->span);
	return emit_int(e, 0);
}

/* One that was not open began before memql did, or in a thread that memql did not see. */
static struct value emit_done(struct emit *e, const struct node *call)
{
	emit_map_close(e, call_arg(call, 0), false, LOSS_SPAN_BEFORE, call->span);
	return emit_int(e, 0);
}

static struct value emit_drop(struct emit *e, const struct node *call)
{
	emit_map_close(e, call_arg(call, 0), true, LOSS_SPAN_DROPPED, call->span);
	return emit_int(e, 0);
}

static const char example[] =
	"let @fsync = span((who = \"\"));\n"
	"tracepoint:syscalls:sys_enter_fsync { start(@fsync[tid], (who = comm)); }\n"
	"tracepoint:syscalls:sys_exit_fsync { done(@fsync[tid]); }\n"
	"fsync:done { @us[args.who] = hist(args.duration / 1us); }";

const struct builtin span_builtins[] = {
	{
		.name = "start",
		.kind = BUILTIN_FUNC,
		.flags = BUILTIN_OPENS | BUILTIN_OURS,
		.returns = { .kind = TYPE_VOID },
		.params = {
			{ .name = "span", .type = TYPE_ANY, .flags = PARAM_ENTRY },
			{ .name = "members", .type = TYPE_ANY, .flags = PARAM_OPTIONAL },
		},
		.check = check_start,
		.summary = "opens a span, and runs the clauses of its event NAME:start",
		.doc = "`let @query = span((text = \"\"));` declares one: a map whose values "
		       "are records. `start(@query[tid], (text = str(arg0)))` opens the "
		       "entry; members that are not given have the value that they were "
		       "declared with, and `start` is the time, as nsecs has it. If it is "
		       "open already it begins anew, which is counted.",
		.example = example,
		.emit = emit_start,
	},
	{
		.name = "done",
		.kind = BUILTIN_FUNC,
		.flags = BUILTIN_CLOSES | BUILTIN_OURS,
		.returns = { .kind = TYPE_VOID },
		.params = {
			{ .name = "span", .type = TYPE_ANY, .flags = PARAM_ENTRY },
			{ .name = "members", .type = TYPE_ANY, .flags = PARAM_OPTIONAL },
		},
		.check = check_end,
		.summary = "closes a span: runs the clauses of its event NAME:done",
		.doc = "The clauses see its members as `args.NAME`, and `args.start`, "
		       "`args.end` and `args.duration`, all by one reading of the clock. "
		       "Then the entry is deleted. What was not open began before memql "
		       "did: it is counted, and told at the end.",
		.example = example,
		.emit = emit_done,
	},
	{
		.name = "drop",
		.kind = BUILTIN_FUNC,
		.flags = BUILTIN_KEYS | BUILTIN_OURS,
		.returns = { .kind = TYPE_VOID },
		.params = {
			{ .name = "span", .type = TYPE_ANY, .flags = PARAM_ENTRY },
		},
		.check = check_end,
		.summary = "deletes a span without running the clauses of its end",
		.doc = "Such as `drop(@query[tid])` in `tracepoint:sched:sched_process_exit`. If it was open, that is counted, and "
		       "told at the end; `delete()` counts nothing.",
		.example = "let @open = span((file = \"\"));\n"
			   "tracepoint:syscalls:sys_enter_openat {\n"
			   "\tstart(@open[tid], (file = str(args.filename)));\n"
			   "}\n"
			   "tracepoint:sched:sched_process_exec { drop(@open[tid]); }\n"
			   "tracepoint:syscalls:sys_exit_openat { done(@open[tid]); }\n"
			   "open:done { @[args.file] = stats(args.duration); }",
		.emit = emit_drop,
	},
	{
		.name = "fire",
		.kind = BUILTIN_FUNC,
		.flags = BUILTIN_FIRES | BUILTIN_OURS,
		.returns = { .kind = TYPE_VOID },
		.params = {
			{ .name = "event", .type = TYPE_STR, .flags = PARAM_LITERAL },
			{ .name = "arguments", .type = TYPE_ANY, .flags = PARAM_OPTIONAL },
		},
		.summary = "runs the clauses of an event",
		.doc = "`fire(\"disk:slow\", (ms = $ms))` runs the clauses `disk:slow { ... }` "
		       "of the program, which see what it was given as `args.ms`. A "
		       "statement by itself.",
		.example = "tracepoint:syscalls:sys_enter_fsync { fire(\"disk:sync\", (fd = args.fd)); }\n"
			   "disk:sync { @[args.fd] = count(); }",
	},
	{ 0 },
};
