/* Operands of USDT probes: every form that compilers and people write on x86_64. */
#include "probes/usdt_args.h"

#include <errno.h>

#include "core/arena.h"
#include "probes/arch.h"
#include "tests/unit/test.h"

enum { SITE = 0x1000, COUNTER = 0x5000 };
enum { RAX = 80, RBX = 40, RCX = 88, RDX = 96, RBP = 32, R12 = 24, RIP = 128, NO = -1 };

static int find_symbol(const char *name, uint64_t *address, void *arg)
{
	(void)arg;
	if (strcmp(name, "counter") != 0)
		return -ENOENT;
	*address = COUNTER;
	return 0;
}

static struct probe_layout parse_args(struct arena *a, const char *text)
{
	const struct usdt_site site = {
		.arch = arch_native,
		.address = SITE,
		.symbol = find_symbol,
	};

	return usdt_args_parse(a, text, &site);
}

struct row {
	const char *text;
	enum location_kind kind;
	int size, is_signed;
	int base, index, scale;
	int64_t value;
};

#define REGISTER(text, size, sign, at) { text, LOC_REGISTER, size, sign, at, 0, 0, 0 }
#define CONSTANT(text, size, sign, n) { text, LOC_CONSTANT, size, sign, 0, 0, 0, n }
#define MEMORY(text, size, sign, base, index, scale, n)                                \
	{ text, LOC_MEMORY, size, sign, base, index, scale, n }

static const struct row rows[] = {
	REGISTER("-4@%eax", 4, 1, RAX),
	REGISTER("8@%rax", 8, 0, RAX),
	REGISTER("2@%ax", 2, 0, RAX),
	REGISTER("-1@%al", 1, 1, RAX),
	REGISTER("1@%ah", 1, 0, RAX + 1),
	REGISTER("1@%bh", 1, 0, RBX + 1),
	REGISTER("1@%ch", 1, 0, RCX + 1),
	REGISTER("1@%dh", 1, 0, RDX + 1),
	REGISTER("1@%dil", 1, 0, 112),
	REGISTER("1@%sil", 1, 0, 104),
	REGISTER("1@%bpl", 1, 0, RBP),
	REGISTER("8@%rsp", 8, 0, 152),
	REGISTER("8@%r15", 8, 0, 0),
	REGISTER("-4@%r14d", 4, 1, 8),
	REGISTER("2@%r13w", 2, 0, 16),
	REGISTER("1@%r12b", 1, 0, R12),
	REGISTER("1@%r11b", 1, 0, 48),
	REGISTER("8@%r10", 8, 0, 56),
	REGISTER("8@%r9", 8, 0, 64),
	REGISTER("4@%r8d", 4, 0, 72),
	REGISTER("%rcx", 8, 0, RCX),
	REGISTER("%ecx", 4, 0, RCX),
	/* A register narrower than the argument has nothing more to give. */
	REGISTER("8@%eax", 4, 0, RAX),

	CONSTANT("-4@$1", 4, 1, 1),
	CONSTANT("-4@$-1", 4, 1, -1),
	CONSTANT("4@$-1", 4, 0, 0xffffffff),
	CONSTANT("-1@$255", 1, 1, -1),
	CONSTANT("8@$0x7fffffffffffffff", 8, 0, INT64_MAX),
	CONSTANT("-8@$-9223372036854775808", 8, 1, INT64_MIN),
	CONSTANT("8@$18446744073709551615", 8, 0, -1),
	CONSTANT("$-5", 8, 1, -5),
	CONSTANT("-4@$8192", 4, 1, 8192),

	MEMORY("8@(%rbx)", 8, 0, RBX, NO, 1, 0),
	MEMORY("-8@-144(%rbp)", 8, 1, RBP, NO, 1, -144),
	MEMORY("4@0x10(%rax)", 4, 0, RAX, NO, 1, 16),
	MEMORY("4@(%r12)", 4, 0, R12, NO, 1, 0),
	MEMORY("4@(%rax,%rbx)", 4, 0, RAX, RBX, 1, 0),
	MEMORY("-4@(%rdx,%rcx,4)", 4, 1, RDX, RCX, 4, 0),
	MEMORY("-4@-8(%rdx,%rcx,8)", 4, 1, RDX, RCX, 8, -8),
	MEMORY("2@8(,%rcx,2)", 2, 0, NO, RCX, 2, 8),
	MEMORY("2@(,%rcx,2)", 2, 0, NO, RCX, 2, 0),
	MEMORY("4@0x600010", 4, 0, NO, NO, 1, 0x600010),
	MEMORY("4@4+8(%rax)", 4, 0, RAX, NO, 1, 12),
	MEMORY("4@-4+8(%rax)", 4, 0, RAX, NO, 1, 4),
	MEMORY("4@(%rax, %rbx, 4)", 4, 0, RAX, RBX, 4, 0),
	MEMORY("8@16(%rip)", 8, 0, RIP, NO, 1, 16),
	MEMORY("-4@counter(%rip)", 4, 1, RIP, NO, 1, COUNTER - SITE),
	MEMORY("-4@12+counter(%rip)", 4, 1, RIP, NO, 1, COUNTER - SITE + 12),
	MEMORY("-4@counter+12(%rip)", 4, 1, RIP, NO, 1, COUNTER - SITE + 12),
	MEMORY("-4@counter-4(%rip)", 4, 1, RIP, NO, 1, COUNTER - SITE - 4),
	MEMORY("-4@-4+counter(%rip)", 4, 1, RIP, NO, 1, COUNTER - SITE - 4),
	/* Without the program counter: wherever the file is loaded, the distance holds. */
	MEMORY("4@counter", 4, 0, RIP, NO, 1, COUNTER - SITE),
	MEMORY("4@counter+8", 4, 0, RIP, NO, 1, COUNTER - SITE + 8),
	MEMORY("4@counter(%rax)", 4, 0, RIP, RAX, 1, COUNTER - SITE),
	MEMORY("4@counter(,%rax,4)", 4, 0, RIP, RAX, 4, COUNTER - SITE),
};

