/*
 * Each event is tried in a program of its own, "query:done { print(args); }": what that
 * would attach to says which engines fire it, and what it would print has the types.
 */
#include "cli/list_events.h"

#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/compile.h"
#include "parser/ast.h"
#include "probes/probe.h"
#include "sema/sema.h"

bool list_means_events(const char *pattern)
{
	char kind[32];
	size_t len = strcspn(pattern, ":");

	snprintf(kind, sizeof(kind), "%.*s", (int)len, pattern);
	return pattern[len] && len && !strpbrk(kind, "*?/") && !probe_find(kind);
}

/* A program that reads all that an event gives, as far as it can be resolved. */
static bool try_event(struct compile *cc, const char *name)
{
	const char *text = arena_printf(cc->arena, "%s { print(args); }", name);

	cc->source = source_new(cc->arena, "<-l>", text, (uint32_t)strlen(text));
	return parse(cc) && expand(cc) && resolve(cc);
}

/* Probes of PROGRAM//LIBRARY are the engine's, but the library's file is not. */
static bool is_in_library(const struct compile *cc, const struct program_info *p)
{
	return memmem(source_text(cc->source, p->point), p->point.end - p->point.begin,
		      "//", 2) != NULL;
}

/* Whether a program before the i-th, or a site before the k-th of it, is in this file. */
static bool is_told(const struct plan *plan, const struct engine *engine, size_t i,
		    size_t k, const char *path)
{
	for (size_t p = 0; p <= i; p++) {
		const struct program_info *before = plan->programs.items[p];
		const size_t n = p == i ? k : before->nsites;

		if (before->clause->engine != engine)
			continue;
		for (size_t s = 0; s < n; s++)
			if (before->sites[s].path &&
			    strcmp(before->sites[s].path, path) == 0)
				return true;
	}
	return false;
}

int engines_each(const struct compile *cc,
		 void (*found)(const char *engine, const char *path, void *arg),
		 void *arg)
{
	int n = 0;

	for (size_t i = 0; i < cc->plan->programs.n; i++) {
		const struct program_info *p = cc->plan->programs.items[i];
		const struct engine *engine = p->clause->engine;

		if (!engine || is_in_library(cc, p))
			continue;
		for (size_t k = 0; k < p->nsites; k++) {
			const char *path = p->sites[k].path;

			if (!path || is_told(cc->plan, engine, i, k, path))
				continue;
			found(engine->name, path, arg);
			n++;
		}
	}
	return n;
}

bool engines_resolve(struct compile *cc)
{
	return try_event(cc, "query:done");
}

static void print_arguments(struct compile *cc, FILE *out)
{
	const struct record_type *r;

	if (!infer(cc) || !fold(cc) || !plan(cc) || !cc->plan->actions.n)
		return;
	if (cc->plan->actions.items[0]->args[0]->kind != TYPE_TUPLE)
		return;
	r = cc->plan->actions.items[0]->args[0]->record;
	for (size_t i = 0; i < r->n; i++)
		fprintf(out, "    %s  %s\n", r->members[i].name,
			type_text(cc->arena, r->members[i].type));
}

struct listing {
	struct compile *cc;
	const char *pattern;
	bool args;
	FILE *out;
	unsigned matching, found;
	bool forbidden;    /* what runs cannot be seen */
	const char *event; /* that is being looked at */
};

static void print_engine(const char *engine, const char *path, void *arg)
{
	const struct listing *l = arg;

	fprintf(l->out, "%-16s %-12s %s\n", l->event, engine, path);
}

static void list_event(const char *name, void *arg)
{
	struct listing *l = arg;
	struct compile *cc;

	if (!glob_match(l->pattern, name))
		return;
	l->matching++;
	l->event = name;
	cc = compile_new(l->cc->target, &l->cc->options);
	if (try_event(cc, name) && engines_each(cc, print_engine, l)) {
		l->found++;
		if (l->args)
			print_arguments(cc, l->out);
	}
	l->forbidden |= cc->plan && cc->plan->forbidden;
	compile_free(cc);
}

int list_events(struct compile *cc, const char *pattern, bool args, FILE *out)
{
	struct listing l = { .cc = cc, .pattern = pattern, .args = args, .out = out };

	cc->source = source_new(cc->arena, "<-l>", "", 0);
	if (!cc->options.packs)
		return 0;
	if (!parse(cc) || !parse_packs(cc, cc->options.packs))
		return -1;
	events_each(cc, list_event, &l);
	if (l.forbidden) {
		diag(cc, DIAG_no_engine, SPAN_NOWHERE,
		     "cannot look for engines: Permission denied");
		diag_hint(cc, "memql must run as root: try sudo");
		return -1;
	}
	if (l.matching && !l.found) {
		diag(cc, DIAG_no_engine, SPAN_NOWHERE,
		     "no engine that fires '%s' runs here", pattern);
		if (geteuid())
			diag_hint(cc, "only root sees the programs of all users: try "
				      "sudo");
	}
	return l.found ? 1 : l.matching ? -1 : 0;
}
