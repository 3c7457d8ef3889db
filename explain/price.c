/*
 * What code takes, as far as that can be said beforehand: what the calls of helpers take as a
 * rule, and a third of a nanosecond for each other instruction. Caches, other CPUs and the
 * length of texts are not in it. It is there to tell what is dear from what is not: a factor
 * of two is as good as right.
 */
#include <inttypes.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/image.h"
#include "core/arena.h"
#include "core/compile.h"
#include "explain/explain.h"
#include "probes/probe.h"
#include "sema/plan.h"

#define INSN_NS 0.3
#define COUNTING_NS 35  /* what the kernel's accounting adds to each event */
#define PASSED_MIN 0.01 /* no event passed is more than can be known */

enum {
	DEPTH_MAX = 8, /* of calls: the verifier's own limit */
	PASSES_MAX = 8,
};

enum price_map { PRICE_ANY, PRICE_ARRAY, PRICE_HASH };

static const struct price_row {
	int helper;
	enum price_map map;
	double ns;
} rows[] = {
#define PRICE(helper, map, ns) { HELPER_##helper, PRICE_##map, ns },
#include "explain/price.def"
#undef PRICE
};

static enum price_map kind_of(const struct explanation *x, const char *symbol)
{
	const struct plan *plan = x->cc->plan;

	for (size_t i = 0; symbol && i < plan->maps.n; i++) {
		const struct map_info *m = plan->maps.items[i];

		if (strcmp(m->symbol, symbol) != 0)
			continue;
		return m->storage == MAP_SCALAR || m->storage == MAP_PERCPU_SCALAR
			       ? PRICE_ARRAY
			       : PRICE_HASH;
	}
	if (symbol &&
	    (strcmp(symbol, IMAGE_STACKS) == 0 || strcmp(symbol, IMAGE_THREADS) == 0))
		return PRICE_HASH;
	return PRICE_ARRAY;
}

static bool is_map(const struct explanation *x, const char *symbol)
{
	static const char *const own[] = { IMAGE_RING, IMAGE_LOSS,    IMAGE_SCRATCH,
					   IMAGE_TASK, IMAGE_THREADS, IMAGE_STACKS };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strcmp(own[i], symbol) == 0)
			return true;
	for (size_t i = 0; i < x->cc->plan->maps.n; i++)
		if (strcmp(x->cc->plan->maps.items[i]->symbol, symbol) == 0)
			return true;
	return false;
}

/* The map that a call is about: what was named last before it. */
static const char *map_of(const struct explanation *x, const struct code_function *f,
			  const struct code_insn *call)
{
	for (const struct code_insn *i = call; i-- > f->insns;)
		if (i->refers && is_map(x, i->refers))
			return i->refers;
	return NULL;
}

/* -1: nobody knows. */
static double price_of_helper(const struct explanation *x, int helper, const char *map)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].helper == helper &&
		    (rows[i].map == PRICE_ANY || rows[i].map == kind_of(x, map)))
			return rows[i].ns;
	return -1;
}

/* Without what it calls; *unknown is set if that cannot be said. */
static double price_of_insn(const struct explanation *x, const struct code_function *f,
			    const struct code_insn *insn, bool *unknown)
{
	double ns = 0;

	if (insn->helper)
		ns = price_of_helper(x, insn->helper, map_of(x, f, insn));
	*unknown |= ns < 0;
	return INSN_NS + (ns < 0 ? 0 : ns);
}

/* The words: helpers by name with their number and price, then the rest. */
struct pricing {
	const struct explanation *x;
	struct arena *a;
	struct {
		const struct helper_row *row;
		unsigned n;
		double ns; /* of all n */
		bool unknown;
	} items[16];
	size_t n;
	unsigned insns;
	bool branches, unknown, turns;
	double ns;
};

