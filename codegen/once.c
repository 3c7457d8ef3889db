/*
 * What a program asks for several times, and would be told the same: it is asked once.
 *
 * Numbers that helpers return are LLVM's to merge (`constant` in helpers.def). This is for
 * what helpers leave in memory or look up there: short texts such as comm, and numbers in
 * maps that the program has not changed in between. Of an entry the value is kept, not its
 * address: what another CPU deletes is at once an entry of another key, but a value that was
 * there is what the program would have read, had it been faster.
 *
 * Where not every way to an expression has asked before, a word says whether the value is
 * known. LLVM makes a constant of it where all of them have, or none.
 */
#include "codegen/internal.h"

#include <assert.h>
#include <string.h>

#include "core/arena.h"
#include "sema/sema.h"

enum { ONCE_WORDS = 3 }; /* an array of 16 characters, and a NUL */

/* An expression that is written several times; unroll writes, too. */
struct once {
	const struct node *n; /* the first of those that are equal */
	unsigned times;
	LLVMValueRef known; /* NULL: nothing that was built so far has asked */
	struct var_slot words[ONCE_WORDS];
};

struct onces {
	struct once *items;
	size_t n, cap;
	struct emit *e; /* only while they are looked for */
};

/* Where a field of the probe is, if nothing that runs meanwhile writes there; or NULL. */
static const struct location *lasting_field(const struct program_info *p, size_t i)
{
	for (size_t k = 0; k < p->nlayouts; k++) {
		const struct probe_layout *l = &p->layouts[k];

		if (i >= l->n || l->fields[i].at.kind == LOC_MEMORY ||
		    l->fields[i].at.kind == LOC_UNREADABLE)
			return NULL;
	}
	return p->nlayouts ? &p->layouts[0].fields[i].at : NULL;
}

/* The same of an expression: arg0, args.NAME. */
static const struct location *lasting(const struct program_info *p,
				      const struct node *n)
{
	const struct builtin *row = n->kind == NODE_CALL ? n->call.builtin : NULL;
	const struct probe_field *f = n->kind == NODE_FIELD ? n->field.data : NULL;

	if (row && row->flags & BUILTIN_ARGUMENT)
		return lasting_field(p, (size_t)(row - p->kind->vars));
	if (f && n->field.base->type->kind == TYPE_ARGS)
		return lasting_field(p, (size_t)(f - p->layouts[0].fields));
	return NULL;
}

static bool is_same_call(const struct program_info *p, const struct node *call)
{
	const struct builtin *row = call->call.builtin;

	return row &&
	       ((row->flags & BUILTIN_SAME && !call->call.args) || lasting(p, call));
}

/*
 * What happens between two expressions: anything, or nothing but changes of a map, so that
 * what is read for the first one may have been read for the second.
 */
struct between {
	const struct program_info *p;
	const struct map_info *changed; /* or NULL */
};

static bool same_lists(const struct between *by, const struct node *a,
		       const struct node *b);

/*
 * Both are the same number or text, wherever they are in the program, unless a $variable is
 * assigned to between them. They have no effects that would be missed.
 */
