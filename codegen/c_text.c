/* What is around the functions: types, maps, constants, sections. */
#include "codegen/c_text.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/explained.h"
#include "core/arena.h"

enum { WORDS_MAX = 76, SITES_SHOWN = 3 };

/* What stands in a comment: on one line, without what would begin or end another one. */
static const char *commented(struct arena *a, const char *text, size_t len)
{
	char *out = source_words(a, text, len, WORDS_MAX);

	for (char *at = out; *at; at++)
		if (strncmp(at, "*/", 2) == 0 || strncmp(at, "/*", 2) == 0)
			at[1] = '|';
		else if (*at < ' ' && *at > 0)
			*at = '?';
	return out;
}

/* The script's statements, for comments. */
struct search {
	struct module *m;
	struct c_function *f;
};

static void add_words(struct search *s, const char *head, struct span at,
		      const char *tail)
{
	const struct source *source = s->m->cc->source;
	struct c_words w = { .span = source_written(source, at) };
	struct arena *a = s->f->a;
	const char *text;

	/* As a whole: the head may be a '/' before a '*'. */
	text = arena_printf(a, "%s%.*s%s", head, (int)(w.span.end - w.span.begin),
			    source_text(source, at), tail);
	w.text = commented(a, text, strlen(text));
	ARENA_PUSH(a, &s->f->words, w);
}

static void collect(struct node *n, void *arg)
{
	struct search *s = arg;

	switch (n->kind) {
	case NODE_IF:
		add_words(s, "if (", n->branch.cond->span, ")");
		break;
	case NODE_FOR_RANGE:
	case NODE_FOR_MAP:
	case NODE_WHILE:
	case NODE_UNROLL:
	case NODE_ASSIGN:
	case NODE_STEP:
	case NODE_LET:
	case NODE_EXPR:
	case NODE_RETURN:
		add_words(s, "", n->span, "");
		break;
	case NODE_INT:
	case NODE_STR:
	case NODE_PARAM:
	case NODE_CALL:
	case NODE_MAP:
	case NODE_VAR:
	case NODE_FIELD:
	case NODE_INDEX:
	case NODE_TUPLE:
	case NODE_TYPE:
	case NODE_ADDRESS:
	case NODE_CAST:
	case NODE_DEREF:
	case NODE_UNARY:
	case NODE_BINARY:
	case NODE_COND:
	case NODE_BLOCK:
	case NODE_BREAK:
	case NODE_CONTINUE:
		break;
	}
	node_each_child(n, collect, arg);
}

static void collect_words(struct module *m, struct c_function *f)
{
	const struct plan *plan = m->cc->plan;
	struct search s = { m, f };

	for (size_t i = 0; i < plan->programs.n; i++) {
		const struct program_info *p = plan->programs.items[i];

		if (p->predicate) {
			add_words(&s, "/", p->predicate->span, "/");
			collect(p->predicate, &s);
		}
		collect(p->body, &s);
		for (const struct node *n =
			     p->body->kind == NODE_BLOCK ? p->body->block.stmts : NULL;
		     n; n = n->next)
			if (n->kind == NODE_CALL)
				add_words(&s, "", n->span, "");
	}
}

static const struct program_info *program_of(const struct module *m, LLVMValueRef f)
{
	size_t n;
	const char *name = LLVMGetValueName2(f, &n);

	for (size_t i = 0; i < m->cc->plan->programs.n; i++)
		if (strcmp(m->cc->plan->programs.items[i]->symbol, name) == 0)
			return m->cc->plan->programs.items[i];
	return NULL;
}

static bool calls_helper(LLVMValueRef function, enum bpf_helper helper);

/* Does the instruction call it, or refer to a function that does? */
static bool is_call_of(LLVMValueRef v, enum bpf_helper helper)
{
	for (int i = 0; i < LLVMGetNumOperands(v); i++) {
		LLVMValueRef o = LLVMGetOperand(v, (unsigned)i);

		if (LLVMIsAFunction(o) && calls_helper(o, helper))
			return true;
		if (LLVMIsAConstantExpr(o) && LLVMGetConstOpcode(o) == LLVMIntToPtr &&
		    LLVMConstIntGetZExtValue(LLVMGetOperand(o, 0)) == helper)
			return true;
	}
	return false;
}

static bool calls_helper(LLVMValueRef function, enum bpf_helper helper)
{
	for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(function); b;
	     b = LLVMGetNextBasicBlock(b))
		for (LLVMValueRef i = LLVMGetFirstInstruction(b); i;
		     i = LLVMGetNextInstruction(i))
			if (is_call_of(i, helper))
				return true;
	return false;
}

/* One site that libbpf finds by what the section says: what follows the prefix, or NULL. */
static const char *target_of(struct arena *a, const struct program_info *p,
			     bool by_cookie)
{
	const struct probe_site *s = &p->sites[0];
	bool whole = s->path || p->kind->c_group;
	const char *rest = whole ? strchr(s->name, ':') : strrchr(s->name, ':');
	char *text;

	if (p->nsites != 1 || !p->kind->c_section || !rest ||
	    strpbrk(rest, "+\"\\\n") || s->pid || by_cookie)
		return NULL;
	text = arena_strdup(a, rest + 1);
	if (!s->path)
		for (char *c = text; (c = strchr(c, ':'));)
			*c = '/';
	return text;
}

