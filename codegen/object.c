/* A plan to an image: programs, passes, ELF. */
#include "codegen/codegen.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/ErrorHandling.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "codegen/c_text.h"
#include "codegen/elf_code.h"
#include "codegen/internal.h"
#include "core/arena.h"
#include "sema/target.h"

/*
 * Enough to get variables into registers and to drop what is never reached. More makes
 * BPF programs no smaller, takes 20 times as long, and moves the checks that the
 * verifier must see.
 */
static const char passes[] = "function(sroa,early-cse,simplifycfg)";

/* The same for a program that runs out of stack: nothing is kept to be used again. */
static const char passes_thrifty[] = "function(sroa,simplifycfg)";

/* LLVM's instructions; they become up to 1.7 times as many. */
enum { PROGRAM_MAX = 12000 };

/* With so many of them, before the passes, values have to be spilled to the stack. */
enum { SPILLS_MIN = 600 };

static void internal_error(const char *why) __attribute__((noreturn));

static void internal_error(const char *why)
{
	fprintf(stderr,
		"memql: this is a bug in memql: LLVM cannot compile the program: %s\n"
		"  Please report it with the program's text.\n",
		why);
	exit(EX_SOFTWARE);
}

/* What LLVM considers hopeless. */
static void hear_fatal(const char *why)
{
	internal_error(why);
}

static void run_passes(struct module *m, const char *text)
{
	LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
	LLVMErrorRef error = LLVMRunPasses(m->ir, text, m->machine, options);

	LLVMDisposePassBuilderOptions(options);
	if (error)
		internal_error(LLVMGetErrorMessage(error));
}

static void verify(struct module *m)
{
#ifndef NDEBUG
	char *why = NULL;

	if (LLVMVerifyModule(m->ir, LLVMReturnStatusAction, &why)) {
		char *text = LLVMPrintModuleToString(m->ir);

		fputs(text, stderr);
		internal_error(why);
	}
	LLVMDisposeMessage(why);
#else
	(void)m;
#endif
}

static size_t count_instructions(LLVMValueRef function)
{
	size_t n = 0;

	for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(function); b;
	     b = LLVMGetNextBasicBlock(b))
		for (LLVMValueRef i = LLVMGetFirstInstruction(b); i;
		     i = LLVMGetNextInstruction(i))
			n++;
	return n;
}

/* Branches reach 32767 instructions far: for LLVM, more than that is the end. */
static bool all_within_reach(struct module *m)
{
	const struct plan *plan = m->cc->plan;

	for (size_t i = 0; i < plan->programs.n; i++) {
		const struct program_info *p = plan->programs.items[i];
		LLVMValueRef f = LLVMGetNamedFunction(m->ir, p->symbol);

		if (count_instructions(f) <= PROGRAM_MAX)
			continue;
		diag(m->cc, DIAG_program_limit, p->point,
		     "the program of this probe is too large");
		if (p->unrolled > 1)
			diag_hint(m->cc,
				  "unroll less, or write a loop: "
				  "for ($i : 0..%u) { ... }",
				  p->unrolled);
		else
			diag_hint(m->cc, "write several probes on the same point, each "
					 "with a part of it");
		m->too_large = true;
	}
	return !m->too_large;
}

/* An ELF file in the arena; bytes NULL: there is none. */
struct object {
	const void *bytes;
	size_t size;
};

static struct object take_buffer(struct module *m, LLVMMemoryBufferRef from)
{
	struct object o = { .size = LLVMGetBufferSize(from) };
	void *bytes = arena_alloc(m->cc->arena, o.size);

	memcpy(bytes, LLVMGetBufferStart(from), o.size);
	o.bytes = bytes;
	LLVMDisposeMemoryBuffer(from);
	return o;
}

/* None if the stack overflowed or the program is too large. */
static struct object compile_module(struct module *m, const char *which)
{
	LLVMMemoryBufferRef elf;
	struct object o;
	char *why = NULL;

