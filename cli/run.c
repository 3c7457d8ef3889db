#include "cli/run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cli/children.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/refusal.h"
#include "codegen/image.h"
#include "core/compile.h"
#include "probes/probe.h"
#include "runtime/child.h"
#include "runtime/session.h"
#include "runtime/sink.h"

enum { POLL_MS = 100, PROGRESS_MS = 500 };

/* The only mutable globals: set by a signal; the first two are read by the loop. */
static volatile sig_atomic_t stop_requested; /* the latest signal */
static volatile sig_atomic_t run_requested;  /* SIGUSR1 came */
static volatile time_t stop_time;            /* CLOCK_MONOTONIC, seconds */

/*
 * The first SIGINT, SIGTERM or SIGHUP ends the trace and prints. One that comes seconds
 * later kills a memql that hangs; not one that comes at once: timeout(1) and sudo(8)
 * send theirs to the process and to its group.
 */
static void request_stop(int sig)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (stop_requested && now.tv_sec - stop_time >= 2) {
		signal(sig, SIG_DFL);
		raise(sig);
	}
	if (!stop_requested)
		stop_time = now.tv_sec;
	stop_requested = sig;
}

static void request_run(int sig)
{
	(void)sig;
	run_requested = 1;
}

/*
 * SA_RESTART, because a write of results that waits for a slow reader must not fail;
 * waiting for events is interrupted all the same.
 */
static void catch_signals(const struct image *img)
{
	struct sigaction sa = { .sa_handler = request_stop, .sa_flags = SA_RESTART };
	struct sigaction user = { .sa_handler = request_run, .sa_flags = SA_RESTART };
	struct sigaction old;

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	/* The terminal closes; under nohup(1) that is no reason to end. */
	sigaction(SIGHUP, NULL, &old);
	if (old.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &sa, NULL);
	signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of the sink */
	for (size_t i = 0; i < img->nprograms; i++)
		if (img->programs[i].kind->flags & PROBE_ON_SIGNAL)
			sigaction(SIGUSR1, &user, NULL);
}

/* What the trace waits for besides its own exit(). */
struct watch {
	int pidfd;           /* -p; -1: none */
	struct child *child; /* -c; NULL: none */
};

static bool watched_ended(const struct watch *w)
{
	struct pollfd p = { .fd = w->pidfd, .events = POLLIN };

	if (w->child && child_poll(w->child))
		return true;
	return w->pidfd >= 0 && poll(&p, 1, 0) == 1;
}

static const char *pid_error(int err)
{
	switch (err) {
	case ESRCH:
		return "no such process";
	case EINVAL: /* up to Linux 6.8 */
	case ENOENT: /* since then */
		return "this is one of several threads; -p takes their process, the Tgid "
		       "in /proc/PID/status";
	}
	return strerror(err);
}

static int watch_open(const struct options *o, struct watch *w)
{
	*w = (struct watch){ .pidfd = -1 };
	if (o->pid) {
		w->pidfd = (int)syscall(SYS_pidfd_open, o->pid, 0);
		if (w->pidfd < 0) {
			int err = errno;

			fprintf(stderr, "memql: -p %d: %s\n", o->pid, pid_error(err));
			return -err;
		}
	}
	return o->command ? child_start(o->command, &w->child) : 0;
}

static void watch_close(struct watch *w)
{
	if (w->pidfd >= 0)
		close(w->pidfd);
	child_close(w->child);
}

/* Until somebody ends it. 0 or -errno. */
static int follow(struct session *s, const struct watch *w, struct sink *sink)
{
	int err;

	do {
		err = session_poll(s, POLL_MS);
		if (err == -EINTR)
			err = 0;
		if (!err && run_requested) {
			run_requested = 0;
			err = session_signal(s);
		}
		if (!err && sink_error(sink))
			err = -sink_error(sink);
	} while (!err && !stop_requested && !watched_ended(w));

	/* The terminal has written ^C where the results would go on. */
	if (stop_requested == SIGINT && isatty(STDERR_FILENO))
		fputc('\n', stderr);
	return err < 0 ? err : 0;
}

static size_t count_sites(const struct image *img)
{
	size_t n = 0;

	for (size_t i = 0; i < img->nprograms; i++)
		n += img->programs[i].nsites;
	return n;
}

/* From live probes to the end of the trace. 0 or -errno. */
static int follow_to_end(struct watch *w, struct session *s, struct sink *sink)
{
	const bool interrupted = stop_requested;
	int err = 0;

	/* If BEGIN called exit(), nothing was attached, and the command does not run. */
	if (!session_is_over(s)) {
		if (interrupted)
			fputs("memql: interrupted while probes were being attached\n",
			      stderr);
		sink->ops->attached(sink, session_attached_sites(s));
		/* Who no longer wants to trace it does not want it done. */
		err = w->child && !interrupted ? child_go(w->child) : 0;
		if (!err)
			err = follow(s, w, sink);
	}
	session_finish(s);
	return err ? err : -sink_error(sink);
}

static bool probes_user_space(const struct image *img)
{
	for (size_t i = 0; i < img->nprograms; i++)
		if (img->programs[i].kind->flags & PROBE_USER)
			return true;
	return false;
}

