#include "probes/probe.h"

#include <string.h>
#include <strings.h>

#include "core/arena.h"
#include "core/compile.h"
#include "core/diag.h"
#include "parser/ast.h"
#include "probes/kinds.h"

const struct probe_kind *const probe_kinds[] = {
	&probe_begin,
	&probe_end,
	&probe_self,
	&probe_interval,
	&probe_profile,
	&probe_software,
	&probe_hardware,
	&probe_watchpoint,
	&probe_tracepoint,
	&probe_rawtracepoint,
	&probe_kprobe,
	&probe_kretprobe,
	&probe_fentry,
	&probe_fexit,
	&probe_iter,
	&probe_uprobe,
	&probe_uretprobe,
	&probe_usdt,
	NULL,
};

/* Kinds that bpftrace has, each with its alias. */
static const char *const planned[] = { "bench", "test", NULL };

static bool is_called(const struct probe_kind *k, const char *name)
{
	const char *names[] = { k->name, k->alias, k->old_names[0], k->old_names[1] };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i] && strcmp(names[i], name) == 0)
			return true;
	return false;
}

const struct probe_kind *probe_find(const char *name)
{
	const struct probe_kind *const *k;

	for (k = probe_kinds; *k; k++)
		if (is_called(*k, name))
			return *k;
	/* Aliases of one letter differ in case only; whole names do not. */
	for (k = probe_kinds; *k; k++)
		if (strcasecmp((*k)->name, name) == 0)
			return *k;
	return NULL;
}

static void unknown_kind(struct compile *cc, const struct attach_point *point,
			 const char *name)
{
	struct suggestion near = { .word = name };
	const struct probe_kind *const *k;
	size_t i;

	for (i = 0; planned[i]; i++) {
		if (strcmp(planned[i], name) == 0) {
			diag(cc, DIAG_unsupported, point->span,
			     "'%s' probes are not in memql yet", name);
			return;
		}
	}
	if (!*name) {
		diag(cc, DIAG_probe_syntax, point->span,
		     "an attach point begins with the kind of probe");
		return;
	}
	diag(cc, DIAG_unknown_probe, point->span, "unknown kind of probe '%s'", name);
	for (k = probe_kinds; *k; k++)
		suggest(&near, (*k)->name);
	if (near.best)
		diag_hint(cc, "did you mean '%s'?", near.best);
}

const struct probe_kind *probe_parse(struct compile *cc,
				     const struct attach_point *point,
				     struct probe_spec *out)
{
	size_t len = strcspn(point->text, ":");
	const char *name = arena_strndup(cc->arena, point->text, len);
	const struct probe_kind *kind = probe_find(name);
	const char *rest = point->text + len;

	if (!kind) {
		unknown_kind(cc, point, name);
		return NULL;
	}
	memset(out, 0, sizeof(*out));
	if (!kind->parse(cc, point, *rest ? rest + 1 : rest, out))
		return NULL;
	return kind;
}
