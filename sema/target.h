/*
 * What the compiler may ask about the machine that the program will run on: behind an
 * interface, so that tests and cross compilation need no root and no kernel.
 *
 * Every function returns 0 or a negative errno, calls back once for each answer, and
 * stops with the callback's result if that is not 0. What the callbacks are handed is
 * valid during the call only, unless the answer says otherwise.
 */
#ifndef MEMQL_TARGET_H
#define MEMQL_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct target;

enum feature {
	FEATURE_UPROBE_MULTI,     /* one link for many user space probes: 6.6 */
	FEATURE_SLEEPABLE_UPROBE, /* programs that may fault pages in: 6.0 */
	FEATURE_TASK_STORAGE,     /* in tracing programs: 5.11 */
	FEATURE_LAZY_MAPS, /* maps that programs of clocks may allocate for: 6.1 */
	FEATURE_COUNT
};

/* A field of a tracepoint's record, as the format file in tracefs describes it. */
struct target_field {
	const char *name;
	const char *type_text; /* "const char *", "__data_loc char[]", "pid_t" */
	uint32_t offset, size; /* bytes, from the start of the program's context */
	bool is_signed;
};

/* A function in an ELF file that a probe can sit on. */
struct target_symbol {
	const char *name;    /* without version */
	const char *version; /* "GLIBC_2.34", or NULL */
	bool is_default;     /* name@@version, or unversioned */
	uint64_t address;    /* virtual, as linked */
	uint64_t offset;     /* in the file: where a uprobe goes */
	uint64_t size;       /* bytes; 0: unknown */
	const char *why;     /* NULL, or why no probe can sit on it; offset is 0 then */
};

/* One entry of .note.stapsdt, with the base address correction already made. */
struct target_usdt {
	const char *provider, *name;
	const char *args;          /* "-4@%eax 8@-8(%rbp)" */
	uint64_t address;          /* virtual, as linked */
	uint64_t offset;           /* of the site in the file */
	uint64_t semaphore_offset; /* of the reference counter in the file; 0: none */
};

struct target_ops {
	bool (*has)(const struct target *t, enum feature f);

	/* Patterns are globs with * and ?. */
	int (*tracepoints)(const struct target *t, const char *group, const char *event,
			   int (*found)(const char *group, const char *event,
					void *arg),
			   void *arg);
	/* -ENOENT: no such event; -EACCES: tracefs is readable by root only. */
	int (*tracepoint_fields)(const struct target *t, const char *group,
				 const char *event,
				 int (*found)(const struct target_field *f, void *arg),
				 void *arg);

	/*
	 * The ELF files that an attach point's object names: a path; a program on
	 * PATH; a library by its bare name ("c", "libc", "libc.so.6"); or a glob, which
	 * is matched against files on disk if it begins with '/' and against the
	 * executables of running processes. "*" is every running executable. With pid,
	 * only that process's executable and libraries, and object may be "". Each file
	 * is reported once, whatever its names. The path can be opened and attached to.
	 */
	int (*objects)(const struct target *t, const char *object, int32_t pid,
		       int (*found)(const char *path, void *arg), void *arg);

	/* -ENOEXEC: the file is not ELF for this machine. */
	int (*symbols)(const struct target *t, const char *path,
		       int (*found)(const struct target_symbol *s, void *arg),
		       void *arg);
	int (*usdt)(const struct target *t, const char *path,
		    int (*found)(const struct target_usdt *u, void *arg), void *arg);

	/* The address of a data symbol, for operands such as 4@counter(%rip). */
	int (*symbol_address)(const struct target *t, const char *path,
			      const char *name, uint64_t *address);

	/*
	 * Where an address, as linked, is in the file, and the instructions there: up to
	 * *size bytes, *size is set to what there was. -ERANGE: no executable segment
	 * has the address.
	 */
	int (*code)(const struct target *t, const char *path, uint64_t address,
		    uint64_t *offset, uint8_t *bytes, size_t *size);

	/* True if the file has a section of this name. */
	bool (*has_section)(const struct target *t, const char *path, const char *name);

	/* How many processes objects("*") looked at, for messages. */
	unsigned (*process_count)(const struct target *t);
};

struct target {
	const struct target_ops *ops;
	unsigned ncpus; /* possible CPUs */
};

#endif
