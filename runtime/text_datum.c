/* Values as text, in the way of bpftrace: (1, a), { .x = 1 }, [1,2]. */
#include "runtime/sink.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "builtins/builtin.h"

/* How values are to be shown, also those within others. */
struct manner {
	const struct sink *out;
	bool durations; /* integers that count time: "1.25ms" and not 1250 */
};

static void add_value(struct text *t, const struct manner *m, const struct datum *d);

/*
 * strftime(3) with %f, which it lacks: microseconds. Numbers of no clock are taken
 * for CLOCK_BOOTTIME.
 */
static void add_time(struct text *t, const struct sink *out, const struct datum *d)
{
	const char *format = d->type->format;
	enum epoch epoch = d->type->epoch;
	int64_t wall = (int64_t)d->n + out->to_wall[epoch ? epoch : EPOCH_BOOT];
	time_t sec = wall / 1000000000;
	struct text expanded = { 0 };
	char buffer[512];
	struct tm tm;
	size_t n;

	for (const char *p = format; *p; p++) {
		if (p[0] == '%' && p[1] == 'f') {
			text_printf(&expanded, "%06d", (int)(wall % 1000000000 / 1000));
			p++;
			continue;
		}
		text_add(&expanded, p, 1);
		if (p[0] == '%' && p[1])
			text_add(&expanded, ++p, 1);
	}
	if (expanded.len && localtime_r(&sec, &tm)) {
		n = strftime(buffer, sizeof(buffer), expanded.bytes, &tm);
		text_add(t, buffer, n);
	}
	text_free(&expanded);
}

static void add_name(struct text *t, const char *name)
{
	text_add_safe(t, name, strlen(name));
}

static void add_int(struct text *t, const struct manner *m, const struct datum *d)
{
	const struct type *type = d->type;
	const char *name = datum_enum_name(d);
	bool fits = type->is_signed || d->n <= INT64_MAX;

	if (name)
		text_add_safe(t, name, strlen(name));
	else if (type->is_bool)
		text_printf(t, "%s", d->n ? "true" : "false");
	else if (m->durations && type->unit != UNIT_NONE && fits)
		text_add_duration(t, (int64_t)d->n, type->unit);
	else if (type->is_signed)
		text_printf(t, "%" PRId64, (int64_t)d->n);
	else
		text_printf(t, "%" PRIu64, d->n);
}

static void add_array(struct text *t, const struct manner *m, const struct datum *d)
{
	size_t len;

	if (datum_is_chars(d, &len)) {
		text_add_safe(t, d->s, len);
		return;
	}
	text_add(t, "[", 1);
	for (size_t i = 0; i < datum_parts(d); i++) {
		struct datum element = datum_part(d, i);

		if (i)
			text_add(t, ",", 1);
		add_value(t, m, &element);
	}
	text_add(t, "]", 1);
}

static void add_tuple(struct text *t, const struct manner *m, const struct datum *d)
{
	text_add(t, "(", 1);
	for (size_t i = 0; i < datum_parts(d); i++) {
		struct datum item = datum_part(d, i);

		if (i)
			text_add(t, ", ", 2);
		add_value(t, m, &item);
	}
	text_add(t, ")", 1);
}

/*
 * Members of anonymous structs and unions are shown as C's programs write them: as those
 * of the struct around. What else has no name is padding. any: whether a member was shown
 * before; returns whether one is now.
 */
static bool add_members(struct text *t, const struct manner *m, const struct datum *d,
			bool any)
{
	for (size_t i = 0; i < datum_parts(d); i++) {
		const char *name = datum_part_name(d, i);
		struct datum member = datum_part(d, i);

		if (!name && member.type->kind == TYPE_STRUCT)
			any = add_members(t, m, &member, any);
		if (!name)
			continue;
		text_printf(t, "%s.%s = ", any ? ", " : " ", name);
		add_value(t, m, &member);
		any = true;
	}
	return any;
}

static void add_record(struct text *t, const struct manner *m, const struct datum *d)
{
	bool any;

	if (!d->type->record->complete) {
		text_add(t, "{...}", 5); /* nobody has looked its members up */
		return;
	}
	text_add(t, "{", 1);
	any = add_members(t, m, d, false);
	text_printf(t, "%s}", any ? " " : "");
}

static void add_value(struct text *t, const struct manner *m, const struct datum *d)
{
	switch (d->type->kind) {
	case TYPE_INT:
		add_int(t, m, d);
		break;
	case TYPE_PTR:
		text_printf(t, "0x%" PRIx64, d->n);
		break;
	case TYPE_STR:
		text_add_safe(t, d->s, d->len);
		break;
	case TYPE_NAME:
		add_name(t, datum_name(m->out, d));
		break;
	case TYPE_TIME:
		add_time(t, m->out, d);
		break;
	case TYPE_SHOWN:
		d->type->shape->render(t, m->out, d);
		break;
	case TYPE_ARRAY:
		add_array(t, m, d);
		break;
	case TYPE_TUPLE:
		if (datum_is_tuple(d))
			add_tuple(t, m, d);
		else
			add_record(t, m, d);
		break;
	case TYPE_STRUCT:
		add_record(t, m, d);
		break;
	case TYPE_VOID:
	case TYPE_ARGS:
	case TYPE_ANY:
		break; /* no value has them */
	}
}

void text_add_exact(struct text *t, const struct sink *out, const struct datum *d)
{
	add_value(t, &(struct manner){ .out = out }, d);
}

void text_add_datum(struct text *t, const struct sink *out, const struct datum *d)
{
	add_value(t, &(struct manner){ .out = out, .durations = true }, d);
}
