/* The mixes. To add one: a table of rows, and a row in mixes[]. */
#include "demo/mix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "demo/rng.h"

/* Latencies from 50 us to 50 ms, one hump for each plan, about a sixth of a CPU. */
static const struct mix_row demo_rows[] = {
	{ 3, "shop", "SELECT burn({20..30}us)" },
	{ 30, "shop", "SELECT burn({40..90}us) FROM users WHERE id = {1..9999}" },
	{ 20, "shop",
	  "SELECT burn({150..500}us), alloc({16..256}kb) FROM orders "
	  "WHERE customer = {1..999}" },
	{ 15, "shop",
	  "UPDATE accounts SET lock('accounts', {800..3000}us), burn(50us) "
	  "WHERE id = {1..50}" },
	{ 10, "events", "INSERT INTO events write(4kb, {1..4}) /* a few blocks */" },
	{ 10, "shop", "SELECT sleep({1..4}ms), burn({100..300}us) FROM carts" },
	{ 6, "shop",
	  "SELECT read(64kb, {2..6}), burn({1..3}ms), alloc(1mb) FROM products "
	  "WHERE name LIKE 'a%'" },
	{ 4, "reports",
	  "SELECT burn({3..6}ms), sleep({6..14}ms), alloc({1..4}mb) "
	  "FROM report_daily" },
	{ 2, "reports",
	  "SELECT sleep({25..45}ms), burn({2..4}ms), alloc(8mb) FROM report_monthly" },
	{ 1, "shop", "DELETE FROM carts WHERE burn(30us) AND fail(7)" },
};

static const struct mix_row fast_rows[] = {
	{ 10, "demo", "SELECT burn({20..30}us)" },
	{ 40, "demo", "SELECT burn({20..60}us) FROM keys WHERE id = {1..9999}" },
	{ 30, "demo", "SELECT burn({60..150}us), alloc(4kb) FROM sessions" },
	{ 20, "demo", "SELECT burn({200..600}us) FROM profiles" },
};

static const struct mix_row slow_rows[] = {
	{ 50, "demo", "SELECT sleep({1..3}ms) FROM t1" },
	{ 30, "demo", "SELECT sleep({4..9}ms), burn(200us) FROM t2" },
	{ 15, "demo", "SELECT sleep({15..30}ms), burn(500us) FROM t3" },
	{ 5, "demo", "SELECT sleep({60..90}ms), burn(1ms) FROM t4" },
};

static const struct mix_row lock_rows[] = {
	{ 40, "demo", "UPDATE hot SET lock('hot', {100..400}us) WHERE id = 1" },
	{ 40, "demo", "UPDATE warm SET lock('warm'), burn({50..200}us) WHERE id = 2" },
	{ 20, "demo", "SELECT burn({50..100}us) FROM nothing_shared" },
};

static const struct mix_row io_rows[] = {
	{ 40, "demo", "SELECT read(4kb, {1..8}) FROM rows" },
	{ 20, "demo", "SELECT read(64kb, {1..4}) FROM pages" },
	{ 30, "demo", "INSERT INTO rows write(4kb, {1..8})" },
	{ 10, "demo", "SELECT read(16kb), burn(100us), write(16kb) FROM pages" },
};

static const struct mix_row memory_rows[] = {
	{ 40, "demo", "SELECT alloc({1..64}kb, {1..10}) FROM small" },
	{ 20, "demo", "SELECT alloc(1mb), free(), alloc(2mb), burn(50us) FROM sorts" },
	{ 10, "demo", "SELECT alloc(2mb), free(), alloc(512kb) FROM joins" },
	{ 20, "demo", "INSERT INTO cache keep({4..128}kb)" },
	{ 20, "demo", "DELETE FROM cache WHERE evict(1)" },
};

static const struct mix_row error_rows[] = {
	{ 50, "demo", "SELECT burn(50us), fail({1..9}) FROM t" },
	{ 20, "demo", "SELECT nonsense(1) FROM t" },
	{ 10, "demo", "SELEC 1" },
	{ 10, "demo", "SELECT 'no end" },
	{ 10, "demo", "SELECT lock('a'), lock('a') FROM t" },
	{ 50, "demo", "SELECT burn(50us) FROM t" },
};

static const struct mix_row ddl_rows[] = {
	{ 10, "demo", "CREATE TABLE t{1..9} PARTITIONS {2..8}" },
	{ 10, "demo", "CREATE OR COPY t{1..9}" },
	{ 10, "demo", "RESTORE shop PARTITIONS 4" },
	{ 10, "demo", "REPOINT shop PARTITIONS 4" },
	{ 10, "demo", "DROP PARTITION shop" },
	{ 10, "demo", "DROP INSTANCE shop" },
	{ 10, "demo", "DROP TABLE t{1..9} PARTITIONS {2..8}" },
	{ 10, "demo", "REFORGE shop" },
	{ 10, "demo", "FAILOVER shop" },
	{ 10, "demo", "FLUSH shop" },
	{ 10, "demo", "SNAPSHOT shop" },
};

