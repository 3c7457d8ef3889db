/*
 * As a page: one file that needs nothing else. The source is on the left, what belongs to
 * the words beside it; pointing at either marks the other, a click keeps it. Printed, all of
 * it follows each other.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/image.h"
#include "core/arena.h"
#include "core/compile.h"
#include "explain/explain.h"
#include "probes/probe.h"
#include "runtime/sink.h"

struct html {
	const struct explanation *x;
	const struct explain_options *o;
	struct arena *a;
	FILE *out;
};

static const char head[] =
	"<!DOCTYPE html>\n"
	"<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<title>memql explain</title>\n"
	"<style>\n"
	":root{color-scheme:light dark;--mark:#fff3b0;--edge:#bbb;--soft:#666;--bad:#b00020}\n"
	"@media(prefers-color-scheme:dark){:root{--mark:#5a4c00;--edge:#555;--soft:#aaa;"
	"--bad:#ff8a80}}\n"
	"body{margin:0;font:15px/1.45 system-ui,sans-serif}\n"
	"pre,code,.bpf,.ir{font:13px/1.4 ui-monospace,monospace}\n"
	"header{padding:.6em 1em;border-bottom:1px solid var(--edge)}\n"
	"main{display:grid;grid-template-columns:minmax(20em,2fr) 3fr}\n"
	"#source{position:sticky;top:0;align-self:start;max-height:100vh;overflow:auto;"
	"padding:1em}\n"
	"#source pre{margin:0;white-space:pre-wrap;overflow-wrap:anywhere;tab-size:4}\n"
	"#layers{padding:1em;border-left:1px solid var(--edge);min-width:0}\n"
	".ir,.why,h2,h3{overflow-wrap:anywhere}\n"
	".n{color:var(--soft);user-select:none}\n"
	"[data-part]{cursor:pointer;border-radius:3px}\n"
	".part{border:1px solid var(--edge);padding:.5em .8em;margin:.6em 0;break-inside:avoid}\n"
	".hover{outline:2px solid #f0b400}\n"
	".picked{background:var(--mark)}\n"
	".part h3{margin:0;font:600 13px/1.4 ui-monospace,monospace;white-space:pre-wrap}\n"
	".why{margin:.2em 0;padding-left:1.2em;text-indent:-1.2em}\n"
	".why b{color:var(--soft);font-weight:600}\n"
	"table{border-collapse:collapse}td,th{padding:0 .7em 0 0;vertical-align:top;"
	"text-align:left;overflow-wrap:anywhere}\n"
	"td:first-child,.bpf td:nth-child(2),th,.option{white-space:nowrap}\n"
	".contents td:first-child{white-space:normal}\n"
	".state{color:var(--soft)}.bad{color:var(--bad);font-weight:600}\n"
	"summary{cursor:pointer;color:var(--soft)}\n"
	"@media(max-width:60em){main{display:block}#source{position:static}}\n"
	"@media print{main{display:block}#source{position:static;max-height:none}"
	"#layers{border:0}.picked{background:none}details>*{display:block}}\n"
	"</style></head><body>\n";

/*
 * A construct has one number wherever it stands. Before printing, all that is folded is
 * opened.
 */
static const char script[] =
	"<script>\n"
	"const all=id=>document.querySelectorAll('[data-part=\"'+id+'\"]');\n"
	"const mark=(id,name,on)=>all(id).forEach(e=>e.classList.toggle(name,on));\n"
	"let picked=null;\n"
	"function pick(id,from){\n"
	"  if(picked)mark(picked,'picked',false);\n"
	"  picked=picked===id?null:id;\n"
	"  if(!picked)return;\n"
	"  mark(id,'picked',true);\n"
	"  for(const e of all(id))\n"
	"    if(e.closest('#source')!==from.closest('#source')){\n"
	"      e.scrollIntoView({block:'nearest'});break}\n"
	"}\n"
	"for(const e of document.querySelectorAll('[data-part]')){\n"
	"  const id=e.dataset.part;\n"
	"  e.addEventListener('mouseover',v=>{v.stopPropagation();mark(id,'hover',true)});\n"
	"  e.addEventListener('mouseout',v=>{v.stopPropagation();mark(id,'hover',false)});\n"
	"  e.addEventListener('click',v=>{\n"
	"    if(v.target.closest('summary'))return;\n"
	"    v.stopPropagation();pick(id,e)});\n"
	"}\n"
	"addEventListener('beforeprint',()=>document.querySelectorAll('details')"
	".forEach(d=>d.open=true));\n"
	"</script>\n";

