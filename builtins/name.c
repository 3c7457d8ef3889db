/*
 * Numbers of the system by their names: errors, signals, system calls, users. The value is
 * the number; user space shows its name.
 */
#include <inttypes.h>
#include <pwd.h>
#include <string.h>

#include <asm/unistd.h>

#include "builtins/builtin.h"
#include "codegen/emit.h"
#include "runtime/sink.h"
#include "sema/sema.h"

static struct value emit_number(struct emit *e, const struct node *call)
{
	return emit_arg(e, call, 0);
}

static int compare_numbers(const struct datum *a, const struct datum *b)
{
	int64_t x = (int64_t)a->n, y = (int64_t)b->n;

	return (x > y) - (x < y);
}

static void add_name(struct text *out, const char *name, const char *what,
		     const struct datum *d)
{
	if (name)
		text_add_safe(out, name, strlen(name));
	else
		text_printf(out, "%s %" PRId64, what, (int64_t)d->n);
}

/* strerror(): what functions of the kernel return is negative. */
static void render_error(struct text *out, const struct sink *sink,
			 const struct datum *d)
{
	int64_t n = (int64_t)d->n;

	(void)sink;
	n = n < 0 ? -n : n;
	add_name(out, n >= 0 && n <= INT32_MAX ? strerrordesc_np((int)n) : NULL,
		 "error", d);
}

static const struct shape error_shape = {
	.name = "error number",
	.size = 8,
	.render = render_error,
	.compare = compare_numbers,
};

static void render_signal(struct text *out, const struct sink *sink,
			  const struct datum *d)
{
	(void)sink;
	add_name(out, d->n <= INT32_MAX ? sigdescr_np((int)d->n) : NULL, "signal", d);
}

static const struct shape signal_shape = {
	.name = "signal number",
	.size = 8,
	.render = render_signal,
	.compare = compare_numbers,
};

/* Of the kernel's headers that memql was built with: see CMakeLists.txt. */
static const char *const syscalls[] = {
#define SYSCALL(name) [__NR_##name] = #name,
#include "builtins/syscalls.def"
#undef SYSCALL
};

static void render_syscall(struct text *out, const struct sink *sink,
			   const struct datum *d)
{
	const char *name = NULL;

	(void)sink;
	if (d->n < sizeof(syscalls) / sizeof(syscalls[0]))
		name = syscalls[d->n];
	add_name(out, name, "syscall", d);
}

static const struct shape syscall_shape = {
	.name = "system call",
	.size = 8,
	.render = render_syscall,
	.compare = compare_numbers,
};

static void render_user(struct text *out, const struct sink *sink,
			const struct datum *d)
{
	const struct passwd *user = getpwuid((uid_t)d->n);

	(void)sink;
	if (user)
		text_add_safe(out, user->pw_name, strlen(user->pw_name));
	else
		text_printf(out, "%" PRIu64, d->n);
}

static const struct shape user_shape = {
	.name = "user name",
	.size = 8,
	.render = render_user,
	.compare = compare_numbers,
};

static struct value emit_username(struct emit *e, const struct node *call)
{
	struct value both = emit_helper(e, HELPER_GET_CURRENT_UID_GID, 0);

	(void)call;
	return emit_op(e, OP_AND, both, emit_int(e, UINT32_MAX), false);
}

const struct builtin name_builtins[] = {
	{
		.name = "username",
		.kind = BUILTIN_VALUE,
		.returns = { .kind = TYPE_SHOWN, .shape = &user_shape },
		.summary = "name of the user of the running process",
		.doc = "User space looks uid up when it shows it; a user without a name is "
		       "shown by number.",
		.example = "tracepoint:syscalls:sys_enter_execve "
			   "{ @execs[username] = count(); }",
		.emit = emit_username,
	},
	{
		.name = "strerror",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_SHOWN, .shape = &error_shape },
		.params = { { .name = "error", .type = TYPE_INT } },
		.summary = "what an error number means",
		.doc = "Negative numbers, as system calls return them, mean the same. To "
		       "compare errors, compare the numbers.",
		.example = "tracepoint:syscalls:sys_exit_openat /args.ret < 0/ "
			   "{ @[strerror(args.ret)] = count(); }",
		.emit = emit_number,
	},
	{
		.name = "signal_name",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_SHOWN, .shape = &signal_shape },
		.params = { { .name = "signal", .type = TYPE_INT } },
		.summary = "what a signal's number means",
		.doc = "As strsignal(3): `Interrupt` for 2.",
		.example = "BEGIN { printf(\"%s\\n\", signal_name(9)); }",
		.emit = emit_number,
	},
	{
		.name = "syscall_name",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_SHOWN, .shape = &syscall_shape },
		.params = { { .name = "number", .type = TYPE_INT } },
		.summary = "the name of a system call",
		.doc = "Of this machine's own kind: 32-bit programs have other numbers. Calls "
		       "that are newer than memql are shown by number.",
		.example = "tracepoint:raw_syscalls:sys_enter "
			   "{ @[syscall_name(args.id)] = count(); }",
		.emit = emit_number,
	},
	{ 0 },
};