/* One place that costs much, and perhaps one nearby that does not. */
static void tell_dear(const struct image_program *p, size_t dear)
{
	const struct probe_site *only = p->nsites == 1 ? p->sites : NULL;

	fprintf(stderr,
		"memql: %s (line %u): at %zu of %zu places a hit costs microseconds, as "
		"the kernel steps over the instruction there",
		p->point, p->line, dear, p->nsites);
	if (only && only->cheaper)
		fprintf(stderr,
			"; at %s+%u it would not, but arguments may have changed there",
			only->func, only->cheaper);
	fputc('\n', stderr);
}

/* What probes cost; and all: what the compiler decided that changes what is seen. */
static void tell_decisions(const struct image *img, bool all)
{
	for (size_t i = 0; i < img->nprograms; i++) {
		const struct image_program *p = &img->programs[i];
		size_t dear = 0;

		for (size_t j = 0; j < p->nsites; j++)
			dear += p->sites[j].dear;
		if (dear)
			tell_dear(p, dear);
		if (p->demoted && all)
			fprintf(stderr,
				"memql: %s (line %u) needs too much stack to wait for "
				"pages that are not in memory: text on them is lost\n",
				p->point, p->line);
	}
}

static size_t count_attached(const void *of)
{
	return session_attached_so_far(of);
}

/* Who looks at a terminal shall see that memql works, and at what. */
static int attach(struct session *s, const struct options *o, size_t nsites)
{
	const struct progress_of work = { "Attaching", nsites, count_attached, s };
	const bool watched = !o->quiet && !o->json && isatty(STDERR_FILENO);
	struct progress *p = NULL;
	int err;

	if (watched && nsites > 1)
		p = progress_start(STDERR_FILENO, PROGRESS_MS, &work);
	err = session_attach(s);
	progress_stop(p);
	return err;
}

/* Results to the sink; returns the exit status. */
static int trace(const struct compile *cc, const struct options *o, struct watch *w,
		 struct sink *sink, struct uprobe_warmup *warmup)
{
	struct refusal_context context = { cc, o };
	const struct image *img = cc->image;
	struct session_options so = {
		.pid = o->pid,
		.no_warnings = o->quiet || o->no_warnings,
		.child = w->child ? child_pid(w->child) : 0,
		.ring_bytes = o->ring_bytes,
		.refused = refusal_tell,
		.refused_arg = &context,
		.warmup = warmup,
	};
	const size_t nsites = count_sites(img);
	struct session *s = NULL;
	int err, status = EXIT_FAILURE;

	if (o->verbose || (o->dry_run && !o->quiet))
		tell_decisions(img, o->verbose);
	if (o->pid && !o->quiet && probes_user_space(img))
		children_warn(o->pid);
	err = session_open(img, sink, &so, &s);
	if (err)
		return EXIT_FAILURE;
	if (o->dry_run) {
		if (!o->quiet)
			fprintf(stderr,
				"Loaded %zu program%s for %zu probe%s, attached none\n",
				img->nprograms, img->nprograms == 1 ? "" : "s", nsites,
				nsites == 1 ? "" : "s");
		status = EXIT_SUCCESS;
		goto out;
	}
	if (attach(s, o, nsites))
		goto out;

	err = follow_to_end(w, s, sink);
	if (err == -EPIPE) /* a reader that has enough, as head(1): an end like ^C */
		status = EXIT_SUCCESS;
	else if (err)
		fprintf(stderr, "memql: tracing stopped: %s\n", strerror(-err));
	else if (w->child && child_never_ran(w->child))
		fprintf(stderr, "memql: -c '%s': it could not be run\n", o->command);
	else
		status = session_exit_code(s);
out:
	session_close(s);
	return status;
}

/* After the sink has chosen its own. NULL: that is kept. */
static void set_buffer(FILE *fp, const char *mode)
{
	static const struct {
		const char *name;
		int mode;
	} modes[] = { { "none", _IONBF }, { "line", _IOLBF }, { "full", _IOFBF } };

	for (size_t i = 0; mode && i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(mode, modes[i].name) == 0)
			setvbuf(fp, NULL, modes[i].mode, 1 << 16);
}

int run(const struct compile *cc, const struct options *o, struct uprobe_warmup *warmup)
{
	FILE *fp = stdout;
	struct sink *sink;
	struct watch w;
	int status = EXIT_FAILURE;

	if (o->output) {
		fp = fopen(o->output, "we");
		if (!fp) {
			fprintf(stderr, "memql: -o %s: %s\n", o->output,
				strerror(errno));
			return EXIT_FAILURE;
		}
	}
	sink = o->json ? sink_json_new(fp, o->quiet)
		       : sink_text_new(fp, stderr, o->quiet);

	set_buffer(fp, o->buffer);
	catch_signals(cc->image);
	if (!watch_open(o, &w))
		status = trace(cc, o, &w, sink, warmup);
	watch_close(&w);
	sink->ops->close(sink);
	if (fp != stdout && fclose(fp) && errno != EPIPE) {
		fprintf(stderr, "memql: -o %s: %s\n", o->output, strerror(errno));
		status = EXIT_FAILURE;
	}
	return status;
}
