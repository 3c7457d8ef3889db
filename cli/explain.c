#include "cli/explain.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/options.h"
#include "cli/pipeline.h"
#include "codegen/explained.h"
#include "codegen/image.h"
#include "core/arena.h"
#include "core/compile.h"
#include "explain/explain.h"
#include "runtime/features.h"
#include "runtime/inspect.h"

enum {
	WIDTH_DEFAULT = 80,
	NUMBER_MAX = 1000000,
	RUN_MIN_MS = 1,
	RUN_MAX = 24 * 60 * 60, /* seconds */
};

static volatile sig_atomic_t stop; /* SIGINT came: --run ends */

enum explain_option {
	EXPLAIN_EXPRESSION = 'e',
	EXPLAIN_PID = 'p',
	EXPLAIN_HELP = 'h',
	EXPLAIN_LINE = 256,
	EXPLAIN_PROGRAM,
	EXPLAIN_FULL,
	EXPLAIN_WIDTH,
	EXPLAIN_JSON,
	EXPLAIN_RUN,
	EXPLAIN_HTML,
	EXPLAIN_WITHOUT,
	EXPLAIN_NO_KERNEL,
	EXPLAIN_UNSAFE,
	EXPLAIN_MAX_STRLEN,
	EXPLAIN_AS_WHAT,
};

static const struct option longs[] = {
	{ "expression", required_argument, NULL, EXPLAIN_EXPRESSION },
	{ "pid", required_argument, NULL, EXPLAIN_PID },
	{ "help", no_argument, NULL, EXPLAIN_HELP },
	{ "line", required_argument, NULL, EXPLAIN_LINE },
	{ "program", required_argument, NULL, EXPLAIN_PROGRAM },
	{ "full", no_argument, NULL, EXPLAIN_FULL },
	{ "width", required_argument, NULL, EXPLAIN_WIDTH },
	{ "json", no_argument, NULL, EXPLAIN_JSON },
	{ "html", no_argument, NULL, EXPLAIN_HTML },
	{ "as", required_argument, NULL, EXPLAIN_AS_WHAT },
	{ "run", required_argument, NULL, EXPLAIN_RUN },
	{ "without", required_argument, NULL, EXPLAIN_WITHOUT },
	{ "no-kernel", no_argument, NULL, EXPLAIN_NO_KERNEL },
	{ "unsafe", no_argument, NULL, EXPLAIN_UNSAFE },
	{ "max-strlen", required_argument, NULL, EXPLAIN_MAX_STRLEN },
	{ 0 },
};

void explain_help(FILE *out)
{
	fputs("memql explain: what becomes of each word of a program, and why\n\n"
	      "  memql explain [OPTIONS] SCRIPT [SCRIPT'S OPTIONS]\n"
	      "  memql explain [OPTIONS] -e 'PROGRAM'\n\n"
	      "Nothing is attached. With root the programs are loaded, and what the kernel's\n"
	      "verifier knows stands beside each instruction.\n\n"
	      "Of a program that is more than a few lines an overview is shown first.\n\n"
	      "  --line N        what is on this line; FILE:N of an imported file\n"
	      "  --program N     one program, by its number in the overview\n"
	      "  --full          all of it\n"
	      "  --json          one JSON object instead of text\n"
	      "  --run 5s        attach it for so long: how often each program runs, and\n"
	      "                  what that costs; Ctrl-C ends it earlier\n"
	      "  --html          a page instead: one file, which needs no other\n"
	      "  --as c          the same program as C for libbpf, instead of explaining it\n"
	      "  --as bpftrace   the same for bpftrace, if that has all that it needs\n"
	      "  --without NAME  build it wrong on purpose, and show what the kernel says\n"
	      "  --no-kernel     load nothing, even with root\n"
	      "  --width N       columns; from 120 on the layers stand side by side\n"
	      "  -p PID, --max-strlen BYTES\n"
	      "                  as memql takes them\n"
	      "  --unsafe        allow functions that change the system\n"
	      "  --help          this text\n\n"
	      "What can be left out, each with a program of its own if none is given:\n ",
	      out);
	for (unsigned i = 0; i < WHY_COUNT; i++)
		if (why_rows[i].breakable)
			fprintf(out, " %s", why_rows[i].name);
	fputc('\n', out);
}

