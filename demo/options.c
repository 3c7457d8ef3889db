/* Options; each is a row, so that --help cannot forget one. */
#include "demo/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "demo/ddl.h"
#include "demo/mix.h"
#include "demo/rng.h"
#include "demo/work.h"

enum option_id {
	OPTION_SOCKET = 256,
	OPTION_THREADS,
	OPTION_QUERIES,
	OPTION_SECONDS,
	OPTION_RATE,
	OPTION_MIX,
	OPTION_STATEMENT,
	OPTION_LOG,
	OPTION_DATA,
	OPTION_WAIT,
	OPTION_COLD_TEXT,
	OPTION_LONG_TEXT,
	OPTION_HELP,
};

static const struct option_row {
	enum option_id id;
	const char *name;
	const char *value; /* NULL: takes none */
	const char *help;
	unsigned long most; /* of a number; 0: not a number */
} rows[] = {
	{ OPTION_SOCKET, "socket", "PATH",
	  "listen there (default: in a new private directory under\n"
	  "$XDG_RUNTIME_DIR or /tmp)",
	  0 },
	{ OPTION_THREADS, "threads", "N",
	  "threads of the built-in load (default: 4; 0: only serve the socket)",
	  OPTIONS_THREADS_MAX },
	{ OPTION_QUERIES, "queries", "N",
	  "end after N statements of the load (default: 0, go on)", LONG_MAX },
	{ OPTION_SECONDS, "seconds", "N",
	  "end N seconds after the load started (default: 0, go on)", 1000000000 },
	{ OPTION_RATE, "rate", "N",
	  "statements per second, all threads together; 0: as fast as possible\n"
	  "(default: that of the mix)",
	  10000000 },
	{ OPTION_MIX, "mix", "NAME", "what the load does, see below (default: demo)",
	  0 },
	{ OPTION_STATEMENT, "statement", "TEXT",
	  "let the load repeat this instead; {1..9} becomes a number", 0 },
	{ OPTION_LOG, "log", "FILE",
	  "write what each statement really cost, a JSON line each", 0 },
	{ OPTION_DATA, "data", "DIR",
	  "put the data file there, unnamed (default: /var/tmp); best on a disk", 0 },
	{ OPTION_WAIT, "wait", NULL,
	  "start the load at a line on standard input or at SIGUSR1, so that\n"
	  "a tracer can attach first",
	  0 },
	{ OPTION_COLD_TEXT, "cold-text", NULL,
	  "statement texts are not in memory when query__start fires", 0 },
	{ OPTION_LONG_TEXT, "long-text", "N",
	  "pad the load's statements to N bytes with a comment",
	  OPTIONS_LONG_TEXT_MAX },
	{ OPTION_HELP, "help", NULL, "print this", 0 },
};

#define NR_ROWS (sizeof(rows) / sizeof(rows[0]))

static void print_options(void)
{
	for (size_t i = 0; i < NR_ROWS; i++) {
		const char *line = rows[i].help;
		char left[40];

		snprintf(left, sizeof(left), "--%s %s", rows[i].name,
			 rows[i].value ? rows[i].value : "");
		printf("  %-18s ", left);
		for (; strchr(line, '\n'); line = strchr(line, '\n') + 1)
			printf("%.*s\n%21s", (int)strcspn(line, "\n"), line, "");
		puts(line);
	}
}

static void print_mixes(void)
{
	size_t count;
	const struct mix *mixes = mix_all(&count);

	puts("\nMixes:");
	for (size_t i = 0; i < count; i++)
		printf("  %-18s %s\n", mixes[i].name, mixes[i].summary);
}

static void print_work(void)
{
	static const char *const args[] = {
		[WORK_ARG_NONE] = "",       [WORK_ARG_TIME] = "TIME",
		[WORK_ARG_SIZE] = "SIZE",   [WORK_ARG_BLOCKS] = "SIZE",
		[WORK_ARG_COUNT] = "COUNT", [WORK_ARG_NAME] = "'NAME'",
	};
	size_t count;
	const struct work_kind *kinds = work_kinds(&count);

	puts("\nStatements start with SELECT, INSERT, UPDATE or DELETE and do what\n"
	     "the calls in them say, in order; all other words are decoration:\n"
	     "  SELECT burn(2ms), lock('t1', 500us), read(16kb) FROM t WHERE id = 7");
	for (size_t i = 0; i < count; i++) {
		const struct work_kind *k = &kinds[i];
		bool optional = k->args[0] && !k->required, more = k->args[1];
		char call[40];

		snprintf(call, sizeof(call), "%s(%s%s%s%s%s%s)", k->name,
			 optional ? "[" : "", args[k->args[0]], optional ? "]" : "",
			 more ? "[, " : "", args[k->args[1]], more ? "]" : "");
		printf("  %-22s %s\n", call, k->summary);
	}
}

