#include "tests/unit/test.h"

#include <stdlib.h>

#include "runtime/sink.h"
#include "sema/plan.h"

/* A sink that writes to memory. */
struct capture {
	struct sink *sink;
	FILE *fp, *messages;
	char *out, *err;
	size_t out_len, err_len;
};

static void open_capture(struct capture *c)
{
	*c = (struct capture){ 0 };
	c->fp = open_memstream(&c->out, &c->out_len);
	c->messages = open_memstream(&c->err, &c->err_len);
	c->sink = sink_text_new(c->fp, c->messages, false);
}

static void check_capture(struct capture *c, const char *out, const char *err)
{
	c->sink->ops->close(c->sink);
	fclose(c->fp);
	fclose(c->messages);
	CHECK_STR_EQ(c->out, out);
	CHECK_STR_EQ(c->err, err);
	free(c->out);
	free(c->err);
}

static const struct type type_int_ = { .kind = TYPE_INT, .size = 8, .is_signed = true };
static const struct type type_text_ = { .kind = TYPE_STR, .limit = 15 };
static const struct map_info keyed = { .name = "@x", .has_keys = true, .nkeys = 2 };
static const struct map_info single = { .name = "@y" };

static void test_values(void)
{
	const struct datum two[] = { { &type_int_, .n = (uint64_t)-1 },
				     { &type_text_, .s = "a\033", .len = 2 } };
	struct capture c;

	open_capture(&c);
	c.sink->ops->text(c.sink, "printf", "hi\n", 3);
	c.sink->ops->values(c.sink, two, 1);
	c.sink->ops->values(c.sink, two, 2);
	check_capture(&c, "hi\n-1\n(-1, a\\x1b)\n", "");
}

static void test_maps(void)
{
	const struct datum key[] = { { &type_int_, .n = 1 },
				     { &type_text_, .s = "bash", .len = 4 } };
	const struct part parts[] = { { "count", 2, false }, { "total", -30, true } };
	struct capture c;

	open_capture(&c);
	c.sink->ops->map_begin(c.sink, &keyed);
	for (int i = 0; i < 2; i++) {
		c.sink->ops->keys(c.sink, key, 2);
		sink_int(c.sink, i + 7, true, UNIT_NS);
	}
	c.sink->ops->map_end(c.sink);
	c.sink->ops->map_begin(c.sink, &single);
	sink_parts(c.sink, parts, 2);
	c.sink->ops->map_end(c.sink);
	c.sink->ops->map_begin(c.sink, &single);
	sink_datum(c.sink, &key[1]);
	c.sink->ops->map_end(c.sink);
	c.sink->ops->map_begin(c.sink, &keyed);
	c.sink->ops->map_end(c.sink);
	c.sink->ops->map_begin(c.sink, NULL);
	sink_int(c.sink, 9, true, UNIT_NS);
	c.sink->ops->map_end(c.sink);
	check_capture(&c,
		      "@x[1, bash]: 7\n"
		      "@x[1, bash]: 8\n"
		      "\n"
		      "@y: count 2, total -30\n"
		      "@y: bash\n"
		      "9\n",
		      "");
}

static void test_histogram(void)
{
	const struct bucket rows[] = {
		{ .lo_open = true, .hi = 0, .count = 1 },
		{ .lo = 0, .hi = 1 },
		{ .lo = 1, .hi = 2, .count = 3 },
		{ .lo = 512, .hi = 1024, .count = 52 },
		{ .lo = 1 << 20, .hi = 3 << 20, .count = 1 },
		{ .lo = INT64_C(1) << 62, .hi_open = true, .count = 104 },
	};
	const struct histogram h = { .rows = rows, .nrows = 6, .count = 161 };
	struct capture c;

	open_capture(&c);
	c.sink->ops->map_begin(c.sink, &single);
	sink_histogram(c.sink, &h);
	c.sink->ops->map_end(c.sink);
	check_capture(
		&c,
		"@y: \n"
		"(..., 0)               1 |                                                    |\n"
		"[0]                    0 |                                                    |\n"
		"[1]                    3 |@                                                   |\n"
		"[512, 1K)             52 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |\n"
		"[1M, 3M)               1 |                                                    |\n"
		"[4E, ...)            104 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n"
		"\n",
		"");
}

