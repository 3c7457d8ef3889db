/* The two aggregations that keep a distribution: rows in aggregation.c, work in hist.c. */
#ifndef MEMQL_HIST_H
#define MEMQL_HIST_H

#include "builtins/builtin.h"
#include "builtins/histogram.h"

extern const struct agg_ops hist_ops, lhist_ops;

/* The range that lhist()'s literals span has at least one row, and not too many. */
bool lhist_check(struct sema *s, struct node *call);

#endif
