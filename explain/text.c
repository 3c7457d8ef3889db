/*
 * As text. In a narrow terminal the layers follow each other below the words that they
 * belong to; in a wide one they stand side by side: words, IR, instructions.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/image.h"
#include "core/arena.h"
#include "core/compile.h"
#include "core/excerpt.h"
#include "explain/explain.h"
#include "probes/probe.h"

enum {
	WIDE_MIN = 120, /* columns from which the layers stand side by side */
	WIDTH_MIN = 60,
	INDENT = 8,
	DEPTH_MAX = 6, /* deeper parts are indented no further */
	STACK_BYTES = 512,
	PARTS_MAX = 20, /* of a program that is shown in full without being asked */
};

/* Lines of one column, wrapped to its width. */
struct column {
	size_t width;
	struct {
		const char **items;
		size_t n, cap;
	} lines;
};

struct page {
	const struct explanation *x;
	const struct explain_options *o;
	FILE *out;
	struct arena *a;
	size_t width;
	bool wide;
	bool told[WHY_COUNT]; /* whys that were told at length */
	struct {
		const struct helper_row **items;
		size_t n, cap;
	} helpers; /* whose prototype was shown */
};

/* Broken at blanks; what follows the first line is indented by hang. */
static void add_wrapped(struct arena *a, struct column *c, size_t indent, size_t hang,
			const char *text)
{
	size_t room, n;

	do {
		room = c->width > indent + 16 ? c->width - indent : 16;
		n = strlen(text);
		if (n > room) {
			for (n = room; n > 0 && text[n] != ' '; n--)
				;
			n = n ? n : room;
		}
		ARENA_PUSH(a, &c->lines,
			   arena_printf(a, "%*s%.*s", (int)indent, "", (int)n, text));
		text += n;
		text += strspn(text, " ");
		indent = hang;
	} while (*text);
}

/* Cut, for what nobody would read on. */
static void add_cut(struct arena *a, struct column *c, size_t indent, const char *text)
{
	size_t room = c->width > indent + 8 ? c->width - indent : 8;
	bool cut = strlen(text) > room;

	ARENA_PUSH(a, &c->lines,
		   arena_printf(a, "%*s%.*s%s", (int)indent, "",
				(int)(cut ? room - 2 : room), text, cut ? ".." : ""));
}

static void add_labelled(struct arena *a, struct column *c, size_t indent,
			 const char *label, const char *text)
{
	size_t hang = indent + strlen(label) + 2;

	add_wrapped(a, c, indent, hang, arena_printf(a, "%s  %s", label, text));
}

static void print_columns(const struct page *p, const struct column *columns, size_t n)
{
	size_t rows = 0;

	for (size_t i = 0; i < n; i++)
		rows = columns[i].lines.n > rows ? columns[i].lines.n : rows;
	for (size_t r = 0; r < rows; r++) {
		size_t blanks = 0;

		for (size_t i = 0; i < n; i++) {
			const struct column *c = &columns[i];
			const char *line = r < c->lines.n ? c->lines.items[r] : "";

			if (*line)
				fprintf(p->out, "%*s%s", (int)blanks, "", line);
			blanks = *line ? c->width - strlen(line) : blanks + c->width;
			blanks += 2;
		}
		fputc('\n', p->out);
	}
}

static void print_wrapped(const struct page *p, size_t indent, const char *label,
			  const char *text)
{
	struct column c = { .width = p->width };

	if (*label)
		add_labelled(p->a, &c, indent, label, text);
	else
		add_wrapped(p->a, &c, indent, indent, text);
	print_columns(p, &c, 1);
}

static const char *insn_line(const struct page *p, const struct explain_insn *i,
			     const struct explain_program *of, size_t room)
{
	bool own = i->function == &p->x->code->functions[of - p->x->programs];
	const char *text = arena_printf(p->a, "%s%3u: %s", own ? "" : i->function->name,
					i->insn->index, i->insn->text);

	if (!i->state || !*i->state)
		return i->state || !of->loaded
			       ? text
			       : arena_printf(p->a, "%-*s ; never reached", (int)room,
					      text);
	return arena_printf(p->a, "%-*s ; %s", (int)room, text, i->state);
}

static bool is_left_out(const struct page *p, const struct why_row *row)
{
	return p->x->without && strcmp(p->x->without, row->name) == 0;
}

