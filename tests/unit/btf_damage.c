/* runtime/btf.h over BTF that is cut, changed, circular or newer than it. */
#include <errno.h>
#include <stdlib.h>

#include "core/arena.h"
#include "runtime/btf.h"
#include "tests/btf_maker.h"
#include "tests/unit/test.h"

enum { KIND_NEW = 30 };

/* Bytes of what was told: each name is read to its end. */
static size_t seen;

static int see_name(const char *name, void *arg)
{
	(void)arg;
	seen += strlen(name);
	return 0;
}

static int see_value(const char *name, int64_t value, void *arg)
{
	(void)value;
	return see_name(name, arg);
}

static int see_member(const struct target_member *m, void *arg)
{
	return see_name(m->name, arg);
}

static int see_param(const struct target_param *p, void *arg)
{
	return see_name(p->name, arg);
}

/* The reader sees a copy of exactly its size, so that sanitizers see what it does. */
static int open_bytes(const struct btf_maker *m, struct btf_set **s, void **copy)
{
	size_t size;
	const void *bytes = btf_maker_bytes(m, &size);

	*copy = malloc(size);
	memcpy(*copy, bytes, size);
	return btf_from_bytes(*copy, size, s);
}

/* Everything that can be asked; answers do not matter. */
static void ask_all(struct btf_set *s)
{
	static const char *const names[] = { "int", "number_t", "told", "LOST", "f" };
	target_type_id id;
	int64_t value;

	for (target_type_id i = 0; i < 24; i++) {
		struct target_type t;

		btf_describe(s, i, &t);
		btf_members(s, i, see_member, NULL);
		btf_values(s, i, see_value, NULL);
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		btf_find(s, TAG_NONE, names[i], &id);
		btf_find(s, TAG_STRUCT, names[i], &id);
		btf_constant(s, names[i], &value, &id);
		btf_function_params(s, NULL, names[i], see_param, NULL, &id);
		btf_raw_tracepoint_params(s, names[i], see_param, NULL);
	}
	btf_type_names(s, TAG_STRUCT, "*", see_name, NULL);
}

static void ask_damaged(const void *bytes, size_t size)
{
	void *copy = malloc(size ? size : 1);
	struct btf_set *s;

	memcpy(copy, bytes, size);
	if (btf_from_bytes(copy, size, &s) == 0) {
		ask_all(s);
		btf_close(s);
	}
	free(copy);
}

static void *make_one_of_each(struct arena *a, size_t *size)
{
	struct btf_maker *m = btf_maker_new(a, NULL);
	uint32_t number = btf_maker_int(m, "int", 4, BTF_INT_SIGNED);
	uint32_t alias = btf_maker_add(m, BTF_KIND_TYPEDEF, "number_t", number);
	uint32_t tag = btf_maker_add(m, BTF_KIND_TYPE_TAG, "user", alias);
	uint32_t pointer = btf_maker_add(m, BTF_KIND_PTR, "", tag);
	uint32_t s1 = btf_maker_add(m, BTF_KIND_STRUCT, "told", 16), e, table;

	btf_maker_record(m, s1)->flag = 1;
	table = btf_maker_array(m, pointer, 2);
	btf_maker_item3(m, s1, btf_maker_string(m, "few"), number, 3u << 24 | 32);
	btf_maker_item3(m, s1, 0, table, 64);
	btf_maker_add(m, BTF_KIND_FWD, "unknown", 0);
	e = btf_maker_add(m, BTF_KIND_ENUM, "sign", 4);
	btf_maker_item2(m, e, btf_maker_string(m, "LOST"), (uint32_t)-1);
	e = btf_maker_add(m, BTF_KIND_ENUM64, "wide", 8);
	btf_maker_item3(m, e, btf_maker_string(m, "BIG"), 5, 1);
	e = btf_maker_add(m, BTF_KIND_FUNC_PROTO, "", number);
	btf_maker_item2(m, e, btf_maker_string(m, "first"), s1);
	btf_maker_add(m, BTF_KIND_FUNC, "f", e);
	e = btf_maker_add(m, BTF_KIND_PTR, "", e);
	btf_maker_add(m, BTF_KIND_TYPEDEF, "btf_trace_f", e);
	btf_maker_add(m, BTF_KIND_FLOAT, "double", 8);
	btf_maker_word(m, btf_maker_add(m, BTF_KIND_VAR, "v", number), 0);
	btf_maker_word(m, btf_maker_add(m, BTF_KIND_DECL_TAG, "d", number), 0);
	e = btf_maker_add(m, BTF_KIND_DATASEC, "data", 4);
	btf_maker_item3(m, e, number, 0, 4);
	return btf_maker_bytes(m, size);
}

