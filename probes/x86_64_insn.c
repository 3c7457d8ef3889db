/*
 * An instruction is prefixes, an opcode of one to three bytes, for most opcodes a ModRM
 * byte (with a SIB byte and a displacement as it says), and an immediate value. Two
 * tables say what follows the opcode; all else is regular. Intel's manual, volume 2,
 * appendix A has the whole picture.
 */
#include "probes/x86_64_insn.h"

#include <stdbool.h>

enum {
	OK = 1 << 0, /* valid in 64-bit mode, nothing follows */
	MODRM = 1 << 1,
	IMM8 = 1 << 2,
	IMM16 = 1 << 3,
	IMMZ = 1 << 4,  /* 4 bytes, or 2 with an operand size prefix */
	IMMV = 1 << 5,  /* as IMMZ, 8 with REX.W */
	REL32 = 1 << 6, /* 4 bytes, whatever the prefixes */
	MOFFS = 1 << 7, /* an address: 8 bytes, 4 with an address size prefix */
};

#define ARITHMETIC(op) [(op)...(op) + 3] = MODRM, [(op) + 4] = IMM8, [(op) + 5] = IMMZ

/* clang-format off */
static const uint8_t one_byte[256] = {
	ARITHMETIC(0x00),	ARITHMETIC(0x08),	ARITHMETIC(0x10),
	ARITHMETIC(0x18),	ARITHMETIC(0x20),	ARITHMETIC(0x28),
	ARITHMETIC(0x30),	ARITHMETIC(0x38),	[0x50 ... 0x5f] = OK,
	[0x63] = MODRM,		[0x68] = IMMZ,		[0x69] = MODRM | IMMZ,
	[0x6a] = IMM8,		[0x6b] = MODRM | IMM8,	[0x6c ... 0x6f] = OK,
	[0x70 ... 0x7f] = IMM8, [0x80] = MODRM | IMM8,	[0x81] = MODRM | IMMZ,
	[0x83] = MODRM | IMM8,	[0x84 ... 0x8f] = MODRM, [0x90 ... 0x99] = OK,
	[0x9b ... 0x9f] = OK,	[0xa0 ... 0xa3] = MOFFS, [0xa4 ... 0xa7] = OK,
	[0xa8] = IMM8,		[0xa9] = IMMZ,		[0xaa ... 0xaf] = OK,
	[0xb0 ... 0xb7] = IMM8, [0xb8 ... 0xbf] = IMMV, [0xc0 ... 0xc1] = MODRM | IMM8,
	[0xc2] = IMM16,		[0xc3] = OK,		[0xc6] = MODRM | IMM8,
	[0xc7] = MODRM | IMMZ,	[0xc8] = IMM16 | IMM8,	[0xc9] = OK,
	[0xca] = IMM16,		[0xcb ... 0xcc] = OK,	[0xcd] = IMM8,
	[0xcf] = OK,		[0xd0 ... 0xd3] = MODRM, [0xd7] = OK,
	[0xd8 ... 0xdf] = MODRM, [0xe0 ... 0xe7] = IMM8, [0xe8 ... 0xe9] = REL32,
	[0xeb] = IMM8,		[0xec ... 0xef] = OK,	[0xf1] = OK,
	[0xf4 ... 0xf5] = OK,	[0xf6 ... 0xf7] = MODRM, [0xf8 ... 0xfd] = OK,
	[0xfe ... 0xff] = MODRM,
};

/* After 0x0f. */
static const uint8_t two_bytes[256] = {
	[0x00 ... 0x03] = MODRM, [0x05 ... 0x09] = OK,	 [0x0b] = OK,
	[0x0d] = MODRM,		 [0x0e] = OK,		 [0x0f] = MODRM | IMM8,
	[0x10 ... 0x23] = MODRM, [0x28 ... 0x2f] = MODRM, [0x30 ... 0x37] = OK,
	[0x40 ... 0x6f] = MODRM, [0x70 ... 0x73] = MODRM | IMM8,
	[0x74 ... 0x76] = MODRM, [0x77] = OK,		 [0x78 ... 0x7f] = MODRM,
	[0x80 ... 0x8f] = REL32, [0x90 ... 0x9f] = MODRM, [0xa0 ... 0xa2] = OK,
	[0xa3] = MODRM,		 [0xa4] = MODRM | IMM8,	 [0xa5] = MODRM,
	[0xa8 ... 0xaa] = OK,	 [0xab] = MODRM,	 [0xac] = MODRM | IMM8,
	[0xad ... 0xb9] = MODRM, [0xba] = MODRM | IMM8,	 [0xbb ... 0xc1] = MODRM,
	[0xc2] = MODRM | IMM8,	 [0xc3] = MODRM,	 [0xc4 ... 0xc6] = MODRM | IMM8,
	[0xc7] = MODRM,		 [0xc8 ... 0xcf] = OK,	 [0xd0 ... 0xff] = MODRM,
};
/* clang-format on */

