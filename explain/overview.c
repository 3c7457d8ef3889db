/*
 * A program at a glance: a line for each of its programs, of its lines and of its maps.
 * Everything else is there on demand.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/image.h"
#include "core/arena.h"
#include "core/compile.h"
#include "explain/explain.h"

enum { NAME_WIDTH = 16, TYPE_WIDTH = 13, WIDTH_MIN = 60 };

struct view {
	const struct explanation *x;
	struct arena *a;
	size_t width;
	FILE *out;
};

/* A line, cut to the terminal. */
static void print_cut(const struct view *v, const char *text)
{
	size_t len = strlen(text);
	bool cut = len > v->width;

	while (len && text[len - 1] == ' ')
		len--;
	fprintf(v->out, "%.*s%s\n", (int)(cut ? v->width - 2 : len), text,
		cut ? ".." : "");
}

/* A sentence behind blanks, broken at blanks: nothing of it may be missing. */
static void print_wrapped(const struct view *v, size_t indent, const char *text)
{
	const size_t room = v->width - indent;

	while (*text) {
		size_t n = strlen(text);

		if (n > room)
			for (n = room; n && text[n] != ' '; n--)
				;
		if (!n) /* a word that is longer */
			n = strcspn(text, " ");
		fprintf(v->out, "%*s%.*s\n", (int)indent, "", (int)n, text);
		text += n;
		text += strspn(text, " ");
	}
}

static const char *bytes_text(struct arena *a, uint64_t n)
{
	if (n < 10000)
		return arena_printf(a, "%" PRIu64 " B", n);
	if (n < 10000000)
		return arena_printf(a, "%" PRIu64 " KB", n / 1000);
	return arena_printf(a, "%" PRIu64 " MB", n / 1000000);
}

static void print_title(const struct view *v)
{
	const struct explanation *x = v->x;
	uint64_t memory = 0;
	uint32_t insns = 0;
	const char *text;

	for (size_t i = 0; i < x->nprograms; i++)
		insns += x->programs[i].insns;
	for (size_t i = 0; i < x->maps.n; i++)
		memory += x->maps.items[i].memory;
	text = arena_printf(v->a, "%s: %zu program%s with %u instructions, %zu map%s",
			    x->cc->source->name, x->nprograms,
			    x->nprograms == 1 ? "" : "s", insns, x->maps.n,
			    x->maps.n == 1 ? "" : "s");
	if (memory)
		text = arena_printf(v->a, "%s with %s", text, bytes_text(v->a, memory));
	print_cut(v, text);
}

static const char *measured_text(const struct view *v, const struct explain_program *p)
{
	if (v->x->seconds <= 0)
		return "";
	return arena_printf(v->a, " %9" PRIu64 " %5" PRIu64 " ns", p->runs,
			    p->runs ? p->run_ns / p->runs : 0);
}

static void print_programs(const struct view *v)
{
	bool ran = v->x->seconds > 0;

	fprintf(v->out, "\nPROGRAMS  insns stack     estimate%s  runs at\n",
		ran ? "    events     each" : "");
	for (size_t i = 0; i < v->x->nprograms; i++) {
		const struct explain_program *p = &v->x->programs[i];

		print_cut(v, arena_printf(v->a, "%8zu %6u %5u %12s%s  %s: %s", i + 1,
					  p->insns, p->stack,
					  p->complaint ? "REFUSED"
						       : explain_range(v->a, &p->price),
					  measured_text(v, p),
					  explain_short(explain_place(v->x, p->file,
								      p->line)),
					  p->image->point));
		if (p->complaint)
			print_wrapped(v, 23, p->complaint);
		if (p->blamed)
			print_cut(v, arena_printf(v->a, "%*s%s", 23, "",
						  explain_blamed_text(v->x, p)));
	}
}

/* What became of a line, in all programs together. */
struct line_sum {
	uint32_t insns;
	double most;    /* ns of the program in which it takes most */
	double time_ns; /* of what was measured */
	bool unpriced;
};

static struct line_sum sum_of(const struct view *v, const char *file, uint32_t line)
{
	struct line_sum sum = { 0 };

	for (size_t i = 0; i < v->x->nprograms; i++) {
		const struct explain_program *p = &v->x->programs[i];
		double ns = 0;

		for (size_t k = 0; k < p->nparts; k++) {
			const struct explain_part *part = &p->parts[k];

			if (strcmp(part->file, file) != 0 ||
			    (line && part->line != line))
				continue;
			sum.insns += (uint32_t)part->ninsns;
			sum.unpriced |= part->unpriced;
			sum.time_ns += explain_share(p, part) * (double)p->run_ns;
			ns += part->ns;
		}
		sum.most = ns > sum.most ? ns : sum.most;
	}
	return sum;
}

static double time_of_all(const struct explanation *x)
{
	double all = 0;

	for (size_t i = 0; i < x->nprograms; i++)
		all += (double)x->programs[i].run_ns;
	return all > 0 ? all : 1;
}

