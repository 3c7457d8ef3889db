/* Stacks and symbols of a session: resolver.h over its map of stacks and symbols.h. */
#include "runtime/resolver.h"

#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "core/arena.h"
#include "runtime/gfp.h"
#include "runtime/session_state.h"
#include "runtime/sink.h"
#include "runtime/symbols.h"

struct session_resolver {
	struct resolver base; /* first: the port is a pointer to it */
	struct symbols *symbols;
	int stacks_fd; /* -1: no program takes any */
	struct stored_stack *stored;
	size_t size; /* of stored */
	struct arena *arena;
	struct gfp_flags gfp; /* once somebody has asked */
	bool knows_gfp;
};

static struct session_resolver *resolver_of(struct resolver *r)
{
	return (struct session_resolver *)r;
}

static long read_stack(struct resolver *base, uint64_t id, void *frames, size_t size)
{
	struct session_resolver *r = resolver_of(base);
	size_t have;

	if (r->stacks_fd < 0 || bpf_map_lookup_elem(r->stacks_fd, &id, r->stored))
		return -1;
	have = r->stored->bytes;
	if (have > r->size - sizeof(*r->stored))
		return -1;
	memcpy(frames, r->stored->frames, have < size ? have : size);
	return (long)(have < size ? have : size);
}

/*
 * Where the kernel has no registers of what was probed, a stack begins with the program
 * itself and what called it: bpf_trace_run2, __bpf_trace_sched_switch, __traceiter_...
 */
static bool is_bpf(struct resolver *base, uint64_t address)
{
	static const char *const prefixes[] = { "bpf_prog_",     "bpf_trampoline_",
						"bpf_trace_run", "__bpf_trace_",
						"__traceiter_",  "bpf_get_stack" };
	struct symbol symbol;

	if (!address)
		return true; /* see codegen/stack.c */
	if (!symbols_kernel(resolver_of(base)->symbols, address - 1, &symbol))
		return false;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(symbol.name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

static unsigned show_of(unsigned flags)
{
	unsigned show = 0;

	if (flags & RESOLVE_OFFSET)
		show |= SYMBOLS_OFFSET;
	if (flags & RESOLVE_FILE)
		show |= SYMBOLS_FILE;
	if (flags & RESOLVE_RETURN)
		show |= SYMBOLS_RETURN;
	return show;
}

static void add_kernel(struct resolver *r, struct text *out, uint64_t address,
		       unsigned flags)
{
	symbols_add_kernel(resolver_of(r)->symbols, out, address, show_of(flags));
}

static void add_user(struct resolver *r, struct text *out, int32_t pid,
		     uint64_t address, unsigned flags)
{
	symbols_add_user(resolver_of(r)->symbols, out, pid, address, show_of(flags));
}

static void add_gfp(struct resolver *base, struct text *out, uint64_t flags)
{
	struct session_resolver *r = resolver_of(base);

	if (!r->knows_gfp)
		r->gfp = gfp_read(r->arena);
	r->knows_gfp = true;
	gfp_add(out, &r->gfp, flags);
}

void resolver_open(struct session *s, int32_t pid)
{
	struct session_resolver *r = ARENA_NEW(s->arena, struct session_resolver);
	struct bpf_map *stacks = bpf_object__find_map_by_name(s->object, IMAGE_STACKS);

	s->symbolizer = symbols_open(NULL);
	if (s->image->names_user)
		symbols_track_start(s->symbolizer, pid);
	*r = (struct session_resolver){
		.base = { .stack = read_stack,
			  .is_bpf = is_bpf,
			  .add_kernel = add_kernel,
			  .add_user = add_user,
			  .add_gfp = add_gfp },
		.arena = s->arena,
		.symbols = s->symbolizer,
		.stacks_fd = stacks ? bpf_map__fd(stacks) : -1,
		.size = s->image->stack_bytes,
	};
	r->stored = arena_alloc(s->arena, r->size);
	s->resolver = r;
	s->sink->resolver = &r->base;
}

void resolver_poll(struct session *s)
{
	if (s->image->names_user)
		symbols_track_poll(s->symbolizer);
}

void resolver_close(struct session *s)
{
	symbols_close(s->symbolizer);
	if (s->sink)
		s->sink->resolver = NULL;
}
