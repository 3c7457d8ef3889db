/* The kernel's verifier: what it said of a program, and what that means. */
#ifndef MEMQL_VERIFIER_H
#define MEMQL_VERIFIER_H

#include <stddef.h>
#include <stdint.h>

struct image;

/* The end of its log. */
struct verdict {
	const char *sentence; /* in the log: the last words that are no trace */
	size_t len;           /* 0: there are none */
	int64_t insn;         /* of the loaded program, that it is about; -1: unknown */
};

struct verdict verifier_read(const char *log);

/* A program that was refused; valid while whoever is told of it is being told. */
struct refusal {
	const struct image *image;
	size_t program; /* in image->programs */
	int err;        /* negative */
	const char *log;
	struct verdict verdict;
};

/* Who has to do something. */
enum verifier_cause {
	CAUSE_MEMQL, /* memql built a wrong program: a bug */
	CAUSE_SIZE, /* the program is more than this kernel follows: the user may help */
	CAUSE_KERNEL, /* this kernel lacks something that the program needs */
};

struct verifier_row {
	const char *name;
	/* Globs, up to NULL: the words changed over the years. */
	const char *patterns[6];
	enum verifier_cause cause;
	const char *means;  /* a sentence for a user, without a period */
	const char *advice; /* NULL: there is none */
};

/* Ends with a name of NULL. */
extern const struct verifier_row verifier_rows[];

/* The row of a sentence, or NULL: it is not known. */
const struct verifier_row *verifier_explain(const char *sentence, size_t len);

#endif
