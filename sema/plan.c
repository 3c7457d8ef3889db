/* Layouts: how every map, action and program looks in the kernel. */
#include "sema/plan.h"

#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "core/intern.h"
#include "sema/ctype.h"
#include "sema/sema.h"
#include "sema/target.h"

enum {
	SYMBOL_MAX = 15,       /* the kernel's BPF_OBJ_NAME_LEN, without NUL */
	PERCPU_MAX = 32768,    /* bytes the kernel gives per CPU in one piece */
	CELL_PERCPU_MAX = 256, /* larger keyed cells are shared by the CPUs */
	PROGRAM_MAPS_MAX = 56, /* the kernel's 64 without those that memql adds */
};

/* One program while its calls and maps are looked at. */
struct planner {
	struct compile *cc;
	struct program_info *program;
	const struct program_info **updater; /* by map: who updates it */
	const struct program_info **user;    /* by map: who names it, latest */
	size_t nmaps;                        /* that the program uses */
};

/* Names. */

static size_t name_hash(const char *text)
{
	uintptr_t p = (uintptr_t)text >> 4;

	return (size_t)(p * 0x9e3779b97f4a7c15u >> 20);
}

static void names_rehash(struct compile *cc)
{
	struct plan *plan = cc->plan;
	size_t n = plan->names.nslots ? plan->names.nslots * 2 : 64;
	uint32_t *slots = ARENA_ARRAY(cc->arena, uint32_t, n);

	for (size_t i = 0; i < plan->names.n; i++) {
		size_t at = name_hash(plan->names.items[i]) & (n - 1);

		while (slots[at])
			at = (at + 1) & (n - 1);
		slots[at] = (uint32_t)i + 1;
	}
	plan->names.slots = slots;
	plan->names.nslots = n;
}

uint32_t plan_name(struct compile *cc, const char *text)
{
	struct plan *plan = cc->plan;
	const char *name = intern_str(cc->names, text);
	size_t at;

	if (plan->names.n * 2 >= plan->names.nslots)
		names_rehash(cc);
	at = name_hash(name) & (plan->names.nslots - 1);
	while (plan->names.slots[at]) {
		if (plan->names.items[plan->names.slots[at] - 1] == name)
			return plan->names.slots[at] - 1;
		at = (at + 1) & (plan->names.nslots - 1);
	}
	ARENA_PUSH(cc->arena, &plan->names, name);
	plan->names.slots[at] = (uint32_t)plan->names.n;
	return (uint32_t)plan->names.n - 1;
}

/* Maps. */

static bool symbol_taken(const struct plan *plan, const char *symbol, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(plan->maps.items[i]->symbol, symbol) == 0)
			return true;
	return false;
}

/* "@latency" is mq_latency, which bpftool shows; codegen's own maps are memql_*. */
static void name_map(struct compile *cc, struct map_info *m)
{
	const char *name = m->name[1] ? m->name + 1 : "unnamed";
	char *symbol = arena_printf(cc->arena, "mq_%.*s", SYMBOL_MAX - 3, name);
	char *base = arena_strdup(cc->arena, symbol);

	for (unsigned i = 2; symbol_taken(cc->plan, symbol, m->index); i++) {
		int digits = snprintf(NULL, 0, "_%u", i);

		symbol = arena_printf(cc->arena, "%.*s_%u", SYMBOL_MAX - digits, base,
				      i);
	}
	m->symbol = symbol;
}

static bool has(const struct compile *cc, enum feature f)
{
	return cc->target->ops->has(cc->target, f);
}

/*
 * Only its thread reads and changes an entry, and one word at once: so it can stay where it
 * is when it is deleted, and be used again, for a tenth of what the kernel takes to free and
 * find one.
 */
static bool can_keep(const struct map_info *m)
{
	return m->per_thread && !m->foreign && m->nkeys == 1 && !m->defined &&
	       !m->is_span && !m->lru && m->value && !type_in_memory(m->value) &&
	       type_size(m->value) == sizeof(uint64_t);
}

