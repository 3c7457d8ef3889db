#include "builtins/hist.h"

#include <inttypes.h>
#include <string.h>

#include "codegen/emit.h"
#include "core/arena.h"
#include "runtime/sink.h"
#include "sema/sema.h"

/* A cell: the largest value, kept as in max(); the total; then counts. */
enum { DIST_MAX, DIST_TOTAL, DIST_COUNTS };

static const uint64_t sign_bit = UINT64_C(1) << 63;

static uint64_t max_mask(const struct agg_site *site)
{
	return site->is_signed ? sign_bit : 0;
}

/* Count v in word index; the maximum first, so that none is ever above it. */
static void count_value(struct emit *e, struct value cell, struct value index,
			struct value v, const struct agg_site *site)
{
	struct value key = v;

	if (site->is_signed)
		key = emit_op(e, OP_XOR, v, emit_int(e, (int64_t)sign_bit), false);
	emit_cell_max(e, cell, emit_int(e, DIST_MAX), key);
	emit_cell_add(e, cell, emit_int(e, DIST_TOTAL), v);
	emit_cell_add(e, cell, index, emit_int(e, 1));
}

static void combine_words(uint64_t *to, const uint64_t *from, size_t words)
{
	if (to[DIST_MAX] < from[DIST_MAX])
		to[DIST_MAX] = from[DIST_MAX];
	for (size_t i = DIST_TOTAL; i < words; i++)
		to[i] += from[i];
}

static uint64_t count_words(const uint64_t *cell, size_t words)
{
	uint64_t n = 0;

	for (size_t i = DIST_COUNTS; i < words; i++)
		n += cell[i];
	return n;
}

static int64_t clamp(uint64_t n, bool is_signed)
{
	return is_signed || n <= INT64_MAX ? (int64_t)n : INT64_MAX;
}

/* What the words before the counts say. */
static void distribution_init(struct distribution *d, const uint64_t *cell,
			      size_t words, const struct agg_site *site)
{
	uint64_t total = cell[DIST_TOTAL], count = count_words(cell, words);

	*d = (struct distribution){
		.count = count,
		.max = clamp(cell[DIST_MAX] ^ max_mask(site), site->is_signed),
		.total = clamp(total, site->is_signed),
		.unit = site->unit,
	};
	if (count && site->is_signed && (int64_t)total < 0)
		d->average = -clamp(-total / count, false);
	else if (count)
		d->average = clamp(total / count, site->is_signed);
}

/* hist(n[, k]): counts are those of negative values, then of the log-linear buckets. */

enum { HIST_NEGATIVE = DIST_COUNTS, HIST_BUCKETS };

/* k rows for each power of two are shown; buckets may be finer, for the percentiles. */
static unsigned rows_bits(const struct agg_site *site)
{
	return (unsigned)site->lit[1];
}

static unsigned bucket_bits(const struct agg_site *site)
{
	return rows_bits(site) > LOG_BITS_MIN ? rows_bits(site) : LOG_BITS_MIN;
}

static size_t hist_words(const struct agg_site *site)
{
	return HIST_BUCKETS + log_buckets(bucket_bits(site));
}

static size_t hist_size(const struct agg_site *site)
{
	return hist_words(site) * sizeof(uint64_t);
}

/* log_bucket() of histogram.h, in the kernel. */
static void hist_update(struct emit *e, struct value cell, const struct node *call,
			const struct agg_site *site)
{
	struct value v = emit_arg(e, call, 0);
	struct value bits = emit_int(e, bucket_bits(site));
	struct value one = emit_int(e, INT64_C(1) << bucket_bits(site));
	struct value log = emit_log2(e, emit_op(e, OP_OR, v, one, false));
	struct value shift = emit_op(e, OP_SUB, log, bits, false);
	struct value first = emit_op(e, OP_SHL, shift, bits, false);
	struct value sub = emit_op(e, OP_SHR, v, shift, false);
	struct value index = emit_op(e, OP_ADD, first, sub, false);

	index = emit_op(e, OP_ADD, index, emit_int(e, HIST_BUCKETS), false);
	if (site->is_signed) {
		struct value negative = emit_op(e, OP_LT, v, emit_int(e, 0), true);

		index = emit_select(e, negative, emit_int(e, HIST_NEGATIVE), index);
	}
	count_value(e, cell, index, v, site);
}

