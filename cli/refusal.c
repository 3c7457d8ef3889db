#include "cli/refusal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/options.h"
#include "cli/pipeline.h"
#include "cli/report.h"
#include "codegen/explained.h"
#include "codegen/image.h"
#include "core/arena.h"
#include "core/compile.h"
#include "core/excerpt.h"
#include "runtime/verifier.h"

/*
 * Which instruction comes from which words is only known of programs that were compiled
 * to be explained: so it is compiled once more. NULL: it is not the same any more, since
 * the machine has changed meanwhile.
 */
static struct compile *compile_again(const struct compile *first)
{
	struct compile_options options = first->options;
	const struct source_file *file = &first->source->files[0];
	struct compile *cc;

	options.explain = options.keep_ir = true;
	cc = compile_new(first->target, &options);
	cc->source = source_new(cc->arena, file->name,
				first->source->text + file->text.begin,
				file->text.end - file->text.begin);
	if (compile_until(cc, NULL, NULL) && cc->image && cc->image->explained &&
	    cc->image->nprograms == first->image->nprograms)
		return cc;
	compile_free(cc);
	return NULL;
}

/* The construct of an instruction or, as some belong to none, of the one before it. */
static uint32_t find_construct(const struct code_function *f, uint32_t index)
{
	uint32_t found = CONSTRUCT_NONE;

	for (size_t i = 0; i < f->n && f->insns[i].index <= index; i++)
		if (f->insns[i].construct != CONSTRUCT_NONE)
			found = f->insns[i].construct;
	return found;
}

/* The words that the refused instruction was made for, or SPAN_NOWHERE. */
static struct span find_words(const struct compile *cc, const struct refusal *r)
{
	const struct explained *x = cc->image->explained;
	uint32_t sought = (uint32_t)r->verdict.insn, found = CONSTRUCT_NONE;
	struct code_layout l;

	if (r->verdict.insn < 0 || r->program >= x->nfunctions)
		return SPAN_NOWHERE;
	code_layout(cc->arena, x, r->program, &l);
	for (size_t i = 0; i < l.n; i++) {
		const struct code_function *f = &x->functions[l.order[i]];
		uint32_t at = l.at[l.order[i]];

		if (sought >= at && sought - at < f->units)
			found = find_construct(f, sought - at);
	}
	return found == CONSTRUCT_NONE ? SPAN_NOWHERE : x->constructs[found].span;
}

static void tell_place(const struct compile *cc, const struct refusal *r)
{
	const struct image_program *p = &r->image->programs[r->program];
	const bool color = isatty(STDERR_FILENO) && !getenv("NO_COLOR");
	struct span at = cc ? find_words(cc, r) : SPAN_NOWHERE;
	struct place found = { .name = p->file, .line = p->line };

	if (at.begin != UINT32_MAX)
		found = source_place(cc->source, at.begin);
	fprintf(stderr, "memql: %s:%u:", found.name, found.line);
	if (found.column)
		fprintf(stderr, "%u:", found.column);
	fprintf(stderr, " the kernel's verifier refuses the program of %s\n", p->point);
	if (at.begin != UINT32_MAX)
		excerpt(stderr, cc->source, at, color ? "\033[1;32m" : "",
			color ? "\033[0m" : "");
}

static void tell_meaning(const struct refusal *r, const struct verifier_row *row)
{
	if (r->verdict.len)
		fprintf(stderr, "  verifier: %.*s\n", (int)r->verdict.len,
			r->verdict.sentence);
	else
		fprintf(stderr, "  verifier: (no words, only the error) %s\n",
			strerror(-r->err));
	if (row)
		fprintf(stderr, "  means: %s\n", row->means);
	if (row && row->advice)
		fprintf(stderr, "  hint: %s\n", row->advice);
}

static void tell_report(const struct options *o, const struct refusal *r,
			const struct compile *cc, const struct compile *first)
{
	const struct report report = { .refusal = r,
				       .source = first->source,
				       .bpf = cc ? cc->image->bpf : NULL };
	int err;

	if (!o->report) {
		fputs("  To report it, run the same with --report=FILE: the file gets the "
		      "program, what\n  memql made of it, what this machine can do, and the "
		      "verifier's log.\n",
		      stderr);
		return;
	}
	err = report_write(o->report, &report);
	if (err)
		fprintf(stderr, "memql: --report %s: %s\n", o->report, strerror(-err));
	else
		fprintf(stderr,
			"  %s has all that a report needs. It holds the program's text and "
			"the command\n  line: look at it before you send it.\n",
			o->report);
}

static void tell_cause(const struct verifier_row *row)
{
	static const char *const texts[] = {
		[CAUSE_MEMQL] = "This is a bug in memql, not a mistake in the program.",
		[CAUSE_SIZE] = "If the program is small, this is a bug in memql.",
		[CAUSE_KERNEL] = "memql should have said so before: that is a bug.",
	};

	fprintf(stderr, "  %s\n", texts[row ? row->cause : CAUSE_MEMQL]);
}

void refusal_tell(const struct refusal *r, void *arg)
{
	const struct refusal_context *c = arg;
	const struct verifier_row *row =
		verifier_explain(r->verdict.sentence, r->verdict.len);
	struct compile *cc = compile_again(c->cc);

	tell_place(cc, r);
	tell_meaning(r, row);
	if (c->cc->options.without)
		fprintf(stderr,
			"  MEMQL_BREAK=%s built it wrong on purpose. Otherwise:\n",
			c->cc->options.without);
	tell_cause(row);
	tell_report(c->options, r, cc, c->cc);
	if (cc)
		compile_free(cc);
}