/* Durations: wider labels, percentiles; keyed, so that no second blank line follows. */
static void test_durations(void)
{
	const struct bucket rows[] = {
		{ .lo = 1 << 20, .hi = 1 << 21, .count = 2 },
		{ .lo = 1 << 21, .hi = 1 << 22, .count = 1 },
		{ .lo = 1 << 27, .hi = 1 << 28, .count = 0 },
	};
	const struct percentile p[] = { { "p1", 7, CERTAINTY_BELOW },
					{ "p50", 1500000, CERTAINTY_ROUGH },
					{ "max", 4194303, CERTAINTY_CLOSE } };
	const struct histogram h = {
		.rows = rows,
		.nrows = 3,
		.count = 3,
		.unit = UNIT_NS,
		.percentiles = p,
		.npercentiles = 3,
	};
	const struct datum key[] = { { &type_int_, .n = 1 }, { &type_int_, .n = 2 } };
	struct capture c;

	open_capture(&c);
	c.sink->ops->map_begin(c.sink, &keyed);
	c.sink->ops->keys(c.sink, key, 2);
	sink_histogram(c.sink, &h);
	c.sink->ops->map_end(c.sink);
	check_capture(
		&c,
		"@x[1, 2]: \n"
		"[1.05ms, 2.1ms)         2 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n"
		"[2.1ms, 4.19ms)         1 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |\n"
		"[134ms, 268ms)          0 |                                                    |\n"
		"p1 <7ns  p50 ~1.5ms  max 4.19ms  n 3\n"
		"\n",
		"");
}

static void test_series(void)
{
	const uint64_t start = UINT64_C(86399500000000); /* 0.5 s before midnight */
	struct point points[] = {
		{ start, true, -50 },
		{ start + 500000000, false, 0 },
		{ start + 1000000000, true, 50 },
	};
	struct series s = {
		.points = points, .n = 3, .length = 500000000, .is_signed = true
	};
	struct capture c;

	open_capture(&c);
	c.sink->ops->map_begin(c.sink, &single);
	c.sink->ops->series(c.sink, &s);
	c.sink->ops->map_end(c.sink);
	check_capture(
		&c,
		"@y: \n"
		"             -50                                                50\n"
		"hh:mm:ss.ms  |___________________________________________________|\n"
		"23:59:59.500 *                         .                         | -50\n"
		"00:00:00.000 |                         .                         | -\n"
		"00:00:00.500 |                         .                         * 50\n"
		"             v___________________________________________________v\n"
		"             -50                                                50\n"
		"\n",
		"");
	/* The largest numbers, and days. */
	points[0] = (struct point){ 0, true, -1 };
	points[1] = (struct point){ UINT64_C(86400000000000), true, 0 };
	s = (struct series){ .points = points,
			     .n = 2,
			     .length = UINT64_C(86400000000000) };
	open_capture(&c);
	c.sink->ops->map_begin(c.sink, NULL);
	c.sink->ops->series(c.sink, &s);
	c.sink->ops->map_end(c.sink);
	check_capture(
		&c,
		"                    0                                18446744073709551615\n"
		"yyyy-mm-dd hh:mm:ss |___________________________________________________|\n"
		"1970-01-01 00:00:00 |                                                   * "
		"18446744073709551615\n"
		"1970-01-02 00:00:00 *                                                   | 0\n"
		"                    v___________________________________________________v\n"
		"                    0                                18446744073709551615\n"
		"\n",
		"");
}

static void test_messages(void)
{
	struct capture c;

	open_capture(&c);
	c.sink->ops->attached(c.sink, 1);
	c.sink->ops->attached(c.sink, 3);
	c.sink->ops->lost(c.sink, 5, "events of printf: full", "a.mq:3");
	c.sink->ops->left_out(c.sink, 1, "span of @q: not done", "a.mq");
	c.sink->quiet = true;
	c.sink->ops->attached(c.sink, 3);
	check_capture(&c, "",
		      "Attached 1 probe\nAttached 3 probes\n"
		      "memql: lost 5 events of printf: full (a.mq:3)\n"
		      "memql: left out 1 span of @q: not done (a.mq)\n");
}

/* Results that cannot be written are an error to be asked for, not a silent end. */
static void test_errors(void)
{
	FILE *full = fopen("/dev/full", "w");
	struct sink *sink;

	if (!full)
		return;
	sink = sink_text_new(full, stderr, false);
	CHECK_INT_EQ(sink_error(sink), 0);
	sink->ops->text(sink, "printf", "hi\n", 3);
	sink_flush(sink);
	CHECK_INT_EQ(sink_error(sink), 28 /* ENOSPC */);
	sink->ops->close(sink);
	fclose(full);
}

int main(void)
{
	test_values();
	test_maps();
	test_histogram();
	test_durations();
	setenv("TZ", "UTC", 1);
	test_series();
	test_messages();
	test_errors();
	return test_failures();
}
