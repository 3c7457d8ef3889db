/* A target read from a text file: what golden and unit tests compile against. */
#ifndef MEMQL_FAKE_TARGET_H
#define MEMQL_FAKE_TARGET_H

#include "sema/target.h"

/*
 * The file holds one fact per line; '#' starts a comment, indentation is free. What is
 * indented here belongs to the line above.
 *
 *	feature uprobe_multi | sleepable_uprobe | task_storage
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
 *	raw_tracepoint MODULE NAME
 *	kernel_symbol NAME ADDRESS
 *
 * Returns NULL after a message on stderr if the file cannot be read or is malformed.
 */
struct target *fake_target_open(const char *path);

/* The same from a text in memory; name is for messages. */
struct target *fake_target_parse(const char *name, const char *text);

void fake_target_close(struct target *t); /* NULL is fine */

#endif