	verify(m);
	if (m->cc->options.as_c)
		m->c = c_text(m);
	run_passes(m, which);
	if (!all_within_reach(m))
		return (struct object){ NULL };
	explained_read_ir(m);
	if (LLVMTargetMachineEmitToMemoryBuffer(m->machine, m->ir, LLVMObjectFile, &why,
						&elf))
		internal_error(why);
	o = take_buffer(m, elf);
	if (m->stack_overflow)
		return (struct object){ NULL };
	if (m->error)
		internal_error(m->error);
	return o;
}

static struct module *build_programs(struct compile *cc, bool thrifty, const bool *bare,
				     size_t thread_size)
{
	struct module *m = module_new(cc, thrifty, bare, thread_size);

	for (size_t i = 0; i < cc->plan->programs.n; i++)
		program_generate(m, i);
	module_finish(m);
	return m;
}

/*
 * Programs that will not stay below STACK_SHARED_MIN with their slots: unshare_stacks()
 * would take them away after LLVM has compiled everything, which takes 50 ms.
 */
static bool expect_spills(const struct module *m, bool *bare)
{
	const struct plan *plan = m->cc->plan;
	bool any = false;

	for (size_t i = 0; i < plan->programs.n; i++) {
		const struct program_info *p = plan->programs.items[i];
		LLVMValueRef f = LLVMGetNamedFunction(m->ir, p->symbol);

		if (!(p->kind->flags & PROBE_PREEMPTIBLE) || bare[i] ||
		    !m->has_slots[i] || count_instructions(f) < SPILLS_MIN)
			continue;
		bare[i] = true;
		any = true;
	}
	return any;
}

/* How much memory programs need, and where, is known when they are built. */
static struct module *build_module(struct compile *cc, bool thrifty, bool *bare)
{
	const struct target *t = cc->target;
	struct module *m = build_programs(cc, thrifty, bare, 0);
	size_t task_size = 0;

	if (m->too_large)
		return m;
	if (m->task_size > SCRATCH_TASK_SMALL && !t->ops->has(t, FEATURE_THREAD_MEMORY))
		task_size = m->task_size;
	if (!expect_spills(m, bare) && !task_size)
		return m;
	module_close(m);
	return build_programs(cc, thrifty, bare, task_size);
}

static void keep_text(struct module *m, struct image *img)
{
	char *text = LLVMPrintModuleToString(m->ir);

	img->ir = arena_strdup(m->cc->arena, text);
	LLVMDisposeMessage(text);
	img->bpf = disassemble(m->cc->arena, m->cc->plan, img->elf);
}

static void make_image(struct module *m, struct object elf)
{
	struct compile *cc = m->cc;
	struct image *img;

	for (size_t i = 0; m->kept_awake && i < cc->plan->programs.n; i++)
		cc->plan->programs.items[i]->sleepable = false;
	img = image_new(cc, elf.bytes, elf.size, m->losses.items, m->losses.n);
	if (m->explaining)
		img->explained = explained_make(m, img->elf);
	if (cc->options.keep_ir)
		keep_text(m, img);
	img->c = m->c;
	cc->image = img;
}

/*
 * Threads would share the stacks of these programs (frame.c): one that sleeps becomes one
 * that does not, one with slots loses them, and all hold their CPU. True if there were any:
 * all is to be made anew.
 */
static bool unshare_stacks(const struct module *m, const void *elf, bool *bare)
{
	const struct plan *plan = m->cc->plan;
	bool any = false;

	for (size_t i = 0; i < plan->programs.n; i++) {
		struct program_info *p = plan->programs.items[i];

		if (!(p->kind->flags & PROBE_PREEMPTIBLE) ||
		    stack_depth(elf, p->symbol) < STACK_SHARED_MIN)
			continue;
		any |= p->sleepable || m->has_slots[i] ||
		       (!bare[i] && can_hold_cpu(m->cc->target));
		p->demoted |= p->sleepable;
		p->sleepable = false;
		bare[i] = true;
	}
	return any;
}

