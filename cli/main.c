/* memql: from the command line to the exit status. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/describe.h"
#include "cli/list.h"
#include "cli/list_events.h"
#include "cli/options.h"
#include "cli/pipeline.h"
#include "cli/run.h"
#include "cli/script.h"
#include "codegen/codegen.h"
#include "core/arena.h"
#include "core/compile.h"
#include "probes/probe.h"
#include "runtime/cache.h"
#include "runtime/object_file.h"
#include "runtime/target_linux.h"
#include "runtime/uprobe_warmup.h"
#include "sema/answers.h"
#include "sema/plan.h"
#include "sema/sema.h"

static const char *read_error(int err)
{
	switch (-err) {
	case EISDIR:
		return "a directory, not a script";
	case EFBIG:
		return "larger than the 4 MB that a script may have";
	case EILSEQ:
		return "not a script: it holds NUL bytes";
	}
	return strerror(-err);
}

static bool read_source(struct compile *cc, const struct options *o)
{
	int err;

	if (o->program) {
		size_t len = strlen(o->program);

		if (len <= SOURCE_MAX) {
			cc->source = source_new(cc->arena, "<-e>", o->program,
						(uint32_t)len);
			return true;
		}
		err = -EFBIG;
	} else {
		err = source_read(cc->arena, script_find(cc->arena, o->script),
				  &cc->source);
	}
	if (err)
		fprintf(stderr, "memql: %s: %s\n", o->program ? "-e" : o->script,
			read_error(err));
	if (err == -ENOENT)
		script_suggest(o->script);
	return !err;
}

static void show_messages(const struct compile *cc, const struct options *o)
{
	diag_render(cc, stderr, isatty(STDERR_FILENO) && !getenv("NO_COLOR"),
		    o->quiet || o->no_warnings);
}

/* memql script.mq --help: the script's options, which need nothing of the machine. */
static bool wants_script_help(const struct options *o)
{
	for (int i = 0; i < o->nargs; i++) {
		if (i > 0 && strcmp(o->args[i], "--") == 0)
			return false;
		if (strcmp(o->args[i], "--help") == 0)
			return true;
	}
	return false;
}

static int show_script_help(struct compile *cc, const struct options *o)
{
	if (!parse(cc) || !expand(cc) || !script_options_collect(cc))
		return EXIT_FAILURE;
	script_help(cc, o->script ? o->script : "-e '...'", stdout);
	return EXIT_SUCCESS;
}

static void find_packs(struct compile *cc, const char *script)
{
	cc->options.packs = script_packs(cc->arena, script);
	cc->options.pack_places = script_pack_places(cc->arena, script);
}

static bool attaches_uprobes(const struct plan *plan)
{
	for (size_t i = 0; i < plan->programs.n; i++)
		if (plan->programs.items[i]->kind->flags & PROBE_USER)
			return true;
	return false;
}

/* To code that will run; *warmup is set if the kernel gets ready for it meanwhile. */
static bool compile_to_run(struct compile *cc, const struct options *o,
			   struct uprobe_warmup **warmup)
{
	bool ok;

	if (!compile_until(cc, "plan", NULL))
		return false;
	/* The process of -c would hold the thread's files until it begins. */
	if (!o->dry_run && !o->command && attaches_uprobes(cc->plan))
		*warmup = uprobe_warmup_start();
	ok = generate(cc) && diag_ok(cc);
	uprobe_warmup_finish(*warmup);
	return ok;
}

static int compile_and_run(struct compile *cc, const struct options *o)
{
	struct uprobe_warmup *warmup = NULL;
	int status = EXIT_FAILURE;
	bool ok = false;

	if (!read_source(cc, o))
		return EXIT_FAILURE;
	find_packs(cc, o->program ? NULL : cc->source->name);
	if (wants_script_help(o))
		status = show_script_help(cc, o);
	else if (o->word)
		status = o->word->compiled(cc, o);
	else if (o->dump)
		ok = compile_until(cc, o->dump, stdout);
	else
		ok = compile_to_run(cc, o, &warmup);

	show_messages(cc, o);
	if (ok && o->object && !o->dump) {
		cc->image = image_with_object(cc->arena, cc->image, o->object);
		ok = cc->image != NULL;
	}
	if (ok)
		status = o->dump ? EXIT_SUCCESS : run(cc, o, warmup);
	uprobe_warmup_close(warmup);
	return status;
}

