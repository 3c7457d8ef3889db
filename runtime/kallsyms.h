/* The kernel's symbols, as /proc/kallsyms lists them. */
#ifndef MEMQL_KALLSYMS_H
#define MEMQL_KALLSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KALLSYMS_PATH "/proc/kallsyms"

/* The kernel's own symbols: a module's name that no module has. */
#define KALLSYMS_VMLINUX "vmlinux"

struct kallsyms_symbol {
	uint64_t address;
	char type; /* as of nm(1): t and T are code, w and W often */
	const char *name;
	const char *module; /* KALLSYMS_VMLINUX, or "bpf" for loaded programs */
};

/*
 * Call found for each symbol in the order of the file, until it returns non-zero; what
 * it gets is valid during the call only. 0, what found returned, or -errno. The kernel
 * takes 25 ms or more to write the list. If it hides addresses from us they are 0.
 */
int kallsyms_each(const char *path,
		  int (*found)(const struct kallsyms_symbol *s, void *arg), void *arg);

/*
 * The address of the first symbol of this name. -ENOENT: there is none; -EACCES: the
 * kernel hides it (kptr_restrict).
 */
int kallsyms_find(const char *path, const char *name, uint64_t *address);

/* All of them by address: takes 5 MB or more. */
struct kallsyms;

/* -EACCES: the kernel hides them. *out is set only on success. */
int kallsyms_open(const char *path, struct kallsyms **out);

/*
 * What is at the address or, nearest, below it; of several names of one place the first
 * in the list, as the kernel does in its own messages. False if there is none, as for
 * addresses of programs. The texts live as long as k.
 */
bool kallsyms_at(const struct kallsyms *k, uint64_t address,
		 struct kallsyms_symbol *out);

void kallsyms_close(struct kallsyms *k); /* NULL is fine */

#endif
