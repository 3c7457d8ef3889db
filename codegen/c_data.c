/* Maps and constants of the programs as C. */
#include <assert.h>
#include <linux/bpf.h>
#include <string.h>

#include "codegen/c_text.h"
#include "core/arena.h"
#include "sema/type.h"

static const char *map_type(unsigned type)
{
	static const char *const names[] = {
		[BPF_MAP_TYPE_HASH] = "HASH",
		[BPF_MAP_TYPE_ARRAY] = "ARRAY",
		[BPF_MAP_TYPE_PERCPU_HASH] = "PERCPU_HASH",
		[BPF_MAP_TYPE_PERCPU_ARRAY] = "PERCPU_ARRAY",
		[BPF_MAP_TYPE_LRU_HASH] = "LRU_HASH",
		[BPF_MAP_TYPE_LRU_PERCPU_HASH] = "LRU_PERCPU_HASH",
		[BPF_MAP_TYPE_RINGBUF] = "RINGBUF",
		[BPF_MAP_TYPE_TASK_STORAGE] = "TASK_STORAGE",
	};

	assert(type < sizeof(names) / sizeof(names[0]) && names[type]);
	return names[type];
}

static const struct map_info *info_of(const struct module *m, const char *symbol)
{
	for (size_t i = 0; i < m->cc->plan->maps.n; i++)
		if (strcmp(m->cc->plan->maps.items[i]->symbol, symbol) == 0)
			return m->cc->plan->maps.items[i];
	return NULL;
}

/* "@x[uint64, string[16]]: count" */
static void describe_map(struct module *m, const struct map_info *info, FILE *out)
{
	struct arena *a = m->cc->arena;

	fprintf(out, "/* %s", info->name);
	for (size_t i = 0; i < info->nkeys; i++)
		fprintf(out, "%s%s%s", i ? ", " : "[", type_text(a, info->keys[i]),
			i + 1 == info->nkeys ? "]" : "");
	fprintf(out, ": %s */\n",
		info->agg ? info->agg->name : type_text(a, info->value));
}

/* A number as it is in memory; what has no type of its own in C is words. */
static const char *value_type(struct arena *a, const struct type *t, size_t size)
{
	if (t && t->kind == TYPE_STR)
		return arena_printf(a, "char[%zu]", size);
	if (t && t->kind == TYPE_INT)
		return t->is_signed ? "s64" : "u64";
	if (size == sizeof(uint32_t))
		return "u32";
	return size == sizeof(uint64_t)
		       ? "u64"
		       : arena_printf(a, "u64[%zu]", size / sizeof(uint64_t));
}

/* "char name[16]" */
static void write_member(struct arena *a, const struct type *t, const char *name,
			 FILE *out)
{
	const char *type = value_type(a, t, type_size(t));
	int len = (int)strcspn(type, "[");

	fprintf(out, "\t%.*s %s%s;\n", len, type, name, type + len);
}

/* Several keys follow each other. */
static const char *key_type(struct arena *a, const struct c_map *map,
			    const struct map_info *info, FILE *out)
{
	if (!info || info->nkeys < 2)
		return value_type(a, info && info->nkeys ? info->keys[0] : NULL,
				  map->shape.key_size);
	fprintf(out, "struct %s_key {\n", map->symbol);
	for (size_t i = 0; i < info->nkeys; i++)
		write_member(a, info->keys[i], arena_printf(a, "key%zu", i + 1), out);
	fputs("};\n", out);
	return arena_printf(a, "struct %s_key", map->symbol);
}

static const char *entry_type(struct arena *a, const struct c_map *map,
			      const struct map_info *info, FILE *out)
{
	if (!info || !info->value || type_size(info->value) == map->shape.value_size)
		return value_type(a, info ? info->value : NULL, map->shape.value_size);
	fprintf(out, "struct %s_value {\n", map->symbol);
	write_member(a, info->value, "value", out);
	fputs("\tu64 is_set;\n};\n", out);
	return arena_printf(a, "struct %s_value", map->symbol);
}

static void write_map(struct module *m, const struct c_map *map, FILE *out)
{
	struct arena *a = m->cc->arena;
	const struct map_shape *s = &map->shape;
	const struct map_info *info = info_of(m, map->symbol);
	const char *key = NULL, *value = NULL;

	if (info && (info->value || info->agg))
		describe_map(m, info, out);
	if (s->key_size) {
		key = key_type(a, map, info, out);
		value = entry_type(a, map, info, out);
	}
	fprintf(out, "struct {\n\t__uint(type, BPF_MAP_TYPE_%s);\n", map_type(s->type));
	if (s->max_entries)
		fprintf(out, "\t__uint(max_entries, %u);\n", s->max_entries);
	if (s->flags == BPF_F_NO_PREALLOC)
		fputs("\t__uint(map_flags, BPF_F_NO_PREALLOC);\n", out);
	else if (s->flags)
		fprintf(out, "\t__uint(map_flags, %u);\n", s->flags);
	if (key)
		fprintf(out, "\t__type(key, %s);\n\t__type(value, %s);\n", key, value);
	fprintf(out, "} %s SEC(\".maps\");\n\n", map->symbol);
}

