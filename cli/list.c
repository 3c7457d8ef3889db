#include "cli/list.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/list_types.h"
#include "core/arena.h"
#include "core/compile.h"
#include "core/diag.h"
#include "parser/ast.h"
#include "probes/probe.h"
#include "sema/plan.h"

struct listing {
	struct compile *cc;
	FILE *out;
	bool args;
	const char *only; /* a glob that names must match, or NULL */
	size_t n;
	/* The last one: sites of one probe with the same arguments are one entry. */
	const char *name;
	struct probe_layout layout;
};

static bool same_layout(const struct probe_layout *a, const struct probe_layout *b)
{
	size_t i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++)
		if (!type_equal(a->fields[i].type, b->fields[i].type) ||
		    (a->fields[i].at.kind == LOC_UNREADABLE) !=
			    (b->fields[i].at.kind == LOC_UNREADABLE))
			return false;
	return true;
}

static void print_layout(struct listing *l, const struct probe_layout *layout)
{
	size_t i;

	for (i = 0; i < layout->n; i++) {
		const struct probe_field *f = &layout->fields[i];

		if (f->hidden)
			continue;
		if (f->name)
			fprintf(l->out, "    %s", f->name);
		else
			fprintf(l->out, "    arg%zu", i);
		if (f->at.kind == LOC_UNREADABLE)
			fprintf(l->out, "  (%s)\n", f->at.why);
		else
			fprintf(l->out, "  %s\n", type_text(l->cc->arena, f->type));
	}
}

/* A pattern without a kind is matched with what follows any colon, too. */
static bool name_matches(const char *pattern, const char *name)
{
	while (name && !glob_match(pattern, name)) {
		name = strchr(name, ':');
		name = name ? name + 1 : NULL;
	}
	return name;
}

static int print_site(const struct probe_site *site, const struct probe_layout *layout,
		      void *arg)
{
	struct listing *l = arg;

	if (l->only && !name_matches(l->only, site->name))
		return 0;
	l->n++;
	if (l->name && strcmp(l->name, site->name) == 0 &&
	    (!l->args || same_layout(&l->layout, layout)))
		return 0;
	l->name = arena_strdup(l->cc->arena, site->name);
	l->layout = *layout;
	fprintf(l->out, "%s\n", site->name);
	if (l->args && site->dear && site->cheaper)
		fprintf(l->out,
			"    (dear: the kernel steps over the instruction there, each time; "
			"at %s+%u it\n    would not, but arguments may have changed there)\n",
			site->func, site->cheaper);
	else if (l->args && site->dear)
		fputs("    (dear: the kernel steps over the instruction there, each time)\n",
		      l->out);
	if (l->args)
		print_layout(l, layout);
	return 0;
}

/* An attach point that did not come from a program has no place in one. */
static const struct attach_point *make_point(struct compile *cc, const char *text)
{
	struct attach_point *point = ARENA_NEW(cc->arena, struct attach_point);

	point->text = text;
	return point;
}

/* False after an error was recorded. */
static bool list_point(struct listing *l, const struct probe_kind **kind,
		       struct probe_spec *spec, const char *text)
{
	const struct attach_point *point = make_point(l->cc, text);
	const char *what = NULL;
	int err;

	*kind = probe_parse(l->cc, point, spec);
	if (!*kind)
		return false;
	err = (*kind)->expand(l->cc, spec, print_site, l, &what);
	if (err >= 0)
		return true;
	diag(l->cc, DIAG_no_such_probe, point->span, "cannot read %s: %s",
	     what ? what : text,
	     err == -ENOEXEC ? "not an ELF file for this machine" : strerror(-err));
	if ((err == -EACCES || err == -EPERM) && geteuid())
		diag_hint(l->cc, "memql must run as root: try sudo");
	else if (err == -ENOENT && (*kind)->explain)
		(*kind)->explain(l->cc, spec);
	return false;
}

static size_t colons(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == ':';
	return n;
}

static int list_pattern(struct listing *l, const char *pattern);

/*
 * tracepoint:sched* and uprobe:*: with fewer parts than its kind has, a pattern is
 * matched with whole names. False: it is an attach point like those of programs.
 */
static bool list_short(struct listing *l, const char *pattern, int *result)
{
	size_t len = strcspn(pattern, ":");
	const char *rest = pattern + len + 1, *all;
	const struct probe_kind *kind =
		probe_find(arena_strndup(l->cc->arena, pattern, len));

	if (!kind || l->only || (*rest && !glob_is_pattern(rest)))
		return false;
	all = kind->all                             ? kind->all
	      : l->cc->options.pid && kind->of_file ? "*:*"
						    : NULL;
	if (!all || colons(rest) >= colons(all))
		return false;
	l->only = arena_printf(l->cc->arena, "%s:%s", kind->name, *rest ? rest : "*");
	*result = list_pattern(l, arena_printf(l->cc->arena, "%s:%s", kind->name, all));
	return true;
}

