/* Running programs, and the files that a process executes. */
#ifndef MEMQL_PROCESSES_H
#define MEMQL_PROCESSES_H

#include <stdint.h>

/*
 * A file that a process runs code from. The name is what the process calls it, the path
 * one that we can open: it may lead through /proc if the file was deleted, replaced, or
 * belongs to another mount namespace.
 */
struct process_file {
	const char *name, *path;
};

typedef int process_file_fn(const struct process_file *file, void *arg);

/*
 * The executable of each process that we may look at, but our own; one file may come
 * many times. 0, what found returned, or -errno: -EACCES if others than root could not
 * look at some, after the rest. *count: how many processes there were.
 */
int processes_executables(process_file_fn *found, void *arg, unsigned *count);

/* The executable of one process, then its libraries. -ESRCH: there is none. */
int process_files(int32_t pid, process_file_fn *found, void *arg);

/* All processes but our own that exist by now, one after the other. */
struct process_walk;
struct process_walk *process_walk_open(void);      /* NULL if /proc cannot be read */
int32_t process_walk_next(struct process_walk *w); /* 0 at the end, or for NULL */
void process_walk_close(struct process_walk *w);   /* NULL is fine */

/*
 * A path as the process sees it, made one that we can open: with /proc/PID/root in front
 * if its root or mount namespace is not ours.
 */
void process_path(int32_t pid, const char *path, char *out, uint32_t size);

#endif
