/* What the compiler left and what the kernel said, put together by the program's words. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "builtins/builtin.h"
#include "codegen/image.h"
#include "core/arena.h"
#include "core/compile.h"
#include "explain/explain.h"
#include "parser/ast.h"
#include "probes/probe.h"
#include "runtime/inspect.h"
#include "sema/plan.h"

enum { SOURCE_TEXT_MAX = 240 };

struct building {
	struct explanation *x;
	struct arena *a;
	size_t program;
	struct {
		struct explain_part *items;
		size_t n, cap;
	} parts;
	unsigned depth;
	struct code_layout layout;
	struct verifier_log log;
};

static uint32_t find_construct(const struct explained *code, struct span span)
{
	for (size_t i = 0; i < code->nconstructs; i++)
		if (code->constructs[i].span.begin == span.begin &&
		    code->constructs[i].span.end == span.end)
			return (uint32_t)i;
	return CONSTRUCT_NONE;
}

static bool is_of(const struct building *b, size_t program)
{
	return program == b->program;
}

static void add_ir(struct building *b, struct explain_part *p, uint32_t construct)
{
	const struct explained *code = b->x->code;
	size_t n = 0;

	p->ir = ARENA_ARRAY(b->a, const struct ir_line *, code->nir);
	for (size_t i = 0; i < code->nir; i++) {
		const struct ir_line *line = &code->ir[i];

		if (line->construct == construct && line->function < code->nfunctions &&
		    is_of(b, code->functions[line->function].program))
			p->ir[n++] = line;
	}
	p->nir = n;
}

static const char *state_of(const struct building *b, size_t function, uint32_t index)
{
	uint32_t at = b->layout.at[function];

	if (at == UINT32_MAX || at + index >= b->log.n)
		return NULL;
	return b->log.states[at + index];
}

static void add_insns(struct building *b, struct explain_part *p, uint32_t construct)
{
	const struct explained *code = b->x->code;
	struct {
		struct explain_insn *items;
		size_t n, cap;
	} insns = { 0 };

	for (size_t i = 0; i < code->nfunctions; i++) {
		const struct code_function *f = &code->functions[i];

		for (size_t k = 0; is_of(b, f->program) && k < f->n; k++) {
			struct explain_insn insn = { f, &f->insns[k], NULL };

			if (f->insns[k].construct != construct)
				continue;
			insn.state = state_of(b, i, f->insns[k].index);
			ARENA_PUSH(b->a, &insns, insn);
		}
	}
	p->insns = insns.items;
	p->ninsns = insns.n;
}

static void add_whys(struct building *b, struct explain_part *p, uint32_t construct)
{
	const struct explained *code = b->x->code;
	struct {
		enum why *items;
		size_t n, cap;
	} whys = { 0 };

	for (size_t i = 0; i < code->nreasons; i++)
		if (code->reasons[i].construct == construct &&
		    is_of(b, code->reasons[i].program))
			ARENA_PUSH(b->a, &whys, code->reasons[i].why);
	p->whys = whys.items;
	p->nwhys = whys.n;
}

/* The same words are one part, however many nodes stand for them. */
static bool is_known(const struct building *b, struct span span)
{
	for (size_t i = 0; i < b->parts.n; i++)
		if (b->parts.items[i].span.begin == span.begin &&
		    b->parts.items[i].span.end == span.end)
			return true;
	return false;
}

static struct explain_part new_part(struct building *b, struct span span)
{
	const struct source *s = b->x->cc->source;
	const struct place begin = source_place(s, span.begin);
	const struct place end =
		source_place(s, span.end > span.begin ? span.end - 1 : span.end);
	struct explain_part p = {
		.span = source_written(s, span),
		.file = begin.name,
		.line = begin.line,
		.column = begin.column,
		.last_line = end.line,
		.depth = b->depth,
	};
	uint32_t construct = find_construct(b->x->code, p.span);

	p.source = source_words(b->a, source_text(s, span), p.span.end - p.span.begin,
				SOURCE_TEXT_MAX);
	if (construct != CONSTRUCT_NONE) {
		add_ir(b, &p, construct);
		add_insns(b, &p, construct);
		add_whys(b, &p, construct);
		explain_price_part(b->x, b->program, &p);
	}
	return p;
}