static bool are_same(const struct between *by, const struct node *a,
		     const struct node *b)
{
	if (a->kind != b->kind || !a->type || !b->type || !type_equal(a->type, b->type))
		return false;
	switch (a->kind) {
	case NODE_INT:
		return a->integer.value == b->integer.value;
	case NODE_STR:
		return strcmp(a->string.bytes, b->string.bytes) == 0;
	case NODE_CALL:
		return a->call.builtin == b->call.builtin && is_same_call(by->p, a) &&
		       is_same_call(by->p, b);
	case NODE_FIELD:
		if (lasting(by->p, a) || lasting(by->p, b))
			return a->field.data == b->field.data;
		return by->changed && strcmp(a->field.name, b->field.name) == 0 &&
		       are_same(by, a->field.base, b->field.base);
	case NODE_MAP:
		return by->changed && by->changed != a->map.info &&
		       a->map.info == b->map.info &&
		       same_lists(by, a->map.keys, b->map.keys);
	case NODE_VAR:
		return a->var.info == b->var.info;
	case NODE_TUPLE:
		return same_lists(by, a->tuple.items, b->tuple.items);
	case NODE_CAST:
		return !is_wide(a->type) &&
		       are_same(by, a->cast.operand, b->cast.operand);
	case NODE_UNARY:
		return a->unary.op == b->unary.op &&
		       are_same(by, a->unary.operand, b->unary.operand);
	case NODE_BINARY:
		/* A division by zero is counted. */
		return a->binary.op == b->binary.op && a->binary.op != OP_DIV &&
		       a->binary.op != OP_MOD &&
		       are_same(by, a->binary.left, b->binary.left) &&
		       are_same(by, a->binary.right, b->binary.right);
	case NODE_PARAM:
	case NODE_INDEX:
	case NODE_TYPE:
	case NODE_ADDRESS:
	case NODE_DEREF:
	case NODE_COND:
	case NODE_STEP:
	case NODE_BLOCK:
	case NODE_ASSIGN:
	case NODE_LET:
	case NODE_IF:
	case NODE_EXPR:
	case NODE_FOR_RANGE:
	case NODE_FOR_MAP:
	case NODE_WHILE:
	case NODE_UNROLL:
	case NODE_BREAK:
	case NODE_CONTINUE:
	case NODE_RETURN:
		break;
	}
	return false;
}

static bool same_lists(const struct between *by, const struct node *a,
		       const struct node *b)
{
	for (; a && b && are_same(by, a, b); a = a->next)
		b = b->next;
	return !a && !b;
}

static bool is_short_text(const struct node *n)
{
	return is_text(n->type) && type_size(n->type) <= ONCE_WORDS * sizeof(uint64_t);
}

/* For what stays where it is, is a helper called? */
static bool asks_helper(const struct program_info *p, const struct node *n)
{
	const struct location *at = lasting(p, n);

	return (n->kind == NODE_CALL || at) &&
	       (is_short_text(n) || (at && at->kind == LOC_ARGUMENT));
}

/* Two entries that are read are of the same key, or a helper says twice the same. */
static bool is_again(const struct program_info *p, const struct node *a,
		     const struct node *b)
{
	const struct between anything = { .p = p };

	if (a->kind != NODE_MAP || b->kind != NODE_MAP)
		return asks_helper(p, a) && are_same(&anything, a, b);
	/* The entry of a MAP_KEPT is remembered itself; loops may change what they like. */
	return a->map.info == b->map.info && a->type && !is_wide(a->type) &&
	       a->map.info->storage != MAP_KEPT && !p->has_loops &&
	       same_lists(&anything, a->map.keys, b->map.keys);
}

bool once_same_entry(const struct emit *e, const struct node *a, const struct node *b)
{
	const struct between changes = { .p = e->program, .changed = a->map.info };

	return a->map.info == b->map.info &&
	       same_lists(&changes, a->map.keys, b->map.keys);
}

static struct once *find(const struct emit *e, struct onces *all, const struct node *n)
{
	for (size_t i = 0; i < all->n; i++)
		if (is_again(e->program, all->items[i].n, n))
			return &all->items[i];
	return NULL;
}

static void note(struct onces *all, const struct node *n)
{
	struct once *have = find(all->e, all, n);

	if (have)
		have->times++;
	else if (is_again(all->e->program, n, n))
		ARENA_PUSH(all->e->m->cc->arena, all,
			   ((struct once){ .n = n, .times = 1 }));
}

static void look(struct node *n, void *arg);

/* Maps that a call takes as such are not read. */
static void look_at_args(struct node *call, struct onces *all)
{
	const struct param *p = call->call.builtin->params;

	for (struct node *arg = call->call.args; arg; arg = arg->next) {
		if (p->name && param_takes_map(p, arg))
			node_each_child(arg, look, all);
		else
			look(arg, all);
		if (p->name && !(p->flags & PARAM_REST))
			p++;
	}
}

static void look(struct node *n, void *arg)
{
	struct onces *all = arg;

	note(all, n);
	if (n->kind == NODE_CALL) {
		look_at_args(n, all);
	} else if (n->kind == NODE_ASSIGN) {
		node_each_child(n->assign.place, look, all);
		look(n->assign.value, all);
	} else if (n->kind == NODE_STEP) {
		node_each_child(n->step.place, look, all);
	} else if (n->kind == NODE_UNROLL) {
		look(n->loop.body, all);
		look(n->loop.body, all);
	} else if (n->kind != NODE_FOR_RANGE && n->kind != NODE_FOR_MAP &&
		   n->kind != NODE_WHILE) {
		/* Turns of loops are functions of their own. */
		node_each_child(n, look, all);
	}
}