static void choose_storage(const struct compile *cc, struct map_info *m)
{
	if (!m->agg) {
		m->storage = !m->has_keys  ? MAP_SCALAR
			     : can_keep(m) ? MAP_KEPT
					   : MAP_HASH;
	} else if (m->cells_read && !has(cc, FEATURE_PERCPU_LOOKUP)) {
		m->storage = m->has_keys ? MAP_HASH : MAP_SCALAR;
		m->atomic = true;
	} else if (!m->has_keys && m->deleted) {
		/* Programs cannot reach the cells of other CPUs before Linux 5.19. */
		m->storage = MAP_SCALAR;
		m->atomic = true;
	} else if (!m->has_keys) {
		m->storage = MAP_PERCPU_SCALAR;
	} else if (m->value_size > CELL_PERCPU_MAX && !m->agg->agg->own_cells) {
		m->storage = MAP_HASH;
		m->atomic = true;
	} else {
		m->storage = MAP_PERCPU_HASH;
	}
}

static bool has_struct(const struct type *t)
{
	return t && (t->kind == TYPE_STRUCT || t->kind == TYPE_ARRAY);
}

static bool key_has_struct(const struct map_info *m)
{
	for (size_t i = 0; i < m->nkeys; i++)
		if (has_struct(m->keys[i]))
			return true;
	return false;
}

static void check_size(struct compile *cc, const struct map_info *m, const char *what,
		       size_t size, bool of_struct, struct span at)
{
	if (size <= PERCPU_MAX)
		return;
	diag(cc, DIAG_string_limit, at,
	     "the %s of '%s' takes %zu bytes, at most %d fit", what, m->name, size,
	     PERCPU_MAX);
	diag_hint(cc, of_struct ? "take what is needed of the struct: pointer->member"
				: "str(address, n) keeps n bytes; so does config = { "
				  "max_strlen = n }");
}

static void plan_map(struct compile *cc, struct map_info *m)
{
	const struct plan *plan = cc->plan;

	name_map(cc, m);
	for (size_t i = 0; i < m->nkeys; i++) {
		ctype_complete_shown(cc, m->keys[i]);
		m->key_size += type_size(m->keys[i]);
	}
	if (m->value)
		ctype_complete_shown(cc, m->value);
	m->value_size = m->agg ? m->agg->agg->cell_size(&m->site) : type_size(m->value);
	check_size(cc, m, "key", m->key_size, key_has_struct(m), m->first);
	check_size(cc, m, "value", m->value_size, has_struct(m->value), m->value_at);
	choose_storage(cc, m);
	if (!m->has_keys)
		m->key_size = sizeof(uint32_t);
	if (m->storage == MAP_SCALAR || m->storage == MAP_KEPT)
		m->value_size += sizeof(uint64_t);
	if (!m->has_keys)
		m->max_entries = 1;
	else if (!m->defined)
		m->max_entries = plan->max_map_keys;
}

/* Actions. */

static void add_literal(struct planner *p, struct action_info *a, unsigned i,
			struct node *arg)
{
	struct sema s = { .cc = p->cc, .program = p->program, .report = true };
	const char *text;

	if (constant_int(arg, &a->lit[i])) {
		a->nlit++;
		return;
	}
	text = constant_str(&s, arg);
	if (text && !a->text)
		a->text = text;
}

static void add_action_args(struct planner *p, struct action_info *a,
			    const struct node *call)
{
	struct node *n;

	while (action_arg(call, a->nargs))
		a->nargs++;
	a->args = ARENA_ARRAY(p->cc->arena, const struct type *, a->nargs);
	for (size_t i = 0; (n = action_arg(call, i)); i++) {
		ctype_complete_shown(p->cc, n->type);
		a->args[i] = type_owned(p->cc->arena, n->type);
	}
}

