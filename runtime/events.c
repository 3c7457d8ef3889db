/*
 * Records from the ring buffer to the user-space halves of actions.
 *
 * Programs do not wake the reader for every record, which would cost more than the
 * record: it looks every 20 ms, and is woken only when another quarter of the buffer is
 * full or the program calls exit().
 */
#include "runtime/session_state.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "core/arena.h"
#include "runtime/sink.h"
#include "runtime/uprobe_warmup.h"

enum {
	RHYTHM_MS = 20,
	BATCH_MS = 50, /* longest stay with a buffer that fills as fast as it drains */
};

static const uint64_t NS_PER_MS = 1000000;
static const int64_t NS_PER_S = 1000000000;

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Text has any length up to its limit, other values in memory that of their type. */
static bool fits(const struct datum *d)
{
	return d->type->kind == TYPE_STR ? d->n <= d->type->limit
					 : d->n == type_size(d->type);
}

/*
 * Words and bytes of a record to datums. False if it is not what its action sends:
 * memql does not trust lengths that it reads from shared memory.
 */
static bool decode(struct datum *args, const struct action_info *action,
		   const struct record *r, size_t size)
{
	const size_t times = record_times(action);
	size_t head = sizeof(*r) + (times + action->nargs) * sizeof(r->words[0]);
	const char *bytes = (const char *)r + head;
	size_t left;

	if (size < head)
		return false;
	left = size - head;
	for (size_t i = 0; i < action->nargs; i++)
		args[i] = (struct datum){ .type = action->args[i],
					  .n = r->words[times + i] };
	/* First what has a fixed size, then text. */
	for (int text = 0; text < 2; text++) {
		for (size_t i = 0; i < action->nargs; i++) {
			if (!type_in_memory(args[i].type) ||
			    text != (args[i].type->kind == TYPE_STR))
				continue;
			if (args[i].n > left || !fits(&args[i]))
				return false;
			args[i].s = bytes;
			args[i].len = args[i].n;
			bytes += args[i].n;
			left -= args[i].n;
		}
	}
	return true;
}

/* The ring buffer's callback: a negative result ends the batch after this record. */
static int on_record(void *arg, void *data, size_t size)
{
	const struct action_info *action;
	const struct record *r = data;
	struct session *s = arg;

	if (s->exiting)
		return 0;
	if (size < sizeof(*r) || r->action >= s->image->nactions) {
		s->malformed++;
		return 0;
	}
	action = s->image->actions[r->action];
	if (!decode(s->args, action, r, size)) {
		s->malformed++;
		return 0;
	}
	if (action->builtin->action)
		action->builtin->action->run(s, action, s->args,
					     record_times(action) ? r->words[0] : 0);
	if (!s->batch_end)
		return 0;
	if (s->exiting || sink_error(s->sink))
		return -ECANCELED;
	return now_ns(CLOCK_MONOTONIC) >= s->batch_end ? -ETIME : 0;
}

/* The wall clock may be set while memql runs. TAI is whole seconds ahead of it. */
static void find_wall(struct sink *out)
{
	int64_t wall = (int64_t)now_ns(CLOCK_REALTIME);
	int64_t tai = wall - (int64_t)now_ns(CLOCK_TAI);

	out->to_wall[EPOCH_BOOT] = wall - (int64_t)now_ns(CLOCK_BOOTTIME);
	out->to_wall[EPOCH_MONOTONIC] = wall - (int64_t)now_ns(CLOCK_MONOTONIC);
	out->to_wall[EPOCH_TAI] = (tai - NS_PER_S / 2) / NS_PER_S * NS_PER_S;
}

/*
 * A program that has just asked for print() may be about to ask for clear(), on another
 * CPU, and both together are one step that loses nothing: it gets the time to say so.
 */
