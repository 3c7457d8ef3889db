/*
 * A program on the work of a lesson. The demo engine waits until it is traced, and ends by
 * itself; the tracers, which are this very program, end with it. The solution is traced on
 * the same run as the program that is checked, so that both see the same events and nothing
 * has to be known of the machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/json.h"
#include "cli/lesson.h"
#include "core/arena.h"

enum { ARGUMENTS_MAX = 16, ATTACH_SECONDS = 120, NAP_NS = 10000000 };

struct run {
	struct arena *arena;
	const struct lesson *lesson;
	const char *folder; /* a temporary one */
	const char *self;   /* this program's path */
	struct {
		pid_t pid; /* 0: it does not run */
		int in;    /* a line to it begins the work */
		int out;
	} engine;
};

struct tracer {
	const char *file, *results;
	pid_t pid; /* 0: it does not run */
	int status;
};

/* Starts argv[0] with these files for its standard ones; -1: as they are. */
static pid_t start(const char *const *argv, int in, int out, int err)
{
	int files[] = { in, out, err };
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	signal(SIGINT, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	for (int fd = 0; fd < 3; fd++)
		if (files[fd] >= 0 && dup2(files[fd], fd) < 0)
			_exit(127);
	execvp(argv[0], (char *const *)argv);
	fprintf(stderr, "memql: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void end(pid_t *pid, int *status)
{
	if (*pid > 0)
		while (waitpid(*pid, status, 0) < 0 && errno == EINTR)
			;
	*pid = 0;
}

/*
 * Where memsqld is: beside memql once installed, in demo/ of a build, else on the PATH. The
 * programs of the course know it by its name only, so the PATH is told.
 */
static void tell_path(struct run *r)
{
	const char *slash = strrchr(r->self, '/');
	int len = slash ? (int)(slash - r->self) : 0;
	const char *path = getenv("PATH");

	setenv("PATH",
	       arena_printf(r->arena, "%.*s/demo:%.*s:%s", len, r->self, len, r->self,
			    path ? path : "/usr/bin:/bin"),
	       1);
}

/* Its number is in the line that it writes when it can be traced. */
static bool engine_start(struct run *r)
{
	const char *command =
		arena_printf(r->arena, "exec memsqld --wait %s", r->lesson->workload);
	const char *argv[] = { "/bin/sh", "-c", command, NULL };
	int in[2], out[2];
	char line[256];
	ssize_t n;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC)) {
		perror("memql: pipe");
		return false;
	}
	r->engine.pid = start(argv, in[0], out[1], -1);
	close(in[0]);
	close(out[1]);
	r->engine.in = in[1];
	r->engine.out = out[0];
	n = read(out[0], line, sizeof(line) - 1);
	line[n > 0 ? n : 0] = '\0';
	if (strstr(line, "ready pid="))
		return true;
	fputs("memql: memsqld, the demo engine, does not start\n", stderr);
	return false;
}

/* Lets it work, and waits for its end. */
static void engine_go(struct run *r)
{
	char rest[4096];

	if (write(r->engine.in, "\n", 1) < 0)
		perror("memql: memsqld");
	while (read(r->engine.out, rest, sizeof(rest)) > 0)
		;
	end(&r->engine.pid, NULL);
}

static void engine_stop(struct run *r)
{
	if (r->engine.pid > 0)
		kill(r->engine.pid, SIGTERM);
	end(&r->engine.pid, NULL);
	close(r->engine.in);
	close(r->engine.out);
}

/*
 * The lesson's arguments, word by word. A program that does not ask for $1 is not given
 * one, which would be an error before its own are seen.
 */
static void add_arguments(struct run *r, const char *file, const char **argv, int n)
{
	const char *program = lesson_read(r->arena, file);
	char *words = arena_strdup(r->arena, r->lesson->arguments), *rest;

	if (*words != '-' && (!program || !strstr(program, "$1")))
		return;
	for (char *w = strtok_r(words, " ", &rest); w && n < ARGUMENTS_MAX - 1;
	     w = strtok_r(NULL, " ", &rest))
		argv[n++] = strcmp(w, "PID") == 0
				    ? arena_printf(r->arena, "%d", r->engine.pid)
				    : w;
}

/* Results in JSON into a file if it has one, else in text to standard output. */
static void tracer_start(struct run *r, struct tracer *t, int err)
{
	const char *argv[ARGUMENTS_MAX] = {
		r->self, "-p", arena_printf(r->arena, "%d", r->engine.pid)
	};
	int n = 3;

	if (t->results) {
		argv[n++] = "-f";
		argv[n++] = "json";
		argv[n++] = "-o";
		argv[n++] = t->results;
	}
	argv[n++] = t->file;
	add_arguments(r, t->file, argv, n);
	t->pid = start(argv, -1, -1, err);
}

static bool is_attached(struct run *r, struct tracer *t)
{
	const char *results = lesson_read(r->arena, t->results);

	return results && strstr(results, "\"attached_probes\"");
}

/* False: the tracer ended, or takes too long. */
static bool wait_attached(struct run *r, struct tracer *t)
{
	const struct timespec nap = { .tv_nsec = NAP_NS };
	time_t limit = time(NULL) + ATTACH_SECONDS;

	while (!is_attached(r, t)) {
		if (waitpid(t->pid, &t->status, WNOHANG) == t->pid) {
			t->pid = 0;
			return is_attached(r, t); /* at once done, as by exit() */
		}
		if (time(NULL) > limit) {
			fprintf(stderr, "memql: %s: not attached within %d s\n",
				t->file, ATTACH_SECONDS);
			return false;
		}
		nanosleep(&nap, NULL);
	}
	return true;
}

static void tracer_stop(struct tracer *t)
{
	if (t->pid > 0)
		kill(t->pid, SIGTERM);
	end(&t->pid, &t->status);
}

static bool open_run(struct run *r, struct arena *a, const struct lesson *l)
{
	char exe[4096], folder[] = "/tmp/memql-lesson-XXXXXX";
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe));

	*r = (struct run){ .arena = a, .lesson = l, .engine = { .in = -1, .out = -1 } };
	if (n < 0 || !mkdtemp(folder)) {
		perror("memql: /tmp");
		return false;
	}
	r->self = arena_strndup(a, exe, (size_t)n);
	r->folder = arena_strdup(a, folder);
	signal(SIGPIPE, SIG_IGN); /* an engine that is gone is an error of write() */
	signal(SIGINT, SIG_IGN);  /* Ctrl-C ends the others, and then this in order */
	tell_path(r);
	return true;
}