/* Bytes of no character, which scripts and names may hold, are U+FFFD each. */
static void text_n(FILE *out, const char *text, size_t n)
{
	for (size_t i = 0, len; i < n; i += len) {
		len = text_utf8(text + i, n - i);
		if (!len) {
			fputs("&#xfffd;", out);
			len = 1;
			continue;
		}
		switch (text[i]) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fwrite(text + i, 1, len, out);
			break;
		}
	}
}

static void text(FILE *out, const char *s)
{
	text_n(out, s, strlen(s));
}

static bool same_span(struct span a, struct span b)
{
	return a.begin == b.begin && a.end == b.end;
}

/* The number of a construct: that of the first part with its words. */
static size_t number_of(const struct explanation *x, struct span span)
{
	size_t n = 0;

	for (size_t i = 0; i < x->nprograms; i++)
		for (size_t k = 0; k < x->programs[i].nparts; k++, n++)
			if (same_span(x->programs[i].parts[k].span, span))
				return n;
	return n;
}

/* The parts that begin at a place, the widest first; each span once. */
static size_t begin_at(const struct html *h, uint32_t at, struct span *out, size_t max)
{
	const struct explanation *x = h->x;
	size_t n = 0;

	for (size_t i = 0; i < x->nprograms; i++)
		for (size_t k = 0; k < x->programs[i].nparts; k++) {
			const struct span span = x->programs[i].parts[k].span;
			size_t to = 0;
			bool known = span.begin != at || span.end <= at;

			for (size_t j = 0; j < n; j++)
				known |= same_span(out[j], span);
			if (known || n == max)
				continue;
			while (to < n && out[to].end >= span.end)
				to++;
			memmove(out + to + 1, out + to, (n - to) * sizeof(*out));
			out[to] = span;
			n++;
		}
	return n;
}

enum { OPEN_MAX = 64 };

/* The program's text, its constructs as elements in each other. */
static void source(const struct html *h)
{
	const struct source *s = h->x->cc->source;
	struct span open[OPEN_MAX], begin[OPEN_MAX];
	const uint32_t end = s->files[0].text.end;
	size_t depth = 0, n;
	uint32_t line = 1, len;

	fprintf(h->out, "<div id=\"source\"><pre><span class=\"n\">%4u  </span>", line);
	for (uint32_t at = 0; at < end; at += len) {
		while (depth && open[depth - 1].end <= at) {
			fputs("</span>", h->out);
			depth--;
		}
		n = begin_at(h, at, begin, OPEN_MAX);
		for (size_t i = 0; i < n && depth < OPEN_MAX; i++) {
			/* Elements cannot cross: what does is left to the outer one. */
			if (depth && begin[i].end > open[depth - 1].end)
				continue;
			fprintf(h->out, "<span data-part=\"%zu\">",
				number_of(h->x, begin[i]));
			open[depth++] = begin[i];
		}
		len = (uint32_t)text_utf8(&s->text[at], end - at);
		len = len ? len : 1;
		if (s->text[at] == '\t') /* what is before it is no part of the line */
			fputs("    ", h->out);
		else
			text_n(h->out, &s->text[at], len);
		if (s->text[at] == '\n' && at + 1 < end)
			fprintf(h->out, "<span class=\"n\">%4u  </span>", ++line);
	}
	while (depth--)
		fputs("</span>", h->out);
	fputs("</pre></div>\n", h->out);
}

static void row(const struct html *h, const char *name, const char *value)
{
	fputs("<tr><td>", h->out);
	text(h->out, name);
	fputs("</td><td>", h->out);
	text(h->out, value);
	fputs("</td></tr>\n", h->out);
}

