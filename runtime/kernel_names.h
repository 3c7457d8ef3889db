/* Functions and tracepoints of the running kernel: what probes can be attached to. */
#ifndef MEMQL_KERNEL_NAMES_H
#define MEMQL_KERNEL_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* What kprobes are kept from. */
#define KPROBES_BLACKLIST_PATH "/sys/kernel/debug/kprobes/blacklist"

struct kernel_name {
	uint64_t address;      /* 0: not known */
	uint32_t name, module; /* in texts */
	uint32_t listed;       /* of an alias: the name that the kernel lists */
};

/* In the order of the kernel's list. All zero: empty. */
struct kernel_names {
	struct kernel_name *items;
	size_t n, cap;
	char *texts; /* each ends with NUL */
	size_t texts_size, texts_cap;
};

/*
 * Functions that can be probed: those that the kernel's function tracer can patch, as
 * tracefs lists them; on kernels that do not say, all of its functions. Without those
 * that are not for kprobes. A name that several static functions share is there once for
 * each of them.
 *
 * 0 or -errno; -EACCES: the list is for root. The caller frees what was read with
 * kernel_names_free() in any case.
 */
int kernel_functions_read(struct kernel_names *out);

/*
 * The same with addresses, sorted by name; of kernels before 6.5 all functions, those
 * that cannot be probed as well. -EACCES: the kernel hides them.
 */
int kernel_functions_read_addresses(struct kernel_names *out);

/* The first of this name and module in a sorted list, and in *n how many there are. */
const struct kernel_name *kernel_names_find(const struct kernel_names *sorted,
					    const char *module, const char *name,
					    size_t *n);

/*
 * Other names of the functions in a list: the kernel lists one name of a place, and
 * that may be __do_sys_getppid, while people know it as __x64_sys_getppid. The path is of
 * a list of symbols.
 */
int kernel_functions_read_aliases(const char *path, const struct kernel_names *list,
				  struct kernel_names *out);

/*
 * As kernel_names_each() for aliases: at most one of each function, and none if the name
 * that the kernel lists matches as well.
 */
int kernel_aliases_each(const struct kernel_names *k, const char *module,
			const char *name,
			int (*found)(const char *module, const char *name, void *arg),
			void *arg);

/* The functions in another list of symbols: see KALLSYMS_PATH. For tests. */
int kernel_functions_read_symbols(const char *path, struct kernel_names *out);
void kernel_names_sort(struct kernel_names *k);

/* Raw tracepoints: those with and those without an event in tracefs. */
int kernel_tracepoints_read(const char *path, struct kernel_names *out);

/* By pattern; the first two arguments of found live as long as the names. */
int kernel_names_each(const struct kernel_names *k, const char *module,
		      const char *name,
		      int (*found)(const char *module, const char *name, void *arg),
		      void *arg);

void kernel_names_free(struct kernel_names *k);

#endif
