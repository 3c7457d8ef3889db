/*
 * Fuzzing of the compiler, from text to image, on the fake machine: what front.c, which
 * needs nothing but a compiler with sanitizers, and guided.c, which needs libFuzzer, share.
 */
#ifndef MEMQL_FUZZ_H
#define MEMQL_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct target;

enum { FUZZ_INPUT_MAX = 64 << 10 };

struct fuzz_text {
	char *bytes;
	size_t len;
};

struct fuzz {
	struct target *target; /* of tests/fake_target.txt */
	char name[4096];       /* as if the inputs were in a file here: for imports */
	FILE *null;
	struct fuzz_text *items; /* programs to begin with */
	size_t n, cap;
	uint64_t state; /* of the random numbers; not 0 */

	/* The input: FUZZ_INPUT_MAX + 1 bytes of the caller's, NUL-terminated. */
	char *bytes;
	size_t len;
};

/*
 * tests: the project's folder of tests, for the machine and files to import. Ends the
 * process if it is not there. fuzz_close() frees what this and the functions below made.
 */
void fuzz_open(struct fuzz *f, const char *tests);
void fuzz_close(struct fuzz *f);

/* Each .mq and .bt below a folder is a program to begin with. */
void fuzz_add_folder(struct fuzz *f, const char *path);

/* A file, cut to FUZZ_INPUT_MAX / 4 bytes, in memory of FUZZ_INPUT_MAX + 1 bytes. */
struct fuzz_text fuzz_read(const char *path);

/* A random number from 0 to n - 1; 0 if n is 0. */
size_t fuzz_below(struct fuzz *f, size_t n);

/* The input becomes one of the programs; or is changed in one place. */
void fuzz_begin(struct fuzz *f);
void fuzz_change(struct fuzz *f);

/*
 * Compile the input. A crash, undefined behaviour, LLVM's refusal or more than a second
 * of CPU time end the process. Only some of the programs that are right go through LLVM, and
 * not all options are always given: which, depends on nothing but the text.
 */
void fuzz_try(const struct fuzz *f);

#endif