/* Cut anywhere, and every byte changed to what counts and offsets like least. */
static void test_damage(void)
{
	static const uint8_t bytes[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	struct arena *a = arena_new();
	size_t size;
	uint8_t *good = make_one_of_each(a, &size);

	for (size_t i = 0; i <= size; i++)
		ask_damaged(good, i);
	for (size_t i = 0; i < size; i++) {
		uint8_t was = good[i];

		for (size_t j = 0; j < sizeof(bytes); j++) {
			good[i] = bytes[j];
			ask_damaged(good, size);
		}
		good[i] = was;
	}
	/* Words too: each id in turn where an id, an offset or a count may be. */
	for (size_t i = 0; i + 4 <= size; i += 4) {
		uint32_t was, value;

		memcpy(&was, good + i, 4);
		for (value = 0; value < 24; value++) {
			memcpy(good + i, &value, 4);
			ask_damaged(good, size);
		}
		memcpy(good + i, &was, 4);
	}
	arena_free(a);
}

static void test_circles(void)
{
	struct arena *a = arena_new();
	struct btf_maker *m = btf_maker_new(a, NULL);
	uint32_t self = btf_maker_add(m, BTF_KIND_TYPEDEF, "self", 1);
	uint32_t first = btf_maker_add(m, BTF_KIND_CONST, "", 3);
	uint32_t second = btf_maker_add(m, BTF_KIND_VOLATILE, "", first);
	uint32_t array = btf_maker_array(m, 4, 2);
	uint32_t pointer = btf_maker_add(m, BTF_KIND_PTR, "", 5);
	uint32_t wild = btf_maker_add(m, BTF_KIND_TYPEDEF, "wild", 1000);
	uint32_t one = btf_maker_int(m, "char", 1, 0), huge = one;
	struct target_type t;
	struct btf_set *s;
	void *copy;

	for (int i = 0; i < 3; i++)
		huge = btf_maker_array(m, huge, UINT32_MAX);
	CHECK_INT_EQ(open_bytes(m, &s, &copy), 0);
	CHECK_INT_EQ(btf_describe(s, self, &t), -EINVAL);
	CHECK_INT_EQ(btf_describe(s, second, &t), -EINVAL);
	CHECK_INT_EQ(btf_describe(s, array, &t), -EINVAL);
	CHECK_INT_EQ(btf_describe(s, pointer, &t), 0);
	CHECK_INT_EQ(t.to, pointer);
	CHECK_INT_EQ(btf_describe(s, wild, &t), -EINVAL);
	CHECK_INT_EQ(btf_describe(s, huge, &t), -EINVAL);
	CHECK_INT_EQ(btf_describe(s, 1000, &t), -EINVAL);
	btf_close(s);
	free(copy);
	arena_free(a);
}

/*
 * Kernels since 7.2 tell how long the records of each kind are; a kind that we do not
 * know is stepped over then, and has no meaning.
 */
static void test_new_kinds(void)
{
	struct arena *a = arena_new();
	struct btf_maker *m = btf_maker_new(a, NULL);
	uint32_t unknown = btf_maker_add(m, KIND_NEW, "what", 0);
	uint32_t number = btf_maker_int(m, "int", 4, 0);
	struct {
		struct btf_header header;
		uint32_t layout_off, layout_size;
	} head;
	size_t size, rest, table = (KIND_NEW + 1) * 4;
	struct target_type t;
	struct btf_set *s;
	uint8_t *old, *new;
	void *copy;

	btf_maker_word(m, unknown, 1);
	btf_maker_item2(m, unknown, 2, 3);
	CHECK_INT_EQ(open_bytes(m, &s, &copy), -EINVAL);
	free(copy);

	old = btf_maker_bytes(m, &size);
	rest = size - sizeof(head.header);
	memcpy(&head.header, old, sizeof(head.header));
	head.header.hdr_len = sizeof(head);
	head.header.type_off = (uint32_t)table;
	head.header.str_off += (uint32_t)table;
	head.layout_off = 0;
	head.layout_size = (uint32_t)table;
	new = calloc(1, sizeof(head) + table + rest);
	memcpy(new, &head, sizeof(head));
	new[sizeof(head) + KIND_NEW * 4] = 4;
	new[sizeof(head) + KIND_NEW * 4 + 1] = 8;
	memcpy(new + sizeof(head) + table, old + sizeof(head.header), rest);
	if (CHECK_INT_EQ(btf_from_bytes(new, sizeof(head) + table + rest, &s), 0)) {
		CHECK_INT_EQ(btf_describe(s, unknown, &t), -EINVAL);
		CHECK_INT_EQ(btf_describe(s, number, &t), 0);
		CHECK_INT_EQ(t.size, 4);
		btf_close(s);
	}
	free(new);
	arena_free(a);
}

/* More items than 16 bits count, as 7.2 has them. */
static void test_many_items(void)
{
	struct arena *a = arena_new();
	struct btf_maker *m = btf_maker_new(a, NULL);
	uint32_t id = btf_maker_add(m, BTF_KIND_ENUM, "many", 4);
	struct btf_set *s;
	target_type_id type;
	int64_t value = 0;
	char name[16];
	void *copy;

	for (uint32_t i = 0; i < 70000; i++) {
		snprintf(name, sizeof(name), "E%u", i);
		btf_maker_item2(m, id, btf_maker_string(m, name), i);
	}
	CHECK_INT_EQ(open_bytes(m, &s, &copy), 0);
	for (int i = 0; i < 4; i++) {
		CHECK_INT_EQ(btf_constant(s, "E69999", &value, &type), 0);
		CHECK_INT_EQ(value, 69999);
		CHECK_INT_EQ(btf_constant(s, "E70000", &value, &type), -ENOENT);
	}
	btf_close(s);
	free(copy);
	arena_free(a);
}

int main(void)
{
	test_damage();
	test_circles();
	test_new_kinds();
	test_many_items();
	CHECK(seen > 0);
	return test_failures();
}
