#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "runtime/btf.h"
#include "tests/btf_maker.h"
#include "tests/fake_internal.h"

/* The label of a type that has no name in C. */
struct label {
	const char *name;
	uint32_t id;
};

struct fake_types {
	struct btf_maker *maker;
	struct {
		struct label *items;
		size_t n, cap;
	} labels;      /* of every type that can be named */
	uint32_t last; /* what items belong to, or 0 */
	struct btf_set *set;
};

static uint32_t find_label(const struct fake_types *t, uint32_t kinds, const char *name)
{
	for (size_t i = 0; i < t->labels.n; i++) {
		const struct label *l = &t->labels.items[i];

		if (kinds >> btf_maker_record(t->maker, l->id)->kind & 1 &&
		    strcmp(l->name, name) == 0)
			return l->id;
	}
	return 0;
}

static uint32_t add_named(struct fake *f, uint32_t kind, const char *name,
			  uint32_t size)
{
	struct fake_types *t = f->types;
	struct label l = { name, 0 };

	l.id = btf_maker_add(t->maker, kind, *name == '.' ? "" : name, size);
	ARENA_PUSH(f->arena, &t->labels, l);
	return l.id;
}

/* The basic types that every kernel has. */
static void need_types(struct fake *f)
{
	static const struct {
		const char *name;
		uint32_t size, encoding;
	} basic[] = {
		{ "char", 1, 0 },
		{ "signed char", 1, BTF_INT_SIGNED },
		{ "unsigned char", 1, 0 },
		{ "short int", 2, BTF_INT_SIGNED },
		{ "short unsigned int", 2, 0 },
		{ "int", 4, BTF_INT_SIGNED },
		{ "unsigned int", 4, 0 },
		{ "long int", 8, BTF_INT_SIGNED },
		{ "long unsigned int", 8, 0 },
		{ "long long int", 8, BTF_INT_SIGNED },
		{ "long long unsigned int", 8, 0 },
		{ "_Bool", 1, BTF_INT_BOOL },
	};

	if (f->types)
		return;
	f->types = ARENA_NEW(f->arena, struct fake_types);
	f->types->maker = btf_maker_new(f->arena, NULL);
	for (size_t i = 0; i < sizeof(basic) / sizeof(basic[0]); i++) {
		uint32_t id = add_named(f, BTF_KIND_INT, basic[i].name, basic[i].size);

		btf_maker_word(f->types->maker, id,
			       basic[i].encoding << 24 | basic[i].size * 8);
	}
}

/* A struct or union that may have been declared by its use. */
static uint32_t need_struct(struct fake *f, uint32_t kind, const char *name)
{
	bool is_union = kind == BTF_KIND_UNION;
	uint32_t id = find_label(f->types, 1u << kind, name);

	for (size_t i = 0; i < f->types->labels.n && !id; i++) {
		const struct label *l = &f->types->labels.items[i];
		const struct btf_record *r = btf_maker_record(f->types->maker, l->id);

		if (r->kind == BTF_KIND_FWD && r->flag == is_union &&
		    strcmp(l->name, name) == 0)
			id = l->id;
	}
	if (!id) {
		id = add_named(f, BTF_KIND_FWD, name, 0);
		btf_maker_record(f->types->maker, id)->flag = is_union;
	}
	return id;
}

/* "struct NAME", "int": false if there is no such type. */
static bool find_base(struct fake *f, const char *text, uint32_t *id)
{
	if (strncmp(text, "struct ", 7) == 0)
		*id = need_struct(f, BTF_KIND_STRUCT, text + 7);
	else if (strncmp(text, "union ", 6) == 0)
		*id = need_struct(f, BTF_KIND_UNION, text + 6);
	else if (strncmp(text, "enum ", 5) == 0)
		*id = find_label(f->types, 1 << BTF_KIND_ENUM, text + 5);
	else
		*id = find_label(f->types, 1 << BTF_KIND_INT | 1 << BTF_KIND_TYPEDEF,
				 text);
	return *id || strcmp(text, "void") == 0;
}

/* One "*", "*user" or "[N]" at *text. */
static bool wrap(struct btf_maker *m, const char **text, uint32_t *id)
{
	static const char user[] = "*user";
	const char *p = *text;

	if (strncmp(p, user, strlen(user)) == 0) {
		*id = btf_maker_add(m, BTF_KIND_TYPE_TAG, user + 1, *id);
		*id = btf_maker_add(m, BTF_KIND_PTR, "", *id);
		*text += strlen(user);
	} else if (*p == '*') {
		*id = btf_maker_add(m, BTF_KIND_PTR, "", *id);
		*text += 1;
	} else if (*p == '[') {
		char *end;

		*id = btf_maker_array(m, *id, (uint32_t)strtoul(p + 1, &end, 0));
		if (*end != ']')
			return false;
		*text = end + 1;
	}
	return *text > p;
}

