/* The compiler, as a list: --dump=STAGE and the golden tests walk it too. */
#include "cli/pipeline.h"

#include <string.h>

#include "codegen/codegen.h"
#include "lexer/lexer.h"
#include "parser/ast.h"
#include "sema/sema.h"

static void dump_tokens(const struct compile *cc, FILE *out)
{
	lexer_dump((struct compile *)cc, out);
}

static void dump_ast(const struct compile *cc, FILE *out)
{
	ast_dump(cc->ast, out);
}

static const struct stage {
	const char *name, *summary;
	bool (*run)(struct compile *cc); /* NULL: the stage before made it */
	void (*dump)(const struct compile *cc, FILE *out);
} stages[] = {
	{ "tokens", "words of the text", NULL, dump_tokens },
	{ "ast", "text to syntax tree", parse, dump_ast },
	{ "expand", "calls of macros to their bodies", expand, dump_ast },
	{ "resolve", "names to builtins, maps and probes", resolve, NULL },
	{ "infer", "types of every expression and map", infer, NULL },
	{ "fold", "constant expressions to literals", fold, NULL },
	{ "plan", "layout of keys, cells and records", plan, plan_dump },
	{ "ir", "BPF object, as LLVM IR", generate, dump_ir },
	{ "bpf", "BPF object, as instructions", NULL, dump_bpf },
};

bool compile_until(struct compile *cc, const char *last, FILE *dump)
{
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		const struct stage *s = &stages[i];

		if (s->run && (!s->run(cc) || !diag_ok(cc)))
			return false;
		if (last && strcmp(s->name, last) == 0) {
			if (dump)
				s->dump(cc, dump);
			return diag_ok(cc);
		}
	}
	return true;
}
