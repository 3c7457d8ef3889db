/* Values as bytes: what they are read as, how they are sorted, how they are shown. */
#include "runtime/datum.h"

#include <stdlib.h>

#include "builtins/builtin.h"
#include "core/arena.h"
#include "runtime/sink.h"
#include "sema/plan.h"
#include "tests/unit/test.h"

static const struct type s32 = { .kind = TYPE_INT, .size = 4, .is_signed = true };
static const struct type u8 = { .kind = TYPE_INT, .size = 1 };
static const struct type u16 = { .kind = TYPE_INT, .size = 2 };
static const struct type u32 = { .kind = TYPE_INT, .size = 4 };
static const struct type ns = { .kind = TYPE_INT, .size = 8, .unit = UNIT_NS };
static const struct type chr = {
	.kind = TYPE_INT, .size = 1, .is_signed = true, .is_char = true
};
static const struct type str7 = { .kind = TYPE_STR, .limit = 7 };
static const struct type pointer = { .kind = TYPE_PTR, .to = &type_void };

static const struct type_value colours[] = { { "RED", 1 }, { "BLUE", 0x80000000 } };
static const struct record_type colour_enum = {
	.tag = TAG_ENUM, .values = colours, .nvalues = 2, .complete = true
};
static const struct type colour = {
	.kind = TYPE_INT, .size = 4, .is_signed = true, .record = &colour_enum
};

/* What the traced program's structs are. */
struct inner {
	int32_t n;
	char name[6];
	uint16_t pair[2];
};

struct outer {
	uint8_t flag;
	struct {
		uint32_t low : 3;
		int32_t middle : 7;
		uint64_t : 4;
		uint64_t high : 40;
	};
	struct inner in;
	void *next;
	union {
		uint32_t word;
		uint8_t byte;
	};
	uint32_t kind;
	uint8_t grid[2][3];
};

static const struct type chars6 = {
	.kind = TYPE_ARRAY, .to = &chr, .count = 6, .space = SPACE_OWN
};
static const struct type pair = {
	.kind = TYPE_ARRAY, .to = &u16, .count = 2, .space = SPACE_OWN
};
static const struct type row = {
	.kind = TYPE_ARRAY, .to = &u8, .count = 3, .space = SPACE_OWN
};
static const struct type grid = {
	.kind = TYPE_ARRAY, .to = &row, .count = 2, .space = SPACE_OWN
};

static const struct type_member inner_members[] = {
	{ "n", &s32, 0, 0 },
	{ "name", &chars6, offsetof(struct inner, name) * 8, 0 },
	{ "pair", &pair, offsetof(struct inner, pair) * 8, 0 },
};
static const struct record_type inner_record = { .tag = TAG_STRUCT,
						 .name = "inner",
						 .size = sizeof(struct inner),
						 .members = inner_members,
						 .n = 3,
						 .complete = true };
static const struct type inner = { .kind = TYPE_STRUCT,
				   .record = &inner_record,
				   .space = SPACE_OWN };

static const struct type_member bit_members[] = {
	{ "low", &u32, 0, 3 },
	{ "middle", &s32, 3, 7 },
	{ NULL, &type_u64, 10, 4 },
	{ "high", &type_u64, 14, 40 },
};
static const struct record_type bit_record = {
	.tag = TAG_STRUCT, .size = 8, .members = bit_members, .n = 4, .complete = true
};
static const struct type bits = { .kind = TYPE_STRUCT,
				  .record = &bit_record,
				  .space = SPACE_OWN };
static const struct type_member either_members[] = { { "word", &u32, 0, 0 },
						     { "byte", &u8, 0, 0 } };
static const struct record_type either_record = {
	.tag = TAG_UNION, .size = 4, .members = either_members, .n = 2, .complete = true
};
static const struct type either = { .kind = TYPE_STRUCT,
				    .record = &either_record,
				    .space = SPACE_OWN };

static const struct type_member outer_members[] = {
	{ "flag", &type_bool, 0, 0 },
	{ NULL, &bits, 64, 0 },
	{ "in", &inner, offsetof(struct outer, in) * 8, 0 },
	{ "next", &pointer, offsetof(struct outer, next) * 8, 0 },
	{ NULL, &either, offsetof(struct outer, word) * 8, 0 },
	{ "kind", &colour, offsetof(struct outer, kind) * 8, 0 },
	{ "grid", &grid, offsetof(struct outer, grid) * 8, 0 },
};
static const struct record_type outer_record = { .tag = TAG_STRUCT,
						 .name = "outer",
						 .size = sizeof(struct outer),
						 .members = outer_members,
						 .n = 7,
						 .complete = true };
