/* Totals for the summary at the end. */
#ifndef MEMSQLD_STATS_H
#define MEMSQLD_STATS_H

#include <pthread.h>
#include <stdio.h>

#include "demo/record.h"

#define STATS_PLANS_MAX 128

struct stats_plan {
	uint32_t plan_id;
	char plan[RECORD_PLAN_MAX];
	uint64_t count, failed;
	uint64_t sum_ns, max_ns; /* latency */
};

struct stats {
	pthread_mutex_t mutex; /* guards what follows */
	unsigned nr_plans;
	struct stats_plan plans[STATS_PLANS_MAX];
	struct stats_plan rest; /* plans that found no place */
	struct usage usage;
	uint64_t cpu_ns;
};

void stats_init(struct stats *s);
void stats_add(struct stats *s, const struct record *r);

/* Print the totals and a line for each plan, the most time first. */
void stats_print(struct stats *s, FILE *out, double seconds);

#endif
