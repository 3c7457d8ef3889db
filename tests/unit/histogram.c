/* The buckets of histograms, and what is computed from them, against sorted values. */
#include "builtins/histogram.h"

#include <stdlib.h>

#include "runtime/sink.h"
#include "tests/unit/test.h"

static uint64_t random_state = 42;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* Values of every size, not only large ones. */
static uint64_t random_value(void)
{
	uint64_t shift = next_random() % 64;

	return next_random() >> shift;
}

static void test_buckets_are_in_order(void)
{
	for (unsigned bits = 0; bits <= LOG_BITS_MAX; bits++) {
		size_t n = log_buckets(bits);
		bool ok = log_bucket_low(bits, 0) == 0;

		for (size_t i = 0; i < n; i++) {
			uint64_t low = log_bucket_low(bits, i);

			ok = ok && log_bucket(bits, low) == i;
			if (i > 0)
				ok = ok && log_bucket(bits, low - 1) == i - 1;
		}
		CHECK(ok);
		CHECK_INT_EQ(log_bucket(bits, UINT64_MAX), n - 1);
	}
}

static void test_bucket_bounds(void)
{
	for (int i = 0; i < 100000; i++) {
		unsigned bits = next_random() % (LOG_BITS_MAX + 1);
		uint64_t v = random_value();
		size_t b = log_bucket(bits, v);
		uint64_t low = log_bucket_low(bits, b);

		if (!CHECK(b < log_buckets(bits) && low <= v &&
			   (b + 1 == log_buckets(bits) ||
			    v < log_bucket_low(bits, b + 1))))
			return;
		/* No wider than 1/2^bits of the value. */
		if (!CHECK(v - low <= v >> bits))
			return;
	}
}

static void test_rows_of_bpftrace(void)
{
	static const struct {
		uint64_t value, row;
	} powers[] = { { 0, 0 }, { 1, 1 }, { 2, 2 },     { 3, 2 },    { 4, 3 },
		       { 7, 3 }, { 8, 4 }, { 1023, 10 }, { 1024, 11 } };

	for (size_t i = 0; i < sizeof(powers) / sizeof(powers[0]); i++)
		CHECK_INT_EQ(log_bucket(0, powers[i].value), powers[i].row);
	/* With k = 2: 0 to 7 alone, then four rows from 8 to 16. */
	CHECK_INT_EQ(log_bucket_low(2, 7), 7);
	CHECK_INT_EQ(log_bucket_low(2, 8), 8);
	CHECK_INT_EQ(log_bucket_low(2, 9), 10);
	CHECK_INT_EQ(log_bucket_low(2, 12), 16);
	CHECK_INT_EQ(log_bucket_low(2, 13), 20);
}

/* Percentiles. */

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

enum { BITS = LOG_BITS_MIN, VALUES = 5000, BUCKETS = 1024 };

static void tally(struct bucket *buckets, const int64_t *values, size_t n)
{
	for (size_t i = 0; i < log_buckets(BITS); i++) {
		bool last = i + 1 == log_buckets(BITS);

		buckets[i] = (struct bucket){
			.lo = (int64_t)log_bucket_low(BITS, i),
			.hi = last ? 0 : (int64_t)log_bucket_low(BITS, i + 1),
			.hi_open = last,
		};
	}
	for (size_t i = 0; i < n; i++)
		buckets[log_bucket(BITS, (uint64_t)values[i])].count++;
}

static void check_percentiles(int64_t *values, size_t n)
{
	static const unsigned permilles[] = { 0, 1, 250, 500, 900, 990, 999, 1000 };
	static struct bucket buckets[BUCKETS];
	struct distribution d = { .buckets = buckets,
				  .nbuckets = log_buckets(BITS),
				  .count = n };
	int64_t before = 0;

	tally(buckets, values, n);
	qsort(values, n, sizeof(*values), compare);
	d.max = values[n - 1];
	for (size_t i = 0; i < sizeof(permilles) / sizeof(permilles[0]); i++) {
		size_t rank = (n * permilles[i] + 999) / 1000;
		int64_t want = values[rank ? rank - 1 : 0], got;
		struct percentile p = { .value = -1 };

		CHECK(distribution_percentile(&d, permilles[i], &p));
		CHECK_INT_EQ(p.certainty, CERTAINTY_CLOSE);
		got = p.value;
		if (!CHECK(llabs(got - want) <= want >> BITS))
			fprintf(stderr,
				"\tp%u of %zu: got %" PRId64 ", want %" PRId64 "\n",
				permilles[i], n, got, want);
		CHECK(got <= d.max && got >= before);
		before = got;
	}
}

static void test_percentiles(void)
{
	static int64_t values[VALUES];

	for (size_t n = 1; n <= VALUES; n = n * 3 / 2 + 1) {
		for (size_t i = 0; i < n; i++)
			values[i] = (int64_t)(random_value() >> 3);
		check_percentiles(values, n);
		for (size_t i = 0; i < n; i++)
			values[i] = 1000 + (int64_t)(next_random() % 1000);
		check_percentiles(values, n);
		for (size_t i = 0; i < n; i++)
			values[i] = 123456;
		check_percentiles(values, n);
	}
}

