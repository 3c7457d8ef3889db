/*
 * Members of the kernel's structs without a helper.
 *
 * Where the verifier knows what a pointer points to, it lets a program load through it: 2 ns
 * instead of 15. A load that would fault gives 0 and says nothing, so 0 is not believed: the
 * member is read once more by helpers, which count what cannot be read. Nothing else changes.
 */
#include "codegen/internal.h"

#include "builtins/builtin.h"
#include "sema/ctype.h"
#include "sema/target.h"

enum { WAY_MAX = 8 };

/* From a pointer that the verifier knows to a member, through pointers in structs. */
struct way {
	const struct node *root;
	/* The root as an address that is always there; NULL: an argument. */
	struct value (*object)(struct emit *e, const struct node *root);
	const struct node *last; /* the last pointer's node */
	target_type_id of;       /* the struct that it points to */
	uint64_t at[WAY_MAX];    /* bytes: of pointers behind the root, of the member */
	unsigned n;
};

static bool find_member(struct emit *e, const struct node *n, struct way *w);

/* The verifier's answer for what is at the end of the way. */
static bool can_load(struct emit *e, const struct way *w, unsigned size,
		     target_type_id *next)
{
	const struct target *t = e->m->cc->target;

	return !t->ops->type_walk(t, w->of, w->at[w->n - 1], size, next);
}

static bool find_root(struct emit *e, const struct node *n, struct way *w)
{
	const struct target *t = e->m->cc->target;
	const struct type *to;

	*w = (struct way){ .root = n, .last = n };
	if (n->kind == NODE_CALL && n->call.builtin->object) {
		w->object = n->call.builtin->object;
		return !t->ops->type_find(t, TAG_STRUCT, n->call.builtin->object_of,
					  &w->of);
	}
	if (n->kind != NODE_FIELD || !is_object_argument(n))
		return false;
	to = ((const struct probe_field *)n->field.data)->type->to;
	w->of = to->kind == TYPE_STRUCT ? to->record->id : 0;
	return w->of;
}

/* What a cast of a pointer makes of it does not matter: offsets do. */
static bool find_pointer(struct emit *e, const struct node *n, struct way *w)
{
	target_type_id next;

	while (n->kind == NODE_CAST && n->type->kind == TYPE_PTR &&
	       n->cast.operand->type->kind == TYPE_PTR)
		n = n->cast.operand;
	if (find_root(e, n, w))
		return true;
	if (n->kind != NODE_FIELD || n->type->kind != TYPE_PTR ||
	    !find_member(e, n, w) || !can_load(e, w, 8, &next) || !next)
		return false;
	w->of = next;
	w->last = n;
	return true;
}

static bool find_member(struct emit *e, const struct node *n, struct way *w)
{
	const struct node *base = n->field.base;
	const struct part_info *part = n->field.data;
	const struct type *of = base->type;

	if (!of || of->space != SPACE_KERNEL || !part || part->bits)
		return false;
	if (of->kind == TYPE_STRUCT && base->kind == NODE_FIELD) {
		if (!find_member(e, base, w))
			return false;
	} else if (of->kind == TYPE_PTR) {
		if (!find_pointer(e, base, w) || w->n == WAY_MAX)
			return false;
		w->at[w->n++] = 0;
	} else {
		return false;
	}
	w->at[w->n - 1] += part->bit_offset / 8;
	return true;
}

static bool find_way(struct emit *e, const struct node *n, struct way *w)
{
	return !e->by_helpers && e->m->cc->target->ops->type_walk &&
	       find_member(e, n, w);
}

/* Volatile and fenced: no other load may become this instruction, see load_context(). */
static LLVMValueRef load(struct emit *e, struct value base, uint64_t offset,
			 LLVMTypeRef type, unsigned size)
{
	struct value at = emit_at(e, base, emit_int(e, (int64_t)offset));
	LLVMValueRef v = LLVMBuildLoad2(e->b, type, at.ref, "");

	because(e, WHY_DIRECT_LOAD);
	LLVMSetVolatile(v, 1);
	LLVMSetAlignment(v, size);
	return unlike_others(e, v);
}

/* Two ways to one value: by direct loads, and as ever. */
struct fork {
	LLVMValueRef result;
	LLVMBasicBlockRef slow, known;
};

static struct fork fork_new(struct emit *e)
{
	return (struct fork){
		.result = local_new(e),
		.slow = block_new(e, "slow"),
		.known = block_new(e, "known"),
	};
}

/* On the slow way if it is 0. */
static void be_slow_unless(struct emit *e, const struct fork *f, struct value v)
{
	LLVMBasicBlockRef next = block_new(e, "there");

	LLVMBuildCondBr(e->b, as_bit(e, v), next, f->slow);
	LLVMPositionBuilderAtEnd(e->b, next);
}

/* The last pointer; each on the way is compared with 0. */
static struct value follow(struct emit *e, const struct fork *f, const struct way *w)
{
	struct value p;

