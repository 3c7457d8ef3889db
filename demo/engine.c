/*
 * How latency is measured
 *
 * A tracer's own cost must not make its numbers differ from ours. A probe that is
 * traced costs E nanoseconds from the trap to the point where the tracer reads its
 * clock, and X from there until we run again. With our stamps taken right before both
 * probes,
 *
 *	(our stamp) E (their stamp) X work (our stamp) E (their stamp) X
 *
 * ours is E + X + work and theirs is X + work + E: the same, however slow the tracer is
 * and however many there are, as long as E is alike at both probes. A probe that is not
 * traced costs a nop. What remains is the scheduler, which may come between a stamp of
 * ours and the trap. The processor time is read
 * inside this bracket, so that cpu_ns never exceeds latency_ns; it leaves out what the
 * start probe costs.
 */
#include "demo/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROBES_QUERY
#include "demo/clock.h"
#include "demo/ddl.h"
#include "demo/log.h"
#include "demo/plan.h"
#include "demo/probes.h"
#include "demo/query.h"
#include "demo/rng.h"

#define ENGINE_DDL_THREADS 2

int engine_open(struct engine *e, const char *data_dir, const char *log_path,
		bool cold_text, const char **what)
{
	int rc;

	memset(e, 0, sizeof(*e));
	e->data_dir = data_dir;
	e->cold_text = cold_text;
	rc = data_open(&e->data, data_dir);
	if (rc < 0) {
		*what = data_dir;
		return rc;
	}
	if (log_path) {
		e->log = log_open(log_path);
		if (!e->log) {
			*what = log_path;
			goto out;
		}
	}
	e->ddl = ddl_pool_open(ENGINE_DDL_THREADS);
	if (!e->ddl) {
		*what = "threads";
		goto out;
	}
	lock_table_init(&e->locks);
	cache_init(&e->cache);
	stats_init(&e->stats);
	return 0;
out:
	rc = -errno;
	log_close(e->log);
	data_close(&e->data);
	return rc;
}

int engine_close(struct engine *e)
{
	ddl_pool_close(e->ddl);
	cache_destroy(&e->cache);
	lock_table_destroy(&e->locks);
	data_close(&e->data);
	return log_close(e->log);
}

int session_open(struct session *s, struct engine *e)
{
	int rc;

	memset(s, 0, sizeof(*s));
	s->engine = e;
	s->conn_id = atomic_fetch_add(&e->last_conn_id, 1) + 1;
	s->rng = rng_seed((uint64_t)s->conn_id);
	strcpy(s->db, "demo");
	rc = slot_open(&s->slot, e->cold_text, e->data_dir);
	if (rc < 0)
		return rc;
	rc = posix_memalign(&s->io_buf, DATA_BLOCK, DATA_IO_MAX);
	if (rc != 0) {
		slot_close(&s->slot);
		return -rc;
	}
	/* Touch it now, lest a statement pay for the page faults. */
	memset(s->io_buf, 0xa5, DATA_IO_MAX);
	return 0;
}

void session_close(struct session *s)
{
	atomic_fetch_add(&s->engine->cold_in_cache, s->slot.in_cache);
	slot_close(&s->slot);
	free(s->io_buf);
}

static int run_items(struct session *s, const struct query *q, struct record *r)
{
	struct engine *e = s->engine;
	struct work_context x = {
		.locks = &e->locks,
		.cache = &e->cache,
		.data = &e->data,
		.io_buf = s->io_buf,
		.rng = &s->rng,
		.usage = &r->usage,
		.error = r->error,
	};
	int status = WORK_OK;

	for (unsigned i = 0; i < q->nr_items && status == WORK_OK; i++)
		status = q->items[i].kind->run(&x, q->items[i].args);
	work_finish(&x);
	return status;
}

/* Understand and carry out one statement: its status. */
static int execute(struct session *s, const char *text, struct record *r)
{
	struct query q;
	int status = query_parse(text, &q, r->error);

	if (status != WORK_OK)
		return status;
	switch (q.kind) {
	case QUERY_WORK:
		return run_items(s, &q, r);
	case QUERY_USE:
		snprintf(s->db, sizeof(s->db), "%.*s", RECORD_DB_MAX - 1, q.name);
		return WORK_OK;
	case QUERY_DDL:
		ddl_run(s->engine->ddl, q.command, q.name, q.partitions, &r->usage);
		return WORK_OK;
	}
	return WORK_SYNTAX;
}

/* The bracket. `text` may be cold and must not be touched before the start probe. */
static void run_between_probes(struct session *s, const char *text, struct record *r)
{
	uint64_t cpu, end;

	r->start_ns = clock_now();
	PROBE_QUERY_START(text, r->conn_id, r->db, r->plan_id);
	cpu = clock_thread_cpu();
	r->status = execute(s, text, r);
	r->cpu_ns = clock_thread_cpu() - cpu;
	end = clock_now();
	PROBE_QUERY_DONE(text, r->status);
	r->latency_ns = end - r->start_ns;
}

static void publish(struct engine *e, const struct record *r)
{
	char *line;
	size_t len;

	stats_add(&e->stats, r);
	if (!e->log)
		return;
	line = record_json(r, &len);
	if (!line) {
		atomic_fetch_add(&e->lost, 1);
		return;
	}
	log_write(e->log, line, len);
	free(line);
}

int session_run(struct session *s, const char *text, struct record *r)
{
	const char *placed;

	memset(r, 0, sizeof(*r));
	r->query = text;
	r->plan_id = plan_id(text, r->plan, sizeof(r->plan));
	r->conn_id = s->conn_id;
	r->tid = gettid();
	memcpy(r->db, s->db, sizeof(r->db));
	placed = slot_place(&s->slot, text);
	if (!placed)
		return -errno;
	run_between_probes(s, placed, r);
	publish(s->engine, r);
	return 0;
}
