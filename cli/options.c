#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "core/diag.h"

enum option_name {
#define OPTION(name, short_name, long_name, value, summary) OPTION_##name,
#include "cli/options.def"
#undef OPTION
	NOPTIONS
};

static const struct option_row {
	char short_name;
	const char *long_name, *value, *summary;
} rows[NOPTIONS] = {
#define OPTION(name, short_name, long_name, value, summary)                            \
	{ short_name, long_name, value, summary },
#include "cli/options.def"
#undef OPTION
};

static const char *const hints[] = {
	"memql scripts/query_latency.mq              latency of every query",
	"memql scripts/query_latency.mq --histogram  the same, as percentiles per plan",
	"memql -e 'tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }'",
	"memql -l 'usdt:/usr/lib/postgresql/15/bin/postgres:*'",
};

void options_help(FILE *out)
{
	fputs("memql: ask a running program what it is doing\n\n"
	      "  memql [OPTIONS] SCRIPT [SCRIPT'S OPTIONS]\n"
	      "  memql [OPTIONS] -e 'PROGRAM' [--] [ARGUMENTS]\n"
	      "  memql -l [PATTERN | FILE | -p PID]\n\nOptions:\n",
	      out);
	for (size_t i = 0; i < NOPTIONS; i++) {
		const struct option_row *o = &rows[i];
		char text[64];

		snprintf(text, sizeof(text), "%c%c%s--%s%s%s",
			 o->short_name ? '-' : ' ', o->short_name ? o->short_name : ' ',
			 o->short_name ? ", " : "  ", o->long_name, o->value ? " " : "",
			 o->value ? o->value : "");
		fprintf(out, "  %-26s %s\n", text, o->summary);
	}
	fputs("\nExamples:\n", out);
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		fprintf(out, "  %s\n", hints[i]);
}

static bool number(const char *option, const char *text, unsigned long min,
		   unsigned long max, uint32_t *out)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || n < min || n > max) {
		fprintf(stderr,
			"memql: %s wants a whole number from %lu to %lu, not '%s'\n",
			option, min, max, text);
		return false;
	}
	*out = (uint32_t)n;
	return true;
}

static bool one_of(const char *option, const char *text, const char *const *words,
		   const char **out)
{
	for (size_t i = 0; words[i]; i++)
		if (strcmp(words[i], text) == 0) {
			*out = words[i];
			return true;
		}

	fprintf(stderr, "memql: %s has no '%s'; it takes", option, text);
	for (size_t i = 0; words[i]; i++)
		fprintf(stderr, "%s%s", i ? ", " : " ", words[i]);
	fputc('\n', stderr);
	return false;
}

static bool set(struct options *o, enum option_name name, const char *value)
{
	static const char *const formats[] = { "text", "json", NULL };
	static const char *const dumps[] = {
		"tokens", "ast", "plan", "ir", "bpf", NULL
	};
	const char *word;
	uint32_t n;

	switch (name) {
	case OPTION_EXPRESSION:
		if (o->program) {
			fputs("memql: -e was given twice: one program may hold several "
			      "probes\n",
			      stderr);
			return false;
		}
		o->program = value;
		return true;
	case OPTION_COMMAND:
		o->command = value;
		return true;
	case OPTION_PID:
		if (!number("-p", value, 1, INT32_MAX, &n))
			return false;
		o->pid = (int32_t)n;
		return true;
	case OPTION_LIST:
		o->list = true;
		return true;
	case OPTION_OUTPUT:
		o->output = value;
		return true;
	case OPTION_FORMAT:
		if (!one_of("-f", value, formats, &word))
			return false;
		o->json = word == formats[1];
		return true;
	case OPTION_QUIET:
		o->quiet = true;
		return true;
	case OPTION_UNSAFE:
		o->unsafe = true;
		return true;
	case OPTION_MAX_STRLEN:
		return number("--max-strlen", value, 1, 16384, &o->max_strlen);
	case OPTION_RING:
		if (!number("--ring-size", value, 4, 1 << 20, &n))
			return false;
		o->ring_bytes = n << 10;
		return true;
	case OPTION_DRY_RUN:
		o->dry_run = true;
		return true;
	case OPTION_DUMP:
		return one_of("--dump", value, dumps, &o->dump);
	case OPTION_REFERENCE:
		o->reference = true;
		return true;
	case OPTION_HELP:
		o->help = true;
		return true;
	case OPTION_VERSION:
		o->version = true;
		return true;
	case NOPTIONS:
		break;
	}
	return false;
}

/* getopt's own tables, made from the rows. */
static void make_tables(struct option *longs, char *shorts)
{
	*shorts++ = '+'; /* stop at the script's name */
	*shorts++ = ':';
	for (int i = 0; i < NOPTIONS; i++) {
		longs[i] = (struct option){
			.name = rows[i].long_name,
			.has_arg = rows[i].value ? required_argument : no_argument,
			.val = 256 + i,
		};
		if (!rows[i].short_name)
			continue;
		*shorts++ = rows[i].short_name;
		if (rows[i].value)
			*shorts++ = ':';
	}
	*shorts = '\0';
	longs[NOPTIONS] = (struct option){ 0 };
}

static int row_of(int c)
{
	if (c >= 256)
		return c - 256;
	for (int i = 0; i < NOPTIONS; i++)
		if (rows[i].short_name == c)
			return i;
	return NOPTIONS;
}

static bool unknown(const struct options *o, const char *word)
{
	struct suggestion s = { .word = word + strspn(word, "-") };

	for (int i = 0; i < NOPTIONS; i++)
		suggest(&s, rows[i].long_name);
	fprintf(stderr, "memql: unknown option '%s'", word);
	if (s.best)
		fprintf(stderr, "; did you mean --%s?", s.best);
	fprintf(stderr, "\nmemql --help lists the options; %s\n",
		o->program ? "those of the program itself follow after --"
			   : "a script's own options follow its name");
	return false;
}

/* What is left after own options: the script or pattern, then the script's arguments. */
static bool take_rest(struct options *o, int argc, char **argv)
{
	int i = optind;

	if (o->list) {
		if (i < argc)
			o->pattern = argv[i++];
		if (i < argc) {
			fprintf(stderr,
				"memql: -l takes one pattern; '%s' is left over\n",
				argv[i]);
			return false;
		}
	} else if (!o->program && i < argc) {
		o->script = argv[i++];
	}
	o->args = argv + i;
	o->nargs = argc - i;

	if (o->help || o->version || o->reference || o->list || o->program || o->script)
		return true;
	fputs("memql: no program: name a script, or write one after -e; "
	      "memql --help tells more\n",
	      stderr);
	return false;
}

bool options_parse(int argc, char **argv, struct options *out)
{
	struct option longs[NOPTIONS + 1];
	char shorts[2 * NOPTIONS + 3];
	int c;

	*out = (struct options){ 0 };
	make_tables(longs, shorts);
	opterr = 0;
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		const char *word = argv[optind - 1];

		if (c == ':') {
			fprintf(stderr, "memql: %s needs a value\n", word);
			return false;
		}
		if (c == '?')
			return unknown(out, word);
		if (!set(out, row_of(c), optarg))
			return false;
	}
	if (out->pid && out->command) {
		fputs("memql: -p and -c exclude each other\n", stderr);
		return false;
	}
	if (out->list && out->program) {
		fputs("memql: -l lists by a pattern, it does not take -e\n", stderr);
		return false;
	}
	return take_rest(out, argc, argv);
}
