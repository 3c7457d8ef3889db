/* One BPF program around its statements: what runs before them, and on demand. */
#include "codegen/internal.h"

#include <linux/bpf.h>
#include <string.h>

#include "core/arena.h"

/* More live variables than that and the back end might run out of stack for spills. */
enum { REGISTER_VARS_MAX = 16 };
/* More branches than that, and the verifier is not to remember variables. */
enum { BRANCHES_MAX = 16 };
enum { TASK_STORAGE_CREATE = 1 };

/* Build with another builder for a while. */
static LLVMBuilderRef switch_builder(struct emit *e, LLVMBuilderRef to)
{
	LLVMBuilderRef from = e->b;

	LLVMSetCurrentDebugLocation2(to, LLVMGetCurrentDebugLocation2(from));
	e->b = to;
	return from;
}

static void add_attribute(LLVMValueRef function, LLVMAttributeRef a)
{
	LLVMAddAttributeAtIndex(function,
				(LLVMAttributeIndex)LLVMAttributeFunctionIndex, a);
}

static LLVMValueRef new_function(struct module *m, const struct program_info *p)
{
	static const char nounwind[] = "nounwind", no_builtins[] = "no-builtins";
	LLVMTypeRef type = LLVMFunctionType(m->i32, &m->ptr, 1, 0);
	LLVMValueRef f = LLVMAddFunction(m->ir, p->symbol, type);
	unsigned kind = LLVMGetEnumAttributeKindForName(nounwind, strlen(nounwind));

	LLVMSetSection(f, p->kind->section);
	add_attribute(f, LLVMCreateEnumAttribute(m->context, kind, 0));
	/* There is no memset() to call. */
	add_attribute(f, LLVMCreateStringAttribute(m->context, no_builtins,
						   strlen(no_builtins), "", 0));
	return f;
}

/* Scratch memory of a program that cannot be preempted: an entry of this CPU. */
static struct value scratch_of_cpu(struct emit *e)
{
	LLVMValueRef key = LLVMBuildAlloca(e->entry, e->m->i64, "key");

	because(e, WHY_SCRATCH_CPU);
	if (!e->scratch_index)
		e->scratch_index = ++e->m->scratch_entries;
	LLVMSetAlignment(key, 8);
	emit_store(e, value_of(key), 0, emit_int(e, e->scratch_index - 1), 4);
	return emit_helper_ptr(e, HELPER_MAP_LOOKUP_ELEM, 2, value_of(e->m->scratch),
			       value_of(key));
}

/*
 * Of one that can: memory of the running thread, since another thread may run the same
 * program on this CPU in the middle of it. All such programs share it: none can start in
 * a thread while another is at work there.
 */
static struct value scratch_of_task(struct emit *e)
{
	struct value task = emit_helper_ptr(e, HELPER_GET_CURRENT_TASK_BTF, 0);
	struct value none = value_of(LLVMConstNull(e->m->ptr));

	because(e, WHY_SCRATCH_TASK);
	return emit_helper_ptr(e, HELPER_TASK_STORAGE_GET, 4, value_of(e->m->task),
			       task, none, emit_int(e, TASK_STORAGE_CREATE));
}

static struct value thread_key(struct emit *e)
{
	struct value id = emit_helper(e, HELPER_GET_CURRENT_PID_TGID, 0);

	if (!e->thread) {
		e->thread = LLVMBuildAlloca(e->entry, e->m->i64, "thread");
		LLVMSetAlignment(e->thread, 8);
	}
	emit_store(e, value_of(e->thread), 0, id, 8);
	return value_of(e->thread);
}

/*
 * The same where the kernel's task storage is too small: an entry for each thread that is
 * in a program. Loops and what else is called find what the program has made.
 */
static struct value scratch_of_thread(struct emit *e)
{
	struct value map = value_of(e->m->threads), key = thread_key(e);

