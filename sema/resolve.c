/*
 * From clauses to programs: attach points to sites of this machine, names to what they
 * mean. Whatever the machine is asked is asked here.
 */
#include "sema/resolve.h"

#include <errno.h>
#include <string.h>

#include "core/arena.h"
#include "core/intern.h"
#include "sema/target.h"

/* An attach point that nothing on this machine matches. */
struct missing {
	const struct clause *clause;
	const struct attach_point *point;
	const struct probe_kind *kind;
	struct probe_spec spec;
	bool has_else; /* no mistake: another clause is there in its place */
};

struct resolver {
	struct compile *cc;
	struct {
		struct missing *items;
		size_t n, cap;
	} missing;
	struct {
		const struct clause **items;
		size_t n, cap;
	} unused; /* as the clause that they are the else of found something */
	/* Sites that had to be looked for, unlike BEGIN or a clock. */
	bool found_engine;  /* a pack's */
	bool in_kernel;     /* tracepoints */
	bool in_programs;   /* functions and probes of programs */
	const char *failed; /* what the latest look failed at */
	size_t nsites;
	unsigned nclause;
};

/* A program whose sites are still coming in. */
struct group {
	struct program_info *program;
	size_t sites_cap, layouts_cap;
};

/* One attach point while its matches come in. */
struct matcher {
	struct resolver *r;
	const struct clause *clause;
	const struct attach_point *point;
	const struct probe_kind *kind;
	bool any_process; /* whichever process the sites were found by */
	struct var_use vars;
	struct {
		struct group *items;
		size_t n, cap;
	} groups;
};

static const char *copy_text(struct compile *cc, const char *text)
{
	return text ? intern_str(cc->names, text) : NULL;
}

static struct probe_layout copy_layout(struct compile *cc, const struct probe_layout *l)
{
	struct probe_field *fields = ARENA_ARRAY(cc->arena, struct probe_field, l->n);

	for (size_t i = 0; i < l->n; i++) {
		fields[i] = l->fields[i];
		fields[i].name = copy_text(cc, fields[i].name);
		fields[i].at.why = copy_text(cc, fields[i].at.why);
	}
	return (struct probe_layout){ fields, l->n };
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_location(const struct location *a, const struct location *b)
{
	return a->kind == b->kind && a->size == b->size &&
	       a->is_signed == b->is_signed && a->base == b->base &&
	       a->index == b->index && a->scale == b->scale && a->value == b->value &&
	       same_text(a->why, b->why);
}

/* With places: the same code reads the arguments. Without: the same types. */
static bool same_layout(const struct probe_layout *a, const struct probe_layout *b,
			bool places)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct probe_field *x = &a->fields[i], *y = &b->fields[i];

		if (!same_text(x->name, y->name) || !type_equal(x->type, y->type))
			return false;
		if (places && !same_location(&x->at, &y->at))
			return false;
	}
	return true;
}

static struct group *new_group(struct matcher *m)
{
	struct compile *cc = m->r->cc;
	struct program_info *p = ARENA_NEW(cc->arena, struct program_info);
	struct group group = { .program = p };

	p->symbol = arena_printf(cc->arena, "clause%u_%zu", m->r->nclause,
				 cc->plan->programs.n);
	p->kind = m->kind;
	p->clause = m->clause;
	p->point = m->point->span;
	if (m->clause->predicate)
		p->predicate = node_clone(cc->arena, m->clause->predicate);
	p->body = node_clone(cc->arena, m->clause->body);
	ARENA_PUSH(cc->arena, &cc->plan->programs, p);
	ARENA_PUSH(cc->arena, &m->groups, group);
	return &m->groups.items[m->groups.n - 1];
}

/* The program of this attach point that can serve sites with such arguments. */
static struct group *group_for(struct matcher *m, const struct probe_layout *layout)
{
	if (m->kind->flags & PROBE_SINGLE_SITE)
		return new_group(m);
	for (size_t i = 0; i < m->groups.n; i++) {
		struct group *g = &m->groups.items[i];

		if (!m->vars.per_site ||
		    same_layout(&g->program->layouts[0], layout, false))
			return g;
	}
	return new_group(m);
}

/* The index of the layout in the program; the last one is the likeliest. */
static uint32_t add_layout(struct compile *cc, struct group *g,
			   const struct probe_layout *layout)
{
	struct program_info *p = g->program;

	for (size_t i = p->nlayouts; i-- > 0;)
		if (same_layout(&p->layouts[i], layout, true))
			return (uint32_t)i;
	p->layouts = arena_grow(cc->arena, p->layouts, p->nlayouts, &g->layouts_cap,
				sizeof(*p->layouts));
	p->layouts[p->nlayouts] = copy_layout(cc, layout);
	return (uint32_t)p->nlayouts++;
}

