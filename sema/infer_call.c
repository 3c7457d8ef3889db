/* Calls against the signatures in their rows. */
#include <inttypes.h>

#include "core/arena.h"
#include "probes/probe.h"
#include "sema/infer.h"

/* What a parameter takes, for messages. */
static const char *wanted(enum type_kind kind)
{
	switch (kind) {
	case TYPE_INT:
		return "a number";
	case TYPE_STR:
		return "a string";
	case TYPE_PTR:
		return "an address";
	case TYPE_NAME:
		return "a name";
	case TYPE_TIME:
		return "a time";
	case TYPE_ARGS:
		return "args";
	case TYPE_STRUCT:
		return "a struct";
	case TYPE_ARRAY:
		return "an array";
	case TYPE_TUPLE:
		return "a tuple";
	case TYPE_SHOWN:
	case TYPE_VOID:
	case TYPE_ANY:
		break;
	}
	return "a value";
}

static bool fits(enum type_kind want, const struct type *t)
{
	switch (want) {
	case TYPE_VOID:
	case TYPE_ANY:
		return true;
	case TYPE_INT:
	case TYPE_PTR:
		return type_is_number(t);
	case TYPE_STR:
	case TYPE_STRUCT:
	case TYPE_ARRAY:
	case TYPE_TUPLE:
	case TYPE_SHOWN:
	case TYPE_NAME:
	case TYPE_TIME:
	case TYPE_ARGS:
		return t->kind == want;
	}
	return false;
}

static bool wrong_type(struct sema *s, const struct node *call, const struct param *p,
		       const struct node *arg)
{
	const char *name = call->call.builtin->name;

	if (p->type == TYPE_INT && infer_bad_parameter(s, arg))
		return false;
	return sema_error(s, DIAG_type_mismatch, arg->span,
			  "%s() needs %s as its '%s', found %s", name, wanted(p->type),
			  p->name, infer_text(s, arg->type));
}

static bool check_literal(struct sema *s, const struct node *call,
			  const struct param *p, struct node *arg)
{
	const char *name = call->call.builtin->name;
	int64_t n;

	if (p->type == TYPE_STR || (p->type == TYPE_ANY && arg->kind == NODE_STR)) {
		if (constant_str(s, arg))
			return true;
		return sema_error(s, DIAG_literal_needed, arg->span,
				  "the '%s' of %s() must be a literal string", p->name,
				  name);
	}
	if (!constant_int(arg, &n))
		return sema_error(s, DIAG_literal_needed, arg->span,
				  "the '%s' of %s() must be a constant", p->name, name);
	if ((p->min || p->max) && (n < p->min || n > p->max))
		return sema_error(s, DIAG_literal_range, arg->span,
				  "the '%s' of %s() must be from %" PRId64
				  " to %" PRId64 ", not %" PRId64,
				  p->name, name, p->min, p->max, n);
	return true;
}

/* A map by name: whole, or one entry. */
static bool check_map(struct sema *s, const struct param *p, struct node *arg)
{
	struct map_info *m = arg->map.info;

	m->read = true;
	arg->type = NULL;
	if (!m->written) {
		infer_unknown_map(s, arg);
		return false;
	}
	if (arg->map.has_keys || !(p->flags & PARAM_MAP))
		return infer_map_keys(s, arg);
	return true;
}

static bool map_needed(struct sema *s, const struct node *call, const struct param *p,
		       const struct node *arg)
{
	const char *name = call->call.builtin->name;

	if (arg->kind == NODE_MAP)
		sema_error(s, DIAG_map_needed, arg->span,
			   "%s() takes a whole map, not an entry", name);
	else
		sema_error(s, DIAG_map_needed, arg->span, "%s() needs %s, found %s",
			   name, p->flags & PARAM_MAP ? "a map" : "an entry of a map",
			   arg->type ? infer_text(s, arg->type) : "something else");
	if (s->report && arg->kind == NODE_MAP)
		diag_hint(s->cc, "write %s(%s)", name, arg->map.name);
	return false;
}

bool sema_set(struct sema *s, struct node *place, const struct type *t)
{
	infer_var_value(s, place, t, place->span);
	return place->type != NULL;
}

static bool check_arg(struct sema *s, const struct node *call, const struct param *p,
		      struct node *arg)
{
	bool takes_map = p->flags & (PARAM_MAP | PARAM_ENTRY);

	if (p->flags & PARAM_WORD && p->type == TYPE_ANY && arg->kind != NODE_STR)
		return true; /* a path of words: the row reads it */
	if (p->flags & PARAM_TYPE && arg->kind == NODE_TYPE)
		return (arg->type = infer_written(s, &arg->written, arg->span));
	if (p->flags & PARAM_PLACE && arg->kind == NODE_VAR && !arg->next) {
		arg->type = arg->var.info->type; /* or nothing is there yet */
		return true;
	}
	if (param_takes_map(p, arg))
		return check_map(s, p, arg);
	if (takes_map && arg->kind == NODE_MAP && !(p->flags & PARAM_VALUE))
		return map_needed(s, call, p, arg);
	if (p->flags & PARAM_LITERAL && p->type == TYPE_STR)
		constant_str(s, arg); /* $1 may look like a number */
	if (!infer_value(s, arg))
		return false;
	if (takes_map && !(p->flags & PARAM_VALUE))
		return map_needed(s, call, p, arg);
	if (p->flags & PARAM_TYPE && !(p->flags & PARAM_VALUE))
		return sema_error(s, DIAG_type_mismatch, arg->span,
				  "%s() needs a type as its '%s'",
				  call->call.builtin->name, p->name);
	if (!fits(p->type, arg->type))
		return wrong_type(s, call, p, arg);
	return !(p->flags & PARAM_LITERAL) || check_literal(s, call, p, arg);
}

/*
 * The row's own check runs when everything before it is right: it may rely on the
 * arguments' number, types and literals.
 */
const struct type *infer_call(struct sema *s, struct node *n)
{
	const struct builtin *b = n->call.builtin;
	const struct param *p = b->params;
	struct node *arg = n->call.args;
	bool ok = true;

	n->type = NULL;
	if (!call_check_arity(s, n))
		return NULL;
	for (; arg && p->name; arg = arg->next) {
		ok = check_arg(s, n, p, arg) && ok;
		if (!(p->flags & PARAM_REST))
			p++;
	}
	if (!ok)
		return NULL;
	n->type = &b->returns;
	if (b->check && !b->check(s, n))
		n->type = NULL;
	return n->type;
}
