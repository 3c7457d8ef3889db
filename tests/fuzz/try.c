/* One input through all stages. */
#include "tests/fuzz/fuzz.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "cli/pipeline.h"
#include "core/arena.h"
#include "core/compile.h"
#include "core/source.h"
#include "sema/sema.h"
#include "tests/fake_target.h"

enum { HANG_SECONDS = 1 };

/* Ends with SIGABRT, which fuzzers take for a crash. */
static void on_hang(int sig)
{
	static const char text[] = "fuzz: hang: more than a second\n";

	(void)sig;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) >= 0)
		abort();
	_exit(3);
}

void fuzz_open(struct fuzz *f, const char *tests)
{
	char machine[sizeof(f->name)];

	*f = (struct fuzz){ .state = 1 };
	snprintf(machine, sizeof(machine), "%s/fake_target.txt", tests);
	snprintf(f->name, sizeof(f->name), "%s/parser/fuzz.mq", tests);
	f->target = fake_target_open(machine);
	f->null = fopen("/dev/null", "w");
	if (!f->target || !f->null)
		exit(2);
	signal(SIGVTALRM, on_hang);
}

void fuzz_close(struct fuzz *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->items[i].bytes);
	free(f->items);
	fake_target_close(f->target);
	fclose(f->null);
}

/* A script takes what it names, and refuses anything else at once. */
static int make_arguments(const char *text, char **args)
{
	static char min[] = "--min=5", word[] = "word", number[] = "7";
	int n = 0;

	if (strstr(text, "getopt(\"min\""))
		args[n++] = min;
	if (strstr(text, "$1") || strstr(text, "$#"))
		args[n++] = word;
	if (strstr(text, "$2") || strstr(text, "$#"))
		args[n++] = number;
	args[n] = NULL;
	return n;
}

static uint32_t hash_of(const char *bytes, size_t len)
{
	uint32_t hash = 2166136261;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * 16777619;
	return hash >> 8;
}

/* The last stage, whose result is dumped; NULL: all of them. Most programs need no LLVM. */
static const char *const last_stages[] = {
	"plan", "plan", "plan", "plan", "plan",   "plan", "plan", "plan",
	"plan", NULL,   NULL,   NULL,   "expand", "ast",  "ir",   "bpf",
};
enum { STAGES = sizeof(last_stages) / sizeof(last_stages[0]) };

void fuzz_try(const struct fuzz *f)
{
	const uint32_t hash = hash_of(f->bytes, f->len);
	const char *last = last_stages[(hash >> 3) % STAGES];
	char *args[4];
	const struct compile_options options = {
		.args = args,
		.nargs = make_arguments(f->bytes, args),
		.unsafe = hash % 8 != 5,
		.has_command = hash % 8 == 6,
		.keep_ir = last != NULL,
	};
	const struct itimerval limit = { .it_value.tv_sec = HANG_SECONDS },
			       none = { 0 };
	struct compile *cc = compile_new(f->target, &options);

	setitimer(ITIMER_VIRTUAL, &limit, NULL);
	cc->source = source_new(cc->arena, f->name, f->bytes, (uint32_t)f->len);
	compile_until(cc, last, f->null);
	if (hash % 8 == 7 && diag_ok(cc) && script_options_collect(cc))
		script_help(cc, "fuzz", f->null);
	if (hash % 4 == 0)
		diag_render(cc, f->null, hash % 32 == 4, hash % 32 == 8);
	setitimer(ITIMER_VIRTUAL, &none, NULL);
	compile_free(cc);
}