static void print_commands(void)
{
	size_t count;
	const struct ddl_command *commands = ddl_commands(&count);

	puts("\nPartition commands, `COMMAND name [PARTITIONS n]`, and what their\n"
	     "worker threads fire for each partition:");
	for (size_t i = 0; i < count; i++)
		printf("  %-18s %s\n", commands[i].words, commands[i].probes);
	puts("\n`USE name` changes the database of a connection.");
}

static void print_help(void)
{
	puts("Usage: memsqld [OPTION]...\n"
	     "A demo engine to trace: it runs statements that say what they cost,\n"
	     "fires USDT probes around them, and logs what they really cost. It is\n"
	     "not a database.\n");
	print_options();
	print_mixes();
	print_work();
	print_commands();
	puts("\nThe socket takes a statement per line and answers each with a line of\n"
	     "JSON. SIGINT and SIGTERM end the engine with a summary. Exit status: 0,\n"
	     "or 1 for bad options and failures of the system.");
}

static void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void complain(const char *fmt, ...)
{
	va_list ap;

	fputs("memsqld: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\nmemsqld: try --help\n", stderr);
}

static const struct option_row *find_row(int id)
{
	for (size_t i = 0; i < NR_ROWS; i++) {
		if ((int)rows[i].id == id)
			return &rows[i];
	}
	return NULL;
}

/* The number in optarg, for options that take one; others get 0. */
static bool parse_number(const struct option_row *row, unsigned long *n)
{
	char *end;

	*n = 0;
	if (!row->most)
		return true;
	errno = 0;
	*n = strtoul(optarg, &end, 10);
	/* strtoul() accepts a minus sign; we do not */
	if (isdigit((unsigned char)*optarg) && !*end && errno == 0 && *n <= row->most)
		return true;
	complain("--%s: '%s' is not a number from 0 to %lu", row->name, optarg,
		 row->most);
	return false;
}

static bool set_mix(struct options *o)
{
	size_t count;
	const struct mix *mixes = mix_all(&count);

	o->mix = mix_find(optarg);
	if (o->mix)
		return true;
	fprintf(stderr, "memsqld: --mix: there is no mix '%s'; there are:", optarg);
	for (size_t i = 0; i < count; i++)
		fprintf(stderr, " %s", mixes[i].name);
	fputc('\n', stderr);
	return false;
}

static bool set_statement(struct options *o)
{
	char out[4096];
	uint64_t rng = rng_seed(0);

	o->statement = optarg;
	if (mix_expand(optarg, 0, &rng, out, sizeof(out)))
		return true;
	complain("--statement: too long, or a bad {low..high}: %.60s", optarg);
	return false;
}

static bool set_option(struct options *o, const struct option_row *row)
{
	unsigned long n;

	if (!parse_number(row, &n))
		return false;
	switch (row->id) {
	case OPTION_SOCKET:
		o->socket = optarg;
		break;
	case OPTION_THREADS:
		o->threads = (unsigned)n;
		break;
	case OPTION_QUERIES:
		o->queries = n;
		break;
	case OPTION_SECONDS:
		o->seconds = n;
		break;
	case OPTION_RATE:
		o->rate = n;
		break;
	case OPTION_MIX:
		return set_mix(o);
	case OPTION_STATEMENT:
		return set_statement(o);
	case OPTION_LOG:
		o->log = optarg;
		break;
	case OPTION_DATA:
		o->data_dir = optarg;
		break;
	case OPTION_WAIT:
		o->wait = true;
		break;
	case OPTION_COLD_TEXT:
		o->cold_text = true;
		break;
	case OPTION_LONG_TEXT:
		o->long_text = n;
		break;
	case OPTION_HELP:
		break;
	}
	return true;
}

/* What only shows once all options are known. */
static bool check_options(struct options *o, bool rate_given)
{
	if (o->threads == 0 && o->queries) {
		complain("--queries needs threads to run them, but --threads is 0");
		return false;
	}
	if (!rate_given)
		o->rate = o->statement ? 0 : o->mix->rate;
	return true;
}

enum options_verdict options_parse(struct options *o, int argc, char **argv)
{
	struct option longs[NR_ROWS + 1] = { 0 };
	bool rate_given = false;
	size_t count;
	int id;

	*o = (struct options){ .threads = 4, .data_dir = "/var/tmp" };
	o->mix = mix_all(&count);
	for (size_t i = 0; i < NR_ROWS; i++)
		longs[i] = (struct option){ rows[i].name,
					    rows[i].value ? required_argument
							  : no_argument,
					    NULL, (int)rows[i].id };
	while ((id = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (id == OPTION_HELP) {
			print_help();
			return OPTIONS_HELP;
		}
		if (id == '?') {
			fputs("memsqld: try --help\n", stderr);
			return OPTIONS_BAD;
		}
		rate_given |= id == OPTION_RATE;
		if (!set_option(o, find_row(id)))
			return OPTIONS_BAD;
	}
	if (optind < argc) {
		complain("unexpected argument '%s'", argv[optind]);
		return OPTIONS_BAD;
	}
	return check_options(o, rate_given) ? OPTIONS_RUN : OPTIONS_BAD;
}
