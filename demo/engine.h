/* The engine: what its sessions share, and how a statement runs between its probes. */
#ifndef MEMSQLD_ENGINE_H
#define MEMSQLD_ENGINE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "demo/cache.h"
#include "demo/data.h"
#include "demo/lock.h"
#include "demo/record.h"
#include "demo/slot.h"
#include "demo/stats.h"

struct ddl_pool;
struct log;

struct engine {
	struct lock_table locks;
	struct cache cache;
	struct data data;
	struct stats stats;
	struct ddl_pool *ddl;
	struct log *log; /* NULL: no log */
	const char *data_dir;
	bool cold_text;
	atomic_int last_conn_id;
	atomic_ulong cold_in_cache; /* cold texts that stayed in the page cache */
	atomic_ulong lost;          /* statements that ran but could not be recorded */
	atomic_bool stopping;
};

/* A client of the engine: a load thread or a connection. One thread at a time. */
struct session {
	struct engine *engine;
	int conn_id;
	char db[RECORD_DB_MAX];
	struct slot slot;
	uint64_t rng;
	void *io_buf; /* DATA_IO_MAX bytes */
};

/*
 * Start an engine. data_dir is borrowed; log_path may be NULL. 0, or -errno and in
 * *what the thing that failed.
 */
int engine_open(struct engine *e, const char *data_dir, const char *log_path,
		bool cold_text, const char **what);

/* End it; all sessions must be closed. 0, or -errno if the log is not complete. */
int engine_close(struct engine *e);

/* 0 or -errno. */
int session_open(struct session *s, struct engine *e);
void session_close(struct session *s);

/*
 * Run one statement, fill the record, log it and count it. r->query is text, so text
 * must outlive the record. 0, or -errno if the statement did not run at all (no
 * probe fired): the text could not be put in its place.
 */
int session_run(struct session *s, const char *text, struct record *r);

#endif