static const struct type outer = { .kind = TYPE_STRUCT,
				   .record = &outer_record,
				   .space = SPACE_OWN };

static const struct outer sample = {
	.flag = 1,
	.low = 5,
	.middle = -3,
	.high = 0xfedcba9876,
	.in = { .n = -7, .name = "bash", .pair = { 1, 65535 } },
	.next = (void *)0xffff1000,
	.word = 0x01020304,
	.kind = 0x80000000,
	.grid = { { 1, 2, 3 }, { 4, 5, 6 } },
};

/* Shapes: one of a word, a stack of three words, a buffer. */

static void render_word(struct text *out, const struct sink *sink,
			const struct datum *d)
{
	(void)sink;
	text_printf(out, "word%d", (int)d->n);
}

static void render_stack(struct text *out, const struct sink *sink,
			 const struct datum *d)
{
	(void)sink;
	text_printf(out, "\n");
	for (size_t i = 0; i < d->len; i += 8)
		text_printf(out, "    f%d\n", d->s[i]);
}

static void render_buffer(struct text *out, const struct sink *sink,
			  const struct datum *d)
{
	(void)sink;
	text_add_safe(out, d->s + 8, (size_t)d->s[0]);
}

static const char *buffer_bytes(const struct datum *d, size_t *len)
{
	*len = (size_t)d->s[0];
	return d->s + 8;
}

static int compare_backwards(const struct datum *a, const struct datum *b)
{
	return (a->n < b->n) - (a->n > b->n);
}

static const struct shape word_shape = { "word", 8, render_word,
					 .compare = compare_backwards };
static const struct shape stack_shape = { "stack", 24, render_stack, .lines = true };
static const struct shape buffer_shape = { "buffer", 8, render_buffer,
					   .bytes = buffer_bytes };
static const struct type word = { .kind = TYPE_SHOWN, .shape = &word_shape };
static const struct type stack = { .kind = TYPE_SHOWN, .shape = &stack_shape };
static const struct type buffer = { .kind = TYPE_SHOWN,
				    .shape = &buffer_shape,
				    .limit = 8 };
static const uint64_t stack_words[] = { 1, 2, 3 };
static const char buffer_words[16] = { 3, 0, 0, 0, 0, 0, 0, 0, 'a', '\0', '\xff' };

/* Both forms of a value. */

static void check_shown(const struct datum *d, const char *text, const char *json)
{
	static const char *const names[] = { "main" };
	char *bytes = NULL;
	size_t len = 0;
	FILE *fp = open_memstream(&bytes, &len);
	struct sink *sink = sink_json_new(fp, true);
	struct text line = { 0 };
	char want[512];

	sink->names = names;
	sink->nnames = 1;
	sink->ops->values(sink, d, 1);
	text_add(&line, "", 0);
	text_add_exact(&line, sink, d);
	sink->ops->close(sink);
	fclose(fp);
	snprintf(want, sizeof(want), "{\"type\":\"value\",\"data\":%s}\n", json);
	CHECK_STR_EQ(bytes, want);
	CHECK_STR_EQ(line.bytes, text);
	free(bytes);
	text_free(&line);
}

static void test_words(void)
{
	const struct type names = { .kind = TYPE_NAME };
	struct datum d = { .type = &type_bool, .n = 1 };

	check_shown(&d, "true", "true");
	d.n = 0;
	check_shown(&d, "false", "false");
	d = (struct datum){ .type = &colour, .n = 1 };
	check_shown(&d, "RED", "\"RED\"");
	d.n = 2;
	check_shown(&d, "2", "2");
	/* Extended by its sign or not. */
	d.n = 0x80000000;
	check_shown(&d, "BLUE", "\"BLUE\"");
	d.n = 0xffffffff80000000;
	check_shown(&d, "BLUE", "\"BLUE\"");
	d = (struct datum){ .type = &type_u64, .n = UINT64_MAX };
	check_shown(&d, "18446744073709551615", "18446744073709551615");
	d = (struct datum){ .type = &pointer, .n = 16 };
	check_shown(&d, "0x10", "16");
	d = (struct datum){ .type = &names, .n = TYPE_NAME_FIRST };
	check_shown(&d, "main", "\"main\"");
	d = (struct datum){ .type = &word, .n = 5 };
	check_shown(&d, "word5", "\"word5\"");
}

