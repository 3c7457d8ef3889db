/* An object file of the user's in the place of the one that memql compiled. */
#ifndef MEMQL_OBJECT_FILE_H
#define MEMQL_OBJECT_FILE_H

#include <stdbool.h>

struct arena;
struct image;

/*
 * The image with the programs and maps of this file, which is what clang made of
 * `memql explain --as c` for the same script, changed or not: all programs and maps are
 * there, and entries have the same sizes. NULL after a message on stderr.
 */
const struct image *image_with_object(struct arena *a, const struct image *img,
				      const char *path);

#endif