/* The type that words from the i-th on tell. */
static bool read_type(struct fake *f, char *const *words, size_t n, size_t i,
		      uint32_t *id)
{
	char *text = arena_strdup(f->arena, "");
	const char *more;
	size_t len;

	for (; i < n; i++)
		text = arena_printf(f->arena, "%s%s%s", text, *text ? " " : "",
				    words[i]);
	more = text + strcspn(text, "*[");
	len = (size_t)(more - text);
	while (len && text[len - 1] == ' ')
		len--;
	if (!find_base(f, arena_strndup(f->arena, text, len), id))
		return false;
	while (*more)
		if (*more == ' ')
			more++;
		else if (!wrap(f->types->maker, &more, id))
			return false;
	return true;
}

static const char *member_name(const char *word)
{
	return strcmp(word, "-") == 0 ? "" : word;
}

static uint32_t number(const char *word)
{
	return (uint32_t)strtoul(word, NULL, 0);
}

static bool line_typedef(struct fake *f, char *const *words, size_t n)
{
	uint32_t id;

	if (!read_type(f, words, n, 2, &id))
		return false;
	add_named(f, BTF_KIND_TYPEDEF, words[1], id);
	return true;
}

static bool line_struct(struct fake *f, char *const *words, size_t n)
{
	bool is_union = strcmp(words[0], "union") == 0;
	uint32_t kind = is_union ? BTF_KIND_UNION : BTF_KIND_STRUCT;
	struct btf_record *r;

	f->types->last = need_struct(f, kind, words[1]);
	r = btf_maker_record(f->types->maker, f->types->last);
	if (r->kind != BTF_KIND_FWD)
		return false;
	r->kind = kind;
	r->flag = 1; /* bit fields are told by their members */
	r->size = number(words[2]);
	return n == 3;
}

static bool line_enum(struct fake *f, char *const *words, size_t n)
{
	uint32_t id = add_named(f, BTF_KIND_ENUM, words[1], number(words[2]));

	btf_maker_record(f->types->maker, id)->flag = strcmp(words[3], "signed") == 0;
	f->types->last = id;
	return n == 4;
}

static bool is_last(const struct fake *f, uint32_t kinds)
{
	const struct fake_types *t = f->types;

	return t->last && kinds >> btf_maker_record(t->maker, t->last)->kind & 1;
}

static bool add_member(struct fake *f, uint32_t offset, uint32_t bits, const char *name,
		       uint32_t type)
{
	struct btf_maker *m = f->types->maker;

	if (!is_last(f, 1 << BTF_KIND_STRUCT | 1 << BTF_KIND_UNION))
		return false;
	btf_maker_item3(m, f->types->last, btf_maker_string(m, member_name(name)), type,
			bits << 24 | offset);
	return true;
}

static bool line_member(struct fake *f, char *const *words, size_t n)
{
	uint32_t id;

	return read_type(f, words, n, 3, &id) &&
	       add_member(f, number(words[1]) * 8, 0, words[2], id);
}

static bool line_bits(struct fake *f, char *const *words, size_t n)
{
	uint32_t id;

	return read_type(f, words, n, 4, &id) &&
	       add_member(f, number(words[1]), number(words[2]), words[3], id);
}

static bool line_value(struct fake *f, char *const *words, size_t n)
{
	struct btf_maker *m = f->types->maker;

	if (n != 3 || !is_last(f, 1 << BTF_KIND_ENUM))
		return false;
	btf_maker_item2(m, f->types->last, btf_maker_string(m, words[1]),
			number(words[2]));
	return true;
}

void fake_types_function(struct fake *f, const char *name, bool is_tracepoint)
{
	f->unknown = name;
	f->is_tracepoint = is_tracepoint;
	if (f->types)
		f->types->last = 0;
}

/* Makes the prototype of the function in whose lines we are, and what leads to it. */
static bool need_prototype(struct fake *f)
{
	struct fake_types *t = f->types;
	struct btf_maker *m = t->maker;
	uint32_t id;

	if (is_last(f, 1 << BTF_KIND_FUNC_PROTO))
		return true;
	if (!f->unknown)
		return false;
	t->last = id = btf_maker_add(m, BTF_KIND_FUNC_PROTO, "", 0);
	if (f->is_tracepoint) {
		uint32_t data = btf_maker_add(m, BTF_KIND_PTR, "", 0);

		btf_maker_item2(m, id, btf_maker_string(m, "__data"), data);
		btf_maker_add(m, BTF_KIND_FUNC,
			      arena_printf(f->arena, "__traceiter_%s", f->unknown), id);
		id = btf_maker_add(m, BTF_KIND_PTR, "", id);
		btf_maker_add(m, BTF_KIND_TYPEDEF,
			      arena_printf(f->arena, "btf_trace_%s", f->unknown), id);
	} else {
		btf_maker_add(m, BTF_KIND_FUNC, f->unknown, id);
	}
	f->unknown = NULL;
	return true;
}

