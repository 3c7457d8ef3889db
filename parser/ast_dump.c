/*
 * The tree as S-expressions: a statement begins a line, an expression stays on it, with
 * the statements inside.
 *
 *	(clause
 *		(point uprobe:/bin/x:f)
 *		(predicate (== pid $1))
 *		(block
 *			(= (@start tid) nsecs)))
 */
#include <inttypes.h>

#include "parser/ast.h"

struct dumper {
	FILE *out;
	node_type_text *text; /* NULL: without types */
	void *arg;
};

static void dump(const struct dumper *d, const struct node *n, int depth);

enum { INLINE = -1 }; /* depth: all on one line */

/* Dump on a line of its own, below what is being dumped at depth. */
static void dump_below(const struct dumper *d, const struct node *n, int depth)
{
	if (depth == INLINE) {
		fputc(' ', d->out);
		dump(d, n, INLINE);
		return;
	}
	fputc('\n', d->out);
	for (int i = 0; i <= depth; i++)
		fputc('\t', d->out);
	dump(d, n, depth + 1);
}

static void dump_list(const struct dumper *d, const struct node *list)
{
	for (; list; list = list->next) {
		fputc(' ', d->out);
		dump(d, list, INLINE);
	}
}

static void dump_string(FILE *out, const char *s, uint32_t len)
{
	fputc('"', out);
	for (uint32_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)s[i];

		if (c == '\n')
			fputs("\\n", out);
		else if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < ' ' || c == 0x7f)
			fprintf(out, "\\x%02x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void dump_int(FILE *out, const struct node *n)
{
	static const char *const units[] = {
		[UNIT_NONE] = "", [UNIT_NS] = "ns", [UNIT_US] = "us",
		[UNIT_MS] = "ms", [UNIT_S] = "s",
	};

	if (n->integer.is_bool)
		fputs(n->integer.value ? "true" : "false", out);
	else if (n->integer.negative)
		fprintf(out, "%" PRId64, (int64_t)n->integer.value);
	else
		fprintf(out, "%" PRIu64, n->integer.value);
	fputs(units[n->integer.unit], out);
}

static const char *const type_tags[] = {
	[TAG_NONE] = "",
	[TAG_STRUCT] = "struct ",
	[TAG_UNION] = "union ",
	[TAG_ENUM] = "enum ",
};

/* "(record a=1 b=2)"; names NULL: without. */
static void dump_items(const struct dumper *d, const char *head,
		       const struct node *items, const char *const *names)
{
	fputs(head, d->out);
	for (const struct node *item = items; item; item = item->next) {
		fputc(' ', d->out);
		if (names)
			fprintf(d->out, "%s=", *names++);
		dump(d, item, INLINE);
	}
	fputc(')', d->out);
}

static void dump_type_name(const struct dumper *d, const struct type_name *t)
{
	fputs(type_tags[t->tag], d->out);
	if (t->of) {
		fputs("(typeof ", d->out);
		dump(d, t->of, INLINE);
		fputc(')', d->out);
	} else if (t->items) {
		dump_items(d, t->names ? "(record" : "(tuple", t->items, t->names);
	} else {
		fputs(t->name ? t->name : "", d->out);
	}
	for (unsigned i = 0; i < t->stars; i++)
		fputc('*', d->out);
	for (unsigned i = 0; i < t->ndims; i++) {
		if (t->dims[i])
			fprintf(d->out, "[%" PRIu64 "]", t->dims[i]);
		else
			fputs("[]", d->out);
	}
}

/* "(head", one blank and the operand, for each operand that is there, ")". */
static void dump_form(const struct dumper *d, const char *head, const char *tail,
		      const struct node *first, const struct node *second)
{
	fprintf(d->out, "(%s%s ", head, tail);
	dump(d, first, INLINE);
	if (second) {
		fputc(' ', d->out);
		dump(d, second, INLINE);
	}
	fputc(')', d->out);
}

static void dump_named(const struct dumper *d, const char *name,
		       const struct node *list, bool has_list)
{
	fprintf(d->out, "%s%s", has_list ? "(" : "", name);
	dump_list(d, list);
	fputs(has_list ? ")" : "", d->out);
}

static void dump_let(const struct dumper *d, const struct node *n)
{
	fputs("(let ", d->out);
	dump(d, n->let.var, INLINE);
	if (type_name_given(&n->let.as)) {
		fputc(' ', d->out);
		dump_type_name(d, &n->let.as);
	}
	dump_list(d, n->let.value);
	fputc(')', d->out);
}

static void dump_if(const struct dumper *d, const struct node *n, int depth)
{
	fputs("(if ", d->out);
	dump(d, n->branch.cond, INLINE);
	dump_below(d, n->branch.then, depth);
	if (n->branch.otherwise)
		dump_below(d, n->branch.otherwise, depth);
	fputc(')', d->out);
}

static void dump_block(const struct dumper *d, const struct node *n, int depth)
{
	fputs("(block", d->out);
	for (const struct node *s = n->block.stmts; s; s = s->next)
		dump_below(d, s, depth);
	if (n->block.value)
		dump_below(d, n->block.value, depth);
	fputc(')', d->out);
}

/* "(for-range $i 0 10" and the body below. */
static void dump_loop(const struct dumper *d, const char *word, const struct node *n,
		      int depth)
{
	fprintf(d->out, "(%s", word);
	dump_list(d, n->loop.var);
	dump_list(d, n->loop.from);
	dump_list(d, n->loop.to);
	dump_list(d, n->loop.cond);
	dump_below(d, n->loop.body, depth);
	fputc(')', d->out);
}

static void dump_step(const struct dumper *d, const struct node *n)
{
	dump_form(d, n->step.prefix ? "pre" : "post", n->step.decrement ? "--" : "++",
		  n->step.place, NULL);
}

static void dump_node(const struct dumper *d, const struct node *n, int depth)
{
	switch (n->kind) {
	case NODE_INT:
		dump_int(d->out, n);
		break;
	case NODE_STR:
		dump_string(d->out, n->string.bytes, n->string.len);
		break;
	case NODE_PARAM:
		if (n->param.index)
			fprintf(d->out, "$%" PRIu32, n->param.index);
		else
			fputs("$#", d->out);
		break;
	case NODE_CALL:
		dump_named(d, n->call.name, n->call.args, n->call.has_parens);
		break;
	case NODE_MAP:
		dump_named(d, n->map.name, n->map.keys, n->map.has_keys);
		break;
	case NODE_VAR:
		fputs(n->var.name, d->out);
		break;
	case NODE_FIELD:
		dump_form(d, ".", n->field.name, n->field.base, NULL);
		break;
	case NODE_INDEX:
		dump_form(d, "index", "", n->index.base, n->index.at);
		break;
	case NODE_TUPLE:
		dump_items(d, n->tuple.names ? "(record" : "(tuple", n->tuple.items,
			   n->tuple.names);
		break;
	case NODE_TYPE:
		fputs("(type ", d->out);
		dump_type_name(d, &n->written);
		fputc(')', d->out);
		break;
	case NODE_ADDRESS:
		dump_form(d, "address", "", n->unary.operand, NULL);
		break;
	case NODE_CAST:
		fputs("(cast ", d->out);
		dump_type_name(d, &n->cast.to);
		dump_list(d, n->cast.operand);
		fputc(')', d->out);
		break;
	case NODE_DEREF:
		dump_form(d, "deref", "", n->unary.operand, NULL);
		break;
	case NODE_UNARY:
		dump_form(d, op_rows[n->unary.op].text, "", n->unary.operand, NULL);
		break;
	case NODE_BINARY:
		dump_form(d, op_rows[n->binary.op].text, "", n->binary.left,
			  n->binary.right);
		break;
	case NODE_COND:
		fputs("(?", d->out);
		dump_list(d, n->branch.cond);
		dump_list(d, n->branch.then);
		dump_list(d, n->branch.otherwise);
		fputc(')', d->out);
		break;
	case NODE_ASSIGN:
		dump_form(d, n->assign.compound ? op_rows[n->assign.op].text : "", "=",
			  n->assign.place, n->assign.value);
		break;
	case NODE_STEP:
		dump_step(d, n);
		break;
	case NODE_LET:
		dump_let(d, n);
		break;
	case NODE_IF:
		dump_if(d, n, depth);
		break;
	case NODE_BLOCK:
		dump_block(d, n, depth);
		break;
	case NODE_EXPR:
		dump_form(d, n->expr.discard ? "discard" : "expr", "", n->expr.value,
			  NULL);
		break;
	case NODE_FOR_RANGE:
		dump_loop(d, "for-range", n, depth);
		break;
	case NODE_FOR_MAP:
		dump_loop(d, "for-map", n, depth);
		break;
	case NODE_WHILE:
		dump_loop(d, "while", n, depth);
		break;
	case NODE_UNROLL:
		dump_loop(d, "unroll", n, depth);
		break;
	case NODE_BREAK:
		fputs("(break)", d->out);
		break;
	case NODE_CONTINUE:
		fputs("(continue)", d->out);
		break;
	case NODE_RETURN:
		fputs("(return", d->out);
		dump_list(d, n->expr.value);
		fputc(')', d->out);
		break;
	}
}

static void dump(const struct dumper *d, const struct node *n, int depth)
{
	dump_node(d, n, depth);
	if (d->text && n->type)
		fprintf(d->out, ":%s", d->text(d->arg, n->type));
}

void node_dump(const struct node *n, int depth, FILE *out, node_type_text *text,
	       void *arg)
{
	const struct dumper d = { out, text, arg };

	for (int i = 0; i < depth; i++)
		fputc('\t', out);
	dump(&d, n, depth);
	fputc('\n', out);
}

static void new_line(const struct dumper *d, int depth)
{
	fputc('\n', d->out);
	for (int i = 0; i < depth; i++)
		fputc('\t', d->out);
}

static void dump_type_def(const struct dumper *d, const struct type_def *t, int depth);

static void dump_member(const struct dumper *d, const struct member_def *m, int depth)
{
	new_line(d, depth);
	fprintf(d->out, "(%s ", m->name ? m->name : "-");
	if (m->def)
		dump_type_def(d, m->def, depth);
	dump_type_name(d, &m->type);
	if (m->has_bits)
		fprintf(d->out, " : %u", m->bits);
	fputc(')', d->out);
}

static void dump_type_def(const struct dumper *d, const struct type_def *t, int depth)
{
	fprintf(d->out, "(%s%s%s", t->tag ? type_tags[t->tag] : "typedef ",
		t->name ? t->name : "-", t->packed ? " packed" : "");
	for (const struct member_def *m = t->members; m; m = m->next)
		dump_member(d, m, depth + 1);
	for (const struct value_def *v = t->values; v; v = v->next) {
		new_line(d, depth + 1);
		fprintf(d->out, "(%s", v->name);
		dump_list(d, v->value);
		fputc(')', d->out);
	}
	if (t->tag == TAG_NONE) {
		fputc(' ', d->out);
		if (t->alias_def)
			dump_type_def(d, t->alias_def, depth);
		dump_type_name(d, &t->alias);
	}
	fputc(')', d->out);
}

static void dump_macro(const struct dumper *d, const struct macro *m)
{
	fprintf(d->out, "(macro (%s", m->name);
	for (const struct macro_param *p = m->params; p; p = p->next)
		fprintf(d->out, " %s", p->name);
	fputc(')', d->out);
	dump_below(d, m->body, 0);
	fputs(")\n", d->out);
}

static void dump_definitions(const struct dumper *d, const struct ast *ast)
{
	for (const struct config_item *i = ast->config; i; i = i->next) {
		fprintf(d->out, "(config %s ", i->name);
		dump(d, i->value, INLINE);
		fputs(")\n", d->out);
	}
	for (const struct type_def *t = ast->types; t; t = t->next) {
		dump_type_def(d, t, 0);
		fputc('\n', d->out);
	}
	for (const struct map_def *m = ast->maps; m; m = m->next) {
		fprintf(d->out, "(map %s %s", m->name, m->kind);
		dump_list(d, m->args);
		fputs(")\n", d->out);
	}
	for (const struct macro *m = ast->macros; m; m = m->next)
		dump_macro(d, m);
}

void ast_dump(const struct ast *ast, FILE *out)
{
	const struct dumper d = { out, NULL, NULL };

	dump_definitions(&d, ast);
	for (const struct clause *c = ast->clauses; c; c = c->next) {
		fputs(c->is_else ? "(else-clause" : "(clause", out);
		for (const struct attach_point *p = c->points; p; p = p->next)
			fprintf(out, "\n\t(point %s)", p->text);
		if (c->predicate) {
			fputs("\n\t(predicate ", out);
			dump(&d, c->predicate, INLINE);
			fputc(')', out);
		}
		dump_below(&d, c->body, 0);
		fputs(")\n", out);
	}
}