static void add_site(struct compile *cc, struct group *g, const struct probe_site *site,
		     const struct probe_layout *layout)
{
	struct program_info *p = g->program;
	struct probe_site copy = *site;

	copy.name = copy_text(cc, site->name);
	copy.func = copy_text(cc, site->func);
	copy.path = copy_text(cc, site->path);
	copy.group = copy_text(cc, site->group);
	copy.event = copy_text(cc, site->event);
	copy.name_id = plan_name(cc, copy.name);
	copy.func_id = plan_name(cc, copy.func ? copy.func : "");
	copy.layout = add_layout(cc, g, layout);
	p->sites = arena_grow(cc->arena, p->sites, p->nsites, &g->sites_cap,
			      sizeof(*p->sites));
	p->sites[p->nsites++] = copy;
}

enum { STOPPED = 1 };

static int match_site(const struct probe_site *site, const struct probe_layout *layout,
		      void *arg)
{
	static const struct probe_layout none;
	struct matcher *m = arg;
	struct resolver *r = m->r;
	struct probe_site everywhere;

	if (++r->nsites > r->cc->plan->max_probes) {
		diag(r->cc, DIAG_too_many_probes, m->point->span,
		     "the program would attach to more than %u probes",
		     r->cc->plan->max_probes);
		diag_hint(r->cc, "a narrower pattern, or config = { max_probes = %zu }",
			  (size_t)r->cc->plan->max_probes * 4);
		return STOPPED;
	}
	r->in_kernel |= site->group != NULL;
	r->in_programs |= site->path != NULL;
	if (!m->vars.any)
		layout = &none;
	if (m->any_process) {
		everywhere = *site;
		everywhere.pid = 0;
		site = &everywhere;
	}
	add_site(r->cc, group_for(m, layout), site, layout);
	return 0;
}

static void expand_failed(struct resolver *r, const struct attach_point *point, int err,
			  const char *what)
{
	struct compile *cc = r->cc;
	const bool forbidden = err == -EACCES || err == -EPERM;
	const char *why =
		err == -ENOEXEC ? "not an ELF file for this machine" : strerror(-err);
	const char *exe = engine_exe_option(cc);

	/* A process that is gone, or no root: it is the same for the points that follow. */
	if ((what && r->failed && strcmp(what, r->failed) == 0) ||
	    (forbidden && cc->plan->forbidden))
		return;
	r->failed = what;
	cc->plan->forbidden |= forbidden;
	/* Not a pack is wrong, but what was typed. */
	if (err == -ESRCH && (cc->options.pid || engine_pid(cc))) {
		diag(cc, DIAG_no_such_probe, SPAN_NOWHERE, "%s %d: no such process",
		     cc->options.pid ? "-p" : "--pid",
		     cc->options.pid ? cc->options.pid : engine_pid(cc));
		return;
	}
	if (exe && what && strcmp(what, exe) == 0) {
		diag(cc, DIAG_no_such_probe, SPAN_NOWHERE, "--exe %s: %s", exe, why);
		return;
	}
	if (forbidden && cc->ast->engines) {
		diag(cc, DIAG_no_such_probe, SPAN_NOWHERE,
		     "cannot look for engines: %s: %s", what, why);
		diag_hint(cc, "memql must run as root: try sudo");
		return;
	}
	diag(cc, DIAG_no_such_probe, point->span, "cannot look for '%s': %s%s%s",
	     point->text, what ? what : "", what ? ": " : "", why);
	if (forbidden)
		diag_hint(cc, "memql must run as root: try sudo");
}

/* The attach point with $exe, or $1, $2 put in. */
static const struct attach_point *point_expand(struct compile *cc,
					       const struct clause *clause,
					       const struct attach_point *point)
{
	const char *text = engine_point(cc, clause->engine, point->text);
	struct attach_point *copy;

	if (text == point->text)
		text = script_arguments_expand(cc, point);
	if (!text || text == point->text)
		return text ? point : NULL;
	copy = ARENA_NEW(cc->arena, struct attach_point);
	*copy = *point;
	copy->text = text;
	return copy;
}

