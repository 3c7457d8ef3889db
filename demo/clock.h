/* The two clocks every number of memsqld comes from; both count nanoseconds. */
#ifndef MEMSQLD_CLOCK_H
#define MEMSQLD_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_NSEC_PER_SEC 1000000000ull

static inline uint64_t clock_read(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * CLOCK_NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* The clock of bpf_ktime_get_ns(), so a tracer's stamps compare with ours directly. */
static inline uint64_t clock_now(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

/* Time this thread has run on a CPU. Not in the vDSO: each call is a system call. */
static inline uint64_t clock_thread_cpu(void)
{
	return clock_read(CLOCK_THREAD_CPUTIME_ID);
}

static inline struct timespec clock_timespec(uint64_t ns)
{
	return (struct timespec){
		.tv_sec = (time_t)(ns / CLOCK_NSEC_PER_SEC),
		.tv_nsec = (long)(ns % CLOCK_NSEC_PER_SEC),
	};
}

#endif