	if (w->object) {
		p = w->object(e, w->root);
	} else {
		const struct probe_field *field = w->root->field.data;

		p = context_word(e, field->at.value * 8);
		be_slow_unless(e, f, value_of(as_ptr(e, p)));
		p = value_of(as_ptr(e, opaque(e, p)));
	}
	for (unsigned i = 0; i + 1 < w->n; i++) {
		p = value_of(load(e, p, w->at[i], e->m->ptr, 8));
		be_slow_unless(e, f,
			       because(e, WHY_POINTER_CHECK) ? p : emit_int(e, 1));
		p = opaque(e, p);
	}
	return p;
}

/* What is built next is the slow way; join() closes it. */
static void go_slow(struct emit *e, const struct fork *f, struct value v)
{
	local_set(e, f->result, value_of(as_int(e, v)));
	LLVMBuildBr(e->b, f->known);
	LLVMPositionBuilderAtEnd(e->b, f->slow);
	e->by_helpers = true;
}

static struct value join(struct emit *e, const struct fork *f, struct value v)
{
	e->by_helpers = false;
	local_set(e, f->result, value_of(as_int(e, v)));
	LLVMBuildBr(e->b, f->known);
	LLVMPositionBuilderAtEnd(e->b, f->known);
	return local_get(e, f->result);
}

static struct value extended(struct emit *e, LLVMValueRef v, const struct type *t)
{
	if (t->size == 8)
		return value_of(v);
	return value_of(t->is_signed ? LLVMBuildSExt(e->b, v, e->m->i64, "")
				     : LLVMBuildZExt(e->b, v, e->m->i64, ""));
}

static struct value current_task(struct emit *e, const struct node *call)
{
	(void)call;
	return emit_helper_ptr(e, HELPER_GET_CURRENT_TASK_BTF, 0);
}

/* The number of type t at the end of the way; slow(e, n) is the same by helpers. */
static struct value number_at(struct emit *e, const struct way *w, const struct type *t,
			      struct value (*slow)(struct emit *e,
						   const struct node *n),
			      const struct node *n)
{
	LLVMTypeRef type = LLVMIntTypeInContext(e->m->context, t->size * 8u);
	struct value v, p;
	struct fork f;

	if (w->object && w->n == 1) {
		p = w->object(e, w->root);
		return extended(e, load(e, p, w->at[0], type, t->size), t);
	}
	f = fork_new(e);
	v = value_of(load(e, follow(e, &f, w), w->at[w->n - 1], type, t->size));
	be_slow_unless(e, &f, v);
	go_slow(e, &f, extended(e, v.ref, t));
	return join(e, &f, slow(e, n));
}

bool direct_number(struct emit *e, const struct node *n, struct value *out)
{
	target_type_id pointer;
	struct way w;

	if (n->type->kind != TYPE_INT || !find_way(e, n, &w) ||
	    !can_load(e, &w, n->type->size, &pointer) || pointer)
		return false;
	*out = number_at(e, &w, n->type, eval_member, n);
	return true;
}

bool emit_task_number(struct emit *e, const struct node *call, const uint64_t at[2],
		      struct value (*slow)(struct emit *e, const struct node *call),
		      struct value *out)
{
	const struct target *t = e->m->cc->target;
	struct way w = { .root = call, .object = current_task };
	target_type_id next;

	if (!t->ops->type_walk ||
	    t->ops->type_find(t, TAG_STRUCT, "task_struct", &w.of))
		return false;
	w.at[w.n++] = at[0];
	if (!can_load(e, &w, 8, &next) || !next)
		return false;
	w.of = next;
	w.at[w.n++] = at[1];
	if (!can_load(e, &w, call->type->size, &next) || next)
		return false;
	*out = number_at(e, &w, call->type, slow, call);
	return true;
}

bool direct_base(struct emit *e, const struct node *n, struct value *base,
		 uint64_t *offset)
{
	const struct type *t = n->type;
	struct fork f;
	struct way w;

	if ((t->kind != TYPE_PTR && !is_text(t)) || !find_way(e, n, &w) || w.n < 2)
		return false;
	f = fork_new(e);
	go_slow(e, &f, follow(e, &f, &w));
	*base = join(e, &f, emit_eval(e, w.last));
	*offset = w.at[w.n - 1];
	return true;
}

bool task_member(struct emit *e, const char *name, int64_t *offset)
{
	struct compile *cc = e->m->cc;
	const struct target *t = cc->target;
	target_type_id id, next;
	const struct type *task;
	uint64_t bits = 0;

	if (!t->ops->type_walk || t->ops->type_find(t, TAG_STRUCT, "task_struct", &id))
		return false;
	task = ctype_from_target(cc, id);
	if (task->kind != TYPE_STRUCT || !ctype_complete(cc, task->record) ||
	    !ctype_member(cc, task->record, name, &bits))
		return false;
	*offset = (int64_t)(bits / 8);
	return !t->ops->type_walk(t, id, bits / 8, 4, &next) && !next;
}
