/*
 * What probes must know of a processor: where the kernel keeps its registers, and how
 * its compilers pass arguments. One table per architecture; everything else asks it.
 */
#ifndef MEMQL_ARCH_H
#define MEMQL_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A register, or a part of one, in struct pt_regs: the context of user space probes. */
struct arch_register {
	const char *name; /* as assemblers write it, without a prefix */
	int16_t offset;   /* bytes into struct pt_regs */
	uint8_t size;     /* bytes */
};

struct arch {
	const char *name;
	const struct arch_register *registers; /* ends at name == NULL */
	/* The same for the members of struct pt_regs, by their names in the kernel. */
	const struct arch_register *fields;
	/* Registers that the kernel does not show to probes: prefixes of their names. */
	const char *const *hidden; /* ends at NULL */

	/* How functions take their arguments. */
	const int16_t *args; /* offsets in pt_regs of those in registers */
	size_t nargs;
	int16_t stack;  /* the stack pointer when a function starts, */
	int stack_args; /* and how far above it the further arguments are */
	uint8_t word;
	int16_t result; /* where it leaves its value */
	int16_t ip;     /* the address of the probed instruction */
	int16_t mode;   /* bits of this register tell who was interrupted: a program */
	int64_t mode_mask, mode_user; /* if (mode & mode_mask) == mode_user */

	/*
	 * How many bytes of a function's start a probe does well to skip: the arguments
	 * are where they were, and each call still comes by exactly once.
	 */
	size_t (*entry_skip)(const uint8_t *code, size_t size);

	/*
	 * A probe there costs a fraction of what others do: the kernel emulates the
	 * instruction, where it steps over others one at a time.
	 */
	bool (*is_cheap)(const uint8_t *code, size_t size);

	/*
	 * How far behind a function's start, which is not cheap, the next place is that is:
	 * each call comes by there exactly once, too, but arguments may have been changed.
	 * 0: none is near.
	 */
	size_t (*cheaper)(const uint8_t *code, size_t size);

	/*
	 * How many bytes behind a note's instruction the one is that newer kernels replace
	 * by a call, without a trap: FEATURE_UPROBE_NOP5. 0: there is none.
	 */
	size_t (*note_skip)(const uint8_t *code, size_t size);

	/* Bytes of the instruction at code; 0 if that cannot be told. */
	size_t (*insn_length)(const uint8_t *code, size_t size);
};

/* The machine that memql was built for. */
extern const struct arch *const arch_native;

/* The register called by these len bytes, or NULL. */
const struct arch_register *arch_register(const struct arch *a, const char *name,
					  size_t len);

/* True if the name is of a register that no probe can read: floating point, vectors. */
bool arch_is_hidden(const struct arch *a, const char *name, size_t len);

#endif
