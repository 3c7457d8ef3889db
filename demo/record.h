/* What one statement really cost, measured by the engine itself: the ground truth. */
#ifndef MEMSQLD_RECORD_H
#define MEMSQLD_RECORD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RECORD_DB_MAX 32
#define RECORD_ERROR_MAX 160
#define RECORD_PLAN_MAX 120

/* Counted by the work items while they run; times in ns, sizes in bytes. */
struct usage {
	uint64_t sleep_ns;     /* in clock_nanosleep */
	uint64_t lock_wait_ns; /* blocked on a mutex or on partition workers */
	uint64_t lock_waits;
	int64_t mem_net;     /* sum of the deltas given to execstats__addmemoryuse */
	int64_t mem_peak;    /* highest value that sum had; never below 0 */
	uint64_t mem_events; /* number of those deltas */
	uint64_t io_reads, io_read_bytes;
	uint64_t io_writes, io_write_bytes;
	uint64_t ddl_events; /* probes fired by the partition workers for us */
};

struct record {
	const char *query;          /* borrowed; in memory while the record is in use */
	char plan[RECORD_PLAN_MAX]; /* the normal form, cut */
	uint32_t plan_id;
	int conn_id;
	char db[RECORD_DB_MAX]; /* as given to the start probe */
	pid_t tid;
	int status;                   /* 0 for success */
	char error[RECORD_ERROR_MAX]; /* "" for success */
	uint64_t start_ns;            /* CLOCK_MONOTONIC */
	uint64_t latency_ns;
	uint64_t cpu_ns; /* of the executing thread only */
	struct usage usage;
};

/*
 * The record as one line of JSON with its newline, from malloc, length in *len. Always
 * valid UTF-8: other bytes of the text become U+FFFD. NULL without memory.
 */
char *record_json(const struct record *r, size_t *len);

/* {"error": message} as a line, for what never became a statement. */
char *record_json_error(const char *message, size_t *len);

#endif