static void whys(const struct html *h, const struct explain_part *p)
{
	for (size_t i = 0; i < p->nwhys; i++) {
		const struct why_row *why = &why_rows[p->whys[i]];

		fputs("<p class=\"why\"><b>why</b> ", h->out);
		text(h->out, why->why);
		if (why->breakable)
			fprintf(h->out, " <code class=\"option\">--without %s</code>",
				why->name);
		fputs("</p>\n", h->out);
	}
}

static void helpers(const struct html *h, const struct explain_part *p)
{
	size_t n;
	const struct helper_row **rows = explain_helpers(h->a, p, &n);

	for (size_t i = 0; i < n; i++) {
		fputs("<p class=\"why\"><b>calls</b> <code>", h->out);
		text(h->out, rows[i]->prototype);
		fprintf(h->out, "</code> %s, since Linux %s</p>\n",
			explain_helper_number(h->a, rows[i]), rows[i]->since);
	}
}

static void price(const struct html *h, const struct explain_program *of,
		  const struct explain_part *p)
{
	if (p->price) {
		fputs("<p class=\"why\"><b>price</b> ", h->out);
		text(h->out, p->price);
		fputs("</p>\n", h->out);
	}
	if (h->x->seconds > 0 && of->runs && p->ninsns)
		fprintf(h->out,
			"<p class=\"why\"><b>share</b> %.0f %% of the %" PRIu64
			" ns of an event</p>\n",
			100 * explain_share(of, p), of->run_ns / of->runs);
}

static void insns(const struct html *h, const struct explain_part *p)
{
	if (p->nir) {
		fputs("<details open><summary>LLVM IR</summary><div class=\"ir\">",
		      h->out);
		for (size_t i = 0; i < p->nir; i++) {
			text(h->out, p->ir[i]->text);
			fputs("<br>\n", h->out);
		}
		fputs("</div></details>\n", h->out);
	}
	if (!p->ninsns)
		return;
	fputs("<details open><summary>BPF</summary><table class=\"bpf\">\n", h->out);
	for (size_t i = 0; i < p->ninsns; i++) {
		fprintf(h->out, "<tr><td class=\"n\">%u</td><td>",
			p->insns[i].insn->index);
		text(h->out, p->insns[i].insn->text);
		fputs("</td><td class=\"state\">", h->out);
		text(h->out, p->insns[i].state ? p->insns[i].state : "");
		fputs("</td></tr>\n", h->out);
	}
	fputs("</table></details>\n", h->out);
}

static void part(const struct html *h, const struct explain_program *of,
		 const struct explain_part *p)
{
	unsigned depth = p->depth < 8 ? p->depth : 8;

	fprintf(h->out,
		"<section class=\"part\" data-part=\"%zu\" style=\"margin-left:%uem\">\n"
		"<h3><span class=\"n\">",
		number_of(h->x, p->span), depth);
	text(h->out, explain_place(h->x, p->file, p->line));
	fprintf(h->out, ":%u</span> ", p->column);
	text(h->out, p->source);
	fputs("</h3>\n<div>", h->out);
	text(h->out, p->meaning);
	fputs("</div>\n", h->out);
	whys(h, p);
	helpers(h, p);
	price(h, of, p);
	insns(h, p);
	fputs("</section>\n", h->out);
}

static void sizes(const struct html *h, const struct explain_program *p)
{
	row(h, "size",
	    arena_printf(h->a, "%u instructions; %u of 512 bytes of stack", p->insns,
			 p->stack));
	if (p->loaded)
		row(h, "kernel",
		    arena_printf(
			    h->a,
			    "%u instructions once it has rewritten it, %u bytes of "
			    "machine code, %u instructions followed by the verifier, "
			    "%u bytes of stack",
			    p->kernel_insns, p->jit_bytes, p->verified,
			    p->kernel_stack));
	row(h, "price", explain_price_text(h->x, p));
	if (p->complaint) {
		fputs("<tr class=\"bad\"><td>refused</td><td>", h->out);
		text(h->out, p->complaint);
		fputs("</td></tr>\n", h->out);
		if (p->means)
			row(h, "means", p->means);
	}
}

static size_t number_of_program(const struct html *h, const struct explain_program *p)
{
	return (size_t)(p - h->x->programs) + 1;
}

