/*
 * One JSON object per line; docs/json.md describes them. A map's line is composed until
 * its end, because the type that stands first is that of its values.
 */
#include "runtime/sink.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builtins/builtin.h"
#include "sema/plan.h"

struct json_sink {
	struct sink base;
	struct text line;           /* the event that is being composed */
	struct text scratch;        /* a text before its quotes */
	const struct map_info *map; /* being printed */
	const char *type;           /* of its values: "map", "hist", "stats" */
	size_t nentries;
};

static struct json_sink *self(struct sink *out)
{
	return (struct json_sink *)out;
}

static void add_string(struct text *t, const char *s)
{
	text_add_json(t, s, strlen(s));
}

static void write_line(struct json_sink *j)
{
	text_add(&j->line, "\n", 1);
	sink_write(&j->base, j->line.bytes, j->line.len);
	j->line.len = 0;
}

static void add_datum(struct json_sink *j, const struct datum *d);

/* Lines without the blanks before them; empty ones are left out. */
static void add_lines(struct json_sink *j, const char *text, size_t len)
{
	const char *end = text + len;
	bool any = false;

	text_add(&j->line, "[", 1);
	while (text < end) {
		const char *line = text + strspn(text, " \t"), *eol;

		eol = memchr(text, '\n', (size_t)(end - text));
		eol = eol ? eol : end;
		if (line < eol) {
			text_printf(&j->line, "%s", any ? "," : "");
			text_add_json(&j->line, line, (size_t)(eol - line));
			any = true;
		}
		text = eol + 1;
	}
	text_add(&j->line, "]", 1);
}

/* Bytes as numbers: the only way to tell them all apart. */
static void add_bytes(struct json_sink *j, const char *bytes, size_t len)
{
	text_add(&j->line, "[", 1);
	for (size_t i = 0; i < len; i++)
		text_printf(&j->line, "%s%u", i ? "," : "", (unsigned char)bytes[i]);
	text_add(&j->line, "]", 1);
}

/* What is shown as text. */
static void add_text(struct json_sink *j, const struct datum *d)
{
	j->scratch.len = 0;
	text_add(&j->scratch, "", 0);
	text_add_exact(&j->scratch, &j->base, d);
	if (d->type->kind == TYPE_SHOWN && d->type->shape->lines)
		add_lines(j, j->scratch.bytes, j->scratch.len);
	else
		text_add_json(&j->line, j->scratch.bytes, j->scratch.len);
}

static void add_parts(struct json_sink *j, const struct datum *d)
{
	text_add(&j->line, "[", 1);
	for (size_t i = 0; i < datum_parts(d); i++) {
		struct datum part = datum_part(d, i);

		if (i)
			text_add(&j->line, ",", 1);
		add_datum(j, &part);
	}
	text_add(&j->line, "]", 1);
}

/* As in text: what is in an anonymous member is the struct's. */
static bool add_members(struct json_sink *j, const struct datum *d, bool any)
{
	for (size_t i = 0; i < datum_parts(d); i++) {
		const char *name = datum_part_name(d, i);
		struct datum member = datum_part(d, i);

		if (!name && member.type->kind == TYPE_STRUCT)
			any = add_members(j, &member, any);
		if (!name)
			continue;
		text_printf(&j->line, "%s", any ? "," : "");
		add_string(&j->line, name);
		text_add(&j->line, ":", 1);
		add_datum(j, &member);
		any = true;
	}
	return any;
}

static void add_record(struct json_sink *j, const struct datum *d)
{
	if (!d->type->record->complete) {
		text_printf(&j->line, "null"); /* nobody has looked its members up */
		return;
	}
	text_add(&j->line, "{", 1);
	add_members(j, d, false);
	text_add(&j->line, "}", 1);
}

static void add_datum(struct json_sink *j, const struct datum *d)
{
	const char *bytes;
	size_t len;

	switch (d->type->kind) {
	case TYPE_INT:
		if (datum_enum_name(d))
			add_text(j, d);
		else
			text_add_exact(&j->line, &j->base, d);
		break;
	case TYPE_PTR:
		text_printf(&j->line, "%" PRIu64, d->n);
		break;
	case TYPE_STR:
		text_add_json(&j->line, d->s, d->len);
		break;
	case TYPE_ARRAY:
		if (datum_is_chars(d, &len))
			text_add_json(&j->line, d->s, len);
		else
			add_parts(j, d);
		break;
	case TYPE_SHOWN:
		if (datum_bytes(d, &bytes, &len))
			add_bytes(j, bytes, len);
		else
			add_text(j, d);
		break;
	case TYPE_NAME:
	case TYPE_TIME:
		add_text(j, d);
		break;
	case TYPE_TUPLE:
		if (datum_is_tuple(d))
			add_parts(j, d);
		else
			add_record(j, d);
		break;
	case TYPE_STRUCT:
		add_record(j, d);
		break;
	case TYPE_VOID:
	case TYPE_ARGS:
	case TYPE_ANY:
		text_printf(&j->line, "null"); /* no value has them */
		break;
	}
}

