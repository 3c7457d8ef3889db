/*
 * The contract between one kind of probe and every stage of memql; the counterpart of
 * builtins/builtin.h, with the same include rule.
 */
#ifndef MEMQL_PROBE_H
#define MEMQL_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/source.h"
#include "sema/target.h"
#include "sema/type.h"

struct attach_point;
struct bpf_link;
struct bpf_program;
struct builtin;
struct compile;
struct emit;
struct image_program;
struct session;

/* A parsed attach point; each kind uses the fields its syntax names. */
struct probe_spec {
	const char *object;   /* binary, tracepoint group */
	const char *provider; /* USDT; NULL: any */
	const char *symbol;   /* function, event, unit */
	uint64_t number;      /* offset, period, frequency, address */
	uint64_t length;      /* bytes */
	int32_t pid;          /* 0: every process */
};

/* Where an argument is when the program starts. */
enum location_kind {
	LOC_CONSTANT,   /* value */
	LOC_CONTEXT,    /* size bytes at ctx + value */
	LOC_STRING,     /* text of size bytes at ctx + value */
	LOC_BYTES,      /* size bytes at ctx + value, for an array of the probe's own */
	LOC_DATA_LOC,   /* text: ctx + value holds its offset (low 16 bits) and size */
	LOC_REGISTER,   /* size bytes of the register at ctx + base */
	LOC_MEMORY,     /* size bytes at base + index * scale + value: in the traced
			 * program's memory if PROBE_USER, else the kernel's */
	LOC_ARGUMENT,   /* size bytes of the word number value of a kernel function's
			 * arguments, as fentry and fexit have them */
	LOC_UNREADABLE, /* why says what is missing */
};

enum { LOC_NO_REGISTER = -1 };

struct location {
	enum location_kind kind;
	uint32_t size; /* bytes: 1, 2, 4, 8; any for LOC_STRING and LOC_BYTES */
	bool is_signed;
	int16_t base, index; /* offsets in pt_regs, or LOC_NO_REGISTER */
	uint8_t scale;
	int64_t value;
	const char *why;
};

/* One argument of a probe: arg0..argN by position, or args.NAME. */
struct probe_field {
	const char *name; /* NULL: by position only */
	bool hidden;      /* not worth a line of -l */
	const struct type *type;
	struct location at;
};

/* The arguments of the sites that share a layout. */
struct probe_layout {
	const struct probe_field *fields;
	size_t n;
};

/* One place in the running system. Plain data: the image carries it as it is. */
struct probe_site {
	const char *name;          /* whole, as the builtin probe shows it */
	const char *func;          /* as the builtin func shows it, or NULL */
	const char *path;          /* ELF file */
	uint64_t offset;           /* in it */
	uint64_t semaphore;        /* file offset of the reference counter, 0: none */
	const char *group, *event; /* of a kernel function: its module, its name */
	uint32_t copies;           /* how many functions of the module have this name */
	uint64_t number; /* nanoseconds (interval, profile), or Hz with is_hz */
	bool is_hz;
	uint64_t config,
		period; /* of a perf event: what is counted, and one in so many */
	int32_t pid;    /* 0: every process */
	bool dear; /* a hit costs microseconds, for the instruction that is there */
	uint32_t
		cheaper; /* then: at func + so many bytes it does not; 0: nowhere near */
	bool elsewhere;  /* in a file that memql does not run code of */
	bool of_others;  /* not what the current process does: a switch, an interrupt */
	bool awake;      /* memql comes here only while IMAGE_ASLEEP is 0 */
	uint32_t name_id, func_id; /* in plan->names */
	uint32_t layout;           /* in program_info.layouts */
};

/*
 * What a program reads with bpf_get_attach_cookie() to learn which of its sites fired:
 * name in bits 0..23, func in 24..47, layout in 48..63.
 */
static inline uint64_t probe_site_cookie(const struct probe_site *s)
{
	return (uint64_t)s->layout << 48 | (uint64_t)s->func_id << 24 | s->name_id;
}

enum probe_flags {
	PROBE_PREEMPTIBLE =
		1 << 0,           /* runs with preemption on: per-CPU data is shared */
	PROBE_CAN_SLEEP = 1 << 1, /* the kernel takes it as a sleepable program */
	PROBE_USER = 1 << 2,      /* plain addresses are the traced program's */
	PROBE_SYSTEM_WIDE = 1 << 3, /* sees memql itself: what it does is skipped */
	PROBE_ONCE = 1 << 4,        /* run by memql itself: BEGIN, END */
	PROBE_AT_END = 1 << 5,     /* with PROBE_ONCE: after all others were detached */
	PROBE_OF_PROCESS = 1 << 6, /* what -l shows of a process */
	PROBE_REGISTERS = 1 << 7,  /* its context begins with a struct pt_regs */
	PROBE_ON_STACK = 1 << 8,   /* the kernel's stack begins with the program itself:
				    * where there are no registers of what was probed */
	PROBE_SINGLE_SITE =
		1 << 9,            /* no cookie tells sites apart: a program for each */
	PROBE_ON_SIGNAL = 1 << 10, /* with PROBE_ONCE: each time memql gets SIGUSR1 */
	PROBE_OVERRIDES = 1 << 11, /* programs can keep the function from running */
	PROBE_ALONE = 1 << 12,     /* in a program with PROBE_ONCE only beside it */
	PROBE_RETURNS = 1 << 13,   /* the instruction pointer is where it returns to */
};

