#include "cli/describe.h"

#include <ctype.h>
#include <string.h>

#include "builtins/builtin.h"
#include "cli/options.h"
#include "cli/script.h"
#include "probes/probe.h"
#include "sema/sema.h"

/* count(), hist(n[, k]), cpu, nsecs[(clock)] */
static void signature(const struct builtin *b, FILE *out)
{
	bool is_value = b->kind == BUILTIN_VALUE;
	unsigned open = 0;

	fputs(b->name, out);
	if (is_value && !b->params[0].name)
		return;

	fputs(is_value ? "[(" : "(", out);
	for (const struct param *p = b->params; p->name; p++) {
		const char *comma = p > b->params ? ", " : "";

		if (p->flags & PARAM_REST) {
			fprintf(out, "%s%s...", comma, p->name);
		} else if (p->flags & PARAM_OPTIONAL && !(is_value && p == b->params)) {
			fprintf(out, "[%s%s", comma, p->name);
			open++;
		} else {
			fprintf(out, "%s%s", comma, p->name);
		}
	}
	while (open--)
		fputc(']', out);
	fputs(is_value ? ")]" : ")", out);
}

static const char *title(enum builtin_kind kind)
{
	switch (kind) {
	case BUILTIN_VALUE:
		return "Values";
	case BUILTIN_FUNC:
		return "Functions";
	case BUILTIN_AGG:
		return "Aggregations";
	case BUILTIN_ACTION:
		return "Actions";
	}
	return "";
}

/* Summaries are written to stand in a list; here one begins a sentence. */
static void sentence(const char *summary, FILE *out)
{
	fprintf(out, "%c%s. ", toupper((unsigned char)summary[0]), summary + 1);
}

static void describe_builtin(const struct builtin *b, FILE *out)
{
	fputs("### `", out);
	signature(b, out);
	fputs("`\n\n", out);
	sentence(b->summary, out);
	fprintf(out, "%s\n\n```\n%s\n```\n\n", b->doc, b->example);
}

/* How many rows from v on are arg0, arg1, ...: one line says what they are. */
static size_t series(const struct builtin *v)
{
	size_t stem = strcspn(v->name, "0123456789"), n = 1;

	if (strcmp(v->name + stem, "0") != 0)
		return 1;
	while (v[n].name && strncmp(v[n].name, v->name, stem) == 0)
		n++;
	return n;
}

static void describe_vars(const struct builtin *v, FILE *out)
{
	if (!v || !v->name)
		return;
	for (; v->name; v += series(v)) {
		size_t n = series(v), upto = strcspn(v->summary, "0");

		if (n > 1)
			fprintf(out, "- `%s` to `%s`: %.*sN%s\n", v->name,
				v[n - 1].name, (int)upto, v->summary,
				v->summary + upto + 1);
		else
			fprintf(out, "- `%s`: %s\n", v->name, v->summary);
	}
	fputc('\n', out);
}

static void describe_probe(const struct probe_kind *k, FILE *out)
{
	fprintf(out, "### `%s`", k->syntax);
	if (k->alias)
		fprintf(out, " (short: `%s`)", k->alias);
	fputs("\n\n", out);
	sentence(k->summary, out);
	fprintf(out, "%s\n\n```\n%s\n```\n\n", k->doc, k->example);
	describe_vars(k->vars, out);
}

static void describe_key(const struct config_key *key, void *arg)
{
	FILE *out = arg;

	fprintf(out, "- `%s` (%s", key->name, key->takes);
	if (key->fallback)
		fprintf(out, "; default: %s", key->fallback);
	fprintf(out, "): %s\n", key->doc);
}

void describe_rows(FILE *out)
{
	fputs("## Probes\n\n", out);
	for (const struct probe_kind *const *k = probe_kinds; *k; k++)
		describe_probe(*k, out);

	for (enum builtin_kind kind = BUILTIN_VALUE; kind <= BUILTIN_ACTION; kind++) {
		fprintf(out, "## %s\n\n", title(kind));
		for (const struct builtin *b = builtin_next(NULL); b;
		     b = builtin_next(b))
			if (b->kind == kind)
				describe_builtin(b, out);
	}

	fputs("## Configuration\n\nKeys of `config = { key = value; ... }`, before the "
	      "first probe.\n\n",
	      out);
	config_each(describe_key, out);
}

static void describe_reference(FILE *out)
{
	fputs("# Reference\n\nMade by `memql --reference` from the rows in probes/ and "
	      "builtins/; do not edit.\n\n",
	      out);
	describe_rows(out);
}

/* For completion: what may stand where a script's name does. */
static void list_words(FILE *out)
{
	for (const struct command_row *c = options_commands(); c->name; c++)
		fprintf(out, "%s\n", c->name);
	script_list(out);
}

void describe(const char *form, FILE *out)
{
	static const struct {
		const char *name;
		void (*write)(FILE *out);
	} forms[] = {
		{ "md", describe_reference },      { "man1", describe_command },
		{ "man7", describe_language },     { "bash", describe_bash },
		{ "zsh", describe_zsh },           { "scripts", list_words },
		{ "features", describe_features },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (strcmp(forms[i].name, form) == 0)
			forms[i].write(out);
}
