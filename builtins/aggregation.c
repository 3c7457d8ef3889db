/*
 * Aggregations: values that every CPU builds by itself and user space folds.
 *
 * Each is a layout of 64-bit words and the functions of struct agg_ops; hist() and
 * lhist() are in builtins/hist.c. An all-zero cell is the identity of combine.
 */
#include "builtins/builtin.h"
#include "builtins/hist.h"
#include "codegen/emit.h"
#include "runtime/sink.h"

/* Values are compared in user space as signed words; larger ones are all the largest. */
static int64_t clamp(uint64_t n, bool is_signed)
{
	return is_signed || n <= INT64_MAX ? (int64_t)n : INT64_MAX;
}

/* Towards zero, as in C. */
static uint64_t divide(uint64_t n, uint64_t by, bool is_signed)
{
	if (by == 0)
		return 0;
	if (is_signed && (int64_t)n < 0)
		return -((-n) / by);
	return n / by;
}

/* A quotient by print()'s div counts something else. */
static void render_int(struct sink *out, uint64_t n, const struct agg_site *site,
		       uint64_t div)
{
	sink_int(out, (int64_t)divide(n, div, site->is_signed), site->is_signed,
		 div == 1 ? site->unit : UNIT_NONE);
}

static void add_to_word(struct emit *e, struct value cell, unsigned word,
			struct value v)
{
	emit_cell_add(e, cell, emit_int(e, word), v);
}

/*
 * count() and sum(): { total }, and for a sum { seen }: a sum of zeros is not the
 * identity, and so is printed.
 */

enum { TOTAL, SUM_SEEN, SUM_WORDS };

static size_t count_size(const struct agg_site *site)
{
	(void)site;
	return sizeof(uint64_t);
}

static size_t sum_size(const struct agg_site *site)
{
	(void)site;
	return SUM_WORDS * sizeof(uint64_t);
}

static void count_update(struct emit *e, struct value cell, const struct node *call,
			 const struct agg_site *site)
{
	(void)call;
	(void)site;
	add_to_word(e, cell, TOTAL, emit_int(e, 1));
}

static void sum_update(struct emit *e, struct value cell, const struct node *call,
		       const struct agg_site *site)
{
	(void)site;
	add_to_word(e, cell, TOTAL, emit_arg(e, call, 0));
	emit_store(e, cell, SUM_SEEN * 8, emit_int(e, 1), 8);
}

static void count_combine(void *into, const void *cell, const struct agg_site *site)
{
	const uint64_t *from = cell;
	uint64_t *to = into;

	(void)site;
	to[TOTAL] += from[TOTAL];
}

static void sum_combine(void *into, const void *cell, const struct agg_site *site)
{
	const uint64_t *from = cell;
	uint64_t *to = into;

	count_combine(into, cell, site);
	to[SUM_SEEN] |= from[SUM_SEEN];
}

static struct value total_read(struct emit *e, const struct cells *cells,
			       const struct agg_site *site)
{
	(void)site;
	return emit_cells_sum(e, cells, TOTAL);
}

static int64_t total_sort_key(const void *cell, const struct agg_site *site)
{
	const uint64_t *words = cell;

	return clamp(words[TOTAL], site->is_signed);
}

static void total_render(struct sink *out, const void *cell,
			 const struct agg_site *site, uint64_t div)
{
	const uint64_t *words = cell;

	render_int(out, words[TOTAL], site, div);
}

static const struct agg_ops count_ops = {
	.cell_size = count_size,
	.update = count_update,
	.combine = count_combine,
	.read = total_read,
	.sort_key = total_sort_key,
	.render = total_render,
};

static const struct agg_ops sum_ops = {
	.cell_size = sum_size,
	.update = sum_update,
	.combine = sum_combine,
	.read = total_read,
	.sort_key = total_sort_key,
	.render = total_render,
};

/*
 * min() and max(): { extreme, seen }. The extreme is kept as a number that only grows and
 * whose order is that of unsigned words: signed values with their sign bit flipped, and
 * for the minimum all bits flipped. So zero is below every value; seen tells it from one.
 */

enum { EXTREME, EXTREME_SEEN, EXTREME_WORDS };

