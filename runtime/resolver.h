/*
 * What is looked up when a value is shown: frames of a stack, names of addresses. Sinks
 * and shapes see this port only; where it is missing, as in most unit tests, shapes show
 * what they have.
 */
#ifndef MEMQL_RESOLVER_H
#define MEMQL_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct resolver;
struct text;

enum resolve_flags {
	RESOLVE_OFFSET = 1 << 0, /* "name+31" */
	RESOLVE_FILE = 1 << 1,   /* "name (/usr/bin/x)"; of the kernel, modules only */
	RESOLVE_RETURN = 1 << 2, /* a return address: its call is what is meant */
};

struct resolver {
	/*
	 * The frames of the stack with this id, the innermost first: up to size bytes
	 * of them. Returns how many bytes; -1 if it is not known.
	 */
	long (*stack)(struct resolver *r, uint64_t id, void *frames, size_t size);

	/* True if the frame is of BPF itself, of what runs the probe's program; 0 is. */
	bool (*is_bpf)(struct resolver *r, uint64_t address);

	/* Add an address as text; where no name is known as "0x7f5c1a0d2e70". */
	void (*add_kernel)(struct resolver *r, struct text *out, uint64_t address,
			   unsigned flags);
	void (*add_user)(struct resolver *r, struct text *out, int32_t pid,
			 uint64_t address, unsigned flags);

	/* Add gfp_t's flags by the names that this kernel has for them: runtime/gfp.h. */
	void (*add_gfp)(struct resolver *r, struct text *out, uint64_t flags);
};

#endif
