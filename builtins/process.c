/* Who runs, where, and which probe fired. */
#include "builtins/process.h"

#include "builtins/builtin.h"
#include "codegen/emit.h"
#include "sema/sema.h"
#include "sema/target.h"

/* Helpers that return two 32-bit numbers in one word. */

static struct value low_half(struct emit *e, enum bpf_helper helper)
{
	struct value both = emit_helper(e, helper, 0);

	return emit_op(e, OP_AND, both, emit_int(e, UINT32_MAX), false);
}

static struct value high_half(struct emit *e, enum bpf_helper helper)
{
	struct value both = emit_helper(e, helper, 0);

	return emit_op(e, OP_SHR, both, emit_int(e, 32), false);
}

/*
 * Process and thread ids. Both are numbers in a PID namespace: memql's own, as in its
 * /proc, or the initial one. The helper for the former leaves a struct bpf_pidns_info {
 * pid, tgid } and fails for processes that memql's namespace does not have: those keep
 * the number that the kernel itself uses, since ids are keys, which must not fall together.
 */

enum { PIDNS_PID = 0, PIDNS_TGID = 4, PIDNS_SIZE = 8 };

static bool check_pid(struct sema *s, struct node *call)
{
	static const char *const namespaces[] = { "curr_ns", "init", NULL };
	const struct target *t = s->cc->target;
	int i = call_word(s, call, 0, namespaces);

	call->call.data = i == 0 ? (void *)t : NULL;
	return i >= 0;
}

/* t: whose namespace is meant; NULL: the initial one. */
static struct value namespace_id(struct emit *e, const struct target *t, int64_t offset)
{
	struct value id, own, ids, failed;

	id = offset == PIDNS_TGID ? high_half(e, HELPER_GET_CURRENT_PID_TGID)
				  : low_half(e, HELPER_GET_CURRENT_PID_TGID);
	if (!t || !t->pid_ns_inode)
		return id;
	ids = emit_temp(e, PIDNS_SIZE);
	emit_store(e, ids, 0, emit_int(e, 0), 8);
	failed = emit_helper(e, HELPER_GET_NS_CURRENT_PID_TGID, 4,
			     emit_int(e, (int64_t)t->pid_ns_device),
			     emit_int(e, (int64_t)t->pid_ns_inode), ids,
			     emit_int(e, PIDNS_SIZE));
	own = emit_load(e, ids, offset, 4, false);
	return emit_select(e, failed, id, own);
}

static struct value emit_pid(struct emit *e, const struct node *call)
{
	return namespace_id(e, call->call.data, PIDNS_TGID);
}

struct value process_id(struct emit *e, const struct target *t)
{
	return namespace_id(e, t, PIDNS_TGID);
}

static struct value emit_tid(struct emit *e, const struct node *call)
{
	return namespace_id(e, call->call.data, PIDNS_PID);
}

static struct value emit_uid(struct emit *e, const struct node *call)
{
	(void)call;
	return low_half(e, HELPER_GET_CURRENT_UID_GID);
}

static struct value emit_gid(struct emit *e, const struct node *call)
{
	(void)call;
	return high_half(e, HELPER_GET_CURRENT_UID_GID);
}

/* cpid: the process of -c. */

static struct value emit_cpid(struct emit *e, const struct node *call)
{
	(void)call;
	return emit_setting(e, SETTING_CHILD);
}

static struct value emit_has_cpid(struct emit *e, const struct node *call)
{
	return emit_op(e, OP_NE, emit_cpid(e, call), emit_int(e, 0), false);
}

static struct value emit_has_json(struct emit *e, const struct node *call)
{
	(void)call;
	return emit_op(e, OP_NE, emit_setting(e, SETTING_JSON), emit_int(e, 0), false);
}

enum { COMM_SIZE = 16 }; /* the kernel's TASK_COMM_LEN, with NUL */

/* The helper fills what is left after the NUL with zeros. */
static struct value emit_comm(struct emit *e, const struct node *call)
{
	struct value dest = emit_dest(e, call);

