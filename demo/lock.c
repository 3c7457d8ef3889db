/* Locks: plain futex mutexes, so that what a futex tracer sees is what we time. */
#include "demo/lock.h"

#include <string.h>

#include "demo/clock.h"

void lock_table_init(struct lock_table *t)
{
	pthread_mutexattr_t attr;

	memset(t, 0, sizeof(*t));
	pthread_mutex_init(&t->mutex, NULL);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
	for (unsigned i = 0; i < LOCK_MAX; i++)
		pthread_mutex_init(&t->locks[i].mutex, &attr);
	pthread_mutexattr_destroy(&attr);
}

void lock_table_destroy(struct lock_table *t)
{
	for (unsigned i = 0; i < LOCK_MAX; i++)
		pthread_mutex_destroy(&t->locks[i].mutex);
	pthread_mutex_destroy(&t->mutex);
}

int lock_acquire(pthread_mutex_t *mutex, struct usage *u)
{
	struct timespec until;
	uint64_t begin;
	int rc;

	/* The free case makes no system call and reads no clock. */
	if (pthread_mutex_trylock(mutex) == 0)
		return 0;
	begin = clock_now();
	until = clock_timespec(begin + LOCK_TIMEOUT_NS);
	rc = pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &until);
	u->lock_wait_ns += clock_now() - begin;
	u->lock_waits++;
	return rc;
}

static struct lock *find_or_add(struct lock_table *t, const char *name)
{
	for (unsigned i = 0; i < t->used; i++) {
		if (strcmp(t->locks[i].name, name) == 0)
			return &t->locks[i];
	}
	if (t->used == LOCK_MAX)
		return NULL;
	strcpy(t->locks[t->used].name, name);
	return &t->locks[t->used++];
}

struct lock *lock_find(struct lock_table *t, const char *name, struct usage *u)
{
	struct lock *lock;

	if (lock_acquire(&t->mutex, u) != 0)
		return NULL;
	lock = find_or_add(t, name);
	pthread_mutex_unlock(&t->mutex);
	return lock;
}
