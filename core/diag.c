#include "core/diag.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/compile.h"
#include "core/excerpt.h"

enum severity { ERROR, WARNING };

/* In diag_tags.def: what is told once is an error, too. */
enum kind { KIND_ERROR, KIND_WARNING, KIND_NAME };

static const struct {
	const char *name;
	enum kind kind;
} tags[] = {
#define DIAG(tag, kind, summary) { #tag, KIND_##kind },
#include "core/diag_tags.def"
#undef DIAG
};

static enum severity severity_of(enum diag_tag tag)
{
	return tags[tag].kind == KIND_WARNING ? WARNING : ERROR;
}

/* A note has a place of its own, a hint has none. */
struct remark {
	struct remark *next;
	bool is_note;
	struct span at;
	const char *text;
};

struct diagnostic {
	enum diag_tag tag;
	struct span at;
	const char *text;
	struct remark *remarks, **remarks_end;
	size_t order;   /* of recording, for a stable sort */
	uint32_t place; /* in the text: of the call, if it is in a macro */
	struct {
		struct span *items;
		size_t n, cap;
	} again; /* other places that use the same wrong name */
};

/*
 * More than DIAG_MAX are kept because stages do not report in source order; from then on
 * they are only counted: 4 MiB of junk must not cost memory for each of its bytes.
 */
enum { DIAG_KEPT = 5 * DIAG_MAX };

struct diag_list {
	struct {
		struct diagnostic **items;
		size_t n, cap;
	} kept;
	struct diagnostic *latest; /* NULL if the latest was dropped */
	size_t total[2];           /* by severity, duplicates excluded */
};

struct diag_list *diag_list_new(struct arena *a)
{
	return ARENA_NEW(a, struct diag_list);
}

const char *diag_tag_name(enum diag_tag tag)
{
	return tags[tag].name;
}

bool diag_ok(const struct compile *cc)
{
	return cc->diags->total[ERROR] == 0;
}

enum { AGAIN_MAX = 8 }; /* places told after the first */

static bool same_span(struct span a, struct span b)
{
	return a.begin == b.begin && a.end == b.end;
}

static void add_place(struct arena *a, struct diagnostic *d, struct span at)
{
	for (size_t i = 0; i < d->again.n; i++)
		if (same_span(d->again.items[i], at))
			return;
	if (d->again.n <= AGAIN_MAX)
		ARENA_PUSH(a, &d->again, at);
}

/* True if an earlier one makes this needless: the same, or about the same name. */
static bool is_recorded(struct compile *cc, enum diag_tag tag, struct span at,
			const char *text)
{
	const struct diag_list *l = cc->diags;

	for (size_t i = 0; i < l->kept.n; i++) {
		struct diagnostic *d = l->kept.items[i];

		if (d->tag != tag || strcmp(d->text, text) != 0)
			continue;
		if (same_span(d->at, at))
			return true;
		if (tags[tag].kind == KIND_NAME) {
			add_place(cc->arena, d, at);
			return true;
		}
	}
	return false;
}

void diag(struct compile *cc, enum diag_tag tag, struct span at, const char *fmt, ...)
{
	struct diag_list *l = cc->diags;
	struct diagnostic *d;
	const char *text;
	va_list ap;

	l->latest = NULL;
	if (l->kept.n >= DIAG_KEPT) {
		l->total[severity_of(tag)]++;
		return;
	}
	va_start(ap, fmt);
	text = arena_vprintf(cc->arena, fmt, ap);
	va_end(ap);
	if (is_recorded(cc, tag, at, text))
		return;

	d = ARENA_NEW(cc->arena, struct diagnostic);
	d->tag = tag;
	d->at = at;
	d->text = text;
	d->remarks_end = &d->remarks;
	d->order = l->kept.n;
	ARENA_PUSH(cc->arena, &l->kept, d);
	l->latest = d;
	l->total[severity_of(tag)]++;
}

static void add_remark(struct compile *cc, bool is_note, struct span at,
		       const char *fmt, va_list ap)
{
	struct diagnostic *d = cc->diags->latest;
	struct remark *r;

	if (!d)
		return;
	r = ARENA_NEW(cc->arena, struct remark);
	r->is_note = is_note;
	r->at = at;
	r->text = arena_vprintf(cc->arena, fmt, ap);
	*d->remarks_end = r;
	d->remarks_end = &r->next;
}

void diag_note(struct compile *cc, struct span at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_remark(cc, true, at, fmt, ap);
	va_end(ap);
}

void diag_hint(struct compile *cc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_remark(cc, false, (struct span){ 0 }, fmt, ap);
	va_end(ap);
}

/* Where a message goes, and how. */
struct page {
	FILE *out;
	const struct source *source; /* NULL before there is one */
	bool color;
};