/* As event_ns, where probe_site.dear is set. */
enum { PROBE_DEAR_NS = 11000 };

/* Receives one match of expand; both are copied. Returns non-zero to stop. */
typedef int probe_match_fn(const struct probe_site *site,
			   const struct probe_layout *layout, void *arg);

/* What is missing in a kind of probe, and what to do without it. */
struct probe_lack {
	const char *name, *why, *instead;
};

struct probe_kind {
	const char *name, *alias; /* alias may be NULL */
	const char *old_names[2]; /* that it had in earlier years, or NULL */
	const char *syntax;       /* "uprobe:BINARY:FUNCTION[+OFFSET]" */
	const char *summary, *doc, *example;
	unsigned flags;

	/*
	 * For -l, what follows "name:" to mean everything on this machine ("*:*"), and
	 * what follows "name:FILE:" to mean everything in a file ("*"). NULL: none.
	 */
	const char *all, *of_file;

	const char *section; /* libbpf's SEC() prefix: sets the program type */

	/* What the kernel needs to load its programs, besides the first one: the right. */
	enum feature feature;

	/*
	 * What an event takes the one who comes by, without the program: nanoseconds, on
	 * the machine of docs/01_intro.md. 0: not measured, or nobody waits for it.
	 */
	unsigned event_ns;

	/*
	 * The prefix by which libbpf attaches a program itself, NULL: none. What follows
	 * is the last word of the site's name; where it has a file or c_group is set, all
	 * of the name but for the kind's.
	 */
	const char *c_section;
	bool c_group; /* as in "tp/sched/sched_switch" */

	/* arg0, retval, args, ...: looked up before the global builtins; may be NULL. */
	const struct builtin *vars;

	/* Where to go for a variable that others have: the nearest first, up to NULL. */
	const struct probe_kind *siblings[3];

	/* Variables that are not there, and why, up to a name of NULL; may be NULL. */
	const struct probe_lack *lacks;

	/*
	 * What follows "name:" (empty if nothing does) to a spec; reports to cc with
	 * the span of the attach point. Pure: no file is opened.
	 */
	bool (*parse)(struct compile *cc, const struct attach_point *point,
		      const char *rest, struct probe_spec *out);

	/*
	 * Call match for each site on this machine. 0 (also if nothing matched), what
	 * match returned, or -errno with *what set to what could not be read. Also
	 * serves -l and "did you mean".
	 */
	int (*expand)(struct compile *cc, const struct probe_spec *pattern,
		      probe_match_fn *match, void *arg, const char **what);

	/*
	 * After expand() found nothing and that was reported: say why, or what was
	 * meant, with diag_hint() or diag_note(). NULL: there is nothing to say.
	 */
	void (*explain)(struct compile *cc, const struct probe_spec *pattern);

	/* What a program does first. NULL: nothing. */
	void (*enter)(struct emit *e);

	/* Before load: sleepable flag, expected attach type, ... NULL: nothing to do. */
	void (*prepare)(struct session *s, const struct image_program *p,
			struct bpf_program *prog);

	/*
	 * Attach to all sites. Links are handed to session_add_link() as they are made.
	 * 0 or -errno, with *failed set to the site that failed.
	 */
	int (*attach)(struct session *s, const struct image_program *p,
		      struct bpf_program *prog, const struct probe_site **failed);

	/* What to do about an error of attach, if this kind knows more than others. */
	const char *(*hint)(int err);

	/*
	 * A complaint of the verifier that is about the place, not about the program: what
	 * it means, or NULL. NULL: there are none.
	 */
	const char *(*refusal)(const char *complaint);
};

/* NULL-terminated, in the order the manual presents them. */
extern const struct probe_kind *const probe_kinds[];

/* By name or alias; NULL. */
const struct probe_kind *probe_find(const char *name);

/*
 * Split "kind:rest" of an attach point and parse it. NULL if an error was recorded.
 */
const struct probe_kind *probe_parse(struct compile *cc,
				     const struct attach_point *point,
				     struct probe_spec *out);

/* True if text matches a pattern with * and ?. */
bool glob_match(const char *pattern, const char *text);
bool glob_is_pattern(const char *text);

#endif
