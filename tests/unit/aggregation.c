/*
 * Aggregations from update to text, without a kernel: the emit functions that they use
 * are replaced by ones that compute at once. Many CPUs' cells, folded, must say the same
 * as one pass over all values.
 */
#include "builtins/builtin.h"

#include <stdlib.h>

#include "builtins/histogram.h"
#include "codegen/emit.h"
#include "runtime/sink.h"
#include "tests/unit/test.h"

/* The stand-in for codegen: a value is the number itself, a cell its address. */

static uint64_t argument;

static struct value number(uint64_t n)
{
	return (struct value){ .ref = (struct LLVMOpaqueValue *)(uintptr_t)n };
}

static uint64_t plain(struct value v)
{
	return (uintptr_t)v.ref;
}

struct value emit_int(struct emit *e, int64_t n)
{
	(void)e;
	return number((uint64_t)n);
}

struct value emit_arg(struct emit *e, const struct node *call, unsigned i)
{
	(void)e;
	(void)call;
	(void)i;
	return number(argument);
}

struct value emit_op(struct emit *e, enum op op, struct value a, struct value b,
		     bool is_signed)
{
	uint64_t x = plain(a), y = plain(b);

	(void)e;
	if (op == OP_ADD)
		return number(x + y);
	if (op == OP_SUB)
		return number(x - y);
	if (op == OP_DIV)
		return number(y ? x / y : 0);
	if (op == OP_AND)
		return number(x & y);
	if (op == OP_OR)
		return number(x | y);
	if (op == OP_XOR)
		return number(x ^ y);
	if (op == OP_SHL)
		return number(x << (y & 63));
	if (op == OP_SHR)
		return number(x >> (y & 63));
	if (op == OP_LT)
		return number(is_signed ? (int64_t)x < (int64_t)y : x < y);
	if (op == OP_GE)
		return number(is_signed ? (int64_t)x >= (int64_t)y : x >= y);
	CHECK(!"an operator that the stand-in has");
	return number(0);
}

struct value emit_select(struct emit *e, struct value cond, struct value a,
			 struct value b)
{
	(void)e;
	return plain(cond) ? a : b;
}

struct value emit_log2(struct emit *e, struct value v)
{
	(void)e;
	return number(63 - (unsigned)__builtin_clzll(plain(v) | 1));
}

void emit_store(struct emit *e, struct value base, int64_t offset, struct value v,
		unsigned size)
{
	(void)e;
	memcpy((char *)base.ref + offset, &v.ref, size);
}

void emit_cell_add(struct emit *e, struct value cell, struct value i, struct value v)
{
	(void)e;
	((uint64_t *)cell.ref)[plain(i)] += plain(v);
}

void emit_cell_max(struct emit *e, struct value cell, struct value i, struct value v)
{
	uint64_t *word = (uint64_t *)cell.ref + plain(i);

	(void)e;
	if (*word < plain(v))
		*word = plain(v);
}

/* Reading in programs: tests/builtins has cases that run. */

struct value emit_cells_sum(struct emit *e, const struct cells *c, unsigned word)
{
	(void)e;
	(void)c;
	(void)word;
	return number(0);
}

struct value emit_cells_max(struct emit *e, const struct cells *c, unsigned word)
{
	return emit_cells_sum(e, c, word);
}

/* What is shown. */

static struct datum shown;
static struct type shown_type;
static struct part parts[3];
static struct histogram histogram;
static struct bucket rows[4096];
static struct percentile percentiles[8];

static void keep_datum(struct sink *out, const struct datum *d)
{
	(void)out;
	shown = *d;
	shown_type = *d->type; /* the caller's ends with the call */
	shown.type = &shown_type;
}

static void keep_parts(struct sink *out, const struct part *p, size_t n)
{
	(void)out;
	CHECK_INT_EQ(n, 3);
	memcpy(parts, p, sizeof(parts));
}

static void keep_histogram(struct sink *out, const struct histogram *h)
{
	(void)out;
	histogram = *h;
	memcpy(rows, h->rows, h->nrows * sizeof(*rows));
	memcpy(percentiles, h->percentiles, h->npercentiles * sizeof(*percentiles));
}

static const struct sink_ops ops = {
	.datum = keep_datum,
	.parts = keep_parts,
	.histogram = keep_histogram,
};
static struct sink sink = { .ops = &ops };

static const struct agg_ops *find(const char *name)
{
	for (const struct builtin *b = aggregation_builtins; b->name; b++)
		if (strcmp(b->name, name) == 0)
			return b->agg;
	abort();
}

enum { CPUS = 3, CELL_MAX = 64 << 10 };

static uint64_t cells[CPUS][CELL_MAX / 8], folded[CELL_MAX / 8];

