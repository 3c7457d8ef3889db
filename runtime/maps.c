/*
 * Reading, printing and clearing maps while programs go on updating them.
 *
 * A hash is read with batch lookups: whole buckets under their locks, so that no entry
 * is seen twice or missed because another is deleted. The older way, from key to next
 * key, starts over when the key it stands on is deleted; there the steps are limited
 * and repeated keys are dropped.
 *
 * Of print(@x, N) only the N largest are held, and those that came since they were last
 * chosen: a map may have millions.
 *
 * print(@x); clear(@x) must not lose what programs count between the two. So a print()
 * waits for the next action: if that clears the map or sets it to zero, entries are
 * removed in the step that reads them.
 */
#include "runtime/session_state.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "core/arena.h"
#include "runtime/datum.h"
#include "runtime/map_read.h"
#include "runtime/seats.h"
#include "runtime/sink.h"

enum {
	PRINTS_MOST = 64, /* that wait */
	TOP_LEAST = 1024, /* entries, before smaller ones are dropped */
};

/* map->nkeys datums, in room for that many. */
static void decode_keys(const struct map_info *map, const unsigned char *key,
			struct datum *keys)
{
	for (size_t i = 0; i < map->nkeys; i++) {
		keys[i] = datum_stored(map->keys[i], key);
		key += type_size(map->keys[i]);
	}
}

/* Whether a word orders the values of a map: see order_of(). */
static bool has_order(const struct map_info *map)
{
	return map->agg || map->value->kind == TYPE_INT ||
	       map->value->kind == TYPE_PTR || map->value->kind == TYPE_TIME;
}

/* Such that unsigned comparison is right. */
static uint64_t order_of(const struct map_info *map, const void *value)
{
	const uint64_t sign = UINT64_C(1) << 63;
	uint64_t n;

	if (map->agg)
		return (uint64_t)map->agg->agg->sort_key(value, &map->site) ^ sign;
	memcpy(&n, value, sizeof(n));
	return map->value->kind == TYPE_INT && map->value->is_signed ? n ^ sign : n;
}

struct order {
	const struct session *s;
	const struct map_info *map;
};

static int compare_stored(const struct session *s, const struct type *type,
			  const unsigned char *a, const unsigned char *b)
{
	struct datum x = datum_stored(type, a), y = datum_stored(type, b);

	return datum_compare(s->sink, &x, &y);
}

/* By value; equal ones by their keys, so that output does not depend on hashing. */
static int compare_entries(const void *x, const void *y, void *arg)
{
	const struct map_entry *a = x, *b = y;
	const struct order *o = arg;
	const unsigned char *ka = a->key, *kb = b->key;
	int c = (a->order > b->order) - (a->order < b->order);

	if (!has_order(o->map))
		c = compare_stored(o->s, o->map->value, a->value, b->value);
	for (size_t i = 0; !c && i < o->map->nkeys; i++) {
		c = compare_stored(o->s, o->map->keys[i], ka, kb);
		ka += type_size(o->map->keys[i]);
		kb += type_size(o->map->keys[i]);
	}
	return c;
}

static bool all_zero(const unsigned char *bytes, size_t n)
{
	while (n && !*bytes) {
		bytes++;
		n--;
	}
	return !n;
}

/*
 * Whether anything was ever assigned to or aggregated in it. A scalar aggregation's
 * cell is always there: zero then means nothing, unless zero() made it so.
 */
static bool has_value(const struct session *s, const struct map_info *map,
		      const unsigned char *value)
{
	uint64_t set;

	switch (map->storage) {
	case MAP_SCALAR:
	case MAP_KEPT:
		memcpy(&set, value + map->value_size - sizeof(set), sizeof(set));
		if (!set)
			return false;
		break;
	case MAP_PERCPU_SCALAR:
		if (!map->agg->agg->seen)
			return s->maps[map->index].zeroed ||
			       !all_zero(value, map->value_size);
		break;
	case MAP_HASH:
	case MAP_PERCPU_HASH:
		break;
	}
	return !map->agg || !map->agg->agg->seen ||
	       map->agg->agg->seen(value, &map->site);
}

/* room: for a value that is divided. */
static void show_value(struct session *s, const struct map_info *map,
		       const unsigned char *value, uint64_t div, unsigned char *room)
{
	struct datum d;

	if (map->agg) {
		map->agg->agg->render(s->sink, value, &map->site, div);
		return;
	}
	d = datum_stored(map->value, value);
	d = datum_divided(&d, div, room);
	sink_datum(s->sink, &d);
}

static void show_entries(struct session *s, const struct map_info *map,
			 const struct map_entry *entries, size_t n, uint64_t div,
			 struct arena *a)
{
	struct datum *keys = ARENA_ARRAY(a, struct datum, map->nkeys);
	unsigned char *room = arena_alloc(a, map->value_size);

