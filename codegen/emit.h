/*
 * Building the instructions of one program: the port that builtins use.
 *
 * Numbers are 64-bit words, already extended by their sign. A string is the address of
 * NUL-terminated bytes in memory that a helper may read: the frame, scratch memory or a
 * map. Every function appends to the current point of the program.
 */
#ifndef MEMQL_EMIT_H
#define MEMQL_EMIT_H

#include "builtins/builtin.h"
#include "codegen/why.h"
#include "core/source.h"
#include "parser/ast.h"
#include "probes/probe.h"

struct map_info;
struct program_info;

enum bpf_helper {
#define HELPER(name, number, constant, since, prototype) HELPER_##name = (number),
#include "codegen/helpers.def"
#undef HELPER
};

/* What is known when memql starts its programs. */
enum setting {
#define SETTING(name, symbol, bytes, initial) SETTING_##name,
#include "codegen/settings.def"
#undef SETTING
};

enum { IMAGE_RING_BYTES = 256 << 10 }; /* size of memql_ring unless it is changed */

/* What can be lost, each kind counted per place in the program; see image.h. */
enum loss_kind {
	LOSS_RING_FULL,    /* an event for user space */
	LOSS_MAP_FULL,     /* an update of a map */
	LOSS_STRING_READ,  /* a string whose memory could not be read: it is empty */
	LOSS_MEMORY_READ,  /* a value behind a pointer or argument: it is 0 */
	LOSS_SCRATCH,      /* a whole event: no working memory */
	LOSS_STACK,        /* a stack: as many different ones are kept */
	LOSS_REFUSED,      /* a call that the kernel refused */
	LOSS_CONTENTION,   /* an update of a minimum or maximum */
	LOSS_DIVISION,     /* a quotient: the divisor is 0 */
	LOSS_SPAN_BEFORE,  /* a span: it was not open when it was done */
	LOSS_SPAN_AGAIN,   /* a span: it was open when it began again */
	LOSS_SPAN_DROPPED, /* a span: drop() */
	LOSS_LOOP,         /* turns of a loop: too many for the kernel */
	LOSS_COUNT
};

/* What emit_if() opens and emit_end() closes. */
struct branch {
	void *otherwise, *end;
	bool has_else;
};

/* Values. */
struct value emit_int(struct emit *e, int64_t n);
struct value emit_eval(struct emit *e, const struct node *expr);
struct value emit_arg(struct emit *e, const struct node *call, unsigned i);
struct value emit_op(struct emit *e, enum op op, struct value a, struct value b,
		     bool is_signed);
/* cond ? a : b without a branch; cond is a number. */
struct value emit_select(struct emit *e, struct value cond, struct value a,
			 struct value b);
/* The low size bytes of a number in reverse order. */
struct value emit_swap(struct emit *e, struct value v, unsigned size);
/* 63 - leading zeros; of 0: 0. */
struct value emit_log2(struct emit *e, struct value v);

/* Up to 5 arguments; returns the helper's 64-bit result. */
struct value emit_helper(struct emit *e, enum bpf_helper id, unsigned n, ...);
/* The same for a helper that returns an address. */
struct value emit_helper_ptr(struct emit *e, enum bpf_helper id, unsigned n, ...);

/* v, which is not above max: the verifier believes it, as the program ends if it is. */
struct value emit_bounded(struct emit *e, struct value v, uint64_t max);

/* Memory that the program may touch directly. size: 1, 2, 4 or 8. */
struct value emit_load(struct emit *e, struct value base, int64_t offset, unsigned size,
		       bool is_signed);
void emit_store(struct emit *e, struct value base, int64_t offset, struct value v,
		unsigned size);
struct value emit_at(struct emit *e, struct value base, struct value offset);
void emit_zero(struct emit *e, struct value base, size_t size);

/* Where an address of this type leads: plain numbers to what the probe traces. */
enum space emit_space(struct emit *e, const struct type *t);

/* A register, or size bytes of it, as the context has it: PROBE_REGISTERS only. */
struct value emit_register(struct emit *e, int offset, unsigned size);

/* Memory of other address spaces; a failure counts as lost and gives 0. */
struct value emit_read(struct emit *e, struct value address, unsigned size,
		       bool is_signed, enum space space, struct span at);

/*
 * Text in an array of limit bytes, which need not hold a NUL, to dst, which has room for
 * one more. A failure counts and gives "".
 */
struct value emit_read_array(struct emit *e, struct value dst, struct value address,
			     uint32_t limit, enum space space, struct span at);

/* size bytes to dst, which has room for them; a failure counts and leaves zeros. */
void emit_read_bytes(struct emit *e, struct value dst, struct value address,
		     size_t size, enum space space, struct span at);
