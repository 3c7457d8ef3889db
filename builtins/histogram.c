#include "builtins/histogram.h"

#include <assert.h>

#include "runtime/sink.h"

size_t log_buckets(unsigned bits)
{
	return (size_t)(65 - bits) << bits;
}

static unsigned log2_of(uint64_t n)
{
	return 63 - (unsigned)__builtin_clzll(n | 1);
}

size_t log_bucket(unsigned bits, uint64_t value)
{
	unsigned shift = log2_of(value | UINT64_C(1) << bits) - bits;

	return ((size_t)shift << bits) + (size_t)(value >> shift);
}

uint64_t log_bucket_low(unsigned bits, size_t bucket)
{
	size_t sub = bucket & (((size_t)1 << bits) - 1);
	size_t power = bucket >> bits;

	if (power <= 1)
		return bucket;
	return (uint64_t)(sub + ((size_t)1 << bits)) << (power - 1);
}

/* The largest value that can be in a bucket. */
static int64_t highest(const struct bucket *t, int64_t max)
{
	int64_t high = t->hi_open || t->hi > max ? max : t->hi - 1;

	return high > t->lo ? high : t->lo;
}

/*
 * The value of this rank (1 is the smallest of the bucket) if they lie evenly, each in
 * the middle of its share.
 */
static int64_t interpolate(const struct bucket *t, uint64_t rank, int64_t max)
{
	int64_t high = highest(t, max);
	unsigned __int128 width, offset;

	if (high <= t->lo)
		return t->lo < max ? t->lo : max;
	width = (unsigned __int128)((uint64_t)high - (uint64_t)t->lo) + 1;
	offset = width * (2 * (unsigned __int128)rank - 1) / 2 / t->count;
	return (int64_t)((uint64_t)t->lo + (uint64_t)offset);
}

/* No value of the bucket is further from another than 1/16 of it. */
static bool is_narrow(const struct bucket *t, int64_t max)
{
	int64_t high = highest(t, max);
	uint64_t width = (uint64_t)high - (uint64_t)t->lo, smallest = 0;

	if (t->lo > 0)
		smallest = (uint64_t)t->lo;
	else if (high < 0)
		smallest = -(uint64_t)high;
	return width <= smallest >> LOG_BITS_MIN;
}

static void percentile_in(const struct bucket *t, uint64_t rank, int64_t max,
			  struct percentile *out)
{
	if (t->lo_open) {
		out->value = t->hi;
		out->certainty = CERTAINTY_BELOW;
		return;
	}
	out->value = interpolate(t, rank, max);
	out->certainty = is_narrow(t, max) ? CERTAINTY_CLOSE : CERTAINTY_ROUGH;
}

bool distribution_percentile(const struct distribution *d, unsigned permille,
			     struct percentile *out)
{
	uint64_t rank =
		(uint64_t)(((unsigned __int128)d->count * permille + 999) / 1000);
	uint64_t below = 0;

	if (d->count == 0)
		return false;
	if (rank == 0)
		rank = 1;
	if (rank == d->count) {
		out->value = d->max;
		out->certainty = CERTAINTY_CLOSE;
		return true;
	}
	for (size_t i = 0; i < d->nbuckets; i++) {
		const struct bucket *t = &d->buckets[i];

		if (rank <= below + t->count) {
			percentile_in(t, rank - below, d->max, out);
			return true;
		}
		below += t->count;
	}
	assert(!"the buckets hold fewer values than count says");
	return false;
}

static size_t add_percentiles(const struct distribution *d, struct percentile *out)
{
	static const struct {
		const char *name;
		unsigned permille;
	} wanted[] = {
		{ "p50", 500 }, { "p90", 900 }, { "p99", 990 }, { "p99.9", 999 }
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		out[n].name = wanted[i].name;
		n += distribution_percentile(d, wanted[i].permille, &out[n]);
	}
	out[n++] = (struct percentile){ .name = "max", .value = d->max };
	out[n++] = (struct percentile){ .name = "avg", .value = d->average };
	return n;
}

static bool row_holds(const struct bucket *row, const struct bucket *t)
{
	if (t->lo_open)
		return row->lo_open;
	return row->hi_open || t->lo < row->hi;
}

void distribution_render(const struct distribution *d, struct bucket *rows,
			 size_t nrows, struct sink *out)
{
	struct percentile percentiles[6];
	struct histogram h = {
		.count = d->count,
		.total = d->total,
		.unit = d->unit,
		.percentiles = percentiles,
		.npercentiles = add_percentiles(d, percentiles),
	};
	size_t row = 0, first = nrows, last = 0;

	for (size_t i = 0; i < d->nbuckets; i++) {
		if (d->buckets[i].count == 0)
			continue;
		while (row < nrows && !row_holds(&rows[row], &d->buckets[i]))
			row++;
		assert(row < nrows);
		rows[row].count += d->buckets[i].count;
		first = row < first ? row : first;
		last = row;
	}
	if (first < nrows) {
		h.rows = rows + first;
		h.nrows = last - first + 1;
	}
	for (size_t i = first; d->div > 1 && i <= last; i++)
		rows[i].count /= d->div;
	sink_histogram(out, &h);
}
