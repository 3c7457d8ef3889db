/*
 * Stacks, and addresses of code by their names. In the kernel a stack is a number
 * (codegen/stack.c); names are looked up by user space, when a value is shown.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "builtins/builtin.h"
#include "builtins/process.h"
#include "codegen/emit.h"
#include "core/arena.h"
#include "runtime/resolver.h"
#include "runtime/sink.h"
#include "sema/sema.h"
#include "sema/target.h"

enum {
	DEPTH_DEFAULT = 127, /* as the kernel's sysctl perf_event_max_stack has it */
	DEPTH_MAX = 1024,
	/* What may precede a kernel's stack: the program, and what called it. */
	BPF_FRAMES = 5,
};

static const char *const mode_names[] = { "bpftrace", "perf", "raw", "build_id", NULL };

/* What a stack's type says of how it is shown: type->format is "MODE:DEPTH". */
struct stack_format {
	enum stack_mode mode;
	unsigned depth;
};

static struct stack_format format_of(const struct type *t)
{
	struct stack_format f = { STACK_BPFTRACE, DEPTH_DEFAULT };
	unsigned mode;

	if (t->format && sscanf(t->format, "%u:%u", &mode, &f.depth) == 2)
		f.mode = (enum stack_mode)mode;
	return f;
}

/* A frame with a build id: struct bpf_stack_build_id of linux/bpf.h. */
struct build_id_frame {
	int32_t status; /* 1: there is one, with the offset in the file; else an address */
	unsigned char build_id[20];
	uint64_t offset;
};

static void add_build_id(struct text *out, const struct build_id_frame *f)
{
	if (f->status != 1) {
		text_printf(out, "0x%" PRIx64, f->offset);
		return;
	}
	for (size_t i = 0; i < sizeof(f->build_id); i++)
		text_printf(out, "%02x", f->build_id[i]);
	text_printf(out, " 0x%" PRIx64, f->offset);
}

static void add_user_frame(struct text *out, struct resolver *r, int32_t pid,
			   uint64_t address, enum stack_mode mode, unsigned flags)
{
	if (mode == STACK_RAW || !r)
		text_printf(out, "0x%" PRIx64, address);
	else if (mode == STACK_PERF) {
		text_printf(out, "%" PRIx64 " ", address);
		r->add_user(r, out, pid, address,
			    flags | RESOLVE_OFFSET | RESOLVE_FILE);
	} else
		r->add_user(r, out, pid, address, flags | RESOLVE_OFFSET);
}

static void add_kernel_frame(struct text *out, struct resolver *r, uint64_t address,
			     enum stack_mode mode, unsigned flags)
{
	if (mode == STACK_RAW || !r)
		text_printf(out, "0x%" PRIx64, address);
	else {
		if (mode == STACK_PERF)
			text_printf(out, "%" PRIx64 " ", address);
		r->add_kernel(r, out, address, flags | RESOLVE_OFFSET);
	}
}

/* The bytes of a stack; -1 if it was lost. */
static long read_stack(struct resolver *r, uint64_t id, void *frames, size_t size)
{
	return r && id ? r->stack(r, id, frames, size) : -1;
}

static void add_lost(struct text *out)
{
	text_printf(out, "\n    (lost)\n");
}

static void render_kstack(struct text *out, const struct sink *sink,
			  const struct datum *d)
{
	struct stack_format f = format_of(d->type);
	struct resolver *r = sink->resolver;
	uint64_t frames[DEPTH_MAX + BPF_FRAMES];
	long bytes = read_stack(r, d->n, frames, sizeof(frames));
	size_t n = bytes < 0 ? 0 : (size_t)bytes / sizeof(*frames), first = 0;

	if (bytes < 0) {
		add_lost(out);
		return;
	}
	while (first < n && first < BPF_FRAMES && r->is_bpf(r, frames[first]))
		first++;
	text_add(out, "\n", 1);
	for (size_t i = first; i < n && i - first < f.depth; i++) {
		text_add(out, "    ", 4);
		add_kernel_frame(out, r, frames[i], f.mode, i ? RESOLVE_RETURN : 0);
		text_add(out, "\n", 1);
	}
}

/* A user stack is { id, process id }. */
enum { USER_ID = 0, USER_PID = 8, USER_SIZE = 16 };

static uint64_t word_at(const struct datum *d, size_t offset)
{
	uint64_t word;

	memcpy(&word, d->s + offset, sizeof(word));
	return word;
}

