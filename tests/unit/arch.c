/* Registers, lengths of instructions, and where probes of functions go. */
#include "probes/arch.h"

#include "tests/unit/test.h"

struct row {
	const char *what;
	size_t length;
	uint8_t code[16];
};

/* What assemblers make of the text; all of it was compared with objdump's on whole
 * libraries. */
static const struct row rows[] = {
	{ "nop", 1, { 0x90 } },
	{ "endbr64", 4, { 0xf3, 0x0f, 0x1e, 0xfa } },
	{ "push %r12", 2, { 0x41, 0x54 } },
	{ "mov %rsp,%rbp", 3, { 0x48, 0x89, 0xe5 } },
	{ "mov (%rsp),%eax", 3, { 0x8b, 0x04, 0x24 } },
	{ "mov 8(%rsp),%rax", 5, { 0x48, 0x8b, 0x44, 0x24, 0x08 } },
	{ "mov 0x1000(,%rax,8),%rax", 8, { 0x48, 0x8b, 0x04, 0xc5, 0x00, 0x10 } },
	{ "lea 0x10(%rip),%rdi", 7, { 0x48, 0x8d, 0x3d, 0x10 } },
	{ "sub $0x18,%rsp", 4, { 0x48, 0x83, 0xec, 0x18 } },
	{ "sub $0x1000,%rsp", 7, { 0x48, 0x81, 0xec, 0x00, 0x10 } },
	{ "movabs $1,%rax", 10, { 0x48, 0xb8, 0x01 } },
	{ "mov $1,%eax", 5, { 0xb8, 0x01 } },
	{ "mov $1,%ax", 4, { 0x66, 0xb8, 0x01 } },
	{ "mov %al,0x1122334455667788", 9, { 0xa2, 0x88 } },
	{ "test $1,%al", 2, { 0xa8, 0x01 } },
	{ "testb $1,(%rdi)", 3, { 0xf6, 0x07, 0x01 } },
	{ "testl $1,(%rdi)", 6, { 0xf7, 0x07, 0x01 } },
	{ "testw $1,(%rdi)", 5, { 0x66, 0xf7, 0x07, 0x01 } },
	{ "neg %eax", 2, { 0xf7, 0xd8 } },
	{ "jne .+4", 2, { 0x75, 0x02 } },
	{ "jne .+0x1000", 6, { 0x0f, 0x85, 0xfa, 0x0f } },
	{ "call", 5, { 0xe8 } },
	{ "bnd jmp", 6, { 0xf2, 0xe9 } },
	{ "ret $8", 3, { 0xc2, 0x08 } },
	{ "enter $8,$1", 4, { 0xc8, 0x08, 0x00, 0x01 } },
	{ "movzbl (%rdi),%eax", 3, { 0x0f, 0xb6, 0x07 } },
	{ "pshufd $0,%xmm0,%xmm0", 5, { 0x66, 0x0f, 0x70, 0xc0 } },
	{ "pshufb %xmm1,%xmm0", 5, { 0x66, 0x0f, 0x38, 0x00, 0xc1 } },
	{ "palignr $8,%xmm1,%xmm0", 6, { 0x66, 0x0f, 0x3a, 0x0f, 0xc1, 0x08 } },
	{ "lock cmpxchg %rcx,(%rdi)", 5, { 0xf0, 0x48, 0x0f, 0xb1, 0x0f } },
	{ "vzeroupper", 3, { 0xc5, 0xf8, 0x77 } },
	{ "vmovdqu (%rdi),%ymm0", 4, { 0xc5, 0xfe, 0x6f, 0x07 } },
	{ "vpalignr $1,...", 6, { 0xc4, 0xe3, 0x71, 0x0f, 0xc2, 0x01 } },
	{ "vmovdqu64 0x40(%rdi),%zmm16",
	  7,
	  { 0x62, 0xe1, 0xfe, 0x48, 0x6f, 0x47, 0x01 } },
	{ "nopw 0(%rax,%rax,1)", 9, { 0x66, 0x0f, 0x1f, 0x84 } },
	{ "mov %fs:0x28,%rax", 9, { 0x64, 0x48, 0x8b, 0x04, 0x25, 0x28 } },
	{ "pop (%rax)", 2, { 0x8f, 0x00 } },
	{ "vphaddwq (XOP)", 5, { 0x8f, 0xe9, 0x78, 0xc7, 0xdb } },
	{ "invalid", 0, { 0x06 } },
};

