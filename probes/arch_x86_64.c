/*
 * x86_64: registers as the kernel's struct pt_regs holds them (user space may rely on
 * that layout: arch/x86/include/uapi/asm/ptrace.h), arguments as the System V ABI
 * passes them.
 */
#include "probes/arch.h"

#include <string.h>

#include "probes/x86_64_insn.h"

enum {
	R15 = 0,
	R14 = 8,
	R13 = 16,
	R12 = 24,
	RBP = 32,
	RBX = 40,
	R11 = 48,
	R10 = 56,
	R9 = 64,
	R8 = 72,
	RAX = 80,
	RCX = 88,
	RDX = 96,
	RSI = 104,
	RDI = 112,
	RIP = 128,
	CS = 136,
	RSP = 152,
};

/* The old registers have names of their own for each width, the new ones suffixes. */
#define LEGACY(full, dword, word, byte, at)                                            \
	{ full, at, 8 }, { dword, at, 4 }, { word, at, 2 }, { byte, at, 1 }
#define NUMBERED(n, at)                                                                \
	{ "r" n, at, 8 }, { "r" n "d", at, 4 }, { "r" n "w", at, 2 },                  \
		{ "r" n "b", at, 1 }, { "r" n "l", at, 1 }

static const struct arch_register registers[] = {
	LEGACY("rax", "eax", "ax", "al", RAX),
	LEGACY("rbx", "ebx", "bx", "bl", RBX),
	LEGACY("rcx", "ecx", "cx", "cl", RCX),
	LEGACY("rdx", "edx", "dx", "dl", RDX),
	LEGACY("rsi", "esi", "si", "sil", RSI),
	LEGACY("rdi", "edi", "di", "dil", RDI),
	LEGACY("rbp", "ebp", "bp", "bpl", RBP),
	LEGACY("rsp", "esp", "sp", "spl", RSP),
	/* The second lowest byte. */
	{ "ah", RAX + 1, 1 },
	{ "bh", RBX + 1, 1 },
	{ "ch", RCX + 1, 1 },
	{ "dh", RDX + 1, 1 },
	NUMBERED("8", R8),
	NUMBERED("9", R9),
	NUMBERED("10", R10),
	NUMBERED("11", R11),
	NUMBERED("12", R12),
	NUMBERED("13", R13),
	NUMBERED("14", R14),
	NUMBERED("15", R15),
	{ "rip", RIP, 8 },
	{ "eip", RIP, 4 },
	{ 0 },
};

static const struct arch_register fields[] = {
	{ "r15", R15, 8 },   { "r14", R14, 8 },
	{ "r13", R13, 8 },   { "r12", R12, 8 },
	{ "bp", RBP, 8 },    { "bx", RBX, 8 },
	{ "r11", R11, 8 },   { "r10", R10, 8 },
	{ "r9", R9, 8 },     { "r8", R8, 8 },
	{ "ax", RAX, 8 },    { "cx", RCX, 8 },
	{ "dx", RDX, 8 },    { "si", RSI, 8 },
	{ "di", RDI, 8 },    { "orig_ax", 120, 8 },
	{ "ip", RIP, 8 },    { "cs", CS, 8 },
	{ "flags", 144, 8 }, { "sp", RSP, 8 },
	{ "ss", 160, 8 },    { 0 },
};

static const char *const hidden[] = { "xmm", "ymm", "zmm", "mm", "st", "k", NULL };

static const int16_t args[] = { RDI, RSI, RDX, RCX, R8, R9 };

/* An instruction that the kernel emulates: others are single-stepped, at 30 times the
 * price (a push or a nop costs 0.5 us, anything else 16 us where it was measured). */
static bool is_cheap(const uint8_t *code, size_t size)
{
	if (size < 2)
		return size == 1 && code[0] == 0x90;
	if (code[0] == 0x41)
		return code[1] >= 0x50 && code[1] <= 0x57; /* push %r8 .. %r15 */
	return (code[0] >= 0x50 && code[0] <= 0x57) ||     /* push */
	       code[0] == 0x90 ||                          /* nop */
	       (code[0] & 0xf0) == 0x70 ||                 /* jz and the like */
	       (code[0] == 0x0f && (code[1] & 0xf0) == 0x80);
}

