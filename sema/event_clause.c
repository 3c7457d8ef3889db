/*
 * The clause of an event as a statement, for the place that fires it. It sees nothing of
 * that place: its variables are renamed for each copy. Its args.NAME become what the call
 * gave: members of the span, or variables.
 */
#include <string.h>

#include "core/arena.h"
#include "sema/event_state.h"

/* What a span knows when it is done, besides its members. */
static const char duration_word[] = "duration", end_word[] = "end";

bool event_tells_time(const char *argument)
{
	return strcmp(argument, duration_word) == 0 || strcmp(argument, end_word) == 0;
}

static struct node *duration(struct firing *f)
{
	struct node *n = fire_node(f, NODE_BINARY);

	n->binary.op = OP_SUB;
	n->binary.left = fire_clone(f, f->now);
	n->binary.right = fire_member(f, span_start);
	return fire_finish(n);
}

/* args.NAME of a span. args.foo is left to the type checker, which knows the members. */
static struct node *span_argument(struct firing *f, const char *name)
{
	if (!*name)
		return fire_clone(f, f->map);
	if (f->closes && strcmp(name, duration_word) == 0)
		return duration(f);
	if (f->closes && strcmp(name, end_word) == 0)
		return fire_clone(f, f->now);
	return fire_member(f, name);
}

static struct node *fired_argument(struct firing *f, const struct node *n,
				   const char *name)
{
	struct compile *cc = f->e->cc;
	struct suggestion near = { .word = name };
	const struct node *r = f->record;
	size_t count = r ? node_count(r->tuple.items) : 0;

	if (!*name && r) {
		struct node *all = fire_clone(f, r);

		all->tuple.items = NULL;
		for (size_t i = count; i-- > 0;) {
			struct node *item = fire_clone(f, node_at(f->vars, i));

			item->next = all->tuple.items;
			all->tuple.items = item;
		}
		return fire_finish(all);
	}
	for (size_t i = 0; i < count; i++) {
		if (strcmp(r->tuple.names[i], name) == 0)
			return fire_clone(f, node_at(f->vars, i));
		suggest(&near, r->tuple.names[i]);
	}
	diag(cc, DIAG_unknown_field, n->span, "%s has no argument '%s'", f->name, name);
	if (near.best)
		diag_hint(cc, "did you mean '%s'?", near.best);
	return NULL;
}

static void substitute(struct node *n, void *arg)
{
	struct firing *f = arg;
	const char *name = event_argument(f->e->cc, n);
	struct node *value;

	if (name) {
		const struct span at = n->span;

		value = f->map ? span_argument(f, name) : fired_argument(f, n, name);
		if (value)
			node_become(n, value);
		n->span = at;
		return;
	}
	if (n->kind == NODE_VAR)
		n->var.name = renamed(f->e->cc->arena, &f->renames, n->var.name);
	node_each_child(n, substitute, f);
	node_set_height(n);
}

/*
 * return leaves the clause, not the program that it has become a part of: the clause is a loop
 * of one turn then, and return a break. In a loop of its own it is
 *
 *	{ $left = 1; break; }
 *
 * and behind each loop around it stands if ($left) { break; }.
 */
struct returns {
	struct firing *f;
	struct node *left; /* $left, if a loop is left */
	bool any, inner;   /* a return was met at all; in the loop at hand */
	unsigned loops;
};

static struct node *number(struct firing *f, int64_t value)
{
	struct node *n = fire_node(f, NODE_INT);

	n->integer.value = value;
	return fire_finish(n);
}

static struct node *block_of(struct firing *f, struct node *first, struct node *second)
{
	struct fire_list l = { 0 };

	fire_push(&l, first);
	if (second)
		fire_push(&l, second);
	return fire_block(f, &l);
}

static struct node *leave_loop(struct returns *r)
{
	struct node *set = fire_node(r->f, NODE_ASSIGN);

	if (!r->left)
		r->left = fire_hidden(r->f, "$left");
	set->assign.place = fire_clone(r->f, r->left);
	set->assign.value = number(r->f, 1);
	return block_of(r->f, fire_finish(set), fire_node(r->f, NODE_BREAK));
}

static struct node *leave_again(struct returns *r, struct node *loop)
{
	struct node *branch = fire_node(r->f, NODE_IF);

	branch->branch.cond = fire_clone(r->f, r->left);
	branch->branch.then = block_of(r->f, fire_node(r->f, NODE_BREAK), NULL);
	return block_of(r->f, fire_clone(r->f, loop), fire_finish(branch));
}

static void replace_returns(struct node *n, void *arg)
{
	struct returns *r = arg;
	bool loop = n->kind == NODE_FOR_RANGE || n->kind == NODE_FOR_MAP ||
		    n->kind == NODE_WHILE || n->kind == NODE_UNROLL;
	bool outside = r->inner;

	if (n->kind == NODE_RETURN) {
		r->any = true;
		r->inner = r->loops > 0;
		if (r->loops)
			node_become(n, leave_loop(r));
		else
			n->kind = NODE_BREAK;
		return;
	}
	if (loop)
		r->inner = false;
	r->loops += loop;
	node_each_child(n, replace_returns, r);
	r->loops -= loop;
	node_set_height(n);
	if (loop && r->inner)
		node_become(n, leave_again(r, n));
	r->inner |= outside;
}

/* { body } that may be left by break. */
static struct node *once(struct firing *f, struct node *body)
{
	struct node *n = fire_node(f, NODE_UNROLL);

	n->loop.cond = number(f, 1);
	n->loop.body = body;
	return fire_finish(n);
}

static struct node *copy(struct firing *f, struct node *n)
{
	struct node *copied;

	f->e->nodes += node_total(n);
	copied = fire_clone(f, n);
	substitute(copied, f);
	return copied;
}

struct node *clause_as_statement(struct firing *f, const struct clause *c)
{
	struct returns r = { .f = f };
	struct node *body, *branch;

	f->renames = (struct renames){ 0 };
	body = copy(f, c->body);
	replace_returns(body, &r);
	if (r.any)
		body = once(f, body);
	if (r.left)
		body = block_of(f, fire_let(f, r.left, number(f, 0)), body);
	if (!c->predicate)
		return body;
	branch = fire_node(f, NODE_IF);
	branch->branch.cond = copy(f, c->predicate);
	if (body->kind != NODE_BLOCK)
		body = fire_block(f, &(struct fire_list){ .first = body });
	branch->branch.then = body;
	return fire_finish(branch);
}
