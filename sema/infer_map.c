/* Maps: keys and values agree in all uses, or the first one and the odd one are shown. */
#include "core/arena.h"
#include "sema/infer.h"

/* How @x looks with so many keys. */
static const char *shape(struct sema *s, const char *name, size_t nkeys)
{
	if (nkeys == 0)
		return arena_printf(s->cc->arena, "%s", name);
	if (nkeys == 1)
		return arena_printf(s->cc->arena, "%s[key]", name);
	return arena_printf(s->cc->arena, "%s[%zu keys]", name, nkeys);
}

static void note_keys(struct sema *s, const struct map_info *m)
{
	if (!s->report)
		return;
	if (m->nkeys)
		diag_note(s->cc, m->first, "'%s' got its key%s here", m->name,
			  m->nkeys == 1 ? "" : "s");
	else
		diag_note(s->cc, m->first, "'%s' has no key here", m->name);
}

static bool key_count_differs(struct sema *s, const struct node *n, size_t nkeys)
{
	const struct map_info *m = n->map.info;

	sema_error(s, DIAG_map_key, n->span, "'%s' is used as %s here, but it is %s",
		   m->name, shape(s, m->name, nkeys), shape(s, m->name, m->nkeys));
	note_keys(s, m);
	return false;
}

static bool join_key(struct sema *s, const struct map_info *m, size_t i,
		     const struct node *key, const struct type *t)
{
	if (infer_join(s, &m->keys[i], t))
		return true;
	sema_error(s, DIAG_map_key, key->span, "this key of '%s' is %s, expected %s",
		   m->name, infer_text(s, t), infer_text(s, m->keys[i]));
	note_keys(s, m);
	return false;
}

/* @m[$kv.0]: a tuple of as many items as the map has keys. */
static bool join_tuple(struct sema *s, const struct map_info *m, const struct node *key)
{
	const struct record_type *r = key->type->record;
	bool ok = true;

	for (size_t i = 0; i < r->n; i++)
		ok = join_key(s, m, i, key, r->members[i].type) && ok;
	return ok;
}

/* A record is one key: its names are a part of it. */
static bool is_several(const struct type *t)
{
	return t->kind == TYPE_TUPLE && t->record->n > 1 && !t->record->members[0].name;
}

static bool is_key_tuple(const struct map_info *m, const struct node *keys)
{
	return m->nkeys > 1 && keys && !keys->next && keys->type &&
	       is_several(keys->type) && keys->type->record->n == m->nkeys;
}

/* A single tuple of several items is that many keys, so that both ways to write agree. */
static void spread_tuple(struct node *n)
{
	struct node *tuple = n->map.keys;

	if (tuple && !tuple->next && tuple->kind == NODE_TUPLE &&
	    node_count(tuple->tuple.items) > 1 && !tuple->tuple.names)
		n->map.keys = tuple->tuple.items;
}

/*
 * What the first use says of a map's keys. A tuple of several items counts as that many
 * keys, as does a value that is one: until its type is known, nothing is decided.
 */
static void decide_keys(struct sema *s, struct node *n)
{
	struct map_info *m = n->map.info;
	struct node *key = n->map.keys;
	size_t nkeys = node_count(key);
	const struct type *t;

	if (nkeys == 1) {
		t = infer_value(s, key);
		if (!t)
			return;
		if (is_several(t))
			nkeys = t->record->n;
	}
	m->keys_known = true;
	m->has_keys = n->map.has_keys;
	m->nkeys = nkeys;
	m->keys = ARENA_ARRAY(s->cc->arena, const struct type *, nkeys);
	m->first = n->span;
	s->changed = true;
}

bool infer_map_keys(struct sema *s, struct node *n)
{
	struct map_info *m = n->map.info;
	size_t nkeys, i = 0;
	bool ok = true;

	spread_tuple(n);
	nkeys = node_count(n->map.keys);
	if (!m->keys_known)
		decide_keys(s, n);
	if (!m->keys_known)
		return false;
	for (struct node *key = n->map.keys; key; key = key->next, i++) {
		const struct type *t = infer_value(s, key);

		if (key->kind == NODE_CALL && key->call.builtin->flags & BUILTIN_THREAD)
			m->per_thread = true;
		if (t && nkeys == m->nkeys)
			ok = join_key(s, m, i, key, t) && ok;
	}
	n->type = m->value;
	if (is_key_tuple(m, n->map.keys))
		return join_tuple(s, m, n->map.keys) && ok;
	if (nkeys != m->nkeys)
		return key_count_differs(s, n, nkeys);
	return ok;
}

static void value_differs(struct sema *s, const struct map_info *m, struct span at,
			  const char *found)
{
	sema_error(s, DIAG_map_value, at, "'%s' holds %s, this is %s", m->name,
		   m->agg ? arena_printf(s->cc->arena, "%s()", m->agg->name)
			  : infer_text(s, m->value),
		   found);
	if (s->report)
		diag_note(s->cc, m->value_at, "it got its value here");
}

