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

/* Completes "lost N ...". */
static const char *describe(struct arena *a, const struct image_loss *loss)
{
	const char *subject = loss->subject;

	switch (loss->kind) {
	case LOSS_RING_FULL:
		return arena_printf(a,
				    "events of %s: the ring buffer was full, "
				    "--ring-size makes it larger",
				    subject ? subject : "the program");
	case LOSS_MAP_FULL:
		return arena_printf(a,
				    "updates of %s: the map was full, "
				    "config = { max_map_keys = N } makes it larger",
				    subject ? subject : "a map");
	case LOSS_STRING_READ:
		return arena_printf(a, "strings of %s: their memory could not be read",
				    subject ? subject : "the program");
	case LOSS_MEMORY_READ:
		return arena_printf(a, "values%s%s: their memory could not be read",
				    subject ? " of " : "", subject ? subject : "");
	case LOSS_SCRATCH:
		return "whole events: there was no working memory for the program";
	case LOSS_STACK:
		return arena_printf(a,
				    "stacks of %s: no more different ones can be kept",
				    subject ? subject : "the program");
	case LOSS_REFUSED:
		return arena_printf(a, "calls of %s: the kernel refused them",
				    subject ? subject : "a function");
	case LOSS_CONTENTION:
		return arena_printf(a, "updates of %s: others were under way",
				    subject ? subject : "a minimum or maximum");
	case LOSS_DIVISION:
		return "quotients: the divisor was 0, and so is the result";
	case LOSS_SPAN_BEFORE:
		return arena_printf(a, "spans of %s: they began before memql did",
				    subject ? subject : "a map");
	case LOSS_SPAN_AGAIN:
		return arena_printf(
			a, "spans of %s: they began again before they were done",
			subject ? subject : "a map");
	case LOSS_SPAN_DROPPED:
		return arena_printf(
			a, "spans of %s: they were dropped before they were done",
			subject ? subject : "a map");
	case LOSS_LOOP:
		return "loops: they had more turns than the kernel allows (8388608)";
	case LOSS_COUNT:
		break;
	}
	return "events";
}

/* line 0: of no line. */
static bool tell(struct session *s, uint64_t count, const char *what, const char *file,
		 uint32_t line)
{
	const char *where = s->image->source_name;

	if (!count)
		return false;
	if (line)
		where = arena_printf(s->arena, "%s:%" PRIu32, file, line);
	s->sink->ops->lost(s->sink, count, what, where);
	return true;
}

static bool report_counters(struct session *s)
{
	uint64_t *cells = ARENA_ARRAY(s->arena, uint64_t, s->ncpus);
	bool any = false;

	if (s->loss_fd < 0)
		return false;
	for (uint32_t i = 0; i < s->image->nlosses; i++) {
		const struct image_loss *loss = &s->image->losses[i];
		uint64_t count = 0;

		if (bpf_map_lookup_elem(s->loss_fd, &i, cells)) {
			any |= tell(s, 1, "count of lost events: it could not be read",
				    loss->file, loss->line);
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
		const char *what;

		if (bpf_obj_get_info_by_fd(bpf_program__fd(s->programs[i]), &info,
					   &size))
			continue;
		if (!info.recursion_misses)
			continue;
		what = arena_printf(s->arena,
				    "events of %s: that CPU was already in a program",
				    p->point);
		any |= tell(s, info.recursion_misses, what, p->file, p->line);
	}
	return any;
}

struct report {
	struct session *s;
	bool any;
};

static void report_symbols(uint64_t count, const char *what, void *arg)
{
	struct report *r = arg;

	r->any |= tell(r->s, count, what, NULL, 0);
}

/* What spans have seen begin, and nobody has seen end. */
static bool report_open_spans(struct session *s)
{
	bool any = false;

	for (size_t i = 0; i < s->image->nmaps; i++) {
		const struct map_info *map = s->image->maps[i];
		int64_t n = map->is_span ? map_count(map, s->maps[i].fd) : 0;

		if (n > 0)
			any |= tell(s, (uint64_t)n,
				    arena_printf(s->arena,
						 "spans of %s: they were not done when "
						 "memql ended",
						 map->name),
				    NULL, 0);
	}
	return any;
}

bool session_report_losses(struct session *s)
{
	struct report symbols = { .s = s };
	bool any = report_counters(s);

	any |= report_open_spans(s);

	symbols_losses(s->symbolizer, report_symbols, &symbols);
	any |= symbols.any;

	any |= report_recursion(s);
	any |= tell(s, s->missed,
		    "events of kprobes: the kernel was in another one, or could not "
		    "remember more calls until they return (fexit has no such limit)",
		    NULL, 0);
	any |= tell(s, s->malformed,
		    "events: memql did not understand its own record, which is a bug",
		    NULL, 0);
	return any;
}
