/* The maps of a program, who uses them, and what is done where and when. */
#include <stdlib.h>
#include <string.h>

#include "builtins/builtin.h"
#include "codegen/image.h"
#include "core/arena.h"
#include "core/compile.h"
#include "explain/explain.h"
#include "parser/ast.h"
#include "probes/probe.h"
#include "runtime/inspect.h"
#include "sema/plan.h"
#include "sema/type.h"

struct looking {
	struct explanation *x;
	const struct map_info *map;
	struct explain_map *out;
	bool writes; /* the node below is the place of an assignment */
};

static const char *line_of(const struct looking *l, const struct node *n)
{
	const struct place p = source_place(l->x->cc->source, n->span.begin);

	return explain_place(l->x, p.name, p.line);
}

static void add_line(struct arena *a, struct explain_uses *uses, const char *line)
{
	for (size_t i = 0; i < uses->n; i++)
		if (strcmp(uses->items[i], line) == 0)
			return;
	ARENA_PUSH(a, uses, line);
}

const char *explain_uses_text(struct arena *a, const struct explain_map *m,
			      const struct explain_uses *u)
{
	const char *text = "";

	for (size_t i = 0; i < u->n; i++)
		text = arena_printf(a, "%s%s%s", text, i ? ", " : "", u->items[i]);
	if (*text)
		return arena_printf(a, "line %s", text);
	return m->others ? "" : "nobody";
}

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at++)
		if ((at == list || (at > list + 1 && strncmp(at - 2, ", ", 2) == 0)) &&
		    (!at[n] || at[n] == ','))
			return true;
	return false;
}

/* Each once: what a macro does is done wherever it is called. */
static const char *add_word(struct arena *a, const char *list, const char *word)
{
	if (has_word(list, word))
		return list;
	return *list ? arena_printf(a, "%s, %s", list, word) : word;
}

/* "delete() on line 5" */
static void add_other(struct looking *l, const struct node *call)
{
	struct arena *a = l->x->cc->arena;
	const char *use = arena_printf(a, "%s() on line %s", call->call.builtin->name,
				       line_of(l, call));

	l->out->others = add_word(a, l->out->others ? l->out->others : "", use);
}

static bool is_map(const struct looking *l, const struct node *n)
{
	return n && n->kind == NODE_MAP && n->map.info == l->map;
}

static void look(struct node *n, void *arg);

static void look_at_place(struct looking *l, struct node *place, bool reads)
{
	struct arena *a = l->x->cc->arena;
	struct node *root = node_place_root(place);

	if (is_map(l, root)) {
		add_line(a, &l->out->writers, line_of(l, root));
		if (reads)
			add_line(a, &l->out->readers, line_of(l, root));
	}
	node_each_child(root, look, l);
}

static void look_at_call(struct looking *l, struct node *n)
{
	const struct param *p = n->call.builtin ? n->call.builtin->params : NULL;

	for (struct node *arg = n->call.args; arg; arg = arg->next) {
		if (p && p->name && is_map(l, arg) && param_takes_map(p, arg)) {
			add_other(l, n);
			node_each_child(arg, look, l);
		} else {
			look(arg, l);
		}
		if (p && p->name && !(p->flags & PARAM_REST))
			p++;
	}
}

static void look(struct node *n, void *arg)
{
	struct looking *l = arg;

	if (n->kind == NODE_ASSIGN) {
		look_at_place(l, n->assign.place, n->assign.compound);
		look(n->assign.value, l);
	} else if (n->kind == NODE_STEP) {
		look_at_place(l, n->step.place, true);
	} else if (n->kind == NODE_CALL) {
		look_at_call(l, n);
	} else {
		if (is_map(l, n))
			add_line(l->x->cc->arena, &l->out->readers, line_of(l, n));
		node_each_child(n, look, l);
	}
}

static void find_uses(struct explanation *x, const struct map_info *map,
		      struct explain_map *out)
{
	struct looking l = { .x = x, .map = map, .out = out };

	for (size_t i = 0; i < x->nprograms; i++) {
		if (x->programs[i].info->predicate)
			look(x->programs[i].info->predicate, &l);
		look(x->programs[i].info->body, &l);
	}
}

