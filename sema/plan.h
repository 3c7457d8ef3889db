/* A checked program: everything codegen needs, nothing it must ask. */
#ifndef MEMQL_PLAN_H
#define MEMQL_PLAN_H

#include <stdio.h>

#include "builtins/builtin.h"
#include "probes/probe.h"
#include "sema/type.h"

struct compile;
struct ctype_defs;
struct ctypes;

enum map_storage {
	MAP_SCALAR,        /* array of one: the value, then a word that is 1 once set;
			      also of an aggregation that programs delete */
	MAP_PERCPU_SCALAR, /* per-CPU array of one aggregation cell */
	MAP_HASH,          /* keyed values; keyed cells too large to have per CPU */
	MAP_KEPT,        /* a struct image_seat for each thread: of most in an array, of
			      others in a hash map */
	MAP_PERCPU_HASH, /* keyed aggregation cells */
};

/* A @map of the program. Plain data: the image carries it as it is. */
struct map_info {
	const char *name;   /* "@x" */
	const char *symbol; /* in the ELF file: "mq_x"; unique */
	struct span first;  /* where its keys were decided */
	unsigned index;     /* in plan->maps */

	bool has_keys, keys_known;
	const struct type **keys; /* nkeys */
	size_t nkeys;

	const struct type *value;  /* NULL for an aggregation */
	struct span value_at;      /* where it was first given one */
	const struct builtin *agg; /* NULL for plain values */
	const struct type *sample; /* what is aggregated; NULL: nothing, or no agg */
	struct agg_site site;
	bool defined; /* let @x = hash(N): max_entries and lru are given */
	bool is_span; /* let @x = span(...): what is not open is not changed */
	bool is_pack; /* of a pack, for itself: not printed at the end */
	bool lru;     /* the oldest entries make room for new ones */
	bool written, read;
	bool cells_read;    /* an aggregation that a program reads */
	bool per_thread;    /* a key is tid */
	bool foreign;       /* named without a key, or with another than tid */
	bool loaded;        /* a program reads its values */
	bool emptied;       /* clear() is called */
	bool deleted;       /* delete() is called, of the map or of its entries */
	bool absent_writer; /* a clause writes it whose probes are not on this machine */

	/* Decided by plan.c. */
	enum map_storage storage;
	bool atomic;       /* several programs or preemptible ones update a cell */
	size_t key_size;   /* bytes; 4 for the scalars */
	size_t value_size; /* bytes of one cell or value, with MAP_SCALAR's word */
	uint32_t max_entries;
};

/* A $variable; one per declaration and program. */
struct var_info {
	const char *name;
	struct span first;
	const struct type *type;          /* grows while sema infers */
	const struct type_name *declared; /* of "let $x: uint8", else NULL */
	bool addressed;                   /* &$x: it must be in memory */
	void *storage;                    /* codegen's */
};

/* A member or item: what a FIELD's data is if its base is not args. */
struct part_info {
	const struct type *type; /* as declared */
	uint64_t bit_offset;     /* in the base */
	unsigned bits;           /* of a bit field, else 0 */
};

/* A printf()/print()/... call: its records carry its index. Plain data. */
struct action_info {
	const struct builtin *builtin;
	unsigned index;
	const char *file; /* of the call, for messages, as the line */
	uint32_t line;
	const char *text;           /* printf's format and the like, or NULL */
	const struct map_info *map; /* print(@x), clear(@x), or NULL */
	int64_t lit[MAX_PARAMS];    /* literal arguments, by parameter */
	unsigned nlit;              /* how many were written */
	const struct type **args;   /* what each record carries, in order; structs are
				     * copies */
	size_t nargs;
};

/* One BPF program: a clause, for all sites that can share the code. */
struct program_info {
	const char *symbol; /* function in the ELF file: "clause3_1" */
	const struct probe_kind *kind;
	const struct clause *clause;
	struct span point;             /* the attach point as written */
	struct node *predicate, *body; /* own copies */

