/*
 * tseries(n, interval, count[, way]): what n was in each of the last intervals.
 *
 * A cell is a lock and a ring of slots { interval, value, more }. An interval's number is
 * the time of day by its length, plus 1, so that 0 is an empty slot; it has the slot of
 * its remainder by their count. The first value of an interval takes the slot over.
 *
 * Each CPU has cells of its own. Where programs can be preempted, two may meet in one all
 * the same: then one has the lock, and the other's value is counted as lost.
 */
#include <string.h>

#include "builtins/builtin.h"
#include "codegen/emit.h"
#include "core/arena.h"
#include "runtime/sink.h"
#include "sema/sema.h"

enum { LOCK, FIRST_SLOT };                          /* words of a cell */
enum { INTERVAL, VALUE, MORE, SLOT_WORDS };         /* of a slot */
enum { ARG_VALUE, ARG_LENGTH, ARG_COUNT, ARG_WAY }; /* parameters */
enum { COUNT_MAX = 1000 };

enum way { WAY_LAST, WAY_AVG, WAY_MAX, WAY_MIN, WAY_SUM };

static const char *const ways[] = { "last", "avg", "max", "min", "sum", NULL };

static uint64_t slots_of(const struct agg_site *site)
{
	return (uint64_t)site->lit[ARG_COUNT];
}

static size_t series_size(const struct agg_site *site)
{
	return (FIRST_SLOT + slots_of(site) * SLOT_WORDS) * sizeof(uint64_t);
}

static bool series_check(struct sema *s, struct node *call)
{
	struct node *way = call_arg(call, ARG_WAY);
	int which;

	if (!way || call->call.data)
		return true;
	which = call_word(s, call, ARG_WAY, ways);
	if (which < 0)
		return false;
	way->kind = NODE_INT;
	memset(&way->integer, 0, sizeof(way->integer));
	way->integer.value = (uint64_t)which;
	call->call.data = (void *)ways; /* the word was read */
	s->changed = true;
	return true;
}

/* In the kernel. */

static struct value value_after(struct emit *e, enum way way, struct value fresh,
				struct value old, struct value v, bool is_signed)
{
	enum op better = way == WAY_MIN ? OP_LT : OP_GT;

	switch (way) {
	case WAY_LAST:
		return v;
	case WAY_AVG:
	case WAY_SUM:
		old = emit_select(e, fresh, emit_int(e, 0), old);
		return emit_op(e, OP_ADD, old, v, false);
	case WAY_MIN:
	case WAY_MAX:
		old = emit_select(e, fresh, v, old);
		return emit_select(e, emit_op(e, better, v, old, is_signed), v, old);
	}
	return v;
}

/* Of an average how many values, of the last when it was. */
static struct value more_after(struct emit *e, enum way way, struct value fresh,
			       struct value old, struct value now)
{
	if (way == WAY_LAST)
		return now;
	old = emit_select(e, fresh, emit_int(e, 0), old);
	return emit_op(e, OP_ADD, old, emit_int(e, 1), false);
}

static void series_update(struct emit *e, struct value cell, const struct node *call,
			  const struct agg_site *site)
{
	enum way way = (enum way)site->lit[ARG_WAY];
	uint64_t n = slots_of(site);
	struct value v = emit_arg(e, call, ARG_VALUE), now, interval, slot, fresh, word;
	struct branch locked;

	now = emit_op(e, OP_ADD, emit_helper(e, HELPER_KTIME_GET_BOOT_NS, 0),
		      emit_setting(e, SETTING_WALL_OFFSET), false);
	interval = emit_op(e, OP_DIV, now, emit_int(e, site->lit[ARG_LENGTH]), false);
	interval = emit_op(e, OP_ADD, interval, emit_int(e, 1), false);
	slot = emit_op(e, OP_MOD, interval, emit_int(e, (int64_t)n), false);
	slot = emit_op(e, OP_MUL, slot, emit_int(e, SLOT_WORDS * 8), false);
	slot = emit_bounded(e, slot, (n - 1) * SLOT_WORDS * 8);
	locked = emit_cell_lock(e, cell, call->span);
	slot = emit_at(e, emit_at(e, cell, emit_int(e, FIRST_SLOT * 8)), slot);
	fresh = emit_op(e, OP_NE, emit_load(e, slot, INTERVAL * 8, 8, false), interval,
			false);
	word = emit_load(e, slot, VALUE * 8, 8, false);
	emit_store(e, slot, VALUE * 8,
		   value_after(e, way, fresh, word, v, site->is_signed), 8);
	word = emit_load(e, slot, MORE * 8, 8, false);
	emit_store(e, slot, MORE * 8, more_after(e, way, fresh, word, now), 8);
	emit_store(e, slot, INTERVAL * 8, interval, 8);
	emit_cell_unlock(e, cell, &locked);
}

/* In user space. */

static bool is_less(uint64_t a, uint64_t b, bool is_signed)
{
	return is_signed ? (int64_t)a < (int64_t)b : a < b;
}