static void render_ustack(struct text *out, const struct sink *sink,
			  const struct datum *d)
{
	struct stack_format f = format_of(d->type);
	bool by_build_id = f.mode == STACK_BUILD_ID;
	union {
		uint64_t addresses[DEPTH_MAX];
		struct build_id_frame by_build_id[DEPTH_MAX];
	} frames;
	size_t each =
		by_build_id ? sizeof(*frames.by_build_id) : sizeof(*frames.addresses);
	long bytes = read_stack(sink->resolver, word_at(d, USER_ID), &frames,
				sizeof(frames));
	int32_t pid = (int32_t)word_at(d, USER_PID);

	if (bytes < 0) {
		add_lost(out);
		return;
	}
	text_add(out, "\n", 1);
	for (size_t i = 0; i < (size_t)bytes / each; i++) {
		text_add(out, "    ", 4);
		if (by_build_id)
			add_build_id(out, &frames.by_build_id[i]);
		else
			add_user_frame(out, sink->resolver, pid, frames.addresses[i],
				       f.mode, i ? RESOLVE_RETURN : 0);
		text_add(out, "\n", 1);
	}
}

static const struct shape kstack_shape = {
	.name = "kernel stack",
	.size = 8,
	.render = render_kstack,
	.lines = true,
};

static const struct shape ustack_shape = {
	.name = "user stack",
	.size = USER_SIZE,
	.render = render_ustack,
	.lines = true,
};

/* kstack and ustack: [(mode[, depth])] or [(depth)] */

struct stack_call {
	struct stack_request request;
	const struct target *target;
};

/* The first argument is a mode or the depth. */
static bool read_arguments(struct sema *s, const struct node *call,
			   struct stack_format *f)
{
	struct node *first = call_arg(call, 0), *second = call_arg(call, 1);
	const struct node *depth = second;
	int64_t n = DEPTH_DEFAULT;
	int mode;

	*f = (struct stack_format){ .mode = s->cc->plan->stack_mode };
	if (first && first->kind == NODE_STR) {
		mode = call_word(s, call, 0, mode_names);
		if (mode < 0)
			return false;
		f->mode = (enum stack_mode)mode;
	} else if (first) {
		depth = first;
		if (second)
			return sema_error(s, DIAG_type_mismatch, second->span,
					  "the number of frames is given twice");
	}
	if (depth && !constant_int(depth, &n))
		return sema_error(s, DIAG_literal_needed, depth->span,
				  "the number of frames must be a constant");
	if (n < 1 || n > DEPTH_MAX)
		return sema_error(
			s, DIAG_literal_range, depth->span,
			"the number of frames must be from 1 to %d, not %" PRId64,
			DEPTH_MAX, n);
	f->depth = (unsigned)n;
	return true;
}

static bool check_stack(struct sema *s, struct node *call, const struct shape *shape,
			struct stack_request request, struct stack_format f)
{
	struct stack_call *data = ARENA_NEW(s->cc->arena, struct stack_call);
	size_t size = stack_frames_bytes(&request) + sizeof(uint64_t);
	struct plan *plan = s->cc->plan;

	if (plan->stack_bytes < size)
		plan->stack_bytes = size;
	data->request = request;
	data->target = s->cc->target;
	call->call.data = data;
	call->type = type_shown(
		s->cc->arena, shape, 0,
		arena_printf(s->cc->arena, "%u:%u", (unsigned)f.mode, f.depth));
	return true;
}

static bool check_kstack(struct sema *s, struct node *call)
{
	struct stack_request r = { .user = false };
	struct stack_format f;

	if (!read_arguments(s, call, &f))
		return false;
	if (f.mode == STACK_BUILD_ID && call_arg(call, 0) &&
	    call_arg(call, 0)->kind == NODE_STR)
		return sema_error(s, DIAG_unknown_word, call_arg(call, 0)->span,
				  "frames of the kernel have no build ids");
	if (f.mode == STACK_BUILD_ID)
		f.mode = STACK_BPFTRACE; /* config meant ustack */
	/* One that begins with BPF's own frames is to have as many others. */
	r.depth = f.depth + (f.depth < DEPTH_DEFAULT ? BPF_FRAMES : 0);
	return check_stack(s, call, &kstack_shape, r, f);
}

static bool check_ustack(struct sema *s, struct node *call)
{
	struct stack_request r = { .user = true };
	struct stack_format f;

	if (!read_arguments(s, call, &f))
		return false;
	r.depth = f.depth;
	r.build_ids = f.mode == STACK_BUILD_ID;
	s->cc->plan->names_user |= f.mode == STACK_BPFTRACE || f.mode == STACK_PERF;
	return check_stack(s, call, &ustack_shape, r, f);
}

