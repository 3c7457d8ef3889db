/*
 * What somebody who writes BPF in C would write besides: load an object, attach its
 * programs, show records of two numbers, and perhaps a text, as lines until SIGINT, then
 * the ten largest of the map "keys", and what was lost.
 *
 * usage: host OBJECT [PROGRAM]
 *
 * PROGRAM is what uprobes and USDT probes are in: attach.c has the names of sections. With
 * EXIT=1 in the environment it ends after the first record.
 */
#include "host.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* The only mutable global: set by the signal. */
static volatile sig_atomic_t stopped;

static void stop(int sig)
{
	(void)sig;
	stopped = 1;
}

/* As fast as text can be made: no printf(). */
static char *put(char *p, uint64_t n, char end)
{
	char digits[20], *d = digits;

	do
		*d++ = (char)('0' + n % 10);
	while (n /= 10);
	while (d > digits)
		*p++ = *--d;
	*p++ = end;
	return p;
}

static int show(void *ctx, void *data, size_t size)
{
	const uint64_t *record = data;
	size_t text = size - 2 * sizeof(*record);
	char line[80], *p = put(line, record[0], ' ');

	p = put(p, record[1], text ? ' ' : '\n');
	if (text) {
		p = stpncpy(p, (const char *)&record[2], text < 24 ? text : 24);
		*p++ = '\n';
	}
	fwrite(line, 1, (size_t)(p - line), stdout);
	if (ctx)
		stopped = 1;
	return 0;
}

/* What runs before all others, if there is such a program: it may end the host. */
static void begin(struct bpf_object *object)
{
	struct bpf_program *p = bpf_object__find_program_by_name(object, "begin");
	LIBBPF_OPTS(bpf_test_run_opts, run);

	if (p && !bpf_prog_test_run_opts(bpf_program__fd(p), &run) && run.retval)
		stopped = 1;
}

static void follow(struct bpf_object *object)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, "ring");
	void *once = getenv("EXIT");
	struct ring_buffer *ring =
		map ? ring_buffer__new(bpf_map__fd(map), show, once, NULL) : NULL;
	const struct timespec pause = { .tv_nsec = 20000000 };

	while (!stopped) {
		if (!ring) {
			nanosleep(&pause, NULL);
			continue;
		}
		ring_buffer__poll(ring, 20);
		ring_buffer__consume(ring);
		fflush(stdout);
	}
	if (ring)
		ring_buffer__consume(ring);
}

static void report_keys(struct bpf_object *object)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, "keys");

	if (map)
		top_print(bpf_map__fd(map), (unsigned)libbpf_num_possible_cpus());
}

/* Counted for each CPU by the program, in the map "lost". */
static void report_lost(struct bpf_object *object)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, "lost");
	int cpus = libbpf_num_possible_cpus();
	uint64_t counts[1024] = { 0 }, sum = 0;
	uint32_t zero = 0;

	if (!map || cpus > 1024 || bpf_map_lookup_elem(bpf_map__fd(map), &zero, counts))
		return;
	for (int i = 0; i < cpus; i++)
		sum += counts[i];
	fprintf(stderr, "lost %" PRIu64 "\n", sum);
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = stop };
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	struct bpf_object *object;

	setrlimit(RLIMIT_MEMLOCK, &all);
	sigaction(SIGINT, &sa, NULL);
	object = argc > 1 ? bpf_object__open_file(argv[1], NULL) : NULL;
	if (!object)
		return 1;
	attach_prepare(object);
	if (bpf_object__load(object))
		return 1;
	begin(object);
	if (attach_all(object, argv[2]))
		return 1;
	follow(object);
	report_keys(object);
	fflush(stdout);
	report_lost(object);
	return 0; /* the kernel detaches */
}
