/* A target read from a text file: what golden and unit tests compile against. */
#ifndef MEMQL_FAKE_TARGET_H
#define MEMQL_FAKE_TARGET_H

#include "sema/target.h"

/*
 * The file holds one fact per line; '#' starts a comment, indentation is free. What is
 * indented here belongs to the line above.
 *
 *	feature NAME			as MEMQL_WITHOUT calls it
 *	tracefs ERRNO			reading any tracepoint fails with -ERRNO
 *	tracepoint GROUP EVENT
 *		field OFFSET SIZE signed|unsigned NAME TYPE
 *	object PATH [as NAME | pid PID | used PID]...
 *					pid: a process runs it; used: has it mapped
 *		fails ERRNO		reading the file fails with -ERRNO
 *		section NAME
 *		symbol NAME[@VERSION|@@VERSION] ADDRESS OFFSET SIZE
 *		data NAME ADDRESS
 *		usdt PROVIDER NAME ADDRESS OFFSET SEMAPHORE [ARGUMENT]...
 *	function MODULE NAME		of the kernel, that probes can sit on
 *		param NAME TYPE
 *		returns TYPE		without these two, BTF does not know it
 *	raw_tracepoint MODULE NAME
 *		param NAME TYPE
 *	kernel_symbol NAME ADDRESS
 *	cgroup PATH ID			0: not of version 2
 *	typedef NAME TYPE
 *	struct | union NAME SIZE
 *		member OFFSET NAME TYPE		OFFSET in bytes
 *		bits OFFSET BITS NAME TYPE	OFFSET in bits
 *	enum NAME SIZE signed|unsigned
 *		value NAME NUMBER
 *
 * A TYPE is "struct NAME", "union NAME", "enum NAME", a typedef or one of DWARF's basic
 * types ("int", "long unsigned int", "char", "_Bool", ...), and what is made of it, from
 * left to right: "*" points to it, "*user" points to it in user memory, "[N]" is an
 * array of it. Structs may be used before their line, and without one are declared
 * only. A NAME of a type that begins with "." is a label of one without a name; the
 * name of an anonymous member is "-". All types and prototypes are vmlinux's. Without
 * any, the machine has no BTF.
 *
 * Returns NULL after a message on stderr if the file cannot be read or is malformed.
 */
struct target *fake_target_open(const char *path);

/* The same from a text in memory; name is for messages. */
struct target *fake_target_parse(const char *name, const char *text);

void fake_target_close(struct target *t); /* NULL is fine */

#endif