	because(e, WHY_SCRATCH_TASK);
	if (!e->depth)
		emit_helper(e, HELPER_MAP_UPDATE_ELEM, 4, map, key,
			    value_of(module_zeros(e->m, e->m->thread_size)),
			    emit_int(e, BPF_ANY));
	return emit_helper_ptr(e, HELPER_MAP_LOOKUP_ELEM, 2, map, key);
}

struct value scratch_lookup(struct emit *e)
{
	if (!(e->program->kind->flags & PROBE_PREEMPTIBLE))
		return scratch_of_cpu(e);
	return e->m->thread_size ? scratch_of_thread(e) : scratch_of_task(e);
}

/* On all ways out, also where there was no need for it. */
static void leave_thread(struct emit *e)
{
	if (e->scratch && e->m->thread_size &&
	    e->program->kind->flags & PROBE_PREEMPTIBLE)
		emit_helper(e, HELPER_MAP_DELETE_ELEM, 2, value_of(e->m->threads),
			    thread_key(e));
}

/* Memory of an earlier event lies there. */
static void clear_scratch_vars(struct emit *e)
{
	for (size_t i = 0; i < e->program->vars.n; i++) {
		const struct var_info *var = e->program->vars.items[i];
		const struct var_slot *slot = var->storage;

		if (!slot->local)
			emit_store(e, value_of(e->scratch), (int64_t)slot->offset,
				   emit_int(e, 0), 8);
	}
	if (e->program->has_loops)
		emit_store(e, value_of(e->scratch), (int64_t)e->returned,
			   emit_int(e, 0), 8);
}

LLVMValueRef program_scratch(struct emit *e)
{
	const char *subject = e->subject;
	LLVMBuilderRef from;
	struct branch there;
	struct value base;

	if (e->scratch)
		return e->scratch;
	from = switch_builder(e, e->hoist);
	base = scratch_lookup(e);
	there = emit_if(e, because(e, WHY_NULL_CHECK) ? base : emit_int(e, 1));
	e->scratch = base.ref;
	clear_scratch_vars(e);
	emit_else(e, &there);
	e->subject = NULL;
	emit_loss(e, LOSS_SCRATCH, e->program->point);
	emit_return(e);
	emit_end(e, &there);
	e->subject = subject;
	e->b = from;
	return e->scratch;
}

LLVMValueRef program_cookie(struct emit *e)
{
	LLVMBuilderRef from;

	if (e->cookie)
		return e->cookie;
	because(e, WHY_COOKIE);
	from = switch_builder(e, e->hoist);
	e->cookie = emit_helper(e, HELPER_GET_ATTACH_COOKIE, 1, emit_ctx(e)).ref;
	e->b = from;
	return e->cookie;
}

/* The id of a name or function: constant if all sites share it. */
static struct value site_id(struct emit *e, bool func)
{
	const struct program_info *p = e->program;
	struct value cookie;
	bool same = true;

	for (size_t i = 1; i < p->nsites; i++) {
		const struct probe_site *a = &p->sites[0], *b = &p->sites[i];

		same = same &&
		       (func ? a->func_id == b->func_id : a->name_id == b->name_id);
	}
	if (same && p->nsites)
		return emit_int(e, func ? p->sites[0].func_id : p->sites[0].name_id);
	cookie = value_of(program_cookie(e));
	if (func)
		cookie = emit_op(e, OP_SHR, cookie, emit_int(e, 24), false);
	return emit_op(e, OP_AND, cookie, emit_int(e, 0xffffff), false);
}

static struct value name_of(struct emit *e, struct value id)
{
	return emit_op(e, OP_ADD, id, emit_int(e, (int64_t)TYPE_NAME_FIRST), false);
}

struct value emit_site_name(struct emit *e)
{
	return name_of(e, site_id(e, false));
}

struct value emit_site_func(struct emit *e)
{
	return name_of(e, site_id(e, true));
}

