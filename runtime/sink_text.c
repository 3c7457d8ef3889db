/*
 * Text in the layout of bpftrace: "@x[1, bash]: 7", and histograms as rows of bars.
 * Below a histogram one line of percentiles. One-line maps without keys follow each
 * other directly; a map with keys and a histogram end with a blank line.
 */
#include "runtime/sink.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sema/plan.h"

enum {
	LABEL_WIDTH = 16,
	UNIT_LABEL_WIDTH = 17, /* "[16.4us, 32.8us)"; a row has 80 columns */
	COUNT_WIDTH = 8,
	BAR_WIDTH = 52,
};

struct text_sink {
	struct sink base;
	struct text line;           /* of the event that is being composed */
	const struct map_info *map; /* being printed; NULL: print() of a value */
	bool spaced;                /* the last thing was followed by a blank line */
};

static struct text_sink *self(struct sink *out)
{
	return (struct text_sink *)out;
}

static void write_line(struct text_sink *t)
{
	sink_write(&t->base, t->line.bytes, t->line.len);
	t->line.len = 0;
}

static void show_text(struct sink *out, const char *event, const char *text, size_t len)
{
	(void)event;
	sink_write(out, text, len);
}

static void show_message(struct sink *out, const char *event, const char *severity,
			 const char *source, uint32_t line, const char *text,
			 size_t len)
{
	(void)event;
	sink_flush(out);
	fprintf(out->messages, "%s:%" PRIu32 ": %s: %.*s\n", source, line, severity,
		(int)len, text);
}

static void show_values(struct sink *out, const struct datum *d, size_t n)
{
	struct text_sink *t = self(out);

	if (n != 1)
		text_add(&t->line, "(", 1);
	for (size_t i = 0; i < n; i++) {
		if (i)
			text_add(&t->line, ", ", 2);
		text_add_exact(&t->line, out, &d[i]);
	}
	text_printf(&t->line, n != 1 ? ")\n" : "\n");
	write_line(t);
}

static void map_begin(struct sink *out, const struct map_info *map)
{
	struct text_sink *t = self(out);

	t->map = map;
	t->spaced = true; /* a map without entries shows nothing */
	if (out->at_end && out->mid_line)
		sink_write(out, "\n", 1);
	if (map && !map->has_keys)
		text_printf(&t->line, "%s: ", map->name);
}

static void show_keys(struct sink *out, const struct datum *keys, size_t n)
{
	struct text_sink *t = self(out);

	text_printf(&t->line, "%s[", t->map->name);
	for (size_t i = 0; i < datum_key_parts(keys, n); i++) {
		struct datum part = datum_key_part(keys, n, i);

		if (i)
			text_add(&t->line, ", ", 2);
		text_add_exact(&t->line, out, &part);
	}
	text_printf(&t->line, "]: ");
}

static void map_end(struct sink *out)
{
	struct text_sink *t = self(out);

	if (t->map && t->map->has_keys && !t->spaced)
		text_add(&t->line, "\n", 1);
	t->map = NULL;
	write_line(t);
}

static void show_datum(struct sink *out, const struct datum *d)
{
	struct text_sink *t = self(out);

	text_add_exact(&t->line, out, d);
	text_add(&t->line, "\n", 1);
	t->spaced = false;
	write_line(t);
}

static void show_parts(struct sink *out, const struct part *p, size_t n)
{
	struct text_sink *t = self(out);

	for (size_t i = 0; i < n; i++)
		text_printf(&t->line,
			    p[i].is_signed ? "%s%s %" PRId64 : "%s%s %" PRIu64,
			    i ? ", " : "", p[i].name, p[i].value);
	text_add(&t->line, "\n", 1);
	t->spaced = false;
	write_line(t);
}

/* A bound as durations, or in the largest power of 1024 that divides it: 4K, 1M. */
static void add_bound(struct text *t, int64_t n, enum unit unit)
{
	const char *suffix = "KMGTPE";

	if (unit != UNIT_NONE) {
		text_add_duration(t, n, unit);
		return;
	}
	if (!n || n % 1024) {
		text_printf(t, "%" PRId64, n);
		return;
	}
	for (n /= 1024; n % 1024 == 0; n /= 1024)
		suffix++;
	text_printf(t, "%" PRId64 "%c", n, *suffix);
}

/* "[4, 8)", "[1]", "(..., 0)", "[100, ...)"; returns its width. */
static size_t add_label(struct text *t, const struct bucket *b, enum unit unit)
{
	size_t before = t->len;

	if (b->lo_open) {
		text_printf(t, "(...");
	} else {
		text_add(t, "[", 1);
		add_bound(t, b->lo, unit);
	}
	if (!b->lo_open && !b->hi_open && b->hi - 1 == b->lo) {
		text_add(t, "]", 1);
		return t->len - before;
	}
	text_add(t, ", ", 2);
	if (b->hi_open) {
		text_printf(t, "...)");
	} else {
		add_bound(t, b->hi, unit);
		text_add(t, ")", 1);
	}
	return t->len - before;
}

