/* docs/features.md: what memql uses of the kernel, and what the verifier's words mean. */
#include "cli/describe.h"
#include "runtime/features.h"
#include "runtime/verifier.h"

/* A cell of a table; of a glob, "..." where it has a star. */
static void write_cell(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (*text == '|')
			fputs("\\|", out);
		else
			fputc(*text, out);
	}
}

static void write_words(const char *pattern, FILE *out)
{
	fputc('`', out);
	for (; *pattern; pattern++) {
		if (*pattern == '*')
			fputs("...", out);
		else
			fputc(*pattern, out);
	}
	fputc('`', out);
}

static void write_features(FILE *out)
{
	static const char *const titles[] = {
		[GROUP_BASIC] = "Basics",
		[GROUP_PROBES] = "Probes",
		[GROUP_LANGUAGE] = "Language",
		[GROUP_SPEED] = "Speed and comfort",
	};

	for (unsigned i = 0; i < FEATURE_COUNT; i++) {
		const struct feature_row *row = feature_row((enum feature)i);

		if (i == 0 || feature_row((enum feature)(i - 1))->group != row->group)
			fprintf(out,
				"\n## %s\n\n| feature | what for | without it | what it "
				"takes |\n|---|---|---|---|\n",
				titles[row->group]);
		fprintf(out, "| `%s`%s | ", row->name,
			row->need == NEED_REQUIRED ? " (required)" : "");
		write_cell(row->use, out);
		fputs(" | ", out);
		write_cell(row->without, out);
		fputs(" | ", out);
		write_cell(row->fix, out);
		fputs(" |\n", out);
	}
}

static void write_verifier(FILE *out)
{
	fputs("\n## What the verifier says\n\nThe kernel's verifier reads each program "
	      "before it runs, and refuses what it cannot prove to be safe. If that "
	      "happens to a program of memql's, the message shows the script's line, the "
	      "verifier's sentence, and what it means:\n\n"
	      "| the verifier says | it means |\n|---|---|\n",
	      out);
	for (const struct verifier_row *r = verifier_rows; r->name; r++) {
		fputs("| ", out);
		for (size_t i = 0; r->patterns[i]; i++) {
			fputs(i ? "<br>" : "", out);
			write_words(r->patterns[i], out);
		}
		fputs(" | ", out);
		write_cell(r->means, out);
		if (r->advice) {
			fputs("; ", out);
			write_cell(r->advice, out);
		}
		fputs(" |\n", out);
	}
	fputs("\nSuch a refusal is a bug of memql, unless the program is simply too large. "
	      "Run the same command with `--report=FILE` and send the file: it has the "
	      "program, what memql made of it, what the machine can do, and the "
	      "verifier's log.\n",
	      out);
}

void describe_features(FILE *out)
{
	fputs("# What memql uses of the kernel\n\nMade by `memql --reference=features`; do "
	      "not edit. memql never looks at the kernel's version: it tries each of "
	      "these. `memql doctor` tells which are there.\n",
	      out);
	write_features(out);
	write_verifier(out);
}