	struct probe_site *sites;
	size_t nsites;
	struct probe_layout *layouts; /* the sites' argument layouts, distinct */
	size_t nlayouts;

	struct {
		struct var_info **items;
		size_t n, cap;
	} vars;
	bool reads_user; /* str() or * on the traced program's memory */
	bool sleepable;
	bool demoted;      /* codegen: it could have been, but needs too much stack */
	bool has_loops;    /* but unroll, which is none any more */
	unsigned unrolled; /* how often a block of it is built, at most */
};

/* What becomes of a program some of whose probes are not there. */
enum missing_probes { MISSING_ERROR, MISSING_WARN, MISSING_IGNORE };

enum { TRAILER_MAX = 3 };

struct plan {
	const struct source *source;
	struct ctypes *ctypes;         /* sema/ctype.c */
	struct ctype_defs *ctype_defs; /* sema/ctype_def.c */
	struct {
		struct map_info **items;
		size_t n, cap;
	} maps;
	struct {
		struct action_info **items;
		size_t n, cap;
	} actions;
	struct {
		struct program_info **items;
		size_t n, cap;
	} programs;
	/* Texts behind TYPE_NAME: distinct; slots find one: plan_name(). */
	struct {
		const char **items;
		size_t n, cap;
		uint32_t *slots;
		size_t nslots;
	} names;
	/* getopt() calls, for --help and for checking the arguments. */
	struct {
		struct script_option *items;
		size_t n, cap;
	} script_options;
	/* $1, $2, ...: what is left of the arguments; valid once matched. */
	struct {
		const char **items;
		size_t n, cap;
	} parameters;
	uint32_t last_parameter; /* the largest N of $N in the script */
	bool matched;   /* the script's arguments have been given to its options */
	bool forbidden; /* something could not be looked for without root */

	size_t stack_bytes; /* room for the largest stack that is taken; 0: none is */
	bool names_user;    /* addresses of programs are shown by name */

	/* From config = { } and the command line. */
	enum stack_mode {
		STACK_BPFTRACE,
		STACK_PERF,
		STACK_RAW,
		STACK_BUILD_ID
	} stack_mode;           /* how stacks are shown unless they say otherwise */
	uint32_t max_strlen;    /* bytes of text that str() keeps by default */
	uint32_t max_map_keys;  /* entries per keyed map */
	uint32_t max_cat_bytes; /* of a file that cat() shows */
	uint32_t max_probes;    /* sites that the program may attach to */
	enum missing_probes missing_probes;
	bool maps_at_end;         /* maps are printed when the program ends */
	const char *trailer;      /* of text that was cut: at most TRAILER_MAX bytes */
	const char *missing_hint; /* shown if no attach point of the program exists */
};

/* One getopt() of the script. */
struct script_option {
	const char *name;
	struct span first;   /* the call that declared it */
	const char *help;    /* or NULL */
	enum type_kind type; /* TYPE_INT or TYPE_STR; a flag is INT with is_flag */
	bool is_flag;
	enum unit unit;
	bool is_ranged; /* of numbers: only from least to most */
	int64_t least, most;
	const char *fallback_text; /* default value as written */
	const char *value;         /* from the command line, or NULL */
};

/*
 * True if this parameter takes the argument as a map or as one of its entries, not as
 * the value that the map holds.
 */
bool param_takes_map(const struct param *p, const struct node *arg);

/*
 * The i-th expression of the record that a call of an action sends, or NULL past the
 * last: its arguments without maps and literals, and the keys of a map's entry.
 */
struct node *action_arg(const struct node *call, size_t i);

/* True if the map is declared and no more. */
bool plan_map_is_idle(const struct map_info *map);

/* The index of text in plan->names, added if it is new. */
uint32_t plan_name(struct compile *cc, const char *text);

void plan_dump(const struct compile *cc, FILE *out);

#endif
