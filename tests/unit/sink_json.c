#include "tests/unit/test.h"

#include <stdlib.h>

#include "runtime/sink.h"
#include "sema/plan.h"

struct capture {
	struct sink *sink;
	FILE *fp;
	char *out;
	size_t len;
};

static void open_capture(struct capture *c)
{
	static const char *const names[] = { "uprobe:x:f" };

	*c = (struct capture){ 0 };
	c->fp = open_memstream(&c->out, &c->len);
	c->sink = sink_json_new(c->fp, false);
	c->sink->names = names;
	c->sink->nnames = 1;
}

static void check_capture(struct capture *c, const char *out)
{
	c->sink->ops->close(c->sink);
	fclose(c->fp);
	CHECK_STR_EQ(c->out, out);
	free(c->out);
}

static const struct type type_int_ = { .kind = TYPE_INT, .size = 8, .is_signed = true };
static const struct type type_u64_ = { .kind = TYPE_INT, .size = 8, .unit = UNIT_NS };
static const struct type type_text_ = { .kind = TYPE_STR, .limit = 15 };
static const struct type type_ptr_ = { .kind = TYPE_PTR };
static const struct type type_name_ = { .kind = TYPE_NAME };
static const struct map_info keyed = { .name = "@x", .has_keys = true, .nkeys = 2 };
static const struct map_info single = { .name = "@y" };

static void test_values(void)
{
	const struct datum d[] = {
		{ &type_int_, .n = (uint64_t)-1 },
		{ &type_u64_, .n = UINT64_MAX },
		{ &type_text_, .s = "a\"\033\xff", .len = 4 },
		{ &type_ptr_, .n = 16 },
		{ &type_name_, .n = TYPE_NAME_FIRST },
	};
	struct capture c;

	open_capture(&c);
	c.sink->ops->text(c.sink, "printf", "hi\n", 3);
	c.sink->ops->text(c.sink, "time", "12:00", 5);
	c.sink->ops->values(c.sink, d, 1);
	c.sink->ops->values(c.sink, d, 5);
	check_capture(&c, "{\"type\":\"printf\",\"data\":\"hi\\n\"}\n"
			  "{\"type\":\"time\",\"data\":\"12:00\"}\n"
			  "{\"type\":\"value\",\"data\":-1}\n"
			  "{\"type\":\"value\",\"data\":[-1,18446744073709551615,"
			  "\"a\\\"\\u001b\\u00ff\",16,\"uprobe:x:f\"]}\n");
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
	c.sink->ops->map_begin(c.sink, &keyed);
	c.sink->ops->map_end(c.sink);
	c.sink->ops->map_begin(c.sink, &single);
	sink_parts(c.sink, parts, 2);
	c.sink->ops->map_end(c.sink);
	c.sink->ops->map_begin(c.sink, &single);
	sink_datum(c.sink, &key[1]);
	c.sink->ops->map_end(c.sink);
	c.sink->ops->map_begin(c.sink, NULL);
	sink_parts(c.sink, parts, 2);
	c.sink->ops->map_end(c.sink);
	check_capture(&c, "{\"type\":\"map\",\"data\":{\"@x\":["
			  "{\"key\":[1,\"bash\"],\"value\":7},"
			  "{\"key\":[1,\"bash\"],\"value\":8}]}}\n"
			  "{\"type\":\"map\",\"data\":{\"@x\":[]}}\n"
			  "{\"type\":\"stats\",\"data\":{\"@y\":"
			  "{\"count\":2,\"total\":-30}}}\n"
			  "{\"type\":\"map\",\"data\":{\"@y\":\"bash\"}}\n"
			  "{\"type\":\"value\",\"data\":"
			  "{\"count\":2,\"total\":-30}}\n");
}

