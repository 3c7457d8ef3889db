/*
 * A process number names several address spaces, one after the other: fork() copies one,
 * exec() begins a new one, and numbers are used again. Questions come without a time, as
 * stacks are keys of maps: the newest space that has code at the address answers, which
 * address space randomisation makes the right one. Lists of code are shared by parents
 * and children until one of them changes.
 */
#include "runtime/spaces.h"

#include <errno.h>

#include "runtime/must.h"

enum { NBUCKETS = 4096 };

/* Sorted, without overlaps; has a reference to each file. */
struct code_list {
	unsigned references;
	struct space_code *items;
	size_t n, cap;
};

struct space {
	int32_t pid;
	bool has_ended;
	struct space *next;          /* newest ones of other processes in its bucket */
	struct space *before;        /* of the same process number */
	struct space *newer, *older; /* in the order of their ends */
	uint64_t checked;            /* when /proc was asked */
	struct code_list *codes;
};

struct spaces {
	struct space *buckets[NBUCKETS]; /* the newest one of each process number */
	struct space *newest, *oldest;   /* those that ended */
	size_t nended;
	uint64_t forgotten;
	struct mapped_files *files;
	struct spaces_limits limits;
};

static struct code_list *list_new(void)
{
	struct code_list *l = must_calloc(1, sizeof(*l));

	l->references = 1;
	return l;
}

static void list_put(struct spaces *all, struct code_list *l)
{
	if (--l->references)
		return;
	for (size_t i = 0; i < l->n; i++)
		mapped_file_put(all->files, l->items[i].file);
	free(l->items);
	free(l);
}

static struct code_list *list_copy(const struct code_list *l)
{
	struct code_list *copy = list_new();

	copy->n = copy->cap = l->n;
	copy->items = must_resize(NULL, l->n, sizeof(*l->items));
	if (l->n)
		memcpy(copy->items, l->items, l->n * sizeof(*l->items));
	for (size_t i = 0; i < l->n; i++)
		mapped_file_get(l->items[i].file);
	return copy;
}

