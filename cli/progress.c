#include "cli/progress.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { EVERY_MS = 200 };

struct progress {
	struct progress_of work;
	int fd;
	unsigned after_ms;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool over, shown;
};

/* True: the work has ended. */
static bool wait_for_end(struct progress *p, unsigned ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	while (!p->over && !pthread_cond_timedwait(&p->ended, &p->lock, &until))
		;
	return p->over;
}

static void *show(void *arg)
{
	struct progress *p = arg;

	pthread_mutex_lock(&p->lock);
	for (bool over = wait_for_end(p, p->after_ms); !over;
	     over = wait_for_end(p, EVERY_MS)) {
		/* A message that comes meanwhile begins where the line does. */
		dprintf(p->fd, "%s: %zu of %zu\r", p->work.what,
			p->work.done(p->work.of), p->work.all);
		p->shown = true;
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* Signals are for the thread that works. */
static bool start_thread(struct progress *p)
{
	sigset_t all, old;
	bool ok;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ok = !pthread_create(&p->thread, NULL, show, p);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ok;
}

struct progress *progress_start(int fd, unsigned after_ms,
				const struct progress_of *work)
{
	struct progress *p = calloc(1, sizeof(*p));
	pthread_condattr_t monotonic;

	if (!p)
		return NULL;
	p->work = *work;
	p->fd = fd;
	p->after_ms = after_ms;
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&p->ended, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (start_thread(p))
		return p;
	free(p);
	return NULL;
}

void progress_stop(struct progress *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->over = true;
	pthread_cond_signal(&p->ended);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	if (p->shown)
		dprintf(p->fd, "\033[K");
	pthread_cond_destroy(&p->ended);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
