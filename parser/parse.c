/* Files to trees: what is around the grammar. */
#include "core/arena.h"
#include "core/compile.h"
#include "core/diag.h"
#include "parser/build.h"

#include "parser/parser.tab.h"

void parse_file(struct parser *p, const struct source_file *file)
{
	const struct parser outer = *p;

	p->engine = NULL;
	p->file = file->name;
	p->lexer = lexer_new(p->cc, file->text);
	p->errors = (struct syntax_state){ 0 };
	p->last_point = NULL;
	p->has_clauses = false;
	/* Bison's result is not asked: it recovers from errors, and the lexer has its own. */
	parser_yyparse(p);
	p->ast->has_includes |= lexer_has_includes(p->lexer);
	p->file = outer.file;
	p->engine = outer.engine;
	p->lexer = outer.lexer;
	p->errors = outer.errors;
	p->last_point = outer.last_point;
	p->has_clauses = outer.has_clauses;
}

bool parse(struct compile *cc)
{
	struct parser p;

	cc->ast = ARENA_NEW(cc->arena, struct ast);
	p = parser_for(cc);
	parse_file(&p, &cc->source->files[0]);
	return diag_ok(cc);
}
