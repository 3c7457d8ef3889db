/* The work items; one function and one row each. Every cost here is real. */
#include "demo/work.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROBES_QUERY
#include "demo/clock.h"
#include "demo/probes.h"
#include "demo/rng.h"

static int fail(struct work_context *x, int status, const char *what, int err)
{
	snprintf(x->error, RECORD_ERROR_MAX, "%s: %s", what, strerror(err));
	return status;
}

/* Integer work that no compiler can leave out. */
static void spin_until(uint64_t end)
{
	volatile uint64_t sink = 88172645463325252ull;

	while (clock_now() < end) {
		for (int i = 0; i < 64; i++)
			sink = sink * 6364136223846793005ull + 1442695040888963407ull;
	}
}

static int run_burn(struct work_context *x, const struct work_arg *args)
{
	uint64_t begin = clock_thread_cpu(), spent;

	/*
	 * Spin by the wall clock, which is free to read, then see how much of it we
	 * were really running: two or three system calls in all.
	 */
	(void)x;
	while ((spent = clock_thread_cpu() - begin) < args[0].number)
		spin_until(clock_now() + args[0].number - spent);
	return WORK_OK;
}

static void pause_for(struct usage *u, uint64_t ns)
{
	struct timespec left = clock_timespec(ns);
	uint64_t begin = clock_now();

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
		;
	u->sleep_ns += clock_now() - begin;
}

static int run_sleep(struct work_context *x, const struct work_arg *args)
{
	pause_for(x->usage, args[0].number);
	return WORK_OK;
}

static int run_lock(struct work_context *x, const struct work_arg *args)
{
	struct lock *lock = lock_find(x->locks, args[0].name, x->usage);
	int rc;

	if (!lock)
		return fail(x, WORK_LOCK, args[0].name, ENOLCK);
	/* A second lock to the statement's end would need a list, for nothing. */
	if (x->held && !args[1].number)
		return fail(x, WORK_LOCK, args[0].name, EBUSY);
	rc = lock_acquire(&lock->mutex, x->usage);
	if (rc != 0)
		return fail(x, WORK_LOCK, args[0].name, rc);
	if (!args[1].number) {
		x->held = lock;
		return WORK_OK;
	}
	pause_for(x->usage, args[1].number);
	pthread_mutex_unlock(&lock->mutex);
	return WORK_OK;
}

/* The one place where memory is accounted for: what we log is what the probe said. */
static void add_memory(struct usage *u, int64_t delta)
{
	u->mem_net += delta;
	u->mem_events++;
	if (u->mem_net > u->mem_peak)
		u->mem_peak = u->mem_net;
	PROBE_ADD_MEMORY_USE(delta);
}

static void free_blocks(struct work_context *x)
{
	struct block *b;

	while ((b = x->blocks)) {
		x->blocks = b->next;
		add_memory(x->usage, -(int64_t)b->size);
		free(b);
	}
}

static int run_alloc(struct work_context *x, const struct work_arg *args)
{
	uint64_t count = args[1].number ? args[1].number : 1;

	for (uint64_t i = 0; i < count; i++) {
		struct block *b = block_new(args[0].number);

		if (!b)
			return fail(x, WORK_MEMORY, "alloc", ENOMEM);
		add_memory(x->usage, (int64_t)b->size);
		b->next = x->blocks;
		x->blocks = b;
	}
	return WORK_OK;
}

static int run_free(struct work_context *x, const struct work_arg *args)
{
	(void)args;
	free_blocks(x);
	return WORK_OK;
}

/* Evict until the cache holds at most `keep` bytes. */
static void shrink_cache(struct work_context *x, uint64_t keep)
{
	struct block *b;

	while ((b = cache_take(x->cache, keep, x->usage))) {
		add_memory(x->usage, -(int64_t)b->size);
		free(b);
	}
}

static int run_keep(struct work_context *x, const struct work_arg *args)
{
	struct block *b = block_new(args[0].number);
	int rc;

	if (!b)
		return fail(x, WORK_MEMORY, "keep", ENOMEM);
	rc = cache_add(x->cache, b, x->usage);
	if (rc != 0) {
		free(b);
		return fail(x, WORK_LOCK, "keep", rc);
	}
	add_memory(x->usage, (int64_t)args[0].number);
	shrink_cache(x, CACHE_MAX);
	return WORK_OK;
}

