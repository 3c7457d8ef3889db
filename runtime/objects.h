/* From the name of a binary in an attach point to files. */
#ifndef MEMQL_OBJECTS_H
#define MEMQL_OBJECTS_H

#include <stdint.h>

/*
 * What was found so far: each object is searched once, as the clauses of a pack all ask
 * for the same.
 */
struct objects;

struct objects *objects_new(void);
void objects_free(struct objects *o); /* NULL is fine */

/* As target_ops.objects; *nprocesses: how many were looked at, if any. */
int objects_find(struct objects *o, const char *object, int32_t pid,
		 int (*found)(const char *path, void *arg), void *arg,
		 unsigned *nprocesses);

#endif
