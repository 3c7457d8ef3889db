/* The plan as text: what golden tests compare, and --dump=plan shows. */
#include <inttypes.h>

#include "core/arena.h"
#include "sema/sema.h"

static const char *storage_text(enum map_storage storage)
{
	switch (storage) {
	case MAP_SCALAR:
		return "scalar";
	case MAP_PERCPU_SCALAR:
		return "percpu_scalar";
	case MAP_HASH:
		return "hash";
	case MAP_KEPT:
		return "by_thread";
	case MAP_PERCPU_HASH:
		return "percpu_hash";
	}
	return "";
}

static void dump_types(const struct compile *cc, const struct type *const *types,
		       size_t n, FILE *out)
{
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%s", i ? ", " : "", type_text(cc->arena, types[i]));
}

/* Aggregations: their literal arguments and what they aggregate. */
static void dump_agg(const struct compile *cc, const struct map_info *m, FILE *out)
{
	const struct param *p = m->agg->params;
	unsigned left = m->site.nlit;
	const char *comma = "";

	fprintf(out, "%s(", m->agg->name);
	for (unsigned i = 0; p[i].name; i++) {
		if (!(p[i].flags & PARAM_LITERAL))
			fprintf(out, "%s%s", comma,
				m->sample ? type_text(cc->arena, m->sample) : "?");
		else if (left-- > 0)
			fprintf(out, "%s%" PRId64, comma, m->site.lit[i]);
		else
			break;
		comma = ", ";
	}
	fputc(')', out);
}

static void dump_map(const struct compile *cc, const struct map_info *m, FILE *out)
{
	fprintf(out, "map %s", m->name);
	if (m->has_keys) {
		fputc('[', out);
		dump_types(cc, m->keys, m->nkeys, out);
		fputc(']', out);
	}
	fputs(" = ", out);
	if (m->agg)
		dump_agg(cc, m, out);
	else
		fputs(type_text(cc->arena, m->value), out);
	fprintf(out, "\n\t%s %s%s, key %zu, value %zu, entries %" PRIu32 "\n",
		m->symbol, storage_text(m->storage),
		m->atomic ? " atomic"
		: m->lru  ? " lru"
			  : "",
		m->key_size, m->value_size, m->max_entries);
}

static void dump_quoted(const char *text, FILE *out)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", out);
		else if ((unsigned char)*text < ' ')
			fprintf(out, "\\x%02x", (unsigned char)*text);
		else
			fputc(*text, out);
	}
	fputc('"', out);
}

static void dump_action(const struct compile *cc, const struct action_info *a,
			FILE *out)
{
	fprintf(out, "action %u line %" PRIu32 " %s", a->index, a->line,
		a->builtin->name);
	if (a->text) {
		fputc(' ', out);
		dump_quoted(a->text, out);
	}
	if (a->map)
		fprintf(out, " %s", a->map->name);
	for (unsigned i = 0; i < MAX_PARAMS && a->nlit; i++)
		if (a->lit[i])
			fprintf(out, " %s=%" PRId64, a->builtin->params[i].name,
				a->lit[i]);
	if (a->nargs) {
		fputs(" (", out);
		dump_types(cc, a->args, a->nargs, out);
		fputc(')', out);
	}
	fputc('\n', out);
}

static void dump_location(const struct location *at, FILE *out)
{
	switch (at->kind) {
	case LOC_CONSTANT:
		fprintf(out, "constant %" PRId64, at->value);
		return;
	case LOC_CONTEXT:
		fprintf(out, "context+%" PRId64, at->value);
		break;
	case LOC_STRING:
		fprintf(out, "text context+%" PRId64, at->value);
		break;
	case LOC_BYTES:
		fprintf(out, "bytes context+%" PRId64, at->value);
		break;
	case LOC_DATA_LOC:
		fprintf(out, "data_loc context+%" PRId64, at->value);
		return;
	case LOC_REGISTER:
		fprintf(out, "register %d", at->base);
		break;
	case LOC_MEMORY:
		fprintf(out, "memory %d", at->base);
		if (at->index != LOC_NO_REGISTER)
			fprintf(out, " index %d*%u", at->index, at->scale);
		fprintf(out, " %+" PRId64, at->value);
		break;
	case LOC_ARGUMENT:
		fprintf(out, "argument %" PRId64, at->value);
		break;
	case LOC_UNREADABLE:
		fprintf(out, "unreadable: %s", at->why);
		return;
	}
	fprintf(out, " size %u%s", at->size, at->is_signed ? " signed" : "");
}

static void dump_layout(const struct compile *cc, const struct probe_layout *l,
			size_t i, FILE *out)
{
	if (!l->n)
		return;
	fprintf(out, "\tlayout %zu\n", i);
	for (size_t f = 0; f < l->n; f++) {
		const struct probe_field *field = &l->fields[f];

		fprintf(out, "\t\t%zu %s%s%s: ", f, field->name ? field->name : "",
			field->name ? " " : "", type_text(cc->arena, field->type));
		dump_location(&field->at, out);
		fputc('\n', out);
	}
}

static void dump_site(const struct probe_site *site, FILE *out)
{
	fprintf(out, "\tsite %s", site->name);
	if (site->func)
		fprintf(out, " func %s", site->func);
	if (site->path)
		fprintf(out, " %s+0x%" PRIx64, site->path, site->offset);
	if (site->copies > 1)
		fprintf(out, " copies %" PRIu32, site->copies);
	if (site->semaphore)
		fprintf(out, " semaphore 0x%" PRIx64, site->semaphore);
	if (site->number)
		fprintf(out, " every %" PRIu64 "%s", site->number,
			site->is_hz ? " hz" : " ns");
	if (site->period)
		fprintf(out, " event %" PRIu64 " one in %" PRIu64, site->config,
			site->period);
	if (site->pid)
		fprintf(out, " pid %d", site->pid);
	fprintf(out, " layout %" PRIu32 "\n", site->layout);
}

static const char *node_type(void *arg, const struct type *type)
{
	struct arena *arena = arg;

	return type_text(arena, type);
}

static void dump_program(const struct compile *cc, const struct program_info *p,
			 FILE *out)
{
	fprintf(out, "program %s %s%s%s\n", p->symbol, p->kind->name,
		p->reads_user ? " reads_user" : "", p->sleepable ? " sleepable" : "");
	for (size_t i = 0; i < p->nsites; i++)
		dump_site(&p->sites[i], out);
	for (size_t i = 0; i < p->nlayouts; i++)
		dump_layout(cc, &p->layouts[i], i, out);
	for (size_t i = 0; i < p->vars.n; i++)
		fprintf(out, "\tvar %s %s\n", p->vars.items[i]->name,
			type_text(cc->arena, p->vars.items[i]->type));
	if (p->predicate) {
		fputs("\tpredicate\n", out);
		node_dump(p->predicate, 2, out, node_type, cc->arena);
	}
	node_dump(p->body, 1, out, node_type, cc->arena);
}

void plan_dump(const struct compile *cc, FILE *out)
{
	const struct plan *plan = cc->plan;

	for (size_t i = 0; i < plan->maps.n; i++)
		dump_map(cc, plan->maps.items[i], out);
	for (size_t i = 0; i < plan->actions.n; i++)
		dump_action(cc, plan->actions.items[i], out);
	for (size_t i = 0; i < plan->programs.n; i++)
		dump_program(cc, plan->programs.items[i], out);
}
