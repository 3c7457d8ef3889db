/*
 * The kernel's records of forks, programs, mappings and ends, without a kernel: whatever
 * CPU they come from, they take effect by time. Then broken ones.
 */
#include "runtime/space_events.h"

#include <linux/perf_event.h>
#include <stdlib.h>

#include "tests/unit/test.h"

enum { PAGE = 0x1000 };

struct record {
	_Alignas(8) uint8_t bytes[128];
	size_t size;
};

static void add(struct record *r, const void *bytes, size_t size)
{
	memcpy(r->bytes + r->size, bytes, size);
	r->size += size;
}

static void add_word(struct record *r, uint64_t value)
{
	add(r, &value, sizeof(value));
}

static struct record begin(uint32_t type, uint16_t misc, uint32_t a, uint32_t b)
{
	struct perf_event_header h = { .type = type, .misc = misc };
	struct record r = { .size = 0 };

	add(&r, &h, sizeof(h));
	add(&r, &a, sizeof(a));
	add(&r, &b, sizeof(b));
	return r;
}

static struct record end(struct record r, uint64_t time)
{
	struct perf_event_header h;

	add_word(&r, time);
	memcpy(&h, r.bytes, sizeof(h));
	h.size = (uint16_t)r.size;
	memcpy(r.bytes, &h, sizeof(h));
	return r;
}

static struct record mapped(uint64_t time, uint32_t pid, unsigned page, unsigned n,
			    const char *name)
{
	struct record r = begin(PERF_RECORD_MMAP2, 0, pid, pid);
	char padded[24] = "";

	add_word(&r, (uint64_t)page * PAGE);
	add_word(&r, (uint64_t)n * PAGE);
	add_word(&r, 0x2000);
	add_word(&r, 0); /* device */
	add_word(&r, name[1] == '/' ? 0 : 77);
	add_word(&r, 0); /* generation of the inode */
	add_word(&r, 5); /* protection */
	strncpy(padded, name, sizeof(padded) - 1);
	add(&r, padded, (strlen(name) + 8) / 8 * 8);
	return end(r, time);
}

static struct record task(uint32_t type, uint64_t time, uint32_t pid, uint32_t parent,
			  uint32_t tid)
{
	struct record r = begin(type, 0, pid, parent);

	add(&r, &tid, sizeof(tid));
	add(&r, &tid, sizeof(tid));
	add_word(&r, time);
	return end(r, time);
}

static struct record named(uint64_t time, uint32_t pid, bool exec)
{
	struct record r = begin(PERF_RECORD_COMM, exec ? PERF_RECORD_MISC_COMM_EXEC : 0,
				pid, pid);

	add(&r, "program\0", 8);
	return end(r, time);
}

static struct record lost(uint64_t time, uint64_t count)
{
	struct record r = begin(PERF_RECORD_LOST, 0, 0, 0);

	add_word(&r, count);
	return end(r, time);
}

static void take(struct space_events *e, const struct record *r)
{
	space_events_take(e, (const struct perf_event_header *)r->bytes);
}

static const char *ask(struct spaces *s, int32_t pid, unsigned page)
{
	const struct space_code *c = spaces_find(s, pid, (uint64_t)page * PAGE);

	if (!c)
		return "?";
	return c->file ? mapped_file_name(c->file) : "anonymous";
}

#define ASK(s, pid, page, want) CHECK_STR_EQ(ask((s), (pid), (page)), want)

/* Numbers that no process has: nothing is read from /proc. */
enum { ONE = 0x7fffff01, TWO, THREE };