/* What two CPUs have of one interval. */
static void join_slots(uint64_t *to, const uint64_t *from, const struct agg_site *site)
{
	switch ((enum way)site->lit[ARG_WAY]) {
	case WAY_LAST:
		if (from[MORE] < to[MORE])
			return;
		to[VALUE] = from[VALUE];
		to[MORE] = from[MORE];
		return;
	case WAY_AVG:
	case WAY_SUM:
		to[VALUE] += from[VALUE];
		to[MORE] += from[MORE];
		return;
	case WAY_MAX:
		if (is_less(to[VALUE], from[VALUE], site->is_signed))
			to[VALUE] = from[VALUE];
		return;
	case WAY_MIN:
		if (is_less(from[VALUE], to[VALUE], site->is_signed))
			to[VALUE] = from[VALUE];
		return;
	}
}

static void series_combine(void *into, const void *cell, const struct agg_site *site)
{
	const uint64_t *from = (const uint64_t *)cell + FIRST_SLOT;
	uint64_t *to = (uint64_t *)into + FIRST_SLOT;

	for (uint64_t i = 0; i < slots_of(site); i++) {
		if (from[INTERVAL] > to[INTERVAL])
			memcpy(to, from, SLOT_WORDS * sizeof(*to));
		else if (from[INTERVAL] && from[INTERVAL] == to[INTERVAL])
			join_slots(to, from, site);
		from += SLOT_WORDS;
		to += SLOT_WORDS;
	}
}

static const uint64_t *slot_at(const void *cell, uint64_t interval,
			       const struct agg_site *site)
{
	return (const uint64_t *)cell + FIRST_SLOT +
	       interval % slots_of(site) * SLOT_WORDS;
}

static uint64_t latest(const void *cell, const struct agg_site *site)
{
	uint64_t last = 0;

	for (uint64_t i = 0; i < slots_of(site); i++) {
		const uint64_t *slot = slot_at(cell, i, site);

		if (slot[INTERVAL] > last)
			last = slot[INTERVAL];
	}
	return last;
}

static bool series_seen(const void *cell, const struct agg_site *site)
{
	return latest(cell, site) != 0;
}

static int64_t quotient(uint64_t n, uint64_t by, bool is_signed)
{
	if (is_signed && (int64_t)n < 0)
		return -(int64_t)((-n) / by);
	return (int64_t)(n / by);
}

static int64_t slot_value(const uint64_t *slot, const struct agg_site *site)
{
	uint64_t n = slot[VALUE];

	if (site->lit[ARG_WAY] == WAY_AVG && slot[MORE])
		return quotient(n, slot[MORE], site->is_signed);
	return (int64_t)n;
}

/* The latest value. */
static int64_t series_sort_key(const void *cell, const struct agg_site *site)
{
	uint64_t last = latest(cell, site);

	return last ? slot_value(slot_at(cell, last, site), site) : 0;
}

/* From the first interval that has a value to the last; between them, some may not. */
static void series_render(struct sink *out, const void *cell,
			  const struct agg_site *site, uint64_t div)
{
	uint64_t last = latest(cell, site), n = slots_of(site), i;
	uint64_t first = last >= n ? last - n + 1 : 1;
	uint64_t length = (uint64_t)site->lit[ARG_LENGTH];
	struct arena *a = arena_new();
	struct point *points = ARENA_ARRAY(a, struct point, n);
	struct series series = {
		.points = points,
		.length = length,
		.is_signed = site->is_signed,
		.unit = div == 1 ? site->unit : UNIT_NONE,
	};

	while (first < last && slot_at(cell, first, site)[INTERVAL] != first)
		first++;
	for (i = first; last && i <= last; i++) {
		const uint64_t *slot = slot_at(cell, i, site);
		struct point *p = &points[series.n++];

		p->start = (i - 1) * length;
		p->seen = slot[INTERVAL] == i;
		p->value = quotient((uint64_t)slot_value(slot, site), div,
				    site->is_signed);
	}
	out->ops->series(out, &series);
	arena_free(a);
}

static const struct agg_ops series_ops = {
	.own_cells = true,
	.cell_size = series_size,
	.update = series_update,
	.combine = series_combine,
	.seen = series_seen,
	.sort_key = series_sort_key,
	.render = series_render,
};

const struct builtin series_builtins[] = {
	{
		.name = "tseries",
		.kind = BUILTIN_AGG,
		.returns = { .kind = TYPE_INT, .size = 8, .is_signed = true },
		.params = {
			{ .name = "n", .type = TYPE_INT },
			{ .name = "interval", .type = TYPE_INT, .flags = PARAM_LITERAL,
			  .min = 1, .max = INT64_MAX },
			{ .name = "count", .type = TYPE_INT, .flags = PARAM_LITERAL,
			  .min = 1, .max = COUNT_MAX },
			{ .name = "way", .type = TYPE_ANY,
			  .flags = PARAM_LITERAL | PARAM_OPTIONAL },
		},
		.check = series_check,
		.summary = "n over time, in intervals",
		.doc = "Keeps the last `count` intervals of so many nanoseconds: write 100ms or "
		       "1s. The way says what becomes of several values in one: `\"last\"` (the "
		       "default), `\"sum\"`, `\"min\"`, `\"max\"` or `\"avg\"`. Intervals begin "
		       "at full multiples by the time of day. A key takes 24 bytes for "
		       "each interval on each CPU.",
		.example = "tracepoint:syscalls:sys_exit_read /args.ret > 0/ "
			   "{ @bytes = tseries(args.ret, 1s, 10, \"sum\"); }",
		.agg = &series_ops,
	},
	{ 0 },
};
