#include "runtime/processes.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/proc_maps.h"

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/*
 * The executable's own name if that leads to it; else /proc/PID/exe, which does as long
 * as the process lives: the file may be deleted, replaced, or in another mount namespace.
 */
static int report_executable(int32_t pid, process_file_fn *found, void *arg)
{
	char exe[64], name[PATH_MAX];
	struct process_file file = { .name = name, .path = name };
	struct stat real, seen;
	ssize_t len;

	snprintf(exe, sizeof(exe), "/proc/%" PRId32 "/exe", pid);
	len = readlink(exe, name, sizeof(name) - 1);
	if (len < 0)
		return -errno;
	name[len] = '\0';
	if (stat(exe, &real) < 0)
		return -errno;
	if (stat(name, &seen) < 0 || !same_file(&real, &seen))
		file.path = exe;
	return found(&file, arg);
}

struct process_walk {
	DIR *dir;
};

struct process_walk *process_walk_open(void)
{
	DIR *dir = opendir("/proc");
	struct process_walk *w = dir ? malloc(sizeof(*w)) : NULL;

	if (w)
		w->dir = dir;
	else if (dir)
		closedir(dir);
	return w;
}

int32_t process_walk_next(struct process_walk *w)
{
	struct dirent *d;

	while (w && (d = readdir(w->dir))) {
		int32_t pid = (int32_t)strtol(d->d_name, NULL, 10);

		if (isdigit((unsigned char)d->d_name[0]) && pid != getpid())
			return pid;
	}
	return 0;
}

void process_walk_close(struct process_walk *w)
{
	if (!w)
		return;
	closedir(w->dir);
	free(w);
}

int processes_executables(process_file_fn *found, void *arg, unsigned *count)
{
	struct process_walk *walk = process_walk_open();
	bool denied = false;
	int32_t pid;
	int err = 0;

	*count = 0;
	if (!walk)
		return -errno;
	while (!err && (pid = process_walk_next(walk))) {
		err = report_executable(pid, found, arg);
		/* Kernel threads have none; others are gone by now, or not ours. */
		if (err >= 0)
			++*count;
		denied |= err == -EACCES || err == -EPERM;
		if (err == -ENOENT || err == -ESRCH || err == -EACCES || err == -EPERM)
			err = 0;
	}
	process_walk_close(walk);
	/* Even root may not look at some, but others must not take a part for all. */
	return !err && denied && geteuid() ? -EACCES : err;
}

static bool same_root(int32_t pid)
{
	char path[64];
	struct stat ours, theirs;

	snprintf(path, sizeof(path), "/proc/%" PRId32 "/ns/mnt", pid);
	if (stat("/proc/self/ns/mnt", &ours) < 0 || stat(path, &theirs) < 0)
		return true;
	if (!same_file(&ours, &theirs))
		return false;
	snprintf(path, sizeof(path), "/proc/%" PRId32 "/root", pid);
	return stat("/", &ours) < 0 || stat(path, &theirs) < 0 ||
	       same_file(&ours, &theirs);
}

void process_path(int32_t pid, const char *path, char *out, uint32_t size)
{
	if (path[0] != '/' || same_root(pid))
		snprintf(out, size, "%s", path);
	else
		snprintf(out, size, "/proc/%" PRId32 "/root%s", pid, path);
}

/* The inode decides, not the device: file systems such as btrfs and overlayfs show
 * another one in maps than stat() does. */
static int report_mapping(int32_t pid, const struct proc_mapping *m,
			  process_file_fn *found, void *arg)
{
	char path[PATH_MAX], name[PATH_MAX];
	struct process_file file = { .name = name, .path = path };
	struct stat st;

	process_path(pid, m->name, path, sizeof(path));
	if (stat(path, &st) < 0 || st.st_ino != m->inode)
		snprintf(path, sizeof(path),
			 "/proc/%" PRId32 "/map_files/%" PRIx64 "-%" PRIx64, pid,
			 m->start, m->end);
	snprintf(name, sizeof(name), "%s", m->name);
	proc_maps_cut_deleted(name);
	return found(&file, arg);
}

struct library_search {
	int32_t pid;
	process_file_fn *found;
	void *arg;
};

static int report_library(const struct proc_mapping *m, void *arg)
{
	const struct library_search *s = arg;

	if (!m->executable || m->name[0] != '/')
		return 0;
	return report_mapping(s->pid, m, s->found, s->arg);
}

int process_files(int32_t pid, process_file_fn *found, void *arg)
{
	struct library_search libraries = { .pid = pid, .found = found, .arg = arg };
	int err = report_executable(pid, found, arg);

	if (err == -ENOENT)
		err = -ESRCH;
	return err ? err : proc_maps_each(pid, report_library, &libraries);
}