static void check_order(struct mapped_files *files, unsigned turn)
{
	const struct record all[] = {
		mapped(10, ONE, 1, 9, "/a"),
		task(PERF_RECORD_FORK, 20, TWO, ONE, TWO),
		task(PERF_RECORD_FORK, 21, ONE, ONE, 99), /* a thread */
		mapped(30, ONE, 1, 1, "/later"),
		named(35, ONE, false),
		named(40, TWO, true),
		mapped(50, TWO, 5, 1, "/program"),
		mapped(51, TWO, 7, 1, "//anon"),
		task(PERF_RECORD_EXIT, 60, ONE, 1, 99), /* a thread */
		task(PERF_RECORD_EXIT, 70, TWO, 1, TWO),
		mapped(80, ONE, 2, 1, "/last"),
	};
	const size_t n = sizeof(all) / sizeof(all[0]);
	struct spaces *s = spaces_new(files, &(struct spaces_limits){ 10, 100 });
	struct space_events *e = space_events_queue(0);

	for (size_t i = 0; i < n; i++)
		take(e, &all[(i * turn + turn) % n]);
	space_events_apply_until(e, s, 35);
	ASK(s, ONE, 1, "/later");
	ASK(s, ONE, 2, "/a");
	ASK(s, TWO, 1, "/a");
	ASK(s, TWO, 5, "/a");
	space_events_apply_until(e, s, 79);
	ASK(s, TWO, 5, "/program");
	ASK(s, TWO, 7, "anonymous");
	ASK(s, TWO, 1, "/a");
	ASK(s, ONE, 2, "/a");
	space_events_apply_until(e, s, UINT64_MAX);
	ASK(s, ONE, 2, "/last");
	CHECK_INT_EQ(space_events_lost(e), 0);
	space_events_close(e);
	spaces_free(s);
}

static void check_one_process(struct mapped_files *files)
{
	struct spaces *s = spaces_new(files, &(struct spaces_limits){ 10, 100 });
	struct space_events *e = space_events_queue(ONE);
	const struct record all[] = {
		mapped(1, ONE, 1, 1, "/a"),
		mapped(2, TWO, 1, 1, "/b"),
		task(PERF_RECORD_FORK, 3, THREE, ONE, THREE),
		lost(4, 3),
		lost(5, 4),
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		take(e, &all[i]);
	space_events_apply_until(e, s, 10);
	ASK(s, ONE, 1, "/a");
	CHECK(!spaces_know(s, TWO) && !spaces_know(s, THREE));
	CHECK_INT_EQ(space_events_lost(e), 7);
	space_events_close(e);
	spaces_free(s);
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* The kernel writes no such thing, but nothing bad would happen. */
static void check_broken(struct mapped_files *files)
{
	struct spaces *s = spaces_new(files, &(struct spaces_limits){ 10, 100 });
	struct space_events *e = space_events_queue(0);
	uint32_t state = 1;

	for (int i = 0; i < 20000; i++) {
		struct record r = next_random(&state) % 2
					  ? mapped(9, ONE, 1, 1, "/broken")
					  : task(PERF_RECORD_FORK, 9, ONE, TWO, ONE);
		struct perf_event_header h;
		size_t size = next_random(&state) % (r.size / 8 + 1) * 8;

		if (size > sizeof(h))
			r.bytes[sizeof(h) + next_random(&state) % (size - sizeof(h))] ^=
				(uint8_t)next_random(&state);
		memcpy(&h, r.bytes, sizeof(h));
		h.size = (uint16_t)size;
		h.type = next_random(&state) % 12;
		memcpy(r.bytes, &h, sizeof(h));
		/* No process of this machine. */
		memcpy(r.bytes + sizeof(h), &(uint32_t){ ONE }, 4);
		if (h.type == PERF_RECORD_FORK)
			memcpy(r.bytes + sizeof(h) + 4, &(uint32_t){ TWO }, 4);
		take(e, &r);
		if (i % 100 == 0)
			space_events_apply_until(e, s, UINT64_MAX);
	}
	space_events_apply_until(e, s, UINT64_MAX);
	space_events_close(e);
	spaces_free(s);
}

int main(void)
{
	struct mapped_files_limits limits = { 1 << 20, 4 };
	struct mapped_files *files = mapped_files_new(&limits, "/nowhere");

	/* 11 is prime: each of these is another order. */
	for (unsigned turn = 1; turn < 11; turn++)
		check_order(files, turn);
	check_one_process(files);
	check_broken(files);
	space_events_close(NULL);
	mapped_files_free(files);
	return test_failures();
}