static void test_structs(void)
{
	/* Nobody promises that a record's bytes are aligned. */
	char room[sizeof(sample) + 8];
	struct datum d =
		datum_stored(&outer, memcpy(room + 1, &sample, sizeof(sample)));
	const struct record_type unknown = { .tag = TAG_STRUCT, .size = 8 };
	const struct record_type nothing = { .tag = TAG_STRUCT, .complete = true };
	const struct type unknown_struct = { .kind = TYPE_STRUCT,
					     .record = &unknown,
					     .space = SPACE_OWN };
	const struct type empty = { .kind = TYPE_STRUCT,
				    .record = &nothing,
				    .space = SPACE_OWN };

	CHECK_INT_EQ(sizeof(((struct outer *)NULL)->in), sizeof(struct inner));
	check_shown(&d,
		    "{ .flag = true, .low = 5, .middle = -3, .high = 1094624909430, "
		    ".in = { .n = -7, .name = bash, .pair = [1,65535] }, "
		    ".next = 0xffff1000, .word = 16909060, .byte = 4, .kind = BLUE, "
		    ".grid = [[1,2,3],[4,5,6]] }",
		    "{\"flag\":true,\"low\":5,\"middle\":-3,\"high\":1094624909430,"
		    "\"in\":{\"n\":-7,\"name\":\"bash\",\"pair\":[1,65535]},"
		    "\"next\":4294905856,\"word\":16909060,\"byte\":4,"
		    "\"kind\":\"BLUE\",\"grid\":[[1,2,3],[4,5,6]]}");
	d = datum_stored(&unknown_struct, room);
	check_shown(&d, "{...}", "null");
	d = datum_stored(&empty, room);
	check_shown(&d, "{}", "{}");
}

static void test_chars(void)
{
	const struct type none = {
		.kind = TYPE_ARRAY, .to = &chr, .count = 0, .space = SPACE_OWN
	};
	const struct type no_numbers = {
		.kind = TYPE_ARRAY, .to = &s32, .count = 0, .space = SPACE_OWN
	};
	struct datum d = datum_stored(&chars6, "\033\"x\0yz\0");

	check_shown(&d, "\\x1b\"x", "\"\\u001b\\\"x\"");
	d = datum_stored(&chars6, "abcdefgh"); /* without a NUL: not beyond it */
	check_shown(&d, "abcdef", "\"abcdef\"");
	d = datum_stored(&none, "abc");
	check_shown(&d, "", "\"\"");
	d = datum_stored(&no_numbers, "abc");
	check_shown(&d, "[]", "[]");
}

static void test_shapes(void)
{
	struct datum d = datum_stored(&stack, stack_words);

	check_shown(&d, "\n    f1\n    f2\n    f3\n", "[\"f1\",\"f2\",\"f3\"]");
	d = datum_stored(&buffer, buffer_words);
	check_shown(&d, "a\\x00\\xff", "[97,0,255]");
	CHECK(datum_type_has_bytes(&buffer) && !datum_type_has_bytes(&stack));
}

/* A tuple (-1, "bash", (true, stack), word): as a program stores it. */
static const struct type *make_tuple(struct arena *a, const struct type *text)
{
	const struct type *in[] = { &type_bool, &stack };
	const struct type *items[] = { &s32, text, type_tuple(a, in, NULL, 2), &word };

	return type_tuple(a, items, NULL, 4);
}

static const unsigned char *fill_tuple(struct arena *a, const struct type *t, int64_t n,
				       const char *text)
{
	unsigned char *bytes = arena_alloc(a, type_size(t));
	const struct type_member *m = t->record->members;
	uint64_t one = 1, seven = 7;

	memcpy(bytes, &n, 8);
	memcpy(bytes + m[1].bit_offset / 8, text, strlen(text));
	memcpy(bytes + m[2].bit_offset / 8, &one, 8);
	memcpy(bytes + m[2].bit_offset / 8 + 8, stack_words, 24);
	memcpy(bytes + m[3].bit_offset / 8, &seven, 8);
	return bytes;
}