static struct value emit_kstack(struct emit *e, const struct node *call)
{
	const struct stack_call *data = call->call.data;

	return emit_stack(e, &data->request, call->span);
}

static struct value emit_ustack(struct emit *e, const struct node *call)
{
	const struct stack_call *data = call->call.data;
	struct value dest = emit_dest(e, call), pid = process_id(e, data->target);

	emit_store(e, dest, USER_PID, pid, 8);
	emit_store(e, dest, USER_ID, emit_stack(e, &data->request, call->span), 8);
	return dest;
}

/* len(stack) */

static bool check_len(struct sema *s, struct node *call)
{
	struct node *what = call_arg(call, 0);
	const struct type *t = what->type;

	if (what->kind == NODE_MAP && !what->map.has_keys) {
		if (!what->map.info->keys_known || what->map.info->has_keys)
			return true;
		return sema_error(s, DIAG_map_needed, what->span,
				  "'%s' has no keys to be counted", what->map.name);
	}
	if (t && t->kind == TYPE_SHOWN &&
	    (t->shape == &kstack_shape || t->shape == &ustack_shape))
		return true;
	return sema_error(s, DIAG_type_mismatch, what->span,
			  "len() takes a map or a stack, found %s",
			  t ? type_text(s->cc->arena, t) : "a map");
}

static struct value emit_len(struct emit *e, const struct node *call)
{
	const struct node *what = call_arg(call, 0);
	const struct type *t = what->type;
	struct value id;

	if (what->kind == NODE_MAP && !what->map.has_keys)
		return emit_map_length(e, what);
	id = emit_arg(e, call, 0);
	if (type_in_memory(t))
		id = emit_load(e, id, USER_ID, 8, false);
	return emit_stack_length(e, id, format_of(t).mode == STACK_BUILD_ID);
}

/* ksym(address), usym(address) */

static void render_ksym(struct text *out, const struct sink *sink,
			const struct datum *d)
{
	const char *name = sink_name(sink, d->n);

	if (name)
		text_add_safe(out, name, strlen(name));
	else if (sink->resolver)
		sink->resolver->add_kernel(sink->resolver, out, d->n, 0);
	else
		text_printf(out, "0x%" PRIx64, d->n);
}

enum { USYM_ADDRESS = 0, USYM_PID = 8, USYM_SIZE = 16 };

static void render_usym(struct text *out, const struct sink *sink,
			const struct datum *d)
{
	uint64_t address = word_at(d, USYM_ADDRESS);

	if (sink->resolver)
		sink->resolver->add_user(sink->resolver, out,
					 (int32_t)word_at(d, USYM_PID), address, 0);
	else
		text_printf(out, "0x%" PRIx64, address);
}

static const struct shape ksym_shape = {
	.name = "kernel symbol",
	.size = 8,
	.render = render_ksym,
	.names = true,
};

static const struct shape usym_shape = {
	.name = "user symbol",
	.size = USYM_SIZE,
	.render = render_usym,
};

static struct value emit_ksym(struct emit *e, const struct node *call)
{
	return emit_arg(e, call, 0);
}

static bool check_usym(struct sema *s, struct node *call)
{
	call->call.data = (void *)s->cc->target;
	s->cc->plan->names_user = true;
	return true;
}

static struct value emit_usym(struct emit *e, const struct node *call)
{
	struct value dest = emit_dest(e, call);

	emit_store(e, dest, USYM_PID, process_id(e, call->call.data), 8);
	emit_store(e, dest, USYM_ADDRESS, emit_arg(e, call, 0), 8);
	return dest;
}

/* kaddr(name): looked up when the program is compiled. */

static bool check_kaddr(struct sema *s, struct node *call)
{
	struct node *arg = call_arg(call, 0);
	const char *name = constant_str(s, arg);
	const struct target *t = s->cc->target;
	uint64_t *address = ARENA_NEW(s->cc->arena, uint64_t);
	int err;

	if (!name)
		return true; /* the signature says so */
	err = t->ops->kernel_symbol(t, name, address);
	call->call.data = address;
	if (!err)
		return true;
	sema_error(s, DIAG_unknown_symbol, arg->span,
		   err == -ENOENT ? "the kernel has no symbol '%s'"
				  : "the address of '%s' is not known",
		   name);
	if (s->report && err == -EACCES)
		diag_hint(s->cc, "the kernel hides addresses: root and CAP_SYSLOG see "
				 "them if sysctl kernel.kptr_restrict is below 2");
	return false;
}

