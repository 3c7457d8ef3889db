/*
 * The contract between one language feature and every stage of memql.
 *
 * A builtin is a row: what it is called, what it accepts, what it means in the kernel,
 * how it looks in user space, and how it is documented. Stages iterate over rows or call
 * through one; no stage compares a name.
 *
 * This header includes neither LLVM nor libbpf: a row may be read by the parser's tests,
 * the manual's generator and the runtime alike.
 */
#ifndef MEMQL_BUILTIN_H
#define MEMQL_BUILTIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sema/type.h"

struct action_info; /* sema/plan.h */
struct cells;       /* codegen/emit.h */
struct datum;       /* runtime/datum.h */
struct emit;        /* codegen/emit.h: instruction builder for one program */
struct node;        /* parser/ast.h */
struct probe_kind;  /* probes/probe.h */
struct sema;        /* sema/sema.h: the program being checked, diagnostics */
struct session;     /* runtime/session.h */
struct sink;        /* runtime/sink.h: text or JSON writer */
struct text;        /* runtime/sink.h */

/* An IR value; opaque outside codegen/. */
struct value {
	struct LLVMOpaqueValue *ref; /* i64, or for a string the address of its bytes */
	struct LLVMOpaqueValue *len; /* string: bytes without NUL if known, else NULL */
};

/*
 * A value that the kernel keeps in a few words and user space turns into text: a symbol,
 * a stack, an address of the network. A row that returns one points to its shape; no
 * stage knows what is in it.
 */
struct shape {
	const char *name; /* in messages: "kernel stack" */
	uint32_t size;    /* bytes without the type's limit: a multiple of 8 */
	/* Append the value as text. A value of up to 8 bytes is in d->n, a longer one at
	 * d->s, d->len bytes. */
	void (*render)(struct text *out, const struct sink *sink,
		       const struct datum *d);
	/* Entries of a map are sorted by this; NULL: by their bytes. */
	int (*compare)(const struct datum *a, const struct datum *b);
	/* The text is a list, one line for each frame of a stack: an array in JSON. */
	bool lines;
	/* The value is a kernel address; but joined with a TYPE_NAME, it can be one. */
	bool names;
	/* What the value is bytes of, for %r: a buffer. NULL: of nothing. */
	const char *(*bytes)(const struct datum *d, size_t *len);
};

enum param_flags {
	PARAM_LITERAL = 1 << 0, /* must fold to a constant */
	PARAM_OPTIONAL = 1 << 1,
	PARAM_REST = 1 << 2,  /* zero or more; last parameter only */
	PARAM_MAP = 1 << 3,   /* a map itself: @x */
	PARAM_ENTRY = 1 << 4, /* one entry of a map: @x[k]; with PARAM_MAP either */
	PARAM_VALUE = 1 << 5, /* with PARAM_MAP: or any other value of the type */
	PARAM_TYPE = 1 << 6,  /* a type, or with PARAM_VALUE a value that has it */
	PARAM_WORD = 1 << 7,  /* a bare name is taken as text: call_word() */
	PARAM_PLACE =
		1 << 8, /* the last argument may be a $variable to set: sema_set() */
};

struct param {
	const char *name;
	enum type_kind type; /* TYPE_ANY: any value; ignored for maps */
	unsigned flags;
	int64_t min, max; /* range of a literal; both 0: unchecked */
};

enum builtin_kind {
	BUILTIN_VALUE, /* written without parentheses; all parameters are optional */
	BUILTIN_FUNC,
	BUILTIN_AGG,
	BUILTIN_ACTION,
};

enum builtin_flags {
	BUILTIN_PER_SITE = 1 << 0,     /* its type depends on the matched probe */
	BUILTIN_READS_USER = 1 << 1,   /* reads the traced program's memory */
	BUILTIN_COMPILE_TIME = 1 << 2, /* check() turns the call into a literal before
					* types are inferred: getopt() */
	BUILTIN_RETURNS = 1 << 3,      /* the program ends after the action: exit() */
	BUILTIN_LITERAL = 1 << 4,      /* check() turns the call into a literal while
					* types are inferred: sema_become_int() */
	BUILTIN_THREAD = 1 << 5,       /* names the running thread */
	BUILTIN_UNSAFE = 1 << 6,       /* changes the system: --unsafe permits it */
	BUILTIN_OPENS = 1 << 7,        /* opens a span, which is an event: start() */
	BUILTIN_CLOSES = 1 << 8,       /* closes one: done() */
	BUILTIN_FIRES = 1 << 9,        /* is an event, and nothing else: fire() */
	BUILTIN_KEYS = 1 << 10,        /* of a map, its first argument, it looks at keys
					* only: has_key() */
	BUILTIN_OURS = 1 << 11,        /* bpftrace has no such */
	BUILTIN_SAME =
		1 << 12, /* without arguments: says the same throughout an event */
	BUILTIN_ARGUMENT =
		1 << 13, /* is the field of its index in the probe's layouts */
};