struct insn {
	const uint8_t *code;
	size_t size, at;
	bool operand16, address32, wide;
	bool vector;  /* a VEX, EVEX or XOP prefix */
	unsigned map; /* 0: one byte, 1: 0x0f, 2: 0x0f38, 3: 0x0f3a; others: vectors */
};

static uint8_t peek(const struct insn *i)
{
	return i->at < i->size ? i->code[i->at] : 0;
}

static bool is_prefix(uint8_t b)
{
	return b == 0x66 || b == 0x67 || b == 0xf0 || b == 0xf2 || b == 0xf3 ||
	       b == 0x2e || b == 0x36 || b == 0x3e || b == 0x26 || b == 0x64 ||
	       b == 0x65;
}

static void read_prefixes(struct insn *i)
{
	uint8_t b;

	for (; is_prefix(b = peek(i)); i->at++) {
		i->operand16 |= b == 0x66;
		i->address32 |= b == 0x67;
	}
	if ((b & 0xf0) == 0x40) {
		i->wide = b & 8;
		i->at++;
	}
}

/* Up to the opcode's last byte. */
static void read_map(struct insn *i)
{
	uint8_t first = peek(i), second;

	second = i->at + 1 < i->size ? i->code[i->at + 1] : 0;
	if (first == 0xc5 || first == 0xc4 || first == 0x62) {
		i->vector = true;
		i->map = first == 0xc5 ? 1 : second & (first == 0xc4 ? 0x1f : 7);
		i->at += first == 0xc5 ? 2 : first == 0xc4 ? 3 : 4;
	} else if (first == 0x8f && (second & 0x1f) >= 8) { /* else it is "pop" */
		i->vector = true;
		i->map = second & 0x1f;
		i->at += 3;
	} else if (first == 0x0f) {
		i->map = second == 0x38 ? 2 : second == 0x3a ? 3 : 1;
		i->at += i->map == 1 ? 1 : 2;
	}
}

static unsigned what_follows(const struct insn *i, uint8_t opcode)
{
	switch (i->map) {
	case 0:
		return i->vector ? 0 : one_byte[opcode];
	case 1:
		/* With these prefixes only vzeroupper has no operands. */
		return i->vector && opcode != 0x77 ? two_bytes[opcode] | MODRM
						   : two_bytes[opcode];
	case 2:
	case 5:
	case 6:
	case 9:
		return MODRM;
	case 3:
	case 8:
		return MODRM | IMM8;
	case 10:
		return MODRM | REL32;
	default:
		return 0;
	}
}

/* The ModRM byte, what it calls for, and its middle bits. */
static unsigned read_modrm(struct insn *i)
{
	uint8_t modrm = peek(i);
	unsigned mod = modrm >> 6, rm = modrm & 7;

	i->at++;
	if (mod == 3)
		return modrm >> 3 & 7;
	if (rm == 4) {
		if (mod == 0 && (peek(i) & 7) == 5)
			i->at += 4;
		i->at++;
	}
	if (mod == 2 || (mod == 0 && rm == 5))
		i->at += 4;
	else if (mod == 1)
		i->at++;
	return modrm >> 3 & 7;
}

size_t x86_64_insn_length(const uint8_t *code, size_t size)
{
	struct insn i = { .code = code, .size = size };
	unsigned follows, middle;
	uint8_t opcode;

	read_prefixes(&i);
	read_map(&i);
	opcode = peek(&i);
	follows = what_follows(&i, opcode);
	if (!follows)
		return 0;
	i.at++;
	if (follows & MODRM) {
		middle = read_modrm(&i);
		/* "test" is the only one of its group with a value. */
		if (i.map == 0 && (opcode & 0xfe) == 0xf6 && middle < 2)
			follows |= opcode & 1 ? IMMZ : IMM8;
	}
	if (follows & IMM8)
		i.at += 1;
	if (follows & IMM16)
		i.at += 2;
	if (follows & REL32)
		i.at += 4;
	if (follows & MOFFS)
		i.at += i.address32 ? 4 : 8;
	if (follows & IMMV && i.wide)
		i.at += 8;
	else if (follows & (IMMZ | IMMV))
		i.at += i.operand16 && !i.wide ? 2 : 4;
	return i.at <= size && i.at <= 15 ? i.at : 0;
}