static uint64_t word_of(LLVMValueRef array, unsigned i)
{
	return LLVMConstIntGetZExtValue(LLVMGetAggregateElement(array, i));
}

/* The text in a constant, or NULL if there is none. */
static const char *text_of(struct arena *a, LLVMValueRef array, unsigned words)
{
	char *text = arena_alloc(a, 8 * (size_t)words + 1);
	size_t n;

	for (unsigned i = 0; i < words; i++) {
		uint64_t word = word_of(array, i);

		memcpy(text + 8 * (size_t)i, &word, 8);
	}
	n = strlen(text);
	for (size_t i = 0; i < 8 * (size_t)words; i++)
		if (i < n ? text[i] < ' ' || text[i] > '~' : text[i])
			return NULL;
	return n > 1 && n < 8 * (size_t)words ? text : NULL;
}

static void write_quoted(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		/* ? in pairs would be a trigraph. */
		if (strchr("\"\\?", *text))
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void write_words(FILE *out, LLVMValueRef init, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		fprintf(out, "%s0x%llx%s",
			i % 4   ? " "
			: n > 4 ? "\n\t"
				: " ",
			(unsigned long long)word_of(init, i), i + 1 < n ? "," : "");
	fputs(n > 4 ? "\n" : " ", out);
}

/* Not static: clang puts those of 16 bytes where its own BTF does not look for them. */
static void write_constant(struct module *m, LLVMValueRef g, FILE *out)
{
	LLVMValueRef init = LLVMGetInitializer(g);
	LLVMTypeRef type = LLVMGlobalGetValueType(g);
	const char *name = c_symbol(m->cc->arena, g), *text;
	unsigned n;

	if (LLVMGetTypeKind(type) == LLVMIntegerTypeKind && !LLVMIsGlobalConstant(g)) {
		assert(LLVMIsNull(init));
		fprintf(out, "volatile %s%s;\n", c_type(type), name);
		return;
	}
	if (LLVMGetTypeKind(type) == LLVMIntegerTypeKind) {
		fprintf(out, "const volatile %s%s SEC(\"%s\") = %llu;\n", c_type(type),
			name, LLVMGetSection(g),
			(unsigned long long)LLVMConstIntGetZExtValue(init));
		return;
	}
	n = LLVMGetArrayLength(type);
	text = LLVMIsNull(init) ? NULL : text_of(m->cc->arena, init, n);
	if (text) {
		fprintf(out, "const char %s[%u] __attribute__((aligned(8))) = ", name,
			8 * n);
		write_quoted(out, text);
		fputs(";\n", out);
		return;
	}
	fprintf(out, "const u64 %s[%u] = {", name, n);
	if (!LLVMIsNull(init))
		write_words(out, init, n);
	fputs("};\n", out);
}

static bool is_word(char c)
{
	return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
}

bool c_mentions(const char *text, const char *name)
{
	for (const char *at = text; (at = strstr(at, name)); at++)
		if (!is_word(at[strlen(name)]) && at > text && !is_word(at[-1]))
			return true;
	return false;
}

/* Those of the functions' text: some are only used where nothing ever gets. */
void c_write_constants(struct module *m, const char *functions, FILE *out)
{
	for (LLVMValueRef g = LLVMGetFirstGlobal(m->ir); g; g = LLVMGetNextGlobal(g)) {
		const char *section = LLVMGetSection(g);

		if ((strncmp(section, ".rodata", 7) == 0 ||
		     strcmp(section, ".bss") == 0) &&
		    c_mentions(functions, c_symbol(m->cc->arena, g)))
			write_constant(m, g, out);
	}
}

void c_write_license(struct module *m, FILE *out)
{
	for (LLVMValueRef g = LLVMGetFirstGlobal(m->ir); g; g = LLVMGetNextGlobal(g)) {
		size_t n;

		if (strcmp(LLVMGetSection(g), "license") == 0)
			fprintf(out, "\nchar %s[] SEC(\"license\") = \"%s\";\n",
				c_symbol(m->cc->arena, g),
				LLVMGetAsString(LLVMGetInitializer(g), &n));
	}
}

void c_write_maps(struct module *m, FILE *out)
{
	for (size_t i = 0; i < m->c_maps.n; i++)
		write_map(m, &m->c_maps.items[i], out);
}