/* What there is, with what leads there. */
static void contents(const struct html *h)
{
	fputs("<table class=\"contents\"><tr><th>program</th><th>line</th><th>size</th>"
	      "<th>stack</th><th>estimate</th></tr>\n",
	      h->out);
	for (size_t i = 0; i < h->x->nprograms; i++) {
		const struct explain_program *p = &h->x->programs[i];

		if (!explain_shows_program(h->x, p, h->o))
			continue;
		fprintf(h->out, "<tr><td><a href=\"#program%zu\">",
			number_of_program(h, p));
		text(h->out, p->image->point);
		fputs("</a></td><td>", h->out);
		text(h->out, explain_short(explain_place(h->x, p->file, p->line)));
		fprintf(h->out, "</td><td>%u</td><td>%u</td><td>", p->insns, p->stack);
		text(h->out, p->complaint ? "refused" : explain_range(h->a, &p->price));
		fputs("</td></tr>\n", h->out);
	}
	fputs("</table>\n", h->out);
}

static void program(const struct html *h, const struct explain_program *p)
{
	fprintf(h->out, "<h2 id=\"program%zu\">", number_of_program(h, p));
	text(h->out, p->image->point);
	fputs("</h2>\n<table>\n", h->out);
	row(h, "runs", p->when);
	row(h, "type",
	    arena_printf(h->a, "%s%s, section %s", p->type,
			 p->image->sleepable ? ", may sleep" : "", p->section));
	if (*p->context)
		row(h, "context", p->context);
	sizes(h, p);
	fputs("</table>\n", h->out);
	for (size_t i = 0; i < p->nparts; i++)
		if (explain_shows(h->x, &p->parts[i], h->o))
			part(h, p, &p->parts[i]);
}

static void uses(const struct html *h, const char *name, const struct explain_map *m,
		 const struct explain_uses *u)
{
	const char *value = explain_uses_text(h->a, m, u);

	if (*value)
		row(h, name, value);
}

static void map(const struct html *h, const struct explain_map *m)
{
	fputs("<h3>", h->out);
	text(h->out, m->name);
	fputs("</h3>\n<table>\n", h->out);
	row(h, "type", arena_printf(h->a, "%s: %s", m->type, m->purpose));
	if (m->info) {
		row(h, "key", arena_printf(h->a, "%s; %u bytes", m->key, m->key_bytes));
		row(h, "value",
		    arena_printf(h->a, "%s; %u bytes; up to %u", m->value,
				 m->value_bytes, m->entries));
		uses(h, "written", m, &m->writers);
		uses(h, "read", m, &m->readers);
		if (m->others)
			row(h, "also", m->others);
	}
	if (m->memory)
		row(h, "memory", arena_printf(h->a, "%" PRIu64 " bytes", m->memory));
	fputs("</table>\n", h->out);
}

void explain_html(const struct explanation *x, const struct explain_options *o,
		  FILE *out)
{
	const struct html h = { .x = x, .o = o, .a = x->cc->arena, .out = out };

	fputs(head, out);
	fputs("<header><b>memql explain</b> ", out);
	text(out, x->cc->source->name);
	if (x->without) {
		fputs(" <span class=\"bad\">without ", out);
		text(out, x->without);
		fputs("</span>", out);
	}
	if (x->kernel) {
		fputs("<br>kernel: ", out);
		text(out, x->kernel);
	}
	fputs("</header>\n<main>\n", out);
	source(&h);
	fputs("<div id=\"layers\">\n", out);
	contents(&h);
	for (size_t i = 0; i < x->nprograms; i++)
		if (explain_shows_program(x, &x->programs[i], o))
			program(&h, &x->programs[i]);
	fputs("<h2>Maps</h2>\n", out);
	for (size_t i = 0; i < x->maps.n; i++)
		map(&h, &x->maps.items[i]);
	fputs("<h2>When</h2>\n<table>\n", out);
	for (size_t i = 0; i < x->moments.n; i++)
		row(&h, x->moments.items[i].where, x->moments.items[i].what);
	fputs("</table>\n</div>\n</main>\n", out);
	fputs(script, out);
	fputs("</body></html>\n", out);
}
