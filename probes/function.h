/* Functions of user space, and the places in them where a probe can sit. */
#ifndef MEMQL_FUNCTION_H
#define MEMQL_FUNCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct compile;
struct target;

struct function {
	const char *name;
	uint64_t address; /* as linked */
	uint64_t offset;  /* in the file */
	uint64_t size;    /* bytes; 0: unknown */
};

/* The function that an address is in; its name is NULL if there is none. 0 or -errno. */
int function_around(struct compile *cc, const char *path, uint64_t address,
		    struct function *out);

/* Where a probe costs less than at its start; see arch.cheaper. */
size_t function_cheaper(const struct target *t, const char *path,
			const struct function *f);

/* How many bytes of its start a probe does well to skip; see arch.entry_skip. */
size_t function_skip_entry(const struct target *t, const char *path,
			   const struct function *f);

/*
 * False if the place is surely within an instruction: a probe would overwrite a part of
 * it, and the program would run something else. *before is set to where that instruction
 * begins, *after to where the next one does: bytes from the function's start.
 */
bool function_begins_insn(const struct target *t, const char *path,
			  const struct function *f, uint64_t within, uint64_t *before,
			  uint64_t *after);

#endif