static void add_data(struct json_sink *j, const struct datum *d, size_t n)
{
	text_add(&j->line, "[", 1);
	for (size_t i = 0; i < datum_key_parts(d, n); i++) {
		struct datum part = datum_key_part(d, n, i);

		if (i)
			text_add(&j->line, ",", 1);
		add_datum(j, &part);
	}
	text_add(&j->line, "]", 1);
}

static void begin_event(struct json_sink *j, const char *type)
{
	text_printf(&j->line, "{\"type\":");
	add_string(&j->line, type);
	text_printf(&j->line, ",\"data\":");
}

static void show_text(struct sink *out, const char *event, const char *text, size_t len)
{
	struct json_sink *j = self(out);

	begin_event(j, event);
	text_add_json(&j->line, text, len);
	text_add(&j->line, "}", 1);
	write_line(j);
}

static void show_message(struct sink *out, const char *event, const char *severity,
			 const char *source, uint32_t line, const char *text,
			 size_t len)
{
	struct json_sink *j = self(out);

	(void)severity;
	begin_event(j, event);
	text_printf(&j->line, "{\"message\":");
	text_add_json(&j->line, text, len);
	text_printf(&j->line, ",\"source\":");
	text_add_json(&j->line, source, strlen(source));
	text_printf(&j->line, ",\"line\":%" PRIu32 "}}", line);
	write_line(j);
}

static void show_values(struct sink *out, const struct datum *d, size_t n)
{
	struct json_sink *j = self(out);

	begin_event(j, "value");
	if (n == 1)
		add_datum(j, d);
	else
		add_data(j, d, n);
	text_add(&j->line, "}", 1);
	write_line(j);
}

static void map_begin(struct sink *out, const struct map_info *map)
{
	struct json_sink *j = self(out);

	j->map = map;
	j->type = "map";
	j->nentries = 0;
	if (map && map->has_keys)
		text_add(&j->line, "[", 1);
}

static void show_keys(struct sink *out, const struct datum *keys, size_t n)
{
	struct json_sink *j = self(out);

	text_printf(&j->line, "%s{\"key\":", j->nentries++ ? "," : "");
	add_data(j, keys, n);
	text_printf(&j->line, ",\"value\":");
}

/* What follows the value of an entry. */
static void end_value(struct json_sink *j)
{
	if (j->map && j->map->has_keys)
		text_add(&j->line, "}", 1);
}

static void map_end(struct sink *out)
{
	struct json_sink *j = self(out);
	struct text entries = j->line;

	/* Without keys there is one value, or none: then there is no entry to show. */
	if (!entries.len)
		text_printf(&entries, "null");
	if (j->map && j->map->has_keys)
		text_add(&entries, "]", 1);
	j->line = (struct text){ 0 };
	begin_event(j, j->map ? j->type : "value");
	if (j->map) {
		text_add(&j->line, "{", 1);
		add_string(&j->line, j->map->name);
		text_add(&j->line, ":", 1);
	}
	text_add(&j->line, entries.bytes, entries.len);
	text_printf(&j->line, "%s", j->map ? "}}" : "}");
	text_free(&entries);
	j->map = NULL;
	write_line(j);
}

static void show_datum(struct sink *out, const struct datum *d)
{
	struct json_sink *j = self(out);

	add_datum(j, d);
	end_value(j);
}

static void add_number(struct text *t, int64_t n, bool is_signed)
{
	text_printf(t, is_signed ? "%" PRId64 : "%" PRIu64, n);
}

static void show_parts(struct sink *out, const struct part *p, size_t n)
{
	struct json_sink *j = self(out);

	j->type = "stats";
	for (size_t i = 0; i < n; i++) {
		text_add(&j->line, i ? "," : "{", 1);
		add_string(&j->line, p[i].name);
		text_add(&j->line, ":", 1);
		add_number(&j->line, p[i].value, p[i].is_signed);
	}
	text_add(&j->line, "}", 1);
	end_value(j);
}

static const char *unit_name(enum unit unit)
{
	switch (unit) {
	case UNIT_NONE:
		return NULL;
	case UNIT_NS:
		return "ns";
	case UNIT_US:
		return "us";
	case UNIT_MS:
		return "ms";
	case UNIT_S:
		return "s";
	}
	return NULL;
}