/* At length for the first time, by name from then on. */
static void add_whys(struct page *p, struct column *c, size_t indent,
		     const struct explain_part *part)
{
	const char *again = "";

	for (size_t i = 0; i < part->nwhys; i++) {
		const struct why_row *row = &why_rows[part->whys[i]];

		if (p->told[part->whys[i]])
			again = arena_printf(p->a, "%s%s%s", again, *again ? ", " : "",
					     row->name);
		else
			add_labelled(
				p->a, c, indent, is_left_out(p, row) ? "gone" : "why",
				arena_printf(p->a, "[%s] %s", row->name, row->why));
		p->told[part->whys[i]] = true;
	}
	if (*again)
		add_labelled(p->a, c, indent, "why",
			     arena_printf(p->a, "as above: %s", again));
}

static bool was_shown(const struct page *p, const struct helper_row *row)
{
	for (size_t i = 0; i < p->helpers.n; i++)
		if (p->helpers.items[i] == row)
			return true;
	return false;
}

/* The prototype the first time, the name from then on. */
static void add_helpers(struct page *p, struct column *c, size_t indent,
			const struct explain_part *part)
{
	size_t n;
	const struct helper_row **rows = explain_helpers(p->a, part, &n);

	for (size_t i = 0; i < n; i++) {
		const struct helper_row *row = rows[i];
		const char *name = strstr(row->prototype, "bpf_");

		if (was_shown(p, row)) {
			add_labelled(p->a, c, indent, "calls",
				     arena_printf(p->a, "%.*s %s",
						  (int)strcspn(name, "("), name,
						  explain_helper_number(p->a, row)));
			continue;
		}
		ARENA_PUSH(p->a, &p->helpers, row);
		add_labelled(
			p->a, c, indent, "calls",
			arena_printf(p->a, "%s; %s, since Linux %s", row->prototype,
				     explain_helper_number(p->a, row), row->since));
	}
}

static const char *refers_text(const struct page *p, const struct explain_part *part)
{
	size_t n;
	const char **names = explain_refers(p->a, part, &n), *text = "";

	for (size_t i = 0; i < n; i++) {
		const char *name = names[i];

		for (size_t k = 0; k < p->x->maps.n; k++) {
			const struct explain_map *m = &p->x->maps.items[k];

			if (m->info && strcmp(m->info->symbol, name) == 0)
				name = m->name;
		}
		text = arena_printf(p->a, "%s%s%s", text, i ? ", " : "", name);
	}
	return text;
}

/* What was measured of the program, by the estimates of its parts. */
static void add_share(const struct page *p, struct column *c, size_t indent,
		      const struct explain_program *of, const struct explain_part *part)
{
	if (of->runs)
		add_labelled(p->a, c, indent, "share",
			     arena_printf(p->a,
					  "%.0f %% of the %" PRIu64 " ns of an event",
					  100 * explain_share(of, part),
					  of->run_ns / of->runs));
}

/* Words, what they mean, and why. */
static void add_words(struct page *p, struct column *c,
		      const struct explain_program *of, const struct explain_part *part)
{
	unsigned depth = part->depth < DEPTH_MAX ? part->depth : DEPTH_MAX;
	size_t indent = INDENT + 2 * (size_t)depth;
	const char *place =
		arena_printf(p->a, "%s:%u", explain_place(p->x, part->file, part->line),
			     part->column);
	const char *refers = refers_text(p, part);

	add_cut(p->a, c, 0,
		arena_printf(p->a, "%-*s %s", (int)indent - 1, place, part->source));
	add_wrapped(p->a, c, indent + 2, indent + 2, part->meaning);
	add_whys(p, c, indent + 2, part);
	add_helpers(p, c, indent + 2, part);
	if (*refers)
		add_labelled(p->a, c, indent + 2, "uses", refers);
	if (part->price)
		add_labelled(p->a, c, indent + 2, "price", part->price);
	if (p->x->seconds > 0 && part->ninsns)
		add_share(p, c, indent + 2, of, part);
}

static void add_ir(const struct page *p, struct column *c, size_t indent,
		   const struct explain_part *part)
{
	for (size_t i = 0; i < part->nir; i++)
		add_cut(p->a, c, indent, part->ir[i]->text);
}

