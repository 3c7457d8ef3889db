#include "cli/doctor.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/list_events.h"
#include "cli/options.h"
#include "cli/script.h"
#include "core/arena.h"
#include "core/compile.h"
#include "runtime/about.h"
#include "runtime/features.h"
#include "runtime/sink.h"

enum { WIDTH = 80, INDENT = 8 };

struct engine_found {
	const char *name, *path;
};

struct findings {
	struct about about;
	struct feature_answer answers[FEATURE_COUNT];
	size_t absent, unknown;
	bool runs; /* nothing is missing that nothing works without */
	const char *packs;
	struct {
		struct engine_found *items;
		size_t n, cap;
	} engines;
	struct arena *arena; /* the compilation's */
};

static void add_engine(const char *name, const char *path, void *arg)
{
	struct findings *f = arg;
	struct engine_found e = { arena_strdup(f->arena, name),
				  arena_strdup(f->arena, path) };

	ARENA_PUSH(f->arena, &f->engines, e);
}

static void ask_all(struct findings *f)
{
	f->runs = true;
	for (unsigned i = 0; i < FEATURE_COUNT; i++) {
		f->answers[i] = feature_ask((enum feature)i);
		f->absent += f->answers[i].state == FEATURE_IS_ABSENT;
		f->unknown += f->answers[i].state == FEATURE_IS_UNKNOWN;
		if (feature_row((enum feature)i)->need == NEED_REQUIRED)
			f->runs &= f->answers[i].state == FEATURE_IS_PRESENT;
	}
}

/* Text. */

/* Words of a text from column INDENT + label on, in lines that fit a terminal. */
static void print_wrapped(const char *label, const char *text, FILE *out)
{
	size_t left = INDENT + strlen(label) + 2, column = left;

	fprintf(out, "%*s%s: ", INDENT, "", label);
	while (*text) {
		size_t len = strcspn(text, " ");

		if (column > left && column + 1 + len > WIDTH) {
			fprintf(out, "\n%*s", (int)left, "");
			column = left;
		}
		if (column > left) {
			fputc(' ', out);
			column++;
		}
		fwrite(text, 1, len, out);
		column += len;
		text += len + (text[len] == ' ');
	}
	fputc('\n', out);
}

static void print_feature(const struct findings *f, enum feature i, FILE *out)
{
	static const char *const marks[] = {
		[FEATURE_IS_ABSENT] = "no",
		[FEATURE_IS_PRESENT] = "ok",
		[FEATURE_IS_UNKNOWN] = "?",
	};
	const struct feature_row *row = feature_row(i);
	const struct feature_answer *a = &f->answers[i];

	fprintf(out, "  %-3s %-17s %s\n", marks[a->state], row->name, row->use);
	if (a->state != FEATURE_IS_ABSENT)
		return;
	print_wrapped("why", a->why, out);
	print_wrapped("without", row->without, out);
	if (*row->fix)
		print_wrapped("fix", row->fix, out);
}

static void print_databases(const struct findings *f, FILE *out)
{
	fputs("\nDatabases\n", out);
	if (!f->packs)
		fputs("  no  packs             none found: set MEMQL_SCRIPTS to the folder "
		      "scripts\n",
		      out);
	else
		fprintf(out, "  ok  packs             %s\n", f->packs);
	for (size_t i = 0; i < f->engines.n; i++)
		fprintf(out, "  ok  %-17s %s\n", f->engines.items[i].name,
			f->engines.items[i].path);
	if (f->packs && !f->engines.n)
		fprintf(out, "      no engine that they know runs here%s\n",
			geteuid() ? " as this user" : "");
}

static void print_names(const struct findings *f, FILE *out)
{
	size_t column = 0;

	for (unsigned i = 0; i < FEATURE_COUNT; i++) {
		const char *name = feature_row((enum feature)i)->name;

		if (f->answers[i].state != FEATURE_IS_ABSENT)
			continue;
		if (column + strlen(name) + 2 > WIDTH - 2) {
			fputs("\n ", out);
			column = 0;
		}
		column += (size_t)fprintf(out, " %s", name);
	}
	fputc('\n', out);
}

static void print_text(const struct findings *f, FILE *out)
{
	static const char *const titles[] = {
		[GROUP_BASIC] = "Basics",
		[GROUP_PROBES] = "Probes",
		[GROUP_LANGUAGE] = "Language",
		[GROUP_SPEED] = "Speed and comfort",
	};
	const struct about *a = &f->about;

	fprintf(out, "memql %s (LLVM %s, libbpf %s)\nLinux %s %s\n", a->memql, a->llvm,
		a->libbpf + (*a->libbpf == 'v'), a->kernel, a->arch);
	for (unsigned i = 0; i < FEATURE_COUNT; i++) {
		const struct feature_row *row = feature_row((enum feature)i);

		if (i == 0 || feature_row((enum feature)(i - 1))->group != row->group)
			fprintf(out, "\n%s\n", titles[row->group]);
		print_feature(f, (enum feature)i, out);
	}
	print_databases(f, out);
	fprintf(out, "\nmemql %s here", f->runs ? "runs" : "cannot run");
	if (f->unknown)
		fprintf(out, "; what has a ? only root may try: sudo memql doctor");
	fputs(".\n", out);
	if (f->absent) {
		fprintf(out, "Missing, %zu of %d:\n ", f->absent, FEATURE_COUNT);
		print_names(f, out);
	}
}

