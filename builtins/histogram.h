/*
 * Counts of values by size: how hist() and lhist() lay them out, and what is computed
 * from them in user space. The kernel's half is in aggregation.c.
 *
 * A log-linear histogram of b bits has one bucket for each value below 2^(b+1), and 2^b
 * of equal width for each power of two above: no value is further than 1/2^b from what
 * its bucket says. The bucket of v is
 *
 *	(shift << b) + (v >> shift)	shift = log2(v | 2^b) - b
 *
 * which needs no branch, and grows with v.
 */
#ifndef MEMQL_HISTOGRAM_H
#define MEMQL_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parser/ast.h"

struct bucket;     /* runtime/sink.h */
struct percentile; /* the same */
struct sink;

enum { LOG_BITS_MIN = 4, LOG_BITS_MAX = 6 }; /* percentiles within 1/16 */

/* Buckets that hold every 64-bit value. bits: 0 to LOG_BITS_MAX, as below. */
size_t log_buckets(unsigned bits);
/* The bucket of a value; the smallest value of a bucket. */
size_t log_bucket(unsigned bits, uint64_t value);
uint64_t log_bucket_low(unsigned bits, size_t bucket);

/* Everything that is known of the values. */
struct distribution {
	const struct bucket *buckets; /* ascending; empty ones may be missing */
	size_t nbuckets;
	uint64_t count; /* values in all buckets */
	int64_t max;    /* the largest value, exactly; INT64_MAX: at least that */
	int64_t total, average;
	enum unit unit;
	uint64_t div; /* print()'s: counts of rows are divided by it; 0: by 1 */
};

/*
 * The smallest value that at least permille/1000 of the values do not exceed: where the
 * count is reached, as if the values of a bucket lay evenly in it, and never above the
 * maximum. Sets value and certainty. False if there are no values.
 */
bool distribution_percentile(const struct distribution *d, unsigned permille,
			     struct percentile *out);

/*
 * Show the distribution with these rows, ascending and without gaps (their counts are
 * filled in): every bucket lies in one row. Empty rows at both ends are left out.
 */
void distribution_render(const struct distribution *d, struct bucket *rows,
			 size_t nrows, struct sink *out);

#endif
