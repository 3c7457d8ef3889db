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

int processes_executables(process_file_fn *found, void *arg, unsigned *count)
{
	DIR *dir = opendir("/proc");
	bool denied = false;
	struct dirent *d;
	int err = 0;

	*count = 0;
	if (!dir)
		return -errno;
	while (!err && (d = readdir(dir))) {
		int32_t pid = (int32_t)strtol(d->d_name, NULL, 10);

		if (!isdigit((unsigned char)d->d_name[0]) || pid == getpid())
			continue;
		err = report_executable(pid, found, arg);
		/* Kernel threads have none; others are gone by now, or not ours. */
		if (err >= 0)
			++*count;
		denied |= err == -EACCES || err == -EPERM;
		if (err == -ENOENT || err == -ESRCH || err == -EACCES || err == -EPERM)
			err = 0;
	}
	closedir(dir);
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

/* A line of /proc/PID/maps. */
struct mapping {
	uint64_t start, end, inode;
	unsigned major, minor;
	bool executable;
	char *name; /* in the line */
};

static bool parse_mapping(char *line, struct mapping *m)
{
	char perms[8];
	uint64_t offset;
	int at = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %x:%x %" SCNu64 " %n",
		   &m->start, &m->end, perms, &offset, &m->major, &m->minor, &m->inode,
		   &at) < 7 ||
	    !at)
		return false;
	m->name = line + at;
	m->name[strcspn(m->name, "\n")] = '\0';
	m->executable = perms[2] == 'x';
	return true;
}

static void cut_deleted(char *name)
{
	static const char mark[] = " (deleted)";
	size_t len = strlen(name), cut = strlen(mark);

	if (len > cut && strcmp(name + len - cut, mark) == 0)
		name[len - cut] = '\0';
}

/* The inode decides, not the device: file systems such as btrfs and overlayfs show
 * another one in maps than stat() does. */
static int report_mapping(int32_t pid, const struct mapping *m, process_file_fn *found,
			  void *arg)
{
	char path[PATH_MAX];
	struct process_file file = { .name = m->name, .path = path };
	struct stat st;

	process_path(pid, m->name, path, sizeof(path));
	if (stat(path, &st) < 0 || st.st_ino != m->inode)
		snprintf(path, sizeof(path),
			 "/proc/%" PRId32 "/map_files/%" PRIx64 "-%" PRIx64, pid,
			 m->start, m->end);
	cut_deleted(m->name);
	return found(&file, arg);
}

static int report_libraries(int32_t pid, process_file_fn *found, void *arg)
{
	char path[64];
	char *line = NULL;
	size_t cap = 0;
	FILE *fp;
	int err = 0;

	snprintf(path, sizeof(path), "/proc/%" PRId32 "/maps", pid);
	fp = fopen(path, "re");
	if (!fp)
		return -errno;
	while (!err && getline(&line, &cap, fp) > 0) {
		struct mapping m;

		if (parse_mapping(line, &m) && m.executable && m.name[0] == '/')
			err = report_mapping(pid, &m, found, arg);
	}
	free(line);
	fclose(fp);
	return err;
}

int process_files(int32_t pid, process_file_fn *found, void *arg)
{
	int err = report_executable(pid, found, arg);

	if (err == -ENOENT)
		err = -ESRCH;
	return err ? err : report_libraries(pid, found, arg);
}