static void add_helper(struct pricing *p, int helper, double ns, bool unknown)
{
	const struct helper_row *row = helper_find(helper);
	size_t i = 0;

	while (i < p->n && p->items[i].row != row)
		i++;
	if (!row || i == sizeof(p->items) / sizeof(p->items[0]))
		return;
	p->n += i == p->n;
	p->items[i].row = row;
	p->items[i].n++;
	p->items[i].ns += ns;
	p->items[i].unknown |= unknown;
}

const char *explain_ns(struct arena *a, double ns)
{
	unsigned long scale = 1, n = (unsigned long)(ns + 0.5);

	if (ns < 0.95)
		return "1"; /* less is nobody's business */
	while (n / scale >= 100)
		scale *= 10;
	return arena_printf(a, "%lu", (n + scale / 2) / scale * scale);
}

static const char *words_of(const struct pricing *p)
{
	struct arena *a = p->a;
	const char *text =
		arena_printf(a, "%s %s ns%s:", p->branches ? "up to" : "about",
			     explain_ns(a, p->ns), p->turns ? " each time" : "");

	for (size_t i = 0; i < p->n; i++) {
		const char *name = strstr(p->items[i].row->prototype, "bpf_") + 4;
		const char *times =
			p->items[i].n > 1 ? arena_printf(a, "%u ", p->items[i].n) : "";

		text = arena_printf(
			a, "%s %s%.*s %s,", text, times, (int)strcspn(name, "("), name,
			p->items[i].unknown ? "?" : explain_ns(a, p->items[i].ns));
	}
	return arena_printf(a, "%s %s for %u instruction%s", text,
			    explain_ns(a, p->insns * INSN_NS), p->insns,
			    p->insns == 1 ? "" : "s");
}

void explain_price_part(const struct explanation *x, size_t program,
			struct explain_part *part)
{
	struct pricing p = { .x = x, .a = x->cc->arena, .turns = part->ninsns > 0 };

	for (size_t i = 0; i < part->ninsns; i++) {
		const struct explain_insn *insn = &part->insns[i];
		bool unknown = false;
		double ns = price_of_insn(x, insn->function, insn->insn, &unknown);

		p.ns += ns;
		p.insns++;
		p.unknown |= unknown;
		p.branches |= insn->insn->jump != JUMP_NONE && !insn->insn->leaves;
		p.turns &= insn->function != &x->code->functions[program];
		if (insn->insn->helper)
			add_helper(&p, insn->insn->helper, ns - INSN_NS, unknown);
	}
	part->ns = p.ns;
	part->unpriced = p.unknown;
	if (p.n)
		part->price = words_of(&p);
}

struct walk {
	const struct explanation *x;
	struct explain_price out;
};

struct range {
	double least, most;
};

static struct range range_of(struct walk *w, size_t function, unsigned depth);

static size_t find_function(const struct explanation *x, const char *name)
{
	for (size_t i = 0; i < x->code->nfunctions; i++)
		if (strcmp(x->code->functions[i].name, name) == 0)
			return i;
	return SIZE_MAX;
}

/* What an instruction names and runs: a function once, a loop's turn perhaps, and once here. */
static struct range called(struct walk *w, const struct code_insn *insn, unsigned depth)
{
	size_t f = insn->refers ? find_function(w->x, insn->refers) : SIZE_MAX;
	struct range r = { 0 };

	if (f == SIZE_MAX || depth == DEPTH_MAX)
		return r;
	r = range_of(w, f, depth + 1);
	if (!insn->calls) {
		w->out.turns = true;
		r.least = 0;
	}
	return r;
}

/* One pass over a function, from its end. False: nothing was new in it. */
static bool pass(struct walk *w, const struct code_function *f, struct range *from,
		 unsigned depth)
{
	bool changed = false;

	for (size_t i = f->n; i-- > 0;) {
		const struct code_insn *insn = &f->insns[i];
		size_t next = i + 1 < f->n ? f->insns[i + 1].index : f->units;
		struct range r = insn->leaves ? (struct range){ 0 } : from[next];
		struct range inner = called(w, insn, depth);
		double ns = price_of_insn(w->x, f, insn, &w->out.unknown);

		if (insn->jump < f->units) {
			const struct range to = from[insn->jump];

			r.least =
				insn->leaves || to.least < r.least ? to.least : r.least;
			r.most = to.most > r.most ? to.most : r.most;
		}
		r.least += ns + inner.least;
		r.most += ns + inner.most;
		changed |= r.least > from[insn->index].least ||
			   r.most > from[insn->index].most;
		from[insn->index] = r;
	}
	return changed;
}