	emit_helper(e, HELPER_GET_CURRENT_COMM, 2, dest, emit_int(e, COMM_SIZE));
	return dest;
}

static struct value emit_cpu(struct emit *e, const struct node *call)
{
	(void)call;
	return emit_helper(e, HELPER_GET_SMP_PROCESSOR_ID, 0);
}

static struct value emit_rand(struct emit *e, const struct node *call)
{
	(void)call;
	return emit_helper(e, HELPER_GET_PRANDOM_U32, 0);
}

static struct value emit_probe(struct emit *e, const struct node *call)
{
	(void)call;
	return emit_site_name(e);
}

/* BEGIN and END, which memql runs itself, are "special". */
static bool check_probetype(struct sema *s, struct node *call)
{
	const struct probe_kind *kind = s->program->kind;

	sema_become_str(s, call, kind->flags & PROBE_ONCE ? "special" : kind->name);
	return true;
}

static struct value emit_func(struct emit *e, const struct node *call)
{
	(void)call;
	return emit_site_func(e);
}

static bool check_func(struct sema *s, struct node *call)
{
	const struct program_info *p = s->program;

	for (size_t i = 0; i < p->nsites; i++)
		if (!p->sites[i].func)
			return sema_error(s, DIAG_not_in_probe, call->span,
					  "%s probes are not in a function",
					  p->kind->name);
	return true;
}