static void resolve_point(struct resolver *r, const struct clause *clause,
			  const struct attach_point *written)
{
	struct compile *cc = r->cc;
	const struct attach_point *point = point_expand(cc, clause, written);
	struct matcher m = { .r = r, .clause = clause, .point = point };
	struct probe_spec spec = { 0 };
	const char *what = NULL;
	int err;

	if (!point)
		return;
	m.kind = probe_parse(cc, point, &spec);
	if (!m.kind)
		return;
	if (m.kind->flags & PROBE_USER)
		spec.pid = cc->options.pid;
	/* Its program only; but its children, which come and go, have that, too. */
	if (m.kind->flags & PROBE_USER && clause->engine && !spec.pid) {
		spec.pid = engine_pid(cc);
		m.any_process = true;
	}
	m.vars = clause_vars(m.kind, clause);

	err = m.kind->expand(cc, &spec, match_site, &m, &what);
	if (err < 0 && err != -ENOENT) {
		expand_failed(r, point, err, what);
	} else if (m.groups.n == 0 && err <= 0) {
		struct missing missing = { clause, point, m.kind, spec, false };

		ARENA_PUSH(cc->arena, &r->missing, missing);
	}
	if (m.groups.n && clause->engine && m.kind->flags & PROBE_USER)
		r->found_engine = true;
}

/*
 * A script with a hint is about programs that may not be there: a tracepoint beside them,
 * which every kernel has, does not make up for all of them.
 */
static bool found_something(const struct resolver *r)
{
	if (r->in_programs || !r->in_kernel || !r->cc->plan->missing_hint)
		return r->in_programs || r->in_kernel;
	for (size_t i = 0; i < r->missing.n; i++)
		if (r->missing.items[i].kind->flags & PROBE_USER)
			return false;
	return true;
}

/* What was looked for, in one line; an attach point that several clauses have, once. */
static void note_looked_for(struct resolver *r)
{
	struct compile *cc = r->cc;
	const struct missing *all = r->missing.items;
	const struct target_ops *ops = cc->target ? cc->target->ops : NULL;
	unsigned nprocesses = ops ? ops->process_count(cc->target) : 0;
	const char *text = "";

	for (size_t i = 0; i < r->missing.n; i++) {
		size_t first = 0;

		while (strcmp(all[first].point->text, all[i].point->text) != 0)
			first++;
		if (first == i)
			text = arena_printf(cc->arena, "%s%s%s", text, i ? ", " : "",
					    all[i].point->text);
	}
	if (nprocesses && !cc->options.pid)
		diag_note(cc, SPAN_NOWHERE, "looked into %u running processes for %s",
			  nprocesses, text);
	else
		diag_note(cc, SPAN_NOWHERE, "looked for %s", text);
}

/* Nothing there at all: one message for the whole program. */
static void report_nothing_found(struct resolver *r)
{
	struct compile *cc = r->cc;
	const struct missing *all = r->missing.items;
	bool has_hint = cc->plan->missing_hint;

	/* A script that has a hint knows better than its text what is missing. */
	diag(cc, DIAG_no_such_probe, has_hint ? SPAN_NOWHERE : all[0].point->span,
	     "nothing that %s traces is %s",
	     has_hint ? cc->source->name : "this program",
	     cc->options.pid ? arena_printf(cc->arena, "in process %d", cc->options.pid)
			     : "on this machine");
	if (has_hint)
		diag_hint(cc, "%s", cc->plan->missing_hint);
	if (r->missing.n == 1 && all[0].kind->explain)
		all[0].kind->explain(cc, &all[0].spec);
	note_looked_for(r);
}

static void report_missing(struct resolver *r)
{
	struct compile *cc = r->cc;
	enum diag_tag tag = DIAG_missing_probe;

	if (r->missing.n == 0)
		return;
	/* A program that expects some to be missing is told once that all are. */
	if (!found_something(r) && diag_ok(cc) &&
	    (cc->plan->missing_hint || cc->plan->missing_probes == MISSING_WARN)) {
		report_nothing_found(r);
		return;
	}
	switch (cc->plan->missing_probes) {
	case MISSING_IGNORE:
		return;
	case MISSING_ERROR:
		tag = DIAG_no_such_probe;
		break;
	case MISSING_WARN:
		break;
	}
	for (size_t i = 0; i < r->missing.n; i++) {
		const struct missing *m = &r->missing.items[i];

		/* An engine's other version, or one that is not there: see report_engines(). */
		if (m->clause->engine || m->has_else)
			continue;
		/* Beside others, a pattern says "if there are any". */
		bool any = found_something(r) && glob_is_pattern(m->point->text);

		diag(cc, any ? DIAG_missing_probe : tag, m->point->span,
		     "nothing on this machine matches '%s'", m->point->text);
		if (m->kind->explain)
			m->kind->explain(cc, &m->spec);
	}
}

/* What was looked for of each engine, one attach point each: all, or none, is there. */
static const char *engines_looked_for(const struct resolver *r)
{
	const char *text = "";

	for (const struct engine *e = r->cc->ast->engines; e; e = e->next)
		for (size_t i = 0; i < r->missing.n; i++) {
			const struct missing *m = &r->missing.items[i];

			if (m->clause->engine != e || !(m->kind->flags & PROBE_USER))
				continue;
			text = arena_printf(r->cc->arena, "%s%s%s", text,
					    *text ? ", " : "", m->point->text);
			break;
		}
	return text;
}