static void print_line(const struct view *v, const char *place,
		       const struct line_sum *sum, const char *text, size_t len)
{
	const char *time = "";

	if (v->x->seconds > 0)
		time = arena_printf(v->a, "  %5.0f %%",
				    100 * sum->time_ns / time_of_all(v->x));
	print_cut(v, arena_printf(v->a, "%8s %6u %8s%s  %.*s", place, sum->insns,
				  arena_printf(v->a, "%s%s ns",
					       explain_ns(v->a, sum->most),
					       sum->unpriced ? "+" : ""),
				  time, (int)len, text));
}

/* Blanks for tabs: what is cut is counted in columns. */
static const char *line_text(const struct view *v, const struct span line)
{
	const char *from = v->x->cc->source->text + line.begin;
	char *out = arena_strndup(v->a, from, line.end - line.begin);

	for (char *c = out; *c; c++)
		if (*c == '\t')
			*c = ' ';
	return out;
}

/* The files that programs are of, but for the first: once each. */
static void print_imported(const struct view *v)
{
	struct {
		const char **items;
		size_t n, cap;
	} files = { 0 };

	for (size_t i = 0; i < v->x->nprograms; i++)
		for (size_t k = 0; k < v->x->programs[i].nparts; k++) {
			const char *file = v->x->programs[i].parts[k].file;
			bool known = explain_is_own_file(v->x, file);

			for (size_t f = 0; f < files.n; f++)
				known |= strcmp(files.items[f], file) == 0;
			if (!known)
				ARENA_PUSH(v->a, &files, file);
		}
	for (size_t f = 0; f < files.n; f++) {
		struct line_sum sum = sum_of(v, files.items[f], 0);

		if (sum.insns)
			print_line(v, "import", &sum, files.items[f],
				   strlen(files.items[f]));
	}
}

static void print_lines(const struct view *v)
{
	const struct source *s = v->x->cc->source;

	fprintf(v->out, "\nLINES     insns  at most%s\n",
		v->x->seconds > 0 ? "   of time" : "");
	for (uint32_t i = 0; i < s->nlines; i++) {
		struct line_sum sum;
		const char *text;

		if (s->line_start[i] >= s->files[0].text.end)
			break;
		sum = sum_of(v, s->files[0].name, i + 1);
		text = line_text(v, source_line(s, s->line_start[i]));
		if (sum.insns)
			print_line(v, arena_printf(v->a, "%u", i + 1), &sum, text,
				   strlen(text));
	}
	print_imported(v);
}

static const char *users_text(const struct view *v, const struct explain_map *m)
{
	const char *text = "";

	for (size_t i = 0; i < m->writers.n; i++)
		text = arena_printf(v->a, "%s%s%s", text, i ? "," : "w ",
				    explain_short(m->writers.items[i]));
	for (size_t i = 0; i < m->readers.n; i++)
		text = arena_printf(v->a, "%s%s%s", text,
				    i       ? ","
				    : *text ? " r "
					    : "r ",
				    explain_short(m->readers.items[i]));
	return m->others ? arena_printf(v->a, "%s%s%s", text, *text ? "; " : "",
					m->others)
			 : text;
}

static void print_maps(const struct view *v)
{
	bool known = v->x->inspected;

	fputc('\n', v->out);
	print_cut(v, arena_printf(v->a,
				  "MAPS  %-*s %-*s%s  key value entries  written, read",
				  NAME_WIDTH - 4, "", TYPE_WIDTH, "",
				  known ? "  memory" : ""));
	for (size_t i = 0; i < v->x->maps.n; i++) {
		const struct explain_map *m = &v->x->maps.items[i];
		const char *memory =
			known ? arena_printf(v->a, " %7s", bytes_text(v->a, m->memory))
			      : "";
		const char *head = arena_printf(v->a, "  %-*s %-*s%s", NAME_WIDTH,
						m->name, TYPE_WIDTH, m->type, memory);

		if (m->info)
			print_cut(v, arena_printf(v->a, "%s %4u %5u %7u  %s", head,
						  m->key_bytes, m->value_bytes,
						  m->entries, users_text(v, m)));
		else
			print_cut(v, arena_printf(v->a, "%s  %s", head, m->purpose));
	}
}

void explain_overview(const struct explanation *x, const struct explain_options *o,
		      FILE *out)
{
	struct view v = {
		.x = x,
		.a = x->cc->arena,
		.width = o->width < WIDTH_MIN ? WIDTH_MIN : o->width,
		.out = out,
	};

	print_title(&v);
	print_programs(&v);
	print_lines(&v);
	print_maps(&v);
	fputs("\nWHEN\n", out);
	for (size_t i = 0; i < x->moments.n; i++)
		print_cut(&v,
			  arena_printf(v.a, "  %-30s  %s", x->moments.items[i].where,
				       x->moments.items[i].what));
	fputs("\n"
	      "Times are estimates; what they do not know, such as the\n"
	      "turns of a loop, is the +. --line N and --program N show\n"
	      "one in full, --full all; --html makes a page of it, and\n"
	      "--run 5s measures.\n",
	      out);
	if (x->kernel)
		fprintf(out, "\nKERNEL  %s\n", x->kernel);
}
