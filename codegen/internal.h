/*
 * What the files of codegen/ share: the LLVM objects of one compilation and the state
 * of one program being built. No other directory includes this.
 */
#ifndef MEMQL_CODEGEN_INTERNAL_H
#define MEMQL_CODEGEN_INTERNAL_H

#include <llvm-c/Core.h>
#include <llvm-c/DebugInfo.h>
#include <llvm-c/TargetMachine.h>

#include "codegen/emit.h"
#include "codegen/image.h"
#include "core/compile.h"
#include "sema/answers.h"
#include "sema/plan.h"

enum {
	FRAME_SLOT_MAX = 128,    /* bytes of one slot on the stack */
	FRAME_TEXT_MAX = 64,     /* the same for a string */
	STACK_BYTES = 512,       /* that a program has, with all that it calls */
	FRAMES_MAX = 8,          /* functions in each other, with the program */
	STACK_SHARED_MIN = 49,   /* bytes of stack that threads may share; frame.c */
	SCRATCH_CPU_MAX = 32768, /* the kernel's limit for an entry of one CPU */
	SCRATCH_TASK_MAX = 60 << 10,      /* the same for task storage */
	SCRATCH_TASK_SMALL = 8000,        /* the same on some kernels: features.def */
	SCRATCH_THREADS_BYTES = 16 << 20, /* of all threads there */
	INLINE_BYTES_MAX = 128,           /* more are zeroed or copied by a helper */
	TEXT_MARK = TRAILER_MAX,          /* "..." after text that was cut */
};

/* A literal in .rodata: equal ones are stored once. */
struct constant {
	const void *bytes;
	size_t size;
	LLVMValueRef global;
};

/* What is remembered for `memql explain` while code is generated. */
struct ir_text;
struct explaining {
	enum why without; /* is left out; WHY_COUNT: nothing is */
	bool broken;      /* it was */
	struct {
		struct construct *items;
		size_t n, cap;
	} constructs;
	struct {
		struct reason *items;
		size_t n, cap;
	} reasons;
	struct {
		struct ir_text *items;
		size_t n, cap;
	} ir;
	/* Functions of loop.c. */
	struct {
		struct turn_function {
			const char *name;
			size_t program;
		} *items;
		size_t n, cap;
	} turns;
};

/* The LLVM side of one compilation. */
struct module {
	struct compile *cc;
	struct explaining *explaining; /* NULL: nobody asks */
	/*
	 * The stack overflowed at the first try: keep variables and temporaries in
	 * scratch memory.
	 */
	bool thrifty;
	const bool
		*bare; /* by program: an earlier try has shown to keep off the stack */
	bool *has_slots; /* by program */
	bool kept_awake; /* no program is to sleep, though they read what may fault */
	bool stack_overflow; /* LLVM said so */
	bool too_large;      /* and was reported */
	const char *error;   /* anything else that LLVM complained of; in the arena */

	LLVMContextRef context;
	LLVMModuleRef ir;
	LLVMTargetMachineRef machine;
	LLVMDIBuilderRef di;
	LLVMMetadataRef file, unit, type_int, type_u8, type_u64, type_ptr;
	LLVMTypeRef i1, i8, i16, i32, i64, ptr;

	LLVMValueRef *maps;  /* by map_info.index */
	LLVMValueRef *seats; /* the same: of a MAP_KEPT */
	LLVMValueRef ring, loss, scratch, task, threads, stacks;
	LLVMValueRef zeros; /* stands for a block of zeros until its size is known */
	size_t zeros_size;
	size_t scratch_size, task_size;
	size_t thread_size; /* bytes of a thread in `threads`, which is used instead of
			     * `task`; 0: it is not */
	unsigned scratch_entries;
	unsigned nturns; /* functions of loop.c so far */

	struct {
		struct constant *items;
		size_t n, cap;
	} constants;
	struct {
		const char **items;
		size_t n, cap;
	} needles; /* of emit_find_text() */
	struct {
		const uint16_t **items;
		size_t n, cap;
	} tables; /* of emit_transduce() */
	struct {
		struct image_loss *items;
		size_t n, cap;
	} losses;

