/* From the name of a binary in an attach point to files. */
#ifndef MEMQL_OBJECTS_H
#define MEMQL_OBJECTS_H

#include <stdint.h>

/* As target_ops.objects; *nprocesses: how many were looked at, if any. */
int objects_find(const char *object, int32_t pid,
		 int (*found)(const char *path, void *arg), void *arg,
		 unsigned *nprocesses);

#endif
