#include "cli/list_types.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/arena.h"
#include "core/compile.h"
#include "core/diag.h"
#include "parser/ast.h"
#include "sema/target.h"

enum {
	NESTING_MAX = 16
}; /* BTF comes from the kernel, but is not checked again here */

struct types {
	struct compile *cc;
	const struct target *target;
	FILE *out;
	enum type_tag tag;
	bool members;
	int depth; /* of the struct whose members are printed */
	size_t n;
};

static const struct {
	const char *word;
	enum type_tag tag;
} tags[] = {
	{ "struct", TAG_STRUCT },
	{ "union", TAG_UNION },
	{ "enum", TAG_ENUM },
};

enum { NTAGS = sizeof(tags) / sizeof(tags[0]) };

/* The name behind "struct ", and which of the words it was; NULL: none. */
static const char *split(const char *pattern, size_t *tag)
{
	for (size_t i = 0; i < NTAGS; i++) {
		size_t len = strlen(tags[i].word);

		if (strncmp(pattern, tags[i].word, len) != 0 || pattern[len] != ' ')
			continue;
		*tag = i;
		return pattern + len + strspn(pattern + len, " ");
	}
	return NULL;
}

bool list_is_types(const char *pattern)
{
	size_t tag;

	return split(pattern, &tag);
}

static void indent(const struct types *t)
{
	for (int i = 0; i < t->depth; i++)
		fputs("    ", t->out);
}

static void print_members(struct types *t, target_type_id id);

/* The words before a declared name; of a type without a name, all of it. */
static void print_base(struct types *t, target_type_id id, const struct target_type *ty)
{
	const char *word = "";

	switch (ty->kind) {
	case TARGET_VOID:
	case TARGET_PTR:
	case TARGET_ARRAY:
		fputs("void", t->out);
		return;
	case TARGET_FUNC:
		fputs("func", t->out);
		return;
	case TARGET_BOOL:
		fputs("bool", t->out);
		return;
	case TARGET_CHAR:
		fputs("char", t->out);
		return;
	case TARGET_FLOAT:
		fputs(ty->size == 4 ? "float" : "double", t->out);
		return;
	case TARGET_INT:
		fprintf(t->out, "%sint%" PRIu64, ty->is_signed ? "" : "u",
			ty->size * 8);
		return;
	case TARGET_STRUCT:
		word = "struct";
		break;
	case TARGET_UNION:
		word = "union";
		break;
	case TARGET_ENUM:
		word = "enum";
		break;
	}
	fputs(word, t->out);
	if (*ty->name) {
		fprintf(t->out, " %s", ty->name);
	} else if (t->depth < NESTING_MAX) {
		fputs(" {\n", t->out);
		print_members(t, id);
		indent(t);
		fputc('}', t->out);
	}
}

/* "char comm[16]", "struct x *(*name)[2]": C's way, from the name outwards. */
static void print_declaration(struct types *t, target_type_id id, const char *name)
{
	struct arena *a = t->cc->arena;
	struct target_type ty;
	bool pointer = false;

	for (;;) {
		if (t->target->ops->type_describe(t->target, id, &ty))
			return;
		if (ty.kind == TARGET_PTR) {
			name = arena_printf(a, "*%s", name);
		} else if (ty.kind == TARGET_ARRAY) {
			name = arena_printf(
				a, pointer ? "(%s)[%" PRIu64 "]" : "%s[%" PRIu64 "]",
				name, ty.count);
		} else {
			break;
		}
		pointer = ty.kind == TARGET_PTR;
		id = ty.to;
	}
	print_base(t, id, &ty);
	if (*name)
		fprintf(t->out, " %s", name);
}

static int print_member(const struct target_member *m, void *arg)
{
	struct types *t = arg;

	indent(t);
	print_declaration(t, m->type, m->name);
	if (m->bits)
		fprintf(t->out, " : %u", m->bits);
	fputs(";\n", t->out);
	return 0;
}

static int print_value(const char *name, int64_t value, void *arg)
{
	struct types *t = arg;

	indent(t);
	fprintf(t->out, "%s = %" PRId64 ",\n", name, value);
	return 0;
}

static void print_members(struct types *t, target_type_id id)
{
	const struct target_ops *ops = t->target->ops;
	struct target_type ty;

	t->depth++;
	if (ops->type_describe(t->target, id, &ty))
		return;
	if (ty.kind == TARGET_ENUM)
		ops->type_values(t->target, id, print_value, t);
	else
		ops->type_members(t->target, id, print_member, t);
	t->depth--;
}

static int print_type(const char *name, void *arg)
{
	struct types *t = arg;
	target_type_id id;
	size_t tag = 0;

	while (tags[tag].tag != t->tag)
		tag++;
	t->n++;
	fprintf(t->out, "%s %s", tags[tag].word, name);
	if (t->members && !t->target->ops->type_find(t->target, t->tag, name, &id)) {
		fputs(" {\n", t->out);
		print_members(t, id);
		fputs("};", t->out);
	}
	fputc('\n', t->out);
	return 0;
}

/* What is near a name that no type has. */
struct guess {
	struct types *types;
	struct suggestion near;
};

static int compare(const char *name, void *arg)
{
	struct guess *g = arg;

	suggest(&g->near, name);
	if (g->near.best == name)
		g->near.best = arena_strdup(g->types->cc->arena, name);
	return 0;
}

static int nothing(struct types *t, const char *word, const char *name)
{
	struct guess g = { .types = t, .near.word = name };

	diag(t->cc, DIAG_no_such_probe, SPAN_NOWHERE, "the kernel has no '%s %s'", word,
	     name);
	t->target->ops->type_names(t->target, t->tag, "*", compare, &g);
	if (g.near.best)
		diag_hint(t->cc, "did you mean '%s %s'?", word, g.near.best);
	return -1;
}

int list_types(struct compile *cc, const char *pattern, bool members, FILE *out)
{
	struct types t = {
		.cc = cc, .target = cc->target, .out = out, .members = members
	};
	size_t tag = 0;
	const char *name = split(pattern, &tag);
	int err;

	t.tag = tags[tag].tag;
	err = t.target->ops->type_names(t.target, t.tag, name, print_type, &t);
	if (!err)
		return t.n > 0 ? 0 : nothing(&t, tags[tag].word, name);
	diag(cc, DIAG_no_such_probe, SPAN_NOWHERE, "cannot read the kernel's types: %s",
	     err == -ENODATA ? "it was built without BTF" : strerror(-err));
	return -1;
}
