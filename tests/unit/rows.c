/*
 * Every row of builtins/ and probes/ is complete: it has one name, says what it is for,
 * its example compiles, and a builtin has a test that runs it.
 */
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "builtins/builtin.h"
#include "codegen/codegen.h"
#include "core/arena.h"
#include "core/compile.h"
#include "core/diag.h"
#include "parser/ast.h"
#include "probes/probe.h"
#include "sema/sema.h"
#include "tests/fake_target.h"
#include "tests/unit/test.h"

/* The directory of all tests; __FILE__ may be relative to where the build ran. */
static const char tests[] = TESTS_DIR;

static void check_text(const char *row, const char *what, const char *text)
{
	if (!CHECK(text && *text))
		fprintf(stderr, "\t%s has no %s\n", row, what);
}

/* The reference puts a period behind it. */
static void check_summary(const char *row, const char *summary)
{
	check_text(row, "summary", summary);
	if (summary &&
	    !CHECK(summary[strlen(summary) - 1] != '.' && !strchr(summary, '\n')))
		fprintf(stderr, "\t%s: %s\n", row, summary);
}

/*
 * Which arguments there are depends on the site, and the one that an example would need
 * may not be on the fake machine: may_lack lets that pass.
 */
static void check_example(const struct target *target, const char *row,
			  const char *example, bool may_lack)
{
	const struct compile_options options = { .unsafe = true };
	struct compile *cc = compile_new(target, &options);
	char *messages = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&messages, &size);
	bool ok;

	check_text(row, "example", example);
	cc->source = source_new(cc->arena, row, example, (uint32_t)strlen(example));
	ok = parse(cc) && expand(cc) && resolve(cc) && infer(cc) && fold(cc) &&
	     plan(cc) && generate(cc);
	diag_render(cc, out, false, true);
	fclose(out);
	if (!CHECK(ok || (may_lack && strstr(messages, "[no_such_argument]"))))
		fputs(messages, stderr);
	free(messages);
	compile_free(cc);
}

static void check_unique(const struct builtin *row, const struct builtin *family)
{
	for (const struct builtin *b = family; b && b->name && b != row; b++)
		CHECK(strcmp(b->name, row->name) != 0);
}

/* What its kind promises is there, and nothing else. */
static void check_functions(const struct builtin *b)
{
	bool is_agg = b->kind == BUILTIN_AGG, is_action = b->kind == BUILTIN_ACTION;

	CHECK((b->agg != NULL) == is_agg);
	CHECK(is_action || !b->action);
	CHECK(is_agg || is_action || b->emit ||
	      b->flags & (BUILTIN_COMPILE_TIME | BUILTIN_LITERAL | BUILTIN_FIRES));
	CHECK(!is_agg || (b->agg->cell_size && b->agg->update && b->agg->combine &&
			  b->agg->sort_key && b->agg->render));
	CHECK(!is_action || b->returns.kind == TYPE_VOID);
	for (const struct param *p = b->params; p->name; p++)
		CHECK(b->kind != BUILTIN_VALUE || p->flags & PARAM_OPTIONAL);
}

static void check_has_test(const struct builtin *b)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/builtins/%s.mq", tests, b->name);
	if (!CHECK(access(path, R_OK) == 0))
		fprintf(stderr, "\t%s is missing\n", path);
}

static void test_builtins(const struct target *target)
{
	for (const struct builtin *b = builtin_next(NULL); b; b = builtin_next(b)) {
		CHECK(builtin_find(b->name) == b);
		check_summary(b->name, b->summary);
		check_text(b->name, "doc", b->doc);
		check_functions(b);
		check_example(target, b->name, b->example, false);
		check_has_test(b);
	}
}

static void test_probes(const struct target *target)
{
	for (const struct probe_kind *const *k = probe_kinds; *k; k++) {
		CHECK(probe_find((*k)->name) == *k);
		CHECK(!(*k)->alias || probe_find((*k)->alias) == *k);
		check_text((*k)->name, "syntax", (*k)->syntax);
		check_summary((*k)->name, (*k)->summary);
		check_text((*k)->name, "doc", (*k)->doc);
		check_example(target, (*k)->name, (*k)->example, false);
		for (const struct builtin *v = (*k)->vars; v && v->name; v++) {
			check_unique(v, (*k)->vars);
			check_summary(v->name, v->summary);
			check_text(v->name, "doc", v->doc);
			if (v->example)
				check_example(target, v->name, v->example, true);
		}
	}
}

int main(void)
{
	char machine[PATH_MAX + 64];
	struct target *target;

	snprintf(machine, sizeof(machine), "%s/fake_target.txt", tests);
	target = fake_target_open(machine);
	if (!CHECK(target))
		return test_failures();
	test_builtins(target);
	test_probes(target);
	fake_target_close(target);
	return test_failures();
}