static int32_t little32(const uint8_t *p)
{
	return (int32_t)((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
			 (uint32_t)p[3] << 24);
}

/*
 * True if some bytes could be a jump to the target: a loop back to it would make it run
 * several times per call. Looks at every byte, whether an instruction starts there or
 * not, so it may err, but only on the safe side.
 */
static bool may_jump_to(const uint8_t *code, size_t size, size_t target)
{
	int64_t want = (int64_t)target;
	size_t i;

	for (i = 0; i + 1 < size; i++) {
		uint8_t op = code[i];
		bool is_short = (op >= 0x70 && op <= 0x7f) ||
				(op >= 0xe0 && op <= 0xe3) || op == 0xeb;

		if (is_short && (int64_t)i + 2 + (int8_t)code[i + 1] == want)
			return true;
		if (op == 0xe9 && i + 5 <= size &&
		    (int64_t)i + 5 + little32(code + i + 1) == want)
			return true;
		if (op == 0x0f && (code[i + 1] & 0xf0) == 0x80 && i + 6 <= size &&
		    (int64_t)i + 6 + little32(code + i + 2) == want)
			return true;
	}
	return false;
}

/* Instructions that change no register, as they compare two or one with a number. */
static bool only_compares(const uint8_t *code, size_t size)
{
	bool rex = size > 0 && (code[0] & 0xf0) == 0x40;
	uint8_t op, operands;

	if (size < 2u + rex)
		return false;
	op = code[rex];
	operands = code[rex + 1];
	if ((operands & 0xc0) != 0xc0)
		return false; /* one of them is in memory */
	switch (op) {
	case 0x84: /* test */
	case 0x85:
	case 0x38: /* cmp */
	case 0x39:
	case 0x3a:
	case 0x3b:
		return true;
	case 0x80: /* cmp with a number: of what these do, the last */
	case 0x81:
	case 0x83:
		return (operands & 0x38) == 0x38;
	case 0xf6: /* test with a number: the first */
	case 0xf7:
		return (operands & 0x38) == 0;
	default:
		return false;
	}
}

/*
 * Also to what is skipped: a function that ends in a call of itself may go on behind endbr64
 * instead, and would then be counted once more at each turn.
 */
static bool may_jump_into(const uint8_t *code, size_t size, size_t skipped)
{
	size_t at = 0;

	while (at < skipped) {
		size_t length = x86_64_insn_length(code + at, size - at);

		at += length;
		if (!length || may_jump_to(code, size, at))
			return true;
	}
	return false;
}

/* What does nothing to a register is dear to probe: endbr64, comparisons. */
static size_t entry_skip(const uint8_t *code, size_t size)
{
	static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	size_t n = 0;

	if (size >= sizeof(endbr64) && memcmp(code, endbr64, sizeof(endbr64)) == 0)
		n = sizeof(endbr64);
	while (only_compares(code + n, size - n)) {
		size_t length = x86_64_insn_length(code + n, size - n);

		if (!length)
			break;
		n += length;
	}
	if (!n || !is_cheap(code + n, size - n) || may_jump_into(code, size, n))
		return 0;
	return n;
}

static bool is_nop5(const uint8_t *code, size_t size)
{
	static const uint8_t nop5[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };

	return size >= sizeof(nop5) && memcmp(code, nop5, sizeof(nop5)) == 0;
}

/* Also where a function does not begin: jumps, calls, and the 5-byte nop, from 6.18 on. */
static bool is_cheap_anywhere(const uint8_t *code, size_t size)
{
	return is_cheap(code, size) || is_nop5(code, size) ||
	       (size > 0 && (code[0] == 0xe8 || code[0] == 0xe9 || code[0] == 0xeb));
}

/* What follows may not be run next: ret, a jump or call that is computed, a trap. */
static bool leaves(const uint8_t *code, size_t size)
{
	size_t at = 0;

	while (at + 1 < size && (code[at] == 0xf2 || code[at] == 0xf3 ||
				 code[at] == 0x3e || (code[at] & 0xf0) == 0x40))
		at++; /* prefixes */
	if (at + 1 < size && code[at] == 0xff)
		return (code[at + 1] & 0x30) == 0x10 || (code[at + 1] & 0x30) == 0x20;
	if (at + 1 < size && code[at] == 0x0f)
		return code[at + 1] == 0x0b; /* ud2 */
	return (code[at] & 0xf6) == 0xc2 || (code[at] & 0xfc) == 0xcc ||
	       (code[at] & 0xfc) == 0xe0 || code[at] == 0xf4;
}

static size_t cheaper(const uint8_t *code, size_t size)
{
	enum { NEAR = 4 }; /* instructions */
	size_t n = 0;

	for (int i = 0; i < NEAR && n < size; i++) {
		size_t length = x86_64_insn_length(code + n, size - n);

		if (!length || leaves(code + n, size - n))
			return 0;
		n += length;
		if (n < size && is_cheap_anywhere(code + n, size - n))
			return may_jump_into(code, size, n) ? 0 : n;
	}
	return 0;
}

/* The nop that older kernels are quick with, then the one of 5 bytes: libbpf's usdt.h. */
static size_t note_skip(const uint8_t *code, size_t size)
{
	return size > 1 && code[0] == 0x90 && is_nop5(code + 1, size - 1) ? 1 : 0;
}

static const struct arch x86_64 = {
	.name = "x86_64",
	.registers = registers,
	.fields = fields,
	.hidden = hidden,
	.args = args,
	.nargs = sizeof(args) / sizeof(args[0]),
	.stack = RSP,
	.stack_args = 8, /* above the return address */
	.word = 8,
	.result = RAX,
	.ip = RIP,
	.mode = CS,
	.mode_mask = 3, /* the privilege level */
	.mode_user = 3,
	.entry_skip = entry_skip,
	.is_cheap = is_cheap_anywhere,
	.cheaper = cheaper,
	.note_skip = note_skip,
	.insn_length = x86_64_insn_length,
};

const struct arch *const arch_native = &x86_64;