static bool is_statement(const struct node *n)
{
	switch (n->kind) {
	case NODE_ASSIGN:
	case NODE_STEP:
	case NODE_LET:
	case NODE_IF:
	case NODE_EXPR:
	case NODE_FOR_RANGE:
	case NODE_FOR_MAP:
	case NODE_WHILE:
	case NODE_UNROLL:
	case NODE_BREAK:
	case NODE_CONTINUE:
	case NODE_RETURN:
		return true;
	case NODE_INT:
	case NODE_STR:
	case NODE_PARAM:
	case NODE_CALL:
	case NODE_MAP:
	case NODE_VAR:
	case NODE_FIELD:
	case NODE_INDEX:
	case NODE_TUPLE:
	case NODE_TYPE:
	case NODE_CAST:
	case NODE_DEREF:
	case NODE_ADDRESS:
	case NODE_UNARY:
	case NODE_BINARY:
	case NODE_COND:
	case NODE_BLOCK:
		break;
	}
	return false;
}

static void walk(struct node *n, void *arg)
{
	struct building *b = arg;
	struct explain_part p = { 0 };
	bool shown = false;

	if (!is_known(b, source_written(b->x->cc->source, n->span))) {
		p = new_part(b, n->span);
		shown = p.ninsns || p.nir || p.nwhys || is_statement(n);
	}
	if (shown) {
		p.meaning =
			meaning_of(b->x->cc, b->x->programs[b->program].info->kind, n);
		ARENA_PUSH(b->a, &b->parts, p);
		b->depth++;
	}
	node_each_child(n, walk, b);
	if (shown)
		b->depth--;
}

/*
 * The deepest chain of calls, by what each function takes: as the instructions say, or as the
 * kernel says, in the order in which it has them. That is more where it makes bpf_loop() a
 * part of the program, which takes three words (Linux 5.19).
 */
static uint32_t stack_of(const struct building *b, size_t function, bool of_kernel,
			 unsigned depth)
{
	const struct code_function *f = &b->x->code->functions[function];
	uint32_t most = 0, own = f->stack;

	for (size_t i = 0; depth < 16 && i < f->ncalls; i++) {
		uint32_t below = stack_of(b, f->calls[i], of_kernel, depth + 1);

		most = below > most ? below : most;
	}
	for (size_t i = 0; of_kernel && i < b->layout.n; i++)
		if (b->layout.order[i] == function)
			own = i < b->log.nstacks ? b->log.stacks[i] : 0;
	return own + most;
}

static const char *context_of(const char *type)
{
	static const char *const contexts[][2] = {
		{ "kprobe", "struct pt_regs: the registers as they were at the place" },
		{ "tracepoint",
		  "the record of the event, as its format file in tracefs "
		  "lays it out" },
		{ "raw_tracepoint", "the arguments of the tracepoint, a word each" },
		{ "perf_event",
		  "struct bpf_perf_event_data: registers, period, address" },
		{ "tracing",
		  "the arguments, a word each, with types from the kernel's BTF" },
	};

	for (size_t i = 0; type && i < sizeof(contexts) / sizeof(contexts[0]); i++)
		if (strcmp(contexts[i][0], type) == 0)
			return contexts[i][1];
	return "";
}

/* The part that an instruction belongs to, which the verifier complained of. */
static const struct explain_part *part_at(const struct building *b, size_t at)
{
	for (size_t i = 0; i < b->parts.n; i++) {
		const struct explain_part *p = &b->parts.items[i];

		for (size_t k = 0; k < p->ninsns; k++) {
			size_t f =
				(size_t)(p->insns[k].function - b->x->code->functions);
			uint32_t from = b->layout.at[f];

			if (from != UINT32_MAX && from + p->insns[k].insn->index == at)
				return p;
		}
	}
	return NULL;
}

static void add_kernel(struct building *b, struct explain_program *p,
		       const struct inspected_program *k)
{
	p->loaded = k->loaded;
	p->kernel_insns = k->insns;
	p->jit_bytes = k->jit_bytes;
	p->verified = k->verified;
	p->kernel_stack = stack_of(b, b->program, true, 0);
	p->runs = k->runs;
	p->run_ns = k->run_ns;
	p->complaint = b->log.complaint;
	p->means = b->log.means;
	if (p->complaint)
		p->blamed = part_at(b, b->log.at);
}

/* Of several places, that of the dearest. */
static double place_ns(const struct program_info *info)
{
	for (size_t i = 0; i < info->nsites; i++)
		if (info->sites[i].dear)
			return PROBE_DEAR_NS;
	return info->kind->event_ns;
}

