/* What the kinds of probe on kernel functions share: attach points, matches, excuses. */
#ifndef MEMQL_KERNEL_FUNCTION_H
#define MEMQL_KERNEL_FUNCTION_H

#include <stdbool.h>

#include "probes/probe.h"

/* The module's name that stands for the kernel itself. */
#define KERNEL_ITSELF "vmlinux"

/*
 * "[MODULE:]FUNCTION[+OFFSET]": fills object (the module, or NULL), symbol and number;
 * an offset only if the kind can have one.
 */
bool kernel_function_parse(struct compile *cc, const struct attach_point *point,
			   const char *rest, bool with_offset, struct probe_spec *out);

/*
 * A site for each function that matches, in the kernel's order: those that share their
 * name and module are one site. kind is its name; with_module: the module is always
 * shown, not only if the pattern has one. layout gives the arguments of a function;
 * it may leave a site out with false.
 */
struct kernel_function_search {
	struct compile *cc;
	const struct probe_kind *kind;
	const struct probe_spec *pattern;
	bool with_module;
	int (*found)(struct kernel_function_search *s, struct probe_site *site);
	probe_match_fn *match;
	void *arg;
};
int kernel_function_expand(struct kernel_function_search *s, const char **what);

/* Why there is no such function, or which was meant. */
void kernel_function_explain(struct compile *cc, const struct probe_spec *pattern,
			     const char *kind);

#endif
