/* The generated code as `memql explain` reads it: see explained.h. */
#include "codegen/explained.h"

#include <assert.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/elf_code.h"
#include "codegen/internal.h"
#include "core/arena.h"

enum { INSN_TEXT_MAX = 160 };

/* The IR is read before the back end changes it; functions are known by name only. */
struct ir_text {
	const char *function, *text;
	uint32_t construct;
};

static const char *insn_text(struct arena *a, const struct bpf_insn *in, size_t index,
			     const char *target, size_t *units)
{
	char text[INSN_TEXT_MAX] = "";
	FILE *out = fmemopen(text, sizeof(text) - 1, "w");

	if (!out)
		abort();
	*units = insn_print(out, in, index, target);
	fclose(out);
	return arena_strdup(a, text);
}

static bool is_helper_call(const struct bpf_insn *in)
{
	return in->code == (BPF_JMP | BPF_CALL) && in->src_reg == 0;
}

static void read_jump(const struct bpf_insn *in, size_t index, struct code_insn *out)
{
	unsigned class = BPF_CLASS(in->code), op = BPF_OP(in->code);
	bool far = class == BPF_JMP32 && op == BPF_JA; /* since cpu v4 */
	int32_t by = far ? in->imm : in->off;

	out->jump = JUMP_NONE;
	if (class != BPF_JMP && class != BPF_JMP32)
		return;
	out->calls = op == BPF_CALL && in->src_reg == BPF_PSEUDO_CALL;
	out->leaves = op == BPF_JA || op == BPF_EXIT;
	if (op != BPF_CALL && op != BPF_EXIT)
		out->jump = (uint32_t)((int64_t)index + 1 + by);
}

/* What code is for that no words have, such as that which keeps the context at hand. */
static uint32_t point_of(struct module *m, size_t program)
{
	const struct plan *plan = m->cc->plan;

	return program < plan->programs.n
		       ? construct_number(m, plan->programs.items[program]->point)
		       : CONSTRUCT_NONE;
}

/* The instructions of one function, with what each comes from. */
static void read_insns(struct module *m, const struct elf_code *f,
		       const Elf64_Sym *symbol, struct code_function *out)
{
	struct arena *a = m->cc->arena;
	size_t units, first = symbol->st_value / sizeof(struct bpf_insn), n = 0;
	const struct bpf_insn *code = elf_code_insns(f, symbol, &units);
	struct code_insn *insns = ARENA_ARRAY(a, struct code_insn, units);
	uint32_t nlines, each = 0, construct = point_of(m, out->program);
	const unsigned char *lines = elf_code_lines(f, symbol, &nlines, &each);

	for (size_t i = 0, took; i < units; i += took, n++) {
		size_t at = (first + i) * sizeof(*code);

		for (; nlines; nlines--, lines += each) {
			const struct elf_line *l = (const void *)lines;

			if (l->offset > at)
				break;
			if (l->offset == at && elf_line_column(l))
				construct = construct_find(m, elf_line_number(l),
							   elf_line_column(l));
		}
		insns[n].index = (uint32_t)i;
		insns[n].construct = construct;
		insns[n].refers = elf_code_target(f, symbol, at);
		insns[n].helper = is_helper_call(&code[i]) ? code[i].imm : 0;
		read_jump(&code[i], i, &insns[n]);
		insns[n].text = insn_text(a, &code[i], i, insns[n].refers, &took);
	}
	out->insns = insns;
	out->n = n;
	out->units = (uint32_t)units;
}

static size_t program_of(const struct module *m, const char *name)
{
	const struct plan *plan = m->cc->plan;
	const struct explaining *x = m->explaining;

	for (size_t i = 0; i < plan->programs.n; i++)
		if (strcmp(plan->programs.items[i]->symbol, name) == 0)
			return i;
	for (size_t i = 0; i < x->turns.n; i++)
		if (strcmp(x->turns.items[i].name, name) == 0)
			return x->turns.items[i].program;
	return SIZE_MAX;
}

struct function_list {
	struct code_function *items;
	size_t n, cap;
};

static void add_functions(struct module *m, const struct elf_code *f, const void *elf,
			  const char *name, struct function_list *out)
{
	for (size_t k = 0; k < f->nsymbols; k++) {
		const Elf64_Sym *s = &f->symbols[k];
		struct code_function function = { 0 };

		if (!elf_code_is_function(f, s, name))
			continue;
		function.name = arena_strdup(m->cc->arena, elf_code_name(f, s));
		function.section = arena_strdup(m->cc->arena, elf_code_section(f, s));
		function.program = program_of(m, function.name);
		function.stack = (uint32_t)stack_depth(elf, function.name);
		read_insns(m, f, s, &function);
		ARENA_PUSH(m->cc->arena, out, function);
	}
}

static size_t find_function(const struct function_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->items[i].name, name) == 0)
			return i;
	return SIZE_MAX;
}

/* Whom it calls, or hands over to a helper to be called. */
static void find_calls(struct arena *a, struct function_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct code_function *f = &l->items[i];
		uint32_t *calls = ARENA_ARRAY(a, uint32_t, l->n);

		f->calls = calls;
		for (size_t k = 0; k < f->n; k++) {
			const char *name = f->insns[k].refers;
			size_t to = name ? find_function(l, name) : SIZE_MAX;
			bool known = to == SIZE_MAX;

			for (size_t c = 0; c < f->ncalls; c++)
				known |= calls[c] == to;
			if (!known)
				calls[f->ncalls++] = (uint32_t)to;
		}
	}
}

