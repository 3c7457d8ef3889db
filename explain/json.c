/* As one JSON object; docs/explain.md lists its members. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/image.h"
#include "core/arena.h"
#include "core/compile.h"
#include "explain/explain.h"
#include "probes/probe.h"
#include "runtime/sink.h"

struct json {
	struct text t;
	const struct explanation *x;
	const struct explain_options *o;
	struct arena *a;
};

static void string(struct json *j, const char *before, const char *name,
		   const char *value)
{
	text_printf(&j->t, "%s\"%s\":", before, name);
	if (value)
		text_add_json(&j->t, value, strlen(value));
	else
		text_printf(&j->t, "null");
}

static void number(struct json *j, const char *name, uint64_t n)
{
	text_printf(&j->t, ",\"%s\":%" PRIu64, name, n);
}

/* A tenth of a nanosecond is more than is known. */
static void nanoseconds(struct json *j, const char *name, double ns)
{
	text_printf(&j->t, ",\"%s\":%.1f", name, ns);
}

static void boolean(struct json *j, const char *name, bool b)
{
	text_printf(&j->t, ",\"%s\":%s", name, b ? "true" : "false");
}

static void add_insns(struct json *j, const struct explain_part *p)
{
	text_printf(&j->t, ",\"bpf\":[");
	for (size_t i = 0; i < p->ninsns; i++) {
		const struct explain_insn *insn = &p->insns[i];

		string(j, i ? ",{" : "{", "function", insn->function->name);
		number(j, "index", insn->insn->index);
		string(j, ",", "text", insn->insn->text);
		if (insn->insn->helper && !kernel_function(insn->insn->helper))
			number(j, "helper", (uint64_t)insn->insn->helper);
		if (insn->insn->refers)
			string(j, ",", "refers", insn->insn->refers);
		if (insn->state)
			string(j, ",", "verifier", insn->state);
		text_printf(&j->t, "}");
	}
	text_printf(&j->t, "]");
}

static void add_whys(struct json *j, const struct explain_part *p)
{
	text_printf(&j->t, ",\"why\":[");
	for (size_t i = 0; i < p->nwhys; i++) {
		const struct why_row *row = &why_rows[p->whys[i]];

		string(j, i ? ",{" : "{", "name", row->name);
		string(j, ",", "text", row->why);
		boolean(j, "breakable", row->breakable);
		text_printf(&j->t, "}");
	}
	text_printf(&j->t, "]");
}

static void add_helpers(struct json *j, const struct explain_part *p)
{
	size_t n;
	const struct helper_row **rows = explain_helpers(j->a, p, &n);

	text_printf(&j->t, ",\"helpers\":[");
	for (size_t i = 0; i < n; i++) {
		string(j, i ? ",{" : "{", "prototype", rows[i]->prototype);
		if (!kernel_function(rows[i]->number))
			number(j, "number", (uint64_t)rows[i]->number);
		string(j, ",", "since", rows[i]->since);
		text_printf(&j->t, "}");
	}
	text_printf(&j->t, "]");
}

static void add_part(struct json *j, const struct explain_program *of,
		     const struct explain_part *p, const char *before)
{
	string(j, before, "file", p->file);
	number(j, "line", p->line);
	number(j, "column", p->column);
	number(j, "depth", p->depth);
	string(j, ",", "source", p->source);
	string(j, ",", "meaning", p->meaning);
	add_whys(j, p);
	add_helpers(j, p);
	text_printf(&j->t, ",\"ir\":[");
	for (size_t i = 0; i < p->nir; i++) {
		text_printf(&j->t, "%s", i ? "," : "");
		text_add_json(&j->t, p->ir[i]->text, strlen(p->ir[i]->text));
	}
	text_printf(&j->t, "]");
	add_insns(j, p);
	nanoseconds(j, "price_ns", p->ns);
	boolean(j, "unpriced", p->unpriced);
	if (j->x->seconds > 0)
		text_printf(&j->t, ",\"share\":%.3f", explain_share(of, p));
	text_printf(&j->t, "}");
}

static void add_kernel(struct json *j, const struct explain_program *p)
{
	text_printf(&j->t, ",\"kernel\":{\"loaded\":%s", p->loaded ? "true" : "false");
	number(j, "instructions", p->kernel_insns);
	number(j, "jit_bytes", p->jit_bytes);
	number(j, "verified", p->verified);
	number(j, "stack", p->kernel_stack);
	string(j, ",", "complaint", p->complaint);
	if (p->means)
		string(j, ",", "means", p->means);
	if (p->blamed) {
		string(j, ",", "file", p->blamed->file);
		number(j, "line", p->blamed->line);
		string(j, ",", "source", p->blamed->source);
	}
	text_printf(&j->t, "}");
}

