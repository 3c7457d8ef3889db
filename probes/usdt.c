/* usdt: probes that a program's authors placed, with their arguments. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/compile.h"
#include "core/diag.h"
#include "parser/ast.h"
#include "probes/arch.h"
#include "probes/attach_user.h"
#include "probes/kinds.h"
#include "probes/point.h"
#include "probes/usdt_args.h"
#include "probes/vars.h"
#include "sema/sema.h"
#include "sema/target.h"

enum { USDT_ARGS = 12 }; /* what <sys/sdt.h> can place */

/*
 * BINARY:NAME, BINARY:PROVIDER:NAME; with -p, BINARY may be empty: the program and all
 * its libraries, and NAME alone will do.
 */
static bool parse_usdt(struct compile *cc, const struct attach_point *point,
		       const char *rest, struct probe_spec *out)
{
	const char *parts[POINT_PARTS];
	size_t n = point_split(cc, point, rest, parts);

	if (n == 0)
		return false;
	out->pid = cc->options.pid;
	out->object = n == 1 ? "" : parts[0];
	out->provider = n == 3 ? parts[1] : NULL;
	out->symbol = parts[n - 1];
	if (n > 3 || !*out->symbol || (out->provider && !*out->provider))
		return point_error(cc, point,
				   "expected BINARY:[PROVIDER:]NAME after the "
				   "first colon, found '%s'",
				   rest);
	if (n == 1 && strchr(rest, '/')) {
		point_error(cc, point, "'%s' names no probe", point->text);
		diag_hint(cc, "usdt:%s:* means all of this file", rest);
		return false;
	}
	if (!*out->object && !out->pid) {
		point_error(cc, point, "'%s' has no binary", point->text);
		diag_hint(cc,
			  "give a process with -p, or write usdt:*:%s%s%s for all "
			  "running programs",
			  out->provider ? out->provider : "", out->provider ? ":" : "",
			  out->symbol);
		return false;
	}
	return true;
}

/* A probe that the pattern means. */
struct noted {
	struct target_usdt probe;
	size_t order; /* in the file */
};

struct search {
	struct compile *cc;
	const struct probe_spec *pattern;
	const char *provider; /* NULL: any */
	probe_match_fn *match;
	void *arg;
	const char **what;
	const char *path;
	bool any; /* something was found */
	/* Those of one file. */
	struct noted *items;
	size_t n, cap;
};

static int collect(const struct target_usdt *u, void *arg)
{
	struct search *s = arg;
	struct arena *a = s->cc->arena;
	struct noted place = { .probe = *u, .order = s->n };

	if ((s->provider && !glob_match(s->provider, u->provider)) ||
	    !glob_match(s->pattern->symbol, u->name))
		return 0;
	place.probe.provider = arena_strdup(a, u->provider);
	place.probe.name = arena_strdup(a, u->name);
	place.probe.args = arena_strdup(a, u->args);
	ARENA_PUSH(a, s, place);
	return 0;
}

/* One probe may be noted several times: inlined code that was merged, or a linker that
 * kept the notes of code it dropped. */
