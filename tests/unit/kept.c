/*
 * What was compiled before is found again if nothing that it depends on has changed, is the
 * same as if it had been compiled anew, and is not found if anything has.
 */
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>

#include "builtins/builtin.h"
#include "codegen/codegen.h"
#include "codegen/image.h"
#include "core/arena.h"
#include "core/compile.h"
#include "core/object_cache.h"
#include "parser/ast.h"
#include "probes/probe.h"
#include "sema/answers.h"
#include "sema/sema.h"
#include "tests/fake_target.h"
#include "tests/unit/test.h"

/* A cache of one file. */
struct one {
	struct object_cache port;
	char *key, *object;
	size_t key_size, size;
	unsigned found, kept;
};

static char *copy(const void *bytes, size_t size)
{
	char *to = malloc(size + 1);

	return to ? memcpy(to, bytes, size) : NULL;
}

static const void *find(struct object_cache *c, struct arena *a, const void *key,
			size_t key_size, size_t *size)
{
	struct one *o = (struct one *)c;

	if (!o->key || key_size != o->key_size || memcmp(key, o->key, key_size) != 0)
		return NULL;
	o->found++;
	*size = o->size;
	return memcpy(arena_alloc(a, o->size), o->object, o->size);
}

static void keep(struct object_cache *c, const void *key, size_t key_size,
		 const void *object, size_t size)
{
	struct one *o = (struct one *)c;

	free(o->key);
	free(o->object);
	o->key = copy(key, key_size);
	o->key_size = key_size;
	o->object = copy(object, size);
	o->size = size;
	o->kept++;
}

static void one_close(struct one *o)
{
	free(o->key);
	free(o->object);
}

/* A compilation that ended well, or NULL. */
static struct compile *compile(const struct target *target, struct one *cache,
			       const char *text, const struct compile_options *like)
{
	struct listener *l = listener_new(target);
	struct compile_options options = *like;
	struct compile *cc;

	options.unsafe = true;
	options.cache = cache ? &cache->port : NULL;
	options.listener = l;
	cc = compile_new(cache ? listener_target(l) : target, &options);
	arena_defer(cc->arena, (void (*)(void *))listener_free, l);
	cc->source = source_new(cc->arena, "test", text, (uint32_t)strlen(text));
	if (parse(cc) && expand(cc) && resolve(cc) && infer(cc) && fold(cc) &&
	    plan(cc) && generate(cc))
		return cc;
	compile_free(cc);
	return NULL;
}

static void check_same(const struct image *x, const struct image *y)
{
	CHECK(x->elf_size == y->elf_size && memcmp(x->elf, y->elf, x->elf_size) == 0);
	CHECK_INT_EQ(x->stack_bytes, y->stack_bytes);
	CHECK_INT_EQ(x->nactions, y->nactions);
	for (size_t i = 0; CHECK_INT_EQ(x->nmaps, y->nmaps) && i < x->nmaps; i++) {
		CHECK_INT_EQ(x->maps[i]->storage, y->maps[i]->storage);
		CHECK_INT_EQ(x->maps[i]->key_size, y->maps[i]->key_size);
		CHECK_INT_EQ(x->maps[i]->value_size, y->maps[i]->value_size);
		CHECK_INT_EQ(x->maps[i]->max_entries, y->maps[i]->max_entries);
	}
	CHECK_INT_EQ(x->nnames, y->nnames);
	for (size_t i = 0; CHECK_INT_EQ(x->nlosses, y->nlosses) && i < x->nlosses;
	     i++) {
		CHECK_INT_EQ(x->losses[i].kind, y->losses[i].kind);
		CHECK_INT_EQ(x->losses[i].line, y->losses[i].line);
		CHECK_STR_EQ(x->losses[i].subject, y->losses[i].subject);
		CHECK_STR_EQ(x->losses[i].file, y->losses[i].file);
	}
	for (size_t i = 0; i < x->nprograms; i++) {
		CHECK_STR_EQ(x->programs[i].symbol, y->programs[i].symbol);
		CHECK_INT_EQ(x->programs[i].sleepable, y->programs[i].sleepable);
		CHECK_INT_EQ(x->programs[i].demoted, y->programs[i].demoted);
	}
}

