/*
 * iter: the kernel walks through its tasks, their files or their memory, and runs the
 * program for each. It does so while somebody reads the iterator's descriptor, which the
 * session does, a few objects at a time: so the ring buffer never overflows, however many
 * there are. For the kernel to stop after a few, each must write something to the
 * descriptor: a byte.
 */
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "builtins/builtin.h"
#include "codegen/emit.h"
#include "codegen/image.h"
#include "core/arena.h"
#include "core/compile.h"
#include "core/diag.h"
#include "parser/ast.h"
#include "probes/kinds.h"
#include "probes/point.h"
#include "probes/words.h"
#include "runtime/session.h"
#include "sema/plan.h"
#include "sema/target.h"

enum { WORD = 8 };

static const char *const iterators[] = { "task", "task_file", "task_vma" };

static bool parse_iter(struct compile *cc, const struct attach_point *point,
		       const char *rest, struct probe_spec *out)
{
	const char *parts[POINT_PARTS];
	size_t n = point_split(cc, point, rest, parts);

	if (n == 0)
		return false;
	if (n > 2 || !*parts[0])
		return point_error(cc, point, "expected iter:WHAT, found '%s'",
				   point->text);
	if (n == 2) {
		diag(cc, DIAG_unsupported, point->span,
		     "pinned iterators: what memql's programs print goes through "
		     "memql, so a file that runs one later would show nothing");
		return false;
	}
	out->symbol = parts[0];
	return true;
}

/* The members of the program's context, which BTF has a struct for: each is a word. */
struct context {
	struct words words;
	uint64_t object; /* offset of the last one: what is walked through */
	uint64_t base;   /* bits before the union that is being looked at */
};

/* In the kernel's headers each is wrapped into a union, to be a word everywhere. */
static int add_member(const struct target_member *m, void *arg)
{
	struct context *c = arg;
	const struct target *t = c->words.cc->target;
	struct target_type type;

	if (!*m->name) {
		if (t->ops->type_describe(t, m->type, &type) == 0 &&
		    type.kind == TARGET_UNION) {
			c->base = m->bit_offset;
			return t->ops->type_members(t, m->type, add_member, c);
		}
		return 0; /* padding */
	}
	c->object = (c->base + m->bit_offset) / 8;
	c->words.taken = c->object / WORD;
	c->base = 0;
	words_add(&c->words, m->name, m->type);
	return 0;
}

static int found_iterator(struct compile *cc, const char *name, probe_match_fn *match,
			  void *arg)
{
	const struct target *t = cc->target;
	struct context c = { .words = { .cc = cc, .kind = LOC_ARGUMENT } };
	struct probe_site site = { .name = arena_printf(cc->arena, "iter:%s", name) };
	struct probe_layout layout;
	target_type_id type;
	int err = t->ops->type_find(
		t, TAG_STRUCT, arena_printf(cc->arena, "bpf_iter__%s", name), &type);

	if (!err)
		err = t->ops->type_members(t, type, add_member, &c);
	if (err)
		return err == -ENOENT || err == -ENODATA ? 0 : err;
	site.event = arena_printf(cc->arena, "bpf_iter_%s", name);
	site.offset = c.object;
	layout = words_layout(&c.words);
	return match(&site, &layout, arg);
}

static int expand_iter(struct compile *cc, const struct probe_spec *pattern,
		       probe_match_fn *match, void *arg, const char **what)
{
	int err = 0;

	*what = "the kernel's types";
	for (size_t i = 0; i < sizeof(iterators) / sizeof(iterators[0]) && !err; i++)
		if (glob_match(pattern->symbol, iterators[i]))
			err = found_iterator(cc, iterators[i], match, arg);
	return err;
}

static void explain_iter(struct compile *cc, const struct probe_spec *pattern)
{
	for (size_t i = 0; i < sizeof(iterators) / sizeof(iterators[0]); i++) {
		if (glob_match(pattern->symbol, iterators[i])) {
			diag_hint(cc, "this kernel has no BTF, or is older than the "
				      "iterator");
			return;
		}
	}
	diag_hint(cc, "there are iter:task, iter:task_file and iter:task_vma");
}

/*
 * The kernel calls the program once more when it is done, without an object: that is no
 * event. Loaded from the context, these are pointers that the verifier knows.
 */
static void enter_iter(struct emit *e)
{
	const struct program_info *p = emit_program(e);
	int64_t offset = p->nsites ? (int64_t)p->sites[0].offset : 0;
	struct value object, seq;
	struct branch none;

	object = emit_load(e, emit_ctx(e), offset, WORD, false);
	none = emit_if(e, emit_op(e, OP_EQ, object, emit_int(e, 0), false));
	emit_return(e);
	emit_end(e, &none);
	seq = emit_load(e, emit_load(e, emit_ctx(e), 0, WORD, false), 0, WORD, false);
	emit_helper(e, HELPER_SEQ_WRITE, 3, seq, emit_rodata(e, "", 1), emit_int(e, 1));
}

static void prepare_iter(struct session *s, const struct image_program *p,
			 struct bpf_program *prog)
{
	uint32_t id = 0;
	int fd = 0;

	/* Without a number the kernel refuses the program. */
	if (p->nsites)
		session_function_id(s, "vmlinux", p->sites[0].event, &id, &fd);
	session_load_by_id(s, prog, BPF_TRACE_ITER, id, fd);
}

static int attach_iter(struct session *s, const struct image_program *p,
		       struct bpf_program *prog, const struct probe_site **failed)
{
	struct bpf_link *link = bpf_program__attach_iter(prog, NULL);
	int fd;

	*failed = &p->sites[0];
	if (!link)
		return -errno;
	session_add_link(s, link);
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0)
		return -errno;
	session_add_iterator(s, fd);
	return 0;
}

#define CONTEXT(what)                                                                  \
	{                                                                              \
		.name = what,                                                          \
		.kind = BUILTIN_VALUE,                                                 \
		.flags = BUILTIN_PER_SITE,                                             \
		.returns = { .kind = TYPE_ARGS },                                      \
		.summary = "what the iterator is at",                                  \
		.doc = "`" what ".task` of every iterator, `" what ".file` and `" what \
		       ".fd` of task_file, `" what                                     \
		       ".vma` of task_vma: structs of the "                            \
		       "kernel, whose fields follow. `memql -lv iter:*` lists them.",  \
		.example = "iter:task { printf(\"%d\\n\", " what ".task.pid); }",      \
	}

static const struct builtin iter_vars[] = { CONTEXT("ctx"), CONTEXT("args"), { 0 } };

const struct probe_kind probe_iter = {
	.name = "iter",
	.alias = "it",
	.syntax = "iter:task | task_file | task_vma",
	.summary = "each task, open file or memory area of the machine, once",
	.doc = "Not an event, but a walk through what is there: the program runs for each "
	       "task (thread), for each open file of each task, or for each area of memory "
	       "of each process, and the trace ends. `ctx` is what it is at; pid, comm and "
	       "the like are memql's own. No other probe may be in the program, but BEGIN "
	       "and END.",
	.example = "iter:task { @[ctx.task.comm] = count(); }",
	.flags = PROBE_SINGLE_SITE | PROBE_ALONE,
	.all = "*",
	.section = IMAGE_BY_ID,
	.feature = FEATURE_ITER,
	.c_section = "iter",
	.vars = iter_vars,
	.parse = parse_iter,
	.expand = expand_iter,
	.explain = explain_iter,
	.enter = enter_iter,
	.prepare = prepare_iter,
	.attach = attach_iter,
};