void infer_map_value(struct sema *s, struct node *map, const struct type *t,
		     struct span at)
{
	struct map_info *m = map->map.info;

	m->written = true;
	if (!m->value && !m->agg)
		m->value_at = map->span;
	if (t && (m->agg || !infer_join(s, &m->value, t)))
		value_differs(s, m, at, infer_text(s, t));
	map->type = m->value;
}

bool sema_store(struct sema *s, struct node *entry, const struct node *value)
{
	infer_map_value(s, entry, value->type, value->span);
	return entry->type != NULL;
}

static void suggest_map(struct sema *s, const char *name)
{
	struct suggestion near = { .word = name };
	const struct plan *plan = s->cc->plan;

	for (size_t i = 0; i < plan->maps.n; i++)
		if (plan->maps.items[i]->written)
			suggest(&near, plan->maps.items[i]->name);
	if (near.best && s->report)
		diag_hint(s->cc, "did you mean '%s'?", near.best);
}

void infer_unknown_map(struct sema *s, const struct node *n)
{
	const char *name = n->map.info->name;

	sema_error(s, DIAG_unknown_map, n->span, "nothing is assigned to '%s'", name);
	suggest_map(s, name);
}

const struct type *infer_cell_value(struct sema *s, struct map_info *m, struct span at)
{
	struct type *t;

	m->cells_read = true;
	if (!m->agg->agg->read) {
		sema_error(s, DIAG_aggregation_use, at,
			   "'%s' holds %s(), which only user space can read", m->name,
			   m->agg->name);
		if (s->report)
			diag_hint(s->cc, "print(%s) shows it", m->name);
		return NULL;
	}
	t = ARENA_NEW(s->cc->arena, struct type);
	*t = (struct type){
		.kind = TYPE_INT,
		.size = 8,
		.is_signed = m->site.is_signed,
		.unit = m->site.unit,
	};
	return t;
}

const struct type *infer_map_read(struct sema *s, struct node *n)
{
	struct map_info *m = n->map.info;

	m->read = m->loaded = true;
	n->type = NULL;
	if (m->agg)
		return infer_map_keys(s, n) ? infer_cell_value(s, m, n->span) : NULL;
	if (!m->written) {
		infer_unknown_map(s, n);
		return NULL;
	}
	if (!infer_map_keys(s, n))
		return NULL;
	return m->value;
}

/* The literal arguments, and what is aggregated: the first other one. */
static void read_site(const struct node *call, struct agg_site *site,
		      const struct node **sample)
{
	const struct param *p = call->call.builtin->params;
	const struct node *arg = call->call.args;

	*site = (struct agg_site){ 0 };
	*sample = NULL;
	for (unsigned i = 0; arg && p->name; i++, p++, arg = arg->next) {
		if (!(p->flags & PARAM_LITERAL)) {
			*sample = *sample ? *sample : arg;
		} else if (constant_int(arg, &site->lit[i])) {
			site->nlit++;
		}
	}
}

static bool same_literals(const struct agg_site *a, const struct agg_site *b)
{
	for (int i = 0; i < MAX_PARAMS; i++)
		if (a->lit[i] != b->lit[i])
			return false;
	return a->nlit == b->nlit;
}

static void set_aggregation(struct sema *s, struct map_info *m, const struct node *call)
{
	const struct builtin *b = call->call.builtin;
	const struct node *sample;
	struct agg_site site;

	read_site(call, &site, &sample);
	if (!m->agg && !m->value) {
		m->agg = b;
		m->site = site;
		m->value_at = call->span;
		s->changed = true;
	}
	if (m->agg != b) {
		value_differs(s, m, call->span,
			      arena_printf(s->cc->arena, "%s()", b->name));
		return;
	}
	if (!same_literals(&m->site, &site)) {
		sema_error(s, DIAG_map_value, call->span,
			   "'%s' has other literal arguments here", m->name);
		if (s->report)
			diag_note(s->cc, m->value_at, "it got its value here");
		return;
	}
	if (sample && sample->type && infer_join(s, &m->sample, sample->type)) {
		m->site.is_signed = m->sample->is_signed;
		m->site.unit = m->sample->unit;
	}
}

void infer_aggregation(struct sema *s, struct node *assign)
{
	struct node *place = assign->assign.place, *call = assign->assign.value;
	const char *name = call->call.builtin->name;

	if (place->kind == NODE_MAP)
		place->map.info->written = true;
	if (place->kind != NODE_MAP || assign->assign.compound) {
		sema_error(s, DIAG_aggregation_use, call->span, "%s() is %s", name,
			   assign->assign.compound ? "assigned with ="
						   : "kept in a map only");
		if (s->report)
			diag_hint(s->cc, "write @name = %s",
				  builtin_signature(s->cc, call->call.builtin));
		return;
	}
	infer_map_keys(s, place);
	if (infer_call(s, call))
		set_aggregation(s, place->map.info, call);
	place->type = NULL;
}
