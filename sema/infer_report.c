/* What inference leaves without a type, and maps that fill up: told when it is done. */
#include "sema/infer.h"

#include "core/compile.h"

struct mention {
	const struct var_info *var;
	bool found;
};

static void find_mention(struct node *n, void *arg)
{
	struct mention *m = arg;
	int64_t value;

	m->found |=
		(n->kind == NODE_VAR && n->var.info == m->var) ||
		(n->kind == NODE_LET && n->let.var && n->let.var->var.info == m->var);
	if (m->found)
		return;
	if ((n->kind != NODE_IF && n->kind != NODE_COND) ||
	    !constant_int(n->branch.cond, &value))
		node_each_child(n, find_mention, m);
	else if (value)
		find_mention(n->branch.then, m);
	else if (n->branch.otherwise)
		find_mention(n->branch.otherwise, m);
}

static bool is_mentioned(const struct program_info *p, const struct var_info *var)
{
	struct mention m = { .var = var };

	if (p->predicate)
		find_mention(p->predicate, &m);
	find_mention(p->body, &m);
	return m.found;
}

/*
 * Variables without a type. One that is not mentioned where the program gets to is dropped:
 * it was in an expression of which only the type was asked, as in is_str({ let $x ... }), or
 * in what an if leaves out because of a type, and may then be wrong.
 */
static void report_variables(struct compile *cc, struct program_info *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->vars.n; i++) {
		struct var_info *var = p->vars.items[i];

		if (!var->type && !is_mentioned(p, var))
			continue;
		if (!var->type)
			diag(cc, DIAG_unknown_variable, var->first,
			     "nothing is assigned to '%s'", var->name);
		p->vars.items[n++] = var;
	}
	p->vars.n = n;
}

/*
 * What is assigned only from itself never got a type, and nobody was told: each of its
 * reads waited for the other.
 */
void report_untyped(const struct sema *s)
{
	struct compile *cc = s->cc;
	const struct plan *plan = cc->plan;

	/* If anything else is wrong, also further down, that is why it has no type. */
	if (s->untyped && diag_ok(cc))
		diag(cc, DIAG_unknown_variable, s->untyped->span,
		     "nothing is assigned to '%s'", s->untyped->var.info->name);
	for (size_t i = 0; i < plan->maps.n && diag_ok(cc); i++) {
		const struct map_info *m = plan->maps.items[i];

		if (m->value || m->agg || plan_map_is_idle(m))
			continue;
		diag(cc, DIAG_unknown_map, m->first,
		     "'%s' is only assigned from itself: it never has a value",
		     m->name);
		diag_hint(cc, "++ and += begin at 0 by themselves, = does not");
	}
	for (size_t i = 0; i < plan->programs.n && diag_ok(cc); i++)
		report_variables(cc, plan->programs.items[i]);
}

/*
 * What one probe leaves for another of the same thread stays if the second one never comes:
 * the map fills up, and then nothing more is stored.
 */
void warn_of_leaks(struct compile *cc)
{
	for (size_t i = 0; i < cc->plan->maps.n; i++) {
		const struct map_info *m = cc->plan->maps.items[i];

		if (!m->per_thread || !m->loaded || m->agg || m->lru || m->deleted ||
		    m->emptied)
			continue;
		diag(cc, DIAG_leaked_key, m->first,
		     "nothing ever removes an entry of '%s'", m->name);
		diag_hint(cc,
			  "delete(%s, tid) when a thread is done with it, or let %s = "
			  "lruhash(N) for the oldest to make room",
			  m->name, m->name);
	}
}
