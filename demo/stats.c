/* Totals by plan. */
#include "demo/stats.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void stats_init(struct stats *s)
{
	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->mutex, NULL);
	strcpy(s->rest.plan, "(all other plans)");
}

static struct stats_plan *find_plan(struct stats *s, const struct record *r)
{
	struct stats_plan *p;

	for (unsigned i = 0; i < s->nr_plans; i++) {
		if (s->plans[i].plan_id == r->plan_id)
			return &s->plans[i];
	}
	if (s->nr_plans == STATS_PLANS_MAX)
		return &s->rest;
	p = &s->plans[s->nr_plans++];
	p->plan_id = r->plan_id;
	memcpy(p->plan, r->plan, sizeof(p->plan));
	return p;
}

static void add_usage(struct usage *sum, const struct usage *u)
{
	sum->sleep_ns += u->sleep_ns;
	sum->lock_wait_ns += u->lock_wait_ns;
	sum->lock_waits += u->lock_waits;
	sum->mem_net += u->mem_net;
	sum->mem_events += u->mem_events;
	sum->io_reads += u->io_reads;
	sum->io_read_bytes += u->io_read_bytes;
	sum->io_writes += u->io_writes;
	sum->io_write_bytes += u->io_write_bytes;
	sum->ddl_events += u->ddl_events;
}

void stats_add(struct stats *s, const struct record *r)
{
	struct stats_plan *p;

	pthread_mutex_lock(&s->mutex);
	p = find_plan(s, r);
	p->count++;
	p->failed += r->status != 0;
	p->sum_ns += r->latency_ns;
	if (r->latency_ns > p->max_ns)
		p->max_ns = r->latency_ns;
	s->cpu_ns += r->cpu_ns;
	add_usage(&s->usage, &r->usage);
	pthread_mutex_unlock(&s->mutex);
}

static int by_time(const void *left, const void *right)
{
	const struct stats_plan *a = left, *b = right;

	return (a->sum_ns < b->sum_ns) - (a->sum_ns > b->sum_ns);
}

static void print_plan(FILE *out, const struct stats_plan *p)
{
	if (!p->count)
		return;
	fprintf(out,
		"%11" PRIu32 " %9" PRIu64 " %7" PRIu64 " %11.3f %10.1f %10.1f  %s\n",
		p->plan_id, p->count, p->failed, (double)p->sum_ns / 1e6,
		(double)p->sum_ns / 1e3 / (double)p->count, (double)p->max_ns / 1e3,
		p->plan);
}

static void print_totals(FILE *out, const struct stats *s, double seconds)
{
	uint64_t count = s->rest.count, failed = s->rest.failed;
	const struct usage *u = &s->usage;

	for (unsigned i = 0; i < s->nr_plans; i++) {
		count += s->plans[i].count;
		failed += s->plans[i].failed;
	}
	fprintf(out,
		"memsqld: %" PRIu64 " statements in %.1f s (%.1f/s), %" PRIu64
		" failed\n",
		count, seconds, seconds > 0 ? (double)count / seconds : 0, failed);
	fprintf(out,
		"memsqld: cpu %.3f s, sleep %.3f s, lock wait %.3f s in %" PRIu64
		" waits\n",
		(double)s->cpu_ns / 1e9, (double)u->sleep_ns / 1e9,
		(double)u->lock_wait_ns / 1e9, u->lock_waits);
	fprintf(out,
		"memsqld: reads %" PRIu64 " (%" PRIu64 " bytes), writes %" PRIu64
		" (%" PRIu64 " bytes)\n",
		u->io_reads, u->io_read_bytes, u->io_writes, u->io_write_bytes);
	fprintf(out,
		"memsqld: memory events %" PRIu64 ", net %" PRId64
		" bytes; worker events %" PRIu64 "\n",
		u->mem_events, u->mem_net, u->ddl_events);
}

void stats_print(struct stats *s, FILE *out, double seconds)
{
	pthread_mutex_lock(&s->mutex);
	print_totals(out, s, seconds);
	qsort(s->plans, s->nr_plans, sizeof(s->plans[0]), by_time);
	fprintf(out, "%11s %9s %7s %11s %10s %10s  %s\n", "plan_id", "count", "failed",
		"sum_ms", "mean_us", "max_us", "statement");
	for (unsigned i = 0; i < s->nr_plans; i++)
		print_plan(out, &s->plans[i]);
	print_plan(out, &s->rest);
	pthread_mutex_unlock(&s->mutex);
}