static const uint64_t sign_bit = UINT64_C(1) << 63;

static size_t extreme_size(const struct agg_site *site)
{
	(void)site;
	return EXTREME_WORDS * sizeof(uint64_t);
}

static uint64_t max_mask(const struct agg_site *site)
{
	return site->is_signed ? sign_bit : 0;
}

static uint64_t min_mask(const struct agg_site *site)
{
	return ~max_mask(site);
}

static void extreme_update(struct emit *e, struct value cell, const struct node *call,
			   uint64_t mask)
{
	struct value v = emit_arg(e, call, 0);

	if (mask)
		v = emit_op(e, OP_XOR, v, emit_int(e, (int64_t)mask), false);
	emit_cell_max(e, cell, emit_int(e, EXTREME), v);
	emit_store(e, cell, EXTREME_SEEN * 8, emit_int(e, 1), 8);
}

static void min_update(struct emit *e, struct value cell, const struct node *call,
		       const struct agg_site *site)
{
	extreme_update(e, cell, call, min_mask(site));
}

static void max_update(struct emit *e, struct value cell, const struct node *call,
		       const struct agg_site *site)
{
	extreme_update(e, cell, call, max_mask(site));
}

static void extreme_combine(void *into, const void *cell, const struct agg_site *site)
{
	const uint64_t *from = cell;
	uint64_t *to = into;

	(void)site;
	if (to[EXTREME] < from[EXTREME])
		to[EXTREME] = from[EXTREME];
	to[EXTREME_SEEN] |= from[EXTREME_SEEN];
}

/* 0 if there was no value yet, as a missing entry reads. */
static struct value extreme_read(struct emit *e, const struct cells *cells,
				 uint64_t mask)
{
	struct value v = emit_cells_max(e, cells, EXTREME);
	struct value seen = emit_cells_max(e, cells, EXTREME_SEEN);

	v = emit_op(e, OP_XOR, v, emit_int(e, (int64_t)mask), false);
	return emit_select(e, seen, v, emit_int(e, 0));
}

static struct value min_read(struct emit *e, const struct cells *cells,
			     const struct agg_site *site)
{
	return extreme_read(e, cells, min_mask(site));
}

static struct value max_read(struct emit *e, const struct cells *cells,
			     const struct agg_site *site)
{
	return extreme_read(e, cells, max_mask(site));
}

static bool extreme_seen(const void *cell, const struct agg_site *site)
{
	const uint64_t *words = cell;

	(void)site;
	return words[EXTREME_SEEN];
}

static int64_t min_sort_key(const void *cell, const struct agg_site *site)
{
	const uint64_t *words = cell;

	return clamp(words[EXTREME] ^ min_mask(site), site->is_signed);
}

static int64_t max_sort_key(const void *cell, const struct agg_site *site)
{
	const uint64_t *words = cell;

	return clamp(words[EXTREME] ^ max_mask(site), site->is_signed);
}

static void min_render(struct sink *out, const void *cell, const struct agg_site *site,
		       uint64_t div)
{
	const uint64_t *words = cell;

	render_int(out, words[EXTREME] ^ min_mask(site), site, div);
}

static void max_render(struct sink *out, const void *cell, const struct agg_site *site,
		       uint64_t div)
{
	const uint64_t *words = cell;

	render_int(out, words[EXTREME] ^ max_mask(site), site, div);
}

static const struct agg_ops min_ops = {
	.cell_size = extreme_size,
	.update = min_update,
	.combine = extreme_combine,
	.seen = extreme_seen,
	.read = min_read,
	.sort_key = min_sort_key,
	.render = min_render,
};

static const struct agg_ops max_ops = {
	.cell_size = extreme_size,
	.update = max_update,
	.combine = extreme_combine,
	.seen = extreme_seen,
	.read = max_read,
	.sort_key = max_sort_key,
	.render = max_render,
};

/* avg() and stats(): { count, total } */

enum { MEAN_COUNT, MEAN_TOTAL, MEAN_WORDS };

static size_t mean_size(const struct agg_site *site)
{
	(void)site;
	return MEAN_WORDS * sizeof(uint64_t);
}