static void plan_action(struct planner *p, struct node *call)
{
	const struct param *param = call->call.builtin->params;
	struct action_info *a = ARENA_NEW(p->cc->arena, struct action_info);
	struct plan *plan = p->cc->plan;
	const struct place at = source_place(p->cc->source, call->span.begin);
	struct node *arg = call->call.args;

	a->builtin = call->call.builtin;
	a->index = (unsigned)plan->actions.n;
	a->file = at.name;
	a->line = at.line;
	for (unsigned i = 0; arg && param->name; arg = arg->next) {
		if (param_takes_map(param, arg))
			a->map = arg->map.info;
		else if (param->flags & PARAM_LITERAL)
			add_literal(p, a, i, arg);
		if (!(param->flags & PARAM_REST))
			param++, i++;
	}
	add_action_args(p, a, call);
	ARENA_PUSH(p->cc->arena, &plan->actions, a);
	call->call.data = a;
}

/* Programs. */

static void use_map(struct planner *p, const struct node *n)
{
	const struct map_info *m = n->map.info;

	if (p->user[m->index] == p->program)
		return;
	p->user[m->index] = p->program;
	if (++p->nmaps == PROGRAM_MAPS_MAX + 1)
		diag(p->cc, DIAG_unsupported, n->span,
		     "one probe may use at most %d maps", PROGRAM_MAPS_MAX);
}

static void update_map(struct planner *p, struct node *place)
{
	struct map_info *m;
	unsigned i;

	place = node_place_root(place);
	if (place->kind != NODE_MAP)
		return;
	m = place->map.info;
	i = m->index;
	if (p->updater[i] && p->updater[i] != p->program)
		m->atomic = true;
	if (p->program->kind->flags & PROBE_PREEMPTIBLE)
		m->atomic = true;
	p->updater[i] = p->program;
}

static void plan_call(struct planner *p, struct node *n)
{
	const struct builtin *b = n->call.builtin;

	if (b->flags & BUILTIN_READS_USER)
		p->program->reads_user = true;
	if (b->kind == BUILTIN_ACTION)
		plan_action(p, n);
}

/* What is behind an address of this type is read, or may be. */
static void read_space(struct planner *p, const struct type *t)
{
	bool elsewhere = t->kind == TYPE_PTR || type_is_elsewhere(t);

	if (elsewhere && (t->space == SPACE_USER || t->space == SPACE_ANY))
		p->program->reads_user = true;
}

static void plan_node(struct node *n, void *arg);

/* Only what can run: see fold.c. */
static void plan_branch(struct planner *p, struct node *n)
{
	const struct node *cond = n->branch.cond;

	plan_node(n->branch.cond, p);
	if (cond->kind != NODE_INT || cond->integer.value)
		plan_node(n->branch.then, p);
	if (n->branch.otherwise && (cond->kind != NODE_INT || !cond->integer.value))
		plan_node(n->branch.otherwise, p);
}

/* What runs a loop's turns is a helper. */
static void plan_loop(struct planner *p, const struct node *n)
{
	if (n->kind == NODE_FOR_MAP) {
		use_map(p, n->loop.from);
	} else if (!has(p->cc, FEATURE_LOOP)) {
		diag(p->cc, DIAG_not_on_this_kernel, n->span,
		     "this kernel has no loops in BPF programs: it lacks bpf_loop (Linux "
		     "5.17)");
		diag_hint(p->cc, "unroll (n) { ... } needs none");
	}
}