/* Values are spread over the CPUs; folded holds the sum of their cells. */
static void aggregate(const char *name, const struct agg_site *site,
		      const int64_t *values, size_t n)
{
	const struct agg_ops *agg = find(name);
	size_t size = agg->cell_size(site);

	CHECK(size <= CELL_MAX && size % 8 == 0);
	memset(cells, 0, sizeof(cells));
	memset(folded, 0, sizeof(folded));
	for (size_t i = 0; i < n; i++) {
		struct value cell = number((uintptr_t)cells[i % CPUS]);

		argument = (uint64_t)values[i];
		agg->update(NULL, cell, NULL, site);
	}
	for (size_t cpu = 0; cpu < CPUS; cpu++) {
		CHECK(cells[cpu][size / 8] == 0);
		agg->combine(folded, cells[cpu], site);
	}
}

static bool seen(const char *name, const struct agg_site *site)
{
	const struct agg_ops *agg = find(name);

	return !agg->seen || agg->seen(folded, site);
}

static int64_t render(const char *name, const struct agg_site *site, uint64_t div)
{
	find(name)->render(&sink, folded, site, div);
	return (int64_t)shown.n;
}

static const int64_t values[] = { -7, 3, 12, -100, 5, 0 };
enum { NVALUES = 6 };

static void test_numbers(void)
{
	const struct agg_site s = { .is_signed = true, .unit = UNIT_NS };

	aggregate("count", &s, values, NVALUES);
	CHECK_INT_EQ(render("count", &s, 1), 6);
	aggregate("sum", &s, values, NVALUES);
	CHECK_INT_EQ(render("sum", &s, 1), -87);
	CHECK_INT_EQ(shown.type->unit, UNIT_NS);
	CHECK_INT_EQ(render("sum", &s, 10), -8);
	aggregate("min", &s, values, NVALUES);
	CHECK_INT_EQ(render("min", &s, 1), -100);
	CHECK_INT_EQ(find("min")->sort_key(folded, &s), -100);
	aggregate("max", &s, values, NVALUES);
	CHECK_INT_EQ(render("max", &s, 1), 12);
	aggregate("avg", &s, values, NVALUES);
	CHECK_INT_EQ(render("avg", &s, 1), -14); /* -87 / 6, towards zero */
	aggregate("stats", &s, values, NVALUES);
	render("stats", &s, 1);
	CHECK_STR_EQ(parts[0].name, "count");
	CHECK_INT_EQ(parts[0].value, 6);
	CHECK_INT_EQ(parts[1].value, -14);
	CHECK_INT_EQ(parts[2].value, -87);
}

static void test_extremes(void)
{
	const struct agg_site s = { .is_signed = true }, u = { .is_signed = false };
	const int64_t lowest = INT64_MIN, highest = INT64_MAX, all_ones = -1, zero = 0;

	aggregate("max", &s, &lowest, 1);
	CHECK(seen("max", &s));
	CHECK_INT_EQ(render("max", &s, 1), INT64_MIN);
	aggregate("min", &s, &highest, 1);
	CHECK(seen("min", &s));
	CHECK_INT_EQ(render("min", &s, 1), INT64_MAX);
	aggregate("min", &u, &all_ones, 1);
	CHECK(seen("min", &u));
	CHECK_INT_EQ(render("min", &u, 1), -1);
	CHECK_INT_EQ(find("min")->sort_key(folded, &u), INT64_MAX);
	aggregate("max", &u, &zero, 1);
	CHECK(seen("max", &u));
	CHECK_INT_EQ(render("max", &u, 1), 0);
}

static void test_nothing_seen(void)
{
	static const char *const names[] = { "min", "max", "avg", "stats", "hist" };
	const struct agg_site s = { .is_signed = true };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		aggregate(names[i], &s, values, 0);
		CHECK(!seen(names[i], &s));
		aggregate(names[i], &s, values, 1);
		CHECK(seen(names[i], &s));
	}
}

/* No value leaves the sum 0 and the cell an identity, so that it would not be printed. */
static void test_sum_of_zeros(void)
{
	const struct agg_site s = { .nlit = 0 };
	const int64_t zero = 0;
	uint64_t identity[2] = { 0 };

	aggregate("sum", &s, &zero, 1);
	CHECK_INT_EQ(find("sum")->cell_size(&s), sizeof(identity));
	CHECK(memcmp(folded, identity, sizeof(identity)) != 0);
	CHECK_INT_EQ(render("sum", &s, 1), 0);
}

