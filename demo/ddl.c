/* A small thread pool; its probes have no semaphores. */
#include "demo/ddl.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define PROBES_WORKER
#include "demo/clock.h"
#include "demo/lock.h"
#include "demo/probes.h"

#define DDL_JOB_NS 200000 /* how long the work on one partition takes */

struct ddl_batch {
	pthread_cond_t done;
	unsigned pending;
};

struct ddl_job {
	const struct ddl_command *cmd;
	const char *name;
	int number;
	struct ddl_batch *batch;
	struct ddl_job *next;
};

struct ddl_pool {
	pthread_mutex_t mutex; /* guards the queue, the batches and stopping */
	pthread_cond_t work;
	struct ddl_job *first, *last;
	bool stopping;
	unsigned nr_threads;
	pthread_t threads[];
};

#define FIRE(probe)                                                                    \
	static void fire_##probe(const char *name, int number)                         \
	{                                                                              \
		PROBE_WORKER(probe, name, number);                                     \
	}
PROBES_WORKERS(FIRE)

static void fire_flush(const char *name, int number)
{
	(void)name;
	(void)number;
	PROBE_BACKGROUND_FLUSHER();
}

static void fire_snapshot(const char *name, int number)
{
	char file[DDL_NAME_MAX + 32];

	snprintf(file, sizeof(file), "%s_snapshot_v%d", name, number);
	PROBE_BEGIN_SNAPSHOT(file, name);
}

#define CREATE(step) fire_async__create__table__##step
static const struct ddl_command commands[] = {
	{ "create table", "async__create__table__start__worker, ...finish__worker",
	  CREATE(start), CREATE(finish) },
	{ "create or copy", "create__or__copy__worker", fire_create__or__copy, NULL },
	{ "restore", "restore__start__worker, restore__finish__worker",
	  fire_restore__start, fire_restore__finish },
	{ "repoint", "repoint__worker", fire_repoint, NULL },
	{ "drop partition", "drop__partition__worker", fire_drop__partition, NULL },
	{ "drop instance", "drop__instance__worker", fire_drop__instance, NULL },
	{ "drop table", "drop__table__worker", fire_drop__table, NULL },
	{ "reforge", "reforge__worker", fire_reforge, NULL },
	{ "failover", "failover__worker", fire_failover, NULL },
	{ "flush", "backgroundflusher", fire_flush, NULL },
	{ "snapshot", "beginsnapshot", fire_snapshot, NULL },
};

const struct ddl_command *ddl_commands(size_t *count)
{
	*count = sizeof(commands) / sizeof(commands[0]);
	return commands;
}

static void run_job(const struct ddl_job *job)
{
	struct timespec pause = clock_timespec(DDL_JOB_NS);

	job->cmd->start(job->name, job->number);
	clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	if (job->cmd->finish)
		job->cmd->finish(job->name, job->number);
}

static struct ddl_job *take_job(struct ddl_pool *pool)
{
	struct ddl_job *job;

	while (!pool->first && !pool->stopping)
		pthread_cond_wait(&pool->work, &pool->mutex);
	job = pool->first;
	if (job)
		pool->first = job->next;
	return job;
}

static void *worker(void *arg)
{
	struct ddl_pool *pool = arg;
	struct ddl_job *job;

	pthread_setname_np(pthread_self(), "memsqld-ddl");
	pthread_mutex_lock(&pool->mutex);
	while ((job = take_job(pool))) {
		pthread_mutex_unlock(&pool->mutex);
		run_job(job);
		pthread_mutex_lock(&pool->mutex);
		/* Job and batch lie on the waiter's stack: signal, then forget. */
		if (--job->batch->pending == 0)
			pthread_cond_signal(&job->batch->done);
	}
	pthread_mutex_unlock(&pool->mutex);
	return NULL;
}

struct ddl_pool *ddl_pool_open(unsigned threads)
{
	struct ddl_pool *pool = calloc(1, sizeof(*pool) + threads * sizeof(pthread_t));
	int rc;

	if (!pool)
		return NULL;
	pthread_mutex_init(&pool->mutex, NULL);
	pthread_cond_init(&pool->work, NULL);
	for (; pool->nr_threads < threads; pool->nr_threads++) {
		rc = pthread_create(&pool->threads[pool->nr_threads], NULL, worker,
				    pool);
		if (rc != 0) {
			ddl_pool_close(pool);
			errno = rc;
			return NULL;
		}
	}
	return pool;
}

void ddl_pool_close(struct ddl_pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->mutex);
	pool->stopping = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->mutex);
	for (unsigned i = 0; i < pool->nr_threads; i++)
		pthread_join(pool->threads[i], NULL);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->mutex);
	free(pool);
}

static void add_job(struct ddl_pool *pool, struct ddl_job *job)
{
	job->next = NULL;
	if (pool->first)
		pool->last->next = job;
	else
		pool->first = job;
	pool->last = job;
	job->batch->pending++;
}

void ddl_run(struct ddl_pool *pool, const struct ddl_command *cmd, const char *name,
	     unsigned partitions, struct usage *u)
{
	struct ddl_job jobs[DDL_PARTITIONS_MAX];
	struct ddl_batch batch = { .done = PTHREAD_COND_INITIALIZER };
	uint64_t begin = clock_now();

	/* All of this waits by futex only, so it is lock_wait_ns from end to end. */
	pthread_mutex_lock(&pool->mutex);
	for (unsigned i = 0; i < partitions; i++) {
		jobs[i] = (struct ddl_job){ cmd, name, (int)i, &batch, NULL };
		add_job(pool, &jobs[i]);
	}
	pthread_cond_broadcast(&pool->work);
	while (batch.pending)
		pthread_cond_wait(&batch.done, &pool->mutex);
	pthread_mutex_unlock(&pool->mutex);
	u->lock_wait_ns += clock_now() - begin;
	u->lock_waits++;
	u->ddl_events += partitions * (cmd->finish ? 2u : 1u);
}
