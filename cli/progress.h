/* A line on the terminal about work that takes long enough to wonder. */
#ifndef MEMQL_PROGRESS_H
#define MEMQL_PROGRESS_H

#include <stddef.h>

struct progress;

/*
 * From after_ms on, "WHAT: N of ALL" to the file descriptor, a few times a second, where N
 * is what done(of) says then, in a thread of its own. NULL if there can be none.
 */
struct progress_of {
	const char *what;
	size_t all;
	size_t (*done)(const void *of);
	const void *of;
};
struct progress *progress_start(int fd, unsigned after_ms,
				const struct progress_of *work);

/* Take the line away again; NULL is fine. */
void progress_stop(struct progress *p);

#endif