static const struct bucket *row_of(int64_t v)
{
	for (size_t i = 0; i < histogram.nrows; i++)
		if ((rows[i].lo_open || rows[i].lo <= v) &&
		    (rows[i].hi_open || v < rows[i].hi))
			return &rows[i];
	return NULL;
}

static void test_hist(void)
{
	const int64_t some[] = { -5, 0, 1, 2, 3, 1000, 1023, INT64_MAX, INT64_MIN };
	struct agg_site s = { .is_signed = true, .unit = UNIT_US };

	aggregate("hist", &s, some, 9);
	CHECK_INT_EQ(find("hist")->sort_key(folded, &s), 9);
	render("hist", &s, 1);
	CHECK_INT_EQ(histogram.count, 9);
	CHECK_INT_EQ(row_of(-1)->count, 2);
	CHECK_INT_EQ(row_of(0)->count, 1);
	CHECK_INT_EQ(row_of(1)->count, 1);
	CHECK_INT_EQ(row_of(2)->count, 2);
	CHECK_INT_EQ(row_of(512)->count, 2);
	CHECK_INT_EQ(row_of(512)->hi, 1024);
	CHECK_INT_EQ(row_of(INT64_MAX)->count, 1);
	CHECK(row_of(INT64_MAX)->hi_open);
	CHECK_STR_EQ(percentiles[histogram.npercentiles - 2].name, "max");
	CHECK_INT_EQ(percentiles[histogram.npercentiles - 2].value, INT64_MAX);

	/* Unsigned: what would be negative is larger than everything. */
	s.is_signed = false;
	aggregate("hist", &s, some, 9);
	render("hist", &s, 1);
	CHECK_INT_EQ(histogram.count, 9);
	CHECK_INT_EQ(rows[histogram.nrows - 1].count, 3);
	CHECK(rows[histogram.nrows - 1].hi_open);
	CHECK(!row_of(-1));
}

/* Rows are contiguous, and every value is in its row, whatever k. */
static void test_hist_rows(void)
{
	static int64_t many[120];
	uint64_t state = 1;

	for (size_t i = 0; i < 120; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		many[i] = (int64_t)(state >> (state % 60 + 2));
	}
	for (int k = 0; k <= LOG_BITS_MAX; k++) {
		struct agg_site s = { .lit = { 0, k }, .nlit = k > 0 };
		uint64_t total = 0;

		aggregate("hist", &s, many, 120);
		render("hist", &s, 1);
		for (size_t i = 0; i < histogram.nrows; i++) {
			total += rows[i].count;
			CHECK(i == 0 || rows[i].lo == rows[i - 1].hi);
		}
		CHECK_INT_EQ(total, 120);
		for (size_t i = 0; i < histogram.nrows; i++) {
			uint64_t n = 0;

			for (size_t j = 0; j < 120; j++)
				n += row_of(many[j]) == &rows[i];
			if (!CHECK_INT_EQ(rows[i].count, n))
				return;
		}
	}
}

static void test_lhist(void)
{
	const int64_t some[] = { -50, -20, -1, 0, 9, 10, 24, 25, 1000 };
	const struct agg_site s = { .lit = { 0, -20, 25, 10 }, .is_signed = true };
	const struct agg_site u = { .lit = { 0, 10, 100, 10 }, .is_signed = false };

	aggregate("lhist", &s, some, 9);
	render("lhist", &s, 1);
	CHECK_INT_EQ(histogram.nrows, 7);
	CHECK_INT_EQ(histogram.count, 9);
	CHECK_INT_EQ(rows[0].count, 1);
	CHECK(rows[0].lo_open && rows[0].hi == -20);
	CHECK_INT_EQ(row_of(-20)->count, 1);
	CHECK_INT_EQ(row_of(-10)->count, 1); /* -1 */
	CHECK_INT_EQ(row_of(0)->count, 2);
	CHECK_INT_EQ(row_of(10)->count, 1);
	CHECK_INT_EQ(row_of(20)->count, 1); /* 24: the last row is narrower */
	CHECK_INT_EQ(row_of(20)->hi, 25);
	CHECK(rows[6].hi_open && rows[6].lo == 25);
	CHECK_INT_EQ(rows[6].count, 2);

	aggregate("lhist", &u, some, 9);
	render("lhist", &u, 1);
	CHECK_INT_EQ(row_of(0)->count, 2); /* 0 and 9 */
	CHECK_INT_EQ(row_of(10)->count, 1);
	CHECK_INT_EQ(row_of(20)->count, 2);
	CHECK_INT_EQ(row_of(INT64_MAX)->count, 4);
}

int main(void)
{
	test_numbers();
	test_extremes();
	test_nothing_seen();
	test_sum_of_zeros();
	test_hist();
	test_hist_rows();
	test_lhist();
	return test_failures();
}