/* A program about engines, of which none is there. */
static void report_engines(struct resolver *r)
{
	if (!r->found_engine && r->cc->ast->engines && diag_ok(r->cc))
		engines_report_none(r->cc, engines_looked_for(r));
}

static bool engine_found(const struct compile *cc, const struct engine *engine)
{
	for (size_t i = 0; i < cc->plan->programs.n; i++) {
		const struct program_info *p = cc->plan->programs.items[i];

		if (p->clause->engine == engine && p->kind->flags & PROBE_USER)
			return true;
	}
	return false;
}

/*
 * What the pack of an engine that is not there does besides, at the end of threads for
 * example, has nothing to do.
 */
static void drop_absent_engines(struct compile *cc)
{
	size_t n = 0;

	for (size_t i = 0; i < cc->plan->programs.n; i++) {
		struct program_info *p = cc->plan->programs.items[i];

		if (!p->clause->engine || engine_found(cc, p->clause->engine))
			cc->plan->programs.items[n++] = p;
	}
	cc->plan->programs.n = n;
}

/*
 * A map may have its only writer in a clause for another machine: an engine that does
 * not run here, say. It is no mistake to read it.
 */
static void note_absent_writes(struct node *n, void *arg)
{
	const struct node *place = n->kind == NODE_ASSIGN ? n->assign.place
				   : n->kind == NODE_STEP ? n->step.place
							  : NULL;
	const struct compile *cc = arg;

	/* One that nothing else speaks of is not there at all. */
	for (size_t i = 0; place && place->kind == NODE_MAP && i < cc->plan->maps.n;
	     i++) {
		struct map_info *m = cc->plan->maps.items[i];

		if (m->name == place->map.name)
			m->written = m->absent_writer = true;
	}
	node_each_child(n, note_absent_writes, arg);
}

/* A walk through the kernel's objects is over when there are no more: others never are. */
static void check_alone(struct compile *cc)
{
	const struct program_info *alone = NULL, *other = NULL;

	for (size_t i = 0; i < cc->plan->programs.n; i++) {
		const struct program_info *p = cc->plan->programs.items[i];

		if (p->kind->flags & PROBE_ALONE && !alone)
			alone = p;
		else if (!(p->kind->flags & PROBE_ONCE))
			other = p;
	}
	if (!alone || !other)
		return;
	diag(cc, DIAG_probe_mixed, alone->point,
	     "beside %s there can be no other probe but BEGIN and END",
	     alone->sites[0].name);
	diag_note(cc, other->point, "here is one");
}

/* Clauses joined by else: the first that finds something is attached. */
static void resolve_clauses(struct resolver *r)
{
	struct compile *cc = r->cc;
	bool found = false;

	for (const struct clause *c = cc->ast->clauses; c; c = c->next) {
		size_t programs = cc->plan->programs.n, missing = r->missing.n;

		r->nclause++;
		found &= c->is_else;
		if (!engine_wanted(cc, c->engine))
			continue;
		if (found) {
			ARENA_PUSH(cc->arena, &r->unused, c);
			continue;
		}
		for (const struct attach_point *p = c->points; p; p = p->next)
			resolve_point(r, c, p);
		found = cc->plan->programs.n > programs;
		for (; missing < r->missing.n; missing++)
			/* Of several points, one that is there keeps the else away. */
			r->missing.items[missing].has_else =
				!found && c->next && c->next->is_else;
	}
}

bool resolve(struct compile *cc)
{
	struct resolver r = { .cc = cc };

	plan_get(cc);
	config_apply(cc);
	if (!script_options_collect(cc))
		return false;
	script_arguments_apply(cc);
	engine_filter_pid(cc);
	map_defs_apply(cc);
	if (!diag_ok(cc))
		return false;
	if (!cc->ast->clauses) {
		diag(cc, DIAG_empty_program, (struct span){ 0, 0 },
		     "the program has no probe");
		diag_hint(cc, "for example BEGIN { printf(\"hello\\n\"); exit(); }");
		return false;
	}
	resolve_clauses(&r);
	report_missing(&r);
	report_engines(&r);
	drop_absent_engines(cc);
	check_alone(cc);
	for (size_t i = 0; i < cc->plan->programs.n; i++)
		resolve_names(cc, cc->plan->programs.items[i]);
	for (size_t i = 0; i < r.missing.n; i++)
		note_absent_writes(r.missing.items[i].clause->body, cc);
	for (size_t i = 0; i < r.unused.n; i++)
		note_absent_writes(r.unused.items[i]->body, cc);
	return diag_ok(cc);
}
