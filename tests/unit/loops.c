/*
 * Loops as older kernels want them: 6.1's verifier refuses a way back to the beginning of
 * a loop that is neither a branch nor a jump, but just the next instruction.
 */
#include <stdlib.h>
#include <string.h>

#include "codegen/codegen.h"
#include "core/arena.h"
#include "core/compile.h"
#include "core/source.h"
#include "parser/ast.h"
#include "sema/sema.h"
#include "tests/fake_target.h"
#include "tests/unit/bpf_vm.h"
#include "tests/unit/test.h"

static const char machine[] = "feature sleepable_uprobe\n"
			      "feature task_storage\n"
			      "object /bin/engine\n"
			      "	symbol work 0x1000 0x1000 64\n";

static const char *const programs[] = {
	"BEGIN { @[1] = hist(5); @[2] = hist(6); @x = hist(7); @x = hist(8); }",
	"uprobe:/bin/engine:work { @[str(arg0)] = count(); @t[str(arg0)] = hist(arg1); }",
	"uprobe:/bin/engine:work { @[tid] = str(arg0); if (@[tid] == str(arg1)) {"
	" printf(\"%s\\n\", @[tid]); } @l[arg2] = lhist(arg2, 0, 100, 7); }",
	"uprobe:/bin/engine:work { @x[arg1] = max(arg0); @y[arg1] = min(arg0); }",
	"BEGIN { @n = count(); @m = stats(3); delete(@n); delete(@m); delete(@n); }",
	"uprobe:/bin/engine:work /strcontains(str(arg0), \"needle\")/"
	" { @ = count(); if (strncmp(str(arg0), str(arg1), 9) == 0) { delete(@); } }",
};

enum { NEW, ON_PATH, DONE };

/* Depth first, as the verifier goes; the instruction whose way on is refused, or -1. */
static long find_refused(const struct bpf_insn *code, size_t n, size_t at, char *state)
{
	const struct bpf_insn *i = &code[at];
	unsigned class = BPF_CLASS(i->code), op = BPF_OP(i->code);
	bool jumps = class == BPF_JMP || class == BPF_JMP32;
	bool branch = jumps && op != BPF_CALL && op != BPF_EXIT && op != BPF_JA;
	size_t next = at + (i->code == (BPF_LD | BPF_IMM | BPF_DW) ? 2 : 1);
	long refused = -1;

	state[at] = ON_PATH;
	if (!(jumps && (op == BPF_EXIT || op == BPF_JA)) && next < n) {
		if (state[next] == NEW)
			refused = find_refused(code, n, next, state);
		else if (state[next] == ON_PATH && !branch)
			refused = (long)at;
	}
	if (refused < 0 && (branch || (jumps && op == BPF_JA))) {
		next = at + 1 + (size_t)(long)i->off;
		if (state[next] == NEW)
			refused = find_refused(code, n, next, state);
	}
	state[at] = DONE;
	return refused;
}

/* Every function of every section with code. Functions follow each other there. */
static void check_sections(const struct image *img)
{
	const Elf64_Ehdr *h = img->elf;

	for (unsigned i = 0; i < h->e_shnum; i++) {
		const Elf64_Shdr *s = vm_section(img, i);
		const struct bpf_insn *code = vm_content(img, s);
		size_t n = s->sh_size / sizeof(*code);
		char *state;

		if (!(s->sh_flags & SHF_EXECINSTR) || !n)
			continue;
		state = calloc(1, n);
		for (size_t at = 0; at < n; at++)
			if (state[at] == NEW)
				CHECK_INT_EQ(find_refused(code, n, at, state), -1);
		free(state);
	}
}

static void check_program(const char *text)
{
	struct target *target = fake_target_parse("machine", machine);
	struct compile_options options = { 0 };
	struct compile *cc = compile_new(target, &options);

	cc->source = source_new(cc->arena, "test", text, (uint32_t)strlen(text));
	if (CHECK(parse(cc) && resolve(cc) && infer(cc) && fold(cc) && plan(cc) &&
		  generate(cc)))
		check_sections(cc->image);
	else
		diag_render(cc, stderr, false, false);
	compile_free(cc);
	fake_target_close(target);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		check_program(programs[i]);
	return test_failures();
}