	/* For c_text.h, if options.as_c: what the IR does not say. */
	const char *c;
	struct {
		struct c_map *items;
		size_t n, cap;
	} c_maps;
	struct {
		struct c_signature *items;
		size_t n, cap;
	} c_functions;
};

/* The entry whose cells are read: see emit_cells_sum(). */
struct cells {
	LLVMValueRef map, key;
	bool per_cpu;
};

/* Where a $variable lives, or what once.c keeps: a register, or scratch memory. */
struct var_slot {
	LLVMValueRef local; /* or NULL */
	size_t offset;      /* in scratch memory */
};

/*
 * One program being built. Its blocks run in this order:
 *
 *	frame	 stack slots, zeroed variables
 *	guard	 leave if this is memql's own process; after a predicate that is cheap
 *	early	 scratch memory and cookie, if the predicate needs them
 *	...	 the predicate
 *	late	 scratch memory and cookie, if only the body needs them
 *	...	 the body
 *	leave	 return 0
 *
 * so that an event that the predicate refuses costs as little as possible.
 */
struct emit {
	struct module *m;
	const struct program_info *program;
	size_t index;         /* in the plan */
	LLVMBuilderRef b;     /* the current point */
	LLVMBuilderRef hoist; /* end of early or late */
	LLVMBuilderRef entry; /* frame, before its end */
	LLVMValueRef function;
	LLVMMetadataRef subprogram;
	LLVMBasicBlockRef leave;

	LLVMValueRef frame; /* placeholder; see frame_finish() */
	size_t frame_used, frame_peak;
	size_t scratch_used, scratch_peak;
	size_t scratch_vars;    /* bytes at the start that hold variables */
	LLVMValueRef scratch;   /* base address once it is known */
	unsigned scratch_index; /* of the program's entry, from 1; 0: none yet */
	unsigned fences;        /* so far: see unlike_others() in read.c */
	LLVMValueRef cookie;
	LLVMValueRef thread; /* the slot with its id: see program.c; NULL: none yet */

	/* In a function of loop.c; depth 0: in the program itself. */
	unsigned depth;
	LLVMValueRef context; /* the program's; NULL: the first argument */
	size_t returned;      /* in scratch memory: a loop has ended the program */
	LLVMBasicBlockRef turn_end, loop_end; /* for continue and break */

	struct span span;             /* being built; for line info */
	const char *subject;          /* builtin or map at work; for losses */
	const struct node *dest_node; /* the string that has a place waiting ... */
	struct value dest;            /* ... here */
	size_t cell_size;             /* of the aggregation being updated */
	bool cell_atomic;
	LLVMBasicBlockRef self, other; /* guard_self() in program.c */
	bool asked_task, asked_ids; /* helpers that tell the thread, which it called */
	LLVMValueRef *kept;  /* by map: its entry, once looked up; thread_entry.c */
	struct onces *onces; /* once.c; NULL: nothing is written twice */
	bool by_helpers;     /* direct.c: members are read by helpers alone */
	const struct node *early; /* an aggregation's call whose first argument */
	struct value early_value; /* was computed before; NULL: none */
};

/* llvm.c: before anything else of LLVM is called. */
void llvm_start(void);

/* module.c */
struct module *module_new(struct compile *cc, bool thrifty, const bool *bare,
			  size_t thread_size);
/* What LLVM holds of a struct module; once is enough, and the arena does it at the latest. */
void module_close(void *module);
/* The license that the object names. */
void module_license(struct module *m, const char *name);
/* Give the maps and blocks of zeros, whose sizes are known now, their types. */
void module_finish(struct module *m);
LLVMValueRef module_const(struct module *m, uint64_t n);
LLVMValueRef module_rodata(struct module *m, const void *bytes, size_t size);
/* One of the constants of settings.def: its address, to be read as volatile. */
LLVMValueRef module_setting(struct module *m, const char *name, LLVMTypeRef type,
			    uint64_t initial);
/* IMAGE_ASLEEP: its address, to be read as volatile. */
LLVMValueRef module_asleep(struct module *m);
/* Zeros in read-only memory, at least size bytes. */
LLVMValueRef module_zeros(struct module *m, size_t size);
/* The counter for this loss: equal ones share it. */
unsigned module_loss(struct module *m, enum loss_kind kind, const char *subject,
		     struct span at);