/* JSON: one object in one line. */

static void add_member(struct text *t, const char *before, const char *name,
		       const char *value)
{
	text_printf(t, "%s\"%s\":", before, name);
	if (value)
		text_add_json(t, value, strlen(value));
	else
		text_printf(t, "null");
}

static void add_feature(struct text *t, const struct findings *f, enum feature i)
{
	static const char *const states[] = {
		[FEATURE_IS_ABSENT] = "no",
		[FEATURE_IS_PRESENT] = "yes",
		[FEATURE_IS_UNKNOWN] = "unknown",
	};
	static const char *const groups[] = {
		[GROUP_BASIC] = "basic",
		[GROUP_PROBES] = "probes",
		[GROUP_LANGUAGE] = "language",
		[GROUP_SPEED] = "speed",
	};
	static const char *const needs[] = {
		[NEED_REQUIRED] = "required",
		[NEED_WANTED] = "wanted",
		[NEED_BONUS] = "bonus",
	};
	const struct feature_row *row = feature_row(i);
	const struct feature_answer *a = &f->answers[i];

	add_member(t, i ? ",{" : "{", "name", row->name);
	add_member(t, ",", "group", groups[row->group]);
	add_member(t, ",", "need", needs[row->need]);
	add_member(t, ",", "state", states[a->state]);
	add_member(t, ",", "use", row->use);
	if (a->state != FEATURE_IS_PRESENT) {
		add_member(t, ",", "why", a->why);
		add_member(t, ",", "without", row->without);
		add_member(t, ",", "fix", *row->fix ? row->fix : NULL);
	}
	text_printf(t, "}");
}

static void print_json(const struct findings *f, FILE *out)
{
	struct text t = { 0 };

	text_printf(&t, "{\"type\":\"doctor\",\"data\":{\"runs\":%s",
		    f->runs ? "true" : "false");
	add_member(&t, ",", "memql", f->about.memql);
	add_member(&t, ",", "llvm", f->about.llvm);
	add_member(&t, ",", "libbpf", f->about.libbpf);
	add_member(&t, ",", "kernel", f->about.kernel);
	add_member(&t, ",", "arch", f->about.arch);
	text_printf(&t, ",\"features\":[");
	for (unsigned i = 0; i < FEATURE_COUNT; i++)
		add_feature(&t, f, (enum feature)i);
	text_printf(&t, "]");
	add_member(&t, ",", "packs", f->packs);
	text_printf(&t, ",\"engines\":[");
	for (size_t i = 0; i < f->engines.n; i++) {
		add_member(&t, i ? ",{" : "{", "name", f->engines.items[i].name);
		add_member(&t, ",", "path", f->engines.items[i].path);
		text_printf(&t, "}");
	}
	text_printf(&t, "]}}\n");
	fwrite(t.bytes, 1, t.len, out);
	text_free(&t);
}

int doctor(const struct target *target, const struct options *o)
{
	const struct compile_options none = { 0 };
	struct compile *cc = compile_new(target, &none);
	struct findings f = { .arena = cc->arena };

	about_fill(&f.about);
	ask_all(&f);
	f.packs = cc->options.packs = script_packs(cc->arena, NULL);
	if (f.packs && engines_resolve(cc))
		engines_each(cc, add_engine, &f);
	if (o->json)
		print_json(&f, stdout);
	else
		print_text(&f, stdout);
	compile_free(cc);
	return f.runs ? EXIT_SUCCESS : EXIT_FAILURE;
}

bool doctor_take(struct options *o)
{
	for (int i = 0; i < o->nargs; i++) {
		if (strcmp(o->args[i], "--json") == 0) {
			o->json = true;
		} else if (strcmp(o->args[i], "--help") == 0) {
			o->help = true;
		} else {
			fprintf(stderr,
				"memql: doctor takes --json, and nothing else: '%s'\n",
				o->args[i]);
			return false;
		}
	}
	return true;
}

void doctor_help(FILE *out)
{
	fputs("memql doctor: what works on this machine, what does not, why, and what to\n"
	      "do about it\n\n"
	      "  --json  one JSON object instead of text\n"
	      "  --help  this text\n\n"
	      "The exit status is 0 if memql can run here at all, else 1. Without root it\n"
	      "tells what it could not check. Nothing that it tries stays behind.\n",
	      out);
}
