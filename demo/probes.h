/*
 * Every USDT probe of memsqld, and the only place that includes <sys/sdt.h>.
 *
 * <sys/sdt.h> gives the probes of a translation unit either all a semaphore or none,
 * and we want both kinds, as real engines have them. So a file that fires probes says
 * which group it means before it includes this header:
 *
 *   #define PROBES_QUERY     query__start, query__done, execstats__addmemoryuse:
 *                            with semaphores
 *   #define PROBES_WORKER    the partition workers, backgroundflusher, beginsnapshot:
 *                            without
 *
 * Arguments, in order:
 *   query__start(const char *query, int conn_id, const char *db, unsigned plan_id)
 *   query__done(const char *query, int status)
 *   execstats__addmemoryuse(int64_t delta)
 *   NAME__worker(const char *name, int number)
 *   backgroundflusher()
 *   beginsnapshot(const char *file, const char *db)
 */
#ifndef MEMSQLD_PROBES_H
#define MEMSQLD_PROBES_H

#if defined(PROBES_QUERY) == defined(PROBES_WORKER)
#error "define PROBES_QUERY or PROBES_WORKER before including demo/probes.h"
#endif

/* The partition workers; each fires as NAME__worker. */
#define PROBES_WORKERS(X)                                                              \
	X(async__create__table__start)                                                 \
	X(async__create__table__finish)                                                \
	X(restore__start)                                                              \
	X(restore__finish)                                                             \
	X(repoint)                                                                     \
	X(drop__partition)                                                             \
	X(drop__instance)                                                              \
	X(drop__table)                                                                 \
	X(reforge)                                                                     \
	X(failover)                                                                    \
	X(create__or__copy)

#ifdef PROBES_QUERY
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

/* The kernel counts a semaphore up while a tracer is attached, so we must reread it. */
#define PROBES_SEMAPHORE(probe)                                                        \
	volatile unsigned short memsqld_##probe##_semaphore                            \
		__attribute__((section(".probes"), visibility("hidden")))

extern PROBES_SEMAPHORE(query__start);
extern PROBES_SEMAPHORE(query__done);
extern PROBES_SEMAPHORE(execstats__addmemoryuse);

/*
 * Start and done fire without a look at their semaphores, as PostgreSQL's do; a nop is
 * cheaper than a test. Memory use is guarded, as hot probes of real engines are: a
 * tracer that does not raise the semaphore sees none of its hits.
 */
#define PROBE_QUERY_START(query, conn_id, db, plan_id)                                 \
	STAP_PROBE4(memsqld, query__start, query, conn_id, db, plan_id)
#define PROBE_QUERY_DONE(query, status) STAP_PROBE2(memsqld, query__done, query, status)
#define PROBE_ADD_MEMORY_USE(delta)                                                    \
	do {                                                                           \
		if (memsqld_execstats__addmemoryuse_semaphore)                         \
			STAP_PROBE1(memsqld, execstats__addmemoryuse, delta);          \
	} while (0)
#else
#include <sys/sdt.h>

#define PROBE_WORKER(probe, name, number)                                              \
	STAP_PROBE2(memsqld, probe##__worker, name, number)
#define PROBE_BACKGROUND_FLUSHER() STAP_PROBE(memsqld, backgroundflusher)
#define PROBE_BEGIN_SNAPSHOT(file, db) STAP_PROBE2(memsqld, beginsnapshot, file, db)
#endif

#endif