/* "inttoptr (i64 14 to ptr)" is how LLVM calls a helper: its name says more. */
static void name_helpers(FILE *out, const char *text)
{
	static const char head[] = "inttoptr (i64 ";
	const char *call, *name, *paren;

	while ((call = strstr(text, head))) {
		int number = atoi(call + sizeof(head) - 1);
		const struct helper_row *row = helper_find(number);

		name = row ? strstr(row->prototype, "bpf_") : NULL;
		paren = strchr(call + sizeof(head) - 1, ')');
		fprintf(out, "%.*s", (int)(call - text), text);
		text = call;
		if (!name || !paren)
			break;
		fprintf(out, "@%.*s", (int)strcspn(name, "("), name);
		text = paren + 1;
	}
	fputs(text, out);
}

/* Without the number of its debug location, which LLVM writes last. */
static const char *ir_line_text(struct arena *a, char *raw)
{
	char *end = strstr(raw, ", !dbg "), *text = NULL;
	const char *copy;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		abort();
	if (end)
		*end = '\0';
	name_helpers(out, raw);
	fclose(out);
	copy = arena_strndup(a, text, len);
	free(text);
	return copy;
}

/*
 * LLVM numbers all values of a function before it prints one instruction of it, so each
 * alone would take time that grows with the square of their number. The module's text is
 * made once instead, and walked beside its functions, which it has in the same order.
 * An instruction is indented by two blanks there, and what belongs to it (the cases of a
 * switch) by more; its last line may be a bracket. Labels, "define" and "}" are not
 * indented, and the records for debuggers of LLVM 19 ("#dbg_value") have four blanks.
 */
struct ir_printed {
	char *rest; /* NUL-terminated: cut where a text was taken */
};

static bool begins_instruction(const char *line)
{
	return line[0] == ' ' && line[1] == ' ' && !strchr(" ]#;", line[2]);
}

static bool goes_on(const char *line)
{
	return (strncmp(line, "    ", 4) == 0 && line[4] != '#') ||
	       strncmp(line, "  ]", 3) == 0;
}

static char *next_line(char *line)
{
	char *end = strchr(line, '\n');

	return end ? end + 1 : line + strlen(line);
}

static void find_definition(struct ir_printed *p)
{
	while (*p->rest && strncmp(p->rest, "define ", strlen("define ")) != 0)
		p->rest = next_line(p->rest);
	p->rest = next_line(p->rest);
}

/* The next instruction, from its first word to the end of its last line. */
static char *next_instruction(struct ir_printed *p)
{
	char *start = p->rest, *end;

	while (*start && *start != '}' && !begins_instruction(start))
		start = next_line(start);
	assert(begins_instruction(start));
	end = next_line(start);
	while (goes_on(end))
		end = next_line(end);
	p->rest = end;
	if (end[-1] == '\n')
		end[-1] = '\0';
	return start + strspn(start, " ");
}

static void read_ir_of(struct module *m, LLVMValueRef function, struct ir_printed *p)
{
	struct explaining *x = m->explaining;
	size_t len;
	const char *name =
		arena_strdup(m->cc->arena, LLVMGetValueName2(function, &len));

	for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(function); b;
	     b = LLVMGetNextBasicBlock(b))
		for (LLVMValueRef i = LLVMGetFirstInstruction(b); i;
		     i = LLVMGetNextInstruction(i)) {
			struct ir_text line = { .function = name };

			line.construct = construct_find(m, LLVMGetDebugLocLine(i),
							LLVMGetDebugLocColumn(i));
			line.text = ir_line_text(m->cc->arena, next_instruction(p));
			ARENA_PUSH(m->cc->arena, &x->ir, line);
		}
	assert(*p->rest == '}'); /* none was taken for two, or two for one */
}

void explained_read_ir(struct module *m)
{
	char *text;
	struct ir_printed printed;

	if (!m->explaining)
		return;
	text = LLVMPrintModuleToString(m->ir);
	printed.rest = text;
	for (LLVMValueRef f = LLVMGetFirstFunction(m->ir); f;
	     f = LLVMGetNextFunction(f)) {
		if (LLVMIsDeclaration(f))
			continue;
		find_definition(&printed);
		read_ir_of(m, f, &printed);
	}
	LLVMDisposeMessage(text);
}

const struct explained *explained_make(struct module *m, const void *elf)
{
	struct arena *a = m->cc->arena;
	const struct plan *plan = m->cc->plan;
	struct explaining *x = m->explaining;
	struct explained *out = ARENA_NEW(a, struct explained);
	struct function_list functions = { 0 };
	struct ir_line *ir = ARENA_ARRAY(a, struct ir_line, x->ir.n);
	struct elf_code f;

	elf_code_open(&f, elf);
	for (size_t i = 0; i < plan->programs.n; i++)
		add_functions(m, &f, elf, plan->programs.items[i]->symbol, &functions);
	add_functions(m, &f, elf, NULL, &functions);
	find_calls(a, &functions);
	for (size_t i = 0; i < x->ir.n; i++) {
		ir[i].function = find_function(&functions, x->ir.items[i].function);
		ir[i].construct = x->ir.items[i].construct;
		ir[i].text = x->ir.items[i].text;
	}
	*out = (struct explained){
		.constructs = x->constructs.items,
		.nconstructs = x->constructs.n,
		.functions = functions.items,
		.nfunctions = functions.n,
		.ir = ir,
		.nir = x->ir.n,
		.reasons = x->reasons.items,
		.nreasons = x->reasons.n,
		.broken = x->broken,
	};
	return out;
}