uint32_t module_line(const struct module *m, struct span at);

/* because.c */
struct explaining *explaining_new(struct compile *cc);
/* Its index in explaining->constructs. */
uint32_t construct_number(struct module *m, struct span at);
uint32_t construct_find(const struct module *m, uint32_t line, uint32_t ordinal);

/* explained.c: the first before the back end, the second when the file is there. */
void explained_read_ir(struct module *m);
const struct explained *explained_make(struct module *m, const void *elf);

/* A BTF-defined map; sizes of 0 are left out, typed maps name key and value types. */
struct map_shape {
	unsigned type, max_entries, flags;
	size_t key_size, value_size;
	bool typed;
};
/* One for c_text.h. */
struct c_map {
	const char *symbol;
	struct map_shape shape;
};
/* How many bytes are where the arguments of a function of function.c point to, or 0. */
struct c_signature {
	const char *name;
	size_t sizes[2];
};

/* debug.c */
void debug_start(struct module *m);
LLVMMetadataRef debug_program(struct module *m, LLVMValueRef function,
			      const char *symbol, uint32_t line);
/* A function of function.c: the kernel takes the sizes of its arguments from here. */
LLVMMetadataRef debug_function(struct module *m, LLVMValueRef function,
			       const char *symbol, uint32_t line, const size_t *sizes,
			       unsigned n);
/* A function of loop.c: (index, context), or (map, key, value, context). */
LLVMMetadataRef debug_callback(struct module *m, LLVMValueRef function,
			       const char *symbol, uint32_t line, bool of_map);
void debug_map(struct module *m, LLVMValueRef global, const char *name,
	       const struct map_shape *shape);
/* What follows belongs to that text; returns the span before. */
struct span debug_at(struct emit *e, struct span at);

/* program.c */
void program_generate(struct module *m, size_t index);
LLVMValueRef program_cookie(struct emit *e);
LLVMValueRef program_scratch(struct emit *e);
/* The lookup itself: an address that may be 0. */
struct value scratch_lookup(struct emit *e);
LLVMBasicBlockRef block_new(struct emit *e, const char *name);

/* frame.c: memory of the program. */
/* The program may keep nothing on the stack. */
bool without_slots(const struct emit *e);

/* Programs can keep other threads off their CPU. */
static inline bool can_hold_cpu(const struct target *t)
{
	return t->ops->has(t, FEATURE_HOLD_CPU);
}
/* A slot of size bytes can be on the stack, below FRAME_SLOT_MAX. */
bool fits_frame(const struct emit *e, size_t size);
/* The offset of so much scratch memory; if there is no more, a diagnostic. */
size_t scratch_take(struct emit *e, size_t size);
struct value temp_in_scratch(struct emit *e, size_t size);
struct value temp_text(struct emit *e, size_t size);
/* A 64-bit variable that becomes a register. */
LLVMValueRef local_new(struct emit *e);
void local_set(struct emit *e, LLVMValueRef local, struct value v);
struct value local_get(struct emit *e, LLVMValueRef local);
void frame_finish(struct emit *e);
void emit_copy(struct emit *e, struct value dst, struct value src, size_t size);

/* emit.c */
LLVMValueRef as_bit(struct emit *e, struct value v);
LLVMValueRef as_ptr(struct emit *e, struct value v);
LLVMValueRef as_int(struct emit *e, struct value v);
/* The same number or address, of which LLVM knows nothing: so checks of it stay. */
struct value opaque(struct emit *e, struct value v);
/*
 * v, which is not above max: the verifier believes it because the program ends if it is.
 */
struct value bounded(struct emit *e, struct value v, uint64_t max);
struct value value_of(LLVMValueRef ref);
/* Run the loss's code only if cond is not 0. */
/* An address that lies in memory. */
LLVMValueRef emit_load_ptr(struct emit *e, struct value at);
void loss_if(struct emit *e, struct value cond, enum loss_kind kind, struct span at);

/* read.c: a whole word of the context. */
struct value context_word(struct emit *e, int64_t offset);
/* The same number, by an instruction that is like no other of the program. */
LLVMValueRef unlike_others(struct emit *e, LLVMValueRef v);