static void count_branches(struct node *n, void *arg)
{
	size_t *branches = arg;

	if (n->kind == NODE_IF || n->kind == NODE_COND ||
	    (n->kind == NODE_BINARY && (op_rows[n->binary.op].flags & OP_LOGICAL)))
		++*branches;
	node_each_child(n, count_branches, arg);
}

/*
 * The verifier follows a program along every path for which it knows another value of a
 * variable: some variables that get constants in branches are thousands of paths. What lies
 * in scratch memory it forgets.
 */
static bool is_branchy(const struct program_info *p)
{
	size_t branches = 0;

	count_branches(p->body, &branches);
	return branches > BRANCHES_MAX;
}

/* For who reads the code: no name of C begins so. */
static void name_local(struct emit *e, LLVMValueRef local, const struct var_info *var)
{
	const char *name = arena_printf(e->m->cc->arena, "v_%s", var->name + 1);

	LLVMSetValueName2(local, name, strlen(name));
}

/* Registers for the first numbers, scratch memory for the rest and for strings. */
static void place_vars(struct emit *e)
{
	bool frugal = e->m->thrifty || without_slots(e) || is_branchy(e->program) ||
		      e->program->has_loops;
	size_t max = frugal ? 0 : REGISTER_VARS_MAX, used = 0;

	for (size_t i = 0; i < e->program->vars.n; i++) {
		struct var_info *var = e->program->vars.items[i];
		struct var_slot *slot = ARENA_NEW(e->m->cc->arena, struct var_slot);
		struct span outer = e->span;

		var->storage = slot;
		if (!is_wide(var->type) && !var->addressed && used < max) {
			slot->local = local_new(e);
			name_local(e, slot->local, var);
			used++;
			continue;
		}
		e->span = var->first; /* of the message, if there is no room for it */
		slot->offset = scratch_take(e, type_size(var->type));
		e->span = outer;
	}
	if (e->program->has_loops)
		e->returned = scratch_take(e, 8);
	if (!e->m->thrifty && !is_branchy(e->program))
		once_find(e);
	e->scratch_vars = e->scratch_used;
}

/* A condition on numbers at hand, which counts nothing and reads no memory. */
struct search {
	bool dear;
};

static void look_for_dear(struct node *n, void *arg)
{
	struct search *s = arg;

	switch (n->kind) {
	case NODE_INT:
	case NODE_CAST:
	case NODE_UNARY:
	case NODE_BINARY:
	case NODE_COND:
		break;
	case NODE_FIELD:
		s->dear |= is_wide(n->type);
		return;
	case NODE_CALL:
		s->dear |= n->call.builtin->kind != BUILTIN_VALUE || is_wide(n->type);
		return;
	case NODE_STR:
	case NODE_PARAM:
	case NODE_MAP:
	case NODE_VAR:
	case NODE_INDEX:
	case NODE_TUPLE:
	case NODE_TYPE:
	case NODE_ADDRESS:
	case NODE_DEREF:
	case NODE_ASSIGN:
	case NODE_STEP:
	case NODE_LET:
	case NODE_IF:
	case NODE_BLOCK:
	case NODE_EXPR:
	case NODE_FOR_RANGE:
	case NODE_FOR_MAP:
	case NODE_WHILE:
	case NODE_UNROLL:
	case NODE_BREAK:
	case NODE_CONTINUE:
	case NODE_RETURN:
		s->dear = true;
		return;
	}
	node_each_child(n, look_for_dear, s);
}

static bool is_cheap(struct node *predicate)
{
	struct search s = { .dear = false };

	look_for_dear(predicate, &s);
	return !s.dear;
}

static bool tells_of_others(const struct program_info *p)
{
	for (size_t i = 0; i < p->nsites; i++)
		if (p->sites[i].of_others)
			return true;
	return false;
}

static bool all_elsewhere(const struct program_info *p)
{
	for (size_t i = 0; i < p->nsites; i++)
		if (!p->sites[i].elsewhere)
			return false;
	return true;
}

