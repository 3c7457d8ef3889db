/*
 * Reading, printing and clearing maps while programs go on updating them.
 *
 * A hash is read with batch lookups: whole buckets under their locks, so that no entry
 * is seen twice or missed because another is deleted. The older way, from key to next
 * key, starts over when the key it stands on is deleted; there the steps are limited
 * and repeated keys are dropped.
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
#include "runtime/map_read.h"
#include "runtime/sink.h"

enum { PRINTS_MOST = 64 }; /* that wait */

static struct datum decode(const struct type *type, const unsigned char *bytes)
{
	struct datum d = { .type = type };

	if (type->kind == TYPE_STR) {
		d.s = (const char *)bytes;
		d.len = strnlen(d.s, type->limit);
	} else {
		memcpy(&d.n, bytes, sizeof(d.n));
	}
	return d;
}

/* map->nkeys datums, in room for that many. */
static void decode_keys(const struct map_info *map, const unsigned char *key,
			struct datum *keys)
{
	for (size_t i = 0; i < map->nkeys; i++) {
		keys[i] = decode(map->keys[i], key);
		key += type_size(map->keys[i]);
	}
}

/* What orders the values of a map: numbers so that unsigned comparison is right. */
static uint64_t numeric_order(const struct map_info *map, const void *value)
{
	const uint64_t sign = UINT64_C(1) << 63;
	uint64_t n;

	if (map->agg)
		return (uint64_t)map->agg->agg->sort_key(value, &map->site) ^ sign;
	if (map->value->kind == TYPE_STR || map->value->kind == TYPE_NAME)
		return 0; /* by their text */
	memcpy(&n, value, sizeof(n));
	return map->value->kind == TYPE_INT && map->value->is_signed ? n ^ sign : n;
}

struct order {
	const struct session *s;
	const struct map_info *map;
};

static int compare_strings(const struct datum *a, const struct datum *b)
{
	int c = memcmp(a->s, b->s, a->len < b->len ? a->len : b->len);

	return c ? c : (a->len > b->len) - (a->len < b->len);
}

static const char *name_text(const struct session *s, uint64_t n)
{
	return n < s->image->nnames ? s->image->names[n] : "";
}

static int compare_datums(const struct session *s, const struct datum *a,
			  const struct datum *b)
{
	if (a->type->kind == TYPE_STR)
		return compare_strings(a, b);
	if (a->type->kind == TYPE_NAME)
		return strcmp(name_text(s, a->n), name_text(s, b->n));
	if (a->type->kind == TYPE_INT && a->type->is_signed)
		return ((int64_t)a->n > (int64_t)b->n) -
		       ((int64_t)a->n < (int64_t)b->n);
	return (a->n > b->n) - (a->n < b->n);
}

/* By value; equal ones by their keys, so that output does not depend on hashing. */
static int compare_entries(const void *x, const void *y, void *arg)
{
	const struct map_entry *a = x, *b = y;
	const struct order *o = arg;
	const unsigned char *ka = a->key, *kb = b->key;
	int c = (a->order > b->order) - (a->order < b->order);

	if (!c && o->map->value && !numeric_order(o->map, a->value)) {
		struct datum da = decode(o->map->value, a->value);
		struct datum db = decode(o->map->value, b->value);

		c = compare_datums(o->s, &da, &db);
	}
	for (size_t i = 0; !c && i < o->map->nkeys; i++) {
		struct datum da = decode(o->map->keys[i], ka);
		struct datum db = decode(o->map->keys[i], kb);

		c = compare_datums(o->s, &da, &db);
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

static void show_value(struct session *s, const struct map_info *map,
		       const unsigned char *value, uint64_t div)
{
	struct datum d;

	if (map->agg) {
		map->agg->agg->render(s->sink, value, &map->site, div);
		return;
	}
	d = decode(map->value, value);
	if (d.type->kind == TYPE_INT && div > 1)
		d.n = d.type->is_signed ? (uint64_t)((int64_t)d.n / (int64_t)div)
					: d.n / div;
	sink_datum(s->sink, &d);
}

static void show_entries(struct session *s, const struct map_info *map,
			 const struct map_entry *entries, size_t n, uint64_t div,
			 struct datum *keys)
{
	s->sink->ops->map_begin(s->sink, map);
	for (size_t i = 0; i < n; i++) {
		if (map->has_keys) {
			decode_keys(map, entries[i].key, keys);
			s->sink->ops->keys(s->sink, keys, map->nkeys);
		}
		show_value(s, map, entries[i].value, div);
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
	int fd = s->maps[map->index].fd, err;

	if (then == MAP_KEEP)
		return map_read(map, fd, s->ncpus, a, out);
	err = map_take(map, fd, s->ncpus, then == MAP_ZERO, a, out);
	if (!err && then == MAP_ZERO && map->has_keys)
		err = map_insert_zero(map, fd, s->ncpus, out);
	return err;
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
		out->items[n].order = numeric_order(map, out->items[n].value);
		n++;
	}
	out->n = n;
	if (n)
		qsort_r(out->items, n, sizeof(*out->items), compare_entries, &order);
}

static void print_map(struct session *s, const struct print_job *job,
		      bool even_if_empty)
{
	const struct map_info *map = job->map;
	struct arena *a = arena_new();
	struct map_entries entries = { 0 };
	size_t first = 0;

	read_sorted(s, map, job->then, a, &entries);
	if (job->top && job->top < entries.n)
		first = entries.n - job->top;
	if (entries.n || (even_if_empty && map->has_keys))
		show_entries(s, map, entries.items + first, entries.n - first,
			     job->div ? job->div : 1,
			     ARENA_ARRAY(a, struct datum, map->nkeys));
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
	size_t n = s->image->nmaps;
	const struct map_info **maps =
		ARENA_ARRAY(s->arena, const struct map_info *, n);

	for (size_t i = 0; i < n; i++)
		maps[i] = s->image->maps[i];
	qsort(maps, n, sizeof(*maps), compare_names);
	for (size_t i = 0; i < n; i++)
		print_map(s, &(struct print_job){ .map = maps[i] }, false);
	sink_flush(s->sink);
}

/* The bytes of a key as programs make them: type_size() each, zeros after text. */
static void encode_keys(const struct map_info *map, const struct datum *keys,
			unsigned char *out)
{
	for (size_t i = 0; i < map->nkeys; i++) {
		const struct type *t = map->keys[i];
		const struct datum *d = &keys[i];

		if (t->kind == TYPE_STR)
			memcpy(out, d->s, d->len < t->limit ? d->len : t->limit);
		else
			memcpy(out, &d->n, sizeof(d->n));
		out += type_size(t);
	}
}

void session_print_entry(struct session *s, const struct map_info *map,
			 const struct datum *keys, uint64_t div)
{
	struct arena *a = arena_new();
	struct map_entry entry = { 0 };
	unsigned char *key = arena_alloc(a, map->key_size);
	int err;

	session_do_prints(s);
	if (map->has_keys)
		encode_keys(map, keys, key);
	err = map_read_entry(map, s->maps[map->index].fd, s->ncpus, a, key, &entry);
	if (err && err != -ENOENT)
		complain(map, "read", err);
	if (!err && has_value(s, map, entry.value))
		show_entries(s, map, &entry, 1, div ? div : 1,
			     ARENA_ARRAY(a, struct datum, map->nkeys));
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
	live->zeroed = true;
	if (err)
		complain(map, "set to zero", err);
}