static struct value emit_kaddr(struct emit *e, const struct node *call)
{
	const uint64_t *address = call->call.data;

	return emit_int(e, (int64_t)*address);
}

const struct builtin stack_builtins[] = {
	{
		.name = "kstack",
		.kind = BUILTIN_VALUE,
		.returns = { .kind = TYPE_SHOWN, .shape = &kstack_shape },
		.params = {
			{ .name = "mode", .type = TYPE_ANY,
			  .flags = PARAM_LITERAL | PARAM_OPTIONAL | PARAM_WORD },
			{ .name = "depth", .type = TYPE_INT,
			  .flags = PARAM_LITERAL | PARAM_OPTIONAL },
		},
		.check = check_kstack,
		.summary = "the kernel's functions that led to the probe",
		.doc = "A stack can be printed, be a key, or be kept in maps and variables. "
		       "It has up to 127 frames, as far as perf_event_max_stack allows, or "
		       "the given number: `kstack(5)`. The mode says how frames are shown: "
		       "`bpftrace` (the default) as function+offset, `perf` with the address "
		       "before it, `raw` as addresses. `config = { stack_mode = \"perf\" }` "
		       "sets it for all. Frames of the program itself are left out. Different "
		       "stacks are kept until memql ends; what there is no room for is "
		       "counted as lost.",
		.example = "profile:hz:99 { @[kstack] = count(); }",
		.emit = emit_kstack,
	},
	{
		.name = "ustack",
		.kind = BUILTIN_VALUE,
		.returns = { .kind = TYPE_SHOWN, .shape = &ustack_shape },
		.params = {
			{ .name = "mode", .type = TYPE_ANY,
			  .flags = PARAM_LITERAL | PARAM_OPTIONAL | PARAM_WORD },
			{ .name = "depth", .type = TYPE_INT,
			  .flags = PARAM_LITERAL | PARAM_OPTIONAL },
		},
		.check = check_ustack,
		.summary = "the program's functions that led to the probe",
		.doc = "As kstack; the same stack in two processes is two. The kernel follows "
		       "frame pointers: of code that was compiled without "
		       "-fno-omit-frame-pointer, frames are missing. `perf` adds the file, "
		       "and with `build_id` a frame is the build id of its file and an offset "
		       "in that, which can be resolved on another machine.",
		.example = "profile:hz:99 { @[ustack(perf, 10), comm] = count(); }",
		.emit = emit_ustack,
	},
	{
		.name = "len",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_INT, .size = 8, .is_signed = true },
		.params = { { .name = "what", .type = TYPE_ANY,
			      .flags = PARAM_MAP | PARAM_VALUE } },
		.check = check_len,
		.summary = "how many entries a map has, or frames a stack",
		.doc = "Entries are counted one by one. Of a kernel's stack, those of the "
		       "probe's own program count.",
		.example = "profile:hz:99 { @depth = lhist(len(ustack), 0, 128, 8); }",
		.emit = emit_len,
	},
	{
		.name = "ksym",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_SHOWN, .shape = &ksym_shape },
		.params = { { .name = "address", .type = TYPE_PTR } },
		.summary = "the kernel's function or variable at an address",
		.doc = "User space looks the name up when it shows it. An address without a "
		       "name is shown as such.",
		.example = "profile:hz:99 { @[ksym(reg(\"ip\"))] = count(); }",
		.emit = emit_ksym,
	},
	{
		.name = "usym",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_SHOWN, .shape = &usym_shape },
		.params = { { .name = "address", .type = TYPE_PTR } },
		.check = check_usym,
		.summary = "the function of the running program at an address",
		.doc = "User space looks the name up when it shows it, also if the process "
		       "has ended by then. An address without a name is shown as such.",
		.example = "uprobe:libc:malloc { @[usym(reg(\"ip\"))] = count(); }",
		.emit = emit_usym,
	},
	{
		.name = "kaddr",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_INT, .size = 8 },
		.params = {
			{ .name = "name", .type = TYPE_STR, .flags = PARAM_LITERAL },
		},
		.check = check_kaddr,
		.summary = "the address of a symbol of the kernel",
		.doc = "Looked up in /proc/kallsyms when the program is compiled.",
		.example = "BEGIN { printf(\"%s\\n\", ksym(kaddr(\"jiffies\"))); }",
		.emit = emit_kaddr,
	},
	{ 0 },
};
