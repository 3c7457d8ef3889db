/*
 * Addresses of symbols.
 *
 * uaddr(name): where a symbol of the probed file is, in the process that the probe is in.
 * The file can be loaded anywhere, but its parts keep their distance: the address is that
 * of the probed instruction, which the program sees, plus the distance as linked.
 */
#include <errno.h>
#include <string.h>

#include "builtins/builtin.h"
#include "codegen/emit.h"
#include "core/arena.h"
#include "core/compile.h"
#include "probes/arch.h"
#include "probes/probe.h"
#include "sema/sema.h"
#include "sema/target.h"

struct sought {
	const char *name;
	uint64_t address, size; /* as linked */
};

static int match_function(const struct target_symbol *f, void *arg)
{
	struct sought *s = arg;

	if (!f->address || strcmp(f->name, s->name) != 0)
		return 0;
	s->address = f->address;
	s->size = sizeof(uint64_t);
	return 1;
}

/* Data comes first, then functions. 0 or -errno; -ENOENT: there is no such symbol. */
static int find_symbol(const struct target *t, const char *path, struct sought *s)
{
	int err = t->ops->symbol_address(t, path, s->name, &s->address, &s->size);

	if (err != -ENOENT)
		return err;
	err = t->ops->symbols(t, path, match_function, s);
	return err == 1 ? 0 : err ? err : -ENOENT;
}

/* From the probed instruction to the symbol. */
static bool find_distance(struct sema *s, const struct node *arg,
			  const struct probe_site *site, struct sought *sought,
			  struct probe_field *out)
{
	const struct target *t = s->cc->target;
	uint64_t here = 0;
	int err = find_symbol(t, site->path, sought);

	if (err)
		return sema_error(s, DIAG_unknown_symbol, arg->span,
				  err == -ENOENT ? "%s has no symbol '%s'"
						 : "the symbols of %s could not be "
						   "read to find '%s'",
				  site->path, sought->name);
	err = t->ops->linked_address(t, site->path, site->offset, &here);
	if (err)
		return sema_error(s, DIAG_unknown_symbol, arg->span,
				  "the place of the probe in %s is not known",
				  site->path);
	out->at = (struct location){ .kind = LOC_CONSTANT,
				     .size = 8,
				     .value = (int64_t)(sought->address - here) };
	return true;
}

static bool can_have(struct sema *s, const struct node *call)
{
	const struct target *t = s->cc->target;
	unsigned flags = s->program->kind->flags;

	if (!(flags & PROBE_USER))
		return sema_error(s, DIAG_not_in_probe, call->span,
				  "%s probes are not in a program's file, whose "
				  "symbols these are",
				  s->program->kind->name);
	if (flags & PROBE_RETURNS && !t->ops->has(t, FEATURE_UPROBE_MULTI))
		return sema_error(s, DIAG_not_on_this_kernel, call->span,
				  "kernels before 6.6 do not say which function "
				  "returns, and so not where its file is");
	return true;
}

/* A layout of one field for each site: the distance. */
static bool check_uaddr(struct sema *s, struct node *call)
{
	const struct program_info *p = s->program;
	struct arena *a = s->cc->arena;
	struct node *arg = call_arg(call, 0);
	struct sought sought = { .name = constant_str(s, arg) };
	struct probe_layout *layouts;
	unsigned size = 8;

	if (!sought.name)
		return true; /* the signature says so */
	if (!can_have(s, call) || !sema_layout_per_site(s, call))
		return false;
	layouts = ARENA_ARRAY(a, struct probe_layout, p->nsites);
	for (size_t i = 0; i < p->nsites; i++) {
		struct probe_field *f = ARENA_NEW(a, struct probe_field);

		if (!find_distance(s, arg, &p->sites[i], &sought, f))
			return false;
		layouts[p->sites[i].layout] = (struct probe_layout){ f, 1 };
	}
	if (sought.size == 1 || sought.size == 2 || sought.size == 4)
		size = (unsigned)sought.size;
	call->call.data = layouts;
	call->type = type_ptr(a, type_int(a, size, false, UNIT_NONE), SPACE_USER);
	return true;
}

static struct value emit_uaddr(struct emit *e, const struct node *call)
{
	const struct program_info *p = emit_program(e);
	struct value here;

	if (p->nsites == 0)
		return emit_int(e, 0);
	if (p->kind->flags & PROBE_RETURNS)
		here = emit_helper(e, HELPER_GET_FUNC_IP, 1, emit_ctx(e));
	else
		here = emit_register(e, arch_native->ip, 8);
	return emit_op(e, OP_ADD, here, emit_by_site(e, call->call.data, 0, call->span),
		       false);
}

