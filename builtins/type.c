/* Sizes and places in C's types. */
#include <string.h>

#include "builtins/builtin.h"
#include "codegen/emit.h"
#include "core/arena.h"
#include "sema/ctype.h"
#include "sema/sema.h"

/*
 * The type of an expression may grow while types are inferred, so the call becomes a
 * number when it is known: in the last pass.
 */
static void become_constant(struct sema *s, struct node *call, uint64_t value)
{
	if (!s->report)
		return;
	call->kind = NODE_INT;
	memset(&call->integer, 0, sizeof(call->integer));
	call->integer.value = value;
}

/* sizeof(type), sizeof(expression) */

static bool check_sizeof(struct sema *s, struct node *call)
{
	const struct node *of = call_arg(call, 0);
	const struct part_info *part = of->kind == NODE_FIELD ? of->field.data : NULL;
	const struct type *t = of->type;

	/* An array of char, which is read as text, with its own size. */
	if (part && of->field.base->type->kind != TYPE_ARGS)
		t = part->type;
	if (t->kind == TYPE_STRUCT && !ctype_complete(s->cc, t->record))
		return sema_error(s, DIAG_unknown_type, call->span,
				  "the size of %s is not known here",
				  type_text(s->cc->arena, t));
	become_constant(s, call, type_c_size(t));
	return true;
}

/* offsetof(type, member.member) */

/* Moves *t to the member that the words name, and adds where it is, in bits. */
static bool walk(struct sema *s, const struct node *path, const struct type **t,
		 uint64_t *bit_offset)
{
	const char *name = path->kind == NODE_FIELD  ? path->field.name
			   : path->kind == NODE_CALL ? path->call.name
			   : path->kind == NODE_STR  ? path->string.bytes
						     : NULL;
	const struct type_member *m = NULL;
	uint64_t inner = 0;

	if (path->kind == NODE_FIELD && !walk(s, path->field.base, t, bit_offset))
		return false;
	if (!name)
		return sema_error(s, DIAG_unknown_field, path->span,
				  "the name of a member is needed here");
	if ((*t)->kind == TYPE_STRUCT)
		m = ctype_member(s->cc, (*t)->record, name, &inner);
	if (!m)
		return sema_error(s, DIAG_unknown_field, path->span,
				  "%s has no member '%s'", type_text(s->cc->arena, *t),
				  name);
	*t = m->type;
	*bit_offset += inner;
	return true;
}

static bool find_offset(struct sema *s, const struct node *of, const struct node *path,
			uint64_t *out)
{
	const struct type *t = of->type;

	if (t->kind == TYPE_PTR)
		t = t->to;
	*out = 0;
	if (!walk(s, path, &t, out))
		return false;
	if (*out % 8)
		return sema_error(s, DIAG_unknown_field, path->span,
				  "a bit field has no address");
	*out /= 8;
	return true;
}

static bool check_offsetof(struct sema *s, struct node *call)
{
	uint64_t offset;

	if (!find_offset(s, call_arg(call, 0), call_arg(call, 1), &offset))
		return false;
	become_constant(s, call, offset);
	return true;
}

/* container_of(pointer, type, member) */

static bool check_container_of(struct sema *s, struct node *call)
{
	const struct type *pointer = call_arg(call, 0)->type;
	uint64_t *offset = ARENA_NEW(s->cc->arena, uint64_t);

	if (!find_offset(s, call_arg(call, 1), call_arg(call, 2), offset))
		return false;
	call->call.data = offset;
	call->type = type_ptr(s->cc->arena, call_arg(call, 1)->type,
			      pointer->kind == TYPE_PTR ? pointer->space : SPACE_ANY);
	return true;
}

static struct value emit_container_of(struct emit *e, const struct node *call)
{
	const uint64_t *offset = call->call.data;

	return emit_op(e, OP_SUB, emit_arg(e, call, 0), emit_int(e, (int64_t)*offset),
		       false);
}

const struct builtin type_builtins[] = {
	{
		.name = "sizeof",
		.kind = BUILTIN_FUNC,
		.flags = BUILTIN_LITERAL,
		.returns = { .kind = TYPE_INT, .size = 8 },
		.params = {
			{ .name = "type", .type = TYPE_ANY,
			  .flags = PARAM_TYPE | PARAM_VALUE },
		},
		.check = check_sizeof,
		.summary = "bytes of a type, or of an expression's type",
		.doc = "As C counts: of a struct with its padding, of a pointer 8. The "
		       "expression is not computed.",
		.example = "BEGIN { printf(\"%d\\n\", sizeof(struct task_struct)); }",
	},
	{
		.name = "offsetof",
		.kind = BUILTIN_FUNC,
		.flags = BUILTIN_LITERAL,
		.returns = { .kind = TYPE_INT, .size = 8 },
		.params = {
			{ .name = "type", .type = TYPE_ANY,
			  .flags = PARAM_TYPE | PARAM_VALUE },
			{ .name = "member", .type = TYPE_ANY, .flags = PARAM_WORD },
		},
		.check = check_offsetof,
		.summary = "bytes from the start of a struct to a member",
		.doc = "The member may be in a struct within: `offsetof(struct task_struct, "
		       "se.vruntime)`. Instead of a type, an expression that has it.",
		.example = "BEGIN { printf(\"%d\\n\", offsetof(struct task_struct, comm)); }",
	},
	{
		.name = "container_of",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_PTR },
		.params = {
			{ .name = "pointer", .type = TYPE_PTR },
			{ .name = "type", .type = TYPE_ANY, .flags = PARAM_TYPE },
			{ .name = "member", .type = TYPE_ANY, .flags = PARAM_WORD },
		},
		.check = check_container_of,
		.summary = "the struct that the member at an address belongs to",
		.doc = "A pointer to the struct, from one to its member.",
		.example = "BEGIN { $t = container_of((uint64)0xffff888000001000, "
			   "struct task_struct, se);\n\tprintf(\"%p\\n\", $t); }",
		.emit = emit_container_of,
	},
	{ 0 },
};
