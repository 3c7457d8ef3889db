/* What the kernel's own functions say of its objects: files' paths, sockets' numbers. */
#include <string.h>

#include "builtins/builtin.h"
#include "codegen/emit.h"
#include "core/arena.h"
#include "core/compile.h"
#include "probes/probe.h"
#include "sema/ctype.h"
#include "sema/sema.h"

/* The struct that the argument is, or points to. */
static const struct record_type *record_of(const struct type *t)
{
	if (t->kind == TYPE_PTR)
		t = t->to;
	return t->kind == TYPE_STRUCT ? t->record : NULL;
}

/* The helper takes a pointer that the verifier knows, and no copy of its number. */
static bool check_object(struct sema *s, const struct node *call, const char *of)
{
	const char *name = call->call.builtin->name;
	const struct node *arg = call_arg(call, 0);

	if (emit_knows_object(arg))
		return true;
	sema_error(s, DIAG_type_mismatch, arg->span,
		   "%s() wants %s of a probe whose arguments have types", name, of);
	if (s->report)
		diag_hint(s->cc,
			  "in iter, fentry and fexit: %s(args.NAME), or a member "
			  "of that, written in the call itself",
			  name);
	return false;
}

/* path(struct path[, n]) */

enum {
	LONGEST = 16384, /* as the largest max_strlen */
	MARK = 3,        /* of text that was cut, behind it */
	WHOLE = 4096,    /* the kernel gives nothing of a path that is longer */
};

/* Where the kernel (6.12) lets programs of fentry and fexit call the helper. */
static bool may_call(const char *function)
{
	static const char *const functions[] = {
		"dentry_open",
		"filp_close",
		"security_file_open",
		"security_file_permission",
		"security_inode_getattr",
		"security_path_truncate",
		"vfs_fallocate",
		"vfs_getattr",
		"vfs_truncate",
	};

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (strcmp(functions[i], function) == 0)
			return true;
	return false;
}

static bool check_site(struct sema *s, const struct node *call)
{
	const struct program_info *p = s->program;
	const char *event = p->nsites ? p->sites[0].event : NULL;

	if (p->kind->flags & PROBE_ALONE || !event || may_call(event))
		return true;
	sema_error(s, DIAG_not_in_probe, call->span,
		   "the kernel lets no program look up paths in %s()", event);
	if (s->report)
		diag_hint(s->cc,
			  "it does in iter:task_file, and in security_file_open, "
			  "filp_close, vfs_getattr, vfs_truncate, vfs_fallocate, "
			  "dentry_open and others");
	return false;
}

static bool check_path(struct sema *s, struct node *call)
{
	const struct node *arg = call_arg(call, 0), *n = call_arg(call, 1);
	const struct record_type *record = record_of(arg->type);
	const struct type *path = ctype_find(s->cc, TAG_STRUCT, "path");
	int64_t limit = s->cc->plan->max_strlen;

	if (!record || !path || record != path->record)
		return sema_error(s, DIAG_type_mismatch, arg->span,
				  "a path is a struct path, not %s",
				  type_text(s->cc->arena, arg->type));
	if (!check_object(s, call, "a struct path") || !check_site(s, call))
		return false;
	if (n)
		constant_int(n, &limit);
	call->type = type_str(s->cc->arena, (uint32_t)limit + MARK);
	return true;
}

static struct value emit_path(struct emit *e, const struct node *call)
{
	const struct text_length length = { .limit = call->type->limit - MARK };
	struct value dest = emit_dest(e, call), text = emit_temp(e, WHOLE), failed;
	struct kernel_object o;
	struct branch b;

	emit_store(e, text, 0, emit_int(e, 0), 1);
	o = emit_object(e, call_arg(call, 0));
	failed = emit_op(
		e, OP_LT,
		emit_helper(e, HELPER_D_PATH, 3, o.at, text, emit_int(e, WHOLE)),
		emit_int(e, 0), true);
	b = emit_if(e, failed);
	emit_loss(e, LOSS_REFUSED, call->span);
	emit_store(e, text, 0, emit_int(e, 0), 1);
	emit_end(e, &b);
	emit_object_end(e, &o);
	return emit_read_str(e, dest, text, length, SPACE_OWN, call->span);
}

/* socket_cookie(sk) */

static bool check_socket(struct sema *s, struct node *call)
{
	static const char *const names[] = { "sock", "sock_common" };
	const struct node *arg = call_arg(call, 0);
	const struct record_type *record = record_of(arg->type);

	for (size_t i = 0; record && i < sizeof(names) / sizeof(names[0]); i++) {
		const struct type *t = ctype_find(s->cc, TAG_STRUCT, names[i]);

		if (t && t->record == record)
			return check_object(s, call, "a struct sock");
	}
	return sema_error(s, DIAG_type_mismatch, arg->span,
			  "a socket is a struct sock *, not %s",
			  type_text(s->cc->arena, arg->type));
}

static struct value emit_socket_cookie(struct emit *e, const struct node *call)
{
	struct value slot = emit_temp(e, 8);
	struct kernel_object o;

	emit_store(e, slot, 0, emit_int(e, 0), 8);
	o = emit_object(e, call_arg(call, 0));
	emit_store(e, slot, 0, emit_helper(e, HELPER_GET_SOCKET_COOKIE, 1, o.at), 8);
	emit_object_end(e, &o);
	return emit_load(e, slot, 0, 8, false);
}

const struct builtin object_builtins[] = {
	{
		.name = "path",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_STR },
		.params = {
			{ .name = "path", .type = TYPE_ANY },
			{ .name = "n", .type = TYPE_INT,
			  .flags = PARAM_LITERAL | PARAM_OPTIONAL,
			  .min = 1, .max = LONGEST },
		},
		.check = check_path,
		.summary = "the whole path of a struct path of the kernel",
		.doc = "As the running process sees it. In iter, and in fentry and fexit of "
		       "the few functions where the kernel allows it (security_file_open, "
		       "filp_close, vfs_getattr, vfs_truncate and such). The argument is an "
		       "argument of the probe or a member of one. Of a path of more than n bytes, "
		       "or max_strlen (1024 unless configured), the rest is cut, which is shown "
		       "by `...`; one of more than 4095 bytes is empty, and counted as lost.",
		.example = "iter:task_file { @[path(ctx.file.f_path)] = count(); }",
		.emit = emit_path,
	},
	{
		.name = "socket_cookie",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_INT, .size = 8 },
		.params = { { .name = "sk", .type = TYPE_ANY } },
		.check = check_socket,
		.summary = "a number that a socket has as long as it lives",
		.doc = "What getsockopt(2) says for SO_COOKIE. A socket that has none gets one; "
		       "0 if there is no socket. In fentry and fexit; sk is a struct sock * "
		       "among the probe's arguments, or a member of one.",
		.example = "fentry:tcp_connect { @[socket_cookie(args.sk)] = count(); }",
		.emit = emit_socket_cookie,
	},
	{ 0 },
};