static void add_insns(const struct page *p, struct column *c, size_t indent,
		      const struct explain_program *of, const struct explain_part *part)
{
	for (size_t i = 0; i < part->ninsns; i++)
		add_cut(p->a, c, indent,
			insn_line(p, &part->insns[i], of, p->wide ? 30 : 34));
}

static void print_part(struct page *p, const struct explain_program *of,
		       const struct explain_part *part)
{
	struct column columns[3] = {
		{ .width = p->wide ? p->width * 2 / 5 : p->width },
		{ .width = p->width / 4 },
	};

	columns[2].width = p->width - columns[0].width - columns[1].width - 4;
	add_words(p, &columns[0], of, part);
	if (p->wide) {
		add_ir(p, &columns[1], 0, part);
		add_insns(p, &columns[2], 0, of, part);
		print_columns(p, columns, 3);
	} else {
		print_columns(p, columns, 1);
		columns[0].lines.n = 0;
		if (part->nir)
			add_cut(p->a, &columns[0], INDENT, "IR");
		add_ir(p, &columns[0], INDENT + 2, part);
		if (part->ninsns)
			add_cut(p->a, &columns[0], INDENT, "BPF");
		add_insns(p, &columns[0], INDENT + 2, of, part);
		print_columns(p, columns, 1);
	}
	fputc('\n', p->out);
}

static void print_complaint(const struct page *p, const struct explain_program *of)
{
	print_wrapped(p, 2, "REFUSED", "the kernel's verifier says:");
	print_wrapped(p, 11, "", of->complaint);
	if (of->means)
		print_wrapped(p, 2, "means  ", of->means);
	if (of->blamed)
		print_wrapped(p, 2, "about  ", explain_blamed_text(p->x, of));
}

/* What was left out on purpose, and how to have it in a program of one's own. */
static void print_without(const struct page *p)
{
	const struct why_row *row = &why_rows[why_find(p->x->without)];
	bool refused = false;

	for (size_t i = 0; i < p->x->nprograms; i++)
		refused |= p->x->programs[i].complaint != NULL;
	print_wrapped(p, 0, "WITHOUT", row->name);
	print_wrapped(p, 2, "why it is there", row->why);
	print_wrapped(p, 2, "remedy         ", row->remedy);
	if (p->x->inspected && !refused && !p->x->kernel)
		print_wrapped(p, 2, "this kernel    ",
			      "takes the program all the same: older ones, or the next "
			      "program, may not be as lucky");
	fputc('\n', p->out);
}

static void print_sizes(const struct page *p, const struct explain_program *of)
{
	const char *text =
		arena_printf(p->a, "%u instructions; %u of %d bytes of stack",
			     of->insns, of->stack, STACK_BYTES);

	print_wrapped(p, 2, "size   ", text);
	if (of->loaded)
		print_wrapped(
			p, 2, "kernel ",
			arena_printf(
				p->a,
				"%u instructions once the kernel has rewritten it, %u bytes of "
				"machine code; the verifier followed %u instructions and "
				"counts %u bytes of stack",
				of->kernel_insns, of->jit_bytes, of->verified,
				of->kernel_stack));
	print_wrapped(p, 2, "price  ", explain_price_text(p->x, of));
}

/* Of a program that the kernel refused, the words that it is about. */
static bool is_asked(const struct explain_program *of, const struct explain_part *part)
{
	return !of->blamed || of->blamed == part;
}

static void print_program(struct page *p, const struct explain_program *of)
{
	bool any = false;

	for (size_t i = 0; i < of->nparts; i++)
		any |= explain_shows(p->x, &of->parts[i], p->o);
	if (!any || !explain_shows_program(p->x, of, p->o))
		return;
	fprintf(p->out, "PROGRAM %zu  %s  (%s:%u)\n", of - p->x->programs + 1,
		of->image->point, of->file, of->line);
	print_wrapped(p, 2, "runs   ",
		      arena_printf(p->a, "%s%s", of->when,
				   of->info->nsites > 1
					   ? arena_printf(p->a, "; at %zu places",
							  of->info->nsites)
					   : ""));
	print_wrapped(p, 2, "type   ",
		      arena_printf(p->a, "%s%s, section %s", of->type,
				   of->image->sleepable ? ", may sleep" : "",
				   of->section));
	if (*of->context)
		print_wrapped(p, 2, "context", of->context);
	print_sizes(p, of);
	if (of->complaint)
		print_complaint(p, of);
	fputc('\n', p->out);
	for (size_t i = 0; i < of->nparts; i++)
		if (explain_shows(p->x, &of->parts[i], p->o) &&
		    is_asked(of, &of->parts[i]))
			print_part(p, of, &of->parts[i]);
}