static void test_histogram(void)
{
	const struct bucket rows[] = {
		{ .lo_open = true, .hi = 0, .count = 1 },
		{ .lo = 1, .hi = 2, .count = 2 },
		{ .lo = 100, .hi_open = true, .count = 3 },
	};
	const struct percentile p[] = { { "p1", 0, CERTAINTY_BELOW },
					{ "p50", 1, CERTAINTY_ROUGH },
					{ "p99.9", 120, CERTAINTY_ROUGH },
					{ "max", 130, CERTAINTY_CLOSE } };
	struct histogram h = {
		.rows = rows,
		.nrows = 3,
		.count = 6,
		.unit = UNIT_NS,
		.percentiles = p,
		.npercentiles = 4,
	};
	const struct datum key[] = { { &type_int_, .n = 1 }, { &type_int_, .n = 2 } };
	struct capture c;

	open_capture(&c);
	c.sink->ops->map_begin(c.sink, &keyed);
	c.sink->ops->keys(c.sink, key, 2);
	sink_histogram(c.sink, &h);
	c.sink->ops->map_end(c.sink);
	h = (struct histogram){ .count = 0 };
	c.sink->ops->map_begin(c.sink, &single);
	sink_histogram(c.sink, &h);
	c.sink->ops->map_end(c.sink);
	check_capture(&c,
		      "{\"type\":\"hist\",\"data\":{\"@x\":[{\"key\":[1,2],\"value\":"
		      "{\"unit\":\"ns\",\"count\":6,\"sum\":0,\"buckets\":["
		      "{\"max\":-1,\"count\":1},{\"min\":1,\"max\":1,\"count\":2},"
		      "{\"min\":100,\"count\":3}],"
		      "\"p50\":1,\"p99.9\":120,\"max\":130,"
		      "\"rough\":[\"p50\",\"p99.9\"]}}]}}\n"
		      "{\"type\":\"hist\",\"data\":{\"@y\":"
		      "{\"count\":0,\"sum\":0,\"buckets\":[]}}}\n");
}

static void test_series(void)
{
	const struct point points[] = { { 500, true, -1 },
					{ 1000, false, 0 },
					{ 1500, true, 3 } };
	struct series s = {
		.points = points, .n = 3, .length = 500, .is_signed = true
	};
	const struct datum key[] = { { &type_int_, .n = 1 }, { &type_int_, .n = 2 } };
	struct capture c;

	open_capture(&c);
	c.sink->ops->map_begin(c.sink, &keyed);
	c.sink->ops->keys(c.sink, key, 2);
	c.sink->ops->series(c.sink, &s);
	c.sink->ops->map_end(c.sink);
	s = (struct series){ .points = points, .n = 1, .length = 500, .unit = UNIT_NS };
	c.sink->ops->map_begin(c.sink, NULL);
	c.sink->ops->series(c.sink, &s);
	c.sink->ops->map_end(c.sink);
	check_capture(
		&c, "{\"type\":\"tseries\",\"data\":{\"@x\":[{\"key\":[1,2],\"value\":"
		    "{\"interval\":500,\"points\":[{\"start\":500,\"value\":-1},"
		    "{\"start\":1000},{\"start\":1500,\"value\":3}]}}]}}\n"
		    "{\"type\":\"value\",\"data\":{\"unit\":\"ns\",\"interval\":500,"
		    "\"points\":[{\"start\":500,\"value\":18446744073709551615}]}}\n");
}

static void test_messages(void)
{
	struct capture c;

	open_capture(&c);
	c.sink->ops->attached(c.sink, 3);
	c.sink->ops->lost(c.sink, 5, "events of \"x\"", "a.mq:3");
	c.sink->quiet = true;
	c.sink->ops->attached(c.sink, 3);
	check_capture(&c, "{\"type\":\"attached_probes\",\"data\":{\"probes\":3}}\n"
			  "{\"type\":\"lost_events\",\"data\":{\"count\":5,"
			  "\"what\":\"events of \\\"x\\\"\",\"where\":\"a.mq:3\"}}\n");
}

int main(void)
{
	test_values();
	test_maps();
	test_histogram();
	test_series();
	test_messages();
	return test_failures();
}