static const char *in_folder(struct run *r, const char *name)
{
	return arena_printf(r->arena, "%s/%s", r->folder, name);
}

static void close_run(struct run *r)
{
	static const char *const names[] = { "solution.mq", "solution.json",
					     "yours.json" };

	engine_stop(r);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(in_folder(r, names[i]));
	rmdir(r->folder);
}

static bool write_solution(struct run *r, const char *path)
{
	FILE *fp = fopen(path, "we");
	bool ok = fp && fputs(r->lesson->solution, fp) >= 0;

	if (fp)
		ok &= fclose(fp) == 0;
	if (!ok)
		fprintf(stderr, "memql: %s: %s\n", path, strerror(errno));
	return ok;
}

static void tell_losses(struct arena *a, const char *results)
{
	const struct json *event;

	while ((event = json_read(a, &results))) {
		const struct json *type = json_member(event, "type");
		const struct json *data = json_member(event, "data");
		const struct json *count = json_member(data, "count");
		const struct json *what = json_member(data, "what");

		if (type && strcmp(type->text, "lost_events") == 0 && count && what)
			printf("  and memql lost %s %s\n", count->text, what->text);
	}
}

static int judge(struct run *r, const struct tracer *yours, const struct tracer *want)
{
	const char *got = lesson_read(r->arena, yours->results);
	const char *expected = lesson_read(r->arena, want->results);
	char *told;
	size_t n;
	FILE *out = open_memstream(&told, &n);
	bool same = lesson_compare(r->arena, r->lesson->compare,
				   expected ? expected : "", got ? got : "", out);

	fclose(out);
	if (same) {
		puts("Right: the results are those of the solution.");
	} else {
		printf("Not yet. What differs from the solution's results:\n%s", told);
		tell_losses(r->arena, got ? got : "");
		if (*r->lesson->hint)
			printf("hint: %s\n", r->lesson->hint);
	}
	free(told);
	return same ? EXIT_SUCCESS : EXIT_FAILURE;
}

int lesson_check(struct arena *a, const struct lesson *l, const char *file)
{
	struct run r;
	struct tracer yours = { .file = file }, want = { 0 };
	int status = EXIT_FAILURE, null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (!open_run(&r, a, l))
		return EXIT_FAILURE;
	want.file = in_folder(&r, "solution.mq");
	want.results = in_folder(&r, "solution.json");
	yours.results = in_folder(&r, "yours.json");
	if (!write_solution(&r, want.file) || !engine_start(&r))
		goto out;
	tracer_start(&r, &yours, -1);
	if (!wait_attached(&r, &yours)) {
		puts(geteuid() ? "Your program was not tried."
			       : "Your program does not run yet.");
		goto out;
	}
	tracer_start(&r, &want, null);
	if (!wait_attached(&r, &want)) {
		fputs("memql: the solution does not run here\n", stderr);
		goto out;
	}
	engine_go(&r);
	end(&yours.pid, &yours.status);
	end(&want.pid, &want.status);
	status = judge(&r, &yours, &want);
out:
	tracer_stop(&yours);
	tracer_stop(&want);
	close_run(&r);
	close(null);
	return status;
}

/* Copies lines to standard error, up to one that begins so; false: there is none. */
static bool relay(FILE *from, const char *until)
{
	char line[4096];

	while (fgets(line, sizeof(line), from)) {
		fputs(line, stderr);
		if (until && strncmp(line, until, strlen(until)) == 0)
			return true;
	}
	return false;
}

int lesson_run(struct arena *a, const struct lesson *l, const char *file)
{
	struct tracer yours = { .file = file };
	FILE *messages = NULL;
	struct run r;
	int err[2];

	if (!open_run(&r, a, l))
		return EXIT_FAILURE;
	if (engine_start(&r) && pipe2(err, O_CLOEXEC) == 0) {
		tracer_start(&r, &yours, err[1]);
		close(err[1]);
		messages = fdopen(err[0], "re");
	}
	if (messages && relay(messages, "Attached")) {
		engine_go(&r);
		relay(messages, NULL);
		end(&yours.pid, &yours.status);
	}
	if (messages)
		fclose(messages);
	tracer_stop(&yours);
	close_run(&r);
	return yours.status ? EXIT_FAILURE : EXIT_SUCCESS;
}
