/* runtime/btf.h over BTF made by hand: every encoding, functions, modules. */
#include "runtime/btf.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/arena.h"
#include "tests/btf_maker.h"
#include "tests/unit/test.h"

enum { SIGNED_FLAG = 1 };

/* What was found, with blanks between. */
static char found[512];

static void add(const char *text)
{
	size_t len = strlen(found);

	snprintf(found + len, sizeof(found) - len, "%s%s", len ? " " : "", text);
}

static int add_name(const char *name, void *arg)
{
	(void)arg;
	add(name);
	return 0;
}

static int add_value(const char *name, int64_t value, void *arg)
{
	char text[64];

	(void)arg;
	snprintf(text, sizeof(text), "%s=%" PRId64, name, value);
	add(text);
	return 0;
}

static int add_member(const struct target_member *m, void *arg)
{
	char text[64];

	(void)arg;
	snprintf(text, sizeof(text), "%s@%" PRIu64 "/%u:%" PRIx64, m->name,
		 m->bit_offset, m->bits, m->type);
	add(text);
	return 0;
}

static int add_param(const struct target_param *p, void *arg)
{
	char text[64];

	(void)arg;
	snprintf(text, sizeof(text), "%s:%" PRIx64, p->name, p->type);
	add(text);
	return 0;
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

static struct target_type type_of(struct btf_set *s, target_type_id id)
{
	struct target_type t = { .name = "" };

	CHECK_INT_EQ(btf_describe(s, id, &t), 0);
	return t;
}

static const char *members_of(struct btf_set *s, target_type_id id)
{
	found[0] = '\0';
	CHECK_INT_EQ(btf_members(s, id, add_member, NULL), 0);
	return found;
}

static void test_scalars(void)
{
	struct arena *a = arena_new();
	struct btf_maker *m = btf_maker_new(a, NULL);
	uint32_t plain = btf_maker_int(m, "char", 1, BTF_INT_SIGNED);
	uint32_t letter = btf_maker_int(m, "unsigned char", 1, BTF_INT_CHAR);
	uint32_t truth = btf_maker_int(m, "_Bool", 1, 0);
	uint32_t named = btf_maker_int(m, "truth", 4, BTF_INT_BOOL);
	uint32_t number = btf_maker_int(m, "int", 4, BTF_INT_SIGNED);
	uint32_t real = btf_maker_add(m, BTF_KIND_FLOAT, "double", 8);
	uint32_t proto = btf_maker_add(m, BTF_KIND_FUNC_PROTO, "", number);
	uint32_t qualified = btf_maker_add(m, BTF_KIND_CONST, "", number);
	uint32_t alias, again, tagged;
	struct btf_set *s;
	target_type_id id;
	void *copy;

	qualified = btf_maker_add(m, BTF_KIND_VOLATILE, "", qualified);
	qualified = btf_maker_add(m, BTF_KIND_RESTRICT, "", qualified);
	alias = btf_maker_add(m, BTF_KIND_TYPEDEF, "number_t", qualified);
	again = btf_maker_add(m, BTF_KIND_TYPEDEF, "number_t", real);
	tagged = btf_maker_add(m, BTF_KIND_STRUCT, "number_t", 4);
	CHECK_INT_EQ(open_bytes(m, &s, &copy), 0);

	CHECK_INT_EQ(type_of(s, 0).kind, TARGET_VOID);
	CHECK_INT_EQ(type_of(s, plain).kind, TARGET_CHAR);
	CHECK(type_of(s, plain).is_signed);
	CHECK_INT_EQ(type_of(s, letter).kind, TARGET_INT);
	CHECK_INT_EQ(type_of(s, truth).kind, TARGET_BOOL);
	CHECK_INT_EQ(type_of(s, named).kind, TARGET_BOOL);
	CHECK_INT_EQ(type_of(s, named).size, 4);
	CHECK_INT_EQ(type_of(s, real).kind, TARGET_FLOAT);
	CHECK_INT_EQ(type_of(s, proto).kind, TARGET_FUNC);
	CHECK_INT_EQ(type_of(s, alias).kind, TARGET_INT);
	CHECK_INT_EQ(type_of(s, alias).id, number);
	CHECK_INT_EQ(type_of(s, again).size, 8);
	CHECK_STR_EQ(type_of(s, alias).name, "");

	for (int i = 0; i < 4; i++) { /* by walking, then by hash */
		CHECK_INT_EQ(btf_find(s, TAG_NONE, "number_t", &id), 0);
		CHECK_INT_EQ(id, alias);
		CHECK_INT_EQ(btf_find(s, TAG_STRUCT, "number_t", &id), 0);
		CHECK_INT_EQ(id, tagged);
		CHECK_INT_EQ(btf_find(s, TAG_NONE, "int", &id), 0);
		CHECK_INT_EQ(id, number);
		CHECK_INT_EQ(btf_find(s, TAG_STRUCT, "int", &id), -ENOENT);
		CHECK_INT_EQ(btf_find(s, TAG_NONE, "", &id), -ENOENT);
	}
	btf_close(s);
	free(copy);
	arena_free(a);
}

static void test_derived(void)
{
	struct arena *a = arena_new();
	struct btf_maker *m = btf_maker_new(a, NULL);
	uint32_t number = btf_maker_int(m, "int", 4, BTF_INT_SIGNED);
	uint32_t user = btf_maker_add(m, BTF_KIND_TYPE_TAG, "user", number);
	uint32_t other = btf_maker_add(m, BTF_KIND_TYPE_TAG, "rcu", number);
	uint32_t alias = btf_maker_add(m, BTF_KIND_TYPEDEF, "user_int", user);
	uint32_t to_user = btf_maker_add(m, BTF_KIND_PTR, "", alias);
	uint32_t to_other = btf_maker_add(m, BTF_KIND_PTR, "", other);
	uint32_t to_void = btf_maker_add(m, BTF_KIND_PTR, "", 0);
	uint32_t row = btf_maker_array(m, to_void, 3);
	uint32_t table = btf_maker_array(m, row, 5);
	uint32_t none = btf_maker_array(m, number, 0);
	struct target_type t;
	struct btf_set *s;
	void *copy;

	CHECK_INT_EQ(open_bytes(m, &s, &copy), 0);
	t = type_of(s, to_user);
	CHECK_INT_EQ(t.kind, TARGET_PTR);
	CHECK_INT_EQ(t.size, 8);
	CHECK_INT_EQ(t.to, alias);
	CHECK(t.is_user);
	CHECK(!type_of(s, to_other).is_user);
	CHECK(!type_of(s, to_void).is_user);
	CHECK_INT_EQ(type_of(s, to_void).to, 0);
	t = type_of(s, table);
	CHECK_INT_EQ(t.kind, TARGET_ARRAY);
	CHECK_INT_EQ(t.count, 5);
	CHECK_INT_EQ(t.to, row);
	CHECK_INT_EQ(t.size, 5 * 3 * 8);
	CHECK_INT_EQ(type_of(s, row).size, 3 * 8);
	CHECK_INT_EQ(type_of(s, none).size, 0);
	btf_close(s);
	free(copy);
	arena_free(a);
}

static uint32_t add_struct(struct btf_maker *m, const char *name, uint32_t size,
			   uint32_t flag)
{
	uint32_t id = btf_maker_add(m, BTF_KIND_STRUCT, name, size);

	btf_maker_record(m, id)->flag = flag;
	return id;
}

/* Bits told by the members, and by types of their own. */
static void test_bits(void)
{
	struct arena *a = arena_new();
	struct btf_maker *m = btf_maker_new(a, NULL);
	uint32_t number = btf_maker_int(m, "int", 4, BTF_INT_SIGNED);
	uint32_t three = btf_maker_add(m, BTF_KIND_INT, "int", 4);
	uint32_t moved = btf_maker_add(m, BTF_KIND_INT, "int", 4);
	uint32_t alias = btf_maker_add(m, BTF_KIND_TYPEDEF, "three", three);
	uint32_t inner, s1, s2;
	struct btf_set *s;
	void *copy;

	btf_maker_word(m, three, 3);
	btf_maker_word(m, moved, 7 << 16 | 5);
	inner = btf_maker_add(m, BTF_KIND_UNION, "", 4);
	btf_maker_item3(m, inner, btf_maker_string(m, "x"), number, 0);
	s1 = add_struct(m, "told", 16, 1);
	btf_maker_item3(m, s1, btf_maker_string(m, "whole"), number, 0);
	btf_maker_item3(m, s1, btf_maker_string(m, "few"), number, 3u << 24 | 32);
	btf_maker_item3(m, s1, btf_maker_string(m, "all"), number, 32u << 24 | 64);
	btf_maker_item3(m, s1, 0, inner, 96);
	s2 = add_struct(m, "old", 16, 0);
	btf_maker_item3(m, s2, btf_maker_string(m, "whole"), number, 0);
	btf_maker_item3(m, s2, btf_maker_string(m, "few"), alias, 32);
	btf_maker_item3(m, s2, btf_maker_string(m, "moved"), moved, 64);
	btf_maker_item3(m, s2, btf_maker_string(m, "odd"), number, 97);
	CHECK_INT_EQ(open_bytes(m, &s, &copy), 0);
	CHECK_STR_EQ(members_of(s, s1), "whole@0/0:1 few@32/3:1 all@64/32:1 @96/0:5");
	CHECK_STR_EQ(members_of(s, s2),
		     "whole@0/0:1 few@32/3:4 moved@71/5:3 odd@97/32:1");
	CHECK_STR_EQ(members_of(s, inner), "x@0/0:1");
	CHECK_INT_EQ(type_of(s, inner).kind, TARGET_UNION);
	CHECK_STR_EQ(type_of(s, s1).name, "told");
	CHECK_INT_EQ(btf_members(s, number, add_member, NULL), -EINVAL);
	btf_close(s);
	free(copy);
	arena_free(a);
}

static uint32_t add_enum(struct btf_maker *m, const char *name, uint32_t size,
			 uint32_t flag)
{
	uint32_t id = btf_maker_add(m, BTF_KIND_ENUM, name, size);

	btf_maker_record(m, id)->flag = flag;
	return id;
}

static void add_constant(struct btf_maker *m, uint32_t id, const char *name,
			 uint32_t value)
{
	btf_maker_item2(m, id, btf_maker_string(m, name), value);
}

static const char *values_of(struct btf_set *s, target_type_id id)
{
	found[0] = '\0';
	CHECK_INT_EQ(btf_values(s, id, add_value, NULL), 0);
	return found;
}

static void test_enums(void)
{
	struct arena *a = arena_new();
	struct btf_maker *m = btf_maker_new(a, NULL);
	uint32_t mask = add_enum(m, "mask", 4, 0);
	uint32_t sign = add_enum(m, "", 1, SIGNED_FLAG);
	uint32_t wide = btf_maker_add(m, BTF_KIND_ENUM64, "wide", 8);
	struct btf_set *s;
	target_type_id id;
	int64_t value;
	void *copy;

	add_constant(m, mask, "ALL", UINT32_MAX);
	add_constant(m, sign, "LOST", (uint32_t)-1);
	add_constant(m, sign, "ALL", 7);
	btf_maker_item3(m, wide, btf_maker_string(m, "BIG"), 5, 1);
	btf_maker_item3(m, wide, btf_maker_string(m, "TOP"), 0, 1u << 31);
	CHECK_INT_EQ(open_bytes(m, &s, &copy), 0);
	CHECK_STR_EQ(values_of(s, mask), "ALL=4294967295");
	CHECK_STR_EQ(values_of(s, sign), "LOST=-1 ALL=7");
	CHECK_STR_EQ(values_of(s, wide), "BIG=4294967301 TOP=-9223372036854775808");
	CHECK(!type_of(s, mask).is_signed);
	CHECK(type_of(s, sign).is_signed);
	CHECK_INT_EQ(type_of(s, sign).size, 1);
	CHECK_STR_EQ(type_of(s, sign).name, "");
	CHECK_INT_EQ(btf_find(s, TAG_ENUM, "wide", &id), 0);
	CHECK_INT_EQ(id, wide);
	for (int i = 0; i < 4; i++) {
		CHECK_INT_EQ(btf_constant(s, "LOST", &value, &id), 0);
		CHECK_INT_EQ(value, -1);
		CHECK_INT_EQ(id, sign);
		CHECK_INT_EQ(btf_constant(s, "ALL", &value, &id), 0);
		CHECK_INT_EQ(id, mask);
		CHECK_INT_EQ(btf_constant(s, "BIG", &value, &id), 0);
		CHECK_INT_EQ(value, 0x100000005);
		CHECK_INT_EQ(btf_constant(s, "wide", &value, &id), -ENOENT);
	}
	btf_close(s);
	free(copy);
	arena_free(a);
}

/* Before 6.0 no enum is marked: a mask stays one, an errno is negative. */
static void test_old_enums(void)
{
	struct arena *a = arena_new();
	struct btf_maker *m = btf_maker_new(a, NULL);
	uint32_t mask = add_enum(m, "mask", 4, 0);
	uint32_t sign = add_enum(m, "sign", 4, 0);
	struct btf_set *s;
	void *copy;

	add_constant(m, mask, "TOP", 1u << 31);
	add_constant(m, sign, "NONE", (uint32_t)-2);
	CHECK_INT_EQ(open_bytes(m, &s, &copy), 0);
	CHECK_STR_EQ(values_of(s, mask), "TOP=2147483648");
	CHECK_STR_EQ(values_of(s, sign), "NONE=-2");
	CHECK(type_of(s, sign).is_signed);
	btf_close(s);
	free(copy);
	arena_free(a);
}

static uint32_t add_function(struct btf_maker *m, const char *name, uint32_t returns,
			     uint32_t param)
{
	uint32_t proto = btf_maker_add(m, BTF_KIND_FUNC_PROTO, "", returns);

	btf_maker_item2(m, proto, btf_maker_string(m, "first"), param);
	btf_maker_item2(m, proto, 0, param);
	btf_maker_add(m, BTF_KIND_FUNC, name, proto);
	return proto;
}

static void test_functions(void)
{
	struct arena *a = arena_new();
	struct btf_maker *m = btf_maker_new(a, NULL);
	uint32_t number = btf_maker_int(m, "int", 4, BTF_INT_SIGNED);
	uint32_t proto = add_function(m, "f", number, number);
	uint32_t event, names, typedef_id, id = 0;
	struct btf_set *s;
	target_type_id returns = 99;
	void *copy;
	int fd = 99;

	btf_maker_item2(m, proto, 0, 0); /* ... */
	names = add_function(m, "__traceiter_named", number, number);
	btf_maker_item2(m, names, btf_maker_string(m, "third"), number);
	event = btf_maker_add(m, BTF_KIND_FUNC_PROTO, "", 0);
	btf_maker_item2(m, event, 0, number);
	btf_maker_item2(m, event, 0, number);
	btf_maker_item2(m, event, 0, number);
	event = btf_maker_add(m, BTF_KIND_PTR, "", event);
	btf_maker_add(m, BTF_KIND_TYPEDEF, "btf_trace_plain", event);
	typedef_id = btf_maker_add(m, BTF_KIND_TYPEDEF, "btf_trace_named", event);
	btf_maker_add(m, BTF_KIND_TYPEDEF, "btf_trace_wrong", number);
	CHECK_INT_EQ(open_bytes(m, &s, &copy), 0);

	found[0] = '\0';
	CHECK_INT_EQ(btf_function_params(s, "vmlinux", "f", add_param, NULL, &returns),
		     0);
	CHECK_STR_EQ(found, "first:1 :1");
	CHECK_INT_EQ(returns, number);
	CHECK_INT_EQ(btf_function_params(s, "*", "g", add_param, NULL, NULL), -ENOENT);
	found[0] = '\0';
	CHECK_INT_EQ(btf_raw_tracepoint_params(s, "plain", add_param, NULL), 0);
	CHECK_STR_EQ(found, ":1 :1");
	found[0] = '\0';
	CHECK_INT_EQ(btf_raw_tracepoint_params(s, "named", add_param, NULL), 0);
	CHECK_STR_EQ(found, ":1 third:1");
	CHECK_INT_EQ(btf_raw_tracepoint_params(s, "wrong", add_param, NULL), -EINVAL);
	CHECK_INT_EQ(btf_raw_tracepoint_params(s, "f", add_param, NULL), -ENOENT);
	CHECK_INT_EQ(btf_function_id(s, NULL, "f", &id, &fd), 0);
	CHECK_INT_EQ(id, proto + 1);
	CHECK_INT_EQ(fd, 0);
	CHECK_INT_EQ(btf_raw_tracepoint_id(s, "named", &id, &fd), 0);
	CHECK_INT_EQ(id, typedef_id);
	btf_close(s);
	free(copy);
	arena_free(a);
}

static void write_file(const char *directory, const char *name,
		       const struct btf_maker *m)
{
	size_t size;
	void *bytes = btf_maker_bytes(m, &size);
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	f = fopen(path, "w");
	if (CHECK(f != NULL)) {
		CHECK_INT_EQ(fwrite(bytes, 1, size, f), size);
		fclose(f);
	}
}

static void remove_file(const char *directory, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	CHECK_INT_EQ(unlink(path), 0);
}

/* Ids: vmlinux has 1 to 3, both modules have 4 and on. */
static void make_kernel(struct arena *a, const char *directory)
{
	struct btf_maker *base = btf_maker_new(a, NULL), *m;
	uint32_t number = btf_maker_int(base, "int", 4, BTF_INT_SIGNED), id;
	uint32_t hidden = btf_maker_add(base, BTF_KIND_FWD, "hidden", 0);

	btf_maker_add(base, BTF_KIND_PTR, "", hidden);
	write_file(directory, "vmlinux", base);
	m = btf_maker_new(a, base);
	id = btf_maker_add(m, BTF_KIND_STRUCT, "hidden", 4);
	btf_maker_item3(m, id, btf_maker_string(m, "a"), number, 0);
	add_function(m, "shared", number, id);
	write_file(directory, "ma", m);
	m = btf_maker_new(a, base);
	id = btf_maker_add(m, BTF_KIND_STRUCT, "second", 8);
	btf_maker_item3(m, id, btf_maker_string(m, "b"), id + 1, 0);
	btf_maker_add(m, BTF_KIND_PTR, "", id);
	add_function(m, "shared", 0, number);
	write_file(directory, "mb", m);
}

static void test_modules(void)
{
	char directory[] = "/tmp/memql-btf-XXXXXX";
	struct arena *a = arena_new();
	struct btf_set *s;
	target_type_id id, returns;
	struct target_type t;

	CHECK(mkdtemp(directory) != NULL);
	make_kernel(a, directory);
	CHECK_INT_EQ(btf_open(directory, &s), 0);
	CHECK_INT_EQ(btf_find(s, TAG_NONE, "int", &id), 0);
	CHECK_INT_EQ(id, 1);
	CHECK_INT_EQ(btf_find(s, TAG_STRUCT, "hidden", &id), 0);
	CHECK_INT_EQ(id, 1ull << 32 | 4);
	CHECK_STR_EQ(members_of(s, id), "a@0/0:1");
	/* The pointer of vmlinux leads to what the module defines. */
	t = type_of(s, type_of(s, 3).to);
	CHECK_STR_EQ(t.name, "hidden");
	CHECK_INT_EQ(t.size, 4);
	CHECK_INT_EQ(t.id, 1ull << 32 | 4);
	CHECK_INT_EQ(btf_find(s, TAG_UNION, "hidden", &id), -ENOENT);
	CHECK_INT_EQ(btf_find(s, TAG_STRUCT, "second", &id), 0);
	CHECK_STR_EQ(members_of(s, id), "b@0/0:200000005");
	CHECK_STR_EQ(type_of(s, type_of(s, 2ull << 32 | 5).to).name, "second");
	CHECK_INT_EQ(type_of(s, 2ull << 32 | 1).id, 1);

	found[0] = '\0';
	CHECK_INT_EQ(btf_function_params(s, "mb", "shared", add_param, NULL, &returns),
		     0);
	CHECK_INT_EQ(btf_function_params(s, NULL, "shared", add_param, NULL, &returns),
		     0);
	CHECK_STR_EQ(found, "first:1 :1 first:100000004 :100000004");
	CHECK_INT_EQ(
		btf_function_params(s, "vmlinux", "shared", add_param, NULL, &returns),
		-ENOENT);
	CHECK_INT_EQ(
		btf_function_params(s, "none", "shared", add_param, NULL, &returns),
		-ENOENT);
	found[0] = '\0';
	CHECK_INT_EQ(btf_constant_names(s, add_name, NULL), 0);
	CHECK_STR_EQ(found, "");
	found[0] = '\0';
	CHECK_INT_EQ(btf_type_names(s, TAG_STRUCT, "*d*", add_name, NULL), 0);
	CHECK_STR_EQ(found, "hidden second");
	CHECK_INT_EQ(btf_describe(s, 3ull << 32 | 4, &t), -EINVAL);
	CHECK_INT_EQ(btf_describe(s, 1ull << 32 | 99, &t), -EINVAL);
	btf_close(s);

	/* One goes after it was listed, before it was read. */
	CHECK_INT_EQ(btf_open(directory, &s), 0);
	CHECK_INT_EQ(btf_function_params(s, "ma", "none", add_param, NULL, NULL),
		     -ENOENT);
	remove_file(directory, "mb");
	CHECK_INT_EQ(btf_find(s, TAG_STRUCT, "second", &id), -ENOENT);
	btf_close(s);
	remove_file(directory, "ma");
	remove_file(directory, "vmlinux");
	CHECK_INT_EQ(btf_open(directory, &s), 0);
	CHECK_INT_EQ(btf_find(s, TAG_NONE, "int", &id), -ENODATA);
	btf_close(s);
	CHECK_INT_EQ(rmdir(directory), 0);
	arena_free(a);
}

/* tests/runtime/btf.py compares all of this kernel's types with bpftool. */
static void test_this_kernel(void)
{
	struct btf_set *s;
	target_type_id id;
	int err;

	CHECK_INT_EQ(btf_open(NULL, &s), 0);
	err = btf_find(s, TAG_STRUCT, "task_struct", &id);
	if (err == -ENODATA || err == -EACCES) {
		printf("no BTF of this kernel\n");
	} else if (CHECK_INT_EQ(err, 0)) {
		CHECK_INT_EQ(type_of(s, id).kind, TARGET_STRUCT);
		CHECK(type_of(s, id).size > 1000);
	}
	btf_close(s);
}

int main(void)
{
	test_scalars();
	test_derived();
	test_bits();
	test_enums();
	test_old_enums();
	test_functions();
	test_modules();
	test_this_kernel();
	return test_failures();
}
