/*
 * What the verifier says, in the words of kernels from 5.15 to 6.18: tests/verifier_words.c
 * has each of them said by the kernel that it runs on.
 */
#include "runtime/verifier.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/probe.h"

const struct verifier_row verifier_rows[] = {
	{
		.name = "null_arithmetic",
		.patterns = { "R* pointer arithmetic on *_or_null prohibited*" },
		.means =
			"a look-up may find nothing, and the program computes with its "
			"result before it has tested that",
	},
	{
		.name = "null",
		.patterns = { "R* invalid mem access '*_or_null*'" },
		.means = "a look-up may find nothing, and the program uses its result "
			 "without having tested that",
	},
	{
		.name = "not_a_pointer",
		.patterns = { "R* invalid mem access '*'" },
		.means =
			"the program reads or writes memory through a number of which the "
			"verifier does not know that it is an address",
	},
	{
		.name = "unset_register",
		.patterns = { "R* !read_ok" },
		.means =
			"a register is used that was not set on every way to there, or "
			"that a call has clobbered",
	},
	{
		.name = "unset_stack",
		.patterns = { "invalid *read from stack*off -*+* size *",
			      "invalid read from stack R* off -*+* size *" },
		.means =
			"bytes of the stack are read that were not written on every way "
			"to there",
	},
	{
		.name = "stack_bounds",
		.patterns = { "invalid * stack* off=* size=*", "invalid stack *",
			      "invalid *access to stack*", "invalid *stack type *" },
		.means =
			"the program touches the stack outside of its 512 bytes, or reads "
			"bytes of it that it did not write",
	},
	{
		.name = "stack_alignment",
		.patterns = { "misaligned * access off *" },
		.means = "a number of 2, 4 or 8 bytes is not at a multiple of its size",
	},
	{
		.name = "unbounded",
		.patterns = { "R* unbounded memory access, make sure to bounds check*",
			      "math between * pointer and register with unbounded *",
			      "R* max value is outside of the allowed memory range",
			      "value * makes * pointer be out of bounds" },
		.means =
			"the place that is read or written in a map's value is computed, "
			"and may lie behind the value",
	},
	{
		.name = "value_bounds",
		.patterns = { "R* min value is outside of the allowed memory range",
			      "invalid access to *, *_size=* off=* size=*",
			      "R* min value is negative, either use unsigned index*" },
		.means = "the program reads or writes outside of a map's value",
	},
	{
		.name = "context",
		.patterns = { "invalid bpf_context access off=* size=*",
			      "dereference of modified * ptr R* off=* disallowed",
			      "BPF_* stores into R* ctx is not allowed" },
		.means =
			"the program reads or writes a part of the event's data that the "
			"kernel does not have there, or does not show",
	},
	{
		.name = "read_only",
		.patterns = { "write into map forbidden, *", "* cannot write into *" },
		.means = "the program writes into memory that it may only read",
	},
	{
		.name = "pointer_operation",
		.patterns = { "R* bitwise operator * on pointer prohibited",
			      "R* pointer arithmetic with * operator prohibited",
			      "R* pointer arithmetic on * prohibited*",
			      "R* pointer * pointer prohibited",
			      "R* 32-bit pointer arithmetic prohibited" },
		.means =
			"the program computes with an address in a way that the verifier "
			"does not follow",
	},
	{
		.name = "frame_pointer",
		.patterns = { "frame pointer is read only" },
		.means = "the program changes the register that points to its stack",
	},
	{
		.name = "helper_of_others",
		.patterns = { "program of this type cannot use helper *",
			      "unknown func bpf_*#*", "helper call * might sleep*",
			      "helper call is not allowed in probe" },
		.cause = CAUSE_KERNEL,
		.means = "this kernel does not let programs of this kind of probe call "
			 "this helper",
		.advice = "another kind of probe may do: memql --reference lists them",
	},
	{
		.name = "no_helper",
		.patterns = { "invalid func *#*", "unknown func unknown#*" },
		.cause = CAUSE_KERNEL,
		.means = "this kernel does not have a helper that the program calls",
		.advice = "a newer kernel has it; memql should have said so before it "
			  "built the program",
	},
	{
		.name = "argument",
		.patterns = { "R* type=* expected=*" },
		.means = "a helper is given another kind of value than it takes",
	},
	{
		.name = "size",
		.patterns = { "R* unbounded memory access, use 'var &= const'*",
			      "R* min value is negative, either use unsigned or*",
			      "R* invalid zero-sized read*",
			      "invalid zero-sized read*" },
		.means =
			"how many bytes a helper shall read or write is computed, and may "
			"be none, negative or too many",
	},
	{
		.name = "licence",
		.patterns = { "cannot call GPL-restricted function *",
			      "cannot call GPL only function *" },
		.means =
			"the program does not declare a licence that allows this helper",
	},
	{
		.name = "not_a_map",
		.patterns = { "fd * is not pointing to valid bpf_map" },
		.means = "one of the program's maps was closed before it was loaded",
	},
	{
		.name = "kind_of_map",
		.patterns = { "cannot pass map_type * into func *" },
		.cause = CAUSE_KERNEL,
		.means = "this kernel's helper does not work with maps of this kind",
	},
	{
		.name = "kept_reference",
		.patterns = { "Unreleased reference id=*",
			      "BPF_EXIT instruction * would lead to reference leak" },
		.means = "the program may end without having given back what a helper "
			 "lent it",
	},
	{
		.name = "sleeping",
		.patterns = { "Sleepable programs can only use *",
			      "Only * programs can be sleepable" },
		.cause = CAUSE_KERNEL,
		.means =
			"on this kernel a program of this kind cannot wait for pages, or "
			"not with maps of this kind",
		.advice =
			"MEMQL_WITHOUT=sleepable_uprobe in the environment does without "
			"waiting",
	},
	{
		.name = "endless",
		.patterns = { "infinite loop detected at insn *",
			      "back-edge from insn * to *" },
		.means = "the verifier cannot see that a loop ends",
	},
	{
		.name = "too_long",
		.patterns = { "BPF program is too large. Processed * insn*" },
		.cause = CAUSE_SIZE,
		.means =
			"the verifier follows every way through the program, and gives up "
			"after a million instructions",
		.advice = "fewer branches and shorter loops, or several probes on the "
			  "same point, each with a part of the work",
	},
	{
		.name = "branches",
		.patterns = { "The sequence of * jumps is too complex*" },
		.cause = CAUSE_SIZE,
		.means = "the program has more branches in a row than the verifier "
			 "remembers",
		.advice =
			"fewer if and unroll, or several probes on the same point, each "
			"with a part of the work",
	},
	{
		.name = "combined_stack",
		.patterns = { "combined stack size of * calls is *. Too large*" },
		.cause = CAUSE_SIZE,
		.means =
			"the program and the functions that it calls need more than 512 "
			"bytes of stack together",
		.advice =
			"smaller texts (config = { max_strlen = N }), fewer $variables",
	},
	{
		.name = "unreachable",
		.patterns = { "unreachable insn *" },
		.means = "the program has code that nothing leads to",
	},
	{
		.name = "jump",
		.patterns = { "jump out of range from insn * to *",
			      "jump into the middle of *" },
		.means = "the program jumps out of itself",
	},
	{
		.name = "no_exit",
		.patterns = { "last insn is not an exit or jmp" },
		.means = "the program does not end",
	},
	{
		.name = "division",
		.patterns = { "div by zero" },
		.means = "the program divides by the constant 0",
	},
	{
		.name = "instruction",
		.patterns = { "unknown opcode *", "BPF_* uses reserved fields",
			      "invalid BPF_* *" },
		.cause = CAUSE_KERNEL,
		.means = "this kernel does not know one of the program's instructions",
	},
	{
		.name = "interpreter",
		.patterns = { "* not allowed in non-JITed programs" },
		.cause = CAUSE_KERNEL,
		.means =
			"loops need programs that become machine code, and this kernel "
			"interprets them",
		.advice = "sysctl net.core.bpf_jit_enable=1",
	},
	{ NULL },
};

