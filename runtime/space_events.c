/*
 * Perf events that count nothing, one for each CPU, whose buffers get a record of each
 * fork, exec, mapping of code and exit there. Nobody is woken by them: the event loop
 * looks from time to time, and who asks for a symbol looks before.
 *
 * A process moves between CPUs, and its records are in several buffers: they are applied
 * by time, and only those older than the moment when the first buffer was looked at, as a
 * buffer that was read already may get an earlier record than one read after it.
 */
#include "runtime/space_events.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "runtime/must.h"

enum {
	/* To run a program takes 1 to 2 KB: some 80 of them between two looks. */
	RING_PAGES = 32,
	/* The longest record: a path of 4 KB and what is around it. */
	MAX_RECORD = 4096 + 128,
	FORMAT_LOST = 1 << 4, /* PERF_FORMAT_LOST, which headers before 6.0 lack */
};

struct ring {
	int fd;
	struct perf_event_mmap_page *page; /* NULL: not mapped */
	const uint8_t *data;
	uint64_t size;
	uint64_t lost; /* if the kernel counts it */
};

struct waiting {
	uint64_t time;
	size_t at;    /* in bytes */
	size_t order; /* of arrival, for records of the same time */
};

struct space_events {
	int32_t pid;
	struct ring *rings;
	size_t nrings, mapped_size;
	bool counts_lost; /* since 6.0: at once, not with the next record that fits */
	struct {
		struct waiting *items;
		size_t n, cap;
	} waiting;
	struct {
		uint8_t *items;
		size_t n, cap;
	} bytes;
	uint64_t lost;
};

/* Records as the kernel lays them out; all end with the time. */
struct record_mmap2 {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t start, size, offset;
	uint32_t major, minor;
	uint64_t inode, generation;
	uint32_t protection, flags;
	char name[];
};

struct record_task {
	struct perf_event_header header;
	uint32_t pid, parent;
	uint32_t tid, parent_tid;
};

struct record_comm {
	struct perf_event_header header;
	uint32_t pid, tid;
};

struct record_lost {
	struct perf_event_header header;
	uint64_t id, count;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

struct space_events *space_events_queue(int32_t pid)
{
	struct space_events *e = must_calloc(1, sizeof(*e));

	e->pid = pid;
	return e;
}

static int open_event(int cpu, bool count_lost)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_SAMPLE_TIME,
		.read_format = count_lost ? FORMAT_LOST : 0,
		.sample_id_all = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
		.mmap = 1,
		.mmap2 = 1,
		.comm = 1, /* says which of its records mean exec() */
		.comm_exec = 1,
		.task = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
		.watermark = 1,
		.wakeup_watermark = UINT32_MAX,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1,
			      PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int map_ring(struct space_events *e, struct ring *r)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = (RING_PAGES + 1) * page;
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	e->mapped_size = size;
	r->page = p;
	r->data = (const uint8_t *)p + page;
	r->size = RING_PAGES * page;
	return 0;
}

int space_events_open(int32_t pid, struct space_events **out)
{
	struct space_events *e = space_events_queue(pid);
	int ncpus = (int)sysconf(_SC_NPROCESSORS_CONF), err = 0;

	e->counts_lost = true;
	e->rings = must_calloc((size_t)ncpus, sizeof(*e->rings));
	for (int cpu = 0; !err && cpu < ncpus; cpu++) {
		struct ring *r = &e->rings[e->nrings];

		r->fd = open_event(cpu, e->counts_lost);
		if (r->fd == -EINVAL && e->counts_lost) {
			e->counts_lost = false;
			r->fd = open_event(cpu, false);
		}
		if (r->fd == -ENODEV) /* it is offline */
			continue;
		if (r->fd < 0) {
			err = r->fd;
			break;
		}
		e->nrings++;
		err = map_ring(e, r);
	}
	if (!err && e->nrings == 0)
		err = -ENODEV;
	if (err) {
		space_events_close(e);
		return err;
	}
	*out = e;
	return 0;
}

void space_events_close(struct space_events *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->nrings; i++) {
		if (e->rings[i].page)
			munmap(e->rings[i].page, e->mapped_size);
		close(e->rings[i].fd);
	}
	free(e->rings);
	free(e->waiting.items);
	free(e->bytes.items);
	free(e);
}