/* From 1 to most. */
static bool number(const char *option, const char *text, uint32_t most, uint32_t *out)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end || *text < '0' || *text > '9' || !n || n > most) {
		fprintf(stderr,
			"memql: explain: %s wants a whole number from 1 to %u, not "
			"'%s'\n",
			option, most, text);
		return false;
	}
	*out = (uint32_t)n;
	return true;
}

/* 5s, 500ms, 2m. Who would wait for years has mistyped it. */
static bool duration(const char *text, double *out)
{
	static const struct {
		const char *unit;
		double seconds;
	} units[] = { { "ms", 1e-3 }, { "s", 1 }, { "m", 60 }, { "h", 3600 } };
	char *end;
	double n = strtod(text, &end);
	bool known = false;

	for (size_t i = 0; end != text && i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].unit) != 0)
			continue;
		known = true;
		*out = n * units[i].seconds;
	}
	if (known && *out >= RUN_MIN_MS / 1e3 && *out <= RUN_MAX)
		return true;
	fprintf(stderr,
		"memql: explain: --run wants a time such as 500ms, 5s or 2m, not '%s'\n",
		text);
	if (known)
		fputs("It can be from 1ms to 24h; to trace for longer, run "
		      "the program: memql without explain\n",
		      stderr);
	return false;
}

/* Root may, and who has the capabilities. */
static bool may_load(void)
{
	return feature_try(FEATURE_PRIVILEGES);
}

/* Of what chooses a part or a form: what the output that was asked for does not have. */
static const char *useless_option(const struct options *o)
{
	const struct explain_request *r = &o->explain;

	if (r->as != EXPLAIN_AS_NONE && r->seconds > 0)
		return "--run";
	if (r->as != EXPLAIN_AS_NONE && r->line)
		return "--line";
	if (r->as != EXPLAIN_AS_NONE && r->program)
		return "--program";
	if (r->as != EXPLAIN_AS_NONE && r->full)
		return "--full";
	return (r->as != EXPLAIN_AS_NONE || o->json || r->html) && r->width ? "--width"
									    : NULL;
}

/* Why nothing can be run; NULL: it can. */
static const char *not_to_run(const struct explain_request *r)
{
	if (r->without)
		return "does not go with --without: what is wrong is never attached";
	if (r->no_kernel)
		return "does not go with --no-kernel";
	return may_load() ? NULL : "needs root: try sudo";
}

/* What excludes what. False after a message. */
static bool agree(const struct options *o)
{
	const struct explain_request *r = &o->explain;
	const char *useless = useless_option(o);
	const char *why = r->seconds > 0 ? not_to_run(r) : NULL;

	if (o->json + r->html + (r->as != EXPLAIN_AS_NONE) > 1) {
		fputs("memql: explain: --json, --html and --as exclude each other\n",
		      stderr);
		return false;
	}
	if (useless) {
		fprintf(stderr, "memql: explain: %s does not go with %s\n", useless,
			o->json   ? "--json"
			: r->html ? "--html"
				  : "--as");
		return false;
	}
	if (why)
		fprintf(stderr, "memql: explain: --run %s\n", why);
	return !why;
}

static bool take_without(struct options *o, const char *name)
{
	struct suggestion near = { .word = name };

	o->explain.without = name;
	if (why_find(name) != WHY_COUNT)
		return true;
	for (unsigned i = 0; i < WHY_COUNT; i++)
		if (why_rows[i].breakable)
			suggest(&near, why_rows[i].name);
	fprintf(stderr, "memql: explain: --without has no '%s'", name);
	if (near.best)
		fprintf(stderr, "; did you mean %s?", near.best);
	fputs("\nmemql explain --help lists what can be left out\n", stderr);
	return false;
}

