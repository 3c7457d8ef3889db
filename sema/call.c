#include "sema/call.h"

#include "core/arena.h"

const char *builtin_signature(struct compile *cc, const struct builtin *b)
{
	const char *out = arena_printf(cc->arena, "%s(", b->name);
	const char *close = "";

	for (const struct param *p = b->params; p->name; p++) {
		const char *comma = p == b->params ? "" : ", ";
		bool optional = p->flags & (PARAM_OPTIONAL | PARAM_REST);

		out = arena_printf(cc->arena, "%s%s%s%s%s", out, optional ? "[" : "",
				   comma, p->name, p->flags & PARAM_REST ? "..." : "");
		if (optional)
			close = arena_printf(cc->arena, "]%s", close);
	}
	return arena_printf(cc->arena, "%s%s)", out, close);
}

bool call_check_arity(struct sema *s, const struct node *call)
{
	const struct builtin *b = call->call.builtin;
	size_t n = node_count(call->call.args), min = 0, max = 0;
	bool rest = false;

	for (const struct param *p = b->params; p->name; p++) {
		if (p->flags & PARAM_REST)
			rest = true;
		else
			max++;
		if (!(p->flags & (PARAM_OPTIONAL | PARAM_REST)))
			min++;
	}
	if (n >= min && (rest || n <= max))
		return true;
	if (max == 0 && !rest)
		sema_error(s, DIAG_arity, call->span,
			   "'%s' takes no arguments, found %zu", b->name, n);
	else
		sema_error(s, DIAG_arity, call->span,
			   "'%s' needs %s%zu argument%s, found %zu", b->name,
			   n < min && (rest || min < max) ? "at least "
			   : min < max                    ? "at most "
							  : "",
			   n < min ? min : max, (n < min ? min : max) == 1 ? "" : "s",
			   n);
	if (s->report)
		diag_hint(s->cc, "it is called %s", builtin_signature(s->cc, b));
	return false;
}
