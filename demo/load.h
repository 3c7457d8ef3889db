/* The built-in load: threads that are their own clients. */
#ifndef MEMSQLD_LOAD_H
#define MEMSQLD_LOAD_H

struct engine;
struct load;
struct options;

/*
 * Start the threads; `done_fd`, an eventfd, gets a 1 when options->queries have run.
 * Both pointers are borrowed. NULL with errno set. With no threads: a load that never
 * ends.
 */
struct load *load_start(struct engine *e, const struct options *o, int done_fd);

/* Wait for the running statements and free everything. Call after e->stopping. */
void load_stop(struct load *load);

#endif
