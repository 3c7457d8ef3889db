/*
 * Compiles and loads many programs in one process, for the generators beside it: memql
 * started anew for each would take three times as long.
 *
 * Standard input holds programs: a line "load NUMBER BYTES" or "run NUMBER BYTES", then
 * the text. To each there is an answer on standard output: a line "NUMBER VERDICT MS TAGS
 * OUT SAID" (MS of CPU time), then OUT bytes of what the program showed, in JSON, and SAID bytes of
 * messages. The verdicts are
 *
 *	refused	memql has a diagnostic, whose tags are in TAGS, with commas
 *	loaded	the kernel took it
 *	ran	and BEGIN and END ran
 *	failed	the kernel did not take it, or it could not be run
 *
 * With the argument "rows" it lists the language's functions instead, in JSON.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "builtins/builtin.h"
#include "cli/pipeline.h"
#include "cli/script.h"
#include "codegen/image.h"
#include "core/arena.h"
#include "core/compile.h"
#include "core/source.h"
#include "probes/probe.h"
#include "runtime/session.h"
#include "runtime/sink.h"
#include "runtime/target_linux.h"
#include "sema/sema.h"

enum { TEXT_MAX = 1 << 22, TAGS_MAX = 512 };

/* Files in memory: what the program shows, and what is written to standard error. */
struct drive {
	struct target *target;
	int out, said;
};

struct answer {
	const char *verdict;
	char tags[TAGS_MAX];
};

/* CPU time of this process. */
static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void add_tag(char *tags, const char *word, size_t len)
{
	size_t n = strlen(tags);

	if (n + len + 2 < TAGS_MAX)
		snprintf(tags + n, TAGS_MAX - n, "%s%.*s", n ? "," : "", (int)len,
			 word);
}

/* Tags are known by how they are shown: "message [tag]" at the end of a line. */
static void find_tags(const char *said, char *tags)
{
	for (const char *line = said; *line; line++) {
		const char *end = strchrnul(line, '\n'), *open;

		for (open = end; open > line && *open != '['; open--)
			;
		if (end > line && end[-1] == ']' && open > line &&
		    memmem(line, (size_t)(end - line), ": error: ", 9))
			add_tag(tags, open + 1, (size_t)(end - open) - 2);
		line = end;
		if (!*line)
			break;
	}
}

static const char *load(struct compile *cc, FILE *out, bool run)
{
	const struct session_options options = { .ring_bytes = run ? 1 << 22 : 0 };
	struct sink *sink = sink_json_new(out, false);
	const char *verdict = "failed";
	struct session *s = NULL;

	if (!session_open(cc->image, sink, &options, &s)) {
		verdict = "loaded";
		if (run && !session_attach(s)) {
			session_finish(s);
			verdict = "ran";
		}
	}
	session_close(s);
	sink->ops->close(sink);
	return verdict;
}

static char *read_all(int fd, size_t *len)
{
	off_t n = lseek(fd, 0, SEEK_END);
	char *bytes = malloc((size_t)n + 1);

	if (n < 0 || !bytes || pread(fd, bytes, (size_t)n, 0) != n)
		abort();
	bytes[n] = '\0';
	*len = (size_t)n;
	if (ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET))
		abort();
	return bytes;
}

static void try_text(struct drive *d, const char *text, size_t len, bool run,
		     struct answer *a)
{
	const struct compile_options options = { .unsafe = true, .dry_run = !run };
	struct compile *cc = compile_new(d->target, &options);
	FILE *out = fdopen(dup(d->out), "w");

	if (!out)
		abort();
	cc->options.packs = script_packs(cc->arena, NULL);
	cc->source = source_new(cc->arena, "fuzz.mq", text, (uint32_t)len);
	if (compile_until(cc, NULL, NULL)) {
		a->verdict = load(cc, out, run);
	} else {
		a->verdict = "refused";
		diag_render(cc, stderr, false, true);
	}
	fclose(out);
	compile_free(cc);
	fflush(stderr);
}