static void check_row(struct arena *a, const struct row *r)
{
	struct probe_layout l = parse_args(a, r->text);
	const struct location *at;
	bool ok = true;

	if (!CHECK_INT_EQ(l.n, 1)) {
		fprintf(stderr, "\tin %s\n", r->text);
		return;
	}
	at = &l.fields[0].at;
	ok &= CHECK_INT_EQ(at->kind, r->kind);
	ok &= CHECK_INT_EQ(at->size, r->size);
	ok &= CHECK_INT_EQ(at->is_signed, r->is_signed);
	ok &= CHECK_INT_EQ(at->value, r->value);
	ok &= CHECK_INT_EQ(l.fields[0].type->size, r->size);
	ok &= CHECK_INT_EQ(l.fields[0].type->is_signed, r->is_signed);
	if (r->kind == LOC_REGISTER || r->kind == LOC_MEMORY)
		ok &= CHECK_INT_EQ(at->base, r->base);
	if (r->kind == LOC_MEMORY) {
		ok &= CHECK_INT_EQ(at->index, r->index);
		ok &= CHECK_INT_EQ(at->scale, r->scale);
	}
	if (!ok)
		fprintf(stderr, "\tin %s%s%s\n", r->text,
			at->kind == LOC_UNREADABLE ? ": " : "",
			at->kind == LOC_UNREADABLE ? at->why : "");
}

static const struct {
	const char *text, *why;
} bad[] = {
	{ "8f@%xmm0", "it is a floating-point number, which the kernel cannot compute "
		      "with" },
	{ "-8f@8(%rsp)",
	  "it is a floating-point number, which the kernel cannot compute "
	  "with" },
	{ "8@%xmm0", "it is in %xmm0, which the kernel does not show to probes" },
	{ "8@%st(0)", "it is in %st, which the kernel does not show to probes" },
	{ "8@%foo", "no register is called %foo" },
	{ "8@%fs:16", "it is in thread-local storage" },
	{ "4@nothing(%rip)", "the file has no symbol 'nothing'" },
	{ "8@counter@GOTPCREL(%rip)",
	  "its address is made when the program is loaded" },
	{ "8@$counter", "it is an address that is known only once the program is "
			"loaded" },
	{ "16@(%rax)", "it has 16 bytes: numbers have 1, 2, 4 or 8" },
	{ "3@(%rax)", "it has 3 bytes: numbers have 1, 2, 4 or 8" },
	{ "4@(%eax)", "its address is in a part of a register" },
	{ "4@counter(%rax,%rbx,4)", "its address has too many parts" },
	{ "4@(%rax,%rbx,3)", "its operand is not understood" },
	{ "4@8(%rax", "its operand is not understood" },
	{ "4@8)", "its operand is not understood" },
	{ "4@$", NULL },
	{ "4@%", "no register is called %" },
	{ "4@12x(%rax)", "its operand is not understood" },
	{ "4@counter+counter(%rip)", "its operand is not understood" },
	{ "@", NULL },
	{ "-", NULL },
	{ "4@+", "its operand is not understood" },
};

int main(void)
{
	struct arena *a = arena_new();
	struct probe_layout l;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(a, &rows[i]);

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		l = parse_args(a, bad[i].text);
		if (!CHECK(l.n > 0) || !bad[i].why)
			continue;
		if (!CHECK_INT_EQ(l.fields[0].at.kind, LOC_UNREADABLE) ||
		    !CHECK_STR_EQ(l.fields[0].at.why, bad[i].why))
			fprintf(stderr, "\tin %s\n", bad[i].text);
	}

	/* One bad operand does not spoil the others. */
	l = parse_args(a, " -4@%eax  8f@%xmm1\t1@$7 ");
	CHECK_INT_EQ(l.n, 3);
	CHECK_INT_EQ(l.fields[0].at.kind, LOC_REGISTER);
	CHECK_INT_EQ(l.fields[1].at.kind, LOC_UNREADABLE);
	CHECK_INT_EQ(l.fields[2].at.value, 7);
	CHECK_INT_EQ(parse_args(a, "").n, 0);
	CHECK_INT_EQ(parse_args(a, "  ").n, 0);

	arena_free(a);
	return test_failures();
}
