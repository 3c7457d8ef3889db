/* From an image to the end of its trace. */
#ifndef MEMQL_RUN_H
#define MEMQL_RUN_H

struct image;
struct options;

/*
 * Load, attach, show events until the program exits, a signal comes, or the process of
 * -p or -c ends; then print the maps. Returns the process's exit status.
 */
int run(const struct image *img, const struct options *o);

#endif