uint64_t space_events_lost(const struct space_events *e)
{
	return e->lost;
}

/* Records have at least the fields that they must have, and the time. */
static bool is_whole(const struct perf_event_header *h)
{
	size_t least;

	switch (h->type) {
	case PERF_RECORD_MMAP2:
		/* A name of one byte is padded to eight. */
		least = offsetof(struct record_mmap2, name) + 8;
		break;
	case PERF_RECORD_FORK:
	case PERF_RECORD_EXIT:
		least = sizeof(struct record_task) + 8;
		break;
	case PERF_RECORD_COMM:
		least = sizeof(struct record_comm) + 8;
		break;
	case PERF_RECORD_LOST:
		least = sizeof(struct record_lost);
		break;
	default:
		return false;
	}
	return h->size % sizeof(uint64_t) == 0 && h->size >= least + sizeof(uint64_t);
}

/* The process whose address space changes; 0: none does. */
static uint32_t changes(const struct perf_event_header *h)
{
	const struct record_task *task = (const struct record_task *)h;

	switch (h->type) {
	case PERF_RECORD_MMAP2:
		return ((const struct record_mmap2 *)h)->pid;
	case PERF_RECORD_FORK: /* not of a thread */
		return task->pid != task->parent ? task->pid : 0;
	case PERF_RECORD_EXIT:
		return task->pid == task->tid ? task->pid : 0;
	case PERF_RECORD_COMM:
		return h->misc & PERF_RECORD_MISC_COMM_EXEC
			       ? ((const struct record_comm *)h)->pid
			       : 0;
	default:
		return 0;
	}
}

static void *make_room(void *items, size_t needed, size_t *cap, size_t size)
{
	if (needed <= *cap)
		return items;
	*cap = needed * 2;
	return must_resize(items, *cap, size);
}

void space_events_take(struct space_events *e, const struct perf_event_header *h)
{
	struct waiting w = { .at = e->bytes.n, .order = e->waiting.n };
	uint32_t pid;

	if (!is_whole(h))
		return;
	if (h->type == PERF_RECORD_LOST) {
		if (!e->counts_lost)
			e->lost += ((const struct record_lost *)h)->count;
		return;
	}
	pid = changes(h);
	if (!pid || (e->pid && pid != (uint32_t)e->pid))
		return;
	e->bytes.items =
		make_room(e->bytes.items, e->bytes.n + h->size, &e->bytes.cap, 1);
	e->waiting.items = make_room(e->waiting.items, e->waiting.n + 1,
				     &e->waiting.cap, sizeof(*e->waiting.items));
	memcpy(e->bytes.items + e->bytes.n, h, h->size);
	e->bytes.n += h->size;
	memcpy(&w.time, (const char *)h + h->size - sizeof(w.time), sizeof(w.time));
	e->waiting.items[e->waiting.n++] = w;
}

/* A record may go around the end of the buffer. */
static void take_around(struct space_events *e, const struct ring *r, uint64_t at,
			size_t size)
{
	/* The size of a record has 16 bits. */
	_Alignas(uint64_t) uint8_t record[UINT16_MAX + 1];
	size_t first = r->size - at;

	memcpy(record, r->data + at, first);
	memcpy(record + first, r->data, size - first);
	space_events_take(e, (const struct perf_event_header *)record);
}

static void count_lost(struct space_events *e, struct ring *r)
{
	struct {
		uint64_t value, lost;
	} count;

	if (!e->counts_lost || read(r->fd, &count, sizeof(count)) != sizeof(count))
		return;
	e->lost += count.lost - r->lost;
	r->lost = count.lost;
}

static void read_ring(struct space_events *e, struct ring *r)
{
	uint64_t head = __atomic_load_n(&r->page->data_head, __ATOMIC_ACQUIRE);
	uint64_t tail = r->page->data_tail;
	bool was_full = head - tail > r->size - MAX_RECORD;

	while (tail < head) {
		uint64_t at = tail % r->size;
		/* Records begin at multiples of 8: their headers are whole. */
		const struct perf_event_header *h =
			(const struct perf_event_header *)(r->data + at);

		if (h->size < sizeof(*h) || h->size > head - tail) {
			e->lost++;
			break;
		}
		if (at + h->size <= r->size)
			space_events_take(e, h);
		else
			take_around(e, r, at, h->size);
		tail += h->size;
	}
	__atomic_store_n(&r->page->data_tail, head, __ATOMIC_RELEASE);
	if (was_full)
		count_lost(e, r);
}