static void plan_node(struct node *n, void *arg)
{
	struct planner *p = arg;

	switch (n->kind) {
	case NODE_IF:
	case NODE_COND:
		plan_branch(p, n);
		return;
	case NODE_CALL:
		plan_call(p, n);
		break;
	case NODE_MAP:
		use_map(p, n);
		break;
	case NODE_ASSIGN:
		update_map(p, n->assign.place);
		break;
	case NODE_STEP:
		update_map(p, n->step.place);
		break;
	case NODE_DEREF:
		read_space(p, n->unary.operand->type);
		break;
	case NODE_FIELD:
		read_space(p, n->field.base->type);
		break;
	case NODE_INDEX:
		read_space(p, n->index.base->type);
		break;
	case NODE_FOR_RANGE:
	case NODE_FOR_MAP:
	case NODE_WHILE:
		plan_loop(p, n);
		break;
	case NODE_INT:
	case NODE_STR:
	case NODE_PARAM:
	case NODE_VAR:
	case NODE_TUPLE:
	case NODE_TYPE:
	case NODE_ADDRESS:
	case NODE_CAST:
	case NODE_UNARY:
	case NODE_BINARY:
	case NODE_LET:
	case NODE_BLOCK:
	case NODE_EXPR:
	case NODE_UNROLL:
	case NODE_BREAK:
	case NODE_CONTINUE:
	case NODE_RETURN:
		break;
	}
	node_each_child(n, plan_node, p);
}

static bool can_sleep(const struct compile *cc, const struct program_info *p)
{
	const struct target *t = cc->target;

	/* Functions of loops have no stack that threads could share. */
	return p->reads_user && !p->has_loops && (p->kind->flags & PROBE_CAN_SLEEP) &&
	       t->ops->has(t, FEATURE_SLEEPABLE_UPROBE);
}

static void plan_program(struct planner *p, struct program_info *program)
{
	p->program = program;
	p->nmaps = 0;
	if (program->predicate)
		plan_node(program->predicate, p);
	plan_node(program->body, p);
	program->sleepable = can_sleep(p->cc, program);
}

static bool is_thread(const struct node *key)
{
	return key->kind == NODE_CALL && !key->call.args &&
	       key->call.builtin->flags & BUILTIN_THREAD;
}

/*
 * Whether threads have nothing but an entry of their own. What an action does to the whole
 * map is done by user space, which knows all entries. arg: the node above, or NULL.
 */
static void look_at_key(struct node *n, void *arg)
{
	const struct node *above = arg;
	const struct node *key = n->kind == NODE_MAP ? n->map.keys : NULL;
	bool acted_on = above && above->kind == NODE_CALL &&
			above->call.builtin->kind == BUILTIN_ACTION;

	if (n->kind == NODE_MAP && (key ? key->next || !is_thread(key) : !acted_on))
		n->map.info->foreign = true;
	node_each_child(n, look_at_key, n);
}

static void look_at_keys(const struct plan *plan)
{
	for (size_t i = 0; i < plan->programs.n; i++) {
		const struct program_info *p = plan->programs.items[i];

		if (p->predicate)
			look_at_key(p->predicate, NULL);
		look_at_key(p->body, NULL);
	}
}

bool plan_map_is_idle(const struct map_info *map)
{
	return map->defined && !map->keys_known;
}

static void drop_idle_maps(struct plan *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->maps.n; i++) {
		struct map_info *m = plan->maps.items[i];

		if (plan_map_is_idle(m))
			continue;
		m->index = (unsigned)n;
		plan->maps.items[n++] = m;
	}
	plan->maps.n = n;
}

bool plan(struct compile *cc)
{
	struct plan *plan = cc->plan;
	struct planner p = { .cc = cc };

	drop_idle_maps(plan);
	p.updater = ARENA_ARRAY(cc->arena, const struct program_info *, plan->maps.n);
	p.user = ARENA_ARRAY(cc->arena, const struct program_info *, plan->maps.n);
	look_at_keys(plan);
	for (size_t i = 0; i < plan->maps.n; i++)
		plan_map(cc, plan->maps.items[i]);
	for (size_t i = 0; i < plan->programs.n; i++)
		plan_program(&p, plan->programs.items[i]);
	return diag_ok(cc);
}
