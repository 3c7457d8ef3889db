/*
 * What programs compute: compiled from text, run in an interpreter, without a kernel and
 * without root. Whether the kernel's verifier accepts them is for other tests.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <asm/ptrace.h>

#include "codegen/codegen.h"
#include "core/arena.h"
#include "core/compile.h"
#include "core/source.h"
#include "parser/ast.h"
#include "sema/sema.h"
#include "tests/fake_target.h"
#include "tests/unit/bpf_vm.h"
#include "tests/unit/test.h"

static const char machine[] =
	"feature sleepable_uprobe\n"
	"feature task_storage\n"
	"tracepoint group event\n"
	"	field 8 8 signed wide long\n"
	"	field 16 4 signed low int\n"
	"	field 20 2 unsigned half u16\n"
	"	field 22 1 signed byte char\n"
	"	field 24 16 signed name char[16]\n"
	"	field 40 4 unsigned text __data_loc char[]\n"
	"object /bin/engine\n"
	"	symbol work 0x1000 0x1000 64\n"
	"	usdt engine fire 0x2000 0x2000 0 -4@%edi 8@%rsi\n"
	"	usdt engine fire 0x2100 0x2100 0 8@$-7 -2@4(%rdi,%rsi,2)\n";

/* A compiled program and the machine that runs it. */
struct run {
	struct target *target;
	struct compile *cc;
	struct vm vm;
};

static bool run_open(struct run *r, const char *text)
{
	struct compile_options options = { .keep_ir = true };

	*r = (struct run){ .target = fake_target_parse("machine", machine) };
	r->cc = compile_new(r->target, &options);
	r->cc->source = source_new(r->cc->arena, "test", text, (uint32_t)strlen(text));
	if (!parse(r->cc) || !resolve(r->cc) || !infer(r->cc) || !fold(r->cc) ||
	    !plan(r->cc) || !generate(r->cc)) {
		diag_render(r->cc, stderr, false, false);
		return false;
	}
	vm_open(&r->vm, r->cc->image);
	r->vm.pid_tgid = UINT64_C(100) << 32 | 101;
	strcpy(r->vm.comm, "engine");
	return true;
}

static void run_close(struct run *r)
{
	if (r->cc->image)
		vm_close(&r->vm);
	compile_free(r->cc);
	fake_target_close(r->target);
}

static bool call(struct run *r, uint64_t a, uint64_t b)
{
	struct pt_regs regs = { .rdi = a, .rsi = b };

	vm_drop_records(&r->vm);
	return CHECK(vm_run(&r->vm, 0, &regs));
}

static int64_t word(const struct run *r, size_t record, size_t i)
{
	const struct record *rec = vm_record(&r->vm, record);

	return CHECK(rec) ? (int64_t)rec->words[i] : 0;
}

/* How often the program lost something of this kind. */
static uint64_t lost(struct run *r, enum loss_kind kind)
{
	struct vm_map *counters = vm_map(&r->vm, IMAGE_LOSS);
	uint64_t n = 0;

	for (size_t i = 0; i < r->cc->image->nlosses; i++)
		if (r->cc->image->losses[i].kind == kind)
			n += *(uint64_t *)counters->values[i];
	return n;
}

/* The first builtin or map that can lose so. */
static const char *lost_by(const struct run *r, enum loss_kind kind)
{
	for (size_t i = 0; i < r->cc->image->nlosses; i++)
		if (r->cc->image->losses[i].kind == kind)
			return r->cc->image->losses[i].subject;
	return NULL;
}

/* The strings of a record, one after the other. */
static const char *texts(const struct run *r, size_t record, size_t nwords)
{
	static char text[4096];
	const struct record *rec = vm_record(&r->vm, record);
	size_t head = offsetof(struct record, words) + 8 * nwords, n;

	if (!CHECK(rec) || !CHECK(r->vm.sizes[record] >= head))
		return "";
	n = r->vm.sizes[record] - head;
	memcpy(text, (const char *)rec + head, n);
	text[n] = '\0';
	return text;
}

static int64_t divide(int64_t a, int64_t b)
{
	if (b == 0)
		return 0;
	return b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
}

static int64_t rest(int64_t a, int64_t b)
{
	if (b == 0)
		return a;
	return b == -1 ? 0 : a % b;
}

static const int64_t edges[] = { 0,         1,          -1,        2,         -2,
				 7,         -7,         63,        64,        65,
				 100,       -100,       INT32_MAX, INT32_MIN, INT64_MAX,
				 INT64_MIN, 0x123456789 };

