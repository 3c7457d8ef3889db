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
 *	memql_self	uint32_t in .rodata: memql's own process id, set before loading;
 *			programs of system-wide probes leave at once in that process
 *	memql_start	uint64_t in .rodata: CLOCK_BOOTTIME nanoseconds just before loading,
 *			set like memql_self; only if elapsed is used
 *	memql_wake	uint64_t in .rodata: the reader is woken once more bytes than these
 *			wait in the ring; a quarter of IMAGE_RING_BYTES unless set
 *
 * These constants are in a section .rodata.memql, each only if a program uses it.
 */
#define IMAGE_RING "memql_ring"
#define IMAGE_LOSS "memql_loss"
#define IMAGE_SCRATCH "memql_scratch"
#define IMAGE_TASK "memql_task"
#define IMAGE_SELF "memql_self"
#define IMAGE_START "memql_start"
#define IMAGE_WAKE "memql_wake"

enum { IMAGE_RING_BYTES = 256 << 10 }; /* size of memql_ring unless it is changed */

/*
 * A record in the ring buffer: this header, one word per argument (the number, or for a
 * value in memory its length in bytes, without a string's NUL), then the values in memory
 * that are no strings, in order, each type_size() bytes, and last the strings' bytes
 * without NULs, in order.
 */
struct record {
	uint32_t action; /* index of image->actions */
	uint32_t cpu;
	uint64_t time; /* CLOCK_BOOTTIME, nanoseconds */
	uint64_t words[];
};

struct image_program {
	const char *symbol; /* ELF function */
	const char *point;  /* the attach point as written */
	const struct probe_kind *kind;
	const struct probe_site *sites;
	size_t nsites;
	bool sleepable;
	uint32_t line; /* of the attach point */
};

/* One counter of memql_loss. */
struct image_loss {
	enum loss_kind kind;
	const char *subject; /* the map's or builtin's name, or NULL */
	uint32_t line;
};

struct image {
	const void *elf;
	size_t elf_size;
	const char *source_name;
	const struct map_info *const *maps;
	size_t nmaps;
	const struct action_info *const *actions; /* indexed by record.action */
	size_t nactions;
	const struct image_program *programs;
	size_t nprograms;
	const struct image_loss *losses;
	size_t nlosses;
	const char *const *names; /* texts of TYPE_NAME */
	size_t nnames;
	const char *ir, *bpf; /* iff options.keep_ir */
};

#endif