static void check_lengths(void)
{
	size_t i, n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];

		if (!CHECK_INT_EQ(arch_native->insn_length(r->code, 16), r->length))
			fprintf(stderr, "\tfor %s\n", r->what);
		/* Cut short: not known, and nothing behind the end is read. */
		for (n = 0; n < r->length; n++)
			CHECK_INT_EQ(arch_native->insn_length(r->code, n), 0);
	}
}

static void check_registers(void)
{
	const struct arch_register *r = arch_register(arch_native, "edi)", 3);

	CHECK(r && r->size == 4 && r->offset == arch_native->args[0]);
	CHECK(!arch_register(arch_native, "edi)", 4));
	CHECK(!arch_register(arch_native, "", 0));
	CHECK(arch_is_hidden(arch_native, "xmm12", 5));
	CHECK(!arch_is_hidden(arch_native, "rax", 3));
}

static void check_entry(void)
{
	static const struct {
		const char *what;
		size_t skip, size;
		uint8_t code[16];
	} entries[] = {
		{ "pad, push", 4, 6, { 0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0xc3 } },
		{ "pad, push %r12",
		  4,
		  7,
		  { 0xf3, 0x0f, 0x1e, 0xfa, 0x41, 0x54, 0xc3 } },
		{ "pad, nop", 4, 6, { 0xf3, 0x0f, 0x1e, 0xfa, 0x90, 0xc3 } },
		{ "test, je", 3, 6, { 0x48, 0x85, 0xff, 0x74, 0x00, 0xc3 } },
		{ "cmp $1, long jne",
		  3,
		  10,
		  { 0x83, 0xff, 0x01, 0x0f, 0x85, 0x00, 0x00, 0x00, 0x00, 0xc3 } },
		{ "pad, cmp, test, push",
		  9,
		  11,
		  { 0xf3, 0x0f, 0x1e, 0xfa, 0x39, 0xf7, 0x41, 0x84, 0xf0, 0x55,
		    0xc3 } },
		{ "test $1, jne", 4, 7, { 0x40, 0xf6, 0xc7, 0x01, 0x75, 0x00, 0xc3 } },
		{ "push first", 0, 5, { 0x55, 0x48, 0x85, 0xff, 0xc3 } },
		/* These change something. */
		{ "add, je", 0, 6, { 0x48, 0x83, 0xc7, 0x01, 0x74, 0x00 } },
		{ "not, je", 0, 5, { 0x48, 0xf7, 0xd7, 0x74, 0x00 } },
		/* A page may not be there. */
		{ "test in memory, je", 0, 5, { 0x48, 0x85, 0x3f, 0x74, 0x00 } },
		{ "test, loop", 0, 6, { 0x48, 0x85, 0xff, 0x74, 0xfe, 0xc3 } },
		{ "cut short", 0, 2, { 0x83, 0xff } },
		/* Nothing to gain. */
		{ "pad, ret", 0, 5, { 0xf3, 0x0f, 0x1e, 0xfa, 0xc3 } },
		{ "pad, sub",
		  0,
		  9,
		  { 0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x83, 0xec, 0x18, 0xc3 } },
		{ "no pad", 0, 2, { 0x55, 0xc3 } },
		{ "pad only", 0, 4, { 0xf3, 0x0f, 0x1e, 0xfa } },
		/* The place behind the pad is the head of a loop. */
		{ "loop, short",
		  0,
		  9,
		  { 0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0x5d, 0x75, 0xfc, 0xc3 } },
		{ "loop, jmp",
		  0,
		  11,
		  { 0xf3, 0x0f, 0x1e, 0xfa, 0x90, 0x90, 0xe9, 0xf9, 0xff, 0xff,
		    0xff } },
		{ "loop, long",
		  0,
		  12,
		  { 0xf3, 0x0f, 0x1e, 0xfa, 0x90, 0x90, 0x0f, 0x85, 0xf8, 0xff, 0xff,
		    0xff } },
		/* So is a place that would be skipped: what calls itself last, as a loop. */
		{ "pad, test, je, loop to the test",
		  0,
		  12,
		  { 0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x85, 0xff, 0x74, 0x02, 0xeb, 0xf9,
		    0xc3 } },
		{ "test, cmp, je, loop to the cmp",
		  0,
		  9,
		  { 0x85, 0xff, 0x39, 0xf7, 0x74, 0x02, 0xeb, 0xfa, 0xc3 } },
		/* There, a probe at the beginning is hit at each turn, too. */
		{ "test, je, loop to the beginning",
		  2,
		  7,
		  { 0x85, 0xff, 0x74, 0x02, 0xeb, 0xfa, 0xc3 } },
		{ "loop elsewhere",
		  4,
		  9,
		  { 0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0x5d, 0x75, 0xfd, 0xc3 } },
	};
	size_t i;

	for (i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		if (!CHECK_INT_EQ(
			    arch_native->entry_skip(entries[i].code, entries[i].size),
			    entries[i].skip))
			fprintf(stderr, "\tfor %s\n", entries[i].what);
}

static void test_cheaper(void)
{
	static const struct {
		const char *what;
		uint8_t code[12];
		size_t size, at;
	} cases[] = {
		{ "mov, push", { 0x48, 0x89, 0xf8, 0x53, 0xc3 }, 5, 3 },
		{ "sub, mov, call",
		  { 0x48, 0x83, 0xec, 8, 0x89, 0xf8, 0xe8, 0, 0, 0, 0, 0xc3 },
		  12,
		  6 },
		{ "test, je", { 0x48, 0x85, 0xff, 0x74, 1, 0xc3, 0xc3 }, 7, 3 },
		{ "mov, ret, push", { 0x48, 0x89, 0xf8, 0xc3, 0x53 }, 5, 0 },
		{ "rep ret, push", { 0xf3, 0xc3, 0x53 }, 3, 0 },
		{ "jmp *%rax, push", { 0xff, 0xe0, 0x53 }, 3, 0 },
		{ "ud2, push", { 0x0f, 0x0b, 0x53 }, 3, 0 },
		{ "a jump back to it", { 0x89, 0xf8, 0x53, 0x75, 0xfd, 0xc3 }, 6, 0 },
		{ "too far",
		  { 0x89, 0xf8, 0x89, 0xf8, 0x89, 0xf8, 0x89, 0xf8, 0x89, 0xf8, 0x53,
		    0xc3 },
		  12,
		  0 },
		{ "the end", { 0x89, 0xf8 }, 2, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (!CHECK_INT_EQ(arch_native->cheaper(cases[i].code, cases[i].size),
				  cases[i].at))
			fprintf(stderr, "\tfor %s\n", cases[i].what);
}

static void test_prices(void)
{
	static const struct {
		uint8_t code[5];
		bool cheap;
	} cases[] = {
		{ { 0x55 }, true },                          /* push %rbp */
		{ { 0x41, 0x57 }, true },                    /* push %r15 */
		{ { 0x90 }, true },                          /* nop */
		{ { 0x0f, 0x1f, 0x44, 0, 0 }, true },        /* the nop of 5 bytes */
		{ { 0xe9, 1, 2, 3, 4 }, true },              /* jmp */
		{ { 0x74, 1 }, true },                       /* je */
		{ { 0xf3, 0x0f, 0x1e, 0xfa, 0x55 }, false }, /* endbr64 */
		{ { 0x48, 0x83, 0xec, 8 }, false },          /* sub $8, %rsp */
		{ { 0xc3 }, false },                         /* ret */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		CHECK_INT_EQ(
			arch_native->is_cheap(cases[i].code, sizeof(cases[i].code)),
			cases[i].cheap);
}

int main(void)
{
	check_lengths();
	check_registers();
	check_entry();
	test_cheaper();
	test_prices();
	return test_failures();
}