/* 12, memsqld.mq:12 */
static bool take_line(struct options *o, const char *value)
{
	const char *colon = strrchr(value, ':');

	o->explain.file = colon ? value : NULL;
	return number("--line", colon ? colon + 1 : value, NUMBER_MAX,
		      &o->explain.line);
}

static bool take_as(struct options *o, const char *name)
{
	o->explain.as = strcmp(name, "c") == 0          ? EXPLAIN_AS_C
			: strcmp(name, "bpftrace") == 0 ? EXPLAIN_AS_BPFTRACE
							: EXPLAIN_AS_NONE;
	if (o->explain.as)
		return true;
	fprintf(stderr, "memql: explain: --as wants c or bpftrace, not '%s'\n", name);
	return false;
}

static bool take(struct options *o, int option, const char *value)
{
	uint32_t n;

	switch ((enum explain_option)option) {
	case EXPLAIN_EXPRESSION:
		o->program = value;
		return true;
	case EXPLAIN_PID:
		if (!number("-p", value, INT32_MAX, &n))
			return false;
		o->pid = (int32_t)n;
		return true;
	case EXPLAIN_HELP:
		o->help = true;
		return true;
	case EXPLAIN_LINE:
		return take_line(o, value);
	case EXPLAIN_PROGRAM:
		return number("--program", value, NUMBER_MAX, &o->explain.program);
	case EXPLAIN_FULL:
		o->explain.full = true;
		return true;
	case EXPLAIN_WIDTH:
		return number("--width", value, NUMBER_MAX, &o->explain.width);
	case EXPLAIN_JSON:
		o->json = true;
		return true;
	case EXPLAIN_RUN:
		return duration(value, &o->explain.seconds);
	case EXPLAIN_HTML:
		o->explain.html = true;
		return true;
	case EXPLAIN_AS_WHAT:
		return take_as(o, value);
	case EXPLAIN_WITHOUT:
		return take_without(o, value);
	case EXPLAIN_NO_KERNEL:
		o->explain.no_kernel = true;
		return true;
	case EXPLAIN_UNSAFE:
		o->unsafe = true;
		return true;
	case EXPLAIN_MAX_STRLEN:
		return number("--max-strlen", value, 16384, &o->max_strlen);
	}
	return false;
}

static bool unknown(const char *word)
{
	struct suggestion s = { .word = word + strspn(word, "-") };

	for (size_t i = 0; longs[i].name; i++)
		suggest(&s, longs[i].name);
	fprintf(stderr, "memql: explain: unknown option '%s'", word);
	if (s.best)
		fprintf(stderr, "; did you mean --%s?", s.best);
	fputs("\nmemql explain --help lists them\n", stderr);
	return false;
}

bool explain_take(struct options *o)
{
	/* getopt takes the word before the options for the program's name. */
	char **argv = (char **)o->args - 1;
	int argc = o->nargs + 1, c;

	o->script = NULL;
	optind = 0;
	while ((c = getopt_long(argc, argv, "+:e:p:h", longs, NULL)) != -1) {
		const char *word = argv[optind - 1];

		if (c == ':') {
			fprintf(stderr, "memql: explain: %s needs a value\n", word);
			return false;
		}
		if (c == '?')
			return unknown(word);
		if (!take(o, c, optarg))
			return false;
	}
	if (!o->program && optind < argc)
		o->script = argv[optind++];
	o->args = argv + optind;
	o->nargs = argc - optind;
	if (!o->program && !o->script && o->explain.without)
		o->program = why_rows[why_find(o->explain.without)].example;
	if (!agree(o))
		return false;
	if (o->help || o->program || o->script)
		return true;
	fputs("memql: explain: no program: name a script, or write one after -e\n",
	      stderr);
	return false;
}

static unsigned terminal_width(const struct options *o)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;

	if (o->explain.width)
		return o->explain.width;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	return columns && atoi(columns) > 0 ? (unsigned)atoi(columns) : WIDTH_DEFAULT;
}

static bool was_refused(const struct explanation *x)
{
	for (size_t i = 0; i < x->nprograms; i++)
		if (x->programs[i].complaint)
			return true;
	return false;
}