static int run_evict(struct work_context *x, const struct work_arg *args)
{
	struct block *b;

	for (uint64_t i = args[0].number ? args[0].number : 1; i; i--) {
		b = cache_take(x->cache, 0, x->usage);
		if (!b)
			break;
		add_memory(x->usage, -(int64_t)b->size);
		free(b);
	}
	return WORK_OK;
}

static int run_read(struct work_context *x, const struct work_arg *args)
{
	for (uint64_t i = args[1].number ? args[1].number : 1; i; i--) {
		ssize_t n =
			data_read(x->data, x->io_buf, args[0].number, rng_next(x->rng));

		if (n < 0)
			return fail(x, WORK_IO, "read", (int)-n);
		x->usage->io_reads++;
		x->usage->io_read_bytes += (uint64_t)n;
	}
	return WORK_OK;
}

/* As a program does that asks for what is not there, and lives with the answer. */
static int run_misread(struct work_context *x, const struct work_arg *args)
{
	for (uint64_t i = args[0].number ? args[0].number : 1; i; i--)
		data_misread(x->data, x->io_buf);
	return WORK_OK;
}

static int run_write(struct work_context *x, const struct work_arg *args)
{
	for (uint64_t i = args[1].number ? args[1].number : 1; i; i--) {
		ssize_t n = data_write(x->data, x->io_buf, args[0].number,
				       rng_next(x->rng));

		if (n < 0)
			return fail(x, WORK_IO, "write", (int)-n);
		x->usage->io_writes++;
		x->usage->io_write_bytes += (uint64_t)n;
	}
	return WORK_OK;
}

static int run_fail(struct work_context *x, const struct work_arg *args)
{
	int status = args[0].number ? (int)args[0].number : 7;

	snprintf(x->error, RECORD_ERROR_MAX, "fail(%d), as asked", status);
	return status;
}

static const struct work_kind kinds[] = {
	{ "burn", "use the CPU for TIME", { WORK_ARG_TIME }, 1, run_burn },
	{ "sleep", "sleep for TIME", { WORK_ARG_TIME }, 1, run_sleep },
	{ "lock",
	  "take the lock NAME; hold it asleep for TIME, or to the statement's end",
	  { WORK_ARG_NAME, WORK_ARG_TIME },
	  1,
	  run_lock },
	{ "alloc",
	  "COUNT allocations of SIZE, freed at the statement's end",
	  { WORK_ARG_SIZE, WORK_ARG_COUNT },
	  1,
	  run_alloc },
	{ "free", "free what the statement allocated so far", { 0 }, 0, run_free },
	{ "keep",
	  "allocate SIZE in a cache that stays",
	  { WORK_ARG_SIZE },
	  1,
	  run_keep },
	{ "evict",
	  "free the COUNT oldest allocations of the cache",
	  { WORK_ARG_COUNT },
	  0,
	  run_evict },
	{ "read",
	  "COUNT reads of SIZE from the data file",
	  { WORK_ARG_BLOCKS, WORK_ARG_COUNT },
	  1,
	  run_read },
	{ "misread",
	  "COUNT reads that the kernel refuses; the statement goes on",
	  { WORK_ARG_COUNT },
	  0,
	  run_misread },
	{ "write",
	  "COUNT writes of SIZE to the data file",
	  { WORK_ARG_BLOCKS, WORK_ARG_COUNT },
	  1,
	  run_write },
	{ "fail",
	  "end the statement with status COUNT",
	  { WORK_ARG_COUNT },
	  0,
	  run_fail },
};

const struct work_kind *work_kinds(size_t *count)
{
	*count = sizeof(kinds) / sizeof(kinds[0]);
	return kinds;
}

void work_finish(struct work_context *x)
{
	free_blocks(x);
	if (x->held)
		pthread_mutex_unlock(&x->held->mutex);
	x->held = NULL;
}
