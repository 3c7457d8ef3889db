/*
 * A sentence for each construct of the language. What a builtin does is said by its row; what
 * an operator does by the table here.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "builtins/builtin.h"
#include "core/arena.h"
#include "core/compile.h"
#include "explain/explain.h"
#include "parser/ast.h"
#include "probes/probe.h"
#include "sema/plan.h"
#include "sema/type.h"

static const char *const op_words[] = {
	[OP_ADD] = "the sum of both sides",
	[OP_SUB] = "the left side less the right one",
	[OP_MUL] = "the product of both sides",
	[OP_DIV] = "the left side divided by the right one",
	[OP_MOD] = "what is left when the left side is divided by the right one",
	[OP_AND] = "the bits that are set in both sides",
	[OP_OR] = "the bits that are set in either side",
	[OP_XOR] = "the bits that differ",
	[OP_SHL] = "the left side's bits, moved up",
	[OP_SHR] = "the left side's bits, moved down",
	[OP_EQ] = "1 if both sides are equal, else 0",
	[OP_NE] = "1 if the sides differ, else 0",
	[OP_LT] = "1 if the left side is less",
	[OP_LE] = "1 if the left side is less or equal",
	[OP_GT] = "1 if the left side is greater",
	[OP_GE] = "1 if the left side is greater or equal",
	[OP_LAND] =
		"1 if both sides hold; the right one is looked at only if the left does",
	[OP_LOR] =
		"1 if either side holds; the right one is looked at only if the left "
		"does not",
	[OP_NEG] = "the number with its sign changed",
	[OP_NOT] = "1 if it is 0, else 0",
	[OP_INV] = "all bits changed",
};

static const char *space_words(enum space space)
{
	switch (space) {
	case SPACE_ANY:
		return "memory of the kernel or of a program";
	case SPACE_KERNEL:
		return "the kernel's memory";
	case SPACE_USER:
		return "the traced program's memory";
	case SPACE_OWN:
		return "the probe's own memory";
	}
	return "";
}

static const char *place_of_argument(struct arena *a, const struct probe_kind *kind,
				     const struct probe_field *f)
{
	const struct location *at = &f->at;

	switch (at->kind) {
	case LOC_CONSTANT:
		return "a constant of the place";
	case LOC_CONTEXT:
	case LOC_BYTES:
	case LOC_STRING:
		return arena_printf(a, "%u bytes at offset %" PRId64 " of the context",
				    at->size, at->value);
	case LOC_DATA_LOC:
		return arena_printf(
			a,
			"text in the record, whose place is at offset %" PRId64
			" of the context",
			at->value);
	case LOC_REGISTER:
		return kind->flags & PROBE_REGISTERS
			       ? "in a register when the place was reached: the context "
				 "has a copy"
			       : "a word of the context";
	case LOC_MEMORY:
		return "in memory that a register points to";
	case LOC_ARGUMENT:
		return arena_printf(a, "argument number %" PRId64 " in the context",
				    at->value);
	case LOC_UNREADABLE:
		return "it cannot be read";
	}
	return "";
}

static const char *map_words(struct arena *a, const struct node *n)
{
	const char *name = n->map.name;

	return n->map.keys ? arena_printf(a, "the entry of %s for this key", name)
			   : name;
}

static const char *field_words(struct compile *cc, const struct probe_kind *kind,
			       const struct node *n)
{
	struct arena *a = cc->arena;
	const struct type *base = n->field.base->type;
	const struct part_info *part = n->field.data;

	if (base && base->kind == TYPE_ARGS)
		return arena_printf(a, "the probe's argument %s: %s", n->field.name,
				    place_of_argument(a, kind, n->field.data));
	if (!base || !part)
		return arena_printf(a, "the part %s", n->field.name);
	if (base->kind == TYPE_TUPLE)
		return arena_printf(a, "the member %s of that", n->field.name);
	return arena_printf(a, "the member %s, at offset %" PRIu64 ", in %s",
			    n->field.name, part->bit_offset / 8,
			    space_words(base->space));
}

static bool is_literal(const struct compile *cc, const struct node *n)
{
	const char *text = source_text(cc->source, n->span);

	return (*text >= '0' && *text <= '9') || *text == '-';
}

static const char *call_words(struct arena *a, const struct node *n)
{
	const struct builtin *b = n->call.builtin;

	switch (b->kind) {
	case BUILTIN_VALUE:
		return b->summary;
	case BUILTIN_FUNC:
		return b->summary;
	case BUILTIN_AGG:
		return arena_printf(a, "%s", b->summary);
	case BUILTIN_ACTION:
		return arena_printf(
			a,
			"%s: the kernel computes the arguments and sends them, "
			"user space does it",
			b->summary);
	}
	return "";
}

static const char *assign_words(struct compile *cc, const struct node *n)
{
	struct arena *a = cc->arena;
	const struct node *place = n->assign.place, *value = n->assign.value;
	const struct node *root = node_place_root((struct node *)place);
	const char *done = n->assign.compound ? "is changed in place"
					      : "is set to what is on the right";

	if (value->kind == NODE_CALL && value->call.builtin &&
	    value->call.builtin->kind == BUILTIN_AGG)
		return arena_printf(a, "%s takes one more value: %s",
				    map_words(a, root), value->call.builtin->summary);
	if (root->kind != NODE_MAP)
		return arena_printf(a, "the variable %s %s", root->var.name, done);
	if (place->kind == NODE_FIELD)
		return arena_printf(a, "the member %s of %s %s", place->field.name,
				    map_words(a, root), done);
	return arena_printf(a, "%s %s", map_words(a, root), done);
}

static const char *step_words(struct arena *a, const struct node *n)
{
	const struct node *root = node_place_root((struct node *)n->step.place);

	if (root->kind != NODE_MAP)
		return arena_printf(a, "one %s in the variable %s",
				    n->step.decrement ? "less" : "more",
				    root->var.name);
	return arena_printf(a, "%s: one %s", map_words(a, root),
			    n->step.decrement ? "less" : "more");
}

static const char *binary_words(struct arena *a, const struct node *n)
{
	const char *words = op_words[n->binary.op];

	if (n->binary.left->kind != NODE_STR && n->binary.right->kind != NODE_STR)
		return words;
	return arena_printf(
		a, "%s; up to eight letters are compared at once, as a number", words);
}

static const char *var_words(struct arena *a, const struct node *n)
{
	return arena_printf(a, "the variable %s of this event", n->var.name);
}

/*
 * What is written where something else was put in its place: a span's start() became
 * statements, an event's args.duration a difference. NULL: the node is what is written.
 */