static int consume_all(struct session *s)
{
	static const struct timespec a_moment = { .tv_nsec = 50000 };
	int n = ring_buffer__consume(s->ring);

	for (unsigned i = 0; i < 4 && n > 0 && s->prints.n; i++) {
		nanosleep(&a_moment, NULL);
		n = ring_buffer__consume(s->ring);
	}
	return n;
}

static int consume(struct session *s)
{
	int err;

	find_wall(s->sink);
	resolver_poll(s);
	replaced_look(s);
	err = consume_all(s);
	captures_flush(s);
	session_do_prints(s);
	sink_flush(s->sink);
	if (sink_error(s->sink))
		return -sink_error(s->sink);
	s->unread = err == -ETIME;
	return err == -ETIME || err == -ECANCELED || err > 0 ? 0 : err;
}

int events_consume(struct session *s)
{
	s->batch_end = now_ns(CLOCK_MONOTONIC) + BATCH_MS * NS_PER_MS;
	return consume(s);
}

int events_drain(struct session *s)
{
	s->batch_end = 0;
	return consume(s);
}

/* memql sleeps when all of its threads do. */
static void set_asleep(struct session *s, uint64_t asleep)
{
	if (s->asleep && uprobe_warmup_is_over(s->warmup))
		__atomic_store_n(s->asleep, asleep, __ATOMIC_SEQ_CST);
}

/* Until there is enough to read, the rhythm asks to look, or end comes; 0 or -errno. */
static int wait_for_records(struct session *s, uint64_t end)
{
	uint64_t now = now_ns(CLOCK_MONOTONIC), left = 0;
	struct epoll_event event;
	int n;

	if (now < end && !s->unread)
		left = (end - now + NS_PER_MS - 1) / NS_PER_MS;
	/* Programs may take any other system call for another process's: point_of_awake(). */
	set_asleep(s, 1);
	n = epoll_wait(ring_buffer__epoll_fd(s->ring), &event, 1,
		       left < RHYTHM_MS ? (int)left : RHYTHM_MS);
	set_asleep(s, 0);
	return n < 0 ? -errno : 0;
}

/*
 * Objects of an iterator, and what they printed. The kernel stops after as many bytes as
 * are asked for, and each object writes one: with the longest strings these fill a part of
 * the ring buffer.
 */
static int iterate(struct session *s)
{
	char bytes[64];
	ssize_t n = read(s->iterator, bytes, sizeof(bytes));
	int err;

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	err = events_drain(s);
	if (!err && n == 0)
		session_exit(s, s->exit_code);
	return err;
}

int session_poll(struct session *s, int timeout_ms)
{
	uint64_t end = now_ns(CLOCK_MONOTONIC) + (uint64_t)timeout_ms * NS_PER_MS;

	while (s->iterator >= 0 && !s->exiting) {
		int err = iterate(s);

		if (err || now_ns(CLOCK_MONOTONIC) >= end)
			return err ? err : s->exiting;
	}
	while (!s->exiting) {
		int err = wait_for_records(s, end);
		bool interrupted = err == -EINTR; /* the caller wants to look at it */

		if (err && !interrupted)
			return err;
		err = events_consume(s);
		if (err)
			return err;
		if (interrupted || now_ns(CLOCK_MONOTONIC) >= end)
			break;
	}
	return s->exiting;
}

int events_open(struct session *s)
{
	struct bpf_map *map = bpf_object__find_map_by_name(s->object, IMAGE_RING);
	size_t most = 0;

	assert(map && "the image has a ring buffer");
	for (size_t i = 0; i < s->image->nactions; i++) {
		if (s->image->actions[i]->nargs > most)
			most = s->image->actions[i]->nargs;
	}
	s->args = ARENA_ARRAY(s->arena, struct datum, most);
	s->ring = ring_buffer__new(bpf_map__fd(map), on_record, s, NULL);
	return s->ring ? 0 : -errno;
}

void events_close(struct session *s)
{
	ring_buffer__free(s->ring);
}

void session_exit(struct session *s, int code)
{
	s->exiting = true;
	s->exit_code = code;
}