/* The same, where the program computes how many: emit_bounded(). */
void emit_read_some(struct emit *e, struct value dst, struct value address,
		    struct value bytes, enum space space, struct span at);

/* How much text is read. */
struct text_length {
	uint32_t limit;
	struct value
		most; /* a number of bytes that the program computes; or .ref NULL */
};

/*
 * Read text from the address into dst, which has room for limit + 4 bytes. Longer text
 * is cut after limit bytes and ends in "...", or after most bytes, if that is less,
 * without a mark. A failure counts as lost and gives "". In a sleepable program, pages
 * that are not resident are brought in.
 */
struct value emit_read_str(struct emit *e, struct value dst, struct value address,
			   struct text_length length, enum space space, struct span at);

/* What join() puts together, and into how much room. */
struct joining {
	const char *delimiter; /* up to JOIN_DELIMITER_MAX bytes */
	size_t limit, words;   /* of text, and how many texts */
	enum space space;      /* of the array and its texts */
};
enum { JOIN_DELIMITER_MAX = 8, JOIN_WORD_MAX = 1024 };
/* Room that dst needs. */
static inline size_t joining_size(size_t limit)
{
	return limit + JOIN_DELIMITER_MAX + JOIN_WORD_MAX + 16;
}
/* The texts of an array of addresses that ends with 0; cut text ends in "...". */
struct value emit_join(struct emit *e, struct value dst, struct value array,
		       const struct joining *j, struct span at);

/* Copy at most size - 1 bytes of the string src and a NUL; returns it at dst. */
struct value emit_copy_str(struct emit *e, struct value dst, struct value src,
			   size_t size);

/*
 * The string as memory that belongs to this program: what the next two take. They return
 * 1 or 0, and cost the verifier next to nothing: see codegen/function.c.
 */
struct value emit_text_memory(struct emit *e, const struct node *n);
/* Are the first count bytes of two strings equal, or all up to their NUL? */
struct value emit_same_text(struct emit *e, struct value a, struct value b,
			    size_t count);
enum { FIND_MAX = 63 };
/* Where a needle of 1 to FIND_MAX bytes begins in the first count of a string; -1. */
struct value emit_find_text(struct emit *e, struct value text, size_t count,
			    const char *needle);
/* The same of two strings that the program computes. */
struct value emit_search_text(struct emit *e, const struct node *text,
			      const struct node *needle);
/*
 * Run text in size bytes of this program's memory through a machine, in place. Row state,
 * column byte of the table: the byte to write (bits 0 to 7), whether it is kept, whether it
 * goes to the place of the last byte that was (which there must be), and the next state. It
 * begins in state 0; NUL leads to TRANSDUCER_END, which keeps nothing more.
 */
enum {
	TRANSDUCER_ROWS = 64,
	TRANSDUCER_END = 63,
	TRANSDUCER_KEEP_BIT = 8,
	TRANSDUCER_BACK_BIT = 9,
	TRANSDUCER_STATE = 10, /* the lowest of its bits */
	TRANSDUCER_KEEP = 1 << TRANSDUCER_KEEP_BIT,
	TRANSDUCER_BACK = 1 << TRANSDUCER_BACK_BIT,
};
struct value emit_transduce(struct emit *e, struct value text, size_t size,
			    const uint16_t *table);

/* A number of 64 bits that depends on all bytes of a text, of at most size bytes. */
struct value emit_hash_text(struct emit *e, struct value text, size_t size);

/* A copy of a value of several words. */
struct value emit_memory(struct emit *e, const struct node *n);
/* memcmp(3) of what two such values have in their memory. */
struct value emit_compare_memory(struct emit *e, const struct node *a,
				 const struct node *b, size_t count);

/*
 * The stack at this place, of at most depth frames, as a number that user space knows:
 * resolver->stack() in runtime/resolver.h. 0: it is lost, and counted. The plan's
 * stack_bytes are at least stack_frames_bytes() + 8.
 */
struct stack_request {
	bool user;      /* of the program, not of the kernel */
	bool build_ids; /* frames as the kernel's struct bpf_stack_build_id */
	unsigned depth;
};
static inline size_t stack_frames_bytes(const struct stack_request *r)
{
	return (size_t)r->depth * (r->build_ids ? 32 : 8);
}
struct value emit_stack(struct emit *e, const struct stack_request *r, struct span at);
/* How many frames it has. */
struct value emit_stack_length(struct emit *e, struct value id, bool build_ids);

/*
 * A pointer to one of the kernel's objects that the verifier knows, for helpers that take
 * nothing else: args.NAME of a probe with types, and members and pointers from there on.
 * emit_knows_object() says whether an expression is that; it looks at the tree only. What
 * is emitted before emit_object_end() runs if no pointer on the way is 0.
 */