static const char *written_words(struct compile *cc, const struct node *n)
{
	static const char args[] = "args.";
	const char *text = source_text(cc->source, n->span);
	const char *name =
		strncmp(text, args, strlen(args)) == 0 ? text + strlen(args) : text;
	size_t len = strspn(name, "_abcdefghijklmnopqrstuvwxyz0123456789");
	const struct builtin *b;

	if (n->kind == NODE_BLOCK && name[len] == '(') {
		b = builtin_lookup(NULL, arena_strndup(cc->arena, name, len));
		return b ? b->summary : NULL;
	}
	if (name != text && n->span.end - n->span.begin == len + strlen(args) &&
	    !(n->kind == NODE_FIELD && n->field.base->type &&
	      n->field.base->type->kind == TYPE_ARGS))
		return arena_printf(cc->arena, "%.*s of this event", (int)len, name);
	return NULL;
}

const char *meaning_of(struct compile *cc, const struct probe_kind *kind,
		       const struct node *n)
{
	struct arena *a = cc->arena;
	const char *written = written_words(cc, n);

	if (written)
		return written;
	switch (n->kind) {
	case NODE_INT:
		return is_literal(cc, n)
			       ? "a number"
			       : arena_printf(a,
					      "known when the program was compiled: "
					      "%" PRId64,
					      (int64_t)n->integer.value);
	case NODE_STR:
		return "text, in read-only memory beside the program";
	case NODE_PARAM:
		return "a word of the command line";
	case NODE_CALL:
		return call_words(a, n);
	case NODE_MAP:
		return arena_printf(a, "%s; 0 or \"\" if there is none",
				    map_words(a, n));
	case NODE_VAR:
		return var_words(a, n);
	case NODE_FIELD:
		return field_words(cc, kind, n);
	case NODE_INDEX:
		return "an element, found by its number";
	case NODE_TUPLE:
		return "several values side by side, in the probe's own memory";
	case NODE_TYPE:
		return "a type";
	case NODE_CAST:
		return arena_printf(a, "the same, taken as %s", type_text(a, n->type));
	case NODE_DEREF:
		return arena_printf(a, "what the address points to, in %s",
				    space_words(n->unary.operand->type
							? n->unary.operand->type->space
							: SPACE_ANY));
	case NODE_ADDRESS:
		return "the address of it";
	case NODE_UNARY:
		return op_words[n->unary.op];
	case NODE_BINARY:
		return binary_words(a, n);
	case NODE_COND:
		return "one of two values, as the condition says";
	case NODE_ASSIGN:
		return assign_words(cc, n);
	case NODE_STEP:
		return step_words(a, n);
	case NODE_LET:
		return arena_printf(a, "a new variable: %s", n->let.var->var.name);
	case NODE_IF:
		return "what follows is done if the condition is not 0";
	case NODE_BLOCK:
		return "one statement after the other";
	case NODE_EXPR:
		return n->expr.value ? meaning_of(cc, kind, n->expr.value) : "";
	case NODE_FOR_RANGE:
		return arena_printf(a, "a turn for each number, in %s",
				    n->loop.var->var.name);
	case NODE_FOR_MAP:
		return arena_printf(
			a,
			"a turn for each entry of the map; %s is its key and "
			"value",
			n->loop.var->var.name);
	case NODE_WHILE:
		return "a turn for as long as the condition is not 0";
	case NODE_UNROLL:
		return "built so many times, one after the other: no loop for the kernel";
	case NODE_BREAK:
		return "the loop ends";
	case NODE_CONTINUE:
		return "this turn of the loop ends";
	case NODE_RETURN:
		return "the program ends for this event";
	}
	return "";
}
