#include "cli/describe.h"

#include <ctype.h>

#include "builtins/builtin.h"
#include "probes/probe.h"

/* count(), hist(n[, k]), pid */
static void signature(const struct builtin *b, FILE *out)
{
	unsigned open = 0;

	fputs(b->name, out);
	if (b->kind == BUILTIN_VALUE)
		return;

	fputc('(', out);
	for (const struct param *p = b->params; p->name; p++) {
		const char *comma = p > b->params ? ", " : "";

		if (p->flags & PARAM_REST) {
			fprintf(out, "%s...", comma);
		} else if (p->flags & PARAM_OPTIONAL) {
			fprintf(out, "[%s%s", comma, p->name);
			open++;
		} else {
			fprintf(out, "%s%s", comma, p->name);
		}
	}
	while (open--)
		fputc(']', out);
	fputc(')', out);
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

static void describe_probe(const struct probe_kind *k, FILE *out)
{
	fprintf(out, "### `%s`", k->syntax);
	if (k->alias)
		fprintf(out, " (short: `%s`)", k->alias);
	fputs("\n\n", out);
	sentence(k->summary, out);
	fprintf(out, "%s\n\n```\n%s\n```\n\n", k->doc, k->example);
	for (const struct builtin *v = k->vars; v && v->name; v++)
		fprintf(out, "- `%s`: %s\n", v->name, v->summary);
	if (k->vars && k->vars->name)
		fputc('\n', out);
}

void describe_reference(FILE *out)
{
	fputs("# Reference\n\nMade by `memql --reference` from the rows in probes/ and "
	      "builtins/; do not edit.\n\n## Probes\n\n",
	      out);
	for (const struct probe_kind *const *k = probe_kinds; *k; k++)
		describe_probe(*k, out);

	for (enum builtin_kind kind = BUILTIN_VALUE; kind <= BUILTIN_ACTION; kind++) {
		fprintf(out, "## %s\n\n", title(kind));
		for (const struct builtin *b = builtin_next(NULL); b;
		     b = builtin_next(b))
			if (b->kind == kind)
				describe_builtin(b, out);
	}
}
