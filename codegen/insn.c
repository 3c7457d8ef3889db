/* Instructions as text, in the notation of the kernel's verifier. */
#include <inttypes.h>
#include <linux/bpf.h>
#include <stdlib.h>

#include "codegen/elf_code.h"
#include "codegen/image.h"

static const char *helper_name(int32_t number)
{
	switch (number) {
#define HELPER(name, id, constant, since, prototype)                                   \
	case id:                                                                       \
		return #name;
#include "codegen/helpers.def"
#undef HELPER
	}
	return "?";
}

static char bank(const struct bpf_insn *in)
{
	unsigned class = BPF_CLASS(in->code);

	return class == BPF_ALU || class == BPF_JMP32 ? 'w' : 'r';
}

/* The second operand: a register or a constant. */
static void print_source(FILE *out, const struct bpf_insn *in)
{
	if (BPF_SRC(in->code) == BPF_X)
		fprintf(out, "%c%u", bank(in), in->src_reg);
	else
		fprintf(out, "%d", in->imm);
}

static void print_alu(FILE *out, const struct bpf_insn *in)
{
	static const char *const ops[] = { "+=",  "-=", "*=", "/=", "|=", "&=",  "<<=",
					   ">>=", "",   "%=", "^=", "=",  "s>>=" };
	unsigned op = BPF_OP(in->code) >> 4;

	if (BPF_OP(in->code) == BPF_NEG) {
		fprintf(out, "%c%u = -%c%u", bank(in), in->dst_reg, bank(in),
			in->dst_reg);
	} else if (BPF_OP(in->code) == BPF_END) {
		fprintf(out, "r%u = %s%d r%u", in->dst_reg,
			BPF_SRC(in->code) == BPF_TO_BE ? "be" : "le", in->imm,
			in->dst_reg);
	} else {
		fprintf(out, "%c%u %s ", bank(in), in->dst_reg,
			op < sizeof(ops) / sizeof(ops[0]) ? ops[op] : "?");
		print_source(out, in);
	}
}

static void print_call(FILE *out, const struct bpf_insn *in, const char *target)
{
	if (in->src_reg == BPF_PSEUDO_CALL)
		fprintf(out, "call %s", target ? target : "?");
	else if (kernel_function(in->imm))
		fprintf(out, "call %s", kernel_function(in->imm));
	else
		fprintf(out, "call %s#%d", helper_name(in->imm), in->imm);
}

static void print_jump(FILE *out, const struct bpf_insn *in, size_t index,
		       const char *target)
{
	static const char *const ops[] = { "",    "==", ">", ">=", "&",  "!=", "s>",
					   "s>=", "",   "",  "<",  "<=", "s<", "s<=" };
	unsigned op = BPF_OP(in->code) >> 4;
	size_t to = index + 1 + (size_t)in->off;

	if (BPF_OP(in->code) == BPF_CALL) {
		print_call(out, in, target);
	} else if (BPF_OP(in->code) == BPF_EXIT) {
		fputs("exit", out);
	} else if (BPF_OP(in->code) == BPF_JA) {
		fprintf(out, "goto %zu", to);
	} else {
		fprintf(out, "if %c%u %s ", bank(in), in->dst_reg,
			op < sizeof(ops) / sizeof(ops[0]) ? ops[op] : "?");
		print_source(out, in);
		fprintf(out, " goto %zu", to);
	}
}

static void print_place(FILE *out, const struct bpf_insn *in, unsigned base)
{
	static const char *const types[] = { "u32", "u16", "u8", "u64" };

	fprintf(out, "*(%s *)(r%u %c %d)", types[BPF_SIZE(in->code) >> 3], base,
		in->off < 0 ? '-' : '+', abs(in->off));
}

static void print_atomic(FILE *out, const struct bpf_insn *in)
{
	const char *op = (in->imm & ~BPF_FETCH) == BPF_ADD   ? "+="
			 : (in->imm & ~BPF_FETCH) == BPF_OR  ? "|="
			 : (in->imm & ~BPF_FETCH) == BPF_AND ? "&="
							     : "^=";

	fputs("lock ", out);
	if (in->imm == BPF_CMPXCHG) {
		fputs("r0 = compare_exchange ", out);
		print_place(out, in, in->dst_reg);
		fprintf(out, ", r0, r%u", in->src_reg);
		return;
	}
	if (in->imm & BPF_FETCH)
		fprintf(out, "r%u = fetch ", in->src_reg);
	print_place(out, in, in->dst_reg);
	fprintf(out, " %s r%u", op, in->src_reg);
}

static void print_memory(FILE *out, const struct bpf_insn *in)
{
	switch (BPF_CLASS(in->code)) {
	case BPF_LDX:
		fprintf(out, "r%u = ", in->dst_reg);
		print_place(out, in, in->src_reg);
		return;
	case BPF_ST:
		print_place(out, in, in->dst_reg);
		fprintf(out, " = %d", in->imm);
		return;
	}
	if (BPF_MODE(in->code) == BPF_ATOMIC) {
		print_atomic(out, in);
		return;
	}
	print_place(out, in, in->dst_reg);
	fprintf(out, " = r%u", in->src_reg);
}

/* Only sections have an offset: of functions, it is where they begin in theirs. */
static void print_constant(FILE *out, const struct bpf_insn *in, const char *target)
{
	uint64_t n = (uint64_t)(uint32_t)in[1].imm << 32 | (uint32_t)in[0].imm;

	if (target && n && *target == '.')
		fprintf(out, "r%u = %s + %" PRIu64, in->dst_reg, target, n);
	else if (target)
		fprintf(out, "r%u = %s", in->dst_reg, target);
	else
		fprintf(out, "r%u = 0x%" PRIx64, in->dst_reg, n);
}

size_t insn_print(FILE *out, const struct bpf_insn *in, size_t index,
		  const char *target)
{
	switch (BPF_CLASS(in->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		print_alu(out, in);
		break;
	case BPF_JMP:
	case BPF_JMP32:
		print_jump(out, in, index, target);
		break;
	case BPF_LD:
		print_constant(out, in, target);
		return 2;
	case BPF_LDX:
	case BPF_ST:
	case BPF_STX:
		print_memory(out, in);
		break;
	}
	return 1;
}
