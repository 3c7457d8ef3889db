/*
 * Programs that are replaced while they are traced, by an upgrade for example: probes
 * belong to files, and the name is another file's then. Whoever is started from now on is
 * not traced, which is better said than found out.
 */
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "core/arena.h"
#include "runtime/session_state.h"
#include "runtime/sink.h"

enum { SECONDS_BETWEEN = 1 };

struct traced_file {
	const char *path;
	const struct image_program *program; /* the first that has a probe in it */
	dev_t dev;
	ino_t ino;
	bool told;
};

static bool is_known(const struct session *s, const char *path)
{
	for (size_t i = 0; i < s->traced.n; i++)
		if (strcmp(s->traced.items[i].path, path) == 0)
			return true;
	return false;
}

static void remember(struct session *s, const struct image_program *p, const char *path)
{
	struct traced_file file = { .path = path, .program = p };
	struct stat st;

	/* What cannot be asked now is not asked later either. */
	if (is_known(s, path) || stat(path, &st) < 0)
		return;
	file.dev = st.st_dev;
	file.ino = st.st_ino;
	ARENA_PUSH(s->arena, &s->traced, file);
}

void replaced_begin(struct session *s)
{
	for (size_t i = 0; i < s->image->nprograms; i++) {
		const struct image_program *p = &s->image->programs[i];

		/* Sites of a file follow each other. */
		for (size_t j = 0; j < p->nsites; j++) {
			const char *path = p->sites[j].path;

			if (path && (!j || path != p->sites[j - 1].path))
				remember(s, p, path);
		}
	}
}

static void look_at(struct session *s, struct traced_file *file)
{
	struct stat st;
	const char *text;

	/* A file that is gone is nobody's any more; its successor may still come. */
	if (file->told || stat(file->path, &st) < 0)
		return;
	if (st.st_dev == file->dev && st.st_ino == file->ino)
		return;
	file->told = true;
	text = arena_printf(s->arena,
			    "%s was replaced: processes that start from now on are not "
			    "traced; start memql again for them",
			    file->path);
	s->sink->ops->message(s->sink, "replaced_file", "warning", file->program->file,
			      file->program->line, text, strlen(text));
}

void replaced_look(struct session *s)
{
	struct timespec now;

	if (s->no_warnings || !s->traced.n)
		return;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (now.tv_sec < s->traced_next)
		return;
	s->traced_next = now.tv_sec + SECONDS_BETWEEN;
	for (size_t i = 0; i < s->traced.n; i++)
		look_at(s, &s->traced.items[i]);
}
