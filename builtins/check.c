/*
 * What a script asks or demands of itself when it is compiled: types of expressions, its
 * own conditions.
 */
#include <errno.h>
#include <string.h>

#include "builtins/builtin.h"
#include "builtins/format.h"
#include "codegen/emit.h"
#include "core/arena.h"
#include "runtime/sink.h"
#include "sema/sema.h"
#include "sema/target.h"

/* is_str(x), is_ptr(x), ...: numbers as soon as the type is known. */

static bool answer(struct sema *s, struct node *call, bool yes)
{
	sema_become_int(s, call, yes);
	call->integer.is_bool = true;
	call->integer.of_type = true;
	call->type = &type_bool;
	return true;
}

static bool check_is_str(struct sema *s, struct node *call)
{
	return answer(s, call, call_arg(call, 0)->type->kind == TYPE_STR);
}

static bool check_is_ptr(struct sema *s, struct node *call)
{
	return answer(s, call, call_arg(call, 0)->type->kind == TYPE_PTR);
}

static bool check_is_array(struct sema *s, struct node *call)
{
	return answer(s, call, call_arg(call, 0)->type->kind == TYPE_ARRAY);
}

static bool check_is_integer(struct sema *s, struct node *call)
{
	const struct type *t = call_arg(call, 0)->type;

	return answer(s, call, t->kind == TYPE_INT && !t->is_bool);
}

static bool check_is_unsigned(struct sema *s, struct node *call)
{
	const struct type *t = call_arg(call, 0)->type;

	/* A place may turn out to hold negative numbers, too, until the last pass. */
	if (!s->report)
		return true;
	return answer(s, call, t->kind == TYPE_INT && !t->is_bool && !t->is_signed);
}

static bool check_is_literal(struct sema *s, struct node *call)
{
	enum node_kind kind = call_arg(call, 0)->kind;

	return answer(s, call, kind == NODE_INT || kind == NODE_STR);
}

/* kfunc_exist(name), kfunc_allowed(name) */

static int ignore_param(const struct target_param *p, void *arg)
{
	(void)p, (void)arg;
	return 0;
}

static bool check_kfunc_exist(struct sema *s, struct node *call)
{
	const char *name = constant_str(s, call_arg(call, 0));
	const struct target *t = s->cc->target;
	target_type_id returns;

	if (!name)
		return true; /* the signature says so */
	return answer(s, call,
		      t->ops->function_params(t, "vmlinux", name, ignore_param, NULL,
					      &returns) == 0);
}

static bool check_kfunc_allowed(struct sema *s, struct node *call)
{
	return answer(s, call, false);
}

/* static_assert(condition, message), fail(format, ...) */

static bool check_static_assert(struct sema *s, struct node *call)
{
	struct node *condition = call_arg(call, 0);
	int64_t n;

	if (!s->report || s->unreached)
		return true;
	if (!constant_int(condition, &n))
		return sema_error(s, DIAG_literal_needed, condition->span,
				  "what static_assert() checks must be known when the "
				  "program is compiled");
	return n || sema_error(s, DIAG_script_fails, call->span, "%s",
			       constant_str(s, call_arg(call, 1)));
}

/* The value of a literal. */
static bool literal_datum(struct sema *s, struct node *n, struct datum *out)
{
	int64_t value;

	*out = (struct datum){ .type = n->type };
	if (n->kind == NODE_STR) {
		out->s = n->string.bytes;
		out->len = n->string.len;
		return true;
	}
	if (constant_int(n, &value)) {
		out->n = (uint64_t)value;
		return true;
	}
	return sema_error(
		s, DIAG_literal_needed, n->span,
		"what fail() shows must be known when the program is compiled");
}

static bool check_fail(struct sema *s, struct node *call)
{
	struct node *format = call_arg(call, 0);
	size_t n = node_count(format->next), i = 0;
	struct datum *args = ARENA_ARRAY(s->cc->arena, struct datum, n);
	struct text text = { 0 };

	if (!format_check(s, call, 0))
		return false;
	if (!s->report || s->unreached)
		return true;
	for (struct node *arg = format->next; arg; arg = arg->next)
		if (!literal_datum(s, arg, &args[i++]))
			return false;
	format_render(&text, NULL, constant_str(s, format), args, n);
	sema_error(s, DIAG_script_fails, call->span, "%s",
		   text.bytes ? text.bytes : "");
	text_free(&text);
	return false;
}

/* What was demanded holds. */
static struct value emit_nothing(struct emit *e, const struct node *call)
{
	(void)call;
	return emit_int(e, 0);
}

