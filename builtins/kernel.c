/* The machine that the probe runs on: its CPUs, its clock ticks, its registers. */
#include <string.h>

#include "builtins/builtin.h"
#include "codegen/emit.h"
#include "core/compile.h"
#include "probes/arch.h"
#include "sema/sema.h"
#include "sema/target.h"

static bool check_ncpus(struct sema *s, struct node *call)
{
	sema_become_int(s, call, s->cc->target->ncpus);
	return true;
}

static struct value emit_numaid(struct emit *e, const struct node *call)
{
	(void)call;
	return emit_helper(e, HELPER_GET_NUMA_NODE_ID, 0);
}

static struct value emit_jiffies(struct emit *e, const struct node *call)
{
	(void)call;
	return emit_helper(e, HELPER_JIFFIES64, 0);
}

/* Registers, where the kernel has stored them for the probe. */

static bool has_registers(struct sema *s, const struct node *call)
{
	const struct probe_kind *kind = s->program->kind;

	return kind->flags & PROBE_REGISTERS ||
	       sema_error(s, DIAG_not_in_probe, call->span,
			  "%s probes have no registers of what they interrupt",
			  kind->name);
}

/* BEGIN and END interrupt memql, a program. */
static bool check_usermode(struct sema *s, struct node *call)
{
	return s->program->kind->flags & PROBE_ONCE || has_registers(s, call);
}

static struct value emit_usermode(struct emit *e, const struct node *call)
{
	struct value mode;

	(void)call;
	if (emit_program(e)->kind->flags & PROBE_ONCE)
		return emit_int(e, 1);
	mode = emit_register(e, arch_native->mode, 8);
	mode = emit_op(e, OP_AND, mode, emit_int(e, arch_native->mode_mask), false);
	return emit_op(e, OP_EQ, mode, emit_int(e, arch_native->mode_user), false);
}

/* Names as in the kernel's struct pt_regs, then those of assemblers. */
static const struct arch_register *find_register(const char *name)
{
	for (const struct arch_register *r = arch_native->fields; r->name; r++)
		if (strcmp(r->name, name) == 0)
			return r;
	return arch_register(arch_native, name, strlen(name));
}

static bool check_reg(struct sema *s, struct node *call)
{
	struct node *arg = call_arg(call, 0);
	const char *name = constant_str(s, arg);
	struct suggestion near = { .word = name };

	if (!name)
		return true; /* the signature says so */
	if (!has_registers(s, call))
		return false;
	call->call.data = (void *)find_register(name);
	if (call->call.data)
		return true;
	sema_error(s, DIAG_unknown_word, arg->span,
		   "%s processors have no register '%s' that a probe can read",
		   arch_native->name, name);
	for (const struct arch_register *r = arch_native->fields; r->name; r++)
		suggest(&near, r->name);
	if (s->report && near.best)
		diag_hint(s->cc, "did you mean '%s'?", near.best);
	return false;
}

static struct value emit_reg(struct emit *e, const struct node *call)
{
	const struct arch_register *r = call->call.data;

	return emit_register(e, r->offset, r->size);
}

/*
 * bswap(n): of n's own size. A literal has the smallest that holds it.
 */

static unsigned swapped_size(const struct node *n)
{
	int64_t value;

	if (!constant_int(n, &value))
		return n->type->kind == TYPE_INT ? n->type->size : 8;
	if (n->kind == NODE_CAST && n->type->kind == TYPE_INT)
		return n->type->size;
	if (value < 0 || value > UINT32_MAX)
		return 8;
	return value > UINT16_MAX ? 4 : value > UINT8_MAX ? 2 : 1;
}

static bool check_bswap(struct sema *s, struct node *call)
{
	call->type = type_int(s->cc->arena, swapped_size(call_arg(call, 0)), false,
			      UNIT_NONE);
	return true;
}

static struct value emit_bswap(struct emit *e, const struct node *call)
{
	return emit_swap(e, emit_arg(e, call, 0), call->type->size);
}

const struct builtin kernel_builtins[] = {
	{
		.name = "ncpus",
		.kind = BUILTIN_VALUE,
		.flags = BUILTIN_LITERAL,
		.returns = { .kind = TYPE_INT, .size = 8 },
		.check = check_ncpus,
		.summary = "how many CPUs the machine can have",
		.doc = "Those that are offline count: `cpu` is always less.",
		.example = "BEGIN { printf(\"%d CPUs\\n\", ncpus); }",
	},
	{
		.name = "numaid",
		.kind = BUILTIN_VALUE,
		.flags = BUILTIN_SAME,
		.returns = { .kind = TYPE_INT, .size = 4 },
		.summary = "number of the memory node of the CPU that the probe runs on",
		.doc = "0 on machines whose memory is equally near to all CPUs.",
		.example = "profile:hz:99 { @samples[numaid] = count(); }",
		.emit = emit_numaid,
	},
	{
		.name = "jiffies",
		.kind = BUILTIN_VALUE,
		.returns = { .kind = TYPE_INT, .size = 8 },
		.summary = "the kernel's count of clock ticks",
		.doc = "A tick is 1 to 10 ms, as the kernel was configured. The count "
		       "begins five minutes before it would wrap around at 32 bits.",
		.example = "interval:s:1 { print(jiffies); }",
		.emit = emit_jiffies,
	},
	{
		.name = "usermode",
		.kind = BUILTIN_VALUE,
		.returns = { .kind = TYPE_INT, .size = 1, .is_signed = true, .is_bool = true },
		.check = check_usermode,
		.summary = "whether the probe interrupted a program, not the kernel",
		.doc = "In probes that have registers: clocks, and functions of the kernel "
		       "and of programs; true in BEGIN and END.",
		.example = "profile:hz:99 { @samples[usermode] = count(); }",
		.emit = emit_usermode,
	},
	{
		.name = "reg",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_INT, .size = 8 },
		.params = {
			{ .name = "name", .type = TYPE_STR, .flags = PARAM_LITERAL },
		},
		.check = check_reg,
		.summary = "a register of what the probe interrupted",
		.doc = "Names are those of the kernel's struct pt_regs: `ip`, `sp`, `bp`, "
		       "`ax`, `di`, `r12`, `flags`... on x86_64; `rip`, `eax` and the like "
		       "are known as well. In probes that have registers: clocks, and "
		       "functions of the kernel and of programs.",
		.example = "profile:hz:99 { @[reg(\"ip\")] = count(); }",
		.emit = emit_reg,
	},
	{
		.name = "bswap",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_INT, .size = 8 },
		.params = { { .name = "n", .type = TYPE_INT } },
		.check = check_bswap,
		.summary = "n with its bytes in reverse order",
		.doc = "For numbers in network byte order. The result is unsigned and has "
		       "the size of n; a literal has the smallest size that holds it.",
		.example = "BEGIN { printf(\"%x\\n\", bswap((uint16)0x1234)); }",
		.emit = emit_bswap,
	},
	{ 0 },
};
