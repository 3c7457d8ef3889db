/*
 * What a program asks for several times is asked once, and only where it would be told the
 * same: helper calls are counted, and what the program says is compared.
 */
#include <stddef.h>
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

static const char machine[] = "feature task_storage\n"
			      "object /bin/engine\n"
			      "	symbol work 0x1000 0x1000 64\n"
			      "tracepoint group event\n"
			      "	field 8 16 signed name char[16]\n";

/*
 * The body of a probe with arg0 = 7 and arg1 = 8, run twice. In the second run it calls
 * helpers so often, and sends this number.
 */
static const struct {
	const char *body;
	unsigned comms, lookups;
	int64_t says;
} cases[] = {
	/* Texts. */
	{ "if (comm == \"engine\") { @n[comm] += 1; } print(@n[comm] * 1);", 1, 2, 2 },
	{ "$a = comm; if ($a == comm) { print(1); }", 1, 0, 1 },
	{ "if (arg0 == 9) { $a = comm; } if (comm == \"engine\") { print(2); }", 1, 0,
	  2 },
	{ "if (arg0 == 7) { $a = comm; } if (comm == \"engine\") { print(2); }", 1, 0,
	  2 },
	{ "if (arg0 == 7 && comm == \"x\") { print(1); } else if (comm == \"engine\") "
	  "{ print(comm == \"engine\" ? 3 : 4); }",
	  1, 0, 3 },
	{ "$n = 0; unroll (5) { if (comm == \"engine\") { $n++; } } print($n);", 1, 0,
	  5 },
	{ "print((comm, comm) == (comm, \"engine\"));", 1, 0, 1 },

	/* Numbers in maps. */
	{ "if (@a[1] > 3) { @b = @a[1]; } @a[1] = 5; print(0);", 0, 2, 0 },
	{ "$s = @a[arg0] + @a[arg0]; print($s); @a[arg0] = 4;", 0, 1, 8 },
	{ "$s = @a[arg0] + @a[arg1]; print($s); @a[arg0] = 4; @a[arg1] = 5;", 0, 2, 9 },
	{ "$s = @a[pid, comm] * @a[pid, comm]; print($s); @a[pid, comm] = 3;", 1, 1,
	  9 },
	{ "$s = @a[arg0 + 1] + @a[arg0 + 1]; @a[arg0 + 1] = 6; print($s);", 0, 1, 12 },
	{ "$s = @a[arg0 + 1] + @a[arg0 + 2]; @a[arg0 + 1] = 6; print($s);", 0, 2, 6 },
	{ "@a[1] = 2; $x = @a[1]; @a[1] = 3; print($x * 10 + @a[1]);", 0, 2, 23 },
	{ "@a[1] = 2; $x = @a[1]; @a[1]++; print($x * 10 + @a[1]);", 0, 3, 23 },
	{ "@a[1] = 2; $x = @a[1]; @a[2] = 3; print($x * 10 + @a[1]);", 0, 2, 22 },
	{ "@a[1] = 2; $x = @a[1]; delete(@a[1]); print($x * 10 + @a[1]);", 0, 2, 20 },
	{ "@a[1] = 2; $x = @a[1]; if (arg0 == 7) { @a[1] = 3; } print($x * 10 + @a[1]);",
	  0, 2, 23 },
	{ "@a[1] = 2; $x = @a[1]; if (arg0 == 9) { @a[1] = 3; } print($x * 10 + @a[1]);",
	  0, 1, 22 },
	{ "@a[1] = 2; @a[2] = 3; $k = 1; $x = @a[$k]; $k = 2; print($x * 10 + @a[$k]);",
	  0, 2, 23 },
	{ "@a[1] = 2; @a[2] = 3; $k = 1; $x = @a[$k]; $k++; print($x * 10 + @a[$k]);",
	  0, 2, 23 },
	{ "@a[1] = 2; @a[2] = 3; @n[1] = 2; $k = 1; $x = @a[$k]; find(@n, 1, $k); "
	  "print($x * 10 + @a[$k]);",
	  0, 3, 23 },
	{ "@a[1, 2] = 4; @a[2, 3] = 5; $k = (1, 2); $x = @a[$k]; $k = (2, 3); "
	  "print($x * 10 + @a[$k]);",
	  0, 2, 45 },
	{ "@a[1] = 2; @b[2] = 7; print(@b[@a[1]] * 10 + @b[@a[1]]);", 0, 3, 77 },
	{ "$n = 0; unroll (3) { $n = $n * 10 + @a[1]; @a[1] = 4; } print($n);", 0, 3,
	  444 },
	{ "@a[1] = 2; $x = arg0 == 9 ? @a[1] : 0; print($x + @a[1]);", 0, 1, 2 },
	{ "@a[1] = 2; $x = arg0 == 7 ? @a[1] : 0; print($x + @a[1]);", 0, 1, 4 },
	{ "@a[1] = 2; $x = arg0 == 7 && @a[1] == 2; print(@a[1] + $x);", 0, 1, 3 },
	/* Members of one entry. */
	{ "@r[1] = (n = 1, sum = 2); @r[1].n += arg0; @r[1].sum += 5; @r[1].n++; "
	  "print(@r[1].n * 100 + @r[1].sum);",
	  0, 3, 907 },
	{ "@r[1] = (n = 1, sum = 2); @r[1].n += 3; @r[1].sum += @r[1].n; @r[1].n -= 2; "
	  "print(@r[1].n * 100 + @r[1].sum);",
	  0, 5, 206 },
	{ "@r[1] = (n = 1, sum = 2); @r[2] = (n = 3, sum = 4); @r[1].n += 3; @r[2].n += 5; "
	  "print(@r[1].n * 100 + @r[2].n);",
	  0, 4, 408 },
	{ "@r[1] = (n = 1, sum = 2); @o[1] = 1; @r[@o[1]].n *= arg1; "
	  "@r[@o[1]].sum += @o[1] + arg0; print(@r[1].n * 100 + @r[1].sum);",
	  0, 4, 810 },
	{ "@r = (n = 1, sum = 2); @r.n += 3; @r.sum <<= 2; print(@r.n * 100 + @r.sum);",
	  0, 4, 408 },
	{ "@r[1] = (n = 1, sum = 2); @o[1] = 5; @r[1].n += 3; "
	  "@r[1].sum += delete(@o[1]); print(@r[1].n * 100 + @r[1].sum);",
	  0, 4, 403 },
	{ "@a[0] = 2; if (@a[1 / arg0] && @a[1 / arg0]) { print(1); }", 0, 2, 1 },
};