/*
 * Each function has 512 bytes of stack for LLVM; for the verifier all have, that are in
 * each other: loops in loops, and the functions that they call. Programs that would need
 * more are to have no slots. The first of them, or NULL.
 */
static const struct program_info *unload_stacks(const struct plan *plan,
						const void *elf, bool *bare)
{
	const struct program_info *first = NULL;

	for (size_t i = plan->programs.n; i-- > 0;) {
		const struct program_info *p = plan->programs.items[i];

		if (stack_chain(elf, p->symbol).bytes <= STACK_BYTES)
			continue;
		first = p;
		bare[i] = true;
	}
	return first;
}

/* Loops and what they call, as the kernel has them in each other. */
static bool within_frames(struct compile *cc, const void *elf)
{
	for (size_t i = 0; i < cc->plan->programs.n; i++) {
		const struct program_info *p = cc->plan->programs.items[i];
		unsigned n = stack_chain(elf, p->symbol).frames;

		if (n <= FRAMES_MAX)
			continue;
		diag(cc, DIAG_unsupported, p->point,
		     "loops, and functions over text in them, are %u deep in each "
		     "other, of which the kernel allows %d",
		     n - 1, FRAMES_MAX - 1);
		diag_hint(cc, "what searches or compares may come before the loops");
		return false;
	}
	return true;
}

/* Tries to build the programs, each with less on the stack: more than one is rare. */
enum { TRY_FAST, TRY_THRIFTY, TRY_BARE, TRIES };

static struct object build(struct compile *cc, bool *bare, struct module **out)
{
	const struct program_info *over = cc->plan->programs.items[0];
	const struct object none = { NULL };

	for (unsigned tried = 0; tried < TRIES && over; tried++) {
		struct object elf;

		for (size_t i = 0; tried == TRY_BARE && i < cc->plan->programs.n; i++)
			bare[i] = true;
		*out = build_module(cc, tried >= TRY_THRIFTY, bare);
		if ((*out)->too_large)
			return none;
		elf = compile_module(*out, tried == TRY_BARE ? passes_thrifty : passes);
		if ((*out)->too_large)
			return none;
		/* The verifier is to see what happens without something. */
		if (elf.bytes && cc->options.without)
			return elf;
		if (elf.bytes)
			over = unload_stacks(cc->plan, elf.bytes, bare);
		if (elf.bytes && !over)
			return within_frames(cc, elf.bytes) ? elf : none;
		module_close(*out);
	}
	diag(cc, DIAG_unsupported, over->point,
	     "the program of this probe needs more than %d bytes of stack",
	     STACK_BYTES);
	diag_hint(cc, "fewer loops in each other, or several probes on the same point, "
		      "each with a part of it");
	return none;
}

static bool build_image(struct compile *cc)
{
	bool *bare = ARENA_ARRAY(cc->arena, bool, cc->plan->programs.n);
	struct object elf;
	struct module *m;

	llvm_start();
	LLVMResetFatalErrorHandler();
	LLVMInstallFatalErrorHandler(hear_fatal);
	elf = build(cc, bare, &m);
	if (elf.bytes && unshare_stacks(m, elf.bytes, bare)) {
		module_close(m);
		elf = build(cc, bare, &m);
	}
	if (elf.bytes)
		make_image(m, elf);
	module_close(m);
	return elf.bytes != NULL;
}

bool generate(struct compile *cc)
{
	struct image_key key;

	if (!cc->options.cache || cc->options.keep_ir || cc->options.explain)
		return build_image(cc);
	key = image_key(cc);
	if (image_find(cc, &key))
		return true;
	if (!build_image(cc))
		return false;
	image_keep(cc, &key);
	return true;
}

void dump_ir(const struct compile *cc, FILE *out)
{
	fputs(cc->image->ir, out);
}

void dump_bpf(const struct compile *cc, FILE *out)
{
	fputs(cc->image->bpf, out);
}
