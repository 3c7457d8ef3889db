#include "sema/call.h"

#include <string.h>

#include "core/arena.h"
#include "core/intern.h"
#include "sema/infer.h"

const char *builtin_signature(struct compile *cc, const struct builtin *b)
{
	const char *out = arena_printf(cc->arena, "%s(", b->name);
	const char *close = "";

	if (b->kind == BUILTIN_VALUE)
		return b->name;
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

static void become(struct sema *s, struct node *call, enum node_kind kind)
{
	memset(&call->call, 0, sizeof(call->call));
	call->kind = kind;
	s->changed = true;
}

void sema_become_int(struct sema *s, struct node *call, int64_t value)
{
	become(s, call, NODE_INT);
	call->integer.value = (uint64_t)value;
	call->integer.negative = value < 0;
	call->type = &type_constant;
}

void sema_become_str(struct sema *s, struct node *call, const char *text)
{
	become(s, call, NODE_STR);
	call->string.bytes = intern_str(s->cc->names, text);
	call->string.len = (uint32_t)strlen(text);
	call->type = type_str(s->cc->arena, call->string.len);
}

static const char *list_words(struct compile *cc, const char *const *names)
{
	const char *all = "";

	for (size_t i = 0; names[i]; i++)
		all = arena_printf(cc->arena, "%s%s%s", all, i ? ", " : "", names[i]);
	return all;
}

int call_word(struct sema *s, const struct node *call, size_t i,
	      const char *const *names)
{
	struct node *arg = call_arg(call, i);
	const char *word = arg ? constant_str(s, arg) : names[0];
	struct suggestion near = { .word = word };

	for (int k = 0; word && names[k]; k++) {
		if (strcmp(word, names[k]) == 0)
			return k;
		suggest(&near, names[k]);
	}
	sema_error(s, DIAG_unknown_word, arg->span, "'%s' knows no %s",
		   call->call.builtin->name, word ? word : "such value");
	if (s->report && near.best)
		diag_hint(s->cc, "did you mean '%s'?", near.best);
	else if (s->report)
		diag_hint(s->cc, "it takes one of: %s", list_words(s->cc, names));
	return -1;
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
	return sema_error(s, DIAG_arity, call->span, "expected %s, found %s",
			  builtin_signature(s->cc, b),
			  n == 0   ? "no arguments"
			  : n == 1 ? "1 argument"
				   : arena_printf(s->cc->arena, "%zu arguments", n));
}

/* A branch of a few instructions each. */
enum { OWN_LAYOUTS_MAX = 256 };

bool sema_layout_per_site(struct sema *s, const struct node *call)
{
	struct program_info *p = s->program;
	struct probe_layout *own;

	if (p->nsites == p->nlayouts)
		return true;
	if (p->nsites > OWN_LAYOUTS_MAX)
		return sema_error(s, DIAG_unsupported, call->span,
				  "'%s' in a probe of %zu places: %d are the most",
				  call->call.builtin->name, p->nsites, OWN_LAYOUTS_MAX);
	own = ARENA_ARRAY(s->cc->arena, struct probe_layout, p->nsites);
	for (size_t i = 0; i < p->nsites; i++) {
		own[i] = p->layouts[p->sites[i].layout];
		p->sites[i].layout = (uint32_t)i;
	}
	p->layouts = own;
	p->nlayouts = p->nsites;
	return true;
}