/*
 * The same for the histograms of a map's entries, so that one can be compared with the
 * next. Bounds can be wider than the column: it grows for all rows.
 */
static size_t label_width(const struct histogram *h)
{
	struct text label = { 0 };
	size_t width = h->unit == UNIT_NONE ? LABEL_WIDTH : UNIT_LABEL_WIDTH;

	for (size_t i = 0; i < h->nrows; i++) {
		size_t n = add_label(&label, &h->rows[i], h->unit);

		if (n + 1 > width)
			width = n + 1;
		label.len = 0;
	}
	text_free(&label);
	return width;
}

static void add_row(struct text *t, const struct bucket *b, enum unit unit,
		    size_t width, uint64_t most)
{
	size_t bar =
		most ? (size_t)((unsigned __int128)b->count * BAR_WIDTH / most) : 0;
	size_t label = add_label(t, b, unit);
	char marks[BAR_WIDTH + 1];

	memset(marks, '@', sizeof(marks));
	marks[bar] = '\0';
	text_printf(t, "%*s%*" PRIu64 " |%-*s|\n", (int)(width - label), "",
		    COUNT_WIDTH, b->count, BAR_WIDTH, marks);
}

static void add_percentiles(struct text *t, const struct histogram *h)
{
	static const char *const marks[] = {
		[CERTAINTY_CLOSE] = "",
		[CERTAINTY_ROUGH] = "~",
		[CERTAINTY_BELOW] = "<",
	};

	for (size_t i = 0; i < h->npercentiles; i++) {
		const struct percentile *p = &h->percentiles[i];

		text_printf(t, "%s %s", p->name, marks[p->certainty]);
		text_add_duration(t, p->value, h->unit);
		text_add(t, "  ", 2);
	}
	text_printf(t, "n %" PRIu64 "\n", h->count);
}

static void show_histogram(struct sink *out, const struct histogram *h)
{
	struct text_sink *t = self(out);
	size_t width = label_width(h);
	uint64_t most = 0;

	for (size_t i = 0; i < h->nrows; i++) {
		if (h->rows[i].count > most)
			most = h->rows[i].count;
	}
	if (t->map)
		text_add(&t->line, "\n", 1); /* of "@x: " */
	for (size_t i = 0; i < h->nrows; i++)
		add_row(&t->line, &h->rows[i], h->unit, width, most);
	if (h->npercentiles)
		add_percentiles(&t->line, h);
	text_add(&t->line, "\n", 1);
	t->spaced = true;
	write_line(t);
}

static void show_series(struct sink *out, const struct series *s)
{
	struct text_sink *t = self(out);

	if (t->map)
		text_add(&t->line, "\n", 1); /* of "@x: " */
	text_add_series(&t->line, s);
	text_add(&t->line, "\n", 1);
	t->spaced = true;
	write_line(t);
}

/* Messages come after the results before them where both go to one terminal. */
static void show_attached(struct sink *out, size_t nprobes)
{
	if (out->quiet)
		return;
	sink_flush(out);
	fprintf(out->messages, "Attached %zu probe%s\n", nprobes,
		nprobes == 1 ? "" : "s");
	fflush(out->messages);
}

static void show_lost(struct sink *out, uint64_t count, const char *what,
		      const char *where)
{
	sink_flush(out);
	fprintf(out->messages, "memql: lost %" PRIu64 " %s (%s)\n", count, what, where);
	fflush(out->messages);
}

static void show_left_out(struct sink *out, uint64_t count, const char *what,
			  const char *where)
{
	sink_flush(out);
	fprintf(out->messages, "memql: left out %" PRIu64 " %s (%s)\n", count, what,
		where);
	fflush(out->messages);
}

static void close_text(struct sink *out)
{
	struct text_sink *t = self(out);

	sink_flush(out);
	text_free(&t->line);
	free(t);
}

static const struct sink_ops text_ops = {
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
	.left_out = show_left_out,
	.close = close_text,
};

struct sink *sink_text_new(FILE *fp, FILE *messages, bool quiet)
{
	struct text_sink *t = calloc(1, sizeof(*t));

	if (!t) {
		fputs("memql: out of memory\n", stderr);
		abort();
	}
	t->base = (struct sink){
		.ops = &text_ops,
		.fp = fp,
		.messages = messages,
		.quiet = quiet,
	};
	if (isatty(fileno(fp)))
		setvbuf(fp, NULL, _IOLBF, 0);
	return &t->base;
}