static bool line_param(struct fake *f, char *const *words, size_t n)
{
	struct btf_maker *m = f->types->maker;
	uint32_t id;

	if (!read_type(f, words, n, 2, &id) || !need_prototype(f))
		return false;
	btf_maker_item2(m, f->types->last, btf_maker_string(m, words[1]), id);
	return true;
}

static bool line_returns(struct fake *f, char *const *words, size_t n)
{
	uint32_t id;

	if (!read_type(f, words, n, 1, &id) || !need_prototype(f))
		return false;
	btf_maker_record(f->types->maker, f->types->last)->size = id;
	return true;
}

bool fake_types_line(struct fake *f, char *const *words, size_t n)
{
	static const struct {
		const char *name;
		size_t min; /* words, its name included */
		bool (*read)(struct fake *f, char *const *words, size_t n);
	} kinds[] = {
		{ "typedef", 3, line_typedef }, { "struct", 3, line_struct },
		{ "union", 3, line_struct },    { "enum", 4, line_enum },
		{ "member", 4, line_member },   { "bits", 5, line_bits },
		{ "value", 3, line_value },     { "param", 3, line_param },
		{ "returns", 2, line_returns },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, words[0]) != 0)
			continue;
		need_types(f);
		return n >= kinds[i].min && kinds[i].read(f, words, n);
	}
	return false;
}

static void close_set(void *set)
{
	btf_close(set);
}

bool fake_types_finish(struct fake *f)
{
	size_t size;
	void *bytes;

	if (!f->types)
		return true;
	bytes = btf_maker_bytes(f->types->maker, &size);
	if (btf_from_bytes(bytes, size, &f->types->set) < 0)
		return false;
	arena_defer(f->arena, close_set, f->types->set);
	return true;
}

static struct btf_set *set_of(const struct target *t)
{
	const struct fake_types *types = ((const struct fake *)t)->types;

	return types ? types->set : NULL;
}

int fake_type_find(const struct target *t, enum type_tag tag, const char *name,
		   target_type_id *out)
{
	return set_of(t) ? btf_find(set_of(t), tag, name, out) : -ENODATA;
}

int fake_type_describe(const struct target *t, target_type_id id,
		       struct target_type *out)
{
	return set_of(t) ? btf_describe(set_of(t), id, out) : -ENODATA;
}

int fake_type_members(const struct target *t, target_type_id id,
		      int (*found)(const struct target_member *m, void *arg), void *arg)
{
	return set_of(t) ? btf_members(set_of(t), id, found, arg) : -ENODATA;
}

int fake_type_values(const struct target *t, target_type_id id,
		     int (*found)(const char *name, int64_t value, void *arg),
		     void *arg)
{
	return set_of(t) ? btf_values(set_of(t), id, found, arg) : -ENODATA;
}

int fake_constant(const struct target *t, const char *name, int64_t *value,
		  target_type_id *type)
{
	return set_of(t) ? btf_constant(set_of(t), name, value, type) : -ENODATA;
}

int fake_constant_names(const struct target *t,
			int (*found)(const char *name, void *arg), void *arg)
{
	return set_of(t) ? btf_constant_names(set_of(t), found, arg) : -ENODATA;
}

int fake_type_names(const struct target *t, enum type_tag tag, const char *pattern,
		    int (*found)(const char *name, void *arg), void *arg)
{
	return set_of(t) ? btf_type_names(set_of(t), tag, pattern, found, arg)
			 : -ENODATA;
}

int fake_function_params(const struct target *t, const char *module, const char *name,
			 int (*found)(const struct target_param *p, void *arg),
			 void *arg, target_type_id *returns)
{
	return set_of(t) ? btf_function_params(set_of(t), module, name, found, arg,
					       returns)
			 : -ENODATA;
}

int fake_raw_tracepoint_params(const struct target *t, const char *event,
			       int (*found)(const struct target_param *p, void *arg),
			       void *arg)
{
	return set_of(t) ? btf_raw_tracepoint_params(set_of(t), event, found, arg)
			 : -ENODATA;
}