static void test_tuples(void)
{
	const struct type *two[] = { &type_s64, &ns }, *tuple, *record, *longer;
	const char *const names[] = { "a", "b" };
	const uint64_t words[] = { 2, 1250000 };
	static const struct type str15 = { .kind = TYPE_STR, .limit = 15 };
	struct arena *a = arena_new();
	struct text line = { 0 };
	struct datum d;

	tuple = make_tuple(a, &str7);
	d = datum_stored(tuple, fill_tuple(a, tuple, -1, "bash"));
	check_shown(&d, "(-1, bash, (true, \n    f1\n    f2\n    f3\n), word7)",
		    "[-1,\"bash\",[true,[\"f1\",\"f2\",\"f3\"]],\"word7\"]");
	/* As a key of a map whose texts may be longer. */
	longer = make_tuple(a, &str15);
	{
		unsigned char *key = arena_alloc(a, type_size(longer));

		datum_store(&d, longer, key);
		CHECK(!memcmp(key, fill_tuple(a, longer, -1, "bash"),
			      type_size(longer)));
	}

	record = type_tuple(a, two, names, 2);
	d = datum_stored(record, words);
	check_shown(&d, "{ .a = 2, .b = 1250000 }", "{\"a\":2,\"b\":1250000}");
	text_add_datum(&line, NULL, &d); /* as %s */
	CHECK_STR_EQ(line.bytes, "{ .a = 2, .b = 1.25ms }");
	d = datum_stored(type_tuple(a, two, NULL, 0), words);
	check_shown(&d, "()", "[]");
	text_free(&line);
	arena_free(a);
}

static void test_division(void)
{
	const struct type *in[] = { &type_s64, &colour }, *items[3], *tuple;
	const int64_t words[] = { 1000, -1000, 7, 1 };
	struct arena *a = arena_new();
	unsigned char room[32];
	struct datum d = { .type = &type_s64, .n = (uint64_t)-15 };

	check_shown((d = datum_divided(&d, 10, NULL), &d), "-1", "-1");
	d = (struct datum){ .type = &type_bool, .n = 1 };
	check_shown((d = datum_divided(&d, 10, NULL), &d), "true", "true");

	items[0] = &type_u64;
	items[1] = type_tuple(a, in, NULL, 2);
	items[2] = &word;
	tuple = type_tuple(a, items, NULL, 3);
	d = datum_stored(tuple, words);
	d = datum_divided(&d, 10, room);
	check_shown(&d, "(100, (-100, 7), word1)", "[100,[-100,7],\"word1\"]");
	arena_free(a);
}

/* Comparing. */

static int sign(int c)
{
	return (c > 0) - (c < 0);
}

/* The values are in ascending order. */
static void check_order(const struct datum *d, size_t n)
{
	static const char *const names[] = { "b", "a" };
	const struct sink sink = { .names = names, .nnames = 2 };

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++)
			CHECK_INT_EQ(sign(datum_compare(&sink, &d[i], &d[k])),
				     (i > k) - (i < k));
}

static void test_order_of_words(void)
{
	const struct type names = { .kind = TYPE_NAME };
	const struct datum numbers[] = { { &s32, .n = (uint64_t)-5 },
					 { &s32, .n = 0 },
					 { &s32, .n = 7 } };
	const struct datum large[] = { { &type_u64, .n = 1 },
				       { &type_u64, .n = UINT64_MAX } };
	const struct datum texts[] = { { &str7, .s = NULL, .len = 0 },
				       { &str7, .s = "a", .len = 1 },
				       { &str7, .s = "ab", .len = 2 },
				       { &str7, .s = "b", .len = 1 } };
	const struct datum named[] = { { &names, .n = TYPE_NAME_FIRST + 1 },
				       { &names, .n = TYPE_NAME_FIRST } };
	const struct datum shown[] = { { &word, .n = 9 }, { &word, .n = 3 } };

	check_order(numbers, 3);
	check_order(large, 2);
	check_order(texts, 4);
	check_order(named, 2);
	check_order(shown, 2);
}

