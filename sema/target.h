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

#include "parser/ast.h"

struct target;

/* What a kernel may have or not; see features.def. */
enum feature {
#define FEATURE(NAME, name, group, need, probe, use, without, fix) FEATURE_##NAME,
#include "sema/features.def"
#undef FEATURE
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

/* A C type of the kernel, by what it is; modifiers and typedefs have been followed. */
enum target_type_kind {
	TARGET_VOID,
	TARGET_INT,
	TARGET_BOOL,
	TARGET_CHAR, /* plain char: arrays of it are text */
	TARGET_FLOAT,
	TARGET_PTR,
	TARGET_ARRAY,
	TARGET_STRUCT,
	TARGET_UNION,
	TARGET_ENUM,
	TARGET_FUNC, /* what pointers to functions point to */
};

/* The number of a type; stable as long as the target is open. 0 is void. */
typedef uint64_t target_type_id;

struct target_type {
	enum target_type_kind kind;
	target_type_id id; /* its own, behind modifiers and typedefs */
	const char *name;  /* of a struct, union, enum; "" if it has none; lives as long
			   * as the target */
	uint64_t size;     /* bytes; 0 of a struct that is only declared */
	bool is_signed;    /* INT, CHAR, ENUM */
	bool is_user;      /* PTR: marked as into user memory; most kernels mark none */
	target_type_id to; /* PTR, ARRAY: of what */
	uint64_t count;    /* ARRAY */
};

/* A member of a struct or union; names live as long as the target. */
struct target_member {
	const char *name; /* "": an anonymous struct or union */
	target_type_id type;
	uint64_t bit_offset;
	unsigned bits; /* of a bit field, else 0 */
};

/* A parameter of a kernel function or raw tracepoint. */
struct target_param {
	const char *name; /* "" if it has none */
	target_type_id type;
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
	 * executables of running processes. "*" is every running executable.
	 * "PROGRAM//LIBRARY" is that library of the processes that run it. With pid,
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

	/* Address, as linked, and bytes of a symbol that is data: 4@counter(%rip). */
	int (*symbol_address)(const struct target *t, const char *path,
			      const char *name, uint64_t *address, uint64_t *size);

	/*
	 * Where an address, as linked, is in the file, and the instructions there: up to
	 * *size bytes, *size is set to what there was. -ERANGE: no executable segment
	 * has the address.
	 */
	int (*code)(const struct target *t, const char *path, uint64_t address,
		    uint64_t *offset, uint8_t *bytes, size_t *size);

	/* The other way round; -ERANGE: no executable segment is there in the file. */
	int (*linked_address)(const struct target *t, const char *path, uint64_t offset,
			      uint64_t *address);

	/* True if the file has a section of this name. */
	bool (*has_section)(const struct target *t, const char *path, const char *name);
	/* memql itself runs code of the file. NULL: it may of any. */
	bool (*runs_itself)(const struct target *t, const char *path);

	/*
	 * Types of the kernel and its modules. -ENOENT: there is none of this name;
	 * -ENODATA: this kernel has no BTF. TAG_NONE finds typedefs and basic types, and
	 * a definition is preferred to a declaration.
	 */
	int (*type_find)(const struct target *t, enum type_tag tag, const char *name,
			 target_type_id *out);
	int (*type_describe)(const struct target *t, target_type_id id,
			     struct target_type *out);
	int (*type_members)(const struct target *t, target_type_id id,
			    int (*found)(const struct target_member *m, void *arg),
			    void *arg);
	/*
	 * What the verifier lets a program load directly: size bytes at an offset in a
	 * struct that a pointer known to it points to. *next is the struct that the
	 * loaded pointer points to, or 0: it is a number. -EACCES: a helper must read
	 * that. NULL: the same of all.
	 */
	int (*type_walk)(const struct target *t, target_type_id id, uint64_t offset,
			 unsigned size, target_type_id *next);
	/* The values of an enum in order. */
	int (*type_values)(const struct target *t, target_type_id id,
			   int (*found)(const char *name, int64_t value, void *arg),
			   void *arg);
	/* An enumerator by its name, whatever enum it is in. */
	int (*constant)(const struct target *t, const char *name, int64_t *value,
			target_type_id *type);
	/* For "did you mean": the names of all enumerators, in no order. */
	int (*constant_names)(const struct target *t,
			      int (*found)(const char *name, void *arg), void *arg);
	/*
	 * For -l and "did you mean": the names of structs, unions or enums; TAG_NONE: of
	 * typedefs and basic types.
	 */
	int (*type_names)(const struct target *t, enum type_tag tag,
			  const char *pattern,
			  int (*found)(const char *name, void *arg), void *arg);

	/*
	 * Functions of the kernel that probes can sit on; module "vmlinux" is the kernel
	 * itself. Patterns are globs. A name that several static functions share comes
	 * once for each. What found gets lives as long as the target. -EACCES: the list
	 * is readable by root only.
	 */
	int (*functions)(const struct target *t, const char *module, const char *name,
			 int (*found)(const char *module, const char *name, void *arg),
			 void *arg);
	/*
	 * The parameters of a function, in order, and the type that it returns; of a raw
	 * tracepoint (its first argument, which belongs to the kernel, is left out).
	 * -ENOENT: BTF does not know it.
	 */
	int (*function_params)(const struct target *t, const char *module,
			       const char *name,
			       int (*found)(const struct target_param *p, void *arg),
			       void *arg, target_type_id *returns);
	int (*raw_tracepoint_params)(const struct target *t, const char *event,
				     int (*found)(const struct target_param *p,
						  void *arg),
				     void *arg);
	/* Raw tracepoints: as functions(), with or without BTF. */
	int (*raw_tracepoints)(const struct target *t, const char *module,
			       const char *event,
			       int (*found)(const char *module, const char *event,
					    void *arg),
			       void *arg);
	/* The address of a kernel symbol (/proc/kallsyms); -EACCES if they are hidden. */
	int (*kernel_symbol)(const struct target *t, const char *name,
			     uint64_t *address);

	/* The number of a cgroup's directory; -EMEDIUMTYPE: not of version 2. */
	int (*cgroup_id)(const struct target *t, const char *path, uint64_t *id);

	/* How many processes objects("*") looked at, for messages. */
	unsigned (*process_count)(const struct target *t);
};

struct target {
	const struct target_ops *ops;
	const char *kernel; /* its release and build: where it is the same, types are */
	unsigned ncpus;     /* possible CPUs */
	/* memql's PID namespace as stat(2) has it; 0: the initial one. */
	uint64_t pid_ns_device, pid_ns_inode;
};

#endif