static const struct mix_row all_rows[] = {
	{ 10, "demo", "SELECT burn({20..30}us)" },
	{ 30, "shop", "SELECT burn({40..90}us) FROM users WHERE id = {1..9999}" },
	{ 10, "shop", "SELECT sleep({500..1500}us) FROM carts" },
	{ 10, "shop", "UPDATE accounts SET lock('accounts', {50..150}us)" },
	{ 10, "shop", "UPDATE stock SET lock('stock'), burn(50us)" },
	{ 10, "demo", "SELECT alloc({1..64}kb, {1..10}), burn(30us) FROM small" },
	{ 4, "demo", "INSERT INTO cache keep({4..128}kb), burn(30us)" },
	{ 4, "demo", "DELETE FROM cache WHERE evict() AND burn(30us)" },
	{ 5, "events", "SELECT read(16kb, {1..3}) FROM events" },
	{ 5, "events", "INSERT INTO events write(4kb)" },
	{ 4, "demo", "SELECT burn(50us), fail({1..9}) FROM t" },
	{ 1, "demo", "CREATE TABLE t{1..9} PARTITIONS {2..4}" },
	{ 1, "demo", "DROP TABLE t{1..9} PARTITIONS {2..4}" },
	{ 1, "demo", "SNAPSHOT shop" },
};

/*
 * To compare a tracer's sums with the log, plan by plan. On a busy machine now and then
 * the scheduler comes between our stamp and the tracer's and shifts some milliseconds;
 * so each plan has enough time in it that one such event is far below a percent.
 */
static const struct mix_row check_rows[] = {
	{ 20, "demo", "SELECT burn({150..300}us)" },
	{ 20, "shop", "SELECT sleep({500..1500}us) FROM carts" },
	{ 15, "shop", "UPDATE stock SET lock('stock', {100..200}us), burn(100us)" },
	{ 15, "events", "SELECT read(16kb, {2..4}), burn(100us) FROM events" },
	{ 10, "events", "INSERT INTO events write(4kb, {2..4}), burn(100us)" },
	{ 10, "shop", "SELECT alloc({16..256}kb, {1..4}), burn(300us) FROM orders" },
	{ 10, "shop", "SELECT burn(300us), fail({1..9}) FROM users" },
};

#define ROWS(table) table, sizeof(table) / sizeof(table[0])
static const struct mix mixes[] = {
	{ "demo", "many plans from 50 us to 50 ms; light", 300, ROWS(demo_rows) },
	{ "fast", "under a millisecond, all CPU", 0, ROWS(fast_rows) },
	{ "slow", "1 to 90 ms, nearly all asleep", 0, ROWS(slow_rows) },
	{ "lock", "two hot locks", 0, ROWS(lock_rows) },
	{ "io", "reads and writes", 0, ROWS(io_rows) },
	{ "memory", "allocations, freed and kept", 0, ROWS(memory_rows) },
	{ "error", "half of it fails, in every way", 0, ROWS(error_rows) },
	{ "ddl", "partition commands on the workers", 0, ROWS(ddl_rows) },
	{ "all", "a little of everything, short", 0, ROWS(all_rows) },
	{ "check", "few plans with much time in each, to compare sums with the log", 0,
	  ROWS(check_rows) },
};

const struct mix *mix_all(size_t *count)
{
	*count = sizeof(mixes) / sizeof(mixes[0]);
	return mixes;
}

const struct mix *mix_find(const char *name)
{
	for (size_t i = 0; i < sizeof(mixes) / sizeof(mixes[0]); i++) {
		if (strcmp(mixes[i].name, name) == 0)
			return &mixes[i];
	}
	return NULL;
}

const struct mix_row *mix_pick(const struct mix *m, uint64_t *rng)
{
	const struct mix_row *row = m->rows;
	uint64_t total = 0, at;

	for (size_t i = 0; i < m->nr_rows; i++)
		total += m->rows[i].weight;
	for (at = rng_next(rng) % total; at >= row->weight; row++)
		at -= row->weight;
	return row;
}

/* A number from the range; squaring gives the long tail that latencies have. */
static unsigned long draw(unsigned long low, unsigned long high, uint64_t *rng)
{
	double u = (double)(rng_next(rng) >> 11) / (double)(1ull << 53);

	return low + (unsigned long)(u * u * (double)(high - low + 1));
}

/* {low..high} at p: behind it, with the number in *value. NULL if it is malformed. */
static const char *expand_range(const char *p, uint64_t *rng, unsigned long *value)
{
	unsigned long low, high;
	char *end;

	low = strtoul(p + 1, &end, 10);
	if (end == p + 1 || strncmp(end, "..", 2) != 0)
		return NULL;
	p = end + 2;
	high = strtoul(p, &end, 10);
	if (end == p || *end != '}' || high < low || high > UINT32_MAX)
		return NULL;
	*value = draw(low, high, rng);
	return end + 1;
}

/* A comment that fills out from used to pad bytes. */
static void put_padding(char *out, size_t used, size_t pad)
{
	memcpy(out + used, " /*", 3);
	for (used += 3; used < pad - 2; used++)
		out[used] = '.';
	/* Each mark tells the offset at which it starts. */
	for (size_t at = (pad / 64) * 64; at > 64; at -= 64) {
		char mark[24];
		int len = snprintf(mark, sizeof(mark), "%zu", at);

		if (at + (size_t)len < pad - 2 && out[at] == '.')
			memcpy(out + at, mark, (size_t)len);
	}
	memcpy(out + pad - 2, "*/", 3);
}

bool mix_expand(const char *form, size_t pad, uint64_t *rng, char *out, size_t size)
{
	size_t used = 0;

	while (*form) {
		unsigned long value;
		int len;

		if (used + 24 >= size)
			return false;
		if (*form != '{') {
			out[used++] = *form++;
			continue;
		}
		form = expand_range(form, rng, &value);
		if (!form)
			return false;
		len = snprintf(out + used, size - used, "%lu", value);
		used += (size_t)len;
	}
	out[used] = '\0';
	if (pad > used + 5 && pad < size)
		put_padding(out, used, pad);
	return true;
}