static const char *type_of(const struct map_info *map)
{
	switch (map->storage) {
	case MAP_SCALAR:
		return "array";
	case MAP_PERCPU_SCALAR:
		return "per-CPU array";
	case MAP_KEPT:
		return "hash";
	case MAP_HASH:
		return map->lru ? "LRU hash" : "hash";
	case MAP_PERCPU_HASH:
		return map->lru ? "per-CPU LRU hash" : "per-CPU hash";
	}
	return "";
}

static const char *purpose_of(const struct map_info *map)
{
	switch (map->storage) {
	case MAP_SCALAR:
		return "one element, which is always there; a word beside the value "
		       "says whether it is set";
	case MAP_PERCPU_SCALAR:
		return "one element for each CPU; user space puts them together";
	case MAP_KEPT:
		return "entries of threads whose seat another one has; a full map takes "
		       "no new ones, which is counted";
	case MAP_HASH:
		return map->lru
			       ? "the entry used least makes room when it is full"
			       : "an entry for each key; a full map takes no new ones, "
				 "which is counted";
	case MAP_PERCPU_HASH:
		return "a cell for each key and CPU; user space puts them together";
	}
	return "";
}

static const char *keys_text(struct arena *a, const struct map_info *map)
{
	const char *text = "";

	for (size_t i = 0; i < map->nkeys; i++)
		text = arena_printf(a, "%s%s%s", text, i ? ", " : "",
				    type_text(a, map->keys[i]));
	return map->nkeys ? text : "none (it has one value)";
}

/* memql prints it when all is done, without being told to. */
static bool is_printed(const struct explanation *x, const struct map_info *map)
{
	return x->cc->image->maps_at_end && !map->is_pack && !map->is_span;
}

static uint64_t memory_of(const struct inspection *kernel, const char *symbol)
{
	for (size_t i = 0; kernel && i < kernel->nmaps; i++)
		if (strcmp(kernel->maps[i].name, symbol) == 0)
			return kernel->maps[i].memory;
	return 0;
}

static void add_seats(struct explanation *x, const struct map_info *map,
		      const struct inspection *kernel)
{
	struct arena *a = x->cc->arena;
	char *room = arena_alloc(a, IMAGE_NAME_MAX);
	struct explain_map out = {
		.name = image_seats(room, map),
		.type = "array",
		.purpose = arena_printf(
			a,
			"of %s: a seat for each thread, found by its number without a "
			"search. Whose it is stays as it is; a word beside the value "
			"says whether it is set",
			map->name),
		.memory = memory_of(kernel, room),
	};

	ARENA_PUSH(a, &x->maps, out);
}

static void add_map(struct explanation *x, const struct map_info *map,
		    const struct inspection *kernel)
{
	struct arena *a = x->cc->arena;
	bool scalar = map->storage == MAP_SCALAR || map->storage == MAP_PERCPU_SCALAR;
	struct explain_map out = {
		.info = map,
		.name = map->name,
		.type = type_of(map),
		.purpose = purpose_of(map),
		.key = keys_text(a, map),
		.value = map->agg ? arena_printf(a, "what %s() needs", map->agg->name)
			 : map->value ? type_text(a, map->value)
				      : "",
		.key_bytes = (uint32_t)map->key_size,
		.value_bytes = (uint32_t)map->value_size,
		.entries = scalar ? 1 : map->max_entries,
		.memory = memory_of(kernel, map->symbol),
	};

	find_uses(x, map, &out);
	if (is_printed(x, map))
		out.others =
			add_word(a, out.others ? out.others : "", "printed at the end");
	ARENA_PUSH(a, &x->maps, out);
	if (map->storage == MAP_KEPT)
		add_seats(x, map, kernel);
}

/* Whether any instruction names it. */
static bool is_referred(const struct explanation *x, const char *symbol)
{
	for (size_t i = 0; i < x->code->nfunctions; i++) {
		const struct code_function *f = &x->code->functions[i];

		for (size_t k = 0; k < f->n; k++)
			if (f->insns[k].refers &&
			    strcmp(f->insns[k].refers, symbol) == 0)
				return true;
	}
	return false;
}

