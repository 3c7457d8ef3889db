#include "runtime/uprobe_warmup.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/features.h"
#include "runtime/features_internal.h"

enum { FILES = 1024 };

struct uprobe_warmup {
	pthread_t thread;
	sem_t finish; /* the probe may go */
	bool joined;
};

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* No program maps the file, so that the probe is put into nothing, and never hit. */
static void *warm_up(void *arg)
{
	struct uprobe_warmup *w = arg;
	int file = -1, program = -1, link = -1;
	char path[32];

	if (feature_try(FEATURE_UPROBE_MULTI))
		file = memfd_create("memql_warmup", MFD_CLOEXEC);
	if (file >= 0)
		program = try_uprobe_program();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	if (program >= 0)
		link = try_uprobe_link(program, path, 0);
	sem_wait(&w->finish);
	close_fd(link);
	close_fd(program);
	close_fd(file);
	return NULL;
}

/*
 * The kernel's table of a process's files grows as they are opened. In a process with
 * threads it waits each time for all CPUs, which is what the thread is there to avoid.
 */
static void make_room_for_files(void)
{
	close_fd(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, FILES - 1));
}

/* Signals are for the thread that works. */
static bool start_thread(struct uprobe_warmup *w)
{
	sigset_t all, old;
	bool ok;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ok = !pthread_create(&w->thread, NULL, warm_up, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ok;
}

struct uprobe_warmup *uprobe_warmup_start(void)
{
	struct uprobe_warmup *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	sem_init(&w->finish, 0, 0);
	make_room_for_files();
	if (start_thread(w))
		return w;
	sem_destroy(&w->finish);
	free(w);
	return NULL;
}

void uprobe_warmup_finish(struct uprobe_warmup *w)
{
	if (w)
		sem_post(&w->finish);
}

bool uprobe_warmup_is_over(struct uprobe_warmup *w)
{
	if (w && !w->joined)
		w->joined = !pthread_tryjoin_np(w->thread, NULL);
	return !w || w->joined;
}

void uprobe_warmup_close(struct uprobe_warmup *w)
{
	if (!w)
		return;
	sem_post(&w->finish);
	if (!w->joined)
		pthread_join(w->thread, NULL);
	sem_destroy(&w->finish);
	free(w);
}
