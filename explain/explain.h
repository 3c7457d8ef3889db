/*
 * memql explain: one program through all layers, from its words to what the kernel's
 * verifier knows. build.c puts together what the compiler left, and what the kernel said if
 * it was asked; text.c, json.c and html.c show it.
 */
#ifndef MEMQL_EXPLAIN_H
#define MEMQL_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "codegen/explained.h"
#include "core/source.h"

struct arena;
struct compile;
struct image_program;
struct inspection;
struct map_info;
struct node;
struct probe_kind;
struct program_info;

/* An instruction, and what the verifier knew after it: NULL if it was not asked. */
struct explain_insn {
	const struct code_function *function;
	const struct code_insn *insn;
	const char *state;
};

/* Words of a program, and what became of them. */
struct explain_part {
	struct span span; /* as written */
	const char *file;
	uint32_t line, column, last_line;
	unsigned depth;      /* in the tree: 0 are statements */
	const char *source;  /* the words, on one line */
	const char *meaning; /* a sentence without its full stop */
	const enum why *whys;
	size_t nwhys;
	const struct ir_line **ir;
	size_t nir;
	struct explain_insn *insns;
	size_t ninsns;
	double ns; /* that its code takes, by estimate, if no branch leaves it out */
	bool unpriced;     /* it calls what has no price */
	const char *price; /* that in words; NULL: it calls nothing */
	bool always;       /* for each event: the predicate, and what is before it */
};

/* ns, by estimate: the cheapest and the dearest way through. */
struct explain_price {
	double least, most;
	bool unknown; /* it calls what has no price */
	bool turns;   /* it has loops: one turn is counted */
};

struct explain_program {
	const struct image_program *image;
	const struct program_info *info;
	uint32_t line;
	const char *file;
	const char *type, *context, *when;
	const char *section; /* of SEC() in C, without a place */
	uint32_t
		insns; /* units of 8 bytes, with the functions that are its own or called */
	uint32_t stack; /* bytes of the deepest chain of calls */
	struct explain_part *parts;
	size_t nparts;
	struct explain_price price;
	double place_ns; /* of the event itself, by estimate; 0: not measured */
	/* What the kernel says; loaded false: it was not asked, or refused it. */
	bool loaded;
	uint32_t kernel_insns; /* after it has rewritten the program */
	uint32_t jit_bytes, verified;
	uint32_t kernel_stack; /* of the deepest chain of calls, as it counts them */
	const char *complaint; /* the verifier's, or NULL */
	const char *means;     /* what it says in other words, or NULL */
	const struct explain_part *blamed; /* what it was about */
	uint64_t runs, run_ns;             /* of --run */
};

/* Where something is done with a map: explain_place(). */
struct explain_uses {
	const char **items;
	size_t n, cap;
};

struct explain_map {
	const struct map_info *info; /* NULL: one of memql's own */
	const char *name, *type, *key, *value, *purpose;
	uint32_t key_bytes, value_bytes, entries;
	struct explain_uses writers, readers;
	const char *
		others; /* "delete() on line 5, print() on line 7, printed at the end", or NULL */
	uint64_t memory; /* bytes, as the kernel counts; 0: it was not asked */
};

/* What is done where, and when. */
struct explain_moment {
	const char *where, *what;
};

struct explanation {
	struct compile *cc;
	const struct explained *code;
	struct explain_program *programs;
	size_t nprograms;
	struct {
		struct explain_map *items;
		size_t n, cap;
	} maps;
	struct {
		struct explain_moment *items;
		size_t n, cap;
	} moments;
	bool inspected;      /* the kernel was asked */
	const char *kernel;  /* why it was not, or what it said; NULL: all went well */
	const char *without; /* what was left out; NULL: nothing */
	double seconds;      /* that the program ran; 0: it did not */
};

