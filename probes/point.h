/* What the kinds of probe share: reading attach points, collecting matches. */
#ifndef MEMQL_POINT_H
#define MEMQL_POINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/compile.h"
#include "probes/probe.h"

struct target;

enum { POINT_PARTS = 4 };

/*
 * Split at colons into at most POINT_PARTS parts; a colon in double quotes does not
 * count, and the quotes are dropped. How many there are, or 0 after an error: a quote
 * that does not end, too many parts.
 */
size_t point_split(struct compile *cc, const struct attach_point *point,
		   const char *rest, const char *parts[POINT_PARTS]);

/* An attach point that is not written as its kind wants: reports it; always false. */
bool point_error(struct compile *cc, const struct attach_point *point, const char *fmt,
		 ...) __attribute__((format(printf, 3, 4)));

/* "0x10", "16": false if there is anything else. */
bool point_number(const char *text, uint64_t *out);

/*
 * "s:1", "ms:10", "us:100", "hz:99", "1s", "10ms": how often a clock ticks. Fills number
 * and symbol (the unit "hz", or NULL for nanoseconds).
 */
bool point_period(struct compile *cc, const struct attach_point *point,
		  const char *rest, struct probe_spec *out);

/*
 * Whether events of this name tell of something else than the current process does: the
 * scheduler's, those of interrupts, which come while any process runs.
 */
bool point_of_others(const char *event);

/*
 * Is it a tracepoint of a system call that memql does not make while it waits for events?
 * For signals it makes some: what delivers them, and what their handlers ask for; the time
 * is a system call on some machines.
 */
bool point_of_awake(const char *group, const char *event);
/* Whether memql never runs what is probed in a file, for the process alone if pid is not 0. */
bool point_elsewhere(const struct compile *cc, const char *path, int32_t pid);

/* The nearest of many words: each is copied only if it is the best so far. */
struct point_guess {
	struct compile *cc;
	struct suggestion near;
};
void point_guess(struct point_guess *g, const char *candidate);

/* The files that the pattern's object names; see target_ops.objects. */
struct point_files {
	const char **items;
	size_t n, cap;
};
int point_files(struct compile *cc, const struct probe_spec *pattern,
		struct point_files *out, const char **what);

/* No file, or none of the right kind: gives the hint and returns true. */
bool point_explain_files(struct compile *cc, const struct probe_spec *pattern,
			 const struct point_files *files);

/* A layout without arguments. */
extern const struct probe_layout point_no_args;

#endif
