#include "probes/kernel_function.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/compile.h"
#include "core/diag.h"
#include "parser/ast.h"
#include "probes/point.h"
#include "sema/target.h"

bool kernel_function_parse(struct compile *cc, const struct attach_point *point,
			   const char *rest, bool with_offset, struct probe_spec *out)
{
	const char *parts[POINT_PARTS], *name, *plus;
	size_t n = point_split(cc, point, rest, parts);

	if (n == 0)
		return false;
	if (n > 2 || !*parts[n - 1] || !*parts[0])
		return point_error(cc, point,
				   "expected [MODULE:]FUNCTION after the first colon, "
				   "found '%s'",
				   rest);
	out->object = n == 2 ? parts[0] : NULL;
	out->symbol = name = parts[n - 1];
	if (point_number(name, &out->number)) {
		diag(cc, DIAG_unsupported, point->span,
		     "probes on addresses are not in memql: write FUNCTION+OFFSET");
		return false;
	}
	plus = strrchr(name, '+');
	if (!plus)
		return true;
	if (!with_offset || plus == name || !point_number(plus + 1, &out->number))
		return point_error(cc, point,
				   with_offset ? "'%s' is no offset: a number of bytes "
						 "follows the plus sign"
					       : "'%s': only a kprobe can be within a "
						 "function",
				   plus);
	out->symbol = arena_strndup(cc->arena, name, (size_t)(plus - name));
	if (glob_is_pattern(out->symbol))
		return point_error(cc, point, "an offset needs one function, not '%s'",
				   out->symbol);
	return true;
}

struct match {
	const char *module, *name;
	size_t rank;
};

struct matches {
	struct arena *arena;
	struct match *items;
	size_t n, cap;
};

static int collect(const char *module, const char *name, void *arg)
{
	struct matches *m = arg;
	struct match found = { module, name, m->n };

	ARENA_PUSH(m->arena, m, found);
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	const struct match *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	if (!c)
		c = strcmp(x->module, y->module);
	return c ? c : (x->rank > y->rank) - (x->rank < y->rank);
}

static int compare_ranks(const void *a, const void *b)
{
	const struct match *x = a, *y = b;

	return (x->rank > y->rank) - (x->rank < y->rank);
}

/* Those of one name and module become one; copies[rank] says how many they were. */
static void merge(struct matches *m, uint32_t *copies)
{
	size_t kept = 0, i;

	if (m->n == 0)
		return;
	qsort(m->items, m->n, sizeof(*m->items), compare_names);
	for (i = 0; i < m->n; i++) {
		struct match *last = kept ? &m->items[kept - 1] : NULL;

		if (last && strcmp(last->name, m->items[i].name) == 0 &&
		    strcmp(last->module, m->items[i].module) == 0) {
			copies[last->rank]++;
			continue;
		}
		copies[m->items[i].rank] = 1;
		m->items[kept++] = m->items[i];
	}
	m->n = kept;
	qsort(m->items, m->n, sizeof(*m->items), compare_ranks);
}

static const char *site_name(const struct kernel_function_search *s,
			     const struct match *m)
{
	const struct probe_spec *p = s->pattern;
	bool module = s->with_module || p->object;
	const char *name =
		arena_printf(s->cc->arena, "%s:%s%s%s", s->kind->name,
			     module ? m->module : "", module ? ":" : "", m->name);

	return p->number ? arena_printf(s->cc->arena, "%s+%llu", name,
					(unsigned long long)p->number)
			 : name;
}

int kernel_function_expand(struct kernel_function_search *s, const char **what)
{
	const struct target *t = s->cc->target;
	struct matches m = { .arena = s->cc->arena };
	const struct probe_spec *p = s->pattern;
	uint32_t *copies;
	int err;

	*what = "the list of the kernel's functions";
	err = t->ops->functions(t, p->object ? p->object : "*", p->symbol, collect, &m);
	copies = ARENA_ARRAY(s->cc->arena, uint32_t, m.n);
	merge(&m, copies);
	for (size_t i = 0; i < m.n && !err; i++) {
		const struct match *this = &m.items[i];
		struct probe_site site = {
			.name = site_name(s, this),
			.func = this->name,
			.group = this->module,
			.event = this->name,
			.offset = p->number,
			.copies = copies[this->rank],
		};

		err = s->found(s, &site);
	}
	return err;
}

/* Explanations. */

struct guess {
	struct point_guess guess;
	const char *name;  /* that was looked for */
	const char *local; /* "name.isra.0" or the like: as the compiler calls a copy */
	bool elsewhere;    /* there is one, but not in this module */
	const char *module;
};

static int look_at(const char *module, const char *name, void *arg)
{
	struct guess *g = arg;
	size_t len = strlen(g->name);

	if (strcmp(name, g->name) == 0) {
		g->elsewhere = true;
		g->module = module;
	}
	if (!g->local && strncmp(name, g->name, len) == 0 && name[len] == '.')
		g->local = name;
	point_guess(&g->guess, name);
	return 0;
}

static int stop(const char *module, const char *name, void *arg)
{
	(void)module, (void)name, (void)arg;
	return 1;
}

/* The module is there, and functions can be listed; or says why not. */
static bool explain_module(struct compile *cc, const struct probe_spec *pattern)
{
	const struct target *t = cc->target;
	int any = t->ops->functions(t, pattern->object ? pattern->object : "*", "*",
				    stop, NULL);

	if (any == 1)
		return true;
	if (any < 0)
		diag_hint(cc, "the kernel's functions cannot be listed: %s",
			  strerror(-any));
	else if (pattern->object)
		diag_hint(cc,
			  "no module '%s' with functions is loaded (the kernel itself "
			  "is '%s')",
			  pattern->object, KERNEL_ITSELF);
	return false;
}

void kernel_function_explain(struct compile *cc, const struct probe_spec *pattern,
			     const char *kind)
{
	const struct target *t = cc->target;
	struct guess g = { .guess.cc = cc, .name = pattern->symbol };
	uint64_t address;

	if (!explain_module(cc, pattern) || glob_is_pattern(pattern->symbol))
		return;
	g.guess.near.word = pattern->symbol;
	t->ops->functions(t, "*", "*", look_at, &g);
	if (g.elsewhere)
		diag_hint(cc, "'%s' is in %s: write %s:%s:%s", g.name, g.module, kind,
			  g.module, g.name);
	else if (g.local)
		diag_hint(
			cc,
			"the compiler made '%s' of it, whose arguments may be others: "
			"%s:%s",
			g.local, kind, g.local);
	else if (t->ops->kernel_symbol(t, g.name, &address) == 0)
		diag_hint(
			cc,
			"'%s' exists, but the kernel does not let it be probed: it is "
			"marked notrace or NOKPROBE, or is no function",
			g.name);
	else if (g.guess.near.best)
		diag_hint(cc, "did you mean '%s'?", g.guess.near.best);
	else
		diag_hint(
			cc,
			"this kernel has no such function, or the compiler inlined it "
			"everywhere");
}