enum { KERNEL_OBJECT_DEPTH = 8 };
struct kernel_object {
	struct value at;
	struct branch there[KERNEL_OBJECT_DEPTH];
	unsigned n;
};
bool emit_knows_object(const struct node *n);
/*
 * The number that the call is, loaded without a helper: it is at[1] bytes behind the pointer
 * that is at[0] bytes behind the running thread's struct task_struct. slow() reads it by
 * helpers, where the load gives 0. False: this kernel does not let programs load it.
 */
bool emit_task_number(struct emit *e, const struct node *call, const uint64_t at[2],
		      struct value (*slow)(struct emit *e, const struct node *call),
		      struct value *out);
struct kernel_object emit_object(struct emit *e, const struct node *n);
void emit_object_end(struct emit *e, struct kernel_object *o);

/* size bytes that last until the statement ends, 8-byte aligned. */
struct value emit_temp(struct emit *e, size_t size);
/* Where a call that makes a string shall write it: type_size(call->type) bytes. */
struct value emit_dest(struct emit *e, const struct node *call);
/* The program's context; the bytes of a literal in read-only memory. */
struct value emit_ctx(struct emit *e);
struct value emit_rodata(struct emit *e, const void *bytes, size_t size);
struct value emit_setting(struct emit *e, enum setting s);

/* How many entries a map with keys has. */
struct value emit_map_length(struct emit *e, const struct node *map);

/*
 * What the cells of one entry hold together, as agg_ops.read sees them: a word's sum over
 * all CPUs, or its maximum; 0 if there is no entry.
 */
struct cells;
struct value emit_cells_sum(struct emit *e, const struct cells *c, unsigned word);
struct value emit_cells_max(struct emit *e, const struct cells *c, unsigned word);

/* The probe that fired. */
const struct program_info *emit_program(struct emit *e);
struct value emit_field(struct emit *e, unsigned i, struct span at); /* in its layout */
/* The same of layouts that a builtin has made: program_info.nlayouts of them. */
struct value emit_by_site(struct emit *e, const struct probe_layout *layouts,
			  unsigned i, struct span at);
struct value emit_site_name(struct emit *e); /* TYPE_NAME of probe */
struct value emit_site_func(struct emit *e); /* TYPE_NAME of func */

/* if (cond) ... else ... : emit_else may be left out. */
struct branch emit_if(struct emit *e, struct value cond);
void emit_else(struct emit *e, struct branch *b);
void emit_end(struct emit *e, struct branch *b);
/* End the program here; what follows is unreachable. */
void emit_return(struct emit *e);

/*
 * for (i = 0; i < n; i++): n is a compile-time bound. emit_break() leaves the loop.
 * Values live across iterations only in memory (emit_temp).
 */
struct loop {
	void *head, *end, *counter;
	uint64_t n;
	struct value i;
};
struct loop emit_loop(struct emit *e, uint64_t n);
void emit_break(struct emit *e, struct loop *l);
void emit_loop_end(struct emit *e, struct loop *l);

/* Word i of an aggregation's cell; atomic where the map needs it. */
void emit_cell_add(struct emit *e, struct value cell, struct value i, struct value v);
void emit_cell_max(struct emit *e, struct value cell, struct value i, struct value v);
/*
 * What follows, to the unlocking, has the cell for itself; a CPU that finds it taken skips
 * that, and counts it. The first word is the lock: 0.
 */
struct branch emit_cell_lock(struct emit *e, struct value cell, struct span at);
void emit_cell_unlock(struct emit *e, struct value cell, struct branch *locked);

/* map is a NODE_MAP. The address of the entry's value, 0 if there is none. */
struct value emit_map_lookup(struct emit *e, const struct node *map);
/* Put the value of a plain map's entry, whose address this is, into a $variable. */
void emit_entry_to(struct emit *e, const struct node *place, const struct node *map,
		   struct value entry);
/* A span: its value, whatever was there. What was is counted. */
void emit_map_open(struct emit *e, const struct node *map, const struct node *value,
		   struct span at);
/* Delete it. Count it as lost if it was open, or if it was not. */
void emit_map_close(struct emit *e, const struct node *map, bool if_open,
		    enum loss_kind kind, struct span at);
/* 1 if an entry was there. */
struct value emit_map_delete(struct emit *e, const struct node *map);

/*
 * Send the call's record: its action's arguments, evaluated here. With wake, the reader
 * is woken at once. Returns 0, or what is negative if the buffer was full, which counts.
 */
struct value emit_record(struct emit *e, const struct node *call, bool wake);

void emit_loss(struct emit *e, enum loss_kind kind, struct span at);

/*
 * What is built now nobody wrote: this is why. False: it shall be left out, because the
 * user wants to see what the kernel says (`memql explain --without`); only of those that
 * are breakable.
 */
bool because(struct emit *e, enum why why);

#endif