/*
 * percpu_kaddr(name[, cpu]): each CPU has its variables at a distance from where they are
 * linked, which the kernel keeps in an array.
 */

struct percpu {
	uint64_t symbol, distances;
	unsigned ncpus;
};

static bool find_kernel(struct sema *s, const struct node *arg, const char *name,
			uint64_t *address)
{
	const struct target *t = s->cc->target;
	int err = t->ops->kernel_symbol(t, name, address);

	if (!err)
		return true;
	sema_error(s, DIAG_unknown_symbol, arg->span,
		   err == -ENOENT ? "the kernel lists no symbol '%s'"
				  : "the address of '%s' is not known",
		   name);
	if (s->report && err == -EACCES)
		diag_hint(s->cc, "the kernel hides addresses: root and CAP_SYSLOG see "
				 "them if sysctl kernel.kptr_restrict is below 2");
	else if (s->report)
		diag_hint(s->cc, "it lists variables if it was built with "
				 "CONFIG_KALLSYMS_ALL");
	return false;
}

static bool check_percpu(struct sema *s, struct node *call)
{
	const struct node *arg = call_arg(call, 0);
	const char *name = constant_str(s, call_arg(call, 0));
	struct percpu *p = ARENA_NEW(s->cc->arena, struct percpu);
	uint64_t begin, end;

	if (!name)
		return true; /* the signature says so */
	call->call.data = p;
	p->ncpus = s->cc->target->ncpus;
	if (!find_kernel(s, arg, name, &p->symbol) ||
	    !find_kernel(s, arg, "__per_cpu_offset", &p->distances) ||
	    !find_kernel(s, arg, "__per_cpu_start", &begin) ||
	    !find_kernel(s, arg, "__per_cpu_end", &end))
		return false;
	return (p->symbol >= begin && p->symbol < end) ||
	       sema_error(
		       s, DIAG_unknown_symbol, arg->span,
		       "'%s' is not a variable that each CPU has: kaddr() is where it "
		       "is",
		       name);
}

static struct value emit_percpu(struct emit *e, const struct node *call)
{
	const struct percpu *p = call->call.data;
	const struct node *which = call_arg(call, 1);
	struct value cpu, there, at;

	cpu = which ? emit_eval(e, which)
		    : emit_helper(e, HELPER_GET_SMP_PROCESSOR_ID, 0);
	there = emit_op(e, OP_LT, cpu, emit_int(e, p->ncpus), false);
	cpu = emit_select(e, there, cpu, emit_int(e, 0));
	at = emit_op(e, OP_MUL, cpu, emit_int(e, 8), false);
	at = emit_op(e, OP_ADD, at, emit_int(e, (int64_t)p->distances), false);
	at = emit_read(e, at, 8, false, SPACE_KERNEL, call->span);
	at = emit_op(e, OP_ADD, at, emit_int(e, (int64_t)p->symbol), false);
	return emit_select(e, there, at, emit_int(e, 0));
}

const struct builtin address_builtins[] = {
	{
		.name = "percpu_kaddr",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_PTR, .to = &type_u64, .space = SPACE_KERNEL },
		.params = {
			{ .name = "name", .type = TYPE_STR, .flags = PARAM_LITERAL },
			{ .name = "cpu", .type = TYPE_INT, .flags = PARAM_OPTIONAL },
		},
		.check = check_percpu,
		.summary = "the address of a variable of the kernel that each CPU has",
		.doc = "That of the given CPU, or of the one that the probe runs on; 0 if there "
		       "is no such CPU. Looked up in /proc/kallsyms, which has variables if the "
		       "kernel was built with CONFIG_KALLSYMS_ALL. The result points to a "
		       "uint64: cast it to what is there.",
		.example = "interval:s:1 "
			   "{ printf(\"%d\\n\", *percpu_kaddr(\"process_counts\", 0)); }",
		.emit = emit_percpu,
	},
	{
		.name = "uaddr",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_PTR, .to = &type_u64, .space = SPACE_USER },
		.params = {
			{ .name = "name", .type = TYPE_STR, .flags = PARAM_LITERAL },
		},
		.check = check_uaddr,
		.summary = "the address of a symbol of the probed program or library",
		.doc = "In uprobe, uretprobe and usdt: a variable or function of the file "
		       "that the probe is in, wherever it is loaded. The result points to "
		       "an unsigned number of 1, 2, 4 or 8 bytes, as large as the variable; "
		       "for all others cast it. Variables of the C library that a program "
		       "has a copy of (`environ`, `stdout`) are the library's own.",
		.example = "uprobe:bash:readline "
			   "{ printf(\"%s\\n\", str(*uaddr(\"ps1_prompt\"))); }",
		.emit = emit_uaddr,
	},
	{ 0 },
};
