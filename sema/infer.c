/*
 * Types of everything. A map's or variable's type is the join of all that is assigned to
 * it anywhere, so the passes over all programs repeat until nothing grows; joins only
 * ever go up a lattice of finite height. Errors are recorded in one more pass, when every
 * type is what it will be.
 */
#include "sema/infer.h"

#include <string.h>

#include "core/arena.h"
#include "sema/resolve.h"

enum {
	/*
	 * A row's check could make a type that depends on itself grow for ever. A chain
	 * of assignments against the order of the text needs a pass for each.
	 */
	MAX_PASSES = 2000,
	UNROLL_MAX = 100,
	UNROLLED_MAX = 10000, /* turns of blocks in each other */
	/*
	 * Each loop's function is called by the one around it; the kernel allows 8 in
	 * all, of which the program is one and two may look through text.
	 */
	LOOP_DEPTH_MAX = 5,
};

const struct type type_constant = { .kind = TYPE_INT, .size = 8, .is_signed = true };

const char *infer_text(struct sema *s, const struct type *t)
{
	return type_text(s->cc->arena, t);
}

/* What a place holds: a copy of a struct; of C's char a number. */
static const struct type *stored(struct sema *s, const struct type *t)
{
	struct type *number;

	if (t->kind != TYPE_INT)
		return type_owned(s->cc->arena, t);
	if (!t->is_char)
		return t;
	number = ARENA_NEW(s->cc->arena, struct type);
	*number = *t;
	number->is_char = false;
	return number;
}

/* Equal also in which of their numbers have been constants so far. */
static bool same_type(const struct type *x, const struct type *y)
{
	if (x == y)
		return true;
	if (!type_equal(x, y) || (x == &type_constant) != (y == &type_constant))
		return false;
	for (size_t i = 0; x->kind == TYPE_TUPLE && i < x->record->n; i++)
		if (!same_type(x->record->members[i].type, y->record->members[i].type))
			return false;
	return true;
}