static void check_signed(struct run *r, int64_t a, int64_t b)
{
	const uint64_t ua = (uint64_t)a, ub = (uint64_t)b;
	const int64_t want[] = {
		(int64_t)(ua + ub),
		(int64_t)(ua - ub),
		(int64_t)(ua * ub),
		divide(a, b),
		rest(a, b),
		a & b,
		a | b,
		a ^ b,
		(int64_t)(ua << (ub & 63)),
		a >> (b & 63),
		a<b, a <= b, a>
			b,
		a >= b,
		a == b,
		a != b,
		a && b,
		a || b,
		(int64_t)(0 - ua),
		!a,
		~a,
		a ? b : 5,
	};

	call(r, ua, ub);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		if (!CHECK_INT_EQ(word(r, 0, i), want[i]))
			fprintf(stderr, "\toperation %zu of %lld and %lld\n", i,
				(long long)a, (long long)b);
}

static void test_signed_numbers(void)
{
	struct run r;

	if (CHECK(run_open(
		    &r, "uprobe:/bin/engine:work { $a = (int64)arg0; $b = (int64)arg1;"
			"printf(\"%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d\","
			"$a + $b, $a - $b, $a * $b, $a / $b, $a % $b, $a & $b, $a | $b,"
			"$a ^ $b, $a << $b, $a >> $b, $a < $b, $a <= $b, $a > $b,"
			"$a >= $b, $a == $b, $a != $b, $a && $b, $a || $b, -$a, !$a,"
			"~$a, $a ? $b : 5); }"))) {
		for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
			for (size_t k = 0; k < sizeof(edges) / sizeof(edges[0]); k++)
				check_signed(&r, edges[i], edges[k]);
	}
	run_close(&r);
}

static void check_unsigned(struct run *r, uint64_t a, uint64_t b)
{
	const uint64_t want[] = {
		b ? a / b : 0,
		b ? a % b : a,
		a >> (b & 63),
		a<b, a <= b, a>
			b,
		a >= b,
		a / 10,
		a > 5,
		(uint8_t)a,
		(uint64_t)(int8_t)a,
		(uint16_t)a,
		(uint64_t)(int32_t)a,
	};

	call(r, a, b);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		if (!CHECK_INT_EQ(word(r, 0, i), want[i]))
			fprintf(stderr, "\toperation %zu of %llu and %llu\n", i,
				(unsigned long long)a, (unsigned long long)b);
}

static void test_unsigned_numbers(void)
{
	struct run r;

	if (CHECK(run_open(&r,
			   "uprobe:/bin/engine:work { $a = (uint64)arg0;"
			   "$b = (uint64)arg1; printf(\"%d%d%d%d%d%d%d%d%d%d%d%d%d\","
			   "$a / $b, $a % $b, $a >> $b, $a < $b, $a <= $b, $a > $b,"
			   "$a >= $b, $a / 10, $a > 5, (uint8)$a, (int8)$a,"
			   "(uint16)$a, (int32)$a); }"))) {
		for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
			for (size_t k = 0; k < sizeof(edges) / sizeof(edges[0]); k++)
				check_unsigned(&r, (uint64_t)edges[i],
					       (uint64_t)edges[k]);
	}
	run_close(&r);
}

static void test_variables(void)
{
	struct run r;

	if (CHECK(run_open(
		    &r, "uprobe:/bin/engine:work { $x = (int64)arg0; $y = $x++ + ++$x;"
			"$x += 10; $x *= 2; $x -= 1; $x /= 3; let $z; let $s;"
			"if (arg1) { $z = 5; $s = \"set\"; }"
			"printf(\"%d%d%d[%s]\", $x, $y, $z, $s); }"))) {
		call(&r, 4, 0);
		CHECK_INT_EQ(word(&r, 0, 0), 10); /* (6 + 10) * 2 - 1 = 31, / 3 */
		CHECK_INT_EQ(word(&r, 0, 1), 10);
		CHECK_INT_EQ(word(&r, 0, 2), 0);
		CHECK_STR_EQ(texts(&r, 0, 4), "");
		call(&r, 4, 1);
		CHECK_INT_EQ(word(&r, 0, 2), 5);
		CHECK_STR_EQ(texts(&r, 0, 4), "set");
		/* What an earlier event left in the same memory must not show. */
		call(&r, 4, 0);
		CHECK_STR_EQ(texts(&r, 0, 4), "");
	}
	run_close(&r);
}