static void hist_combine(void *into, const void *cell, const struct agg_site *site)
{
	combine_words(into, cell, hist_words(site));
}

static bool hist_seen(const void *cell, const struct agg_site *site)
{
	return count_words(cell, hist_words(site)) > 0;
}

static int64_t hist_sort_key(const void *cell, const struct agg_site *site)
{
	return clamp(count_words(cell, hist_words(site)), false);
}

/*
 * Bucket i as a half-open range. Bounds are signed words, so that all values from 2^62
 * share what ends without a bound: only there do buckets of unsigned values run out.
 */
static struct bucket log_range(unsigned bits, size_t i)
{
	uint64_t low = log_bucket_low(bits, i), top = UINT64_C(1) << 62;
	uint64_t high = i + 1 < log_buckets(bits) ? log_bucket_low(bits, i + 1) : 0;

	if (low >= top)
		return (struct bucket){ .lo = (int64_t)top, .hi_open = true };
	return (struct bucket){ .lo = (int64_t)low, .hi = (int64_t)high };
}

static size_t log_ranges(struct bucket *out, unsigned bits)
{
	size_t n = 0;

	out[n++] = (struct bucket){ .lo_open = true, .hi = 0 };
	for (size_t i = 0; i < log_buckets(bits); i++) {
		out[n] = log_range(bits, i);
		if (out[n++].hi_open)
			break;
	}
	return n;
}

static void hist_render(struct sink *out, const void *cell, const struct agg_site *site,
			uint64_t div)
{
	unsigned bits = bucket_bits(site);
	const uint64_t *counts = (const uint64_t *)cell + DIST_COUNTS;
	struct arena *a = arena_new();
	struct bucket *buckets = ARENA_ARRAY(a, struct bucket, 1 + log_buckets(bits));
	struct bucket *rows =
		ARENA_ARRAY(a, struct bucket, 1 + log_buckets(rows_bits(site)));
	size_t nrows = log_ranges(rows, rows_bits(site));
	struct distribution d;

	distribution_init(&d, cell, hist_words(site), site);
	d.div = div;
	d.buckets = buckets;
	d.nbuckets = log_ranges(buckets, bits);
	for (size_t i = 0; i < 1 + log_buckets(bits); i++)
		buckets[i < d.nbuckets ? i : d.nbuckets - 1].count += counts[i];
	distribution_render(&d, rows, nrows, out);
	arena_free(a);
}

const struct agg_ops hist_ops = {
	.cell_size = hist_size,
	.update = hist_update,
	.combine = hist_combine,
	.seen = hist_seen,
	.sort_key = hist_sort_key,
	.render = hist_render,
};

/* lhist(n, min, max, step): counts are those below min, of each row, and from max. */

enum { LHIST_BELOW = DIST_COUNTS, LHIST_ROWS, LHIST_ROWS_MAX = 1000 };

struct range {
	int64_t min, max;
	uint64_t step, nrows; /* the last row ends at max and may be narrower */
};

static struct range range_of(int64_t min, int64_t max, int64_t step)
{
	uint64_t width = (uint64_t)max - (uint64_t)min;
	uint64_t rows = width / (uint64_t)step + (width % (uint64_t)step > 0);

	return (struct range){ min, max, (uint64_t)step, rows };
}

static struct range lhist_range(const struct agg_site *site)
{
	return range_of(site->lit[1], site->lit[2], site->lit[3]);
}

