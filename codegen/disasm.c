/* --dump=bpf: the instructions of an ELF file, under the source lines they come from. */
#include "codegen/internal.h"

#include <linux/bpf.h>
#include <stdlib.h>

#include "codegen/elf_code.h"
#include "core/arena.h"

static void print_line(FILE *out, const struct elf_code *f, const struct elf_line *l)
{
	fprintf(out, "; %u:%u: %s\n", elf_line_number(l), elf_line_column(l),
		elf_code_text(f, l));
}

static void print_function(FILE *out, const struct elf_code *f, const Elf64_Sym *symbol)
{
	size_t n, first = symbol->st_value / sizeof(struct bpf_insn);
	const struct bpf_insn *code = elf_code_insns(f, symbol, &n);
	uint32_t nlines, each = 0;
	const unsigned char *lines = elf_code_lines(f, symbol, &nlines, &each);

	fprintf(out, "%s (%s), %zu instructions\n", elf_code_name(f, symbol),
		elf_code_section(f, symbol), n);
	for (size_t i = 0; i < n;) {
		size_t at = (first + i) * sizeof(*code);

		for (; nlines; nlines--, lines += each) {
			const struct elf_line *l = (const void *)lines;

			if (l->offset > at)
				break;
			if (l->offset == at)
				print_line(out, f, l);
		}
		fprintf(out, "%6zu: ", i);
		i += insn_print(out, &code[i], i, elf_code_target(f, symbol, at));
		fputc('\n', out);
	}
	fputc('\n', out);
}

static void print_named(FILE *out, const struct elf_code *f, const char *name)
{
	for (size_t k = 0; k < f->nsymbols; k++)
		if (elf_code_is_function(f, &f->symbols[k], name))
			print_function(out, f, &f->symbols[k]);
}

const char *disassemble(struct arena *a, const struct plan *plan, const void *elf)
{
	char *text = NULL;
	const char *copy;
	size_t len = 0;
	struct elf_code f;
	FILE *out;

	elf_code_open(&f, elf);
	out = open_memstream(&text, &len);
	if (!out)
		return "";
	for (size_t i = 0; i < plan->programs.n; i++)
		print_named(out, &f, plan->programs.items[i]->symbol);
	print_named(out, &f, NULL);
	fclose(out);
	copy = arena_strndup(a, text, len);
	free(text);
	return copy;
}
