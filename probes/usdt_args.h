/* The operands of a USDT probe: "-4@%eax 8@-8(%rbp) 4@counter(%rip)". */
#ifndef MEMQL_USDT_ARGS_H
#define MEMQL_USDT_ARGS_H

#include <stddef.h>
#include <stdint.h>

#include "probes/probe.h"

struct arch;
struct arena;

/* What operands refer to. */
struct usdt_site {
	const struct arch *arch;
	uint64_t address; /* of the probe, as linked */
	/* The address of a data symbol, as linked: 0, or -ENOENT. May be NULL. */
	int (*symbol)(const char *name, uint64_t *address, void *arg);
	void *arg;
};

/*
 * One field per operand, in order. An operand that cannot be read is LOC_UNREADABLE and
 * says why; the others are not affected. Everything lives in the arena.
 */
struct probe_layout usdt_args_parse(struct arena *a, const char *text,
				    const struct usdt_site *site);

#endif