bool lhist_check(struct sema *s, struct node *call)
{
	const struct type *type = call_arg(call, 0)->type;
	int64_t min, max, step;

	if (!constant_int(call_arg(call, 1), &min) ||
	    !constant_int(call_arg(call, 2), &max) ||
	    !constant_int(call_arg(call, 3), &step) || step < 1)
		return true; /* the signature says so */
	if (max <= min)
		return sema_error(s, DIAG_literal_range, call_arg(call, 2)->span,
				  "max is %" PRId64
				  ", which is not above min, %" PRId64,
				  max, min);
	if (range_of(min, max, step).nrows > LHIST_ROWS_MAX)
		return sema_error(s, DIAG_literal_range, call_arg(call, 3)->span,
				  "the range has %" PRIu64
				  " rows of this width, at most %d are possible",
				  range_of(min, max, step).nrows, LHIST_ROWS_MAX);
	if (type && !type->is_signed && min < 0)
		return sema_error(s, DIAG_literal_range, call_arg(call, 1)->span,
				  "the value is unsigned (%s), so it is never below 0; "
				  "cast it if it is meant to be signed",
				  type_text(s->cc->arena, type));
	return true;
}

static size_t lhist_words(const struct agg_site *site)
{
	return LHIST_ROWS + lhist_range(site).nrows + 1;
}

static size_t lhist_size(const struct agg_site *site)
{
	return lhist_words(site) * sizeof(uint64_t);
}

static void lhist_update(struct emit *e, struct value cell, const struct node *call,
			 const struct agg_site *site)
{
	struct range range = lhist_range(site);
	struct value min = emit_int(e, range.min), max = emit_int(e, range.max);
	struct value v = emit_arg(e, call, 0);
	struct value below = emit_op(e, OP_LT, v, min, site->is_signed);
	struct value above = emit_op(e, OP_GE, v, max, site->is_signed);
	struct value row = emit_op(e, OP_SUB, v, min, false);

	row = emit_op(e, OP_DIV, row, emit_int(e, (int64_t)range.step), false);
	row = emit_op(e, OP_ADD, row, emit_int(e, LHIST_ROWS), false);
	row = emit_select(e, below, emit_int(e, LHIST_BELOW), row);
	row = emit_select(e, above, emit_int(e, LHIST_ROWS + (int64_t)range.nrows),
			  row);
	count_value(e, cell, row, v, site);
}

static void lhist_combine(void *into, const void *cell, const struct agg_site *site)
{
	combine_words(into, cell, lhist_words(site));
}

static bool lhist_seen(const void *cell, const struct agg_site *site)
{
	return count_words(cell, lhist_words(site)) > 0;
}

static int64_t lhist_sort_key(const void *cell, const struct agg_site *site)
{
	return clamp(count_words(cell, lhist_words(site)), false);
}

static void lhist_render(struct sink *out, const void *cell,
			 const struct agg_site *site, uint64_t div)
{
	const uint64_t *counts = (const uint64_t *)cell + DIST_COUNTS;
	struct range range = lhist_range(site);
	struct arena *a = arena_new();
	size_t n = range.nrows + 2;
	struct bucket *rows = ARENA_ARRAY(a, struct bucket, n);
	struct bucket *buckets = ARENA_ARRAY(a, struct bucket, n);
	struct distribution d;

	rows[0] = (struct bucket){ .lo_open = true, .hi = range.min };
	for (size_t i = 1; i < n; i++) {
		rows[i].lo = rows[i - 1].hi;
		rows[i].hi = i < n - 2 ? rows[i].lo + (int64_t)range.step : range.max;
	}
	rows[n - 1].hi_open = true;
	memcpy(buckets, rows, n * sizeof(*rows));
	for (size_t i = 0; i < n; i++)
		buckets[i].count = counts[i];

	distribution_init(&d, cell, lhist_words(site), site);
	d.div = div;
	d.buckets = buckets;
	d.nbuckets = n;
	distribution_render(&d, rows, n, out);
	arena_free(a);
}

const struct agg_ops lhist_ops = {
	.cell_size = lhist_size,
	.update = lhist_update,
	.combine = lhist_combine,
	.seen = lhist_seen,
	.sort_key = lhist_sort_key,
	.render = lhist_render,
};
