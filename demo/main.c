/* memsqld: a demo engine with USDT probes, a built-in load and a log of the truth. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "demo/clock.h"
#include "demo/engine.h"
#include "demo/load.h"
#include "demo/log.h"
#include "demo/options.h"
#include "demo/server.h"

#define MAIN_TICK_MS 500 /* how often the log is flushed */

struct memsqld {
	struct options options;
	struct engine engine;
	struct server *server;
	struct load *load; /* NULL until it starts */
	uint64_t start_ns; /* of the load */
	int signal_fd;
	int done_fd;
	int stdin_fd; /* -1 when a line on it means nothing (any more) */
};

static int fail(const char *what, int error)
{
	fprintf(stderr, "memsqld: %s: %s\n", what, strerror(error));
	return 1;
}

/*
 * The signals we wait for; blocked before any thread starts, so all threads have them
 * blocked and they arrive in signal_fd and nowhere else.
 */
static int open_fds(struct memsqld *m, sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	m->signal_fd = signalfd(-1, signals, SFD_CLOEXEC);
	m->done_fd = eventfd(0, EFD_CLOEXEC);
	m->stdin_fd = -1;
	return m->signal_fd < 0 || m->done_fd < 0 ? -1 : 0;
}

static int start_load(struct memsqld *m)
{
	if (m->load)
		return 0;
	m->start_ns = clock_now();
	m->stdin_fd = -1;
	m->load = load_start(&m->engine, &m->options, m->done_fd);
	return m->load ? 0 : fail("cannot start the load", errno);
}

/* A line starts the load. At the end of input there is only SIGUSR1 left to do so. */
static int read_stdin(struct memsqld *m)
{
	char buf[256];
	ssize_t n = read(m->stdin_fd, buf, sizeof(buf));

	if (n <= 0)
		m->stdin_fd = -1;
	else if (memchr(buf, '\n', (size_t)n))
		return start_load(m);
	return 0;
}

static bool time_is_up(const struct memsqld *m)
{
	uint64_t limit = m->options.seconds * CLOCK_NSEC_PER_SEC;

	return limit && m->load && clock_now() - m->start_ns >= limit;
}

/* How long poll() may sleep, in ms. */
static int next_tick(const struct memsqld *m)
{
	uint64_t limit = m->options.seconds * CLOCK_NSEC_PER_SEC, spent;

	if (!limit || !m->load)
		return MAIN_TICK_MS;
	spent = clock_now() - m->start_ns;
	if (spent >= limit)
		return 0;
	limit = (limit - spent) / 1000000 + 1;
	return limit < MAIN_TICK_MS ? (int)limit : MAIN_TICK_MS;
}

/* Wait for the end: 0, or 1 after a failure that was reported. */
static int run(struct memsqld *m)
{
	struct signalfd_siginfo info;

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = m->signal_fd, .events = POLLIN },
			{ .fd = m->done_fd, .events = POLLIN },
			{ .fd = m->stdin_fd, .events = POLLIN },
		};

		if (poll(fds, 3, next_tick(m)) < 0 && errno != EINTR)
			return fail("poll", errno);
		if (fds[1].revents || time_is_up(m))
			return 0;
		if (fds[0].revents & POLLIN) {
			if (read(m->signal_fd, &info, sizeof(info)) != sizeof(info) ||
			    info.ssi_signo != SIGUSR1)
				return 0;
			if (start_load(m) != 0)
				return 1;
		}
		if (fds[2].revents && read_stdin(m) != 0)
			return 1;
		log_flush(m->engine.log);
	}
}

static int start(struct memsqld *m)
{
	const char *what = "";
	int rc;

	rc = engine_open(&m->engine, m->options.data_dir, m->options.log,
			 m->options.cold_text, &what);
	if (rc < 0)
		return fail(what, -rc);
	m->server = server_start(&m->engine, m->options.socket, &what);
	if (!m->server) {
		fail(what, errno);
		engine_close(&m->engine);
		return 1;
	}
	printf("memsqld: ready pid=%d socket=%s direct_io=%s\n", (int)getpid(),
	       server_path(m->server), m->engine.data.direct ? "yes" : "no");
	if (m->options.wait)
		puts("memsqld: waiting for a line or SIGUSR1");
	fflush(stdout);
	return 0;
}

static int stop(struct memsqld *m, const sigset_t *signals)
{
	double seconds;
	int rc;

	/* From here on a second signal ends us at once: do not lose what we have. */
	log_flush(m->engine.log);
	pthread_sigmask(SIG_UNBLOCK, signals, NULL);
	atomic_store(&m->engine.stopping, true);
	seconds = m->load ? (double)(clock_now() - m->start_ns) / 1e9 : 0;
	load_stop(m->load);
	server_stop(m->server);
	stats_print(&m->engine.stats, stdout, seconds);
	if (m->options.cold_text)
		printf("memsqld: cold texts that stayed in the page cache: %lu\n",
		       m->engine.cold_in_cache);
	fflush(stdout);
	rc = engine_close(&m->engine);
	if (rc < 0)
		return fail(m->options.log, -rc);
	if (m->engine.lost) {
		fprintf(stderr, "memsqld: %lu statements could not be run or logged\n",
			m->engine.lost);
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct memsqld m = { 0 };
	sigset_t signals;
	int rc, stopped;

	switch (options_parse(&m.options, argc, argv)) {
	case OPTIONS_HELP:
		return 0;
	case OPTIONS_BAD:
		return 1;
	case OPTIONS_RUN:
		break;
	}
	if (open_fds(&m, &signals) != 0)
		return fail("signals", errno);
	if (start(&m) != 0)
		return 1;
	if (m.options.wait)
		m.stdin_fd = STDIN_FILENO;
	rc = m.options.wait ? 0 : start_load(&m);
	if (rc == 0)
		rc = run(&m);
	stopped = stop(&m, &signals);
	return rc ? rc : stopped;
}