static void print_uses(const struct page *p, const char *label,
		       const struct explain_map *m, const struct explain_uses *u)
{
	const char *text = explain_uses_text(p->a, m, u);

	if (*text)
		print_wrapped(p, 2, label, text);
}

static void print_map(const struct page *p, const struct explain_map *m)
{
	const char *memory =
		m->memory
			? arena_printf(p->a, ", %" PRIu64 " bytes of memory", m->memory)
			: "";

	fprintf(p->out, "MAP  %s  %s%s\n", m->name, m->type, memory);
	print_wrapped(p, 2, "", m->purpose);
	if (m->info) {
		print_wrapped(p, 2, "key    ",
			      arena_printf(p->a, "%s; %u bytes", m->key, m->key_bytes));
		print_wrapped(p, 2, "value  ",
			      arena_printf(p->a, "%s; %u bytes; up to %u %s", m->value,
					   m->value_bytes, m->entries,
					   m->entries == 1 ? "entry" : "entries"));
		print_uses(p, "written", m, &m->writers);
		print_uses(p, "read   ", m, &m->readers);
		if (m->others)
			print_wrapped(p, 2, "also   ", m->others);
	}
	fputc('\n', p->out);
}

static void print_source(const struct page *p)
{
	const struct source *s = p->x->cc->source;
	struct column c = { .width = p->width };

	for (uint32_t i = 0; i < s->nlines; i++) {
		uint32_t begin = s->line_start[i];
		struct span line = source_line(s, begin);

		if (p->o->line && p->o->line != i + 1)
			continue;
		if (begin >= s->files[0].text.end)
			break;
		add_wrapped(p->a, &c, 0, 7,
			    arena_printf(p->a, "%5u  %.*s", i + 1,
					 (int)(line.end - line.begin),
					 s->text + line.begin));
	}
	print_columns(p, &c, 1);
	fputc('\n', p->out);
}

/* Nobody reads thousands of lines: of a long program what was asked for is shown in full. */
static bool wants_overview(const struct explanation *x, const struct explain_options *o)
{
	size_t parts = 0;

	for (size_t i = 0; i < x->nprograms; i++)
		parts += x->programs[i].nparts;
	return !o->full && !o->line && !o->program && parts > PARTS_MAX;
}

static void write_text(const struct explanation *x, const struct explain_options *o,
		       FILE *out)
{
	struct page p = {
		.x = x,
		.o = o,
		.out = out,
		.a = x->cc->arena,
		.width = o->width < WIDTH_MIN ? WIDTH_MIN : o->width,
		.wide = o->width >= WIDE_MIN,
	};

	if (wants_overview(x, o)) {
		if (x->without)
			print_without(&p);
		explain_overview(x, o, out);
		return;
	}
	print_source(&p);
	if (x->without)
		print_without(&p);
	for (size_t i = 0; i < x->nprograms; i++)
		print_program(&p, &x->programs[i]);
	if (!o->line && !o->program) {
		for (size_t i = 0; i < x->maps.n; i++)
			print_map(&p, &x->maps.items[i]);
		fputs("WHEN\n", out);
		for (size_t i = 0; i < x->moments.n; i++)
			print_wrapped(&p, 2, x->moments.items[i].where,
				      x->moments.items[i].what);
	}
	if (x->kernel)
		print_wrapped(&p, 0, "\nKERNEL", x->kernel);
}

/* The script's text is in it, which may have come from anywhere. */
void explain_text(const struct explanation *x, const struct explain_options *o,
		  FILE *out)
{
	char *text;
	size_t size;
	FILE *whole = open_memstream(&text, &size);

	if (!whole)
		abort();
	write_text(x, o, whole);
	fclose(whole);
	for (const char *line = text, *end; *line; line = end + (*end == '\n')) {
		end = strchrnul(line, '\n');
		excerpt_text(out, line, (size_t)(end - line));
		fputc('\n', out);
	}
	free(text);
}
