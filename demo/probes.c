/* The semaphores: two bytes each, which the kernel finds by their place in the file. */
#define PROBES_QUERY
#include "demo/probes.h"

PROBES_SEMAPHORE(query__start) = 0;
PROBES_SEMAPHORE(query__done) = 0;
PROBES_SEMAPHORE(execstats__addmemoryuse) = 0;
