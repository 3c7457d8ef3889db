/* From a compiled program to the end of its trace. */
#ifndef MEMQL_RUN_H
#define MEMQL_RUN_H

struct compile;
struct options;
struct uprobe_warmup;

/*
 * Load cc->image, attach, show events until the program exits, a signal comes, or the
 * process of -p or -c ends; then print the maps. Returns the process's exit status.
 * warmup: what may still be at work then, or NULL.
 */
int run(const struct compile *cc, const struct options *o,
	struct uprobe_warmup *warmup);

#endif
