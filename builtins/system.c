/* What changes the system: only with --unsafe. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builtins/builtin.h"
#include "builtins/format.h"
#include "codegen/emit.h"
#include "core/arena.h"
#include "runtime/session.h"
#include "runtime/sink.h"
#include "sema/sema.h"
#include "sema/target.h"

static bool allowed(struct sema *s, const struct node *call)
{
	if (s->cc->options.unsafe)
		return true;
	sema_error(s, DIAG_unsafe, call->span, "%s() changes the system",
		   call->call.builtin->name);
	if (s->report)
		diag_hint(s->cc, "memql --unsafe permits it");
	return false;
}

/* system(format, ...) */

static bool check_system(struct sema *s, struct node *call)
{
	return allowed(s, call) && format_check(s, call, 0);
}

/*
 * A text of a traced program is part of what sh(1) reads. Whoever may name a process or a
 * file could have root run anything: a command is not run if a text has bytes that mean
 * something to the shell, whatever quotes the script has around it.
 */
static bool is_harmless(const struct datum *d)
{
	static const char extra[] = " _-+./:,@%=^";

	if (d->type->kind != TYPE_STR)
		return true;
	for (size_t i = 0; i < d->len; i++) {
		unsigned char c = (unsigned char)d->s[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			      (c >= '0' && c <= '9') || c >= 0x80;

		if (!letter && (!c || !strchr(extra, c)))
			return false;
	}
	return true;
}

static void tell(struct session *s, const struct action_info *action,
		 const struct text *text)
{
	struct sink *out = session_sink(s);

	out->ops->message(out, action->builtin->name, "error", action->file,
			  action->line, text->bytes, text->len);
}

/* Its standard output is memql's results; 0, or -errno if it could not be run. */
static int run_command(struct sink *out, const char *command)
{
	struct text output = { 0 };
	char buffer[4096];
	FILE *pipe;
	size_t n;

	sink_flush(out);
	pipe = popen(command, "re");
	if (!pipe)
		return -errno;
	while ((n = fread(buffer, 1, sizeof(buffer), pipe)) > 0)
		text_add(&output, buffer, n);
	pclose(pipe);
	if (output.len)
		out->ops->text(out, "system", output.bytes, output.len);
	text_free(&output);
	return 0;
}

static void run_system(struct session *s, const struct action_info *action,
		       const struct datum *args, uint64_t time)
{
	struct sink *out = session_sink(s);
	struct text command = { 0 }, message = { 0 };
	bool harmless = true;
	int err = 0;

	(void)time;
	for (size_t i = 0; i < action->nargs; i++)
		harmless = harmless && is_harmless(&args[i]);
	format_render(&command, out, action->text, args, action->nargs);
	if (!harmless)
		text_printf(&message,
			    "not run, as a text in it means something to the shell: %s",
			    command.bytes);
	else if (command.bytes)
		err = run_command(out, command.bytes);
	if (err)
		text_printf(&message, "cannot run %s: %s", command.bytes,
			    strerror(-err));
	if (message.len)
		tell(s, action, &message);
	text_free(&command);
	text_free(&message);
}

static const struct action_ops system_ops = { run_system };

/* signal(number or name), signal_thread(): to the process that runs, or its thread. */

enum { SIGNAL_MAX = 64 };

/* With or without SIG before it; 0: there is none. */
static int signal_number(const char *name)
{
	if (strncmp(name, "SIG", 3) == 0)
		name += 3;
	for (int i = 1; i <= SIGNAL_MAX; i++) {
		const char *known = sigabbrev_np(i);

		if (known && strcmp(known, name) == 0)
			return i;
	}
	return 0;
}

static bool check_signal(struct sema *s, struct node *call)
{
	struct node *arg = call_arg(call, 0);
	const char *name = arg->kind == NODE_STR ? constant_str(s, arg) : NULL;
	int64_t *number = ARENA_NEW(s->cc->arena, int64_t);

	if (!allowed(s, call))
		return false;
	if (s->program->kind->flags & PROBE_ONCE)
		return sema_error(s, DIAG_not_in_probe, call->span,
				  "in %s no process is traced", s->program->kind->name);
	if (name) {
		*number = signal_number(name);
		if (!*number)
			return sema_error(s, DIAG_unknown_word, arg->span,
					  "there is no signal '%s'", name);
	} else if (constant_int(arg, number)) {
		if (*number < 1 || *number > SIGNAL_MAX)
			return sema_error(s, DIAG_literal_range, arg->span,
					  "a signal is a number from 1 to %d",
					  SIGNAL_MAX);
	} else if (!type_is_number(arg->type)) {
		return sema_error(s, DIAG_type_mismatch, arg->span,
				  "a signal is a number or a literal name, not %s",
				  type_text(s->cc->arena, arg->type));
	} else {
		number = NULL;
	}
	call->call.data = number;
	return true;
}

static struct value send(struct emit *e, const struct node *call,
			 enum bpf_helper helper)
{
	const int64_t *number = call->call.data;
	struct value signal = number ? emit_int(e, *number) : emit_arg(e, call, 0);
	struct value result = emit_helper(e, helper, 1, signal);
	struct branch b = emit_if(e, result);

	emit_loss(e, LOSS_REFUSED, call->span);
	emit_end(e, &b);
	return emit_int(e, 0);
}

static struct value emit_signal(struct emit *e, const struct node *call)
{
	return send(e, call, HELPER_SEND_SIGNAL);
}

static struct value emit_signal_thread(struct emit *e, const struct node *call)
{
	return send(e, call, HELPER_SEND_SIGNAL_THREAD);
}

/* override(value) */

static bool check_override(struct sema *s, struct node *call)
{
	const struct probe_kind *kind = s->program->kind;
	const struct target *t = s->cc->target;

	if (!allowed(s, call))
		return false;
	if (!(kind->flags & PROBE_OVERRIDES))
		return sema_error(s, DIAG_not_in_probe, call->span,
				  "%s probes cannot keep a function from running",
				  kind->name);
	if (!t->ops->has(t, FEATURE_OVERRIDE))
		return sema_error(s, DIAG_not_on_this_kernel, call->span,
				  "this kernel lets no program override functions "
				  "(CONFIG_BPF_KPROBE_OVERRIDE)");
	return true;
}

static struct value emit_override(struct emit *e, const struct node *call)
{
	struct value result = emit_arg(e, call, 0);

	emit_helper(e, HELPER_OVERRIDE_RETURN, 2, emit_ctx(e), result);
	return emit_int(e, 0);
}

/* unwatch(address) */

static bool check_unwatch(struct sema *s, struct node *call)
{
	const struct node *arg = call_arg(call, 0);

	return type_is_number(arg->type) ||
	       sema_error(s, DIAG_type_mismatch, arg->span,
			  "unwatch() wants an address, not %s",
			  type_text(s->cc->arena, arg->type));
}

static void run_unwatch(struct session *s, const struct action_info *action,
			const struct datum *args, uint64_t time)
{
	(void)action;
	(void)time;
	session_unwatch(s, args[0].n);
}

static const struct action_ops unwatch_ops = { run_unwatch };

const struct builtin system_builtins[] = {
	{
		.name = "system",
		.kind = BUILTIN_ACTION,
		.flags = BUILTIN_UNSAFE,
		.returns = { .kind = TYPE_VOID },
		.params = {
			{ .name = "format", .type = TYPE_STR, .flags = PARAM_LITERAL },
			{ .name = "value", .type = TYPE_ANY, .flags = PARAM_REST },
		},
		.check = check_system,
		.summary = "runs a command with sh(1)",
		.doc = "Only with --unsafe. The command is made as printf() makes text; user "
		       "space runs it when it gets to the event, waits for its end, and shows "
		       "what it has printed. A text from a traced program that holds what the "
		       "shell gives a meaning to (quotes, `;`, `$`, line feeds...) keeps the "
		       "command from being run: anybody could have made it.",
		.example = "interval:s:10 { system(\"uptime\"); }",
		.action = &system_ops,
	},
	{
		.name = "signal",
		.kind = BUILTIN_FUNC,
		.flags = BUILTIN_UNSAFE,
		.returns = { .kind = TYPE_VOID },
		.params = { { .name = "signal", .type = TYPE_ANY } },
		.check = check_signal,
		.summary = "sends a signal to the running process",
		.doc = "Only with --unsafe. By number or by name: `signal(\"SIGSTOP\")`. Any of "
		       "its threads may get it. Signals that the kernel refuses are counted as "
		       "lost.",
		.example = "uprobe:libc:malloc /arg0 > 1073741824/ { signal(\"STOP\"); }",
		.emit = emit_signal,
	},
	{
		.name = "signal_thread",
		.kind = BUILTIN_FUNC,
		.flags = BUILTIN_UNSAFE,
		.returns = { .kind = TYPE_VOID },
		.params = { { .name = "signal", .type = TYPE_ANY } },
		.check = check_signal,
		.summary = "sends a signal to the running thread",
		.doc = "As signal(), but to this thread.",
		.example = "uprobe:libc:malloc /arg0 > 1073741824/ { signal_thread(10); }",
		.emit = emit_signal_thread,
	},
	{
		.name = "override",
		.kind = BUILTIN_FUNC,
		.flags = BUILTIN_UNSAFE,
		.returns = { .kind = TYPE_VOID },
		.params = { { .name = "value", .type = TYPE_INT } },
		.check = check_override,
		.summary = "keeps the probed function of the kernel from running",
		.doc = "Only with --unsafe, and in kprobes on functions that the kernel has "
		       "marked for error injection. The caller gets the value instead.",
		.example = "kprobe:vfs_read /comm == \"cat\"/ { override(0); }",
		.emit = emit_override,
	},
	{
		.name = "unwatch",
		.kind = BUILTIN_ACTION,
		.returns = { .kind = TYPE_VOID },
		.params = { { .name = "address", .type = TYPE_ANY } },
		.check = check_unwatch,
		.summary = "ends the watchpoints at an address",
		.doc = "User space ends them when it gets to the event, so that a few more "
		       "accesses may be seen. Without a watchpoint there it does nothing.",
		.example = "watchpoint:0xffffffff82a05000:8:w "
			   "{ print(kstack); unwatch(0xffffffff82a05000); }",
		.action = &unwatch_ops,
	},
	{ 0 },
};