static int list_pattern(struct listing *l, const char *pattern)
{
	const struct probe_kind *kind;
	struct probe_spec spec;
	int result;

	if (list_short(l, pattern, &result))
		return result;
	if (!list_point(l, &kind, &spec, pattern))
		return -1;
	if (l->n > 0)
		return 0;
	diag(l->cc, DIAG_no_such_probe, (struct span){ 0 }, "nothing matches '%s'",
	     l->only ? l->only : pattern);
	if (kind->explain)
		kind->explain(l->cc, &spec);
	return -1;
}

/* Everything in a file, or with "*" in the process: what kinds with this flag have. */
static int list_file(struct listing *l, const char *file, unsigned flag)
{
	const struct probe_kind *const *k;
	const struct probe_kind *kind;
	struct probe_spec spec;

	for (k = probe_kinds; *k; k++) {
		if (!(*k)->of_file || ((*k)->flags & flag) != flag)
			continue;
		if (!list_point(l, &kind, &spec,
				arena_printf(l->cc->arena, "%s:\"%s\":%s", (*k)->name,
					     file, (*k)->of_file)))
			return -1;
	}
	if (l->n > 0)
		return 0;
	diag(l->cc, DIAG_no_such_probe, (struct span){ 0 }, "%s has no probe%s%s%s",
	     l->cc->options.pid ? "the process" : file, l->only ? " '" : "s",
	     l->only ? l->only : "", l->only ? "'" : "");
	return -1;
}

static void print_syntax(struct listing *l, const struct probe_kind *kind)
{
	if (l->only && !glob_match(l->only, kind->name))
		return;
	fprintf(l->out, "%s\n", kind->syntax);
	l->n++;
}

/* GROUP:EVENT or a mistyped kind: the latter is likelier where nothing matches. */
static int nothing_matches(struct listing *l)
{
	const struct probe_kind *kind;
	struct probe_spec spec;

	if (strchr(l->only, ':')) {
		list_point(l, &kind, &spec, l->only);
		return -1;
	}
	diag(l->cc, DIAG_no_such_probe, (struct span){ 0 },
	     "no probe's name matches '%s'", l->only);
	diag_hint(l->cc, "for programs give a file, or an attach point such as "
			 "uprobe:libc:mal*");
	return -1;
}

/* Kinds with nothing to enumerate show how they are written. */
static int list_all(struct listing *l)
{
	const struct probe_kind *const *k;
	const struct probe_kind *kind;
	struct probe_spec spec;
	int result = 0;

	for (k = probe_kinds; *k; k++) {
		if (!(*k)->all) {
			print_syntax(l, *k);
			continue;
		}
		if (!list_point(
			    l, &kind, &spec,
			    arena_printf(l->cc->arena, "%s:%s", (*k)->name, (*k)->all)))
			result = -1;
	}
	if (!result && l->only && l->n == 0)
		return nothing_matches(l);
	return result;
}

static bool has_kind(const struct listing *l, const char *pattern)
{
	size_t len = strcspn(pattern, ":");

	return probe_find(arena_strndup(l->cc->arena, pattern, len));
}

/* With a process, a name without a kind may be that of any of its functions. */
static int list_by_name(struct listing *l, const char *pattern)
{
	l->only = glob_is_pattern(pattern)
			  ? pattern
			  : arena_printf(l->cc->arena, "*%s*", pattern);
	return l->cc->options.pid ? list_file(l, "*", 0) : list_all(l);
}

int list_probes(struct compile *cc, const char *pattern, bool args, FILE *out)
{
	struct listing l = { .cc = cc, .out = out, .args = args };

	if (!pattern)
		return cc->options.pid ? list_file(&l, "*", PROBE_OF_PROCESS)
				       : list_all(&l);
	if (list_is_types(pattern))
		return list_types(cc, pattern, args, out);
	if (access(pattern, F_OK) == 0)
		return list_file(&l, pattern, 0);
	if (strchr(pattern, ':') && has_kind(&l, pattern))
		return list_pattern(&l, pattern);
	if (strchr(pattern, '/')) {
		diag(cc, DIAG_no_such_probe, (struct span){ 0 },
		     "there is no file '%s'", pattern);
		return -1;
	}
	return list_by_name(&l, pattern);
}

void list_program(const struct compile *cc, FILE *out)
{
	const struct plan *plan = cc->plan;

	for (size_t i = 0; i < plan->programs.n; i++)
		for (size_t j = 0; j < plan->programs.items[i]->nsites; j++)
			fprintf(out, "%s\n", plan->programs.items[i]->sites[j].name);
}
