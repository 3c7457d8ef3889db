/* Trees: spans, copies, walks, and the limit on their height. */
#include "parser/ast.h"

#include <stdlib.h>

#include "core/arena.h"
#include "core/compile.h"
#include "test.h"

/* A clause around the text; NULL if it is refused. */
static struct compile *compile_text(const char *text)
{
	const struct compile_options options = { 0 };
	struct compile *cc = compile_new(NULL, &options);

	cc->source = source_new(cc->arena, "t.mq", text, (uint32_t)strlen(text));
	if (parse(cc))
		return cc;
	compile_free(cc);
	return NULL;
}

static char *dump_text(const struct node *n, node_type_text *text)
{
	char *got = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&got, &len);

	node_dump(n, 0, out, text, NULL);
	fclose(out);
	return got;
}

static const char program[] =
	"config = { a = b }\n"
	"BEGIN /1/ { let $v: int8 = -(3); if ($v) { @m[1, \"s\"]++; } else { return } "
	"$x = (uint64)*f(a, b).c ? $1 : ~2 + 3; @m[4] += 5; }";

static void spans_cover_their_text(void)
{
	struct compile *cc = compile_text(program);
	const struct clause *c = cc->ast->clauses;
	const struct node *let = c->body->block.stmts;

	CHECK_INT_EQ(c->points->span.begin, 19);
	CHECK_INT_EQ(c->points->span.end, 24);
	CHECK_INT_EQ(c->predicate->span.begin, 26);
	CHECK_INT_EQ(c->body->span.end, strlen(program));
	CHECK_INT_EQ(c->span.begin, 19);
	CHECK_INT_EQ(c->span.end, strlen(program));
	/* Of an operator with its parentheses, of the operand without. */
	CHECK(strncmp(program + let->let.value->span.begin, "-(3);", 5) == 0);
	CHECK_INT_EQ(let->let.value->span.end - let->let.value->span.begin, 4);
	CHECK(strncmp(program + let->let.value->unary.operand->span.begin, "3)", 2) ==
	      0);
	CHECK_INT_EQ(cc->ast->config->span.begin, 11);
	compile_free(cc);
}

static void count_node(struct node *n, void *arg)
{
	size_t *count = arg;

	++*count;
	n->type = (const struct type *)program; /* anything */
	node_each_child(n, count_node, arg);
}

static const char *any_type(void *arg, const struct type *type)
{
	(void)arg;
	(void)type;
	return "t";
}

static void copies_share_nothing_but_names(void)
{
	struct compile *cc = compile_text(program);
	struct node *body = cc->ast->clauses->body;
	struct node *copy = node_clone(cc->arena, body);
	char *before = dump_text(body, any_type), *after;
	size_t count = 0;

	count_node(body, &count);
	CHECK_INT_EQ(count, 33);
	after = dump_text(copy, any_type);
	CHECK_STR_EQ(after, before); /* no type came over */
	free(after);
	free(before);

	before = dump_text(node_clone(cc->arena, body), any_type);
	after = dump_text(copy, NULL);
	CHECK_STR_EQ(before, after); /* a copy drops types */
	free(after);
	after = dump_text(body, any_type);
	CHECK(strstr(after, "(- 3:t):t") != NULL);
	free(after);
	free(before);
	compile_free(cc);
}

static void lists_are_counted(void)
{
	struct compile *cc = compile_text(program);
	struct node *stmts = cc->ast->clauses->body->block.stmts;

	CHECK_INT_EQ(node_count(stmts), 4);
	CHECK_INT_EQ(node_at(stmts, 0)->kind, NODE_LET);
	CHECK_INT_EQ(node_at(stmts, 3)->kind, NODE_ASSIGN);
	CHECK(node_at(stmts, 4) == NULL);
	CHECK_INT_EQ(node_count(NULL), 0);
	CHECK(node_at(NULL, 0) == NULL);
	compile_free(cc);
}

/* open and close n times around middle, in a clause. */
static bool accepts(const char *open, const char *middle, const char *close, size_t n)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct compile *cc;

	fputs("BEGIN { ", out);
	for (size_t i = 0; i < n; i++)
		fputs(open, out);
	fputs(middle, out);
	for (size_t i = 0; i < n; i++)
		fputs(close, out);
	fputs(" }", out);
	fclose(out);
	cc = compile_text(text);
	free(text);
	if (!cc)
		return false;
	CHECK(cc->ast->clauses->body->height <= AST_MAX_HEIGHT);
	compile_free(cc);
	return true;
}

static void height_is_limited(void)
{
	static const struct {
		const char *open, *middle, *close;
	} forms[] = {
		{ "!", "1", "" },
		{ "- ", "1", "" },
		{ "(uint8)", "1", "" },
		{ "f(", "1", ")" },
		{ "@m[", "1", "]" },
		{ "1 + ", "1", "" },
		{ "", "1", " + 1" },
		{ "", "1", ".a" },
		{ "1 ? 2 : ", "1", "" },
		{ "{ ", "", "}" },
		{ "if 1 { ", "", "}" },
		{ "if 1 { } else ", "{ }", "" },
		{ "", "a", " && (b || c)" },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const char *open = forms[i].open, *middle = forms[i].middle;
		const char *close = forms[i].close;

		CHECK(accepts(open, middle, close, 200));
		CHECK(!accepts(open, middle, close, AST_MAX_HEIGHT + 1));
		CHECK(!accepts(open, middle, close, 20000));
	}
	/* Parentheses make no nodes, but the parser's stack ends too. */
	CHECK(accepts("(", "1", ")", 5000));
	CHECK(!accepts("(", "1", ")", 20000));
	/* Length is no depth. */
	CHECK(accepts("f(1); ", "", "", 100000));
}

int main(void)
{
	spans_cover_their_text();
	copies_share_nothing_but_names();
	lists_are_counted();
	height_is_limited();
	return test_failures();
}
