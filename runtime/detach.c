/*
 * The end of probes. A trace ends for its user when nothing is added to the results any
 * more and the process is gone; the kernel takes longer than that for tracepoints.
 */
#include "runtime/session_state.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "core/arena.h"

enum { DETACH_THREADS = 63 };

/*
 * From 6.13 on, taking a program off an event waits for all programs that may sleep, 30 ms
 * where that was measured. Threads wait together.
 */
struct detach_work {
	struct session *s;
	atomic_size_t next; /* of all descriptors, then all links */
	atomic_ullong missed;
};

static void *detach_some(void *arg)
{
	struct detach_work *w = arg;
	struct session *s = w->s;
	size_t i;

	while ((i = atomic_fetch_add(&w->next, 1)) < s->fds.n + s->links.n) {
		int fd = i < s->fds.n ? s->fds.items[i]
				      : bpf_link__fd(s->links.items[i - s->fds.n]);

		atomic_fetch_add(&w->missed, kernel_missed_events(fd));
		if (i < s->fds.n)
			close(fd);
		else
			bpf_link__destroy(s->links.items[i - s->fds.n]);
	}
	return NULL;
}

void session_detach(struct session *s)
{
	struct detach_work work = { .s = s };
	pthread_t threads[DETACH_THREADS];
	size_t n = 0;

	if (!s->fds.n && !s->links.n)
		return;
	while (n < DETACH_THREADS && n + 1 < s->fds.n + s->links.n &&
	       !pthread_create(&threads[n], NULL, detach_some, &work))
		n++;
	detach_some(&work);
	while (n)
		pthread_join(threads[--n], NULL);
	/* Older kernels wait when the event is closed only: for those that still run. */
	if (s->events.n)
		syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	s->fds.n = s->links.n = 0;
	s->missed += work.missed;
}

/* Whether there is room for a third file of each probe, and for what is opened later. */
static bool has_files_to_spare(const struct session *s)
{
	size_t need = 128 + s->image->nmaps + 2 * s->image->nprograms;
	struct rlimit files;

	for (size_t i = 0; i < s->image->nprograms; i++)
		need += 3 * s->image->programs[i].nsites;
	return !getrlimit(RLIMIT_NOFILE, &files) && files.rlim_cur >= need;
}

void session_keep_event(struct session *s, int fd)
{
	int copy = -1;

	/* Without one, to detach takes longer. */
	if (has_files_to_spare(s))
		copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (copy >= 0)
		ARENA_PUSH(s->arena, &s->events, copy);
}

static int compare_fds(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Nobody waits for this process, and it keeps nobody waiting: it holds the events only. */
static void close_events(struct session *s)
{
	int first = 0;

	setsid();
	qsort(s->events.items, s->events.n, sizeof(int), compare_fds);
	for (size_t i = 0; i < s->events.n; i++) {
		int fd = s->events.items[i];

		if (first < fd)
			syscall(SYS_close_range, first, fd - 1, 0);
		first = fd + 1;
	}
	syscall(SYS_close_range, first, ~0U, 0);
	_exit(EXIT_SUCCESS);
}

/*
 * The kernel takes 30 to 80 ms to close a tracepoint's event, one after another: 27 s for
 * those of all system calls. The programs are off them, so that nothing depends on it.
 */
void session_leave_events(struct session *s)
{
	if (!s->events.n)
		return;
	if (fork() == 0)
		close_events(s);
	for (size_t i = 0; i < s->events.n; i++)
		close(s->events.items[i]);
	s->events.n = 0;
}
