/* What codegen hands to the runtime: plain data; no LLVM type, no syntax tree. */
#ifndef MEMQL_IMAGE_H
#define MEMQL_IMAGE_H

#include "codegen/emit.h"
#include "sema/plan.h"

/*
 * Names in the ELF file besides the maps of the program:
 *
 *	memql_ring	the ring buffer of records
 *	memql_loss	per-CPU array of uint64_t, one for each of image->losses
 *	memql_scratch	per-CPU array: working memory, one entry per program; only if used
 *	memql_task	task storage: the same for preemptible programs; only if used
 *	memql_threads	hash: the same by thread, where task storage is too small
 *	memql_stacks	struct stored_stack by its id; only if used
 *	memql_seatsN	arrays of struct image_seat, of maps[N]: see image_seats()
 *
 * and the constants of settings.def in .rodata.memql.
 */
/*
 * The section of programs that are loaded with the kernel's number of what they attach to:
 * see session_load_by_id(). libbpf does not know it.
 */
#define IMAGE_BY_ID "memql_by_id"

#define IMAGE_RING "memql_ring"
#define IMAGE_LOSS "memql_loss"
#define IMAGE_SCRATCH "memql_scratch"
#define IMAGE_TASK "memql_task"
#define IMAGE_THREADS "memql_threads"
#define IMAGE_STACKS "memql_stacks"

/*
 * A word in .bss that memql sets while it waits for events, and makes no system calls: then
 * whose event it is need not be asked. Only if programs read it.
 */
#define IMAGE_ASLEEP "memql_asleep"

/*
 * The array of seats beside a MAP_KEPT: what a thread has there whose number is the
 * element's but for the higher bits; see codegen/thread_entry.c. Entries of the hash map
 * have the first two words.
 */
struct image_seat {
	uint64_t value;
	uint64_t set;   /* IMAGE_SET; 0: the value is deleted, and 0 */
	uint64_t owner; /* the thread's number; 0: nobody's yet, or thread 0's */
};

enum {
	IMAGE_SEATS_MAX = 16384, /* a power of two */
	IMAGE_SET = 1 << 0,
	IMAGE_HASHED =
		1 << 1, /* an entry of the hash map, for as long as it is there */
};

/* Its name: what is in the room for it. */
enum { IMAGE_NAME_MAX = 24 };
const char *image_seats(char room[IMAGE_NAME_MAX], const struct map_info *map);

/* The symbol of a setting, as the linker sees it. */
static inline const char *setting_symbol(enum setting s)
{
	static const char *const symbols[] = {
#define SETTING(name, symbol, bytes, initial) [SETTING_##name] = (symbol),
#include "codegen/settings.def"
#undef SETTING
	};

	return symbols[s];
}

/*
 * The kernel's name of a function that it exports to programs without making it a helper;
 * NULL: it is a helper. Its number is our own: the kernel's is another one in each build.
 */
static inline const char *kernel_function(int number)
{
	switch (number) {
	case HELPER_PREEMPT_DISABLE:
		return "bpf_preempt_disable";
	case HELPER_PREEMPT_ENABLE:
		return "bpf_preempt_enable";
	}
	return NULL;
}

/*
 * A record in the ring buffer: this header, for a timed action CLOCK_BOOTTIME in
 * nanoseconds, one word per argument (the number, or for a value in memory its length in
 * bytes, without a string's NUL), then the values in memory that are no strings, in order,
 * each type_size() bytes, and last the strings' bytes without NULs, in order.
 */
struct record {
	uint32_t action; /* index of image->actions */
	uint32_t unused;
	uint64_t words[];
};

/* How many words are before those of its arguments. */
static inline size_t record_times(const struct action_info *action)
{
	return action->builtin->action && action->builtin->action->timed;
}

/* A stack: so many bytes of frames, the innermost first. */
struct stored_stack {
	uint64_t bytes;
	unsigned char frames[];
};

struct image_program {
	const char *symbol; /* ELF function */
	const char *point;  /* the attach point as written */
	const struct probe_kind *kind;
	const struct probe_site *sites;
	size_t nsites;
	bool sleepable;
	bool demoted;     /* it could sleep, but for the stack it needs */
	bool of_engine;   /* a pack's: what has gone meanwhile is no mistake */
	const char *file; /* of the attach point, and its line */
	uint32_t line;
};

/* One counter of memql_loss. */
struct image_loss {
	enum loss_kind kind;
	const char *subject; /* the map's or builtin's name, or NULL */
	const char *file;
	uint32_t line;
};

struct image {
	const void *elf;
	size_t elf_size;
	size_t stack_bytes; /* of a struct stored_stack */
	size_t max_cat_bytes;
	bool names_user; /* addresses of programs are shown by name */
	const char *source_name;
	enum missing_probes missing_probes; /* of sites that cannot be attached to */
	const struct map_info *const *maps;
	size_t nmaps;
	const struct action_info *const *actions; /* indexed by record.action */
	size_t nactions;
	const struct image_program *programs;
	size_t nprograms;
	const struct image_loss *losses;
	size_t nlosses;
	bool maps_at_end;         /* maps are printed when the program ends */
	const char *const *names; /* texts of TYPE_NAME */
	size_t nnames;
	const char *ir, *bpf;              /* iff options.keep_ir */
	const char *c;                     /* iff options.as_c */
	const struct explained *explained; /* iff options.explain */
};

#endif
