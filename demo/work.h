/* Work items: the calls inside a statement, such as burn(2ms). */
#ifndef MEMSQLD_WORK_H
#define MEMSQLD_WORK_H

#include <stddef.h>
#include <stdint.h>

#include "demo/cache.h"
#include "demo/data.h"
#include "demo/lock.h"
#include "demo/record.h"

#define WORK_ARGS_MAX 2
#define WORK_NAME_MAX LOCK_NAME_MAX

enum work_arg_kind {
	WORK_ARG_NONE,
	WORK_ARG_TIME,   /* 1ns .. 10s */
	WORK_ARG_SIZE,   /* 1 byte .. 256 MB */
	WORK_ARG_BLOCKS, /* a size that is whole blocks of the data file, up to 1 MB */
	WORK_ARG_COUNT,  /* 1 .. 10000 */
	WORK_ARG_NAME,   /* a quoted string */
};

enum work_status {
	WORK_OK = 0,
	WORK_SYNTAX = 1, /* the statement was not understood; nothing ran */
	WORK_LOCK = 2,
	WORK_IO = 3,
	WORK_MEMORY = 4,
	/* fail(n) ends with the status n, 7 by default */
};

struct work_arg {
	uint64_t number; /* ns, bytes or a count; 0 if not given */
	char name[WORK_NAME_MAX];
};

/* What the items of one statement share while they run. */
struct work_context {
	struct lock_table *locks;
	struct cache *cache;
	struct data *data;
	void *io_buf; /* DATA_IO_MAX bytes, aligned to DATA_BLOCK */
	uint64_t *rng;
	struct usage *usage;
	struct block *blocks; /* allocated by this statement, newest first */
	struct lock *held;    /* until the statement's end */
	char *error;          /* RECORD_ERROR_MAX bytes */
};

struct work_kind {
	const char *name;
	const char *summary;
	enum work_arg_kind args[WORK_ARGS_MAX];
	unsigned required; /* so many of args must be given */
	int (*run)(struct work_context *x, const struct work_arg *args);
};

/* All kinds; *count of them. */
const struct work_kind *work_kinds(size_t *count);

/* End of the statement: free its memory and release its lock. */
void work_finish(struct work_context *x);

#endif
