/* uprobe, uretprobe: the start, an instruction or the return of a user function. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/compile.h"
#include "core/diag.h"
#include "parser/ast.h"
#include "probes/arch.h"
#include "probes/attach_user.h"
#include "probes/function.h"
#include "probes/kinds.h"
#include "probes/point.h"
#include "probes/registers.h"
#include "probes/vars.h"
#include "sema/target.h"

/* Go moves stacks, and return addresses with them: the kernel's trampoline for return
 * probes would crash the program. */
static const char go_section[] = ".go.buildinfo";

/* "FUNC", "FUNC+8", "0x1234": fills symbol and number. */
static bool parse_place(struct compile *cc, const struct attach_point *point,
			const char *place, struct probe_spec *out)
{
	const char *plus = strrchr(place, '+');

	if (point_number(place, &out->number))
		return true;
	out->symbol = place;
	/* "operator+" is a name: only a number after the sign makes it an offset. */
	if (!plus || plus == place || !point_number(plus + 1, &out->number))
		return true;
	out->symbol = arena_strndup(cc->arena, place, (size_t)(plus - place));
	if (glob_is_pattern(out->symbol))
		return point_error(cc, point, "an offset needs one function, not '%s'",
				   out->symbol);
	return true;
}

static bool parse_uprobe(struct compile *cc, const struct attach_point *point,
			 const char *rest, struct probe_spec *out)
{
	const char *parts[POINT_PARTS];
	size_t n = point_split(cc, point, rest, parts);

	if (n == 0)
		return false;
	if (n == 3 && strcmp(parts[1], "cpp") == 0) {
		diag(cc, DIAG_unsupported, point->span,
		     "C++ names are not in memql yet: write the mangled name");
		return false;
	}
	if (n != 2 || (!*parts[0] && !cc->options.pid) || !*parts[1])
		return point_error(cc, point,
				   "expected BINARY:FUNCTION after the first "
				   "colon, found '%s'",
				   rest);
	out->object = parts[0];
	out->pid = cc->options.pid;
	return parse_place(cc, point, parts[1], out);
}

static bool parse_uretprobe(struct compile *cc, const struct attach_point *point,
			    const char *rest, struct probe_spec *out)
{
	if (!parse_uprobe(cc, point, rest, out))
		return false;
	if (out->number)
		return point_error(cc, point,
				   "a uretprobe needs a function's name: a "
				   "place within one does not return");
	return true;
}

/* Of so many functions of a file it is looked for, each: nobody chooses among more. */
enum { CHEAPER_MAX = 64 };

struct search {
	struct compile *cc;
	const struct probe_spec *pattern;
	const struct probe_kind *kind;
	bool returns;
	struct probe_layout layout;
	probe_match_fn *match;
	void *arg;
	const char **what;
	const char *path;
	/* Those of one file. */
	struct function *items;
	size_t n, cap;
};

/* NAME, or NAME@VERSION and NAME@@VERSION; without a version the default one. */
static bool symbol_matches(const char *pattern, const struct target_symbol *s)
{
	const char *at = strchr(pattern, '@');
	size_t len = at ? (size_t)(at - pattern) : 0;

	if (!at)
		return s->is_default && glob_match(pattern, s->name);
	if (strlen(s->name) != len || memcmp(s->name, pattern, len) != 0)
		return false;
	return s->version && strcmp(s->version, at + (at[1] == '@' ? 2 : 1)) == 0;
}

static int collect(const struct target_symbol *sym, void *arg)
{
	struct search *s = arg;
	struct function f = {
		.address = sym->address,
		.offset = sym->offset,
		.size = sym->size,
	};

	if (sym->why || !symbol_matches(s->pattern->symbol, sym))
		return 0;
	f.name = arena_strdup(s->cc->arena, sym->name);
	ARENA_PUSH(s->cc->arena, s, f);
	return 0;
}

static size_t underscores(const char *name)
{
	return strspn(name, "_");
}

/* By address; of several names of one place, the one that people use comes first. */
static int compare_functions(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	if (underscores(x->name) != underscores(y->name))
		return underscores(x->name) < underscores(y->name) ? -1 : 1;
	return strcmp(x->name, y->name);
}