const struct verifier_row *verifier_explain(const char *sentence, size_t len)
{
	char text[512];

	snprintf(text, sizeof(text), "%.*s", (int)len, sentence);
	for (const struct verifier_row *r = verifier_rows; r->name; r++)
		for (size_t i = 0; r->patterns[i]; i++)
			if (glob_match(r->patterns[i], text))
				return r;
	return NULL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "R0=scalar() R1_w=ctx()"; "R1 type=scalar expected=map_ptr" is none. */
static bool is_state(const char *line)
{
	if (*line++ != 'R' || !is_digit(*line))
		return false;
	while (is_digit(*line))
		line++;
	if (*line == '_')
		line += 1 + strspn(line + 1, "rwDP");
	return *line == '=';
}

/* Lines of a log that say how the verifier went on, not why it stopped. */
static bool is_trace(const char *line, size_t len)
{
	static const char *const begins[] = {
		"processed ",
		"insns processed ", /* 7.2 */
		"verification time",
		"stack depth",
		"from ",
		"func#",
		"last_idx ",
		"regs=",
		"parent ",
		"mark_",
		"max_states",
		"; ",
		"arg#",
		"caller",
		"callee",
		"cur state",
		"old state",
		"returning from",
		"to caller",
		"propagating",
		"Validating",
		"combining",
		"Live regs before ", /* 6.18 */
	};
	static const char frame[] = "frame";

	if (!len || is_digit(line[0]) || line[0] == ' ' || is_state(line))
		return true;
	if (line[0] == '(' &&
	    is_digit(line[1])) /* 6.18, of a function: "(0) live ..." */
		return true;
	if (!strncmp(line, frame, sizeof(frame) - 1) &&
	    is_digit(line[sizeof(frame) - 1]))
		return true;
	for (size_t i = 0; i < sizeof(begins) / sizeof(*begins); i++) {
		if (len >= strlen(begins[i]) &&
		    !strncmp(line, begins[i], strlen(begins[i])))
			return true;
	}
	return false;
}

/* "12: (79) r1 = *(u64 *)(r0 +0)": 12, or -1. */
static int64_t traced_insn(const char *line)
{
	char *end;
	unsigned long n = strtoul(line, &end, 10);

	return end > line && strncmp(end, ": (", 3) == 0 ? (int64_t)n : -1;
}

/* "unreachable insn 5", "jump out of range from insn 0 to 6" */
static int64_t named_insn(const char *sentence, size_t len)
{
	static const char word[] = "insn ";
	const char *p = memmem(sentence, len, word, sizeof(word) - 1);

	if (!p)
		return -1;
	p += sizeof(word) - 1;
	return *p >= '0' && *p <= '9' ? (int64_t)strtoul(p, NULL, 10) : -1;
}

struct verdict verifier_read(const char *log)
{
	struct verdict v = { .sentence = log, .insn = -1 };
	int64_t at = -1, named;
	size_t n;

	for (const char *line = log; *line; line += n + (line[n] == '\n')) {
		const int64_t insn = traced_insn(line);

		n = strcspn(line, "\n");
		if (insn >= 0)
			at = insn;
		if (is_trace(line, n))
			continue;
		v.sentence = line;
		v.len = n;
		v.insn = at;
	}
	named = named_insn(v.sentence, v.len);
	if (named >= 0)
		v.insn = named;
	return v;
}
