/* -p and servers with a process for each client. */
#ifndef MEMQL_CHILDREN_H
#define MEMQL_CHILDREN_H

#include <stdint.h>

/*
 * Where a process has children that run the same program, as PostgreSQL's postmaster
 * does, say on standard error that -p does not trace them, and what does. Nothing is said
 * where that cannot be found out.
 */
void children_warn(int32_t pid);

#endif
