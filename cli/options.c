#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/doctor.h"
#include "cli/lesson.h"
#include "codegen/why.h"
#include "core/diag.h"

#define WORDS(...)                                                                     \
	(const char *const[])                                                          \
	{                                                                              \
		__VA_ARGS__, NULL                                                      \
	}

enum option_name {
#define OPTION(name, short_name, long_name, value, words, summary, more) OPTION_##name,
#define ACCEPTED(...)
#include "cli/options.def"
#undef OPTION
#undef ACCEPTED
	NOPTIONS
};

static const struct option_row rows[NOPTIONS + 1] = {
#define OPTION(name, short_name, long_name, value, words, summary, more)               \
	{ short_name, long_name, value, words, summary, more },
#define ACCEPTED(...)
#include "cli/options.def"
#undef OPTION
#undef ACCEPTED
};

static const struct option_row accepted[] = {
#define OPTION(...)
#define ACCEPTED(short_name, long_name, value, told, why)                              \
	{ short_name, long_name, value, NULL, why, told ? why : "" },
#include "cli/options.def"
#undef OPTION
#undef ACCEPTED
	{ 0 }
};

enum { NACCEPTED = sizeof(accepted) / sizeof(accepted[0]) - 1 };

const struct option_row *options_rows(void)
{
	return rows;
}

const struct option_row *options_accepted(void)
{
	return accepted;
}

static const struct command_row commands[] = {
	{ "doctor", "[--json]", "what works on this machine, what does not, and why",
	  .take = doctor_take, .help = doctor_help, .run = doctor },
	{ "lesson", "[N [--check FILE]]", "learn it: ten lessons, each with a check",
	  .run = lesson },
	{ "explain", "[OPTIONS] SCRIPT | -e 'PROGRAM'",
	  "what becomes of each word of a program, and why", .take = explain_take,
	  .help = explain_help, .compiled = explain },
	{ 0 },
};

const struct command_row *options_commands(void)
{
	return commands;
}

static const char *const hints[] = {
	"memql scripts/query_latency.mq              latency of every query",
	"memql scripts/query_latency.mq --histogram  the same, as percentiles per plan",
	"memql -e 'tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }'",
	"memql -l 'usdt:/usr/lib/postgresql/15/bin/postgres:*'",
	NULL,
};

const char *const *options_examples(void)
{
	return hints;
}

static void help_row(const struct option_row *o, FILE *out)
{
	bool optional = o->value && *o->value == '[';
	char text[64];

	snprintf(text, sizeof(text), "%c%c%s--%s%s%s", o->short_name ? '-' : ' ',
		 o->short_name ? o->short_name : ' ', o->short_name ? ", " : "  ",
		 o->long_name,
		 !o->value  ? ""
		 : optional ? "[="
			    : " ",
		 !o->value ? "" : o->value + optional);
	fprintf(out, "  %-26s %s\n", text, o->summary);
}

/* "-k -I --include" */
static void help_accepted(FILE *out)
{
	fputs("\nAs in bpftrace, without effect:", out);
	for (const struct option_row *o = accepted; o->summary; o++) {
		if (o->short_name)
			fprintf(out, " -%c", o->short_name);
		else
			fprintf(out, " --%s", o->long_name);
	}
	fputc('\n', out);
}