/* Both bounds of a bucket are inclusive, as in bpftrace; an open one is left out. */
static void add_bucket(struct text *t, const struct bucket *b)
{
	text_add(t, "{", 1);
	if (!b->lo_open)
		text_printf(t, "\"min\":%" PRId64 ",", b->lo);
	if (!b->hi_open)
		text_printf(t, "\"max\":%" PRId64 ",", b->hi - 1);
	text_printf(t, "\"count\":%" PRIu64 "}", b->count);
}

/* What is only known to be less than something is absent. */
static void add_percentiles(struct text *t, const struct histogram *h)
{
	size_t rough = 0;

	for (size_t i = 0; i < h->npercentiles; i++) {
		const struct percentile *p = &h->percentiles[i];

		if (p->certainty == CERTAINTY_BELOW)
			continue;
		text_add(t, ",", 1);
		add_string(t, p->name);
		text_printf(t, ":%" PRId64, p->value);
	}
	for (size_t i = 0; i < h->npercentiles; i++) {
		const struct percentile *p = &h->percentiles[i];

		if (p->certainty != CERTAINTY_ROUGH)
			continue;
		text_printf(t, "%s", rough++ ? "," : ",\"rough\":[");
		add_string(t, p->name);
	}
	text_printf(t, "%s", rough ? "]" : "");
}

static void show_histogram(struct sink *out, const struct histogram *h)
{
	struct json_sink *j = self(out);
	struct text *t = &j->line;
	const char *unit = unit_name(h->unit);

	j->type = "hist";
	text_add(t, "{", 1);
	if (unit)
		text_printf(t, "\"unit\":\"%s\",", unit);
	text_printf(t, "\"count\":%" PRIu64 ",\"sum\":%" PRId64 ",\"buckets\":[",
		    h->count, h->total);
	for (size_t i = 0; i < h->nrows; i++) {
		if (i)
			text_add(t, ",", 1);
		add_bucket(t, &h->rows[i]);
	}
	text_add(t, "]", 1);
	add_percentiles(t, h);
	text_add(t, "}", 1);
	end_value(j);
}

static void show_series(struct sink *out, const struct series *s)
{
	struct json_sink *j = self(out);
	struct text *t = &j->line;
	const char *unit = unit_name(s->unit);

	j->type = "tseries";
	text_add(t, "{", 1);
	if (unit)
		text_printf(t, "\"unit\":\"%s\",", unit);
	text_printf(t, "\"interval\":%" PRIu64 ",\"points\":[", s->length);
	for (size_t i = 0; i < s->n; i++) {
		const struct point *p = &s->points[i];

		text_printf(t, "%s{\"start\":%" PRIu64, i ? "," : "", p->start);
		if (p->seen && s->is_signed)
			text_printf(t, ",\"value\":%" PRId64, p->value);
		else if (p->seen)
			text_printf(t, ",\"value\":%" PRIu64, (uint64_t)p->value);
		text_add(t, "}", 1);
	}
	text_add(t, "]}", 2);
	end_value(j);
}

static void show_attached(struct sink *out, size_t nprobes)
{
	struct json_sink *j = self(out);

	if (out->quiet)
		return;
	begin_event(j, "attached_probes");
	text_printf(&j->line, "{\"probes\":%zu}}", nprobes);
	write_line(j);
	sink_flush(out);
}

static void show_lost(struct sink *out, uint64_t count, const char *what,
		      const char *where)
{
	struct json_sink *j = self(out);

	begin_event(j, "lost_events");
	text_printf(&j->line, "{\"count\":%" PRIu64 ",\"what\":", count);
	add_string(&j->line, what);
	text_printf(&j->line, ",\"where\":");
	add_string(&j->line, where);
	text_printf(&j->line, "}}");
	write_line(j);
}

static void close_json(struct sink *out)
{
	struct json_sink *j = self(out);

	sink_flush(out);
	text_free(&j->line);
	text_free(&j->scratch);
	free(j);
}

static const struct sink_ops json_ops = {
	.text = show_text,
	.message = show_message,
	.values = show_values,
	.map_begin = map_begin,
	.keys = show_keys,
	.map_end = map_end,
	.datum = show_datum,
	.parts = show_parts,
	.histogram = show_histogram,
	.series = show_series,
	.attached = show_attached,
	.lost = show_lost,
	.left_out = show_lost,
	.close = close_json,
};

struct sink *sink_json_new(FILE *fp, bool quiet)
{
	struct json_sink *j = calloc(1, sizeof(*j));

	if (!j) {
		fputs("memql: out of memory\n", stderr);
		abort();
	}
	j->base = (struct sink){
		.ops = &json_ops, .fp = fp, .quiet = quiet, .is_json = true
	};
	if (isatty(fileno(fp)))
		setvbuf(fp, NULL, _IOLBF, 0);
	return &j->base;
}
