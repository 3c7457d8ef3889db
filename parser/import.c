/*
 * import "path": the file's definitions and clauses stand before those of the file that
 * imports it. Each file is read once, whoever imports it, so that circles and diamonds do
 * no harm. A path is relative to the file that it is written in.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/arena.h"
#include "core/diag.h"
#include "parser/build.h"

enum {
	MAX_DEPTH = 50, /* files that import files */
	MAX_FILES = 1000,
};

/* A file that was read, or is being read. */
struct seen {
	dev_t dev;
	ino_t ino;
};

struct imports {
	struct {
		struct seen *items;
		size_t n, cap;
	} seen;
	unsigned depth;
};

static bool see(struct parser *p, const struct stat *st)
{
	struct imports *i = p->imports;

	for (size_t k = 0; k < i->seen.n; k++) {
		if (i->seen.items[k].dev == st->st_dev &&
		    i->seen.items[k].ino == st->st_ino)
			return false;
	}
	ARENA_PUSH(p->arena, &i->seen, ((struct seen){ st->st_dev, st->st_ino }));
	return true;
}

/* What was read already, be it the program's own file, is not read again. */
static void start(struct parser *p)
{
	const struct source *s = p->cc->source;
	struct stat st;

	p->imports = ARENA_NEW(p->arena, struct imports);
	for (size_t i = 0; i < s->nfiles; i++) {
		if (stat(s->files[i].name, &st) == 0 && S_ISREG(st.st_mode))
			see(p, &st);
	}
}

static bool ends_with(const char *text, const char *end)
{
	const size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

/* Relative to the file that names it. */
static const char *resolve_path(struct parser *p, const char *path)
{
	const char *slash = strrchr(p->file, '/');

	if (*path == '/' || !slash)
		return path;
	return arena_printf(p->arena, "%.*s/%s", (int)(slash - p->file), p->file, path);
}

static void failed(struct parser *p, struct span at, const char *path, const char *why)
{
	diag(p->cc, DIAG_bad_import, at, "cannot import '%s': %s", path, why);
}

static void import_text(struct parser *p, struct span at, const char *path)
{
	const struct source *file, *all;
	int err;

	if (p->imports->seen.n > MAX_FILES || p->imports->depth == MAX_DEPTH) {
		failed(p, at, path, "too many files");
		return;
	}
	err = source_read(p->arena, path, &file);
	if (err) {
		failed(p, at, path, err == -EILSEQ ? "it is no text" : strerror(-err));
		return;
	}
	all = source_add(p->arena, p->cc->source, file);
	if (!all) {
		failed(p, at, path, "the program becomes too long");
		return;
	}
	p->cc->source = all;
	p->imports->depth++;
	parse_file(p, &all->files[all->nfiles - 1]);
	p->imports->depth--;
}

static int is_program(const struct dirent *d)
{
	return d->d_name[0] != '.' &&
	       (ends_with(d->d_name, ".mq") || ends_with(d->d_name, ".bt"));
}

static void import_path(struct parser *p, struct span at, const char *path,
			bool in_folder);

static void import_folder(struct parser *p, struct span at, const char *path)
{
	struct dirent **entries = NULL;
	int n = scandir(path, &entries, is_program, alphasort);

	if (n < 0)
		failed(p, at, path, strerror(errno));
	else if (n == 0)
		failed(p, at, path, "no .mq or .bt is in it");
	for (int i = 0; i < n; i++) {
		import_path(p, at,
			    arena_printf(p->arena, "%s/%s", path, entries[i]->d_name),
			    true);
		free(entries[i]);
	}
	free(entries);
}

static void import_path(struct parser *p, struct span at, const char *path,
			bool in_folder)
{
	struct stat st;

	if (stat(path, &st) < 0)
		failed(p, at, path, strerror(errno));
	else if (S_ISDIR(st.st_mode) && !in_folder)
		import_folder(p, at, path);
	else if (!S_ISREG(st.st_mode))
		failed(p, at, path, "it is no file");
	else if (see(p, &st))
		import_text(p, at, path);
}

void import(struct parser *p, struct span at, const struct lexeme *path)
{
	if (!p->imports)
		start(p);
	if (p->has_clauses) {
		diag(p->cc, DIAG_syntax, at,
		     "'import' must come before the first probe");
		return;
	}
	if (strlen(path->text) != path->len || path->len == 0) {
		failed(p, at, path->text, "this is no path");
		return;
	}
	if (ends_with(path->text, ".h") || ends_with(path->text, ".c") ||
	    ends_with(path->text, ".o")) {
		diag(p->cc, DIAG_bad_import, at, "'%s': importing C is not in memql",
		     path->text);
		diag_hint(p->cc, "types come from the kernel's BTF, or are written "
				 "like this: struct name { int x; };");
		return;
	}
	import_path(p, at, resolve_path(p, path->text), false);
}

bool parse_packs(struct compile *cc, const char *folder)
{
	struct parser p = parser_for(cc);

	p.is_pack = true;
	cc->ast->packs = cc->source->len;
	start(&p);
	import_path(&p, SPAN_NOWHERE, folder, false);
	return diag_ok(cc);
}