static void test_order_of_memory(void)
{
	struct arena *a = arena_new();
	const struct type *tuple = make_tuple(a, &str7);
	const struct inner structs[] = { { .n = -2, .name = "z" },
					 { .n = 1, .name = "a" },
					 { .n = 1, .name = "b" },
					 { .n = 256, .name = "a" } };
	const uint16_t arrays[][4] = { { 1, 300 }, { 2, 3 }, { 256, 0 } };
	const struct datum tuples[] = {
		datum_stored(tuple, fill_tuple(a, tuple, -1, "z")),
		datum_stored(tuple, fill_tuple(a, tuple, 2, "a")),
		datum_stored(tuple, fill_tuple(a, tuple, 2, "b")),
	};
	const uint64_t stacks[][3] = { { 1, 1, 1 }, { 1, 2, 1 } };
	struct datum d[4];

	check_order(tuples, 3);
	for (size_t i = 0; i < 4; i++)
		d[i] = (struct datum){ &inner, .s = (const char *)&structs[i],
				       .len = 16 };
	check_order(d, 4);
	for (size_t i = 0; i < 3; i++)
		d[i] = datum_stored(&pair, arrays[i]);
	check_order(d, 3);
	for (size_t i = 0; i < 2; i++)
		d[i] = datum_stored(&stack, stacks[i]);
	check_order(d, 2);
	d[0] = datum_stored(&chars6, "ab\0zzzzz");
	d[1] = datum_stored(&chars6, "abc\0zzzz");
	check_order(d, 2);
	arena_free(a);
}

/* Keys. */

static void check_key(const struct datum *keys, size_t n, const char *text,
		      const char *json)
{
	const struct map_info map = { .name = "@x", .has_keys = true, .nkeys = n };

	for (int i = 0; i < 2; i++) {
		char *bytes = NULL;
		size_t len = 0;
		FILE *fp = open_memstream(&bytes, &len);
		struct sink *sink =
			i ? sink_json_new(fp, true) : sink_text_new(fp, stderr, true);

		sink->ops->map_begin(sink, &map);
		sink->ops->keys(sink, keys, n);
		sink_int(sink, 5, true, UNIT_NONE);
		sink->ops->map_end(sink);
		sink->ops->close(sink);
		fclose(fp);
		CHECK_STR_EQ(bytes, i ? json : text);
		free(bytes);
	}
}

#define JSON_MAP(key)                                                                  \
	"{\"type\":\"map\",\"data\":{\"@x\":[{\"key\":" key ",\"value\":5}]}}\n"

/* A tuple is a key of several parts; one within it is a tuple. */
static void test_keys(void)
{
	struct arena *a = arena_new();
	const struct type *tuple = make_tuple(a, &str7), *record;
	const struct type *two[] = { &type_s64, &type_bool };
	const char *const names[] = { "a", "b" };
	const uint64_t words[] = { 2, 1 };
	struct datum keys[2];

	keys[0] = datum_stored(tuple, fill_tuple(a, tuple, -1, "bash"));
	check_key(keys, 1,
		  "@x[-1, bash, (true, \n    f1\n    f2\n    f3\n), word7]: 5\n\n",
		  JSON_MAP("[-1,\"bash\",[true,[\"f1\",\"f2\",\"f3\"]],\"word7\"]"));
	keys[0] = datum_stored(type_tuple(a, two, NULL, 2), words);
	keys[1] = (struct datum){ .type = &colour, .n = 1 };
	check_key(keys, 1, "@x[2, true]: 5\n\n", JSON_MAP("[2,true]"));
	check_key(keys, 2, "@x[(2, true), RED]: 5\n\n", JSON_MAP("[[2,true],\"RED\"]"));
	record = type_tuple(a, two, names, 2);
	keys[0] = datum_stored(record, words);
	check_key(keys, 1, "@x[{ .a = 2, .b = true }]: 5\n\n",
		  JSON_MAP("[{\"a\":2,\"b\":true}]"));
	keys[0] = datum_stored(&stack, stack_words);
	check_key(keys, 1, "@x[\n    f1\n    f2\n    f3\n]: 5\n\n",
		  JSON_MAP("[[\"f1\",\"f2\",\"f3\"]]"));
	check_key(keys, 2, "@x[\n    f1\n    f2\n    f3\n, RED]: 5\n\n",
		  JSON_MAP("[[\"f1\",\"f2\",\"f3\"],\"RED\"]"));
	arena_free(a);
}

int main(void)
{
	test_words();
	test_structs();
	test_chars();
	test_shapes();
	test_tuples();
	test_division();
	test_order_of_words();
	test_order_of_memory();
	test_keys();
	return test_failures();
}
