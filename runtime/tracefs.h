/* Tracepoints as tracefs lists and describes them. */
#ifndef MEMQL_TRACEFS_H
#define MEMQL_TRACEFS_H

#include "sema/target.h"

/*
 * Where tracefs can be read: where it is mounted, or else a mount of our own that is
 * attached to no directory, so that nobody sees it and it ends with its descriptor.
 */
struct tracefs {
	char path[64];
	int fd; /* of our own mount, or -1 */
};

/* 0, -EACCES (root may), -ENOENT (the kernel has none). Close it if 0. */
int tracefs_open(struct tracefs *fs);
void tracefs_close(struct tracefs *fs);

/* The number by which perf_event_open(2) knows the event, or -errno. */
int tracefs_id(const char *group, const char *event);

/* As target_ops.tracepoints and tracepoint_fields. Events come in order of their names. */
int tracefs_events(const char *group, const char *event,
		   int (*found)(const char *group, const char *event, void *arg),
		   void *arg);
int tracefs_fields(const char *group, const char *event,
		   int (*found)(const struct target_field *f, void *arg), void *arg);

/*
 * One line of a format file: "\tfield:char comm[16];\toffset:8;\tsize:16;\tsigned:0;".
 * False if it is not of a field. Cuts the line; the strings are in it or in type_text.
 */
bool tracefs_parse_field(char *line, struct target_field *out, char type_text[128]);

#endif