static void answer(struct drive *d, uint64_t number, const char *text, size_t len,
		   bool run)
{
	struct answer a = { .verdict = "" };
	double begin = now_ms();
	char *out, *said;
	size_t nout, nsaid;

	try_text(d, text, len, run, &a);
	out = read_all(d->out, &nout);
	said = read_all(d->said, &nsaid);
	find_tags(said, a.tags);
	printf("%" PRIu64 " %s %.1f %s %zu %zu\n", number, a.verdict, now_ms() - begin,
	       *a.tags ? a.tags : "-", nout, nsaid);
	fwrite(out, 1, nout, stdout);
	fwrite(said, 1, nsaid, stdout);
	fflush(stdout);
	free(out);
	free(said);
}

static const char *kind_name(enum type_kind kind)
{
	switch (kind) {
	case TYPE_VOID:
		return "void";
	case TYPE_INT:
		return "int";
	case TYPE_STR:
		return "str";
	case TYPE_PTR:
		return "ptr";
	case TYPE_STRUCT:
		return "struct";
	case TYPE_ARRAY:
		return "array";
	case TYPE_TUPLE:
		return "tuple";
	case TYPE_SHOWN:
		return "shown";
	case TYPE_NAME:
		return "name";
	case TYPE_TIME:
		return "time";
	case TYPE_ARGS:
		return "args";
	case TYPE_ANY:
		return "any";
	}
	return "";
}

static const char *row_kind(enum builtin_kind kind)
{
	switch (kind) {
	case BUILTIN_VALUE:
		return "value";
	case BUILTIN_FUNC:
		return "function";
	case BUILTIN_AGG:
		return "aggregation";
	case BUILTIN_ACTION:
		return "action";
	}
	return "";
}

static void list_rows(void)
{
	const char *between = "[";

	for (const struct builtin *b = builtin_next(NULL); b; b = builtin_next(b)) {
		printf("%s\n{\"name\": \"%s\", \"kind\": \"%s\", \"returns\": \"%s\", "
		       "\"params\": [",
		       between, b->name, row_kind(b->kind), kind_name(b->returns.kind));
		for (const struct param *p = b->params; p->name; p++)
			printf("%s{\"name\": \"%s\", \"type\": \"%s\", \"flags\": %u, "
			       "\"min\": %" PRId64 ", \"max\": %" PRId64 "}",
			       p > b->params ? ", " : "", p->name, kind_name(p->type),
			       p->flags, p->min, p->max);
		printf("]}");
		between = ",";
	}
	printf("]\n");
}

/* The next program to text, its length to *len; false at the end. */
static bool next_program(char *text, char *mode, uint64_t *number, size_t *len)
{
	char line[128];

	if (!fgets(line, sizeof(line), stdin))
		return false;
	if (sscanf(line, "%7s %" SCNu64 " %zu", mode, number, len) != 3 ||
	    *len >= TEXT_MAX || fread(text, 1, *len, stdin) != *len) {
		fprintf(stderr, "drive: cannot read the next program\n");
		exit(2);
	}
	text[*len] = '\0';
	return true;
}

/*
 * libbpf 1.1 frees its table of handlers when the last one is unregistered, and then uses
 * it: each session registers one. This one stays.
 */
static void keep_handlers(void)
{
	libbpf_register_prog_handler("fuzz_drive", BPF_PROG_TYPE_KPROBE, 0, NULL);
}

int main(int argc, char **argv)
{
	struct drive d = { .out = memfd_create("out", MFD_CLOEXEC),
			   .said = memfd_create("said", MFD_CLOEXEC) };
	char *text = malloc(TEXT_MAX), mode[8];
	uint64_t number;
	size_t len;
	int err;

	if (argc > 1 && strcmp(argv[1], "rows") == 0) {
		list_rows();
		free(text);
		return 0;
	}
	err = target_linux_open(&d.target);
	if (err || d.out < 0 || d.said < 0 || !text) {
		fprintf(stderr, "drive: cannot begin: %s\n", strerror(-err));
		return 2;
	}
	keep_handlers();
	signal(SIGPIPE, SIG_IGN);
	if (dup2(d.said, STDERR_FILENO) < 0)
		return 2;
	while (next_program(text, mode, &number, &len))
		answer(&d, number, text, len, strcmp(mode, "run") == 0);
	target_linux_close(d.target);
	free(text);
	return 0;
}
