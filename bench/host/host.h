/* The parts of host, see host.c. */
#ifndef BENCH_HOST_H
#define BENCH_HOST_H

#include <stddef.h>
#include <stdint.h>

#include <libelf.h>

struct bpf_object;

/* Where in a file probes go. */
struct places {
	uint64_t *offsets;
	size_t n;
};

/* Open until the end of the process, as what is found is kept; NULL: it cannot be read. */
Elf *places_open(const char *path);

/* Both: 0, or -1 if there are none. */

/* A function, or with a * at its end all whose names begin like this. */
int places_functions(Elf *elf, const char *name, struct places *out);
/* A USDT probe, PROVIDER:NAME. */
int places_usdt(Elf *elf, const char *name, struct places *out);

/* Between opening and loading. */
void attach_prepare(struct bpf_object *object);
/* All programs; path: of the program that they probe, or NULL. -1: said on stderr. */
int attach_all(struct bpf_object *object, const char *path);

/* The ten keys with the largest values of a map of __u64, counted for each CPU. */
void top_print(int map, unsigned cpus);

#endif
