/* The parts of host, see host.c. */
#ifndef BENCH_HOST_H
#define BENCH_HOST_H

#include <stddef.h>
#include <stdint.h>

struct bpf_object;

/* Where in a file probes go. */
struct places {
	uint64_t *offsets;
	size_t n;
};

/* Both: 0, or -1 if there are none. The process keeps the memory until its end. */

/* A function, or with a * at its end all whose names begin like this. */
int places_functions(const char *path, const char *name, struct places *out);
/* A USDT probe, PROVIDER:NAME. */
int places_usdt(const char *path, const char *name, struct places *out);

/* Between opening and loading. */
void attach_prepare(struct bpf_object *object);
/* All programs; path: of the program that they probe, or NULL. -1: said on stderr. */
int attach_all(struct bpf_object *object, const char *path);

/* The ten keys with the largest values of a map of __u64, counted for each CPU. */
void top_print(int map, unsigned cpus);

#endif
