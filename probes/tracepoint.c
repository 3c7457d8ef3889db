/*
 * tracepoint: events that the kernel's authors named, with the fields of their records
 * as tracefs describes them.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builtins/builtin.h"
#include "codegen/image.h"
#include "core/arena.h"
#include "core/compile.h"
#include "core/diag.h"
#include "parser/ast.h"
#include "probes/attach_event.h"
#include "probes/kinds.h"
#include "probes/point.h"
#include "runtime/session.h"
#include "sema/ctype.h"
#include "sema/sema.h"
#include "sema/target.h"

/*
 * The first word of what a program sees as its context is not the record's common
 * fields but a pointer of the kernel's own, which it may not read.
 */
enum { CONTEXT_HIDDEN = 8 };

/*
 * Longest text of a field of unknown length, if the program says nothing; more is cut
 * and marked with dots, for which there is room.
 */
enum { DEFAULT_STRLEN = 1024, MARK = 3 };

/* Whose pointers are into the calling program's memory. */
static const char user_group[] = "syscalls";

static bool parse_tracepoint(struct compile *cc, const struct attach_point *point,
			     const char *rest, struct probe_spec *out)
{
	const char *parts[POINT_PARTS];
	size_t n = point_split(cc, point, rest, parts);

	if (n == 0)
		return false;
	if (n != 2 || !*parts[0] || !*parts[1])
		return point_error(cc, point,
				   "expected tracepoint:GROUP:EVENT, found '%s'",
				   point->text);
	out->object = parts[0];
	out->symbol = parts[1];
	return true;
}

/* "struct sock", "enum skb_drop_reason": what BTF says of it, or NULL. */
static const struct type *tagged_type(struct compile *cc, const char *text, size_t len)
{
	static const struct {
		const char *word;
		enum type_tag tag;
	} tags[] = {
		{ "struct ", TAG_STRUCT },
		{ "union ", TAG_UNION },
		{ "enum ", TAG_ENUM },
	};

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		size_t word = strlen(tags[i].word);

		if (len > word && strncmp(text, tags[i].word, word) == 0)
			return ctype_find(
				cc, tags[i].tag,
				arena_strndup(cc->arena, text + word, len - word));
	}
	return NULL;
}

/* A pointer's target, as far as the language has a type for it. */
static const struct type *pointee(struct compile *cc, const char *text)
{
	static const struct {
		const char *name;
		unsigned size;
		bool is_signed;
	} known[] = {
		{ "char", 1, true },
		{ "unsigned char", 1, false },
		{ "u8", 1, false },
		{ "u16", 2, false },
		{ "u32", 4, false },
		{ "u64", 8, false },
		{ "s32", 4, true },
		{ "s64", 8, true },
		{ "short", 2, true },
		{ "int", 4, true },
		{ "unsigned int", 4, false },
		{ "size_t", 8, false },
		{ "long", 8, true },
		{ "unsigned long", 8, false },
		{ "unsigned short", 2, false },
		{ "pid_t", 4, true },
		{ "clockid_t", 4, true },
		{ "uid_t", 4, false },
		{ "gid_t", 4, false },
		{ "umode_t", 2, false },
	};
	size_t len = strcspn(text, "*"), i;
	const struct type *tagged;

	if (strncmp(text, "const ", 6) == 0) {
		text += 6;
		len -= 6;
	}
	while (len && text[len - 1] == ' ')
		len--;
	/* A pointer to a pointer. */
	if (strchr(text, '*') != strrchr(text, '*'))
		return &type_u64;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i].name) == len &&
		    memcmp(known[i].name, text, len) == 0)
			return type_int(cc->arena, known[i].size, known[i].is_signed,
					UNIT_NONE);
	tagged = tagged_type(cc, text, len);
	return tagged ? tagged : &type_void;
}

static bool is_char(const char *type, size_t len)
{
	return (len == 4 && memcmp(type, "char", 4) == 0) ||
	       (len == 10 && memcmp(type, "const char", 10) == 0);
}

static void unreadable(struct probe_field *f, const char *why)
{
	f->at.kind = LOC_UNREADABLE;
	f->at.why = why;
	f->type = &type_u64;
}

/* "unsigned long[6]": a copy of it, if its elements are numbers of a known size. */
static void describe_numbers(struct compile *cc, const struct target_field *in,
			     const char *element, struct probe_field *out)
{
	const struct type *of = pointee(cc, element);
	struct type *array;

	if (of->kind == TYPE_VOID)
		of = ctype_find(cc, TAG_NONE, element);
	if (!of || of->kind != TYPE_INT || !in->size || in->size % of->size ||
	    strncmp(in->type_text, "__", 2) == 0) {
		unreadable(out, arena_printf(cc->arena,
					     "it is an array of what memql does not "
					     "know (%s)",
					     in->type_text));
		return;
	}
	array = ARENA_NEW(cc->arena, struct type);
	*array = *type_array(cc->arena, of, in->size / of->size, SPACE_OWN);
	out->at.kind = LOC_BYTES;
	out->type = array;
}