static const char *color_on(const struct page *p, const char *code)
{
	return p->color ? code : "";
}

static void render_line(const struct page *p, const char *kind, const char *color,
			struct span at, const char *text, const char *tag)
{
	bool has_place = p->source && at.begin != SPAN_NOWHERE.begin;

	if (has_place) {
		at = source_written(p->source, at);
		const struct place place = source_place(p->source, at.begin);

		excerpt_text(p->out, place.name, strlen(place.name));
		fprintf(p->out, ":%u:%u: ", place.line, place.column);
	} else {
		fputs("memql: ", p->out);
	}
	fprintf(p->out, "%s%s:%s ", color_on(p, color), kind, color_on(p, "\033[0m"));
	excerpt_text(p->out, text, strlen(text));
	if (tag)
		fprintf(p->out, " [%s]", tag);
	fputc('\n', p->out);
	if (has_place)
		excerpt(p->out, p->source, at, color_on(p, color),
			color_on(p, "\033[0m"));
}

static void render_places(const struct page *p, const struct diagnostic *d)
{
	const uint32_t first = p->source ? source_written(p->source, d->at).begin : 0;
	size_t n = 0;

	for (size_t i = 0; i < d->again.n && p->source; i++) {
		struct span at = source_written(p->source, d->again.items[i]);
		struct place place = source_place(p->source, at.begin);

		/* Another call of the same macro. */
		if (at.begin == first)
			continue;
		if (i == AGAIN_MAX)
			fputs(", ...", p->out);
		else
			fprintf(p->out, "%s%u:%u", n ? ", " : "      also at ",
				place.line, place.column);
		n++;
	}
	if (n > 0)
		fputc('\n', p->out);
}

/* The calls of macros that led to a place. */
static void render_calls(const struct page *p, struct span at)
{
	enum { MAX_CALLS = 4 };
	const char *name;

	for (int i = 0; p->source && i < MAX_CALLS; i++) {
		if (!source_call(p->source, at, &at, &name))
			break;
		render_line(p, "note", "\033[1;36m", at,
			    i ? "which is called here"
			      : "in a macro that is called here",
			    NULL);
	}
}

static void render(const struct page *p, const struct diagnostic *d)
{
	static const struct {
		const char *name, *color;
	} severities[] = {
		[ERROR] = { "error", "\033[1;31m" },
		[WARNING] = { "warning", "\033[1;35m" },
	};
	enum severity s = severity_of(d->tag);

	render_line(p, severities[s].name, severities[s].color, d->at, d->text,
		    tags[d->tag].name);
	render_places(p, d);
	render_calls(p, d->at);
	for (const struct remark *r = d->remarks; r; r = r->next) {
		if (r->is_note) {
			render_line(p, "note", "\033[1;36m", r->at, r->text, NULL);
			continue;
		}
		fprintf(p->out, "      hint: ");
		excerpt_text(p->out, r->text, strlen(r->text));
		fputc('\n', p->out);
	}
}

/* Of the outermost call. */
static uint32_t place_in_text(const struct page *p, struct span at)
{
	const char *name;

	while (p->source && source_call(p->source, at, &at, &name))
		;
	return at.begin;
}

static int by_place(const void *a, const void *b)
{
	const struct diagnostic *x = *(struct diagnostic *const *)a;
	const struct diagnostic *y = *(struct diagnostic *const *)b;

	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

void diag_render(const struct compile *cc, FILE *out, bool color, bool quiet)
{
	static const char *const names[] = { [ERROR] = "error", [WARNING] = "warning" };
	const struct page page = { out, cc->source, color };
	const struct diag_list *l = cc->diags;
	size_t shown[2] = { 0, 0 };
	struct diagnostic **sorted =
		ARENA_ARRAY(cc->arena, struct diagnostic *, l->kept.n);

	for (size_t i = 0; i < l->kept.n; i++) {
		sorted[i] = l->kept.items[i];
		sorted[i]->place = place_in_text(&page, sorted[i]->at);
	}
	qsort(sorted, l->kept.n, sizeof(*sorted), by_place);
	for (size_t i = 0; i < l->kept.n; i++) {
		enum severity s = severity_of(sorted[i]->tag);

		if (shown[s] >= DIAG_MAX || (s == WARNING && quiet))
			continue;
		shown[s]++;
		render(&page, sorted[i]);
	}
	for (enum severity s = ERROR; s <= WARNING; s++) {
		size_t more = l->total[s] - shown[s];

		if (more > 0 && !(s == WARNING && quiet))
			fprintf(out, "%zu more %s%s\n", more, names[s],
				more == 1 ? "" : "s");
	}
}
