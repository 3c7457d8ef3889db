/* Load an image to see what the kernel says of it. */
#ifndef MEMQL_INSPECT_H
#define MEMQL_INSPECT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct image;

struct inspected_program {
	bool loaded, refused;  /* neither: the kernel was not asked, or failed */
	const char *log;       /* all that the verifier wrote, or "" */
	uint32_t insns;        /* after the kernel has rewritten it: units of 8 bytes */
	uint32_t jit_bytes;    /* 0: the kernel hides it, or has no compiler */
	uint32_t verified;     /* instructions that the verifier followed; 0: unknown */
	uint64_t runs, run_ns; /* if it ran */
};

struct inspected_map {
	const char *name;
	uint64_t memory; /* bytes; 0: unknown */
};

struct inspection {
	int err; /* 0, or what loading ended with: -EPERM without the right to load */
	struct inspected_program *programs; /* by index in image->programs */
	struct inspected_map *maps;         /* all of the object's */
	size_t nmaps;
};

/* How long it shall run, on top; and of what process. */
struct inspect_run {
	double seconds;              /* 0: it is not attached. Then: how long it did */
	int32_t pid;                 /* 0: all */
	volatile sig_atomic_t *stop; /* not 0: it shall end now; NULL: nobody asks */
	int err; /* then: -errno if the kernel does not count, and nothing ran */
};

/*
 * Everything is unloaded again; what is said of it is in the arena. What a program that runs
 * prints goes nowhere; the kernel counts how often it runs and for how long.
 */
void inspect_image(struct arena *a, const struct image *img, struct inspect_run *run,
		   struct inspection *out);

/* The kind of program that a section's name stands for: "tracepoint". */
const char *inspect_program_type(const char *section);

#endif