/* Without a cache, with an empty one, with a full one. */
static void check_program(const struct target *target, const char *text)
{
	const struct compile_options plain = { 0 };
	struct one cache = { .port = { find, keep } };
	struct compile *ccs[3] = {
		compile(target, NULL, text, &plain),
		compile(target, &cache, text, &plain),
		compile(target, &cache, text, &plain),
	};

	if (ccs[0] && (!CHECK_INT_EQ(cache.kept, 1) || !CHECK_INT_EQ(cache.found, 1)))
		fprintf(stderr, "\t%s\n", text);
	for (size_t i = 1; i < 3; i++)
		if (ccs[0] && CHECK(ccs[i]))
			check_same(ccs[0]->image, ccs[i]->image);
	for (size_t i = 0; i < 3; i++)
		compile_free(ccs[i]);
	one_close(&cache);
}

static void test_examples(void)
{
	struct target *target = fake_target_open(TESTS_DIR "/fake_target.txt");

	if (!CHECK(target))
		return;
	for (const struct builtin *b = builtin_next(NULL); b; b = builtin_next(b))
		check_program(target, b->example);
	for (const struct probe_kind *const *k = probe_kinds; *k; k++)
		check_program(target, (*k)->example);
	fake_target_close(target);
}

static const char machine[] = "feature loop\n"
			      "tracepoint group event\n"
			      "	field 16 4 signed low int\n"
			      "object /bin/engine\n"
			      "	symbol work 0x1000 0x1000 64\n"
			      "	usdt engine fire 0x2000 0x2000 0 -4@%edi\n";

static const char program[] =
	"usdt:/bin/engine:engine:fire { @a[arg0] = kstack; }\n"
	"tracepoint:group:event { @b[args.low] = count(); for ($i : 0..9) { @c = $i; } }\n";

/* One of two compilations, the second of which may find what the first has kept. */
struct
try {
	const char *machine, *program;
	struct compile_options options;
};

static bool finds(const struct try *first, const struct try *second)
{
	struct one cache = { .port = { find, keep } };

	for (size_t i = 0; i < 2; i++) {
		const struct try *t = i ? second : first;
		struct target *target = fake_target_parse("machine", t->machine);
		struct compile *cc = compile(target, &cache, t->program, &t->options);

		CHECK(cc);
		compile_free(cc);
		fake_target_close(target);
	}
	one_close(&cache);
	return cache.kept == 1;
}

/* The machine with one text in it replaced. */
static bool finds_with(const char *text, const char *instead)
{
	const char *at = strstr(machine, text);
	char other[1024];
	const struct try first = { machine, program }, second = { other, program };

	snprintf(other, sizeof(other), "%.*s%s%s", (int)(at - machine), machine,
		 instead, at + strlen(text));
	return finds(&first, &second);
}

static void test_machine(void)
{
	CHECK(!finds_with("field 16", "field 20"));
	CHECK(!finds_with("-4@%edi", "-4@%esi"));
	CHECK(!finds_with("-4@%edi", "-8@%rdi"));
	/* Asked for while code is generated, after the key was taken. */
	CHECK(!finds_with("feature loop\n", "feature loop\nfeature lazy_maps\n"));
	/* Of no interest to this program. */
	CHECK(finds_with("feature loop\n", "feature loop\nfeature fentry\n"));
	CHECK(finds_with("symbol work 0x1000 0x1000", "symbol work 0x1100 0x1100"));
}

static void test_options(void)
{
	static char seven[] = "7", eight[] = "8";
	static char *const sevens[] = { seven, NULL }, *const eights[] = { eight,
									   NULL };
	const struct try plain = { machine,
				   "BEGIN { @ = $1 }",
				   { .args = sevens, .nargs = 1 } };
	struct try other = plain;

	CHECK(finds(&plain, &other));
	other.program = "BEGIN { @ = $1; }";
	CHECK(!finds(&plain, &other));
	other = plain;
	other.options.args = eights;
	CHECK(!finds(&plain, &other));
	other = plain;
	other.options.max_strlen = 100;
	CHECK(!finds(&plain, &other));
	other = plain;
	other.options.has_command = true;
	CHECK(!finds(&plain, &other));
	other = plain;
	other.options.pid = 1;
	CHECK(!finds(&plain, &other));
}

int main(void)
{
	test_examples();
	test_machine();
	test_options();
	return test_failures();
}