static bool is_dear(const struct search *s, uint64_t address)
{
	const struct target *t = s->cc->target;
	uint8_t code[16]; /* no instruction is longer */
	size_t size = sizeof(code);
	uint64_t offset;

	return t->ops->code &&
	       !t->ops->code(t, s->path, address, &offset, code, &size) &&
	       !arch_native->is_cheap(code, size);
}

/*
 * Where an instruction begins: the offset in the file of what is at the address.
 * start: the function that begins there, or NULL.
 */
static int report_site(struct search *s, const char *func, uint64_t offset,
		       uint64_t address, const struct function *start)
{
	struct arena *a = s->cc->arena;
	const struct probe_spec *p = s->pattern;
	struct probe_site site = {
		.func = func,
		.path = s->path,
		.offset = offset,
		.pid = p->pid,
		.elsewhere = point_elsewhere(s->cc, s->path, p->pid),
		.dear = is_dear(s, address),
	};
	const char *name = s->kind->name;

	if (site.dear && start && !s->returns && s->n <= CHEAPER_MAX)
		site.cheaper =
			(uint32_t)function_cheaper(s->cc->target, s->path, start);
	/* A version is shown if it was asked for. */
	if (p->symbol && strchr(p->symbol, '@'))
		func = p->symbol;
	if (!p->symbol)
		site.name = arena_printf(a, "%s:%s:0x%llx", name, s->path,
					 (unsigned long long)p->number);
	else if (p->number)
		site.name = arena_printf(a, "%s:%s:%s+%llu", name, s->path, func,
					 (unsigned long long)p->number);
	else
		site.name = arena_printf(a, "%s:%s:%s", name, s->path, func);
	return s->match(&site, &s->layout, s->arg);
}

static int report_functions(struct search *s)
{
	const struct target *t = s->cc->target;
	uint64_t within = s->pattern->number, before, after;
	size_t i;

	if (s->n > 0)
		qsort(s->items, s->n, sizeof(*s->items), compare_functions);
	for (i = 0; i < s->n; i++) {
		const struct function *f = &s->items[i];
		uint64_t at;
		int err;

		if (i > 0 && f->address == f[-1].address)
			continue;
		if (within &&
		    (within >= f->size ||
		     !function_begins_insn(t, s->path, f, within, &before, &after)))
			continue;
		at = within ? within : function_skip_entry(t, s->path, f);
		err = report_site(s, f->name, f->offset + at, f->address + at,
				  at ? NULL : f);
		if (err)
			return err;
	}
	return 0;
}

/* An address as linked. */
static int search_address(struct search *s)
{
	const struct target *t = s->cc->target;
	uint64_t address = s->pattern->number, offset, before, after;
	struct function f;
	size_t none = 0;
	int err;

	if (!t->ops->code)
		return 0;
	err = t->ops->code(t, s->path, address, &offset, NULL, &none);
	if (err)
		return err == -ERANGE ? 0 : err;
	err = function_around(s->cc, s->path, address, &f);
	if (err < 0)
		return err;
	if (f.name &&
	    !function_begins_insn(t, s->path, &f, address - f.address, &before, &after))
		return 0;
	if (f.name && address == f.address)
		s->layout = registers_entry(s->cc->arena);
	return report_site(s, f.name, offset, address, NULL);
}

static int search_file(struct search *s, const char *path)
{
	const struct target *t = s->cc->target;
	int err;

	s->path = path;
	s->items = NULL;
	s->n = s->cap = 0;
	*s->what = path;
	if (!s->pattern->symbol)
		return search_address(s);
	if (s->returns && t->ops->has_section &&
	    t->ops->has_section(t, path, go_section))
		return 0;
	err = t->ops->symbols(t, path, collect, s);
	return err ? err : report_functions(s);
}

static int search_files(struct search *s)
{
	struct point_files files = { 0 };
	bool many = glob_is_pattern(s->pattern->object) || !*s->pattern->object;
	int err = point_files(s->cc, s->pattern, &files, s->what);
	size_t i;

	for (i = 0; i < files.n && !err; i++) {
		err = search_file(s, files.items[i]);
		/* What a pattern happens to match may be a script, or gone. */
		if (many && (err == -ENOEXEC || err == -ENOENT || err == -EACCES))
			err = 0;
	}
	return err;
}

