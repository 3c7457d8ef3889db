/*
 * What `memql explain` wants to know of the code that was generated: which instruction of
 * LLVM and of the machine comes from which words of the program, and why it is there. Plain
 * data in the arena of the compilation; neither LLVM nor ELF is needed to read it.
 */
#ifndef MEMQL_EXPLAINED_H
#define MEMQL_EXPLAINED_H

#include <stddef.h>
#include <stdint.h>

#include "codegen/why.h"
#include "core/source.h"

/*
 * Words of the program that code was generated for. In the line records of the ELF file,
 * ordinal stands where the column would: two constructs may begin at one place.
 */
struct construct {
	struct span span; /* as written: source_written() */
	uint32_t line, ordinal;
};

enum { CONSTRUCT_NONE = UINT32_MAX, JUMP_NONE = UINT32_MAX };

/* One machine instruction. */
struct code_insn {
	uint32_t index;     /* in its function, in units of 8 bytes */
	uint32_t construct; /* in explained.constructs, or CONSTRUCT_NONE */
	const char *text;
	const char *refers; /* the map, function or constant it names, or NULL */
	int32_t helper;     /* the number of the helper it calls, or 0 */
	uint32_t jump;      /* the index where it may go on, or JUMP_NONE */
	bool leaves;        /* it never goes on with the next one */
	bool calls;         /* the function that it refers to, at once */
};

/* A program, or a function that programs call. */
struct code_function {
	const char *name, *section;
	size_t program; /* it is a part of: in image->programs; SIZE_MAX: of several */
	const struct code_insn *insns;
	size_t n;
	uint32_t units;        /* its length in units of 8 bytes: what BPF counts */
	uint32_t stack;        /* bytes that it uses itself */
	const uint32_t *calls; /* functions, in the order of the first call to each */
	size_t ncalls;
};

struct ir_line {
	size_t function; /* in explained.functions */
	uint32_t construct;
	const char *text;
};

/* Why there is code for a construct that it does not say itself. */
struct reason {
	size_t program;
	uint32_t construct;
	enum why why;
};

struct explained {
	const struct construct *constructs;
	size_t nconstructs;
	const struct code_function *functions; /* the programs first, in their order */
	size_t nfunctions;
	const struct ir_line *ir;
	size_t nir;
	const struct reason *reasons;
	size_t nreasons;
	bool broken; /* something was left out: options.without */
};

/*
 * A program as the kernel gets it: libbpf puts the functions that it calls behind it, each
 * where the first call to it is met. In units of 8 bytes, from the program's first on.
 */
struct code_layout {
	uint32_t *at;    /* of each of explained.functions; UINT32_MAX: not there */
	uint32_t *order; /* those that are there, one behind the other */
	size_t n;
	uint32_t units; /* all of them together */
};

struct arena;

/* program is an index of explained.functions; the arrays are the arena's. */
void code_layout(struct arena *a, const struct explained *x, size_t program,
		 struct code_layout *out);

/* What is known of a helper: helpers.def. prototype is NULL if memql does not call it. */
struct helper_row {
	int number;
	const char *since, *prototype;
};
const struct helper_row *helper_find(int number);

#endif
