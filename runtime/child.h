/* -c COMMAND: a process that waits for the probes before it becomes the command. */
#ifndef MEMQL_CHILD_H
#define MEMQL_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct child;

/*
 * Fork; the new process waits for child_go() and then runs the command with sh(1). 0,
 * or -errno after a message on stderr; *out is set only on success.
 */
int child_start(const char *command, struct child **out);

/* Let it run. 0 or -errno: -ESRCH if it is gone already. */
int child_go(struct child *c);

/* True once the command has ended; does not wait. */
bool child_poll(struct child *c);

/* True if it ended because sh(1) could not find or execute it. */
bool child_never_ran(const struct child *c);

pid_t child_pid(const struct child *c);

/* Ends a command that still runs: SIGTERM, a second later SIGKILL. NULL is fine. */
void child_close(struct child *c);

#endif