static void add_own_maps(struct explanation *x, const struct inspection *kernel)
{
	static const struct explain_map own[] = {
		{ .name = IMAGE_RING,
		  .type = "ring buffer",
		  .purpose = "what printf() and other actions send to user space" },
		{ .name = IMAGE_LOSS,
		  .type = "per-CPU array",
		  .purpose = "a counter for each place where something can be lost" },
		{ .name = IMAGE_SCRATCH,
		  .type = "per-CPU array",
		  .purpose = "working memory: more than the 512 bytes of stack" },
		{ .name = IMAGE_TASK,
		  .type = "task storage",
		  .purpose = "working memory of programs that may be interrupted" },
		{ .name = IMAGE_THREADS,
		  .type = "hash",
		  .purpose = "the same by thread: task storage is too small here" },
		{ .name = IMAGE_STACKS,
		  .type = "hash",
		  .purpose = "stacks, each once, under a hash of its frames" },
	};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		struct explain_map out = own[i];

		if (!is_referred(x, out.name))
			continue;
		out.memory = memory_of(kernel, out.name);
		ARENA_PUSH(x->cc->arena, &x->maps, out);
	}
}

/* What is done once, before the first event and after the last one. */
static bool is_once(const struct explain_program *p)
{
	return p->info->kind->flags & PROBE_ONCE;
}

static const char *lines_of(const struct explanation *x,
			    const struct explain_program *p)
{
	const char *first = explain_place(x, p->file, p->line);
	uint32_t last = p->line;

	for (size_t i = 0; i < p->nparts; i++)
		if (strcmp(p->parts[i].file, p->file) == 0)
			last = p->parts[i].last_line > last ? p->parts[i].last_line
							    : last;
	return last > p->line ? arena_printf(x->cc->arena, "%s-%u", first, last)
			      : first;
}

/* Of what does nothing, nothing is said. */
static void add_moment(struct explanation *x, const char *where, const char *what)
{
	const struct explain_moment m = { where, what };

	if (*what)
		ARENA_PUSH(x->cc->arena, &x->moments, m);
}

static void add_kernel_moments(struct explanation *x)
{
	struct arena *a = x->cc->arena;
	const char *events = "", *once = "";

	for (size_t i = 0; i < x->nprograms; i++) {
		const struct explain_program *p = &x->programs[i];
		const char *lines = lines_of(x, p);

		if (is_once(p))
			once = add_word(a, once,
					arena_printf(a, "line %s (%s)", lines,
						     p->image->point));
		else
			events = add_word(a, events, arena_printf(a, "line %s", lines));
	}
	add_moment(x, "in the kernel, once", once);
	add_moment(x, "in the kernel, at each event", events);
}

static void add_user_moments(struct explanation *x)
{
	struct arena *a = x->cc->arena;
	const struct plan *plan = x->cc->plan;
	const char *later = "", *end = "";

	for (size_t i = 0; i < plan->actions.n; i++) {
		const struct action_info *action = plan->actions.items[i];

		later = add_word(
			a, later,
			arena_printf(a, "%s() of line %s", action->builtin->name,
				     explain_place(x, action->file, action->line)));
	}
	for (size_t i = 0; i < plan->maps.n; i++)
		if (!plan_map_is_idle(plan->maps.items[i]) &&
		    is_printed(x, plan->maps.items[i]))
			end = add_word(a, end, plan->maps.items[i]->name);
	add_moment(x, "in user space, a moment later", later);
	add_moment(x, "in user space, at the end",
		   *end ? arena_printf(a, "%s printed", end) : "");
}

void explain_maps(struct explanation *x, const struct inspection *kernel)
{
	const struct plan *plan = x->cc->plan;

	for (size_t i = 0; i < plan->maps.n; i++)
		if (!plan_map_is_idle(plan->maps.items[i]))
			add_map(x, plan->maps.items[i], kernel);
	add_own_maps(x, kernel);
	add_moment(x, "when it is compiled",
		   "names, types, wildcards, constants, getopt()");
	add_kernel_moments(x);
	add_user_moments(x);
}
