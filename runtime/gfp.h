/*
 * The names of gfp_t's flags: with what right memory is asked for. Their bits move from
 * kernel to kernel, but each tells its own: the format of the tracepoint kmem:kmalloc holds
 * the table that the kernel itself prints by, as C with all constants expanded.
 */
#ifndef MEMQL_GFP_H
#define MEMQL_GFP_H

#include <stddef.h>
#include <stdint.h>

struct arena;
struct text;

struct gfp_flag {
	uint64_t mask;
	const char *name;
};

struct gfp_flags {
	const struct gfp_flag *items; /* those of several bits first */
	size_t n;
};

/* The table in the text of a format file; empty if it is not understood. */
struct gfp_flags gfp_parse(struct arena *a, const char *format);

/* That of this kernel; empty if it cannot be read. */
struct gfp_flags gfp_read(struct arena *a);

/* "GFP_KERNEL|__GFP_ZERO|0x80000000"; 0 is "0". */
void gfp_add(struct text *out, const struct gfp_flags *flags, uint64_t value);

#endif