/* "char[16]", "__data_loc char[]", "unsigned long[6]". */
static void describe_array(struct compile *cc, const struct target_field *in,
			   struct probe_field *out)
{
	static const char data_loc[] = "__data_loc ";
	const char *type = in->type_text;
	bool elsewhere = strncmp(type, data_loc, strlen(data_loc)) == 0;
	uint32_t limit = cc->plan ? cc->plan->max_strlen : 0;
	size_t len;

	if (elsewhere)
		type += strlen(data_loc);
	len = strcspn(type, "[");
	while (len && type[len - 1] == ' ')
		len--;

	if (!is_char(type, len)) {
		describe_numbers(cc, in, arena_strndup(cc->arena, type, len), out);
	} else if (elsewhere) {
		out->at.kind = LOC_DATA_LOC;
		out->type =
			type_str(cc->arena, (limit ? limit : DEFAULT_STRLEN) + MARK);
	} else {
		out->at.kind = LOC_STRING;
		out->type = type_str(cc->arena, in->size);
	}
}

/* A pointer, an enum, or else a number. */
static const struct type *word_type(struct compile *cc, const char *group,
				    const struct target_field *in, bool is_pointer)
{
	enum space space = strcmp(group, user_group) == 0 ? SPACE_USER : SPACE_KERNEL;
	const struct type *known;

	if (is_pointer && in->size == 8)
		return type_ptr(cc->arena, pointee(cc, in->type_text), space);
	known = tagged_type(cc, in->type_text, strlen(in->type_text));
	/* The kernel keeps what system calls are given in whole registers. */
	if (!known && in->size == 8) {
		known = pointee(cc, in->type_text);
		return known->kind == TYPE_INT && known->size < 8
			       ? known
			       : type_int(cc->arena, 8, in->is_signed, UNIT_NONE);
	}
	if (known && known->kind == TYPE_INT && known->size == in->size)
		return known;
	return type_int(cc->arena, in->size, in->is_signed, UNIT_NONE);
}

/* As type and location: a field of the record. */
static void describe_field(struct compile *cc, const char *group,
			   const struct target_field *in, struct probe_field *out)
{
	bool is_pointer = strchr(in->type_text, '*') != NULL;
	uint32_t size = in->size;

	out->name = arena_strdup(cc->arena, in->name);
	out->at.size = size;
	out->at.is_signed = in->is_signed && !is_pointer;
	out->at.value = in->offset;
	out->at.base = out->at.index = LOC_NO_REGISTER;

	if (in->offset < CONTEXT_HIDDEN) {
		out->hidden = true;
		unreadable(out, "the kernel hides the common fields from programs: use "
				"builtins such as tid, cpu and probe");
	} else if (strncmp(in->type_text, "__rel_loc", 9) == 0) {
		unreadable(out, "memql does not read relative locations yet");
	} else if (strchr(in->type_text, '[')) {
		describe_array(cc, in, out);
	} else if (size != 1 && size != 2 && size != 4 && size != 8) {
		unreadable(out,
			   arena_printf(cc->arena, "it is no number (%s, %u bytes)",
					in->type_text, size));
	} else if (in->offset % size) {
		unreadable(out, "it is not aligned in the record");
	} else {
		out->at.kind = LOC_CONTEXT;
		out->type = word_type(cc, group, in, is_pointer);
		if (out->type->kind == TYPE_INT) {
			out->at.size = out->type->size;
			out->at.is_signed = out->type->is_signed;
		}
	}
}

struct fields {
	struct compile *cc;
	const char *group;
	struct probe_field *items;
	size_t n, cap;
};

static int add_field(const struct target_field *in, void *arg)
{
	struct fields *f = arg;
	struct probe_field out = { 0 };

	describe_field(f->cc, f->group, in, &out);
	ARENA_PUSH(f->cc->arena, f, out);
	return 0;
}

struct search {
	struct compile *cc;
	probe_match_fn *match;
	void *arg;
	const char **what;
};

