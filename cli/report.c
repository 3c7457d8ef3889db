#include "cli/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "codegen/image.h"
#include "core/source.h"
#include "runtime/about.h"
#include "runtime/features.h"
#include "runtime/verifier.h"

enum { LOG_MAX = 1 << 20 }; /* bytes of the log's end: it may have millions of lines */

static void write_command(FILE *out)
{
	char words[4096];
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, words, sizeof(words)) : 0;

	if (fd >= 0)
		close(fd);
	fputs("\n== command\n", out);
	for (const char *p = words; p < words + n;
	     p += strnlen(p, (size_t)(words + n - p)) + 1)
		fprintf(out, "%.*s\n", (int)(words + n - p), p);
}

static void write_machine(FILE *out)
{
	static const char *const marks[] = {
		[FEATURE_IS_ABSENT] = "no",
		[FEATURE_IS_PRESENT] = "ok",
		[FEATURE_IS_UNKNOWN] = "?",
	};
	struct about a;

	about_fill(&a);
	fprintf(out, "memql %s (LLVM %s, libbpf %s)\nLinux %s %s %s\n\n== features\n",
		a.memql, a.llvm, a.libbpf, a.kernel, a.arch, a.build);
	for (unsigned i = 0; i < FEATURE_COUNT; i++) {
		const struct feature_answer f = feature_ask((enum feature)i);

		fprintf(out, "%-3s %s%s%s\n", marks[f.state],
			feature_row((enum feature)i)->name, f.why ? ": " : "",
			f.why ? f.why : "");
	}
}

static void write_program(const struct report *r, FILE *out)
{
	const struct source *s = r->source;

	for (size_t i = 0; i < s->nfiles; i++) {
		const struct source_file *f = &s->files[i];

		fprintf(out, "\n== program %s\n%.*s\n", f->name,
			(int)(f->text.end - f->text.begin), s->text + f->text.begin);
	}
	if (r->bpf)
		fprintf(out, "\n== instructions\n%s", r->bpf);
}

static void write_log(const struct refusal *r, FILE *out)
{
	const struct image_program *p = &r->image->programs[r->program];
	size_t len = strlen(r->log), skip = len > LOG_MAX ? len - LOG_MAX : 0;

	fprintf(out, "\n== refused\n%s, %s, line %u: %s\n%.*s\n\n== log\n", p->symbol,
		p->point, p->line, strerror(-r->err), (int)r->verdict.len,
		r->verdict.sentence);
	if (skip)
		fprintf(out, "(%zu bytes are left out)\n", skip);
	fputs(r->log + skip, out);
}

int report_write(const char *path, const struct report *r)
{
	FILE *out = fopen(path, "we");
	int err = 0;

	if (!out)
		return -errno;
	write_machine(out);
	write_command(out);
	write_program(r, out);
	write_log(r->refusal, out);
	if (ferror(out))
		err = -EIO;
	if (fclose(out) && !err)
		err = -errno;
	return err;
}
