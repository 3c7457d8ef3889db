/*
 * Arguments that a program finds side by side, as words of 8 bytes in its context: those
 * of raw tracepoints, of fentry and fexit, of iterators. BTF has their names and types.
 */
#ifndef MEMQL_WORDS_H
#define MEMQL_WORDS_H

#include <stdbool.h>

#include "probes/probe.h"
#include "sema/target.h"

struct node;
struct sema;

/* The arguments while they come in; all zero but cc and kind at first. */
struct words {
	struct compile *cc;
	enum location_kind kind; /* of their places: LOC_REGISTER or LOC_ARGUMENT */
	struct probe_field *items;
	size_t n, cap;
	size_t taken; /* words */
};

/* For target_ops.function_params and the like; arg is a struct words. */
int words_add_param(const struct target_param *p, void *arg);

/* One more, of a type of the target's. */
void words_add(struct words *w, const char *name, target_type_id type);

/* n numbers without names, of which nobody knows whether they exist. */
void words_add_unknown(struct words *w, size_t n);

struct probe_layout words_layout(const struct words *w);

#endif