static void build_program(struct explanation *x, size_t i,
			  const struct inspection *kernel)
{
	const struct plan *plan = x->cc->plan;
	struct explain_program *p = &x->programs[i];
	struct building b = { .x = x, .a = x->cc->arena, .program = i };
	struct explain_part whole;
	const char *c;

	p->info = plan->programs.items[i];
	c = p->info->kind->c_section;
	p->image = &x->cc->image->programs[i];
	p->line = p->image->line;
	p->file = p->image->file;
	p->type = inspect_program_type(p->info->kind->section);
	p->section = arena_printf(b.a, "%s%s", c ? c : p->info->kind->section,
				  p->image->sleepable ? ".s" : "");
	p->context = p->info->kind->flags & PROBE_ONCE ? "nothing that is of use"
						       : context_of(p->type);
	p->when = p->info->kind->summary;
	code_layout(b.a, x->code, i, &b.layout);
	p->insns = b.layout.units;
	p->stack = stack_of(&b, i, false, 0);
	if (kernel)
		verifier_log_read(b.a, kernel->programs[i].log,
				  kernel->programs[i].refused, &b.log);
	whole = new_part(&b, p->info->point);
	whole.meaning = "what runs before and after the body, whatever it says";
	ARENA_PUSH(b.a, &b.parts, whole);
	if (p->info->predicate)
		walk(p->info->predicate, &b);
	for (size_t k = 0; k < b.parts.n; k++)
		b.parts.items[k].always = true;
	walk(p->info->body, &b);
	p->price = explain_price_program(x, i);
	p->place_ns = place_ns(p->info);
	p->parts = b.parts.items;
	p->nparts = b.parts.n;
	if (kernel)
		add_kernel(&b, p, &kernel->programs[i]);
}

struct explanation *explain_build(struct compile *cc, const struct inspection *kernel)
{
	struct explanation *x = ARENA_NEW(cc->arena, struct explanation);

	assert(cc->image && cc->image->explained);
	x->cc = cc;
	x->code = cc->image->explained;
	x->inspected = kernel != NULL;
	x->without = cc->options.without;
	x->nprograms = cc->plan->programs.n;
	x->programs = ARENA_ARRAY(cc->arena, struct explain_program, x->nprograms);
	for (size_t i = 0; i < x->nprograms; i++)
		build_program(x, i, kernel);
	explain_maps(x, kernel);
	return x;
}

const char *explain_helper_number(struct arena *a, const struct helper_row *row)
{
	return kernel_function(row->number) ? "no helper, but a function of the kernel"
					    : arena_printf(a, "#%d", row->number);
}

const struct helper_row **explain_helpers(struct arena *a, const struct explain_part *p,
					  size_t *n)
{
	const struct helper_row **out =
		ARENA_ARRAY(a, const struct helper_row *, p->ninsns);

	*n = 0;
	for (size_t i = 0; i < p->ninsns; i++) {
		const struct helper_row *row = NULL;

		if (p->insns[i].insn->helper)
			row = helper_find(p->insns[i].insn->helper);
		for (size_t k = 0; row && k < *n; k++)
			if (out[k] == row)
				row = NULL;
		if (row)
			out[(*n)++] = row;
	}
	return out;
}

const char **explain_refers(struct arena *a, const struct explain_part *p, size_t *n)
{
	const char **out = ARENA_ARRAY(a, const char *, p->ninsns);

	*n = 0;
	for (size_t i = 0; i < p->ninsns; i++) {
		const char *name = p->insns[i].insn->refers;

		for (size_t k = 0; name && k < *n; k++)
			if (strcmp(out[k], name) == 0)
				name = NULL;
		if (name)
			out[(*n)++] = name;
	}
	return out;
}

bool explain_is_own_file(const struct explanation *x, const char *file)
{
	return strcmp(file, x->cc->source->name) == 0;
}

const char *explain_place(const struct explanation *x, const char *file, uint32_t line)
{
	return explain_is_own_file(x, file)
		       ? arena_printf(x->cc->arena, "%u", line)
		       : arena_printf(x->cc->arena, "%s:%u", file, line);
}

const char *explain_short(const char *place)
{
	const char *slash = strrchr(place, '/');

	return slash ? slash + 1 : place;
}

const char *explain_blamed_text(const struct explanation *x,
				const struct explain_program *p)
{
	const struct explain_part *b = p->blamed;

	return arena_printf(x->cc->arena, "line %s: %s",
			    explain_short(explain_place(x, b->file, b->line)),
			    b->source);
}

/* "memsqld.mq" is the name of ".../engines/memsqld.mq", too. */
static bool is_named(const char *file, const char *name)
{
	size_t len = strlen(file), n = strlen(name);
	const char *tail = n <= len ? file + len - n : "";

	return n && strcmp(tail, name) == 0 && (tail == file || tail[-1] == '/');
}

bool explain_shows(const struct explanation *x, const struct explain_part *p,
		   const struct explain_options *o)
{
	bool file =
		o->file ? is_named(p->file, o->file) : explain_is_own_file(x, p->file);

	return !o->line || (file && p->line <= o->line && o->line <= p->last_line);
}

bool explain_shows_program(const struct explanation *x, const struct explain_program *p,
			   const struct explain_options *o)
{
	return !o->program || (size_t)(p - x->programs) + 1 == o->program;
}