/* The first one that ends behind the address. */
static size_t list_find(const struct code_list *l, uint64_t address)
{
	size_t first = 0, n = l->n;

	while (n > 0) {
		size_t half = n / 2;

		if (l->items[first + half].end <= address) {
			first += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return first;
}

static void list_make_room(struct code_list *l, size_t at, size_t room)
{
	if (l->n + room > l->cap) {
		l->cap = (l->n + room) * 2;
		l->items = must_resize(l->items, l->cap, sizeof(*l->items));
	}
	memmove(l->items + at + room, l->items + at, (l->n - at) * sizeof(*l->items));
	l->n += room;
}

static void list_remove(struct code_list *l, size_t at)
{
	l->n--;
	memmove(l->items + at, l->items + at + 1, (l->n - at) * sizeof(*l->items));
}

/* Makes a gap, and returns where in the list. */
static size_t list_cut(struct spaces *all, struct code_list *l, uint64_t start,
		       uint64_t end)
{
	size_t i = list_find(l, start);

	if (i < l->n && l->items[i].start < start) {
		struct space_code *left = &l->items[i];

		if (left->end > end) {
			mapped_file_get(left->file);
			list_make_room(l, i, 1);
			l->items[i + 1].offset += end - l->items[i + 1].start;
			l->items[i + 1].start = end;
		}
		l->items[i++].end = start;
	}
	while (i < l->n && l->items[i].end <= end) {
		mapped_file_put(all->files, l->items[i].file);
		list_remove(l, i);
	}
	if (i < l->n && l->items[i].start < end) {
		l->items[i].offset += end - l->items[i].start;
		l->items[i].start = end;
	}
	return i;
}

/* Takes the reference to the file over. */
static void list_add(struct spaces *all, struct code_list *l,
		     const struct space_code *code)
{
	size_t i = list_cut(all, l, code->start, code->end);
	struct space_code *left = i ? &l->items[i - 1] : NULL;

	/* What mprotect() split, and the pages of a JIT compiler. */
	if (left && left->end == code->start && left->file == code->file &&
	    (!code->file || left->offset + (left->end - left->start) == code->offset)) {
		left->end = code->end;
		mapped_file_put(all->files, code->file);
		return;
	}
	if (l->n >= all->limits.codes) {
		all->forgotten++;
		mapped_file_put(all->files, code->file);
		return;
	}
	list_make_room(l, i, 1);
	l->items[i] = *code;
}

static struct space **bucket_of(struct spaces *all, int32_t pid)
{
	return &all->buckets[(uint32_t)pid % NBUCKETS];
}

/* Where the newest space of the process is, or would be. */
static struct space **place_of(struct spaces *all, int32_t pid)
{
	struct space **p = bucket_of(all, pid);

	while (*p && (*p)->pid != pid)
		p = &(*p)->next;
	return p;
}

static void leave_ended(struct spaces *all, struct space *s)
{
	*(s->newer ? &s->newer->older : &all->newest) = s->older;
	*(s->older ? &s->older->newer : &all->oldest) = s->newer;
	s->has_ended = false;
	all->nended--;
}

static void remove_space(struct spaces *all, struct space *s)
{
	struct space **p = place_of(all, s->pid);

	if (*p == s) {
		if (s->before) {
			s->before->next = s->next;
			*p = s->before;
		} else {
			*p = s->next;
		}
	} else {
		struct space *later = *p;

		while (later->before != s)
			later = later->before;
		later->before = s->before;
	}
	list_put(all, s->codes);
	free(s);
}

static void end_space(struct spaces *all, struct space *s)
{
	if (s->has_ended)
		return;
	s->has_ended = true;
	s->newer = NULL;
	s->older = all->newest;
	*(all->newest ? &all->newest->newer : &all->oldest) = s;
	all->newest = s;
	all->nended++;
	while (all->nended > all->limits.ended) {
		struct space *oldest = all->oldest;

		leave_ended(all, oldest);
		remove_space(all, oldest);
		all->forgotten++;
	}
}

/* Takes the list over. */
static struct space *begin_space(struct spaces *all, int32_t pid,
				 struct code_list *codes)
{
	struct space **p = place_of(all, pid), *before = *p;
	struct space *s = must_calloc(1, sizeof(*s));

	s->pid = pid;
	s->codes = codes;
	s->before = before;
	s->next = before ? before->next : NULL;
	*p = s;
	if (before) {
		before->next = NULL;
		end_space(all, before);
	}
	return s;
}

/* The space of a process that runs; NULL if nothing is known of it. */
static struct space *running_space(struct spaces *all, int32_t pid)
{
	return *place_of(all, pid);
}

struct spaces *spaces_new(struct mapped_files *files,
			  const struct spaces_limits *limits)
{
	struct spaces *all = must_calloc(1, sizeof(*all));

	all->files = files;
	all->limits = *limits;
	return all;
}

void spaces_free(struct spaces *all)
{
	if (!all)
		return;
	for (size_t i = 0; i < NBUCKETS; i++) {
		while (all->buckets[i])
			remove_space(all, all->buckets[i]);
	}
	free(all);
}

bool spaces_know(const struct spaces *all, int32_t pid)
{
	const struct space *s = all->buckets[(uint32_t)pid % NBUCKETS];

	while (s && s->pid != pid)
		s = s->next;
	return s != NULL;
}

uint64_t spaces_forgotten(const struct spaces *all)
{
	return all->forgotten;
}

static void list_add_mapping(struct spaces *all, struct code_list *l, int32_t pid,
			     const struct proc_mapping *m)
{
	struct space_code code = {
		.start = m->start,
		.end = m->end,
		.offset = m->name[0] == '/' ? m->offset : 0,
		.file = mapped_file_of(all->files, pid, m),
	};

	if (code.start < code.end)
		list_add(all, l, &code);
	else
		mapped_file_put(all->files, code.file);
}

struct reading {
	struct spaces *all;
	struct code_list *list;
	int32_t pid;
};

static int read_mapping(const struct proc_mapping *m, void *arg)
{
	const struct reading *r = arg;

	if (m->executable)
		list_add_mapping(r->all, r->list, r->pid, m);
	return 0;
}

/* True if all files of the old list are where they were. */
static bool extends(const struct code_list *list, const struct code_list *old)
{
	for (size_t i = 0; i < old->n; i++) {
		const struct space_code *code = &old->items[i], *now;
		size_t at = list_find(list, code->start);

		if (!code->file)
			continue;
		if (at == list->n)
			return false;
		now = &list->items[at];
		if (now->file != code->file || now->start > code->start ||
		    now->end < code->end ||
		    now->offset + (code->start - now->start) != code->offset)
			return false;
	}
	return true;
}

void spaces_refresh(struct spaces *all, int32_t pid, uint64_t now, uint64_t max_age)
{
	struct space *s = running_space(all, pid);

	if (s && now - s->checked < max_age)
		return;
	if (spaces_read(all, pid) && s)
		end_space(all, s);
	s = running_space(all, pid);
	if (s)
		s->checked = now;
}

int spaces_read(struct spaces *all, int32_t pid)
{
	struct reading r = { .all = all, .list = list_new(), .pid = pid };
	int err = proc_maps_each(pid, read_mapping, &r);
	struct space *s;

	/* Processes that have not begun or that end, and the kernel's own, have none. */
	if (!err && r.list->n == 0)
		err = -ESRCH;
	if (err) {
		list_put(all, r.list);
		return err;
	}
	s = running_space(all, pid);
	if (s && !s->has_ended && extends(r.list, s->codes)) {
		list_put(all, s->codes);
		s->codes = r.list;
	} else {
		begin_space(all, pid, r.list);
	}
	return 0;
}

void spaces_fork(struct spaces *all, int32_t parent, int32_t child)
{
	struct space *s = running_space(all, parent);

	if (s)
		s->codes->references++;
	begin_space(all, child, s ? s->codes : list_new());
}

void spaces_exec(struct spaces *all, int32_t pid)
{
	begin_space(all, pid, list_new());
}

void spaces_map(struct spaces *all, int32_t pid, const struct proc_mapping *m)
{
	struct space *s = running_space(all, pid);

	if (!s)
		s = begin_space(all, pid, list_new());
	/* Its first thread ended, others did not. */
	if (s->has_ended)
		leave_ended(all, s);
	if (s->codes->references > 1) {
		struct code_list *copy = list_copy(s->codes);

		list_put(all, s->codes);
		s->codes = copy;
	}
	list_add_mapping(all, s->codes, pid, m);
}

void spaces_end(struct spaces *all, int32_t pid)
{
	struct space *s = running_space(all, pid);

	if (s)
		end_space(all, s);
}

const struct space_code *spaces_find(struct spaces *all, int32_t pid, uint64_t address)
{
	for (const struct space *s = running_space(all, pid); s; s = s->before) {
		size_t i = list_find(s->codes, address);

		if (i < s->codes->n && s->codes->items[i].start <= address)
			return &s->codes->items[i];
	}
	return NULL;
}
