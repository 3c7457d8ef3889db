/* Definitions that the stages behind do not know yet. */
#include "parser/ast.h"
#include "sema/sema.h"

bool expand(struct compile *cc)
{
	const struct ast *ast = cc->ast;

	for (const struct macro *m = ast->macros; m; m = m->next)
		diag(cc, DIAG_unsupported, m->name_span, "macros are not in memql yet");
	return diag_ok(cc);
}