/* Where to attach it, which no section can say. */
static void write_site(struct module *m, const struct probe_site *s, bool by_cookie,
		       FILE *out)
{
	const char *where = s->path ? s->path : s->name;

	fprintf(out, "/* attach: %s", commented(m->cc->arena, where, strlen(where)));
	if (s->path)
		fprintf(out, "+0x%llx", (unsigned long long)s->offset);
	if (s->semaphore)
		fprintf(out, ", semaphore 0x%llx", (unsigned long long)s->semaphore);
	if (by_cookie)
		fprintf(out, ", cookie 0x%llx",
			(unsigned long long)probe_site_cookie(s));
	fputs(" */\n", out);
}

static void write_section(struct module *m, const struct program_info *p,
			  LLVMValueRef f, FILE *out)
{
	bool by_cookie = calls_helper(f, HELPER_GET_ATTACH_COOKIE);
	const char *target = target_of(m->cc->arena, p, by_cookie);
	const char *prefix = p->kind->c_section ? p->kind->c_section : p->kind->section;
	const char *sleeps = p->sleepable ? ".s" : "";

	fprintf(out, "/* %s */\n",
		commented(m->cc->arena, source_text(m->cc->source, p->point),
			  p->point.end - p->point.begin));
	if (target) {
		fprintf(out, "SEC(\"%s%s/%s\")\n", prefix, sleeps, target);
		return;
	}
	for (size_t i = 0; i < p->nsites && i < SITES_SHOWN; i++)
		if (p->sites[i].path || p->nsites > 1 || by_cookie)
			write_site(m, &p->sites[i], by_cookie, out);
	if (p->nsites > SITES_SHOWN)
		fprintf(out, "/* and %zu more */\n", p->nsites - SITES_SHOWN);
	fprintf(out, "SEC(\"%s%s\")\n", prefix, sleeps);
}

/* What a function of codegen/function.c is handed over: "u64", or so many bytes. */
static const char *parameter(struct module *m, LLVMValueRef f, unsigned i)
{
	const char *name = c_symbol(m->cc->arena, f);

	for (size_t k = 0; k < m->c_functions.n; k++) {
		const struct c_signature *s = &m->c_functions.items[k];

		if (strcmp(s->name, name) != 0 || !s->sizes[i])
			continue;
		return arena_printf(m->cc->arena, "u8 (*%c)[%zu]", 'a' + (char)i,
				    s->sizes[i]);
	}
	return arena_printf(m->cc->arena, "%s%c",
			    c_type(LLVMTypeOf(LLVMGetParam(f, i))), 'a' + (char)i);
}

static void write_head(struct module *m, LLVMValueRef f, FILE *out)
{
	const struct program_info *p = program_of(m, f);
	bool is_static = LLVMGetLinkage(f) == LLVMInternalLinkage;
	const char *name = c_symbol(m->cc->arena, f);

	if (p) {
		fprintf(out, "int %s(void *ctx)", name);
		return;
	}
	/* Weak: else clang looks into it, and leaves out what it does not need. */
	fprintf(out, "%s __noinline u64 %s(", is_static ? "static" : "__weak", name);
	for (unsigned i = 0; i < LLVMCountParams(f); i++)
		fprintf(out, "%s%s", i ? ", " : "", parameter(m, f, i));
	fputc(')', out);
}

static void name_parameters(struct c_function *f, bool is_program)
{
	for (unsigned i = 0; i < LLVMCountParams(f->ref); i++) {
		char name[] = { (char)('a' + i), '\0' };

		if (is_program)
			LLVMSetValueName2(LLVMGetParam(f->ref, i), "ctx", 3);
		else
			LLVMSetValueName2(LLVMGetParam(f->ref, i), name, 1);
		c_new_name(f, is_program ? "ctx" : arena_strdup(f->a, name));
	}
}

static void write_lines(const struct c_function *f, const struct c_lines *l, FILE *out)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct c_line *line = &l->items[i];

		if (!line->text) {
			uint32_t label = f->blocks.items[line->block].label;

			if (label)
				fprintf(out, "label%u:;\n", label);
			continue;
		}
		/* A case belongs to its switch. */
		for (int t = 0; t < line->depth; t++)
			fputc('\t', out);
		fprintf(out, "%s\n", line->text);
	}
}

static void write_function(struct module *m, LLVMValueRef ref,
			   const struct c_function *shared, FILE *out)
{
	const struct program_info *p = program_of(m, ref);
	struct c_function f = *shared;
	struct c_lines lines = { 0 };

	f.ref = ref;
	fputc('\n', out);
	if (p)
		write_section(m, p, ref, out);
	name_parameters(&f, p != NULL);
	write_head(m, ref, out);
	fputs("\n{\n", out);
	c_graph(&f);
	c_body(&f, &lines);
	write_lines(&f, &lines, out);
	fputs("}\n", out);
}

