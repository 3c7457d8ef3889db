#include "cli/children.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether both run the same file, whatever its names are. */
static bool same_program(int32_t a, int32_t b)
{
	char path[64];
	struct stat x, y;

	snprintf(path, sizeof(path), "/proc/%d/exe", a);
	if (stat(path, &x))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/exe", b);
	return !stat(path, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* 0 if the process is gone. */
static int32_t parent_of(int32_t pid)
{
	char path[64], text[512];
	const char *end;
	int32_t parent = 0;
	size_t n;
	FILE *fp;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fp = fopen(path, "re");
	if (!fp)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, fp);
	fclose(fp);
	text[n] = '\0';
	end = strrchr(text, ')'); /* the name before it may hold anything */
	if (!end || sscanf(end, ") %*c %d", &parent) != 1)
		return 0;
	return parent;
}

static size_t count_children(int32_t pid)
{
	DIR *dir = opendir("/proc");
	const struct dirent *e;
	size_t n = 0;

	while (dir && (e = readdir(dir))) {
		int32_t child = atoi(e->d_name);

		n += child > 0 && parent_of(child) == pid && same_program(child, pid);
	}
	if (dir)
		closedir(dir);
	return n;
}

void children_warn(int32_t pid)
{
	size_t n = count_children(pid);
	char link[64], path[PATH_MAX];
	ssize_t len;

	if (n == 0)
		return;
	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	len = readlink(link, path, sizeof(path));
	fprintf(stderr,
		"memql: -p %d traces that process alone, not its %zu child process%s of "
		"the same program\n",
		pid, n, n == 1 ? "" : "es");
	if (len > 0)
		fprintf(stderr, "  hint: without -p, usdt:%.*s:... is all of them\n",
			(int)len, path);
}