/* direct.c: the member that n is, if it can be loaded without a helper; else false. */
bool direct_number(struct emit *e, const struct node *n, struct value *out);
/*
 * The struct or pointer that n is a member of, as an address for helpers and nothing else
 * (the verifier may know it), and the member's place behind it.
 */
bool direct_base(struct emit *e, const struct node *n, struct value *base,
		 uint64_t *offset);

/* Where a member of struct task_struct is, if programs can load it; else false. */
bool task_member(struct emit *e, const char *name, int64_t *offset);

/* kernel_pointer.c: an argument that is a pointer the verifier knows. */
bool is_object_argument(const struct node *n);

/* read.c: field i of the probe's arguments; n is the node it stands for, or NULL. */
struct value field_read(struct emit *e, unsigned i, const struct node *n,
			struct span at);

/* A number as this type holds it: cut and extended, or true or false. */
struct value emit_fit(struct emit *e, struct value v, const struct type *to);

/* Text in size bytes, cut without a mark; returns its length, 0 after a failure. */
struct value emit_read_word(struct emit *e, struct value dst, struct value address,
			    uint32_t size, enum space space, struct span at);

/* expr.c */
bool is_text(const struct type *t);
/* The value is an address of the program's own memory, not a word. */
bool is_wide(const struct type *t);
/* Evaluate a string to dst, which has room for size >= type_size() bytes. */
struct value eval_text_at(struct emit *e, const struct node *n, struct value dst,
			  size_t size);
/*
 * Evaluate to dst as a value of this type, which holds what n's does: all type_size()
 * bytes are written. padded: those after a string's NUL are zero, as in a key.
 */
void eval_into(struct emit *e, const struct node *n, struct value dst,
	       const struct type *type, bool padded);
/* The same of a value at hand. */
void convert(struct emit *e, struct value dst, const struct type *to, struct value v,
	     const struct type *from, bool padded);
/* Branch on a condition. */
void eval_branch(struct emit *e, const struct node *cond, LLVMBasicBlockRef yes,
		 LLVMBasicBlockRef no);
/* The place waiting for this string, or a new one. n may be NULL. */
struct value dest_for(struct emit *e, const struct node *n, const struct type *type);
/* Its word. */
struct value slot_load(struct emit *e, const struct var_slot *slot);
void slot_store(struct emit *e, const struct var_slot *slot, struct value v);
/* Assign a number or string. */
void var_store(struct emit *e, const struct var_info *var, struct value v);
struct value var_load(struct emit *e, const struct var_info *var);
struct value var_text(struct emit *e, const struct var_info *var);
/* emit_eval() of what may have been asked for before, but shall be again: for once.c. */
struct value eval_anew(struct emit *e, const struct node *n);
/* v op= by the rules of types. */
struct value number_op(struct emit *e, enum op op, const struct node *left,
		       struct value a, const struct node *right, struct value b);
/* What ++ adds: 1, or the size of what a pointer points to. */
struct value step_of(struct emit *e, const struct type *t);
/* wanted: the value is used. */
struct value eval_step(struct emit *e, const struct node *n, bool wanted);

/* memory.c: values wider than a word. */
struct value cast_tuple(struct emit *e, const struct node *n);
struct value tuple_build(struct emit *e, const struct node *n);

struct value memory_equal(struct emit *e, const struct node *left,
			  const struct node *right);

/* part.c: fields of structs and tuples, elements, what is behind pointers. */
struct value eval_member(struct emit *e, const struct node *n);
struct value eval_index(struct emit *e, const struct node *n);
struct value eval_deref(struct emit *e, const struct node *n);
struct value eval_address(struct emit *e, const struct node *n);

/* text.c */
struct value text_equal(struct emit *e, const struct node *left,
			const struct node *right);
/* A literal's bytes and zeros up to whole words, type_size() bytes, at dst. */
struct value text_literal(struct emit *e, const struct node *n, struct value dst);