static int expand_uprobe(struct compile *cc, const struct probe_spec *pattern,
			 probe_match_fn *match, void *arg, const char **what)
{
	struct search s = {
		.cc = cc,
		.pattern = pattern,
		.kind = &probe_uprobe,
		.match = match,
		.arg = arg,
		.what = what,
	};

	s.layout = pattern->number ? registers_inside(cc->arena)
				   : registers_entry(cc->arena);
	return search_files(&s);
}

static int expand_uretprobe(struct compile *cc, const struct probe_spec *pattern,
			    probe_match_fn *match, void *arg, const char **what)
{
	struct search s = {
		.cc = cc,
		.pattern = pattern,
		.kind = &probe_uretprobe,
		.returns = true,
		.match = match,
		.arg = arg,
		.what = what,
	};

	s.layout = registers_return(cc->arena);
	return search_files(&s);
}

struct explanation {
	struct point_guess guess;
	const char *path;
	size_t nsymbols;
	const char *why;       /* a function of this name, that no probe can sit on */
	struct function found; /* the function, if it has this name exactly */
};

static int explain_symbol(const struct target_symbol *sym, void *arg)
{
	struct explanation *x = arg;

	x->nsymbols++;
	if (strcmp(sym->name, x->guess.near.word) == 0) {
		if (sym->why) {
			x->why = sym->why;
		} else if (sym->size > x->found.size) {
			x->found.address = sym->address;
			x->found.size = sym->size;
		}
	}
	if (!sym->why)
		point_guess(&x->guess, sym->name);
	return 0;
}

/* Why there is no probe at an offset of a function that exists. */
static void explain_place(struct compile *cc, const char *path,
			  const struct function *f, uint64_t within)
{
	uint64_t before, after;

	if (within >= f->size)
		diag_hint(cc, "'%s' has %" PRIu64 " bytes", f->name, f->size);
	else if (!function_begins_insn(cc->target, path, f, within, &before, &after))
		diag_hint(
			cc,
			"no instruction begins there, a probe would break the program: "
			"the nearest are %s+%" PRIu64 " and %s+%" PRIu64,
			f->name, before, f->name, after);
}

static void explain_function(struct compile *cc, const struct probe_spec *pattern,
			     struct explanation *x)
{
	const char *name = x->guess.near.word;

	x->found.name = name;
	if (x->found.size && pattern->number)
		explain_place(cc, x->path, &x->found, pattern->number);
	else if (x->why)
		diag_hint(cc, "'%s' %s", name, x->why);
	else if (x->nsymbols == 0)
		diag_hint(cc, "%s names no functions: it is stripped", x->path);
	else if (!glob_is_pattern(name) && x->guess.near.best)
		diag_hint(cc, "did you mean '%s'?", x->guess.near.best);
	else
		diag_hint(
			cc,
			"%s has no such function among the %zu it names; a static one "
			"is gone once a file is stripped",
			x->path, x->nsymbols);
}

static void explain_address(struct compile *cc, const char *path, uint64_t address)
{
	struct function f;

	if (function_around(cc, path, address, &f) == 0 && f.name)
		explain_place(cc, path, &f, address - f.address);
	else
		diag_hint(cc, "no executable segment of %s has this address", path);
}

static void explain_uprobe(struct compile *cc, const struct probe_spec *pattern)
{
	const struct target *t = cc->target;
	struct explanation x = { .guess.cc = cc };
	struct point_files files = { 0 };
	const char *what;
	size_t i;

	if (point_files(cc, pattern, &files, &what) < 0 ||
	    point_explain_files(cc, pattern, &files))
		return;
	x.path = files.items[0];
	if (!pattern->symbol) {
		explain_address(cc, x.path, pattern->number);
		return;
	}
	x.guess.near.word = arena_strndup(cc->arena, pattern->symbol,
					  strcspn(pattern->symbol, "@"));
	for (i = 0; i < files.n; i++)
		t->ops->symbols(t, files.items[i], explain_symbol, &x);
	explain_function(cc, pattern, &x);
}

