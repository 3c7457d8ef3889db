/* script.mq --help: from the getopt() calls and the parameters of the script. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "core/arena.h"
#include "core/compile.h"
#include "sema/sema.h"

static const char *metavar(const struct script_option *o)
{
	if (o->is_flag)
		return "";
	if (o->type == TYPE_STR)
		return "=TEXT";
	return o->unit ? "=DURATION" : "=N";
}

static void option_help(const struct compile *cc, const struct script_option *o,
			int width, FILE *out)
{
	const char *left = arena_printf(cc->arena, "--%s%s", o->name, metavar(o));
	bool has_default = o->fallback_text && *o->fallback_text;

	fprintf(out, "  %-*s", o->help || has_default ? width + 2 : 0, left);
	if (o->help)
		fputs(o->help, out);
	if (has_default)
		fprintf(out, "%s(default: %s)", o->help ? " " : "", o->fallback_text);
	fputc('\n', out);
}

/*
 * What to call a parameter: as the variable that it is assigned to, or what it is compared
 * with. The first use that tells wins.
 */
struct naming {
	uint32_t index;
	const char *name;
};

/* $1, str($1), (int32)$1 */
static bool is_parameter(const struct node *n, uint32_t index)
{
	while (n && n->kind != NODE_PARAM) {
		if (n->kind == NODE_CALL && n->call.has_parens)
			n = n->call.args && !n->call.args->next ? n->call.args : NULL;
		else
			n = n->kind == NODE_CAST ? n->cast.operand : NULL;
	}
	return n && n->param.index == index;
}

/* "pid" of pid, args.pid and $pid; NULL: it has no name that would do. */
static const char *name_of(const struct node *n)
{
	if (n->kind == NODE_VAR)
		return n->var.name + 1;
	if (n->kind == NODE_FIELD)
		return n->field.name;
	return n->kind == NODE_CALL && !n->call.has_parens ? n->call.name : NULL;
}

static void look_for_name(struct node *n, void *arg)
{
	struct naming *s = arg;
	const struct node *other = NULL;

	if (n->kind == NODE_ASSIGN && is_parameter(n->assign.value, s->index))
		other = n->assign.place;
	else if (n->kind == NODE_LET && is_parameter(n->let.value, s->index))
		other = n->let.var;
	else if (n->kind == NODE_BINARY && is_parameter(n->binary.right, s->index))
		other = n->binary.left;
	else if (n->kind == NODE_BINARY && is_parameter(n->binary.left, s->index))
		other = n->binary.right;
	if (other && !s->name)
		s->name = name_of(other);
	node_each_child(n, look_for_name, s);
}

static void print_parameter(const struct compile *cc, uint32_t index, FILE *out)
{
	struct naming s = { .index = index };

	for (struct clause *c = cc->ast->clauses; c; c = c->next) {
		if (c->predicate)
			look_for_name(c->predicate, &s);
		look_for_name(c->body, &s);
	}
	fputc(' ', out);
	for (const char *c = s.name; c && *c; c++)
		fputc(toupper((unsigned char)*c), out);
	if (!s.name)
		fprintf(out, "ARG%" PRIu32, index);
}

void script_help(const struct compile *cc, const char *script_name, FILE *out)
{
	const struct plan *plan = cc->plan;
	int width = (int)strlen("--help");

	fprintf(out, "usage: memql %s", script_name);
	if (plan->script_options.n)
		fputs(" [OPTIONS]", out);
	for (uint32_t i = 1; i <= plan->last_parameter; i++)
		print_parameter(cc, i, out);
	fputs("\n\noptions of the script:\n", out);

	for (size_t i = 0; i < plan->script_options.n; i++) {
		const struct script_option *o = &plan->script_options.items[i];
		int n = (int)(strlen("--") + strlen(o->name) + strlen(metavar(o)));

		width = n > width ? n : width;
	}
	for (size_t i = 0; i < plan->script_options.n; i++)
		option_help(cc, &plan->script_options.items[i], width, out);
	fprintf(out, "  %-*s  show this\n", width, "--help");
}