/*
 * Leave in memql's own process: its work for an event would be an event again. Not where
 * that would lose what happens to others: the switch from memql to another thread is
 * where that one begins to run, and disks complete requests while memql runs, too.
 */
static void guard_self(struct emit *e)
{
	LLVMBasicBlockRef next;

	if (!(e->program->kind->flags & PROBE_SYSTEM_WIDE) ||
	    tells_of_others(e->program) || all_elsewhere(e->program))
		return;
	because(e, WHY_SELF);
	e->self = block_new(e, "self");
	next = block_new(e, "other");
	LLVMBuildBr(e->b, e->self);
	LLVMPositionBuilderAtEnd(e->b, next);
	e->other = next;
}

/* The process number by what the program asks for anyway: one helper less. */
static struct value own_id(struct emit *e)
{
	struct value id;
	int64_t tgid;

	if (e->asked_task && !e->asked_ids && task_member(e, "tgid", &tgid))
		return emit_load(e, emit_helper_ptr(e, HELPER_GET_CURRENT_TASK_BTF, 0),
				 tgid, 4, false);
	id = emit_helper(e, HELPER_GET_CURRENT_PID_TGID, 0);
	return emit_op(e, OP_SHR, id, emit_int(e, 32), false);
}

static bool all_awake(const struct program_info *p)
{
	for (size_t i = 0; i < p->nsites; i++)
		if (!p->sites[i].awake)
			return false;
	return true;
}

/*
 * While memql sleeps, no event of these is its own: a look at its word instead of a call.
 * Not where the program makes that call anyway.
 */
static void pass_if_asleep(struct emit *e)
{
	LLVMBasicBlockRef ask;
	LLVMValueRef asleep;

	if (!all_awake(e->program) || e->asked_ids || e->asked_task)
		return;
	because(e, WHY_ASLEEP);
	ask = block_new(e, "ask");
	asleep = LLVMBuildLoad2(e->b, e->m->i64, module_asleep(e->m), "");
	LLVMSetVolatile(asleep, 1);
	LLVMBuildCondBr(e->b, as_bit(e, value_of(asleep)), e->other, ask);
	LLVMPositionBuilderAtEnd(e->b, ask);
}

/* The block of guard_self(), when it is known what else the program does. */
static void finish_guard(struct emit *e)
{
	struct value own;

	if (!e->self)
		return;
	LLVMPositionBuilderAtEnd(e->b, e->self);
	debug_at(e, e->program->point);
	pass_if_asleep(e);
	own = emit_setting(e, SETTING_SELF);
	LLVMBuildCondBr(e->b, as_bit(e, emit_op(e, OP_EQ, own_id(e), own, false)),
			e->leave, e->other);
}

/*
 * A block for what turns out to be needed before this point. The one for the predicate
 * is given up when the body begins: what it made stays valid.
 */
static LLVMBasicBlockRef start_hoist(struct emit *e)
{
	LLVMBasicBlockRef block = block_new(e, "hoist"), next = block_new(e, "next");

	LLVMBuildBr(e->b, block);
	LLVMPositionBuilderAtEnd(e->hoist, block);
	LLVMPositionBuilderAtEnd(e->b, next);
	return next;
}

static void end_hoist(struct emit *e, LLVMBasicBlockRef next)
{
	LLVMBuildBr(e->hoist, next);
}

static void build_predicate(struct emit *e)
{
	const struct node *predicate = e->program->predicate;
	LLVMBasicBlockRef next, yes;

	if (!predicate)
		return;
	next = start_hoist(e);
	yes = block_new(e, "body");
	debug_at(e, predicate->span);
	eval_branch(e, predicate, yes, e->leave);
	LLVMPositionBuilderAtEnd(e->b, yes);
	e->frame_used = 0;
	e->scratch_used = e->scratch_vars;
	end_hoist(e, next);
}

/*
 * The stack is that of a CPU (frame.c): no other thread is to run the program there before it
 * is done. The kernel would let one, where it is preemptible.
 */