struct explain_options {
	uint32_t line; /* only what is on this line; 0: all */
	const char *
		file; /* of this file, which may be an imported one; NULL: the program's */
	uint32_t program; /* only this one, from 1 on; 0: all */
	bool full;        /* all of it, however much that is */
	unsigned width;   /* columns of the terminal */
};

/* cc was compiled with options.explain; kernel may be NULL. All in cc's arena. */
struct explanation *explain_build(struct compile *cc, const struct inspection *kernel);

/* As text: an overview, or in full if that was asked for, or is short. */
void explain_text(const struct explanation *x, const struct explain_options *o,
		  FILE *out);
/* overview.c: a line for each program, line and map. */
void explain_overview(const struct explanation *x, const struct explain_options *o,
		      FILE *out);
void explain_json(const struct explanation *x, const struct explain_options *o,
		  FILE *out);

void explain_html(const struct explanation *x, const struct explain_options *o,
		  FILE *out);

/* as_bpftrace.c: the script for bpftrace. False after messages: it has no counterpart. */
bool explain_as_bpftrace(struct compile *cc, FILE *out);

/* meaning.c: what a construct is for, in words; in the arena. */
const char *meaning_of(struct compile *cc, const struct probe_kind *kind,
		       const struct node *n);
/* maps.c: x->maps and x->moments. */
void explain_maps(struct explanation *x, const struct inspection *kernel);

/* "line 3, 5"; "nobody"; "" if it is used in other ways. */
const char *explain_uses_text(struct arena *a, const struct explain_map *m,
			      const struct explain_uses *u);

/* price.c: part->price and what it consists of; what a program takes; rounded, as text. */
void explain_price_part(const struct explanation *x, size_t program,
			struct explain_part *part);
struct explain_price explain_price_program(const struct explanation *x, size_t program);
const char *explain_ns(struct arena *a, double ns);
/* "20-340+ ns": "+" is for what the estimate does not know. */
const char *explain_range(struct arena *a, const struct explain_price *price);
/* "20 to 340 ns by estimate; ...": of a program, and what was measured if it ran. */
const char *explain_price_text(const struct explanation *x,
			       const struct explain_program *p);
/*
 * Of the time that a program took, 0 to 1: by the estimates of its parts, and by how many
 * events must have passed the predicate to take that long.
 */
double explain_share(const struct explain_program *p, const struct explain_part *part);

/* What parts call and refer to, each once; *n of them, in the arena. */
const struct helper_row **explain_helpers(struct arena *a, const struct explain_part *p,
					  size_t *n);
/* "#14"; functions of the kernel have no number that would be the same elsewhere. */
const char *explain_helper_number(struct arena *a, const struct helper_row *row);
const char **explain_refers(struct arena *a, const struct explain_part *p, size_t *n);
/* "4" in the program's own file, "FILE:4" in others. */
const char *explain_place(const struct explanation *x, const char *file, uint32_t line);
/* The same without the directory. */
const char *explain_short(const char *place);
/* "line 4: @x = 1": what p->blamed, which is not NULL, is about. */
const char *explain_blamed_text(const struct explanation *x,
				const struct explain_program *p);
bool explain_is_own_file(const struct explanation *x, const char *file);
/* Whether the part is to be shown with these options. */
bool explain_shows(const struct explanation *x, const struct explain_part *p,
		   const struct explain_options *o);
bool explain_shows_program(const struct explanation *x, const struct explain_program *p,
			   const struct explain_options *o);

/* verifier.c: what its log says. */
struct verifier_log {
	const char **states; /* after each instruction; by index; NULL: never reached */
	size_t n;
	uint32_t *stacks; /* "stack depth 16+8": of the program and its functions */
	size_t nstacks;   /* 0: it does not say */
	const char *complaint; /* the sentence if it refused; NULL */
	const char *means;     /* that sentence; NULL: nobody knows */
	size_t at;             /* the instruction that it is about */
};
void verifier_log_read(struct arena *a, const char *log, bool refused,
		       struct verifier_log *out);

#endif