/* Why nothing is said of the verifier, or what went wrong there; NULL: all is well. */
static const char *kernel_words(const struct explanation *x, const struct inspection *k,
				bool asked)
{
	if (!asked)
		return "was not asked (--no-kernel)";
	if (!k->err || was_refused(x))
		return NULL;
	if (k->err == -EPERM || k->err == -EACCES)
		return !may_load()
			       ? "was not asked: only root may load programs; with sudo, "
				 "what the verifier knows stands beside each instruction"
			       : "this kernel lets nobody here load some of these programs";
	return arena_printf(x->cc->arena, "the programs cannot be loaded: %s",
			    strerror(-k->err));
}

/* Nothing of the program is on the line that was asked for. */
static bool is_empty_line(const struct explanation *x, const struct explain_options *o)
{
	for (size_t i = 0; i < x->nprograms; i++)
		for (size_t k = 0; k < x->programs[i].nparts; k++)
			if (explain_shows(x, &x->programs[i].parts[k], o))
				return false;
	return true;
}

/* Whether there is what was asked for. False after a message. */
static bool is_there(const struct explanation *x, const struct explain_options *o)
{
	if (o->program > x->nprograms) {
		fprintf(stderr,
			"memql: explain: there is no program %u: the last one is %zu; "
			"without --program all are shown\n",
			o->program, x->nprograms);
		return false;
	}
	if (!is_empty_line(x, o))
		return true;
	fprintf(stderr,
		"memql: explain: line %u%s%s has no part of a program; without --line "
		"all are shown\n",
		o->line, o->file ? " of " : "", o->file ? o->file : "");
	return false;
}

/* FILE of --line FILE:N */
static const char *file_of(struct compile *cc, const char *place)
{
	if (!place)
		return NULL;
	return arena_strndup(cc->arena, place, (size_t)(strrchr(place, ':') - place));
}

/* What was measured until then is shown. */
static void request_stop(int sig)
{
	stop = sig;
}

int explain(struct compile *cc, const struct options *o)
{
	const struct explain_options eo = {
		.line = o->explain.line,
		.file = file_of(cc, o->explain.file),
		.program = o->explain.program,
		.full = o->explain.full,
		.width = terminal_width(o),
	};
	bool ask = !o->explain.no_kernel && may_load();
	struct inspection k = { .err = -EPERM };
	struct inspect_run run = { .seconds = o->explain.seconds,
				   .pid = o->pid,
				   .stop = &stop };
	struct explanation *x;

	if (!compile_until(cc, NULL, NULL))
		return EXIT_FAILURE;
	if (o->explain.as == EXPLAIN_AS_C) {
		fputs(cc->image->c, stdout);
		return EXIT_SUCCESS;
	}
	if (o->explain.as == EXPLAIN_AS_BPFTRACE)
		return explain_as_bpftrace(cc, stdout) ? EXIT_SUCCESS : EXIT_FAILURE;
	if (o->explain.without && !cc->image->explained->broken) {
		fprintf(stderr,
			"memql: explain: nothing in this program needs %s; a program that "
			"does:\n  memql explain --without %s -e '%s'\n",
			o->explain.without, o->explain.without,
			why_rows[why_find(o->explain.without)].example);
		return EXIT_FAILURE;
	}
	if (run.seconds > 0)
		signal(SIGINT, request_stop);
	if (ask)
		inspect_image(cc->arena, cc->image, &run, &k);
	if (run.err) {
		fprintf(stderr,
			"memql: explain: --run: the kernel does not count for us: %s "
			"(it takes CAP_SYS_ADMIN)\n",
			strerror(-run.err));
		return EXIT_FAILURE;
	}
	x = explain_build(cc, ask ? &k : NULL);
	if (!is_there(x, &eo))
		return EXIT_FAILURE;
	x->seconds = k.err ? 0 : run.seconds;
	x->kernel = kernel_words(x, &k, !o->explain.no_kernel);
	if (o->explain.html)
		explain_html(x, &eo, stdout);
	else if (o->json)
		explain_json(x, &eo, stdout);
	else
		explain_text(x, &eo, stdout);
	return EXIT_SUCCESS;
}