static bool same_name(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static const struct type *join_tuples(struct sema *s, const struct type *x,
				      const struct type *y)
{
	const struct record_type *p = x->record, *q = y->record;
	const struct type **items =
		ARENA_ARRAY(s->cc->arena, const struct type *, p->n);
	const char **names = ARENA_ARRAY(s->cc->arena, const char *, p->n);

	if (p->n != q->n)
		return NULL;
	for (size_t i = 0; i < p->n; i++) {
		names[i] = p->members[i].name;
		items[i] = infer_join_types(s, p->members[i].type, q->members[i].type);
		if (!items[i] || !same_name(names[i], q->members[i].name))
			return NULL;
	}
	return type_tuple(s->cc->arena, items, names, p->n);
}

const struct type *infer_join_types(struct sema *s, const struct type *x,
				    const struct type *y)
{
	const struct type *to;

	if (x->to_variable && y->to_variable) {
		to = infer_join_types(s, x->to, y->to);
		return to ? type_ptr_to_variable(s->cc->arena, to) : NULL;
	}
	if (same_type(x, y))
		return x;
	if (x == &type_constant && type_is_number(y))
		return y->is_bool ? x : y;
	if (y == &type_constant && type_is_number(x))
		return x->is_bool ? y : x;
	if (x->kind == TYPE_TUPLE && y->kind == TYPE_TUPLE)
		return join_tuples(s, x, y);
	return type_join(s->cc->arena, x, y);
}

bool infer_join(struct sema *s, const struct type **slot, const struct type *t)
{
	const struct type *old = *slot, *joined;

	joined = old ? infer_join_types(s, old, t) : t;
	if (!joined)
		return false;
	joined = stored(s, joined);
	if (!old || !same_type(old, joined))
		s->changed = true;
	else
		joined = old;
	*slot = joined;
	return true;
}

void infer_var_value(struct sema *s, struct node *var, const struct type *t,
		     struct span at)
{
	struct var_info *v = var->var.info;

	if (t && !infer_join(s, &v->type, t)) {
		sema_error(s, DIAG_type_mismatch, at, "'%s' holds %s, this is %s",
			   v->name, infer_text(s, v->type), infer_text(s, t));
		if (s->report)
			diag_note(s->cc, v->first, "its first value");
	}
	var->type = v->type;
}

static void look_for_type_test(struct node *n, void *arg)
{
	bool *found = arg;

	*found |= n->kind == NODE_INT && n->integer.of_type;
	node_each_child(n, look_for_type_test, arg);
}

struct infer_reach infer_enter(struct sema *s, struct node *cond, bool is_then)
{
	struct infer_reach outer = { s->unreached, s->report };
	bool of_type = false;
	int64_t value;

	if (!constant_int(cond, &value) || (value != 0) == is_then)
		return outer;
	s->unreached++;
	look_for_type_test(cond, &of_type);
	s->report = s->report && !of_type;
	return outer;
}

void infer_leave(struct sema *s, struct infer_reach outer)
{
	s->unreached = outer.unreached;
	s->report = outer.report;
}

/* Statements. */

static void infer_stmt(struct sema *s, struct node *n);

static void infer_let(struct sema *s, struct node *n)
{
	const struct type *t;

	n->type = &type_void;
	if (n->let.value) {
		t = infer_value(s, n->let.value);
		infer_var_value(s, n->let.var, t, n->let.value->span);
	} else if (type_name_given(&n->let.as)) {
		t = infer_written(s, &n->let.as, n->let.as.at);
		if (t && t->kind == TYPE_VOID)
			sema_error(s, DIAG_type_mismatch, n->let.as.at,
				   "a variable cannot be void");
	}
	n->let.var->type = n->let.var->var.info->type;
}

/* A call that does something besides having a value. */
static bool has_effect(const struct node *n)
{
	const struct builtin *b;

	if (n->kind == NODE_STEP)
		return true;
	if (n->kind != NODE_CALL)
		return false;
	b = n->call.builtin;
	if (b->kind == BUILTIN_ACTION || b->returns.kind == TYPE_VOID)
		return true;
	for (const struct param *p = b->params; p->name; p++)
		if (p->flags & (PARAM_MAP | PARAM_ENTRY))
			return true;
	return false;
}

static void infer_statement_expr(struct sema *s, struct node *n)
{
	struct node *value = n->expr.value;

	n->type = &type_void;
	infer_expr(s, value);
	if (value->type && !n->expr.discard && !has_effect(value))
		sema_error(s, DIAG_unused_value, value->span,
			   "this value is computed and dropped");
}

/* Loops. */

static void infer_bound(struct sema *s, struct node *loop, struct node *bound)
{
	const struct type *t = infer_value(s, bound);

	if (!t)
		return;
	if (t->kind == TYPE_INT)
		infer_var_value(s, loop->loop.var, t, bound->span);
	else
		sema_error(s, DIAG_type_mismatch, bound->span,
			   "a loop counts numbers, found %s", infer_text(s, t));
}

/* The variable is (key, value). */
static void infer_each(struct sema *s, struct node *n)
{
	struct node *map = n->loop.from;
	struct map_info *m = map->map.info;
	const struct type *pair[2];

	m->read = true;
	if (map->map.has_keys || (m->keys_known && !m->has_keys)) {
		sema_error(s, DIAG_map_needed, map->span,
			   "a loop goes over the entries of a map with keys");
		return;
	}
	if (!m->written) {
		sema_error(s, DIAG_unknown_map, map->span,
			   "nothing is assigned to '%s'", m->name);
		return;
	}
	pair[1] = m->agg ? infer_cell_value(s, m, map->span) : m->value;
	for (size_t i = 0; i < m->nkeys; i++)
		if (!m->keys[i])
			return;
	if (!m->keys_known || !pair[1])
		return;
	pair[0] = m->nkeys == 1 ? m->keys[0]
				: type_tuple(s->cc->arena, m->keys, NULL, m->nkeys);
	infer_var_value(s, n->loop.var, type_tuple(s->cc->arena, pair, NULL, 2),
			map->span);
}

/* Blocks in each other are as large as all of their turns. */
static unsigned infer_count(struct sema *s, const struct node *n)
{
	const struct node *cond = n->loop.cond;
	int64_t count;

	if (!constant_int(cond, &count)) {
		sema_error(s, DIAG_literal_needed, cond->span,
			   "how often a block is unrolled must be a constant");
	} else if (count < 1 || count > UNROLL_MAX) {
		sema_error(s, DIAG_literal_range, cond->span,
			   "a block is unrolled from 1 to %d times", UNROLL_MAX);
		if (s->report)
			diag_hint(s->cc, "a loop has as many turns as it needs: "
					 "for ($i : 0..1000) { ... }");
	} else if (s->unrolled * (unsigned)count > UNROLLED_MAX) {
		sema_error(s, DIAG_literal_range, cond->span,
			   "blocks in each other are unrolled at most %d times in all",
			   UNROLLED_MAX);
	} else {
		return (unsigned)count;
	}
	return 1;
}

static void infer_unroll(struct sema *s, struct node *n)
{
	unsigned around = s->unrolled;

	if (infer_value(s, n->loop.cond))
		s->unrolled *= infer_count(s, n);
	if (s->program->unrolled < s->unrolled)
		s->program->unrolled = s->unrolled;
	infer_stmt(s, n->loop.body);
	s->unrolled = around;
}

static void infer_turns(struct sema *s, struct node *n)
{
	if (++s->loops == LOOP_DEPTH_MAX + 1)
		sema_error(s, DIAG_unsupported, n->span, "loops are at most %d deep",
			   LOOP_DEPTH_MAX);
	if (n->kind == NODE_WHILE)
		infer_condition(s, n->loop.cond);
	infer_stmt(s, n->loop.body);
	s->loops--;
}

static void infer_loop(struct sema *s, struct node *n)
{
	n->type = &type_void;
	if (n->kind == NODE_FOR_RANGE) {
		infer_bound(s, n, n->loop.from);
		infer_bound(s, n, n->loop.to);
	} else if (n->kind == NODE_FOR_MAP) {
		infer_each(s, n);
	} else if (n->kind == NODE_UNROLL) {
		infer_unroll(s, n);
		return;
	}
	infer_turns(s, n);
}

static void infer_if(struct sema *s, struct node *n)
{
	struct infer_reach outer;

	infer_condition(s, n->branch.cond);
	outer = infer_enter(s, n->branch.cond, true);
	infer_stmt(s, n->branch.then);
	infer_leave(s, outer);
	if (!n->branch.otherwise)
		return;
	outer = infer_enter(s, n->branch.cond, false);
	infer_stmt(s, n->branch.otherwise);
	infer_leave(s, outer);
}

static void infer_stmt(struct sema *s, struct node *n)
{
	switch (n->kind) {
	case NODE_ASSIGN:
		infer_assign(s, n);
		break;
	case NODE_LET:
		infer_let(s, n);
		break;
	case NODE_IF:
		n->type = &type_void;
		infer_if(s, n);
		break;
	case NODE_BLOCK:
		n->type = &type_void;
		for (struct node *stmt = n->block.stmts; stmt; stmt = stmt->next)
			infer_stmt(s, stmt);
		if (n->block.value)
			infer_expr(s, n->block.value);
		break;
	case NODE_EXPR:
		infer_statement_expr(s, n);
		break;
	case NODE_FOR_RANGE:
	case NODE_FOR_MAP:
	case NODE_WHILE:
	case NODE_UNROLL:
		infer_loop(s, n);
		break;
	case NODE_RETURN:
		if (n->expr.value)
			infer_value(s, n->expr.value);
		n->type = &type_void;
		break;
	case NODE_BREAK:
	case NODE_CONTINUE:
		n->type = &type_void;
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
	case NODE_STEP:
		infer_expr(s, n);
		break;
	}
}

const struct type *infer_block_value(struct sema *s, struct node *n)
{
	for (struct node *stmt = n->block.stmts; stmt; stmt = stmt->next)
		infer_stmt(s, stmt);
	if (n->block.value)
		return infer_value(s, n->block.value);
	sema_error(s, DIAG_not_a_value, n->span, "this block has no value");
	if (s->report)
		diag_hint(s->cc, "a block's value is its last expression, without ';'");
	return NULL;
}

/* Spans have the types of what they are declared with, whoever opens them. */
static void infer_spans(struct sema *s)
{
	for (struct map_def *def = s->cc->ast->maps; def; def = def->next) {
		struct map_info *m;
		const struct type *t;

		if (!map_def_is_span(def))
			continue;
		m = map_by_name(s->cc, def->name, def->span);
		m->value_at = def->span;
		t = infer_value(s, def->args);
		if (t)
			infer_join(s, &m->value, t);
	}
}

static void infer_programs(struct sema *s)
{
	const struct plan *plan = s->cc->plan;

	s->changed = false;
	infer_spans(s);
	for (size_t i = 0; i < plan->programs.n; i++) {
		s->program = plan->programs.items[i];
		if (s->program->predicate)
			infer_condition(s, s->program->predicate);
		infer_stmt(s, s->program->body);
	}
}

/* Nothing here says what an absent writer would have stored: any number will do. */
static bool assume_absent_values(struct compile *cc)
{
	bool assumed = false;

	for (size_t i = 0; i < cc->plan->maps.n; i++) {
		struct map_info *m = cc->plan->maps.items[i];

		if (m->value || m->agg || !m->absent_writer)
			continue;
		m->value = &type_s64;
		assumed = true;
	}
	return assumed;
}

/*
 * "let $x: uint8;" and nothing that says more: what is assigned is cast to the type, and
 * may have a unit.
 */
static bool assume_declared(struct sema *s)
{
	const struct plan *plan = s->cc->plan;
	bool assumed = false;

	for (size_t i = 0; i < plan->programs.n; i++) {
		s->program = plan->programs.items[i];
		for (size_t j = 0; j < s->program->vars.n; j++) {
			struct var_info *v = s->program->vars.items[j];
			const struct type *t;

			if (v->type || !v->declared)
				continue;
			t = infer_written(s, v->declared, v->first);
			if (!t || t->kind == TYPE_VOID)
				continue;
			v->type = type_owned(s->cc->arena, t);
			assumed = true;
		}
	}
	return assumed;
}

bool infer(struct compile *cc)
{
	struct sema s = { .cc = cc, .unrolled = 1 };
	int passes = 0;

	/* Two at least: a check may rewrite its call in the first. */
	do
		infer_programs(&s);
	while ((s.changed || passes == 0 || assume_absent_values(cc) ||
		assume_declared(&s)) &&
	       ++passes < MAX_PASSES);

	s.report = true;
	infer_programs(&s);
	report_untyped(&s);
	warn_of_leaks(cc);
	return diag_ok(cc);
}
