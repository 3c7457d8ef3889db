/* The kernel's struct task_struct of a thread, and who its relatives are. */
#include <string.h>

#include "builtins/builtin.h"
#include "codegen/emit.h"
#include "core/arena.h"
#include "sema/ctype.h"
#include "sema/sema.h"

enum { COMM_BYTES = 15 }; /* TASK_COMM_LEN without NUL */

static const struct record_type *task_struct(struct compile *cc)
{
	const struct type *t = ctype_find(cc, TAG_STRUCT, "task_struct");

	return t && t->kind == TYPE_STRUCT ? t->record : NULL;
}

static bool check_curtask(struct sema *s, struct node *call)
{
	const struct record_type *task = task_struct(s->cc);
	const struct type *to =
		task ? type_struct(s->cc->arena, task, SPACE_KERNEL) : &type_void;

	call->type = type_ptr(s->cc->arena, to, SPACE_KERNEL);
	return true;
}

static struct value emit_curtask(struct emit *e, const struct node *call)
{
	(void)call;
	return emit_helper(e, HELPER_GET_CURRENT_TASK, 0);
}

static struct value emit_curtask_object(struct emit *e, const struct node *call)
{
	(void)call;
	return emit_helper_ptr(e, HELPER_GET_CURRENT_TASK_BTF, 0);
}

/* Where the members on the way to a value are. */
struct way {
	uint64_t relative; /* of the pointer to another task */
	uint64_t member;   /* in that */
};

static bool find_member(struct sema *s, const struct node *call, const char *name,
			uint64_t *offset)
{
	const struct record_type *task = task_struct(s->cc);
	uint64_t bits = 0;

	if (!task || !ctype_complete(s->cc, task) ||
	    !ctype_member(s->cc, task, name, &bits))
		return sema_error(
			s, DIAG_not_on_this_kernel, call->span,
			"'%s' needs task_struct.%s, which this kernel's BTF does "
			"not have",
			call->call.builtin->name, name);
	*offset = bits / 8;
	return true;
}

static bool check_way(struct sema *s, struct node *call, const char *relative,
		      const char *member)
{
	struct way *way = ARENA_NEW(s->cc->arena, struct way);
	const struct node *task = call_arg(call, 0);

	call->call.data = way;
	if (task && task->type->kind == TYPE_PTR && task->type->to->kind != TYPE_VOID &&
	    !(task->type->to->kind == TYPE_STRUCT &&
	      task->type->to->record == task_struct(s->cc)))
		return sema_error(s, DIAG_type_mismatch, task->span,
				  "%s() wants a struct task_struct *, not %s",
				  call->call.builtin->name,
				  type_text(s->cc->arena, task->type));
	return find_member(s, call, relative, &way->relative) &&
	       find_member(s, call, member, &way->member);
}

static bool check_ppid(struct sema *s, struct node *call)
{
	return check_way(s, call, "real_parent", "tgid");
}

static bool check_pcomm(struct sema *s, struct node *call)
{
	return check_way(s, call, "real_parent", "comm");
}

static bool check_leader_comm(struct sema *s, struct node *call)
{
	return check_way(s, call, "group_leader", "comm");
}

static bool check_leader_tid(struct sema *s, struct node *call)
{
	return check_way(s, call, "group_leader", "pid");
}

/* The address of the member in the relative. */
static struct value walk(struct emit *e, const struct node *call)
{
	const struct way *way = call->call.data;
	struct value task =
		call_arg(call, 0) ? emit_arg(e, call, 0) : emit_curtask(e, call);

	task = emit_op(e, OP_ADD, task, emit_int(e, (int64_t)way->relative), false);
	task = emit_read(e, task, 8, false, SPACE_KERNEL, call->span);
	return emit_op(e, OP_ADD, task, emit_int(e, (int64_t)way->member), false);
}

static struct value read_id(struct emit *e, const struct node *call)
{
	return emit_read(e, walk(e, call), 4, true, SPACE_KERNEL, call->span);
}

static struct value emit_id(struct emit *e, const struct node *call)
{
	const struct way *way = call->call.data;
	const uint64_t at[] = { way->relative, way->member };
	struct value id;

	if (!call_arg(call, 0) && emit_task_number(e, call, at, read_id, &id))
		return id;
	return read_id(e, call);
}

static struct value emit_comm(struct emit *e, const struct node *call)
{
	struct value dest = emit_dest(e, call);

	return emit_read_array(e, dest, walk(e, call), COMM_BYTES, SPACE_KERNEL,
			       call->span);
}

#define TASK_PARAM { .name = "task", .type = TYPE_PTR, .flags = PARAM_OPTIONAL }

const struct builtin task_builtins[] = {
	{
		.name = "curtask",
		.kind = BUILTIN_VALUE,
		.flags = BUILTIN_SAME,
		.returns = { .kind = TYPE_PTR,
			     .to = &type_void,
			     .space = SPACE_KERNEL },
		.check = check_curtask,
		.summary = "the kernel's struct task_struct of the running thread",
		.doc = "A pointer, through which all that the kernel knows of the thread can "
		       "be read: `curtask.group_leader.start_time`.",
		.example = "tracepoint:raw_syscalls:sys_enter "
			   "{ @[curtask.real_parent.comm] = count(); }",
		.emit = emit_curtask,
		.object = emit_curtask_object,
		.object_of = "task_struct",
	},
	{
		.name = "ppid",
		.kind = BUILTIN_VALUE,
		.flags = BUILTIN_SAME,
		.returns = { .kind = TYPE_INT, .size = 4 },
		.params = { TASK_PARAM },
		.check = check_ppid,
		.summary =
			"process id of the parent of the running process, or of a task's",
		.doc = "The number of the whole machine, as pid(init).",
		.example = "tracepoint:sched:sched_process_exec "
			   "{ printf(\"%d started %s\\n\", ppid, comm); }",
		.emit = emit_id,
	},
	{
		.name = "pcomm",
		.kind = BUILTIN_VALUE,
		.flags = BUILTIN_SAME,
		.returns = { .kind = TYPE_STR, .limit = COMM_BYTES },
		.params = { TASK_PARAM },
		.check = check_pcomm,
		.summary = "name of the parent of the running process, or of a task's",
		.doc = "The parent's first thread has that name.",
		.example =
			"tracepoint:raw_syscalls:sys_enter { @calls[pcomm] = count(); }",
		.emit = emit_comm,
	},
	{
		.name = "leader_tid",
		.kind = BUILTIN_VALUE,
		.flags = BUILTIN_SAME,
		.returns = { .kind = TYPE_INT, .size = 4 },
		.params = { TASK_PARAM },
		.check = check_leader_tid,
		.summary =
			"thread id of the first thread of the running process, or of a task's",
		.doc = "It equals pid(init).",
		.example =
			"tracepoint:raw_syscalls:sys_enter { @calls[leader_tid] = count(); }",
		.emit = emit_id,
	},
	{
		.name = "leader_comm",
		.kind = BUILTIN_VALUE,
		.flags = BUILTIN_SAME,
		.returns = { .kind = TYPE_STR, .limit = COMM_BYTES },
		.params = { TASK_PARAM },
		.check = check_leader_comm,
		.summary =
			"name of the first thread of the running process, or of a task's",
		.doc = "Threads may have names of their own: comm.",
		.example =
			"tracepoint:raw_syscalls:sys_enter { @calls[leader_comm] = count(); }",
		.emit = emit_comm,
	},
	{ 0 },
};
