/* Load threads. */
#include "demo/load.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "demo/clock.h"
#include "demo/engine.h"
#include "demo/mix.h"
#include "demo/options.h"
#include "demo/rng.h"

#define LOAD_TEXT_MIN 4096        /* the longest statement of a mix fits */
#define LOAD_NAP_NS 50000000ull   /* how long a thread may not notice the end */
#define LOAD_LATE_NS 100000000ull /* a backlog above this is forgiven */

struct load_thread {
	struct load *load;
	unsigned index;
	pthread_t thread;
	struct session session;
	uint64_t rng;     /* its own, so that the texts do not depend on the I/O */
	uint64_t next_ns; /* when its next statement is due */
	char *text;
	size_t text_size;
};

struct load {
	struct engine *engine;
	const struct options *options;
	int done_fd;
	atomic_ulong tickets; /* statements handed out */
	atomic_uint running;  /* threads */
	unsigned nr_threads;
	struct load_thread threads[];
};

/* Sleep until the thread's next statement is due; false if the engine ends first. */
static bool wait_turn(struct load_thread *t)
{
	const struct options *o = t->load->options;
	uint64_t now = clock_now();

	if (!o->rate)
		return !atomic_load(&t->load->engine->stopping);
	while (!atomic_load(&t->load->engine->stopping) && now < t->next_ns) {
		uint64_t left = t->next_ns - now;
		struct timespec nap =
			clock_timespec(left < LOAD_NAP_NS ? left : LOAD_NAP_NS);

		clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
		now = clock_now();
	}
	if (now > t->next_ns + LOAD_LATE_NS)
		t->next_ns = now;
	t->next_ns += CLOCK_NSEC_PER_SEC * o->threads / o->rate;
	return !atomic_load(&t->load->engine->stopping);
}

static bool take_ticket(struct load *load)
{
	if (!load->options->queries)
		return true;
	return atomic_fetch_add(&load->tickets, 1) < load->options->queries;
}

/* The next statement's text, in t->text. */
static void draw_text(struct load_thread *t)
{
	const struct options *o = t->load->options;
	const char *form = o->statement;

	if (!form) {
		const struct mix_row *row = mix_pick(o->mix, &t->rng);

		snprintf(t->session.db, sizeof(t->session.db), "%s", row->db);
		form = row->text;
	}
	/* Rows fit by construction, and options.c tried a --statement already. */
	if (!mix_expand(form, o->long_text, &t->rng, t->text, t->text_size))
		abort();
}

static void *load_main(void *arg)
{
	struct load_thread *t = arg;
	struct engine *e = t->load->engine;
	struct record r;
	uint64_t one = 1;
	char name[16];

	snprintf(name, sizeof(name), "memsqld-load%u", t->index);
	pthread_setname_np(pthread_self(), name);
	while (wait_turn(t) && take_ticket(t->load)) {
		draw_text(t);
		if (session_run(&t->session, t->text, &r) != 0)
			atomic_fetch_add(&e->lost, 1);
	}
	if (atomic_fetch_sub(&t->load->running, 1) == 1 &&
	    write(t->load->done_fd, &one, sizeof(one)) < 0)
		perror("memsqld: eventfd");
	return NULL;
}

static int open_thread(struct load *load, struct load_thread *t)
{
	const struct options *o = load->options;
	int rc;

	t->load = load;
	t->index = load->nr_threads;
	t->rng = rng_seed(1000 + t->index);
	t->next_ns = clock_now();
	if (o->rate) /* spread the threads evenly over one round */
		t->next_ns += CLOCK_NSEC_PER_SEC * t->index / o->rate;
	t->text_size = LOAD_TEXT_MIN + o->long_text;
	t->text = malloc(t->text_size);
	if (!t->text)
		return -ENOMEM;
	rc = session_open(&t->session, load->engine);
	if (rc < 0)
		goto out_text;
	atomic_fetch_add(&load->running, 1);
	rc = -pthread_create(&t->thread, NULL, load_main, t);
	if (rc == 0)
		return 0;
	atomic_fetch_sub(&load->running, 1);
	session_close(&t->session);
out_text:
	free(t->text);
	return rc;
}

struct load *load_start(struct engine *e, const struct options *o, int done_fd)
{
	struct load *load =
		calloc(1, sizeof(*load) + o->threads * sizeof(load->threads[0]));
	int rc;

	if (!load)
		return NULL;
	load->engine = e;
	load->options = o;
	load->done_fd = done_fd;
	for (; load->nr_threads < o->threads; load->nr_threads++) {
		rc = open_thread(load, &load->threads[load->nr_threads]);
		if (rc < 0) {
			atomic_store(&e->stopping, true);
			load_stop(load);
			errno = -rc;
			return NULL;
		}
	}
	return load;
}

void load_stop(struct load *load)
{
	if (!load)
		return;
	for (unsigned i = 0; i < load->nr_threads; i++) {
		pthread_join(load->threads[i].thread, NULL);
		session_close(&load->threads[i].session);
		free(load->threads[i].text);
	}
	free(load);
}
