/* Mutexes whose waiting time is known, and the named locks of lock('name'). */
#ifndef MEMSQLD_LOCK_H
#define MEMSQLD_LOCK_H

#include <pthread.h>

#include "demo/record.h"

#define LOCK_NAME_MAX 32
#define LOCK_MAX 64
#define LOCK_TIMEOUT_NS 2000000000ull

struct lock {
	char name[LOCK_NAME_MAX];
	pthread_mutex_t mutex;
};

/* Locks are made when first named and live as long as the table. */
struct lock_table {
	pthread_mutex_t mutex; /* guards what follows */
	unsigned used;
	struct lock locks[LOCK_MAX];
};

void lock_table_init(struct lock_table *t);
void lock_table_destroy(struct lock_table *t);

/* The lock of that name, made if new; NULL if the table is full. */
struct lock *lock_find(struct lock_table *t, const char *name, struct usage *u);

/*
 * Lock a mutex and charge the time it blocked, if it did, to u. 0; ETIMEDOUT after
 * LOCK_TIMEOUT_NS, which is how two statements that wait for each other end; EDEADLK if
 * the thread holds it already.
 */
int lock_acquire(pthread_mutex_t *mutex, struct usage *u);

#endif