static void test_text(void)
{
	char longer[400];
	struct run r;

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	if (CHECK(run_open(
		    &r, "config = { max_strlen = 200; }"
			"uprobe:/bin/engine:work { $s = str(arg0); $t = str(arg0, 5);"
			"printf(\"%d%d%d%d\", $s == \"a query\", $s != $t, strlen($s),"
			"$s == str(arg1)); printf(\"%s|%s|%s\", $t, comm,"
			"arg1 ? $s : \"none\"); }"))) {
		call(&r, (uint64_t)"a query", (uint64_t)"a query");
		CHECK_INT_EQ(word(&r, 0, 0), 1);
		CHECK_INT_EQ(word(&r, 0, 1), 1);
		CHECK_INT_EQ(word(&r, 0, 2), 7);
		CHECK_INT_EQ(word(&r, 0, 3), 1);
		CHECK_STR_EQ(texts(&r, 1, 3), "a que...enginea query");
		call(&r, (uint64_t)"abc", 0);
		CHECK_INT_EQ(word(&r, 0, 0), 0);
		CHECK_INT_EQ(word(&r, 0, 1), 0);
		CHECK_STR_EQ(texts(&r, 1, 3), "abcenginenone");
		call(&r, (uint64_t)longer, (uint64_t)longer);
		CHECK_INT_EQ(word(&r, 0, 2), 203);
		CHECK_INT_EQ(word(&r, 0, 3), 1);
		CHECK_STR_EQ(texts(&r, 1, 3) + 200 + 8 + 6, "...");
		/* Text of exactly the limit is whole. */
		call(&r, (uint64_t)(longer + 199), (uint64_t)(longer + 198));
		CHECK_INT_EQ(word(&r, 0, 2), 200);
		CHECK_INT_EQ(word(&r, 0, 3), 0);
	}
	run_close(&r);
}

/* Names of every length, with anything behind their NUL. */
static void test_short_text(void)
{
	static const char bytes[] = "\x01\x80\xff\x7f"
				    "abc\x02\x81zyx\xfe\x01\x80";
	const size_t size = sizeof(((struct vm *)NULL)->comm);
	char twice[64];
	struct run r;

	if (CHECK(run_open(&r, "uprobe:/bin/engine:work "
			       "{ printf(\"%s%s%d\", comm, comm, arg0); }"))) {
		for (size_t len = 0; len < size; len++) {
			for (int rest = 0; rest < 256; rest += 51) {
				memset(r.vm.comm, rest, size);
				memcpy(r.vm.comm, bytes, len);
				r.vm.comm[len] = '\0';
				snprintf(twice, sizeof(twice), "%s%s", r.vm.comm,
					 r.vm.comm);
				call(&r, 5, 0);
				CHECK_INT_EQ(word(&r, 0, 0), len);
				CHECK_INT_EQ(word(&r, 0, 1), len);
				CHECK_STR_EQ(texts(&r, 0, 3), twice);
			}
		}
		CHECK_INT_EQ(r.vm.calls[HELPER_PROBE_READ_KERNEL_STR], 0);
	}
	run_close(&r);
}

/* What comes after the NUL of reused memory does not matter, except in keys. */
static void test_keys(void)
{
	struct run r;

	if (CHECK(run_open(&r,
			   "uprobe:/bin/engine:work { @n[str(arg0, 40), arg1]++;"
			   "@c[str(arg0, 300), comm] = count(); @s = str(arg0); }"))) {
		struct vm_map *n = vm_map(&r.vm, "mq_n"), *c = vm_map(&r.vm, "mq_c");
		struct vm_map *s = vm_map(&r.vm, "mq_s");

		call(&r, (uint64_t)"short", 1);
		call(&r, (uint64_t)"a much longer text than that", 1);
		call(&r, (uint64_t)"short", 1);
		CHECK_INT_EQ(n->n, 2);
		CHECK_INT_EQ(*(uint64_t *)n->values[0], 2);
		CHECK_INT_EQ(c->n, 2);
		CHECK_INT_EQ(*(uint64_t *)c->values[0], 2);
		CHECK_STR_EQ((char *)s->values[0], "short");
	}
	run_close(&r);
}

static void test_maps(void)
{
	struct run r;

	if (CHECK(run_open(
		    &r, "uprobe:/bin/engine:work { @x = (int64)arg0; @x += 5; @x *= 2;"
			"@k[arg1] |= 6; @k[arg1] &= 3; $old = @k[arg1]++;"
			"printf(\"%d%d%d%d%d%d\", @x, $old, @k[arg1], @k[77],"
			"has_key(@k[arg1]), has_key(@k[77]));"
			"printf(\"%d%d%d\", delete(@k[arg1]), delete(@k[arg1]),"
			"has_key(@y)); @y = (int64)1; delete(@y); }"))) {
		call(&r, 10, 3);
		CHECK_INT_EQ(word(&r, 0, 0), 30);
		CHECK_INT_EQ(word(&r, 0, 1), 2);
		CHECK_INT_EQ(word(&r, 0, 2), 3);
		CHECK_INT_EQ(word(&r, 0, 3), 0);
		CHECK_INT_EQ(word(&r, 0, 4), 1);
		CHECK_INT_EQ(word(&r, 0, 5), 0);
		CHECK_INT_EQ(word(&r, 1, 0), 1);
		CHECK_INT_EQ(word(&r, 1, 1), 0);
		CHECK_INT_EQ(word(&r, 1, 2), 0);
	}
	run_close(&r);
}

