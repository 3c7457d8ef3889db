/*
 * The programs as C, for `memql explain --as c`: made from the instructions that LLVM gets,
 * before its passes, so that what it says is what runs, whatever builtin it came from. Three
 * steps for each function: c_graph.c finds what becomes a variable and what stays in an
 * expression, and which blocks are ifs and loops; c_block.c writes those, c_value.c the
 * statements in them. c_text.c has what is around functions.
 */
#ifndef MEMQL_C_TEXT_H
#define MEMQL_C_TEXT_H

#include <stdio.h>

#include "codegen/internal.h"

enum { C_NONE = UINT32_MAX };

/* An instruction. */
struct c_value {
	LLVMValueRef ref;
	uint32_t block;
	uint32_t point;   /* where it is computed: at this instruction */
	unsigned depth;   /* of it in the expression that it is a part of */
	bool is_inline;   /* a part of the expression of who uses it */
	bool is_local;    /* alloca: a variable whose address nobody takes */
	bool is_said;     /* with another one, or nobody wants it */
	const char *name; /* of its variable; NULL: none yet */
};

/* A block that can be reached. They are in reverse postorder. */
struct c_block {
	LLVMBasicBlockRef ref;
	uint32_t first, n; /* its instructions, in c_function.values */
	uint32_t next[2];  /* where to; of a switch: see its instruction */
	unsigned nnext;
	unsigned npred;          /* ways here, but for the one back from a loop's end */
	uint32_t parent;         /* the last block that all ways here go through */
	uint32_t child, sibling; /* the first whose parent it is; the next one */
	bool is_exit; /* a few instructions and a return: written where it is needed */
	bool is_absorbed;             /* a part of the condition of another block */
	bool is_done;                 /* where a loop leads */
	uint32_t loop_end, loop_done; /* it begins a loop; or C_NONE */
	uint32_t label;    /* the number of its label, from 1; 0: it needs none */
	const char *again; /* of a loop: the condition of its next turn */
	const struct c_condition *condition;
};

/* What several blocks ask together: a && b. */
struct c_condition {
	LLVMValueRef value; /* or NULL: left and right */
	const struct c_condition *left, *right;
	bool is_and, negated;
};

struct c_line {
	int depth;
	const char *text;
	uint32_t block; /* of a label, whose text is NULL */
	bool is_declaration;
};

struct c_lines {
	struct c_line *items;
	size_t n, cap;
};

/* Words of the script: a comment. */
struct c_words {
	struct span span;
	const char *text;
};

struct c_function {
	struct module *m;
	struct arena *a;
	LLVMValueRef ref;
	struct {
		struct c_value *items;
		size_t n, cap;
	} values;
	struct {
		struct c_block *items;
		size_t n, cap;
	} blocks;
	/* Finds both by their address. */
	struct c_slot {
		const void *key;
		uint32_t index;
	} *slots;
	size_t nslots;
	/* How often a name was used. */
	struct {
		struct c_name {
			const char *base;
			unsigned n;
		} *items;
		size_t n, cap;
	} names;
	/* The script's statements, and which of them was named last. */
	struct {
		struct c_words *items;
		size_t n, cap;
	} words;
	const struct c_words *said;
	uint32_t nlabels;
	struct c_lines *out;
	int depth;
};

/* c_graph.c: blocks and ways; of a function with a body. */
void c_graph(struct c_function *f);
struct c_value *c_find(const struct c_function *f, LLVMValueRef v);
uint32_t c_find_block(const struct c_function *f, LLVMBasicBlockRef b);
/* c_inline.c: which values are variables. */
void c_choose_variables(struct c_function *f);
/* Does every instruction but the last stand in expressions? */
bool c_is_expression(const struct c_function *f, const struct c_block *b);

/* c_block.c: the function's body as lines. */
void c_body(struct c_function *f, struct c_lines *out);
void c_line(struct c_function *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* c_expr.c */
/* How tightly an expression holds together: what may stand where without parentheses. */
enum c_tight {
	C_ANY,
	C_COND,
	C_OR,
	C_AND,
	C_BITS,
	C_COMPARE,
	C_SUM,
	C_PRODUCT,
	C_UNARY
};
/* The value as an expression, in parentheses unless it holds together that tightly. */
const char *c_expr(struct c_function *f, LLVMValueRef v, enum c_tight tight);
/* The condition that it is not 0; negated: that it is. */
const char *c_truth(struct c_function *f, LLVMValueRef v, bool negated,
		    enum c_tight tight);
const char *c_name(struct c_function *f, struct c_value *v);
/* A name that is not used in the function yet. */
const char *c_new_name(struct c_function *f, const char *base);
const char *c_type(LLVMTypeRef type);
/* An object in memory: what can be read and assigned. */
const char *c_object(struct c_function *f, LLVMValueRef at, LLVMTypeRef type,
		     bool is_signed);
/* As C allows it for a name: LLVM's have dots. */
const char *c_symbol(struct arena *a, LLVMValueRef global);
unsigned c_bits(LLVMTypeRef type);

/* c_statement.c: what one instruction does, if it is no jump. */
void c_statement(struct c_function *f, struct c_value *v);
/* Variables that are declared before all else. */
void c_declare(struct c_function *f);

/* c_data.c */
void c_write_maps(struct module *m, FILE *out);
/* Those that the functions' text names: some are only used where nothing ever gets. */
void c_write_constants(struct module *m, const char *functions, FILE *out);
void c_write_license(struct module *m, FILE *out);
bool c_mentions(const char *text, const char *name);

/* c_text.c: the whole of it, in the arena; maps have their shapes. */
const char *c_text(struct module *m);

#endif