static void mean_update(struct emit *e, struct value cell, const struct node *call,
			const struct agg_site *site)
{
	struct value v = emit_arg(e, call, 0);

	(void)site;
	add_to_word(e, cell, MEAN_COUNT, emit_int(e, 1));
	add_to_word(e, cell, MEAN_TOTAL, v);
}

static void mean_combine(void *into, const void *cell, const struct agg_site *site)
{
	const uint64_t *from = cell;
	uint64_t *to = into;

	(void)site;
	to[MEAN_COUNT] += from[MEAN_COUNT];
	to[MEAN_TOTAL] += from[MEAN_TOTAL];
}

static bool mean_seen(const void *cell, const struct agg_site *site)
{
	const uint64_t *words = cell;

	(void)site;
	return words[MEAN_COUNT] > 0;
}

static uint64_t mean(const uint64_t *words, const struct agg_site *site)
{
	return divide(words[MEAN_TOTAL], words[MEAN_COUNT], site->is_signed);
}

static struct value avg_read(struct emit *e, const struct cells *cells,
			     const struct agg_site *site)
{
	struct value total = emit_cells_sum(e, cells, MEAN_TOTAL);
	struct value count = emit_cells_sum(e, cells, MEAN_COUNT);

	/* By zero it is zero. */
	return emit_op(e, OP_DIV, total, count, site->is_signed);
}

static int64_t avg_sort_key(const void *cell, const struct agg_site *site)
{
	return clamp(mean(cell, site), site->is_signed);
}

static void avg_render(struct sink *out, const void *cell, const struct agg_site *site,
		       uint64_t div)
{
	render_int(out, mean(cell, site), site, div);
}

static int64_t stats_sort_key(const void *cell, const struct agg_site *site)
{
	const uint64_t *words = cell;

	return clamp(words[MEAN_TOTAL], site->is_signed);
}

static void stats_render(struct sink *out, const void *cell,
			 const struct agg_site *site, uint64_t div)
{
	const uint64_t *words = cell;
	bool is_signed = site->is_signed;
	struct part parts[] = {
		{ "count", (int64_t)words[MEAN_COUNT], false },
		{ "average", (int64_t)divide(mean(words, site), div, is_signed),
		  is_signed },
		{ "total", (int64_t)divide(words[MEAN_TOTAL], div, is_signed),
		  is_signed },
	};

	sink_parts(out, parts, sizeof(parts) / sizeof(parts[0]));
}

static const struct agg_ops avg_ops = {
	.cell_size = mean_size,
	.update = mean_update,
	.combine = mean_combine,
	.seen = mean_seen,
	.read = avg_read,
	.sort_key = avg_sort_key,
	.render = avg_render,
};

static const struct agg_ops stats_ops = {
	.cell_size = mean_size,
	.update = mean_update,
	.combine = mean_combine,
	.seen = mean_seen,
	.sort_key = stats_sort_key,
	.render = stats_render,
};