struct run {
	struct target *target;
	struct compile *cc;
	struct vm vm;
};

static bool run_open(struct run *r, const char *probe, const char *body)
{
	struct compile_options options = { 0 };
	const char *text;

	*r = (struct run){ .target = fake_target_parse("machine", machine) };
	r->cc = compile_new(r->target, &options);
	text = arena_printf(r->cc->arena, "%s { %s }", probe, body);
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

static void check_case(struct run *r, unsigned comms, unsigned lookups, int64_t says)
{
	struct pt_regs regs = { .rdi = 7, .rsi = 8 };
	const struct record *rec;

	CHECK(vm_run(&r->vm, 0, &regs));
	vm_drop_records(&r->vm);
	memset(r->vm.calls, 0, sizeof(r->vm.calls));
	CHECK(vm_run(&r->vm, 0, &regs));
	CHECK_INT_EQ(r->vm.calls[HELPER_GET_CURRENT_COMM], comms);
	CHECK_INT_EQ(r->vm.calls[HELPER_MAP_LOOKUP_ELEM], lookups);
	rec = vm_record(&r->vm, 0);
	if (CHECK(rec))
		CHECK_INT_EQ((int64_t)rec->words[0], says);
}

/* Text of the probe: what is behind its NUL, there or in reused memory, is not kept. */
static void test_text_of_probe(void)
{
	static const char *const names[] = { "a_name_of_many_", "short", "",
					     "a_name_of_many__", "short" };
	char context[64];
	struct run r;
	struct vm_map *n;

	if (!CHECK(run_open(&r, "tracepoint:group:event",
			    "printf(\"%s|%s\", args.name, args.name);"
			    "@n[args.name] = count(); @m[args.name]++;")))
		return run_close(&r);
	n = vm_map(&r.vm, "mq_n");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct record *rec;
		char twice[64];

		memset(context, 'g', sizeof(context));
		memcpy(context + 8, names[i], strlen(names[i]));
		if (strlen(names[i]) < 16)
			context[8 + strlen(names[i])] = '\0';
		else
			context[8 + 16] = '\0';
		vm_drop_records(&r.vm);
		memset(r.vm.calls, 0, sizeof(r.vm.calls));
		CHECK(vm_run(&r.vm, 0, context));
		CHECK_INT_EQ(r.vm.calls[HELPER_PROBE_READ_KERNEL_STR], 1);
		snprintf(twice, sizeof(twice), "%s%s", names[i], names[i]);
		rec = vm_record(&r.vm, 0);
		if (CHECK(rec))
			CHECK(memcmp(&rec->words[2], twice, strlen(twice)) == 0);
	}
	CHECK_INT_EQ(n->n, 4);
	CHECK_INT_EQ(vm_map(&r.vm, "mq_m")->n, 4);
	run_close(&r);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int failed = test_failed;
		struct run r;

		if (CHECK(run_open(&r, "uprobe:/bin/engine:work", cases[i].body)))
			check_case(&r, cases[i].comms, cases[i].lookups, cases[i].says);
		if (test_failed > failed)
			fprintf(stderr, "\tof: %s\n", cases[i].body);
		run_close(&r);
	}
	test_text_of_probe();
	return test_failures();
}