const struct builtin process_builtins[] = {
	{
		.name = "pid",
		.kind = BUILTIN_VALUE,
		.flags = BUILTIN_SAME,
		.returns = { .kind = TYPE_INT, .size = 4 },
		.params = {
			{ .name = "namespace", .type = TYPE_STR,
			  .flags = PARAM_LITERAL | PARAM_OPTIONAL | PARAM_WORD },
		},
		.check = check_pid,
		.summary = "process id of the running thread",
		.doc = "What `ps` shows as PID, and the kernel calls thread group id. If "
		       "memql runs in a container, `pid` or `pid(curr_ns)` is the number "
		       "there, or for processes outside of it, as `pid(init)` always, that "
		       "of the whole machine.",
		.example =
			"tracepoint:raw_syscalls:sys_enter { @calls[pid] = count(); }",
		.emit = emit_pid,
	},
	{
		.name = "tid",
		.kind = BUILTIN_VALUE,
		.flags = BUILTIN_THREAD | BUILTIN_SAME,
		.returns = { .kind = TYPE_INT, .size = 4 },
		.params = {
			{ .name = "namespace", .type = TYPE_STR,
			  .flags = PARAM_LITERAL | PARAM_OPTIONAL | PARAM_WORD },
		},
		.check = check_pid,
		.summary = "thread id of the running thread",
		.doc = "The key for what belongs to one thread, such as when its query "
		       "began. It equals pid in the first thread of a process. `tid(init)` "
		       "is the number outside of containers, as of pid.",
		.example =
			"tracepoint:syscalls:sys_enter_fsync { @start[tid] = nsecs; }",
		.emit = emit_tid,
	},
	{
		.name = "uid",
		.kind = BUILTIN_VALUE,
		.flags = BUILTIN_SAME,
		.returns = { .kind = TYPE_INT, .size = 4 },
		.summary = "user id of the running process",
		.doc = "As seen from outside any user namespace.",
		.example =
			"tracepoint:syscalls:sys_enter_execve { @execs[uid] = count(); }",
		.emit = emit_uid,
	},
	{
		.name = "gid",
		.kind = BUILTIN_VALUE,
		.flags = BUILTIN_SAME,
		.returns = { .kind = TYPE_INT, .size = 4 },
		.summary = "group id of the running process",
		.doc = "As seen from outside any user namespace.",
		.example =
			"tracepoint:syscalls:sys_enter_execve { @execs[gid] = count(); }",
		.emit = emit_gid,
	},
	{
		.name = "cpid",
		.kind = BUILTIN_VALUE,
		.flags = BUILTIN_SAME,
		.returns = { .kind = TYPE_INT, .size = 4 },
		.summary = "process id of the command that -c has started",
		.doc = "0 without -c: see has_cpid.",
		.example = "tracepoint:raw_syscalls:sys_enter /pid == cpid/ "
			   "{ @calls = count(); }",
		.emit = emit_cpid,
	},
	{
		.name = "has_cpid",
		.kind = BUILTIN_VALUE,
		.flags = BUILTIN_SAME,
		.returns = { .kind = TYPE_INT, .size = 1, .is_signed = true, .is_bool = true },
		.summary = "whether memql was started with -c",
		.doc = "A script can trace the command if there is one, else everything.",
		.example = "tracepoint:raw_syscalls:sys_enter /!has_cpid || pid == cpid/ "
			   "{ @calls = count(); }",
		.emit = emit_has_cpid,
	},
	{
		.name = "has_json",
		.kind = BUILTIN_VALUE,
		.flags = BUILTIN_OURS | BUILTIN_SAME,
		.returns = { .kind = TYPE_INT, .size = 1, .is_signed = true, .is_bool = true },
		.summary = "whether results are written as JSON: -f json",
		.doc = "A script can draw a table for people, and print the values themselves "
		       "for programs.",
		.example = "END { if (has_json) { print(@n); } else { printf(\"%d in all\\n\", @n); } "
			   "clear(@n); }\ntracepoint:raw_syscalls:sys_enter { @n++; }",
		.emit = emit_has_json,
	},
	{
		.name = "comm",
		.kind = BUILTIN_VALUE,
		.flags = BUILTIN_SAME,
		.returns = { .kind = TYPE_STR, .limit = COMM_SIZE - 1 },
		.summary = "name of the running thread",
		.doc = "The kernel keeps 15 bytes. Threads may rename themselves.",
		.example =
			"tracepoint:raw_syscalls:sys_enter { @calls[comm] = count(); }",
		.emit = emit_comm,
	},
	{
		.name = "cpu",
		.kind = BUILTIN_VALUE,
		.flags = BUILTIN_SAME,
		.returns = { .kind = TYPE_INT, .size = 4 },
		.summary = "number of the CPU that the probe runs on",
		.doc = "The first is 0.",
		.example = "profile:hz:99 { @samples[cpu] = count(); }",
		.emit = emit_cpu,
	},
	{
		.name = "rand",
		.kind = BUILTIN_VALUE,
		.returns = { .kind = TYPE_INT, .size = 4 },
		.summary = "random number of 32 bits",
		.doc = "Good for sampling, not for secrets.",
		.example = "tracepoint:raw_syscalls:sys_enter /rand % 100 == 0/ "
			   "{ @sampled[comm] = count(); }",
		.emit = emit_rand,
	},
	{
		.name = "probe",
		.kind = BUILTIN_VALUE,
		.flags = BUILTIN_SAME,
		.returns = { .kind = TYPE_NAME },
		.summary = "the probe that fired, in full",
		.doc = "With wildcards, the one that matched.",
		.example =
			"tracepoint:syscalls:sys_enter_* { @calls[probe] = count(); }",
		.emit = emit_probe,
	},
	{
		.name = "probetype",
		.kind = BUILTIN_VALUE,
		.flags = BUILTIN_LITERAL,
		.returns = { .kind = TYPE_STR },
		.check = check_probetype,
		.summary = "the kind of the probe that fired",
		.doc = "Its full name: `tracepoint` also if the program says `t`. BEGIN and END "
		       "are `special`.",
		.example = "interval:s:1, profile:hz:9 { @[probetype] = count(); }",
	},
	{
		.name = "func",
		.kind = BUILTIN_VALUE,
		.flags = BUILTIN_SAME,
		.returns = { .kind = TYPE_NAME },
		.check = check_func,
		.summary = "the function that the probe is in",
		.doc = "Only where there is one: kprobe, fentry, uprobe and their returns. Its name "
		       "as the kernel lists it, or as the file has it, without a version.",
		.example = "uprobe:libc:str* { @calls[func] = count(); }",
		.emit = emit_func,
	},
	{ 0 },
};