	s->sink->ops->map_begin(s->sink, map);
	for (size_t i = 0; i < n; i++) {
		if (map->has_keys) {
			decode_keys(map, entries[i].key, keys);
			s->sink->ops->keys(s->sink, keys, map->nkeys);
		}
		show_value(s, map, entries[i].value, div, room);
	}
	s->sink->ops->map_end(s->sink);
}

static void complain(const struct map_info *map, const char *what, int err)
{
	fprintf(stderr, "memql: cannot %s %s: %s\n", what, map->name, errno_text(err));
}

static int read_and(enum map_then then, const struct session *s,
		    const struct map_info *map, struct arena *a,
		    struct map_entries *out)
{
	const struct live_map *live = &s->maps[map->index];
	int err;

	if (then == MAP_KEEP)
		err = map_read(map, live->fd, s->ncpus, a, out);
	else
		err = map_take(map, live->fd, s->ncpus, then == MAP_ZERO, a, out);
	if (!err && then == MAP_ZERO && map->has_keys)
		err = map_insert_zero(map, live->fd, s->ncpus, out);
	if (!err && live->seats >= 0)
		err = seats_each(live->seats, then, map_collect,
				 &(struct map_collector){ map, a, out });
	return err;
}

/* The largest entries of a map that may have millions. */
struct top {
	struct order order;
	uint64_t most;
	struct arena *a; /* of the entries */
	struct map_entries e;
	struct map_entry least; /* once there are enough: smaller ones are left out */
	bool enough;
};

static void sort_entries(const struct order *order, struct map_entries *e)
{
	if (e->n)
		qsort_r(e->items, e->n, sizeof(*e->items), compare_entries,
			(void *)order);
}

static void drop_smaller(struct top *t)
{
	struct map_entries kept = { 0 };
	struct arena *a = arena_new();

	sort_entries(&t->order, &t->e);
	for (size_t i = t->e.n - t->most; i < t->e.n; i++) {
		struct map_entry e = t->e.items[i];

		map_entry_copy(t->order.map, a, &e);
		ARENA_PUSH(a, &kept, e);
	}
	arena_free(t->a);
	t->a = a;
	t->e = kept;
	t->least = kept.items[0];
	t->enough = true;
}

static void add_to_top(const struct map_entry *found, void *arg)
{
	struct top *t = arg;
	const struct map_info *map = t->order.map;
	struct map_entry e = *found;

	if (!has_value(t->order.s, map, e.value))
		return;
	if (has_order(map))
		e.order = order_of(map, e.value);
	if (t->enough && compare_entries(&e, &t->least, &t->order) < 0)
		return;
	map_entry_copy(map, t->a, &e);
	ARENA_PUSH(t->a, &t->e, e);
	if (t->e.n >= 2 * t->most && t->e.n >= TOP_LEAST)
		drop_smaller(t);
}

/* Those of job->top, with others or without; false: they cannot be read so. */
static bool read_top(struct session *s, const struct print_job *job, struct arena **a,
		     struct map_entries *out)
{
	const struct map_info *map = job->map;
	const struct live_map *live = &s->maps[map->index];
	const bool take = job->then == MAP_CLEAR;
	struct top t = { { s, map }, job->top, *a };
	int err;

	if (!job->top || job->then == MAP_ZERO)
		return false;
	err = map_each(map, live->fd, s->ncpus, take, add_to_top, &t);
	if (!err && live->seats >= 0)
		err = seats_each(live->seats, job->then, add_to_top, &t);
	*a = t.a;
	if (err == -EOPNOTSUPP)
		return false;
	if (err)
		complain(map, "read", err);
	sort_entries(&t.order, &t.e);
	*out = t.e;
	return true;
}

/* Entries with a value, in ascending order; fewer after a message. */
static void read_sorted(struct session *s, const struct map_info *map,
			enum map_then then, struct arena *a, struct map_entries *out)
{
	struct order order = { .s = s, .map = map };
	size_t n = 0;
	int err = read_and(then, s, map, a, out);

	if (err)
		complain(map, "read", err);
	for (size_t i = 0; i < out->n; i++) {
		if (!has_value(s, map, out->items[i].value))
			continue;
		out->items[n] = out->items[i];
		if (has_order(map))
			out->items[n].order = order_of(map, out->items[n].value);
		n++;
	}
	out->n = n;
	sort_entries(&order, out);
}

static void print_map(struct session *s, const struct print_job *job,
		      bool even_if_empty)
{
	const struct map_info *map = job->map;
	struct arena *a = arena_new();
	struct map_entries entries = { 0 };
	size_t first = 0;

	if (!read_top(s, job, &a, &entries))
		read_sorted(s, map, job->then, a, &entries);
	if (job->top && job->top < entries.n)
		first = entries.n - job->top;
	if (entries.n || (even_if_empty && map->has_keys))
		show_entries(s, map, entries.items + first, entries.n - first,
			     job->div ? job->div : 1, a);
	if (job->then != MAP_KEEP)
		s->maps[map->index].zeroed = job->then == MAP_ZERO;
	arena_free(a);
}