void options_help(FILE *out)
{
	fputs("memql: ask a running program what it is doing\n\n"
	      "  memql [OPTIONS] SCRIPT [SCRIPT'S OPTIONS]\n"
	      "  memql [OPTIONS] -e 'PROGRAM' [--] [ARGUMENTS]\n"
	      "  memql -l [PATTERN | FILE | -p PID]\n",
	      out);
	for (const struct command_row *c = commands; c->name; c++)
		fprintf(out, "  memql %s %s\n", c->name, c->arguments);
	fputs("\nOptions:\n", out);
	for (size_t i = 0; i < NOPTIONS; i++)
		help_row(&rows[i], out);
	help_accepted(out);
	fputs("\nExamples:\n", out);
	for (size_t i = 0; hints[i]; i++)
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

/* The index of the word that was given, or -1 after a message. */
static int one_of(const struct option_row *o, const char *text)
{
	struct suggestion near = { .word = text };

	for (int i = 0; o->words[i]; i++) {
		if (strcmp(o->words[i], text) == 0)
			return i;
		suggest(&near, o->words[i]);
	}
	fprintf(stderr, "memql: --%s has no '%s'; ", o->long_name, text);
	if (near.best)
		fprintf(stderr, "did you mean %s? ", near.best);
	fputs("it takes", stderr);
	for (int i = 0; o->words[i]; i++)
		fprintf(stderr, "%s %s", i ? "," : "", o->words[i]);
	fputc('\n', stderr);
	return -1;
}

static bool set(struct options *o, enum option_name name, const char *value)
{
	const struct option_row *row = &rows[name];
	uint32_t n;

	if (row->words) {
		int word = value ? one_of(row, value) : 0;

		if (word < 0)
			return false;
		value = row->words[word];
	}

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
		o->json = strcmp(value, "json") == 0;
		return true;
	case OPTION_VERBOSE:
		o->verbose = true;
		return true;
	case OPTION_BUFFER:
		o->buffer = value;
		return true;
	case OPTION_QUIET:
		o->quiet = true;
		return true;
	case OPTION_NO_WARNINGS:
		o->no_warnings = true;
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
	case OPTION_OBJECT:
		o->object = value;
		return true;
	case OPTION_NO_CACHE:
		o->no_cache = true;
		return true;
	case OPTION_DUMP:
		o->dump = value;
		return true;
	case OPTION_REPORT:
		o->report = value;
		return true;
	case OPTION_REFERENCE:
		o->reference = value;
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

/* What getopt_long() returns for a long option, or for one that changes nothing. */
enum { LONG_FIRST = 256, ACCEPTED_FIRST = 512 };

static int argument_of(const struct option_row *o)
{
	if (!o->value)
		return no_argument;
	return *o->value == '[' ? optional_argument : required_argument;
}

/* getopt's own tables, made from the rows. */
struct tables {
	struct option longs[NOPTIONS + NACCEPTED + 1];
	char shorts[3 * (NOPTIONS + NACCEPTED) + 3];
	size_t nlongs, nshorts;
};

static void add_row(struct tables *t, const struct option_row *o, int val)
{
	if (o->long_name)
		t->longs[t->nlongs++] = (struct option){
			.name = o->long_name,
			.has_arg = argument_of(o),
			.val = val,
		};
	if (!o->short_name)
		return;
	t->shorts[t->nshorts++] = o->short_name;
	for (int i = 0; i < argument_of(o); i++)
		t->shorts[t->nshorts++] = ':';
}

static void make_tables(struct tables *t)
{
	*t = (struct tables){ .shorts = "+:", .nshorts = 2 }; /* stop at the script */
	for (int i = 0; i < NOPTIONS; i++)
		add_row(t, &rows[i], LONG_FIRST + i);
	for (int i = 0; i < NACCEPTED; i++)
		add_row(t, &accepted[i], ACCEPTED_FIRST + i);
}

static const struct option_row *find_accepted(int c)
{
	if (c >= ACCEPTED_FIRST)
		return &accepted[c - ACCEPTED_FIRST];
	for (int i = 0; i < NACCEPTED; i++)
		if (accepted[i].short_name == c)
			return &accepted[i];
	return NULL;
}

static int row_of(int c)
{
	if (c >= LONG_FIRST)
		return c - LONG_FIRST;
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
	for (int i = 0; i < NACCEPTED; i++)
		if (accepted[i].long_name)
			suggest(&s, accepted[i].long_name);
	fprintf(stderr, "memql: unknown option '%s'", word);
	if (s.best)
		fprintf(stderr, "; did you mean --%s?", s.best);
	fprintf(stderr, "\nmemql --help lists the options; %s\n",
		o->program ? "those of the program itself follow after --"
			   : "a script's own options follow its name");
	return false;
}

/* Whether the script is a command; its own options follow then. */
static bool is_command(struct options *o)
{
	if (o->list || !o->script)
		return false;
	for (const struct command_row *c = commands; c->name; c++)
		if (strcmp(o->script, c->name) == 0)
			o->word = c;
	return o->word;
}

/* What is left after own options: the script or pattern, then the script's arguments. */
static bool take_rest(struct options *o, int argc, char **argv)
{
	int i = optind;

	if (o->list && !o->program) {
		if (i < argc)
			o->pattern = argv[i++];
		if (i < argc) {
			fprintf(stderr,
				"memql: -l takes one pattern; '%s' is left over%s\n",
				argv[i],
				argv[i][0] == '-' ? ": options come before it" : "");
			return false;
		}
	} else if (!o->program && i < argc) {
		o->script = argv[i++];
	}
	o->args = argv + i;
	o->nargs = argc - i;

	if (is_command(o))
		return !o->word->take || o->word->take(o);
	if (o->help || o->version || o->reference || o->list || o->program || o->script)
		return true;
	fputs("memql: no program: name a script, or write one after -e; "
	      "memql --help tells more\n",
	      stderr);
	return false;
}

/*
 * For tests of what the verifier is told about: MEMQL_BREAK names what the generator shall
 * leave out. Nothing that was built so is ever attached.
 */
static bool take_break(struct options *o)
{
	o->without = getenv("MEMQL_BREAK");
	if (!o->without)
		return true;
	o->dry_run = true;
	if (why_find(o->without) != WHY_COUNT)
		return true;
	fprintf(stderr, "memql: MEMQL_BREAK has no '%s'; it takes", o->without);
	for (unsigned i = 0; i < WHY_COUNT; i++)
		if (why_rows[i].breakable)
			fprintf(stderr, " %s", why_rows[i].name);
	fputc('\n', stderr);
	return false;
}

bool options_parse(int argc, char **argv, struct options *out)
{
	const struct option_row *o;
	struct tables t;
	int c;

	*out = (struct options){ 0 };
	make_tables(&t);
	opterr = 0;
	while ((c = getopt_long(argc, argv, t.shorts, t.longs, NULL)) != -1) {
		const char *word = argv[optind - 1];

		if (c == ':') {
			fprintf(stderr, "memql: %s needs a value\n", word);
			return false;
		}
		if (c == '?')
			return unknown(out, word);
		o = find_accepted(c);
		if (o && *o->more)
			fprintf(stderr, "memql: %s has no effect: %s\n",
				o->value && optarg == word ? argv[optind - 2] : word,
				o->more);
		if (o)
			continue;
		if (!set(out, row_of(c), optarg))
			return false;
	}
	if (out->pid && out->command) {
		fputs("memql: -p and -c exclude each other\n", stderr);
		return false;
	}
	if (out->output && (out->list || out->dump)) {
		fprintf(stderr,
			"memql: -o is for results: what %s prints goes to standard "
			"output\n",
			out->list ? "-l" : "--dump");
		return false;
	}
	return take_break(out) && take_rest(out, argc, argv);
}