/* -l -e and -l script.mq: what the program would attach to. */
static int list_script(struct compile *cc, const struct options *o)
{
	struct options script = *o;

	script.script = o->pattern;
	if (!read_source(cc, &script))
		return -1;
	find_packs(cc, o->program ? NULL : cc->source->name);
	if (!parse(cc) || !expand(cc) || !resolve(cc))
		return -1;
	list_program(cc, stdout);
	return 0;
}

static bool is_script(const char *name)
{
	const char *end = name ? strrchr(name, '.') : NULL;

	return end && (strcmp(end, ".mq") == 0 || strcmp(end, ".bt") == 0);
}

static int list(struct compile *cc, const struct options *o)
{
	bool script = o->program || is_script(o->pattern);
	int err, events = 0;

	if (!script && o->pattern && list_means_events(o->pattern)) {
		find_packs(cc, NULL);
		events = list_events(cc, o->pattern, o->verbose, stdout);
	}
	if (events)
		err = events < 0 ? events : 0;
	else
		err = script ? list_script(cc, o)
			     : list_probes(cc, o->pattern, o->verbose, stdout);
	if (err && cc->options.pack_places && !cc->options.packs)
		packs_hint(cc);

	show_messages(cc, o);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

/*
 * Where standard input, output or error are closed, the next files to be opened would
 * take their places, and get the results or messages. What stands in for standard output
 * cannot be written to, so that results without a place are an error.
 */
static void keep_standard_files(void)
{
	static const int modes[] = { O_RDONLY, O_RDONLY, O_WRONLY };

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
			abort();
	}
}

/* What needs no look at the machine. False: nothing of that was asked for. */
static bool inform(const struct options *o)
{
	if (o->help && o->word && o->word->help)
		o->word->help(stdout);
	else if (o->help)
		options_help(stdout);
	else if (o->version)
		puts("memql " MEMQL_VERSION);
	else if (o->reference)
		describe(o->reference, stdout);
	else
		return false;
	return true;
}

/* List, or compile and run: returns the exit status. */
static int work_on(const struct target *target, struct object_cache *cache,
		   const struct options *o)
{
	const bool compiles = !o->word && !o->list && !o->dump && !o->object;
	struct listener *listener = compiles && cache ? listener_new(target) : NULL;
	struct compile_options co = {
		.args = o->args,
		.nargs = o->nargs,
		.pid = o->pid,
		.max_strlen = o->max_strlen,
		.has_command = o->command != NULL,
		/* What is not attached may be explained where it could not be. */
		.dry_run = o->dry_run || (o->word && o->explain.seconds <= 0),
		.unsafe = o->unsafe,
		.cache = listener ? cache : NULL,
		.listener = listener,
		.keep_ir = o->dump != NULL,
		.explain = o->word != NULL || o->without != NULL,
		.as_c = o->explain.as == EXPLAIN_AS_C,
		.without = o->word ? o->explain.without : o->without,
	};
	struct compile *cc =
		compile_new(listener ? listener_target(listener) : target, &co);
	int status = o->list ? list(cc, o) : compile_and_run(cc, o);

	compile_free(cc);
	listener_free(listener);
	return status;
}

static int work(const struct options *o)
{
	struct object_cache *cache;
	struct target *target;
	int status, err = target_linux_open(&target);

	if (err) {
		fprintf(stderr, "memql: cannot look at this machine: %s\n",
			strerror(-err));
		return EXIT_FAILURE;
	}
	cache = o->no_cache ? NULL : cache_open(NULL);
	target_linux_keep(target, cache);
	if (o->word && o->word->run)
		status = o->word->run(target, o);
	else
		status = work_on(target, cache, o);
	target_linux_close(target);
	cache_close(cache);
	return status;
}

int main(int argc, char **argv)
{
	int status = EXIT_SUCCESS;
	struct options o;

	keep_standard_files();
	if (!options_parse(argc, argv, &o))
		return EXIT_FAILURE;
	if (!inform(&o))
		status = work(&o);
	if (fflush(stdout) && errno != EPIPE && status == EXIT_SUCCESS) {
		fprintf(stderr, "memql: standard output: %s\n", strerror(errno));
		status = EXIT_FAILURE;
	}
	return status;
}