static void explain_uretprobe(struct compile *cc, const struct probe_spec *pattern)
{
	const struct target *t = cc->target;
	struct point_files files = { 0 };
	const char *what;
	size_t i;

	point_files(cc, pattern, &files, &what);
	for (i = 0; i < files.n && t->ops->has_section; i++) {
		if (!t->ops->has_section(t, files.items[i], go_section))
			continue;
		diag_hint(cc,
			  "%s is a Go program: Go moves its stacks, so a return "
			  "probe would crash it; use a uprobe",
			  files.items[i]);
		return;
	}
	explain_uprobe(cc, pattern);
}

static int attach_uprobe(struct session *s, const struct image_program *p,
			 struct bpf_program *prog, const struct probe_site **failed)
{
	return attach_user(s, p, prog, false, failed);
}

static int attach_uretprobe(struct session *s, const struct image_program *p,
			    struct bpf_program *prog, const struct probe_site **failed)
{
	return attach_user(s, p, prog, true, failed);
}

static const struct builtin uprobe_vars[] = {
	VARS_REGISTERS("uprobe:libc:malloc", "Floating point arguments do not count."),
	{ 0 },
};

static const struct builtin uretprobe_vars[] = {
	VARS_RETVAL("uretprobe:libc:malloc { @failed[retval == 0] = count(); }"),
	{ 0 },
};

static const struct probe_lack user_lacks[] = {
	{ "args",
	  "the types of a program's functions are in its debugging information (DWARF), "
	  "which memql does not read yet",
	  "arg0, arg1, ... are numbers; a struct NAME that the program defines is read by "
	  "((struct NAME *)arg0)->member" },
	{ 0 },
};

const struct probe_kind probe_uprobe = {
	.name = "uprobe",
	.alias = "u",
	.syntax = "uprobe:BINARY:FUNCTION[+OFFSET] | uprobe:BINARY:0xADDRESS",
	.summary = "a function of a program or library is called",
	.doc = "BINARY is a path, a program on PATH or a library (libc, libpq.so.5); "
	       "PROGRAM//LIBRARY is that library of the processes that run the program, "
	       "which may be a pattern such as */postgres. "
	       "FUNCTION may hold * and ?, and a version (NAME@VERSION, else the default "
	       "one). With an offset the probe is within the function: it must be where "
	       "an instruction begins. An address is one as linked, as nm prints it. "
	       "With -p, only that process is probed.",
	.example = "uprobe:libc:malloc { @bytes = hist(arg0); }",
	.flags = PROBE_PREEMPTIBLE | PROBE_CAN_SLEEP | PROBE_USER | PROBE_SYSTEM_WIDE |
		 PROBE_REGISTERS,
	.of_file = "*",
	.section = "uprobe",
	.event_ns = 550,
	.c_section = "uprobe",
	.vars = uprobe_vars,
	.siblings = { &probe_uretprobe },
	.lacks = user_lacks,
	.parse = parse_uprobe,
	.expand = expand_uprobe,
	.explain = explain_uprobe,
	.prepare = prepare_user,
	.attach = attach_uprobe,
};

const struct probe_kind probe_uretprobe = {
	.name = "uretprobe",
	.alias = "ur",
	.syntax = "uretprobe:BINARY:FUNCTION",
	.summary = "a function of a program or library returns",
	.doc = "BINARY and FUNCTION as in uprobe; `retval` is what it returns. Calls that "
	       "began before the probe was attached are not seen. Not for Go programs: "
	       "they move their stacks.",
	.example = "uretprobe:libc:malloc { @failed[retval == 0] = count(); }",
	.flags = PROBE_PREEMPTIBLE | PROBE_CAN_SLEEP | PROBE_USER | PROBE_SYSTEM_WIDE |
		 PROBE_REGISTERS | PROBE_RETURNS,
	.section = "uretprobe",
	.event_ns = 850,
	.c_section = "uretprobe",
	.vars = uretprobe_vars,
	.siblings = { &probe_uprobe },
	.lacks = user_lacks,
	.parse = parse_uretprobe,
	.expand = expand_uretprobe,
	.explain = explain_uretprobe,
	.prepare = prepare_user,
	.attach = attach_uretprobe,
};