const struct builtin aggregation_builtins[] = {
	{
		.name = "count",
		.kind = BUILTIN_AGG,
		.returns = { .kind = TYPE_INT, .size = 8 },
		.summary = "how often the statement ran",
		.doc = "Each CPU counts by itself; the CPUs are added when the map is "
		       "printed.",
		.example = "tracepoint:raw_syscalls:sys_enter { @calls[comm] = count(); }",
		.agg = &count_ops,
	},
	{
		.name = "sum",
		.kind = BUILTIN_AGG,
		.returns = { .kind = TYPE_INT, .size = 8, .is_signed = true },
		.params = { { .name = "n", .type = TYPE_INT } },
		.summary = "total of n",
		.doc = "Signed if n is signed in any of the map's uses. Wraps around at "
		       "64 bits.",
		.example = "tracepoint:syscalls:sys_exit_read /args.ret > 0/ "
			   "{ @bytes[comm] = sum(args.ret); }",
		.agg = &sum_ops,
	},
	{
		.name = "min",
		.kind = BUILTIN_AGG,
		.returns = { .kind = TYPE_INT, .size = 8, .is_signed = true },
		.params = { { .name = "n", .type = TYPE_INT } },
		.summary = "smallest n",
		.doc = "Nothing is printed until there was a value.",
		.example = "tracepoint:syscalls:sys_exit_read "
			   "{ @least[comm] = min(args.ret); }",
		.agg = &min_ops,
	},
	{
		.name = "max",
		.kind = BUILTIN_AGG,
		.returns = { .kind = TYPE_INT, .size = 8, .is_signed = true },
		.params = { { .name = "n", .type = TYPE_INT } },
		.summary = "largest n",
		.doc = "Nothing is printed until there was a value.",
		.example = "tracepoint:syscalls:sys_exit_read "
			   "{ @most[comm] = max(args.ret); }",
		.agg = &max_ops,
	},
	{
		.name = "avg",
		.kind = BUILTIN_AGG,
		.returns = { .kind = TYPE_INT, .size = 8, .is_signed = true },
		.params = { { .name = "n", .type = TYPE_INT } },
		.summary = "mean of n",
		.doc = "An integer, rounded towards zero. Nothing is printed until there "
		       "was a value.",
		.example = "tracepoint:syscalls:sys_exit_read /args.ret > 0/ "
			   "{ @size[comm] = avg(args.ret); }",
		.agg = &avg_ops,
	},
	{
		.name = "stats",
		.kind = BUILTIN_AGG,
		.returns = { .kind = TYPE_INT, .size = 8, .is_signed = true },
		.params = { { .name = "n", .type = TYPE_INT } },
		.summary = "count, mean and total of n",
		.doc = "`count 2, average 3, total 7`. Entries are sorted by their total.",
		.example = "tracepoint:syscalls:sys_exit_read /args.ret > 0/ "
			   "{ @read[comm] = stats(args.ret); }",
		.agg = &stats_ops,
	},
	{
		.name = "hist",
		.kind = BUILTIN_AGG,
		.returns = { .kind = TYPE_INT, .size = 8, .is_signed = true },
		.params = {
			{ .name = "n", .type = TYPE_INT },
			{ .name = "k", .type = TYPE_INT,
			  .flags = PARAM_LITERAL | PARAM_OPTIONAL,
			  .max = LOG_BITS_MAX },
		},
		.summary = "histogram of n by powers of two, with percentiles",
		.doc = "The rows are powers of two, or with k each power of two in 2^k "
		       "rows; negative values have one row. Whatever k is, values are "
		       "counted in at least 16 steps for each power of two, from which "
		       "p50, p90, p99 and p99.9 are computed: they are within 1/16 of "
		       "the true value, and the maximum is exact. If n is a duration "
		       "(`nsecs - @start[tid]`) bounds and percentiles have units. "
		       "A map needs 8 KiB for each key, so a keyed map has one cell for "
		       "all CPUs.",
		.example = "tracepoint:syscalls:sys_enter_read { @start[tid] = nsecs; }\n"
			   "tracepoint:syscalls:sys_exit_read /@start[tid]/ {\n"
			   "\t@latency[comm] = hist(nsecs - @start[tid]);\n"
			   "\tdelete(@start[tid]);\n"
			   "}",
		.agg = &hist_ops,
	},
	{
		.name = "lhist",
		.kind = BUILTIN_AGG,
		.returns = { .kind = TYPE_INT, .size = 8, .is_signed = true },
		.params = {
			{ .name = "n", .type = TYPE_INT },
			{ .name = "min", .type = TYPE_INT, .flags = PARAM_LITERAL },
			{ .name = "max", .type = TYPE_INT, .flags = PARAM_LITERAL },
			{ .name = "step", .type = TYPE_INT, .flags = PARAM_LITERAL,
			  .min = 1, .max = INT64_MAX },
		},
		.check = lhist_check,
		.summary = "histogram of n with rows of equal width",
		.doc = "Rows are [min, min + step) and so on below max, at most 1000; one "
		       "more holds what is less than min, and one max and above. "
		       "Percentiles are computed as if the values of a row lay evenly in "
		       "it, and marked with `~` where the row is wider than 1/16 of them; "
		       "the maximum is exact.",
		.example = "tracepoint:syscalls:sys_exit_read "
			   "{ @bytes = lhist(args.ret, 0, 4096, 512); }",
		.agg = &lhist_ops,
	},
	{ 0 },
};