/*
 * The cheapest and the dearest way through a function. Most jumps lead forward, so that one
 * pass would do; for one back to an end that several ways share it takes another. What does
 * not come to rest is a loop: of that the first pass has one turn.
 */
static struct range range_of(struct walk *w, size_t function, unsigned depth)
{
	const struct code_function *f = &w->x->code->functions[function];
	struct range *from =
		ARENA_ARRAY(w->x->cc->arena, struct range, (size_t)f->units + 1);
	struct range first;

	pass(w, f, from, depth);
	first = from[0];
	for (unsigned n = 0; pass(w, f, from, depth); n++)
		if (n == PASSES_MAX) {
			w->out.turns = true;
			return first;
		}
	return from[0];
}

struct explain_price explain_price_program(const struct explanation *x, size_t program)
{
	struct walk w = { .x = x };
	struct range r = range_of(&w, program, 0);

	w.out.least = r.least;
	w.out.most = r.most;
	return w.out;
}

const char *explain_range(struct arena *a, const struct explain_price *price)
{
	const char *least = explain_ns(a, price->least),
		   *most = explain_ns(a, price->most);
	const char *more = price->turns || price->unknown ? "+" : "";

	if (strcmp(least, most) == 0)
		return arena_printf(a, "%s%s ns", most, more);
	return arena_printf(a, "%s-%s%s ns", least, most, more);
}

const char *explain_price_text(const struct explanation *x,
			       const struct explain_program *p)
{
	struct arena *a = x->cc->arena;
	const struct explain_price *price = &p->price;
	const char *least = explain_ns(a, price->least),
		   *most = explain_ns(a, price->most);
	const char *text = "";

	if (x->seconds > 0)
		text = arena_printf(
			a, "%" PRIu64 " events in %.1f s, %" PRIu64 " ns each; ",
			p->runs, x->seconds, p->runs ? p->run_ns / p->runs : 0);
	text = strcmp(least, most) == 0
		       ? arena_printf(a, "%sabout %s ns by estimate", text, most)
		       : arena_printf(a, "%s%s to %s ns by estimate", text, least,
				      most);
	if (price->turns)
		text = arena_printf(a, "%s, with one turn of each loop", text);
	if (price->unknown)
		text = arena_printf(a, "%s, without what has no price", text);
	if (p->place_ns > 0)
		text = arena_printf(a, "%s; the probe itself takes about %s ns", text,
				    explain_ns(a, p->place_ns));
	else if (!(p->info->kind->flags & PROBE_ONCE))
		text = arena_printf(a, "%s; the probe itself was not measured", text);
	return text;
}

/* How many of the events got behind the predicate, 0 to 1, to take so long on average. */
static double passed(const struct explain_program *p, double always)
{
	double each = p->runs ? (double)p->run_ns / (double)p->runs - COUNTING_NS : 0;
	double body = p->price.most - always;
	double part = body > 0 ? (each - always) / body : 1;

	return part < PASSED_MIN ? PASSED_MIN : part > 1 ? 1 : part;
}

double explain_share(const struct explain_program *p, const struct explain_part *part)
{
	double always = 0, body = 0, behind;

	for (size_t i = 0; i < p->nparts; i++)
		*(p->parts[i].always ? &always : &body) += p->parts[i].ns;
	behind = passed(p, always);
	if (always + body * behind <= 0)
		return 0;
	return part->ns * (part->always ? 1 : behind) / (always + body * behind);
}