static size_t words_of(const struct once *o)
{
	return type_size(o->n->type) / sizeof(uint64_t);
}

static void place(struct emit *e, struct once *o)
{
	for (size_t i = 0; i < words_of(o); i++) {
		if (without_slots(e))
			o->words[i].offset = scratch_take(e, sizeof(uint64_t));
		else
			o->words[i].local = local_new(e);
	}
}

void once_find(struct emit *e)
{
	struct onces all = { .e = e }, *kept;
	size_t n = 0;

	if (e->program->predicate)
		look(e->program->predicate, &all);
	look(e->program->body, &all);
	for (size_t i = 0; i < all.n; i++)
		if (all.items[i].times > 1)
			all.items[n++] = all.items[i];
	all.n = n;
	if (!n)
		return;
	for (size_t i = 0; i < n; i++)
		place(e, &all.items[i]);
	kept = ARENA_NEW(e->m->cc->arena, struct onces);
	*kept = all;
	e->onces = kept;
}

/* Of text all bytes, those behind its NUL as 0: it may be needed in a key. */
static void keep(struct emit *e, struct once *o, struct value v)
{
	bool text = is_wide(o->n->type);

	for (size_t i = 0; i < words_of(o); i++)
		slot_store(e, &o->words[i],
			   text ? emit_load(e, v, (int64_t)i * 8, 8, false) : v);
	local_set(e, o->known, emit_int(e, 1));
}

/* dst: for text. */
static struct value ask(struct emit *e, struct once *o, const struct node *n,
			struct value dst)
{
	const struct node *outer_node = e->dest_node;
	struct value outer = e->dest, v;

	if (dst.ref) {
		emit_zero(e, dst, type_size(n->type));
		e->dest_node = n;
		e->dest = dst;
	}
	v = eval_anew(e, n);
	e->dest_node = outer_node;
	e->dest = outer;
	keep(e, o, v);
	return v;
}

struct value once_eval(struct emit *e, const struct node *n)
{
	struct once *o = e->onces ? find(e, e->onces, n) : NULL;
	struct value dst = { 0 };
	struct branch known;

	if (!o)
		return eval_anew(e, n);
	if (is_wide(n->type))
		dst = dest_for(e, n, n->type);
	if (!o->known) {
		o->known = local_new(e);
		return ask(e, o, n, dst);
	}
	because(e, WHY_ONCE);
	known = emit_if(e, local_get(e, o->known));
	for (size_t i = 0; dst.ref && i < words_of(o); i++)
		emit_store(e, dst, (int64_t)i * 8, slot_load(e, &o->words[i]), 8);
	emit_else(e, &known);
	ask(e, o, n, dst);
	emit_end(e, &known);
	return dst.ref ? dst : slot_load(e, &o->words[0]);
}

static void forget(struct emit *e, struct once *o)
{
	if (o->known)
		local_set(e, o->known, emit_int(e, 0));
}

void once_map_changed(struct emit *e, const struct map_info *map)
{
	for (size_t i = 0; e->onces && i < e->onces->n; i++) {
		struct once *o = &e->onces->items[i];

		if (o->n->kind == NODE_MAP && o->n->map.info == map)
			forget(e, o);
	}
}

static void look_for_var(struct node *n, void *arg)
{
	const struct var_info **var = arg;

	if (n->kind == NODE_VAR && n->var.info == *var)
		*var = NULL;
	node_each_child(n, look_for_var, arg);
}

void once_var_changed(struct emit *e, const struct var_info *var)
{
	for (size_t i = 0; e->onces && i < e->onces->n; i++) {
		struct once *o = &e->onces->items[i];
		const struct var_info *left = var;

		for (struct node *key = o->n->kind == NODE_MAP ? o->n->map.keys : NULL;
		     key; key = key->next)
			look_for_var(key, &left);
		if (!left)
			forget(e, o);
	}
}
