/* Control groups: which one runs, and what its number means. */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builtins/builtin.h"
#include "codegen/emit.h"
#include "runtime/sink.h"
#include "sema/sema.h"
#include "sema/target.h"

static struct value emit_cgroup(struct emit *e, const struct node *call)
{
	(void)call;
	return emit_helper(e, HELPER_GET_CURRENT_CGROUP_ID, 0);
}

/* cgroupid(path): known when the program is compiled. */

static bool check_cgroupid(struct sema *s, struct node *call)
{
	struct node *arg = call_arg(call, 0);
	const char *path = constant_str(s, arg);
	const struct target *t = s->cc->target;
	uint64_t id;
	int err;

	if (!path)
		return true; /* the signature says so */
	err = t->ops->cgroup_id(t, path, &id);
	if (!err) {
		sema_become_int(s, call, (int64_t)id);
		return true;
	}
	if (err == -EMEDIUMTYPE)
		return sema_error(s, DIAG_no_such_file, arg->span,
				  "'%s' is no directory of cgroup version 2", path);
	return sema_error(s, DIAG_no_such_file, arg->span, "'%s': %s", path,
			  strerror(-err));
}

/*
 * cgroup_path(id[, filter]). The id is that of a file: the kernel opens it by that, in each
 * hierarchy that is mounted. Of several which have it, all are shown.
 */

enum { HANDLE_BYTES = 8, HANDLE_KERNFS = 0xfe }; /* FILEID_KERNFS of exportfs.h */

static bool find_in(const char *mount, uint64_t id, struct text *path)
{
	union {
		struct file_handle h;
		char room[sizeof(struct file_handle) + HANDLE_BYTES];
	} handle = { .h = { .handle_bytes = HANDLE_BYTES,
			    .handle_type = HANDLE_KERNFS } };
	char name[64], found[4096];
	size_t len = strlen(mount);
	ssize_t n = -1;
	int dir = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;

	memcpy(handle.h.f_handle, &id, sizeof(id));
	if (dir >= 0)
		fd = open_by_handle_at(dir, &handle.h, O_PATH | O_CLOEXEC);
	if (fd >= 0) {
		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		n = readlink(name, found, sizeof(found));
		close(fd);
	}
	if (dir >= 0)
		close(dir);
	if (n < (ssize_t)len || memcmp(found, mount, len) != 0)
		return false;
	if ((size_t)n == len)
		text_add(path, "/", 1);
	else
		text_add_safe(path, found + len, (size_t)n - len);
	return true;
}

/* Version 2 is "unified"; others are called by the last part of where they are mounted. */
static const char *hierarchy(const struct mntent *m)
{
	const char *slash = strrchr(m->mnt_dir, '/');

	if (strcmp(m->mnt_type, "cgroup2") == 0)
		return "unified";
	if (strcmp(m->mnt_type, "cgroup") != 0)
		return NULL;
	return slash ? slash + 1 : m->mnt_dir;
}

static void render_cgroup(struct text *out, const struct sink *sink,
			  const struct datum *d)
{
	const char *filter = d->type->format, *first_name = NULL;
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct text first = { 0 };
	const struct mntent *m;
	char name[256];
	size_t n = 0;

	(void)sink;
	while (mounts && (m = getmntent(mounts))) {
		const char *h = hierarchy(m);
		struct text path = { 0 };

		if (!h || (filter && fnmatch(filter, h, 0) != 0) ||
		    !find_in(m->mnt_dir, d->n, &path))
			continue;
		if (n++ == 0) {
			snprintf(name, sizeof(name), "%s", h);
			first_name = name;
			first = path;
			continue;
		}
		if (n == 2)
			text_printf(out, "%s:%s", first_name, first.bytes);
		text_printf(out, ",%s:%s", h, path.bytes);
		text_free(&path);
	}
	if (n == 1)
		text_add(out, first.bytes, first.len);
	else if (n == 0)
		text_printf(out, "cgroup %" PRIu64, d->n);
	text_free(&first);
	if (mounts)
		endmntent(mounts);
}

static const struct shape path_shape = {
	.name = "cgroup path",
	.size = 8,
	.render = render_cgroup,
};

static bool check_cgroup_path(struct sema *s, struct node *call)
{
	struct node *filter = call_arg(call, 1);

	call->type = type_shown(s->cc->arena, &path_shape, 0,
				filter ? constant_str(s, filter) : NULL);
	return true;
}

static struct value emit_cgroup_path(struct emit *e, const struct node *call)
{
	return emit_arg(e, call, 0);
}

const struct builtin cgroup_builtins[] = {
	{
		.name = "cgroup",
		.kind = BUILTIN_VALUE,
		.flags = BUILTIN_SAME,
		.returns = { .kind = TYPE_INT, .size = 8 },
		.summary = "number of the running process's control group",
		.doc = "In version 2 of cgroups; that of the root group where processes are "
		       "only in groups of version 1.",
		.example = "tracepoint:raw_syscalls:sys_enter { @calls[cgroup] = count(); }",
		.emit = emit_cgroup,
	},
	{
		.name = "cgroupid",
		.kind = BUILTIN_FUNC,
		.flags = BUILTIN_LITERAL,
		.returns = { .kind = TYPE_INT, .size = 8 },
		.params = {
			{ .name = "path", .type = TYPE_STR, .flags = PARAM_LITERAL },
		},
		.check = check_cgroupid,
		.summary = "number of a control group by its directory",
		.doc = "Of version 2; looked up when the program is compiled.",
		.example = "tracepoint:raw_syscalls:sys_enter "
			   "/cgroup == cgroupid(\"/sys/fs/cgroup/system.slice\")/ "
			   "{ @calls = count(); }",
	},
	{
		.name = "cgroup_path",
		.kind = BUILTIN_FUNC,
		.returns = { .kind = TYPE_SHOWN, .shape = &path_shape },
		.params = {
			{ .name = "id", .type = TYPE_INT },
			{ .name = "filter", .type = TYPE_STR,
			  .flags = PARAM_LITERAL | PARAM_OPTIONAL },
		},
		.check = check_cgroup_path,
		.summary = "the directory of a control group, below where cgroups are mounted",
		.doc = "User space looks the number up when it shows it; of a group that is "
		       "gone by then, the number is shown. Where cgroups of version 1 are "
		       "mounted too, several may have the number: then each is shown with the "
		       "name of its hierarchy, as `unified:/,memory:/a`. With a filter (a "
		       "pattern with * and ?) only hierarchies whose names match it are looked "
		       "at; version 2 is called `unified`.",
		.example = "tracepoint:sched:sched_process_exec "
			   "{ printf(\"%s %s\\n\", comm, cgroup_path(cgroup, \"unified\")); }",
		.emit = emit_cgroup_path,
	},
	{ 0 },
};
