/* What did not reach the user: counted in the kernel, told at the end. */
#include "runtime/session_state.h"

#include <errno.h>
#include <inttypes.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "core/arena.h"
#include "runtime/map_read.h"
#include "runtime/sink.h"
#include "runtime/symbols.h"

/*
 * Completes "lost N ...": what was lost, for one of them, and the rest of the text. Spans
 * that were under way when memql began or ended had to be left out: nothing is wrong.
 */
struct what {
	const char *noun, *rest;
	bool left_out;
};

/* subject: what it is of, if it is of anything. */
static struct what of(struct arena *a, const char *noun, const char *subject,
		      const char *why)
{
	return (struct what){
		.noun = noun,
		.rest = subject ? arena_printf(a, " of %s: %s", subject, why)
				: arena_printf(a, ": %s", why),
	};
}

/* What an unnamed one is of, if it is of anything; why it was lost. */
static const struct {
	const char *noun, *unnamed, *why;
	bool by_itself; /* whose it was says nothing */
	bool left_out;
} kinds[LOSS_COUNT] = {
	[LOSS_RING_FULL] = { "event", "the program",
			     "the ring buffer was full, --ring-size makes it larger" },
	[LOSS_MAP_FULL] = { "update", "a map",
			    "the map was full, config = { max_map_keys = N } makes it "
			    "larger" },
	[LOSS_STRING_READ] = { "string", "the program", "memory could not be read" },
	[LOSS_MEMORY_READ] = { "value", NULL, "memory could not be read" },
	[LOSS_SCRATCH] = { "whole event", NULL,
			   "there was no working memory for the program",
			   .by_itself = true },
	[LOSS_STACK] = { "stack", "the program", "no more different ones can be kept" },
	[LOSS_REFUSED] = { "call", "a function", "refused by the kernel" },
	[LOSS_CONTENTION] = { "update", "a minimum or maximum",
			      "others were under way" },
	[LOSS_DIVISION] = { "quotient", NULL, "the divisor was 0, and so is the result",
			    .by_itself = true },
	[LOSS_SPAN_BEFORE] = { "span", "a map", "begun before memql was there",
			       .left_out = true },
	[LOSS_SPAN_AGAIN] = { "span", "a map", "begun again before it was done" },
	[LOSS_SPAN_DROPPED] = { "span", "a map", "dropped before it was done" },
	[LOSS_LOOP] = { "loop", NULL, "more turns than the kernel allows (8388608)",
			.by_itself = true },
};

static struct what describe(struct arena *a, const struct image_loss *loss)
{
	const char *subject = loss->subject ? loss->subject : kinds[loss->kind].unnamed;

	struct what what =
		of(a, kinds[loss->kind].noun,
		   kinds[loss->kind].by_itself ? NULL : subject, kinds[loss->kind].why);

	what.left_out = kinds[loss->kind].left_out;
	return what;
}

/* line 0: of no line. */
static bool tell(struct session *s, uint64_t count, struct what what, const char *file,
		 uint32_t line)
{
	const char *where = s->image->source_name, *text;

	if (!count)
		return false;
	if (line)
		where = arena_printf(s->arena, "%s:%" PRIu32, file, line);
	text = arena_printf(s->arena, "%s%s%s", what.noun, count == 1 ? "" : "s",
			    what.rest);
	if (what.left_out)
		s->sink->ops->left_out(s->sink, count, text, where);
	else
		s->sink->ops->lost(s->sink, count, text, where);
	return true;
}

static bool report_counters(struct session *s)
{
	uint64_t *cells = ARENA_ARRAY(s->arena, uint64_t, s->ncpus);
	const struct what unread = { "count", " of lost events: it could not be read" };
	bool any = false;

	if (s->loss_fd < 0)
		return false;
	for (uint32_t i = 0; i < s->image->nlosses; i++) {
		const struct image_loss *loss = &s->image->losses[i];
		uint64_t count = 0;

		if (bpf_map_lookup_elem(s->loss_fd, &i, cells)) {
			any |= tell(s, 1, unread, loss->file, loss->line);
			continue;
		}
		for (unsigned cpu = 0; cpu < s->ncpus; cpu++)
			count += cells[cpu];
		any |= tell(s, count, describe(s->arena, loss), loss->file, loss->line);
	}
	return any;
}

/*
 * The kernel does not start a program on a CPU that is inside another of the same
 * family, or inside itself: a tracepoint hit by a helper, a probe in an interrupt.
 */
static bool report_recursion(struct session *s)
{
	bool any = false;

	for (size_t i = 0; i < s->image->nprograms; i++) {
		const struct image_program *p = &s->image->programs[i];
		struct bpf_prog_info info = { 0 };
		uint32_t size = sizeof(info);

		if (bpf_obj_get_info_by_fd(bpf_program__fd(s->programs[i]), &info,
					   &size))
			continue;
		if (!info.recursion_misses)
			continue;
		any |= tell(s, info.recursion_misses,
			    of(s->arena, "event", p->point,
			       "that CPU was already in a program"),
			    p->file, p->line);
	}
	return any;
}

struct report {
	struct session *s;
	bool any;
};

static void report_symbols(uint64_t count, const char *noun, const char *rest,
			   void *arg)
{
	struct report *r = arg;

	r->any |= tell(r->s, count, (struct what){ noun, rest }, NULL, 0);
}

/* What spans have seen begin, and nobody has seen end. */
static bool report_open_spans(struct session *s)
{
	bool any = false;

	for (size_t i = 0; i < s->image->nmaps; i++) {
		const struct map_info *map = s->image->maps[i];
		int64_t n = map->is_span ? map_count(map, s->maps[i].fd) : 0;
		struct what what =
			of(s->arena, "span", map->name, "not done when memql ended");

		what.left_out = true;
		if (n > 0)
			any |= tell(s, (uint64_t)n, what, NULL, 0);
	}
	return any;
}

/* Packets for which there was no room, or no file. */
static bool report_captures(struct session *s)
{
	bool any = false;

	for (size_t i = 0; i < s->captures.n; i++) {
		const struct capture *c = &s->captures.items[i];

		any |= tell(s, c->lost,
			    of(s->arena, "packet", c->action->text,
			       "they could not be written"),
			    NULL, 0);
	}
	return any;
}

bool session_report_losses(struct session *s)
{
	const struct what missed = {
		"event",
		" of kprobes: the kernel was in another one, or could not "
		"remember more calls until they return (fexit has no such limit)"
	};
	const struct what malformed = {
		"event", ": memql did not understand its own record, which is a bug"
	};
	struct report symbols = { .s = s };
	bool any = report_counters(s);

	any |= report_open_spans(s);
	any |= report_captures(s);

	symbols_losses(s->symbolizer, report_symbols, &symbols);
	any |= symbols.any;

	any |= report_recursion(s);
	any |= tell(s, s->missed, missed, NULL, 0);
	any |= tell(s, s->malformed, malformed, NULL, 0);
	return any;
}