static int compare_places(const void *a, const void *b)
{
	const struct noted *x = a, *y = b;
	int c = strcmp(x->probe.provider, y->probe.provider);

	if (!c)
		c = strcmp(x->probe.name, y->probe.name);
	if (c)
		return c;
	if (x->probe.address != y->probe.address)
		return x->probe.address < y->probe.address ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

static bool same_place(const struct noted *x, const struct noted *y)
{
	return x->probe.address == y->probe.address &&
	       strcmp(x->probe.name, y->probe.name) == 0 &&
	       strcmp(x->probe.provider, y->probe.provider) == 0;
}

static int find_symbol(const char *name, uint64_t *address, void *arg)
{
	struct search *s = arg;
	const struct target *t = s->cc->target;
	uint64_t size;

	return t->ops->symbol_address(t, s->path, name, address, &size);
}

/* How far behind its note's instruction a probe costs less, in bytes. */
static size_t skip_nop(const struct search *s, const struct target_usdt *u)
{
	const struct target *t = s->cc->target;
	uint8_t code[16];
	size_t n, size = sizeof(code);
	uint64_t offset;

	if (!t->ops->code || t->ops->code(t, s->path, u->address, &offset, code, &size))
		return 0;
	n = arch_native->note_skip(code, size);
	return n && t->ops->has(t, FEATURE_UPROBE_NOP5) ? n : 0;
}

static int report_place(struct search *s, const struct target_usdt *u)
{
	struct arena *a = s->cc->arena;
	struct usdt_site operands = {
		.arch = arch_native,
		.address = u->address,
		.symbol = find_symbol,
		.arg = s,
	};
	struct probe_layout layout = usdt_args_parse(a, u->args, &operands);
	struct probe_site site = {
		.name = arena_printf(a, "usdt:%s:%s:%s", s->path, u->provider, u->name),
		.path = s->path,
		.offset = u->offset + skip_nop(s, u),
		.semaphore = u->semaphore_offset,
		.pid = s->pattern->pid,
		.elsewhere = point_elsewhere(s->cc, s->path, s->pattern->pid),
	};

	s->any = true;
	return s->match(&site, &layout, s->arg);
}

static int search_file(struct search *s, const char *path)
{
	const struct target *t = s->cc->target;
	int err;
	size_t i;

	s->path = path;
	s->items = NULL;
	s->n = s->cap = 0;
	*s->what = path;
	err = t->ops->usdt(t, path, collect, s);
	if (err)
		return err;
	if (s->n > 0)
		qsort(s->items, s->n, sizeof(*s->items), compare_places);
	for (i = 0; i < s->n && !err; i++)
		if (i == 0 || !same_place(&s->items[i - 1], &s->items[i]))
			err = report_place(s, &s->items[i].probe);
	return err;
}

static int search_files(struct search *s, const struct probe_spec *files_of)
{
	struct point_files files = { 0 };
	bool many = glob_is_pattern(files_of->object) || !*files_of->object;
	int err = point_files(s->cc, files_of, &files, s->what);
	size_t i;

	for (i = 0; i < files.n && !err; i++) {
		err = search_file(s, files.items[i]);
		/* Not every file of a process is ours to read, or still there. */
		if (many && (err == -ENOEXEC || err == -ENOENT || err == -EACCES))
			err = 0;
	}
	return err;
}

/* "usdt:WORD:NAME" with -p: WORD may be a file of the process, or else a provider. */
static bool may_be_provider(const struct probe_spec *p)
{
	return p->pid && !p->provider && *p->object && !strchr(p->object, '/');
}

static int expand_usdt(struct compile *cc, const struct probe_spec *pattern,
		       probe_match_fn *match, void *arg, const char **what)
{
	struct probe_spec all = { .object = "", .pid = pattern->pid };
	struct search s = {
		.cc = cc,
		.pattern = pattern,
		.provider = pattern->provider,
		.match = match,
		.arg = arg,
		.what = what,
	};
	int err = search_files(&s, pattern);

	if (err || s.any || !may_be_provider(pattern))
		return err;
	s.provider = pattern->object;
	return search_files(&s, &all);
}

struct explanation {
	struct point_guess guess;
	bool with_provider;
	size_t nprobes;
};

static int explain_probe(const struct target_usdt *u, void *arg)
{
	struct explanation *x = arg;
	char name[512];

	x->nprobes++;
	snprintf(name, sizeof(name), "%s%s%s", x->with_provider ? u->provider : "",
		 x->with_provider ? ":" : "", u->name);
	point_guess(&x->guess, name);
	return 0;
}

static void explain_usdt(struct compile *cc, const struct probe_spec *pattern)
{
	const struct target *t = cc->target;
	struct explanation x = { .guess.cc = cc, .with_provider = pattern->provider };
	struct point_files files = { 0 };
	const char *what;

	if (point_files(cc, pattern, &files, &what) < 0)
		return;
	if (!may_be_provider(pattern) && point_explain_files(cc, pattern, &files))
		return;
	if (files.n != 1) {
		diag_hint(cc, "none of the %zu files looked at has such a probe",
			  files.n);
		return;
	}
	x.guess.near.word = pattern->symbol;
	if (pattern->provider)
		x.guess.near.word = arena_printf(cc->arena, "%s:%s", pattern->provider,
						 pattern->symbol);
	t->ops->usdt(t, files.items[0], explain_probe, &x);
	if (x.nprobes == 0)
		diag_hint(cc, "%s was built without USDT probes", files.items[0]);
	else if (x.guess.near.best)
		diag_hint(cc, "did you mean '%s'?", x.guess.near.best);
	else
		diag_hint(cc, "memql -l %s lists the %zu probes that it has",
			  files.items[0], x.nprobes);
}

static int attach_usdt(struct session *s, const struct image_program *p,
		       struct bpf_program *prog, const struct probe_site **failed)
{
	return attach_user(s, p, prog, false, failed);
}

#define ARG(n)                                                                         \
	{                                                                              \
		.name = "arg" #n,                                                      \
		.kind = BUILTIN_VALUE,                                                 \
		.flags = BUILTIN_ARGUMENT,                                             \
		.returns = { .kind = TYPE_INT, .size = 8 },                            \
		.summary = "argument " #n " of the probe, counted from 0",             \
		.doc = "With the size and sign that the program's authors gave it; "   \
		       "`memql -lv usdt:...` lists them. Read text with str().",       \
		.example = "usdt:*:*:query__start { @[arg" #n "] = count(); }",        \
		.check = vars_check,                                                   \
		.emit = vars_emit,                                                     \
	}

static const struct builtin usdt_vars[] = {
	ARG(0), ARG(1), ARG(2), ARG(3),  ARG(4),  ARG(5), ARG(6),
	ARG(7), ARG(8), ARG(9), ARG(10), ARG(11), { 0 },
};

_Static_assert(sizeof(usdt_vars) / sizeof(usdt_vars[0]) == USDT_ARGS + 1,
	       "one row for each argument");

static const struct probe_lack usdt_lacks[] = {
	{ "args", "the notes that describe its arguments have no names for them",
	  "arg0 is the first one" },
	{ 0 },
};

const struct probe_kind probe_usdt = {
	.name = "usdt",
	.alias = "U",
	.syntax = "usdt:BINARY:[PROVIDER:]NAME",
	.summary = "a probe that a program's authors placed",
	.doc = "BINARY is as in uprobe, or a pattern: * stands for every running program. "
	       "PROVIDER and NAME may hold * and ?. With -p, only that process is "
	       "probed, * includes its libraries, and BINARY may be empty: "
	       "usdt::PROVIDER:NAME. A probe with a semaphore is switched on while memql "
	       "is attached.",
	.example = "usdt:*:postgresql:query__start { printf(\"%s\\n\", str(arg0)); }",
	.flags = PROBE_PREEMPTIBLE | PROBE_CAN_SLEEP | PROBE_USER | PROBE_SYSTEM_WIDE |
		 PROBE_REGISTERS | PROBE_OF_PROCESS,
	.of_file = "*",
	.section = "uprobe",
	.event_ns = 500,
	.vars = usdt_vars,
	.siblings = { &probe_uretprobe },
	.lacks = usdt_lacks,
	.parse = parse_usdt,
	.expand = expand_usdt,
	.explain = explain_usdt,
	.prepare = prepare_user,
	.attach = attach_usdt,
};
