/* Partition commands, and the worker threads that carry them out. */
#ifndef MEMSQLD_DDL_H
#define MEMSQLD_DDL_H

#include <stddef.h>

#include "demo/record.h"

#define DDL_PARTITIONS_MAX 32
#define DDL_NAME_MAX 64

/* One command: how it is written and what each worker fires for each partition. */
struct ddl_command {
	const char *words;  /* lower case, one blank apart */
	const char *probes; /* for people */
	void (*start)(const char *name, int number);
	void (*finish)(const char *name, int number); /* NULL: the command has no end */
};

struct ddl_pool;

/* All commands; *count of them. */
const struct ddl_command *ddl_commands(size_t *count);

/* Start the workers. NULL with errno set. */
struct ddl_pool *ddl_pool_open(unsigned threads);

/* End the workers; no batch may be under way. NULL is fine. */
void ddl_pool_close(struct ddl_pool *pool);

/*
 * Have the workers run the command for partitions 0 .. partitions - 1 and wait for all
 * of them. The wait and the number of probes fired are charged to u. `name` is passed
 * to the probes as it is.
 */
void ddl_run(struct ddl_pool *pool, const struct ddl_command *cmd, const char *name,
	     unsigned partitions, struct usage *u);

#endif