static void test_map_full(void)
{
	struct run r;

	if (CHECK(run_open(&r, "config = { max_map_keys = 2; }"
			       "uprobe:/bin/engine:work { @k[arg0] = count(); }"))) {
		for (uint64_t i = 0; i < 5; i++)
			call(&r, i, 0);
		CHECK_INT_EQ(vm_map(&r.vm, "mq_k")->n, 2);
		CHECK_STR_EQ(lost_by(&r, LOSS_MAP_FULL), "@k");
		CHECK_INT_EQ(lost(&r, LOSS_MAP_FULL), 3);
	}
	run_close(&r);
	/* Members that are changed together are lost each for itself. */
	if (CHECK(run_open(
		    &r, "config = { max_map_keys = 2; }"
			"uprobe:/bin/engine:work { @r[arg0].n += arg1; @r[arg0].m++; }"
			"END { @r[0] = (n = 1, m = 1); }"))) {
		for (uint64_t i = 0; i < 5; i++)
			call(&r, i, 0);
		CHECK_INT_EQ(vm_map(&r.vm, "mq_r")->n, 2);
		CHECK_INT_EQ(lost(&r, LOSS_MAP_FULL), 6);
	}
	run_close(&r);
}

static void test_predicate(void)
{
	struct run r;

	if (CHECK(run_open(&r,
			   "uprobe:/bin/engine:work "
			   "/arg0 > 5 && !(arg1 == 3) || str(arg1) == \"yes\"/ "
			   "{ printf(\"%d\", arg0); exit(); printf(\"never\"); }"))) {
		call(&r, 6, 0);
		CHECK_INT_EQ(r.vm.nrecords, 2);
		call(&r, 6, 3);
		CHECK_INT_EQ(r.vm.nrecords, 0);
		call(&r, 1, (uint64_t)"yes");
		CHECK_INT_EQ(r.vm.nrecords, 2);
	}
	run_close(&r);
}

/* Pages that are not resident, and memory that is not there at all. */
static void test_failed_reads(void)
{
	const int32_t number = -9;
	struct run r;

	if (CHECK(run_open(&r, "uprobe:/bin/engine:work"
			       "{ printf(\"%s%d\", str(arg0), *(int32 *)arg1); }"))) {
		CHECK(r.cc->image->programs[0].sleepable);
		r.vm.not_resident = true;
		call(&r, (uint64_t)"text", (uint64_t)&number);
		CHECK_STR_EQ(texts(&r, 0, 2), "text");
		CHECK_INT_EQ(word(&r, 0, 1), -9);
		CHECK_INT_EQ(lost(&r, LOSS_STRING_READ) + lost(&r, LOSS_MEMORY_READ),
			     0);
		r.vm.memory_fails = true;
		call(&r, (uint64_t)"text", (uint64_t)&number);
		CHECK_STR_EQ(texts(&r, 0, 2), "");
		CHECK_INT_EQ(word(&r, 0, 1), 0);
		CHECK_INT_EQ(lost(&r, LOSS_STRING_READ), 1);
		CHECK_INT_EQ(lost(&r, LOSS_MEMORY_READ), 1);
	}
	run_close(&r);
}

static void test_tracepoint(void)
{
	struct {
		uint64_t hidden;
		int64_t wide;
		int32_t low;
		uint16_t half;
		int8_t byte;
		char name[16];
		uint32_t text;
		char bytes[12];
	} __attribute__((packed, aligned(8))) ctx = {
		.wide = -5,
		.low = -6,
		.half = 65535,
		.byte = -7,
	};
	struct run r;

	/* A name without a NUL, then where the other text is and its size. */
	memset(ctx.name, 'n', sizeof(ctx.name));
	memmove((char *)&ctx + 24, ctx.name, sizeof(ctx.name));
	*(uint32_t *)((char *)&ctx + 40) = 6 << 16 | 44;
	strcpy((char *)&ctx + 44, "there");
	if (CHECK(run_open(
		    &r, "tracepoint:group:event { printf(\"%d%d%d%d%s|%s\", args.wide,"
			"args.low, args.half, args.byte, args.name, args.text); }"))) {
		CHECK(vm_run(&r.vm, 0, &ctx));
		CHECK_INT_EQ(word(&r, 0, 0), -5);
		CHECK_INT_EQ(word(&r, 0, 1), -6);
		CHECK_INT_EQ(word(&r, 0, 2), 65535);
		CHECK_INT_EQ(word(&r, 0, 3), -7);
		CHECK_STR_EQ(texts(&r, 0, 6), "nnnnnnnnnnnnnnnnthere");
	}
	run_close(&r);
}

