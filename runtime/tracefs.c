#include "runtime/tracefs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probes/probe.h"

/* Mount without a place: fsopen(2) and its relatives, which glibc 2.35 lacks. */
static int detached_mount(void)
{
	int context = (int)syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC);
	int fd = -1, err;

	if (context < 0)
		return -errno;
	if (!syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		fd = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
	err = fd < 0 ? -errno : fd;
	close(context);
	return err;
}

int tracefs_open(struct tracefs *fs)
{
	static const char *const paths[] = {
		"/sys/kernel/tracing",
		"/sys/kernel/debug/tracing",
	};
	char events[64];

	fs->fd = -1;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		snprintf(events, sizeof(events), "%s/events", paths[i]);
		/* access(2) would ask without the capabilities of one who is not root. */
		if (faccessat(AT_FDCWD, events, R_OK | X_OK, AT_EACCESS) == 0) {
			strcpy(fs->path, paths[i]);
			return 0;
		}
		if (errno == EACCES)
			return -EACCES;
	}
	fs->fd = detached_mount();
	if (fs->fd < 0)
		return fs->fd == -EPERM ? -EACCES : -ENOENT;
	snprintf(fs->path, sizeof(fs->path), "/proc/self/fd/%d", fs->fd);
	return 0;
}

void tracefs_close(struct tracefs *fs)
{
	if (fs->fd >= 0)
		close(fs->fd);
	fs->fd = -1;
}

static int is_entry(const struct dirent *d)
{
	return d->d_name[0] != '.' && d->d_type != DT_REG;
}

/* The directories in dir, sorted; -errno. */
static int list_dirs(const char *dir, struct dirent ***out)
{
	int n = scandir(dir, out, is_entry, alphasort);

	return n < 0 ? -errno : n;
}

static void free_dirs(struct dirent **dirs, int n)
{
	while (n > 0)
		free(dirs[--n]);
	free(dirs);
}

static int exact_event(const char *root, const char *group, const char *event,
		       int (*found)(const char *group, const char *event, void *arg),
		       void *arg)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/events/%s/%s/format", root, group, event);
	if (strchr(group, '/') || strchr(event, '/') ||
	    faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) < 0)
		return 0;
	return found(group, event, arg);
}

static int events_of_group(const char *root, const char *group, const char *event,
			   int (*found)(const char *group, const char *event,
					void *arg),
			   void *arg)
{
	struct dirent **events;
	char path[PATH_MAX];
	int i, n, err = 0;

	snprintf(path, sizeof(path), "%s/events/%s", root, group);
	n = list_dirs(path, &events);
	/* A module may be unloaded while we look. */
	if (n < 0)
		return n == -ENOENT || n == -ENOTDIR ? 0 : n;
	for (i = 0; i < n && !err; i++)
		if (glob_match(event, events[i]->d_name))
			err = found(group, events[i]->d_name, arg);
	free_dirs(events, n);
	return err;
}

static int events_in(const char *root, const char *group, const char *event,
		     int (*found)(const char *group, const char *event, void *arg),
		     void *arg)
{
	struct dirent **groups;
	char path[PATH_MAX];
	int i, n, err = 0;

	if (!glob_is_pattern(group) && !glob_is_pattern(event))
		return exact_event(root, group, event, found, arg);
	snprintf(path, sizeof(path), "%s/events", root);
	n = list_dirs(path, &groups);
	if (n < 0)
		return n;
	for (i = 0; i < n && !err; i++)
		if (glob_match(group, groups[i]->d_name))
			err = events_of_group(root, groups[i]->d_name, event, found,
					      arg);
	free_dirs(groups, n);
	return err;
}

int tracefs_events(const char *group, const char *event,
		   int (*found)(const char *group, const char *event, void *arg),
		   void *arg)
{
	struct tracefs fs;
	int err = tracefs_open(&fs);

	if (err)
		return err;
	err = events_in(fs.path, group, event, found, arg);
	tracefs_close(&fs);
	return err;
}

/* A file of the event; NULL with errno set. */
static FILE *open_event_file(const char *group, const char *event, const char *file)
{
	char path[PATH_MAX];
	struct tracefs fs;
	int err = tracefs_open(&fs);
	FILE *fp;

	if (err) {
		errno = -err;
		return NULL;
	}
	snprintf(path, sizeof(path), "%s/events/%s/%s/%s", fs.path, group, event, file);
	fp = fopen(path, "re");
	err = errno;
	tracefs_close(&fs);
	errno = err;
	return fp;
}

int tracefs_id(const char *group, const char *event)
{
	FILE *fp = open_event_file(group, event, "id");
	int id;

	if (!fp)
		return -errno;
	if (fscanf(fp, "%d", &id) != 1)
		id = -EIO;
	fclose(fp);
	return id;
}

/* The text after "key:" up to the next ';', or NULL. */
static char *value_of(char *line, const char *key)
{
	char *p = strstr(line, key);

	return p ? p + strlen(key) : NULL;
}

/*
 * Split a declaration such as "const char * name", "char comm[16]" or
 * "__data_loc char[] name" into name and type; an array's brackets go with the type.
 */
static bool split_declaration(char *text, struct target_field *out, char type_text[128])
{
	size_t len = strlen(text), array = 0, name;

	if (len && text[len - 1] == ']') {
		char *open = strrchr(text, '[');

		if (!open)
			return false;
		array = (size_t)(open - text);
	}
	name = array ? array : len;
	while (name > 0 && text[name - 1] != ' ' && text[name - 1] != '*')
		name--;
	if (name == 0 || name == (array ? array : len))
		return false;
	snprintf(type_text, 128, "%.*s%s", (int)name, text, array ? text + array : "");
	if (array)
		text[array] = '\0';
	else if (type_text[0] && type_text[strlen(type_text) - 1] == ' ')
		type_text[strlen(type_text) - 1] = '\0';
	out->name = text + name;
	out->type_text = type_text;
	return true;
}

bool tracefs_parse_field(char *line, struct target_field *out, char type_text[128])
{
	char *field = value_of(line, "field:");
	char *offset = value_of(line, "offset:"), *size = value_of(line, "size:");
	char *is_signed = value_of(line, "signed:");
	char *end = field ? strchr(field, ';') : NULL;

	if (!end || !offset || !size)
		return false;
	*end = '\0';
	out->offset = (uint32_t)strtoul(offset, NULL, 10);
	out->size = (uint32_t)strtoul(size, NULL, 10);
	out->is_signed = is_signed && *is_signed == '1';
	return split_declaration(field, out, type_text);
}

int tracefs_fields(const char *group, const char *event,
		   int (*found)(const struct target_field *f, void *arg), void *arg)
{
	FILE *fp = open_event_file(group, event, "format");
	char type_text[128];
	char *line = NULL;
	size_t cap = 0;
	int err = 0;

	if (!fp)
		return -errno;
	while (!err && getline(&line, &cap, fp) > 0) {
		struct target_field f = { 0 };

		/* What follows describes how to print the record. */
		if (strncmp(line, "print fmt:", 10) == 0)
			break;
		if (tracefs_parse_field(line, &f, type_text))
			err = found(&f, arg);
	}
	free(line);
	fclose(fp);
	return err;
}