static int found_event(const char *group, const char *event, void *arg)
{
	struct search *s = arg;
	const struct target *t = s->cc->target;
	struct fields f = { .cc = s->cc, .group = group };
	struct probe_site site = {
		.name = arena_printf(s->cc->arena, "tracepoint:%s:%s", group, event),
		.group = arena_strdup(s->cc->arena, group),
		.event = arena_strdup(s->cc->arena, event),
		.of_others = point_of_others(event),
		.awake = point_of_awake(group, event),
	};
	struct probe_layout layout;
	int err = t->ops->tracepoint_fields(t, group, event, add_field, &f);

	/* A module may be unloaded in between. */
	if (err == -ENOENT)
		return 0;
	if (err) {
		*s->what = arena_printf(s->cc->arena, "the format of %s", site.name);
		return err;
	}
	layout = (struct probe_layout){ .fields = f.items, .n = f.n };
	return s->match(&site, &layout, s->arg);
}

static int expand_tracepoint(struct compile *cc, const struct probe_spec *pattern,
			     probe_match_fn *match, void *arg, const char **what)
{
	const struct target *t = cc->target;
	struct search s = { .cc = cc, .match = match, .arg = arg, .what = what };

	*what = "tracefs, which lists the tracepoints";
	return t->ops->tracepoints(t, pattern->object, pattern->symbol, found_event,
				   &s);
}

static int guess_event(const char *group, const char *event, void *arg)
{
	struct point_guess *g = arg;
	char name[256];

	snprintf(name, sizeof(name), "%s:%s", group, event);
	point_guess(g, name);
	return 0;
}

static int stop(const char *group, const char *event, void *arg)
{
	(void)group, (void)event, (void)arg;
	return 1;
}

static void explain_tracepoint(struct compile *cc, const struct probe_spec *pattern)
{
	const struct target *t = cc->target;
	struct point_guess g = { .cc = cc };
	int err;

	g.near.word =
		arena_printf(cc->arena, "%s:%s", pattern->object, pattern->symbol);
	err = t->ops->tracepoints(t, "*", "*", guess_event, &g);
	if (err == -ENOENT)
		diag_hint(cc,
			  "tracefs, which lists the tracepoints, is not mounted: mount "
			  "-t tracefs tracefs /sys/kernel/tracing");
	else if (err == 0 && g.near.best && !glob_is_pattern(g.near.word))
		diag_hint(cc, "did you mean 'tracepoint:%s'?", g.near.best);
	else if (t->ops->tracepoints(t, pattern->object, "*", stop, NULL) == 0)
		diag_hint(cc, "this kernel has no group of tracepoints called '%s'",
			  pattern->object);
}

/* Not by libbpf: it looks for the event's number only where tracefs is commonly mounted. */
static int attach_site(struct session *s, struct bpf_program *prog,
		       const struct probe_site *site)
{
	int id = session_tracepoint_id(site->group, site->event);
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = (uint64_t)id,
	};

	return id < 0 ? id : attach_event(s, site, prog, &attr, -1, 0);
}

static int attach_tracepoint(struct session *s, const struct image_program *p,
			     struct bpf_program *prog, const struct probe_site **failed)
{
	for (size_t i = 0; i < p->nsites; i++) {
		int err = attach_site(s, prog, &p->sites[i]);

		if (err) {
			*failed = &p->sites[i];
			return err;
		}
	}
	return 0;
}

static const struct builtin tracepoint_vars[] = {
	{
		.name = "args",
		.kind = BUILTIN_VALUE,
		.flags = BUILTIN_PER_SITE,
		.returns = { .kind = TYPE_ARGS },
		.summary = "the fields of the tracepoint's record",
		.doc = "`args.NAME` is a field by its name; `memql -lv tracepoint:...` "
		       "lists them with their types. Arrays of char are strings; "
		       "pointers in the group syscalls are into the calling program's "
		       "memory: read text there with str().",
		.example =
			"tracepoint:sched:sched_switch { @[args.prev_pid] = count(); }",
	},
	{ 0 },
};

const struct probe_kind probe_tracepoint = {
	.name = "tracepoint",
	.alias = "t",
	.syntax = "tracepoint:GROUP:EVENT",
	.summary = "a tracepoint of the kernel",
	.doc = "Events that the kernel's authors named: they stay the same for years. "
	       "GROUP and EVENT may hold * and ?. The fields of the event's record are "
	       "`args.NAME`.",
	.example = "tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }",
	.flags = PROBE_SYSTEM_WIDE,
	.all = "*:*",
	.section = "tracepoint",
	.event_ns = 100,
	.c_section = "tp",
	.c_group = true,
	.vars = tracepoint_vars,
	.siblings = { &probe_rawtracepoint },
	.parse = parse_tracepoint,
	.expand = expand_tracepoint,
	.explain = explain_tracepoint,
	.attach = attach_tracepoint,
};