static void add_program(struct json *j, const struct explain_program *p,
			const char *before)
{
	bool any = false;

	string(j, before, "point", p->image->point);
	string(j, ",", "symbol", p->image->symbol);
	string(j, ",", "file", p->file);
	number(j, "line", p->line);
	string(j, ",", "type", p->type);
	string(j, ",", "section", p->section);
	string(j, ",", "context", p->context);
	string(j, ",", "when", p->when);
	number(j, "sites", p->info->nsites);
	boolean(j, "sleepable", p->image->sleepable);
	number(j, "instructions", p->insns);
	number(j, "stack", p->stack);
	if (j->x->inspected)
		add_kernel(j, p);
	if (j->x->seconds > 0) {
		number(j, "runs", p->runs);
		number(j, "run_ns", p->run_ns);
	}
	text_printf(&j->t, ",\"price\":{\"least_ns\":%.1f", p->price.least);
	nanoseconds(j, "most_ns", p->price.most);
	boolean(j, "turns", p->price.turns);
	boolean(j, "unknown", p->price.unknown);
	if (p->place_ns > 0)
		nanoseconds(j, "event_ns", p->place_ns);
	text_printf(&j->t, "}");
	text_printf(&j->t, ",\"parts\":[");
	for (size_t i = 0; i < p->nparts; i++) {
		if (!explain_shows(j->x, &p->parts[i], j->o))
			continue;
		add_part(j, p, &p->parts[i], any ? ",{" : "{");
		any = true;
	}
	text_printf(&j->t, "]}");
}

/* Lines of other files are texts. */
static void string_or_number(struct json *j, const char *before, const char *line)
{
	text_printf(&j->t, "%s", before);
	if (strchr(line, ':'))
		text_add_json(&j->t, line, strlen(line));
	else
		text_printf(&j->t, "%s", line);
}

static void add_lines(struct json *j, const char *name, const struct explain_uses *u)
{
	text_printf(&j->t, ",\"%s\":[", name);
	for (size_t i = 0; i < u->n; i++)
		string_or_number(j, i ? "," : "", u->items[i]);
	text_printf(&j->t, "]");
}

static void add_map(struct json *j, const struct explain_map *m, const char *before)
{
	string(j, before, "name", m->name);
	string(j, ",", "type", m->type);
	string(j, ",", "purpose", m->purpose);
	if (m->info) {
		string(j, ",", "key", m->key);
		number(j, "key_bytes", m->key_bytes);
		string(j, ",", "value", m->value);
		number(j, "value_bytes", m->value_bytes);
		number(j, "entries", m->entries);
		add_lines(j, "written", &m->writers);
		add_lines(j, "read", &m->readers);
		string(j, ",", "others", m->others);
	}
	if (m->memory)
		number(j, "memory", m->memory);
	text_printf(&j->t, "}");
}

void explain_json(const struct explanation *x, const struct explain_options *o,
		  FILE *out)
{
	struct json j = { .x = x, .o = o, .a = x->cc->arena };
	bool any = false;

	text_printf(&j.t, "{\"type\":\"explain\",\"data\":{\"programs\":[");
	for (size_t i = 0; i < x->nprograms; i++)
		if (explain_shows_program(x, &x->programs[i], o)) {
			add_program(&j, &x->programs[i], any ? ",{" : "{");
			any = true;
		}
	text_printf(&j.t, "],\"maps\":[");
	for (size_t i = 0; i < x->maps.n; i++)
		add_map(&j, &x->maps.items[i], i ? ",{" : "{");
	text_printf(&j.t, "],\"when\":[");
	for (size_t i = 0; i < x->moments.n; i++) {
		string(&j, i ? ",{" : "{", "where", x->moments.items[i].where);
		string(&j, ",", "what", x->moments.items[i].what);
		text_printf(&j.t, "}");
	}
	text_printf(&j.t, "]");
	string(&j, ",", "without", x->without);
	string(&j, ",", "kernel", x->kernel);
	if (x->seconds > 0)
		text_printf(&j.t, ",\"seconds\":%.3f", x->seconds);
	text_printf(&j.t, "}}\n");
	fwrite(j.t.bytes, 1, j.t.len, out);
	text_free(&j.t);
}