static bool holds_cpu(const struct emit *e)
{
	const struct program_info *p = e->program;

	return p->kind->flags & PROBE_PREEMPTIBLE && !p->sleepable &&
	       e->m->bare[e->index] && can_hold_cpu(e->m->cc->target);
}

/* A number in a register that nobody has set. */
static LLVMValueRef nothing(struct emit *e)
{
	LLVMTypeRef type = LLVMFunctionType(e->m->i32, NULL, 0, 0);
	static const char fifth[] = "={w5}"; /* calls leave nothing in it */
	LLVMValueRef fence = LLVMGetInlineAsm(type, "", 0, fifth, sizeof(fifth) - 1, 1,
					      0, LLVMInlineAsmDialectATT, 0);

	return LLVMBuildCall2(e->b, type, fence, NULL, 0, "");
}

static void build_body(struct emit *e)
{
	LLVMBasicBlockRef next = start_hoist(e);

	statement(e, e->program->body);
	LLVMBuildBr(e->b, e->leave);
	end_hoist(e, next);
	LLVMPositionBuilderAtEnd(e->b, e->leave);
	debug_at(e, e->program->point);
	leave_thread(e);
	if (holds_cpu(e))
		emit_helper(e, HELPER_PREEMPT_ENABLE, 0);
	LLVMBuildRet(e->b, because(e, WHY_RETURN) ? LLVMConstInt(e->m->i32, 0, 0)
						  : nothing(e));
}

static void account_scratch(struct emit *e)
{
	size_t *size = e->program->kind->flags & PROBE_PREEMPTIBLE
			       ? &e->m->task_size
			       : &e->m->scratch_size;

	if (e->scratch && *size < e->scratch_peak)
		*size = e->scratch_peak;
}

void program_generate(struct module *m, size_t index)
{
	const struct program_info *p = m->cc->plan->programs.items[index];
	struct emit e = { .m = m, .program = p, .index = index };
	LLVMBasicBlockRef frame, guard;
	uint32_t line = module_line(m, p->point);
	bool guard_last;

	e.function = new_function(m, p);
	e.subprogram = debug_program(m, e.function, p->symbol, line);
	e.b = LLVMCreateBuilderInContext(m->context);
	e.hoist = LLVMCreateBuilderInContext(m->context);
	e.entry = LLVMCreateBuilderInContext(m->context);
	frame = block_new(&e, "frame");
	guard = block_new(&e, "guard");
	e.leave = block_new(&e, "leave");
	LLVMPositionBuilderAtEnd(e.entry, frame);
	LLVMPositionBuilderAtEnd(e.b, guard);
	e.span.end = UINT32_MAX;
	debug_at(&e, p->point);

	if (holds_cpu(&e)) {
		because(&e, WHY_HOLD_CPU);
		emit_helper(&e, HELPER_PREEMPT_DISABLE, 0);
	}
	if (p->sleepable && !because(&e, WHY_SLEEPABLE))
		m->kept_awake = true;
	if (!because(&e, WHY_LICENSE))
		module_license(m, "Proprietary");
	place_vars(&e);
	/* A loop's function may delete what the program has looked up. */
	if (!p->has_loops)
		e.kept = ARENA_ARRAY(m->cc->arena, LLVMValueRef, m->cc->plan->maps.n);
	if (p->kind->enter)
		p->kind->enter(&e);
	/* Most events end at a cheap predicate: they need not pay for the guard. */
	guard_last = p->predicate && is_cheap(p->predicate);
	if (!guard_last)
		guard_self(&e);
	build_predicate(&e);
	if (guard_last)
		guard_self(&e);
	build_body(&e);
	finish_guard(&e);

	frame_finish(&e);
	m->has_slots[index] = e.frame_peak > 0;
	LLVMBuildBr(e.entry, guard);
	account_scratch(&e);
	LLVMDisposeBuilder(e.b);
	LLVMDisposeBuilder(e.hoist);
	LLVMDisposeBuilder(e.entry);
}