static int compare_waiting(const void *a, const void *b)
{
	const struct waiting *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

/* What ran before we listened is known to /proc, as long as it runs. */
static void know(struct spaces *spaces, uint32_t pid)
{
	if (!spaces_know(spaces, (int32_t)pid))
		spaces_read(spaces, (int32_t)pid);
}

static void apply_mmap(const struct record_mmap2 *r, struct spaces *spaces)
{
	size_t room = r->header.size - offsetof(struct record_mmap2, name) - 8;
	struct proc_mapping m = {
		.start = r->start,
		.end = r->start + r->size,
		.offset = r->offset,
		.inode = r->inode,
		.major = r->major,
		.minor = r->minor,
		.executable = true,
		.name = r->name,
	};

	if (m.end < m.start || !memchr(r->name, '\0', room))
		return;
	know(spaces, r->pid);
	spaces_map(spaces, (int32_t)r->pid, &m);
}

static void apply(const struct perf_event_header *h, struct spaces *spaces)
{
	const struct record_task *task = (const struct record_task *)h;

	switch (h->type) {
	case PERF_RECORD_MMAP2:
		apply_mmap((const struct record_mmap2 *)h, spaces);
		break;
	case PERF_RECORD_FORK:
		know(spaces, task->parent);
		spaces_fork(spaces, (int32_t)task->parent, (int32_t)task->pid);
		break;
	case PERF_RECORD_EXIT:
		spaces_end(spaces, (int32_t)task->pid);
		break;
	case PERF_RECORD_COMM:
		spaces_exec(spaces, (int32_t)((const struct record_comm *)h)->pid);
		break;
	default:
		break;
	}
}

/* Moves what was not applied to the beginning. */
static void keep_rest(struct space_events *e, size_t applied)
{
	uint8_t *bytes = NULL;
	size_t n = 0, cap = 0;

	for (size_t i = applied; i < e->waiting.n; i++) {
		struct waiting *w = &e->waiting.items[i];
		const uint8_t *record = e->bytes.items + w->at;
		size_t size = ((const struct perf_event_header *)record)->size;

		bytes = make_room(bytes, n + size, &cap, 1);
		memcpy(bytes + n, record, size);
		w->at = n;
		w->order = i - applied;
		n += size;
	}
	e->waiting.n -= applied;
	memmove(e->waiting.items, e->waiting.items + applied,
		e->waiting.n * sizeof(*e->waiting.items));
	if (bytes) {
		free(e->bytes.items);
		e->bytes.items = bytes;
		e->bytes.cap = cap;
	}
	e->bytes.n = n;
}

void space_events_apply_until(struct space_events *e, struct spaces *spaces,
			      uint64_t time)
{
	size_t i;

	if (e->waiting.n == 0)
		return;
	qsort(e->waiting.items, e->waiting.n, sizeof(*e->waiting.items),
	      compare_waiting);
	for (i = 0; i < e->waiting.n && e->waiting.items[i].time <= time; i++)
		apply((const struct perf_event_header *)(e->bytes.items +
							 e->waiting.items[i].at),
		      spaces);
	keep_rest(e, i);
}

void space_events_apply(struct space_events *e, struct spaces *spaces)
{
	bool any = e->waiting.n > 0;
	uint64_t now;

	for (size_t i = 0; i < e->nrings && !any; i++) {
		const struct perf_event_mmap_page *page = e->rings[i].page;

		any = __atomic_load_n(&page->data_head, __ATOMIC_RELAXED) !=
		      page->data_tail;
	}
	if (!any)
		return;
	now = now_ns();
	for (size_t i = 0; i < e->nrings; i++)
		read_ring(e, &e->rings[i]);
	space_events_apply_until(e, spaces, now);
}