#define TYPE_TEST(name_, check_, what_, doc_, example_)                                \
	{ .name = (name_),                                                             \
	  .kind = BUILTIN_FUNC,                                                        \
	  .flags = BUILTIN_LITERAL,                                                    \
	  .returns = { .kind = TYPE_INT,                                               \
		       .size = 1,                                                      \
		       .is_signed = true,                                              \
		       .is_bool = true },                                              \
	  .params = { { .name = "x", .type = TYPE_ANY } },                             \
	  .check = (check_),                                                           \
	  .summary = (what_),                                                          \
	  .doc = (doc_),                                                               \
	  .example = (example_) }

const struct builtin check_builtins[] = {
	TYPE_TEST("is_str", check_is_str, "whether an expression is a string",
		  "Known when the program is compiled: what an if or ?: leaves out because "
		  "of it may be wrong for the type.",
		  "BEGIN { printf(\"%d\\n\", is_str(comm) ? strlen(comm) : 0); }"),
	TYPE_TEST("is_ptr", check_is_ptr, "whether an expression is a pointer",
		  "As is_str().", "BEGIN { printf(\"%d\\n\", is_ptr(curtask)); }"),
	TYPE_TEST("is_array", check_is_array, "whether an expression is an array",
		  "As is_str().", "BEGIN { printf(\"%d\\n\", is_array(pton(\"::1\"))); }"),
	TYPE_TEST("is_integer", check_is_integer, "whether an expression is a number",
		  "Neither a bool nor a pointer. As is_str().",
		  "BEGIN { printf(\"%d\\n\", is_integer(pid)); }"),
	TYPE_TEST("is_unsigned_integer", check_is_unsigned,
		  "whether an expression is a number without a sign", "As is_str().",
		  "BEGIN { printf(\"%d\\n\", is_unsigned_integer(pid)); }"),
	TYPE_TEST("is_literal", check_is_literal,
		  "whether an expression is written as a number or string",
		  "Also if it was one of the script's parameters.",
		  "BEGIN { printf(\"%d\\n\", is_literal(5)); }"),
	{
		.name = "kfunc_exist",
		.kind = BUILTIN_FUNC,
		.flags = BUILTIN_LITERAL,
		.returns = { .kind = TYPE_INT, .size = 1, .is_signed = true, .is_bool = true },
		.params = {
			{ .name = "name", .type = TYPE_STR, .flags = PARAM_LITERAL },
		},
		.check = check_kfunc_exist,
		.summary = "whether the kernel has a function of this name",
		.doc = "As its BTF says.",
		.example = "BEGIN { printf(\"%d\\n\", kfunc_exist(\"bpf_map_sum_elem_count\")); }",
	},
	{
		.name = "kfunc_allowed",
		.kind = BUILTIN_FUNC,
		.flags = BUILTIN_LITERAL,
		.returns = { .kind = TYPE_INT, .size = 1, .is_signed = true, .is_bool = true },
		.params = {
			{ .name = "name", .type = TYPE_STR, .flags = PARAM_LITERAL },
		},
		.check = check_kfunc_allowed,
		.summary = "whether the program may call a function of the kernel",
		.doc = "memql's programs call none: it is always false.",
		.example = "BEGIN { printf(\"%d\\n\", kfunc_allowed(\"bpf_task_from_pid\")); }",
	},
	{
		.name = "static_assert",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_VOID },
		.params = {
			{ .name = "condition", .type = TYPE_INT },
			{ .name = "message", .type = TYPE_STR, .flags = PARAM_LITERAL },
		},
		.check = check_static_assert,
		.summary = "an error when the program is compiled, unless a condition holds",
		.doc = "The condition is a constant: of sizes, types, the script's options. "
		       "Nothing is checked in what an if leaves out.",
		.example = "BEGIN { static_assert(sizeof(struct task_struct) > 64, "
			   "\"a strange kernel\"); }",
		.emit = emit_nothing,
	},
	{
		.name = "fail",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_VOID },
		.params = {
			{ .name = "format", .type = TYPE_STR, .flags = PARAM_LITERAL },
			{ .name = "value", .type = TYPE_ANY, .flags = PARAM_REST },
		},
		.check = check_fail,
		.summary = "an error when the program is compiled",
		.doc = "Where an if with a constant condition does not leave it out: to check "
		       "the script's parameters and options. The text is made as by printf(), "
		       "of literals.",
		.example = "BEGIN { if (getopt(\"n\", 1) < 1) { fail(\"--n is %d\", "
			   "getopt(\"n\", 1)); } }",
		.emit = emit_nothing,
	},
	{ 0 },
};