void session_do_prints(struct session *s)
{
	for (size_t i = 0; i < s->prints.n; i++)
		print_map(s, &s->prints.items[i], true);
	s->prints.n = 0;
}

void session_print_map(struct session *s, const struct map_info *map, uint64_t top,
		       uint64_t div)
{
	struct print_job job = { .map = map, .top = top, .div = div };

	if (s->prints.n >= PRINTS_MOST)
		session_do_prints(s);
	ARENA_PUSH(s->arena, &s->prints, job);
}

/* True if a print() that waits will do it; its last one, if there are several. */
static bool then_after_print(struct session *s, const struct map_info *map,
			     enum map_then then)
{
	for (size_t i = s->prints.n; i-- > 0;) {
		struct print_job *job = &s->prints.items[i];

		if (job->map != map)
			continue;
		if (job->then != MAP_CLEAR) /* which leaves nothing to set to zero */
			job->then = then;
		return true;
	}
	return false;
}

static int compare_names(const void *a, const void *b)
{
	const struct map_info *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* In the order of their names, as in bpftrace. */
void session_print_all_maps(struct session *s)
{
	const struct map_info **maps =
		ARENA_ARRAY(s->arena, const struct map_info *, s->image->nmaps);
	size_t n = 0;

	/*
	 * What spans hold at the end is unfinished: session_report_losses() counts it. What
	 * packs remember is nobody's business.
	 */
	for (size_t i = 0; i < s->image->nmaps; i++)
		if (!s->image->maps[i]->is_span && !s->image->maps[i]->is_pack)
			maps[n++] = s->image->maps[i];
	qsort(maps, n, sizeof(*maps), compare_names);
	s->sink->at_end = true;
	for (size_t i = 0; i < n; i++)
		print_map(s, &(struct print_job){ .map = maps[i] }, false);
	sink_flush(s->sink);
}

/* The bytes of a key as programs make them. key: zeros. */
static void encode_keys(const struct map_info *map, const struct datum *keys,
			unsigned char *key)
{
	for (size_t i = 0; i < map->nkeys; i++) {
		datum_store(&keys[i], map->keys[i], key);
		key += type_size(map->keys[i]);
	}
}

void session_print_value(struct session *s, const struct datum *d, uint64_t div)
{
	struct arena *a = arena_new();
	struct datum divided =
		datum_divided(d, div, arena_alloc(a, type_size(d->type)));

	session_do_prints(s);
	s->sink->ops->values(s->sink, &divided, 1);
	arena_free(a);
}

/*
 * As reading an entry that is not there gives 0, so does printing one, if the aggregation
 * has a value before it was called.
 */
void session_print_entry(struct session *s, const struct map_info *map,
			 const struct datum *keys, uint64_t div)
{
	struct arena *a = arena_new();
	struct map_entry entry = { 0 };
	unsigned char *key = arena_alloc(a, map->key_size);
	bool show;
	int err;

	assert(map->agg && "programs read other values themselves");
	session_do_prints(s);
	if (map->has_keys)
		encode_keys(map, keys, key);
	err = map_read_entry(map, s->maps[map->index].fd, s->ncpus, a, key, &entry);
	if (err == -ENOENT)
		entry.value = arena_alloc(a, map->value_size);
	else if (err)
		complain(map, "read", err);
	show = entry.value &&
	       (!map->agg->agg->seen || map->agg->agg->seen(entry.value, &map->site));
	if (show) {
		s->sink->ops->map_begin(s->sink, NULL);
		show_value(s, map, entry.value, div, NULL);
		s->sink->ops->map_end(s->sink);
	}
	arena_free(a);
}

void session_clear_map(struct session *s, const struct map_info *map)
{
	struct live_map *live = &s->maps[map->index];
	int err;

	if (then_after_print(s, map, MAP_CLEAR))
		return;
	err = map->has_keys ? map_delete_all(map, live->fd)
			    : map_write_zero(map, live->fd, s->ncpus, false);
	if (!err && live->seats >= 0)
		err = seats_delete_all(live->seats);
	live->zeroed = false;
	if (err)
		complain(map, "clear", err);
}

void session_zero_map(struct session *s, const struct map_info *map)
{
	struct live_map *live = &s->maps[map->index];
	int err;

	if (then_after_print(s, map, MAP_ZERO))
		return;
	err = map_write_zero(map, live->fd, s->ncpus, true);
	if (!err && live->seats >= 0)
		err = seats_write_zero(live->seats);
	live->zeroed = true;
	if (err)
		complain(map, "set to zero", err);
}
