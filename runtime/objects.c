#include "runtime/objects.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "probes/probe.h"
#include "runtime/libraries.h"
#include "runtime/processes.h"

/* One search; files are known by device and inode, since they have many names. */
struct search {
	const char *object;
	int (*found)(const char *path, void *arg);
	void *arg;
	struct file_id {
		dev_t dev;
		ino_t ino;
	} *seen;
	size_t n, cap;
};

/* True if the file was not reported before; it is now. */
static int first_time(struct search *s, const struct stat *st)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->seen[i].dev == st->st_dev && s->seen[i].ino == st->st_ino)
			return 0;
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 16;
		struct file_id *more = reallocarray(s->seen, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		s->seen = more;
		s->cap = cap;
	}
	s->seen[s->n].dev = st->st_dev;
	s->seen[s->n++].ino = st->st_ino;
	return 1;
}

static int report(struct search *s, const char *path)
{
	struct stat st;
	int fresh;

	if (stat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	fresh = first_time(s, &st);
	return fresh > 0 ? s->found(path, s->arg) : fresh;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Does the attach point's object mean this file of a process? */
static bool object_means(const struct search *s, const char *name)
{
	if (!*s->object || glob_match(s->object, name))
		return true;
	if (strchr(s->object, '/'))
		return false;
	return glob_match(s->object, base_name(name)) ||
	       library_is_called(base_name(name), s->object);
}

static int report_if_meant(const struct process_file *file, void *arg)
{
	struct search *s = arg;
	int err;

	if (!object_means(s, file->name))
		return 0;
	err = report(s, file->path);
	/* Processes come and go, and have files that are not ours to see. */
	return err == -EACCES || err == -EISDIR ? 0 : err;
}

static int in_process(struct search *s, int32_t pid)
{
	char path[PATH_MAX];

	if (!strchr(s->object, '/') || glob_is_pattern(s->object))
		return process_files(pid, report_if_meant, s);
	process_path(pid, s->object, path, sizeof(path));
	return report(s, path);
}

static int on_disk(struct search *s)
{
	glob_t g = { 0 };
	int err = 0;
	size_t i;

	if (glob(s->object, 0, NULL, &g) == 0) {
		for (i = 0; i < g.gl_pathc && !err; i++) {
			err = report(s, g.gl_pathv[i]);
			if (err == -EISDIR || err == -EACCES)
				err = 0;
		}
	}
	globfree(&g);
	return err;
}

/* A program on PATH. */
static bool find_program(const char *name, char *out, size_t size)
{
	const char *path = getenv("PATH"), *end;

	if (!path)
		path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	for (; *path; path = *end ? end + 1 : end) {
		struct stat st;

		end = strchrnul(path, ':');
		snprintf(out, size, "%.*s/%s", (int)(end - path), path, name);
		if (end > path && access(out, X_OK) == 0 && stat(out, &st) == 0 &&
		    S_ISREG(st.st_mode))
			return true;
	}
	return false;
}

/* "PROGRAM//LIBRARY": the library that each process which runs the program has mapped. */
struct mapped_search {
	struct search *s;
	const char *library;
	struct stat program; /* if it is a path and no pattern */
	bool by_inode, past_executable;
};

static int report_library_of(const struct process_file *file, void *arg)
{
	struct mapped_search *m = arg;
	struct stat st;
	int err;

	if (!m->past_executable) {
		m->past_executable = true;
		if (m->by_inode)
			return stat(file->path, &st) < 0 ||
			       st.st_dev != m->program.st_dev ||
			       st.st_ino != m->program.st_ino;
		return !object_means(m->s, file->name);
	}
	if (!library_is_called(base_name(file->name), m->library))
		return 0;
	err = report(m->s, file->path);
	return err == -EACCES || err == -EISDIR ? 0 : err;
}

static int libraries_of(struct search *s, const char *mark, int32_t pid,
			unsigned *nprocesses)
{
	char program[PATH_MAX];
	struct mapped_search m = { .s = s, .library = mark + 2 };
	struct process_walk *walk = pid ? NULL : process_walk_open();
	int err = 0;

	snprintf(program, sizeof(program), "%.*s", (int)(mark - s->object), s->object);
	s->object = program;
	m.by_inode = strchr(program, '/') && !glob_is_pattern(program) &&
		     stat(program, &m.program) == 0;
	if (!pid)
		pid = process_walk_next(walk);
	for (*nprocesses = 0; pid && err >= 0; pid = process_walk_next(walk)) {
		++*nprocesses;
		m.past_executable = false;
		err = process_files(pid, report_library_of, &m);
		/* 1: it runs something else. Others end meanwhile, or are not ours. */
		if (err != -ENOMEM)
			err = 0;
	}
	process_walk_close(walk);
	return err < 0 ? err : 0;
}

/* A word: names that begin as libraries' do are looked up as such first. */
static int by_bare_name(struct search *s, unsigned *nprocesses)
{
	bool library_first = strncmp(s->object, "lib", 3) == 0;
	char path[PATH_MAX];

	if ((library_first && library_find(s->object, path, sizeof(path)) == 0) ||
	    find_program(s->object, path, sizeof(path)) ||
	    library_find(s->object, path, sizeof(path)) == 0)
		return report(s, path);
	if (access(s->object, F_OK) == 0)
		return report(s, s->object);
	/* Servers are often not on PATH, but they run. */
	return processes_executables(report_if_meant, s, nprocesses);
}

static int search(const char *object, int32_t pid,
		  int (*found)(const char *path, void *arg), void *arg,
		  unsigned *nprocesses)
{
	struct search s = { .object = object, .found = found, .arg = arg };
	const char *mark = *object ? strstr(object + 1, "//") : NULL;
	int err;

	if (mark)
		err = libraries_of(&s, mark, pid, nprocesses);
	else if (pid)
		err = in_process(&s, pid);
	else if (!*object)
		err = 0;
	else if (glob_is_pattern(object) && object[0] == '/')
		err = on_disk(&s);
	else if (glob_is_pattern(object))
		err = processes_executables(report_if_meant, &s, nprocesses);
	else if (strchr(object, '/'))
		err = report(&s, object);
	else
		err = by_bare_name(&s, nprocesses);
	free(s.seen);
	return err;
}

enum { NO_PROCESSES = -1 };

/* One object of a process, or of any. */
struct found_object {
	const char *object;
	int32_t pid;
	struct {
		const char **items;
		size_t n, cap;
	} paths;
	unsigned nprocesses; /* NO_PROCESSES: none were looked at */
	int err;
};

struct objects {
	struct arena *arena;
	struct {
		struct found_object **items;
		size_t n, cap;
	} found;
};

struct objects *objects_new(void)
{
	struct arena *a = arena_new();
	struct objects *o = ARENA_NEW(a, struct objects);

	o->arena = a;
	return o;
}

void objects_free(struct objects *o)
{
	if (o)
		arena_free(o->arena);
}

struct collector {
	struct arena *arena;
	struct found_object *to;
};

static int collect(const char *path, void *arg)
{
	struct collector *c = arg;

	ARENA_PUSH(c->arena, &c->to->paths, arena_strdup(c->arena, path));
	return 0;
}

static const struct found_object *look_up(struct objects *o, const char *object,
					  int32_t pid)
{
	struct collector c = { .arena = o->arena };

	for (size_t i = 0; i < o->found.n; i++) {
		const struct found_object *f = o->found.items[i];

		if (f->pid == pid && strcmp(f->object, object) == 0)
			return f;
	}
	c.to = ARENA_NEW(o->arena, struct found_object);
	c.to->object = arena_strdup(o->arena, object);
	c.to->pid = pid;
	c.to->nprocesses = (unsigned)NO_PROCESSES;
	c.to->err = search(object, pid, collect, &c, &c.to->nprocesses);
	ARENA_PUSH(o->arena, &o->found, c.to);
	return c.to;
}

int objects_find(struct objects *o, const char *object, int32_t pid,
		 int (*found)(const char *path, void *arg), void *arg,
		 unsigned *nprocesses)
{
	const struct found_object *f = look_up(o, object, pid);
	int err = 0;

	if (f->nprocesses != (unsigned)NO_PROCESSES)
		*nprocesses = f->nprocesses;
	for (size_t i = 0; !err && i < f->paths.n; i++)
		err = found(f->paths.items[i], arg);
	return err ? err : f->err;
}