/* function.c: functions that the verifier sees once; what is at its start says more. */
enum { FUNCTION_NAME_MAX = 48 };
/* One being built; its emit is a copy of the caller's. */
struct function {
	struct emit e;
	struct emit *caller;
	LLVMValueRef result;
	LLVMBasicBlockRef start;
};
/* sizes: of the memory that an argument points to; 0 for a number. At most two. */
void function_open(struct function *f, struct emit *caller, const char *name,
		   const size_t *sizes, unsigned n);
LLVMValueRef function_close(struct function *f);
struct value function_argument(const struct function *f, unsigned i);
void function_set(struct function *f, struct value result);
/* Leave with this result if cond is not 0. */
void function_return_if(struct function *f, struct value cond, struct value result);
struct value function_call(struct emit *e, LLVMValueRef f, struct value a,
			   struct value b);

/*
 * search.c: a number from the words behind the first one of size bytes of memory, as
 * many of them as bytes says; never 0.
 */
struct value emit_hash(struct emit *e, struct value memory, size_t size,
		       struct value bytes);

/* stmt.c */
void statement(struct emit *e, const struct node *n);

/* loop.c */
void build_loop(struct emit *e, const struct node *n);
void build_jump(struct emit *e, LLVMBasicBlockRef to);

/* map.c */
/* What an aggregation's cells say together, of the entry with this key. */
struct value map_read_cells(struct emit *e, const struct map_info *map,
			    struct value key);
struct value map_value(struct emit *e, const struct node *map);
void map_assign(struct emit *e, const struct node *map, const struct node *value);
/* To a member of the record that a map holds. */
void map_assign_member(struct emit *e, struct node *place, const struct node *value);
/*
 * entry op= operand, or member op= operand; before and after may be NULL, and are 0 if
 * nothing was changed.
 */
void map_modify(struct emit *e, struct node *place, enum op op,
		const struct node *operand, struct value n, struct value *before,
		struct value *after);
/* The same of several members of one entry, which is looked up once. */
struct change {
	struct node *place;
	enum op op;
	const struct node *operand;
	struct value n; /* or where it is */
	bool in_memory;
};
void map_modify_all(struct emit *e, const struct change *changes, size_t n);

/* image.c: the image of cc->plan with these bytes, in the arena. */
struct image *image_new(const struct compile *cc, const void *elf, size_t elf_size,
			const struct image_loss *losses, size_t nlosses);

/*
 * kept.c: images of earlier compilations, in options.cache. The key is all that this one
 * depends on, and is to be taken before code is generated: code depends on features, too,
 * which are compared when an image is found.
 */
struct image_key {
	const void *bytes;
	size_t size;
	struct answers answers;
};
struct image_key image_key(const struct compile *cc);
bool image_find(struct compile *cc, const struct image_key *key);
void image_keep(const struct compile *cc, const struct image_key *key);

/* map.c, for thread_entry.c */
struct value map_of(struct emit *e, const struct map_info *map);
struct value map_key(struct emit *e, const struct node *map);
struct value map_only_if_set(struct emit *e, const struct map_info *map,
			     struct value p);
int64_t map_set_offset(const struct map_info *map);

/* once.c: look for what the program need not be asked for again, and take room for it. */
void once_find(struct emit *e);
/* Two MAPs are one entry, if between them nothing but its members is changed. */
bool once_same_entry(const struct emit *e, const struct node *a, const struct node *b);
/* The value of an expression, which may be at hand from an equal one. */
struct value once_eval(struct emit *e, const struct node *n);
/* An entry of it, or a variable in keys, was written: numbers at hand are old. */
void once_map_changed(struct emit *e, const struct map_info *map);
void once_var_changed(struct emit *e, const struct var_info *var);

/* thread_entry.c: a MAP_KEPT's entry, set or not; 0: there is none. */
struct value kept_lookup(struct emit *e, const struct node *map);
/* The same, made of zeros; 0: the map is full. */
struct value kept_entry(struct emit *e, const struct node *map);
/* Its value is there. */
void kept_set(struct emit *e, struct value p);
void kept_assign(struct emit *e, const struct node *map, const struct node *value);
struct value kept_delete(struct emit *e, const struct node *map);

/* disasm.c: text of the programs in an ELF file, in the arena. */
const char *disassemble(struct arena *a, const struct plan *plan, const void *elf);

#endif