static void write_start(struct module *m, FILE *out)
{
	fprintf(out,
		"/*\n"
		" * %s in C, for libbpf. memql attaches it, and shows what it counts and sends:\n"
		" *\n"
		" *\tclang -O2 -g -target bpf -mcpu=v3 -I/usr/include/$(uname -m)-linux-gnu \\\n"
		" *\t      -c FILE.c -o FILE.o\n"
		" *\tmemql --object FILE.o ...\n"
		" *\n"
		" * A loader of your own: bpf_program__attach() attaches what has a place in its SEC().\n"
		" * What has \"attach: FILE+OFFSET\" wants bpf_program__attach_uprobe_opts(), with the\n"
		" * semaphore as ref_ctr_offset and the cookie as bpf_cookie.\n"
		" */\n"
		"#include <linux/bpf.h>\n"
		"#include <stdbool.h>\n"
		"#include <bpf/bpf_helpers.h>\n\n"
		"/* Some memory is used as words of several sizes. */\n"
		"typedef __u8 u8 __attribute__((may_alias));\n"
		"typedef __u16 u16 __attribute__((may_alias));\n"
		"typedef __u32 u32 __attribute__((may_alias));\n"
		"typedef __u64 u64 __attribute__((may_alias));\n"
		"typedef __s8 s8 __attribute__((may_alias));\n"
		"typedef __s16 s16 __attribute__((may_alias));\n"
		"typedef __s32 s32 __attribute__((may_alias));\n"
		"typedef __s64 s64 __attribute__((may_alias));\n\n",
		commented(m->cc->arena, m->cc->source->name,
			  strlen(m->cc->source->name)));
}

static void write_kernel_functions(const char *functions, FILE *out)
{
	const char *name;
	bool any = false;

	for (int i = HELPER_PREEMPT_DISABLE; (name = kernel_function(i)); i++) {
		if (!c_mentions(functions, name))
			continue;
		fprintf(out, "extern %s __ksym;\n", helper_find(i)->prototype);
		any = true;
	}
	if (any)
		fputc('\n', out);
}

static bool has_body(LLVMValueRef f)
{
	return LLVMCountBasicBlocks(f) > 0;
}

/* A text that grows; text_done() puts it into the arena. */
struct text {
	char *bytes;
	size_t len;
	FILE *out;
};

static void text_open(struct text *t)
{
	t->out = open_memstream(&t->bytes, &t->len);
	if (!t->out)
		abort();
}

static const char *text_done(struct arena *a, struct text *t)
{
	const char *copy;

	fclose(t->out);
	copy = arena_strndup(a, t->bytes, t->len);
	free(t->bytes);
	return copy;
}

/* A function's text; some are called only where nothing ever gets. */
struct written {
	LLVMValueRef ref;
	const char *name, *text;
	bool wanted;
};

struct functions {
	struct written *items;
	size_t n, cap;
};

static const char *function_text(struct module *m, LLVMValueRef f,
				 const struct c_function *shared)
{
	struct text t = { NULL };

	text_open(&t);
	write_function(m, f, shared, t.out);
	return text_done(m->cc->arena, &t);
}

static void want(struct functions *all, const char *text)
{
	for (size_t i = 0; i < all->n; i++) {
		struct written *w = &all->items[i];

		if (w->wanted || !c_mentions(text, w->name))
			continue;
		w->wanted = true;
		want(all, w->text);
	}
}

/* Functions come before the programs; those that call each other are declared. */
static void write_functions(struct module *m, FILE *out)
{
	struct c_function shared = { .m = m, .a = m->cc->arena };
	struct functions all = { 0 };
	bool any = false;

	collect_words(m, &shared);
	for (LLVMValueRef f = LLVMGetFirstFunction(m->ir); f;
	     f = LLVMGetNextFunction(f)) {
		struct written w = { f, c_symbol(m->cc->arena, f) };

		if (!has_body(f))
			continue;
		w.text = function_text(m, f, &shared);
		ARENA_PUSH(m->cc->arena, &all, w);
	}
	for (size_t i = 0; i < all.n; i++)
		if (program_of(m, all.items[i].ref))
			want(&all, all.items[i].text);
	for (size_t i = 0; i < all.n; i++) {
		if (!all.items[i].wanted || program_of(m, all.items[i].ref))
			continue;
		if (!any)
			fputc('\n', out);
		any = true;
		write_head(m, all.items[i].ref, out);
		fputs(";\n", out);
	}
	for (unsigned programs = 0; programs < 2; programs++)
		for (size_t i = 0; i < all.n; i++)
			if (all.items[i].wanted &&
			    !!program_of(m, all.items[i].ref) == programs)
				fputs(all.items[i].text, out);
}

const char *c_text(struct module *m)
{
	struct text t = { NULL }, f = { NULL };
	const char *functions;

	text_open(&f);
	write_functions(m, f.out);
	functions = text_done(m->cc->arena, &f);
	text_open(&t);
	write_start(m, t.out);
	write_kernel_functions(functions, t.out);
	c_write_maps(m, t.out);
	c_write_constants(m, functions, t.out);
	fputs(functions, t.out);
	c_write_license(m, t.out);
	return text_done(m->cc->arena, &t);
}