enum { MAX_PARAMS = 6 };

/* What one aggregation's user-space half knows of its calls. Plain data. */
struct agg_site {
	int64_t lit[MAX_PARAMS]; /* literal arguments, by parameter */
	unsigned nlit;
	bool is_signed;
	enum unit unit;
};

/*
 * An aggregation is a commutative monoid over fixed-size cells of 64-bit words: update
 * runs in the kernel; combine folds CPUs in user space. An all-zero cell is always the
 * identity, so maps need no initialisation.
 */
struct agg_ops {
	bool own_cells; /* each CPU has cells, however large: they are not for several */
	size_t (*cell_size)(const struct agg_site *site); /* bytes, a multiple of 8 */
	/* site is the map's: all its calls agree on how a value is stored. */
	void (*update)(struct emit *e, struct value cell, const struct node *call,
		       const struct agg_site *site);
	void (*combine)(void *into, const void *cell, const struct agg_site *site);
	/* False: no value was ever seen, there is nothing to print. NULL: always true. */
	bool (*seen)(const void *cell, const struct agg_site *site);
	/* The value for a program that reads the map, or NULL: it has none. */
	struct value (*read)(struct emit *e, const struct cells *cells,
			     const struct agg_site *site);
	/* Entries are printed in ascending order of this. */
	int64_t (*sort_key)(const void *cell, const struct agg_site *site);
	/* One value through sink_int(), sink_histogram() ...; div is print's 3rd
	 * argument, 1 if none was given. */
	void (*render)(struct sink *out, const void *cell, const struct agg_site *site,
		       uint64_t div);
};

/* The user-space half of printf(), print(), clear(), exit(), ... */
struct action_ops {
	/*
	 * What the call's arguments become, by parameter: a PARAM_LITERAL string
	 * action->text, a PARAM_LITERAL number action->lit[i], a map action->map; all
	 * others are computed by the event and arrive as args.
	 * args: action->nargs values; time: if timed, CLOCK_BOOTTIME ns when the event
	 * fired, else 0: to ask for it costs the event 30 ns.
	 */
	void (*run)(struct session *s, const struct action_info *action,
		    const struct datum *args, uint64_t time);
	bool timed;
};

struct builtin {
	const char *name;
	enum builtin_kind kind;
	unsigned flags;
	struct type returns;
	struct param params[MAX_PARAMS + 1]; /* ends at name == NULL */

	const char *summary; /* one line: --help, completion, man page */
	const char *doc;     /* Markdown: docs/reference.md */
	const char *example; /* whole program; the tests compile it */

	/*
	 * Beyond the signature: called after the arguments have types, once in each
	 * pass; may set call->type (returns is the default) and call->call.data. NULL:
	 * the signature is the whole rule.
	 */
	bool (*check)(struct sema *s, struct node *call);

	/* NULL for aggregations, and for actions that only send their arguments. */
	struct value (*emit)(struct emit *e, const struct node *call);

	/*
	 * The same as a pointer that the verifier knows, never 0, to this struct of the
	 * kernel; NULL: it has none.
	 */
	struct value (*object)(struct emit *e, const struct node *call);
	const char *object_of;

	const struct agg_ops *agg;       /* iff kind == BUILTIN_AGG */
	const struct action_ops *action; /* iff kind == BUILTIN_ACTION and it has a
					  * user-space half */
};

/* Every row, family by family: for (b = builtin_next(NULL); b; b = builtin_next(b)) */
const struct builtin *builtin_next(const struct builtin *prev);
const struct builtin *builtin_find(const char *name);

/* The row that name means in a probe of this kind: its own variables come first. */
const struct builtin *builtin_lookup(const struct probe_kind *kind, const char *name);

/* Zero-terminated family tables, one per file; registry.c lists them. */
extern const struct builtin process_builtins[];
extern const struct builtin task_builtins[];
extern const struct builtin kernel_builtins[];
extern const struct builtin name_builtins[];
extern const struct builtin cgroup_builtins[];
extern const struct builtin network_builtins[];
extern const struct builtin stack_builtins[];
extern const struct builtin address_builtins[];
extern const struct builtin object_builtins[];
extern const struct builtin memory_builtins[];
extern const struct builtin packet_builtins[];
extern const struct builtin time_builtins[];
extern const struct builtin string_builtins[];
extern const struct builtin sql_builtins[];
extern const struct builtin map_builtins[];
extern const struct builtin span_builtins[];
extern const struct builtin aggregation_builtins[];
extern const struct builtin series_builtins[];
extern const struct builtin action_builtins[];
extern const struct builtin message_builtins[];
extern const struct builtin system_builtins[];
extern const struct builtin type_builtins[];
extern const struct builtin check_builtins[];

#endif
