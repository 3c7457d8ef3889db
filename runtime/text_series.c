/*
 * A series as a diagram: time goes down, values go right. A scale of the least and the
 * largest value is above and below; between them '.' is zero, where both signs occur.
 */
#include "runtime/sink.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

enum { SCALE_WIDTH = 53 }; /* with its borders */

static const uint64_t second = 1000000000;

struct diagram {
	const struct series *s;
	__int128 least, most;
	int zero;         /* the column of 0; -1: it has none */
	const char *time; /* of strftime(3): to the second */
	int decimals;     /* of seconds */
	int margin;       /* columns that a time takes, and a blank */
};

static __int128 value_of(const struct series *s, const struct point *p)
{
	return s->is_signed ? (__int128)p->value : (__int128)(uint64_t)p->value;
}

static int column(const struct diagram *d, __int128 value)
{
	return (int)((value - d->least) * (SCALE_WIDTH - 1) / (d->most - d->least));
}

/* Whole days are not told apart by the time of day. */
static bool needs_date(const struct series *s)
{
	uint64_t day = 24 * 3600 * second;

	return s->n > day / s->length || s->length >= day;
}

static struct diagram lay_out(const struct series *s)
{
	bool date = needs_date(s), any = false;
	struct diagram d = { .s = s, .zero = -1, .time = date ? "%F %T" : "%T" };

	for (size_t i = 0; i < s->n; i++) {
		__int128 value = value_of(s, &s->points[i]);

		if (!s->points[i].seen)
			continue;
		if (!any || value < d.least)
			d.least = value;
		if (!any || value > d.most)
			d.most = value;
		any = true;
	}
	if (d.least == d.most) {
		d.least--;
		d.most++;
	}
	if (d.least < 0 && d.most > 0)
		d.zero = column(&d, 0);
	d.decimals = s->length % 1000      ? 9
		     : s->length % 1000000 ? 6
		     : s->length % second  ? 3
					   : 0;
	d.margin = (date ? 19 : 8) + (d.decimals ? d.decimals + 1 : 0) + 1;
	return d;
}

static void add_number(struct text *t, __int128 n, enum unit unit)
{
	if (n <= INT64_MAX && n >= INT64_MIN)
		text_add_duration(t, (int64_t)n, unit);
	else if (n > 0)
		text_printf(t, "%" PRIu64, (uint64_t)n);
}

/* The least value at the left, the largest at the right. */
static void add_ends(struct text *t, const struct diagram *d)
{
	struct text least = { 0 }, most = { 0 };

	add_number(&least, d->least, d->s->unit);
	add_number(&most, d->most, d->s->unit);
	text_printf(t, "%*s%s%*s\n", d->margin, "", least.bytes ? least.bytes : "",
		    SCALE_WIDTH - (int)least.len, most.bytes ? most.bytes : "");
	text_free(&least);
	text_free(&most);
}

static void add_scale(struct text *t, const struct diagram *d, const char *head,
		      char border)
{
	char line[SCALE_WIDTH];

	memset(line, '_', sizeof(line));
	line[0] = line[SCALE_WIDTH - 1] = border;
	text_printf(t, "%-*s%.*s\n", d->margin, head, SCALE_WIDTH, line);
}

static void add_head(struct text *t, const struct diagram *d)
{
	static const char *const fraction[] = {
		[0] = "", [3] = ".ms", [6] = ".us", [9] = ".ns"
	};
	struct text head = { 0 };

	text_printf(&head, "%shh:mm:ss%s", strcmp(d->time, "%T") ? "yyyy-mm-dd " : "",
		    fraction[d->decimals]);
	add_scale(t, d, head.bytes, '|');
	text_free(&head);
}

static void add_time(struct text *t, const struct diagram *d, uint64_t wall_ns)
{
	time_t sec = (time_t)(wall_ns / second);
	uint64_t fraction = wall_ns % second;
	char buffer[64];
	struct tm tm;

	if (localtime_r(&sec, &tm))
		text_add(t, buffer, strftime(buffer, sizeof(buffer), d->time, &tm));
	for (int i = d->decimals; i < 9; i++)
		fraction /= 10;
	if (d->decimals)
		text_printf(t, ".%0*" PRIu64, d->decimals, fraction);
}

static void add_point(struct text *t, const struct diagram *d, const struct point *p)
{
	char line[SCALE_WIDTH];

	memset(line, ' ', sizeof(line));
	line[0] = line[SCALE_WIDTH - 1] = '|';
	if (d->zero >= 0)
		line[d->zero] = '.';
	if (p->seen)
		line[column(d, value_of(d->s, p))] = '*';
	add_time(t, d, p->start);
	text_printf(t, " %.*s ", SCALE_WIDTH, line);
	if (p->seen)
		add_number(t, value_of(d->s, p), d->s->unit);
	else
		text_add(t, "-", 1);
	text_add(t, "\n", 1);
}

void text_add_series(struct text *t, const struct series *s)
{
	struct diagram d = lay_out(s);

	add_ends(t, &d);
	add_head(t, &d);
	for (size_t i = 0; i < s->n; i++)
		add_point(t, &d, &s->points[i]);
	add_scale(t, &d, "", 'v');
	add_ends(t, &d);
}