/* A maximum that its row's middle would exceed. */
static void test_percentile_below_max(void)
{
	struct bucket b = { .lo = 1 << 20, .hi = 1 << 21, .count = 100 };
	struct distribution d = {
		.buckets = &b, .nbuckets = 1, .count = 100, .max = (1 << 20) + 1
	};
	struct percentile got = { 0 };

	CHECK(distribution_percentile(&d, 999, &got));
	CHECK_INT_EQ(got.value, d.max);
	CHECK(distribution_percentile(&d, 500, &got));
	CHECK(got.value >= b.lo && got.value <= d.max);
	/* The maximum says how narrow the bucket is. */
	CHECK_INT_EQ(got.certainty, CERTAINTY_CLOSE);
}

static void test_percentile_without_bound(void)
{
	struct bucket b[] = { { .lo_open = true, .hi = -3, .count = 9 },
			      { .lo = -3, .hi_open = true, .count = 1 } };
	struct distribution d = { .buckets = b, .nbuckets = 2, .count = 10, .max = 77 };
	struct percentile got = { 0 };

	CHECK(distribution_percentile(&d, 500, &got));
	CHECK_INT_EQ(got.value, -3);
	CHECK_INT_EQ(got.certainty, CERTAINTY_BELOW);
	CHECK(distribution_percentile(&d, 950, &got));
	CHECK_INT_EQ(got.value, 77);
	CHECK_INT_EQ(got.certainty, CERTAINTY_CLOSE);
	d.count = 0;
	CHECK(!distribution_percentile(&d, 500, &got));
}

static enum certainty certainty_of(int64_t lo, int64_t hi, bool hi_open, int64_t max)
{
	struct bucket b = { .lo = lo, .hi = hi, .hi_open = hi_open, .count = 10 };
	struct distribution d = {
		.buckets = &b, .nbuckets = 1, .count = 10, .max = max
	};
	struct percentile got = { 0 };

	CHECK(distribution_percentile(&d, 500, &got));
	return got.certainty;
}

/* Rows of lhist() may be wide. */
static void test_certainty(void)
{
	CHECK_INT_EQ(certainty_of(10, 20, false, 100), CERTAINTY_ROUGH);
	CHECK_INT_EQ(certainty_of(0, 2, false, 100), CERTAINTY_ROUGH);
	CHECK_INT_EQ(certainty_of(0, 1, false, 100), CERTAINTY_CLOSE);
	CHECK_INT_EQ(certainty_of(7, 8, false, 100), CERTAINTY_CLOSE);
	CHECK_INT_EQ(certainty_of(160, 171, false, 1000), CERTAINTY_CLOSE);
	CHECK_INT_EQ(certainty_of(160, 172, false, 1000), CERTAINTY_ROUGH);
	CHECK_INT_EQ(certainty_of(-170, -160, false, 0), CERTAINTY_CLOSE);
	CHECK_INT_EQ(certainty_of(-10, 10, false, 100), CERTAINTY_ROUGH);
	CHECK_INT_EQ(certainty_of(100, 0, true, 5000), CERTAINTY_ROUGH);
	CHECK_INT_EQ(certainty_of(100, 0, true, 101), CERTAINTY_CLOSE);
}

/* Rows. */

static struct histogram shown;

static void keep(struct sink *out, const struct histogram *h)
{
	(void)out;
	shown = *h;
}

static void test_rows(void)
{
	static const struct sink_ops ops = { .histogram = keep };
	struct sink sink = { .ops = &ops };
	struct bucket fine[] = { { .lo = 4, .hi = 5, .count = 1 },
				 { .lo = 5, .hi = 6, .count = 2 },
				 { .lo = 8, .hi = 16, .count = 0 },
				 { .lo = 16, .hi = 32, .count = 5 } };
	struct bucket rows[] = {
		{ .lo_open = true, .hi = 0 }, { .lo = 0, .hi = 4 },
		{ .lo = 4, .hi = 8 },         { .lo = 8, .hi = 16 },
		{ .lo = 16, .hi = 32 },       { .lo = 32, .hi_open = true }
	};
	struct distribution d = { .buckets = fine,
				  .nbuckets = 4,
				  .count = 8,
				  .max = 20,
				  .average = 15,
				  .unit = UNIT_MS };

	distribution_render(&d, rows, 6, &sink);
	CHECK_INT_EQ(shown.nrows, 3);
	CHECK_INT_EQ(shown.rows[0].lo, 4);
	CHECK_INT_EQ(shown.rows[0].count, 3);
	CHECK_INT_EQ(shown.rows[1].count, 0);
	CHECK_INT_EQ(shown.rows[2].count, 5);
	CHECK_INT_EQ(shown.count, 8);
	CHECK_INT_EQ(shown.unit, UNIT_MS);
	CHECK_INT_EQ(shown.npercentiles, 6);
}

int main(void)
{
	test_buckets_are_in_order();
	test_bucket_bounds();
	test_rows_of_bpftrace();
	test_percentiles();
	test_percentile_below_max();
	test_percentile_without_bound();
	test_certainty();
	test_rows();
	return test_failures();
}