/* Two sites with other operands: the cookie says which one fired. */
static void test_sites(void)
{
	struct run r;

	if (CHECK(run_open(
		    &r,
		    "usdt:/bin/engine:engine:fire { printf(\"%d%d\", arg0, arg1); }"))) {
		const struct image_program *p = r.cc->image->programs;
		int16_t table[4] = { 1, 2, 3, -4 };

		CHECK_INT_EQ(p->nsites, 2);
		r.vm.cookie = probe_site_cookie(&p->sites[0]);
		call(&r, 0xffffffff, 9);
		CHECK_INT_EQ(word(&r, 0, 0), -1);
		CHECK_INT_EQ(word(&r, 0, 1), 9);
		r.vm.cookie = probe_site_cookie(&p->sites[1]);
		call(&r, (uint64_t)table, 1);
		CHECK_INT_EQ(word(&r, 0, 0), -7);
		CHECK_INT_EQ(word(&r, 0, 1), -4);
	}
	run_close(&r);
}

static void test_cells(void)
{
	struct run r;

	if (CHECK(run_open(&r, "uprobe:/bin/engine:work { @c = count(); @s = sum(arg0);"
			       "@m = max(arg0); @h[1] = hist(arg0); }"))) {
		uint64_t total = 0, *h;

		for (uint64_t i = 0; i < 64; i++)
			call(&r, UINT64_C(1) << i, 0);
		call(&r, 0, 0);
		CHECK_INT_EQ(*(uint64_t *)vm_map(&r.vm, "mq_c")->values[0], 65);
		CHECK_INT_EQ(*(uint64_t *)vm_map(&r.vm, "mq_s")->values[0], UINT64_MAX);
		CHECK_INT_EQ(*(uint64_t *)vm_map(&r.vm, "mq_m")->values[0],
			     UINT64_C(1) << 63);
		h = (uint64_t *)vm_map(&r.vm, "mq_h")->values[0];
		for (size_t i = 2; i < vm_map(&r.vm, "mq_h")->value_size / 8; i++) {
			CHECK(h[i] <= 1);
			total += h[i];
		}
		CHECK_INT_EQ(total, 65);
	}
	run_close(&r);
}

/* Deep expressions overflow the stack at the first try, and are compiled again. */
static void test_thrifty(void)
{
	char text[16384] = "uprobe:/bin/engine:work { printf(\"%d\", ";
	size_t n = strlen(text);
	struct run r;

	for (int i = 0; i < 70; i++)
		n += (size_t)sprintf(text + n, "*(int64 *)arg0 + (");
	n += (size_t)sprintf(text + n, "1");
	for (int i = 0; i < 70; i++)
		text[n++] = ')';
	strcpy(text + n, "); }");
	if (CHECK(run_open(&r, text))) {
		const int64_t two = 2;

		call(&r, (uint64_t)&two, 0);
		CHECK_INT_EQ(word(&r, 0, 0), 141);
	}
	run_close(&r);
}

/* --dump=bpf: lines of the text, names of maps and helpers. */
static void test_disassembly(void)
{
	struct run r;

	if (CHECK(run_open(
		    &r, "uprobe:/bin/engine:work {\n\t@calls[tid] = count();\n}\n"))) {
		const char *bpf = r.cc->image->bpf;

		CHECK(strstr(bpf, "; 2:2: @calls[tid] = count();"));
		CHECK(strstr(bpf, "= mq_calls\n"));
		CHECK(strstr(bpf, "call MAP_LOOKUP_ELEM#1"));
		CHECK(strstr(bpf, ": exit\n"));
		CHECK(strstr(r.cc->image->ir, "define"));
	}
	run_close(&r);
}

int main(void)
{
	test_signed_numbers();
	test_unsigned_numbers();
	test_variables();
	test_text();
	test_short_text();
	test_keys();
	test_maps();
	test_map_full();
	test_predicate();
	test_failed_reads();
	test_tracepoint();
	test_sites();
	test_cells();
	test_thrifty();
	test_disassembly();
	return test_failures();
}
