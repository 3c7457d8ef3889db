#include "runtime/target_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "probes/probe.h"
#include "runtime/btf.h"
#include "runtime/elf_file.h"
#include "runtime/features.h"
#include "runtime/kallsyms.h"
#include "runtime/kept_names.h"
#include "runtime/objects.h"
#include "runtime/tracefs.h"

/* An ELF file is read several times: for symbols, code, data addresses. */
struct cached_file {
	struct cached_file *next;
	char *path;
	struct elf_file *file; /* NULL: err says why it could not be opened */
	int err;
};

/* What the kernel is asked for once, since it takes tens of milliseconds. */
struct cached_names {
	struct kernel_names names;
	bool read;
	int err;
};

enum { NOTES_MAX = 256 }; /* bytes: the build id is the first of the kernel's notes */

struct target_linux {
	struct target base; /* first: the interface is a pointer to it */
	char kernel[sizeof(((struct utsname *)0)->release) +
		    sizeof(((struct utsname *)0)->version) + 2 * NOTES_MAX];
	struct cached_file *files;
	struct objects *objects;
	struct btf_set *btf;
	struct cached_names functions, aliases, tracepoints;
	struct object_cache *cache; /* of those, or NULL */
	bool tried[FEATURE_COUNT], has[FEATURE_COUNT];
	unsigned nprocesses;
	char *own_path; /* the last file that runs_itself() was asked of, or NULL */
	bool own;       /* what it said */
};

/* The compiler sees a constant target; what is cached does not change its answers. */
static struct target_linux *linux_of(const struct target *t)
{
	return (struct target_linux *)t;
}

/*
 * What only root may try is taken for granted: who is not root shall hear that, when the
 * programs are loaded, and not that the kernel is to blame.
 */
static bool has(const struct target *t, enum feature f)
{
	struct target_linux *l = linux_of(t);

	if (!l->tried[f]) {
		l->has[f] = feature_ask(f).state != FEATURE_IS_ABSENT;
		l->tried[f] = true;
	}
	return l->has[f];
}

static int find_file(const struct target *t, const char *path, struct elf_file **out)
{
	struct target_linux *l = linux_of(t);
	struct cached_file *c;

	for (c = l->files; c; c = c->next)
		if (strcmp(c->path, path) == 0)
			break;
	if (!c) {
		c = calloc(1, sizeof(*c));
		if (c)
			c->path = strdup(path);
		if (!c || !c->path) {
			free(c);
			return -ENOMEM;
		}
		c->err = elf_file_open(path, &c->file);
		c->next = l->files;
		l->files = c;
	}
	*out = c->file;
	return c->err;
}

static int tracepoints(const struct target *t, const char *group, const char *event,
		       int (*found)(const char *group, const char *event, void *arg),
		       void *arg)
{
	(void)t;
	return tracefs_events(group, event, found, arg);
}

static int tracepoint_fields(const struct target *t, const char *group,
			     const char *event,
			     int (*found)(const struct target_field *f, void *arg),
			     void *arg)
{
	(void)t;
	return tracefs_fields(group, event, found, arg);
}

static int objects(const struct target *t, const char *object, int32_t pid,
		   int (*found)(const char *path, void *arg), void *arg)
{
	struct target_linux *l = linux_of(t);

	return objects_find(l->objects, object, pid, found, arg, &l->nprocesses);
}

static int symbols(const struct target *t, const char *path,
		   int (*found)(const struct target_symbol *s, void *arg), void *arg)
{
	const struct target_symbol *all;
	struct elf_file *file;
	size_t i, n;
	int err = find_file(t, path, &file);

	if (!err)
		err = elf_file_symbols(file, &all, &n);
	for (i = 0; !err && i < n; i++)
		err = found(&all[i], arg);
	return err;
}

static int usdt(const struct target *t, const char *path,
		int (*found)(const struct target_usdt *u, void *arg), void *arg)
{
	struct elf_file *file;
	int err = find_file(t, path, &file);

	return err ? err : elf_file_usdt(file, found, arg);
}

static int symbol_address(const struct target *t, const char *path, const char *name,
			  uint64_t *address, uint64_t *size)
{
	struct elf_file *file;
	int err = find_file(t, path, &file);

	return err ? err : elf_file_data_address(file, name, address, size);
}

static int linked_address(const struct target *t, const char *path, uint64_t offset,
			  uint64_t *address)
{
	struct elf_file *file;
	int err = find_file(t, path, &file);

	return err ? err : elf_file_linked_address(file, offset, address);
}

static int code(const struct target *t, const char *path, uint64_t address,
		uint64_t *offset, uint8_t *bytes, size_t *size)
{
	struct elf_file *file;
	int err = find_file(t, path, &file);

	return err ? err : elf_file_code(file, address, offset, bytes, size);
}

/* What is mapped of memql's own code: the same in size and age is taken for the same. */
static int is_same(struct dl_phdr_info *object, size_t size, void *arg)
{
	const char *name = *object->dlpi_name ? object->dlpi_name : "/proc/self/exe";
	const struct stat *file = arg;
	struct stat own;

	(void)size;
	return !stat(name, &own) && own.st_size == file->st_size &&
	       own.st_mtim.tv_sec == file->st_mtim.tv_sec &&
	       own.st_mtim.tv_nsec == file->st_mtim.tv_nsec;
}

/*
 * Not by device and inode: two containers on the same layer have the same file under two of
 * those, and a probe in the one is a probe in the other.
 */
static bool runs_itself(const struct target *t, const char *path)
{
	struct target_linux *l = linux_of(t);
	struct stat file;

	if (l->own_path && strcmp(l->own_path, path) == 0)
		return l->own;
	free(l->own_path);
	l->own_path = strdup(path);
	l->own = stat(path, &file) || dl_iterate_phdr(is_same, &file);
	return l->own;
}

static bool has_section(const struct target *t, const char *path, const char *name)
{
	struct elf_file *file;

	return find_file(t, path, &file) == 0 && elf_file_has_section(file, name);
}

/* Counts what it hands on. */
struct relay {
	int (*found)(const char *module, const char *name, void *arg);
	void *arg;
	size_t n;
};

static int relay(const char *module, const char *name, void *arg)
{
	struct relay *r = arg;

	r->n++;
	return r->found(module, name, r->arg);
}

static int read_functions(struct kernel_names *out, void *arg)
{
	(void)arg;
	return kernel_functions_read(out);
}

static int read_aliases(struct kernel_names *out, void *arg)
{
	const struct target_linux *l = arg;

	return kernel_functions_read_aliases(KALLSYMS_PATH, &l->functions.names, out);
}

static int read_tracepoints(struct kernel_names *out, void *arg)
{
	(void)arg;
	return kernel_tracepoints_read(KALLSYMS_PATH, out);
}

static int aliases(struct target_linux *l, const char *module, const char *name,
		   struct relay *r)
{
	struct cached_names *c = &l->aliases;

	if (!c->read)
		c->err = kept_names_read(l->cache, "aliases", read_aliases, l,
					 &c->names);
	c->read = true;
	return c->err ? c->err : kernel_aliases_each(&c->names, module, name, relay, r);
}

static int functions(const struct target *t, const char *module, const char *name,
		     int (*found)(const char *module, const char *name, void *arg),
		     void *arg)
{
	struct cached_names *c = &linux_of(t)->functions;
	struct relay r = { .found = found, .arg = arg };
	int err;

	if (!c->read)
		c->err = kept_names_read(linux_of(t)->cache, "functions",
					 read_functions, NULL, &c->names);
	c->read = true;
	err = c->err ? c->err : kernel_names_each(&c->names, module, name, relay, &r);
	/* Other names of what "*" has found are of no interest. */
	if (err || strcmp(name, "*") == 0 || (r.n && !glob_is_pattern(name)))
		return err;
	return aliases(linux_of(t), module, name, &r);
}

static int
raw_tracepoints(const struct target *t, const char *module, const char *event,
		int (*found)(const char *module, const char *event, void *arg),
		void *arg)
{
	struct cached_names *c = &linux_of(t)->tracepoints;

	/* The list of all takes 40 ms. */
	if (strcmp(module, "*") == 0 && !glob_is_pattern(event) &&
	    btf_has_raw_tracepoint(linux_of(t)->btf, event))
		return found(KALLSYMS_VMLINUX, event, arg);
	if (!c->read)
		c->err = kept_names_read(linux_of(t)->cache, "tracepoints",
					 read_tracepoints, NULL, &c->names);
	c->read = true;
	return c->err ? c->err
		      : kernel_names_each(&c->names, module, event, found, arg);
}

static int kernel_symbol(const struct target *t, const char *name, uint64_t *address)
{
	(void)t;
	return kallsyms_find(KALLSYMS_PATH, name, address);
}

static int type_find(const struct target *t, enum type_tag tag, const char *name,
		     target_type_id *out)
{
	return btf_find(linux_of(t)->btf, tag, name, out);
}

static int type_describe(const struct target *t, target_type_id id,
			 struct target_type *out)
{
	return btf_describe(linux_of(t)->btf, id, out);
}

static int type_members(const struct target *t, target_type_id id,
			int (*found)(const struct target_member *m, void *arg),
			void *arg)
{
	return btf_members(linux_of(t)->btf, id, found, arg);
}

static int type_walk(const struct target *t, target_type_id id, uint64_t offset,
		     unsigned size, target_type_id *next)
{
	return btf_walk(linux_of(t)->btf, id, offset, size, next);
}

static int type_values(const struct target *t, target_type_id id,
		       int (*found)(const char *name, int64_t value, void *arg),
		       void *arg)
{
	return btf_values(linux_of(t)->btf, id, found, arg);
}

static int constant(const struct target *t, const char *name, int64_t *value,
		    target_type_id *type)
{
	return btf_constant(linux_of(t)->btf, name, value, type);
}

static int constant_names(const struct target *t,
			  int (*found)(const char *name, void *arg), void *arg)
{
	return btf_constant_names(linux_of(t)->btf, found, arg);
}

static int type_names(const struct target *t, enum type_tag tag, const char *pattern,
		      int (*found)(const char *name, void *arg), void *arg)
{
	return btf_type_names(linux_of(t)->btf, tag, pattern, found, arg);
}

static int function_params(const struct target *t, const char *module, const char *name,
			   int (*found)(const struct target_param *p, void *arg),
			   void *arg, target_type_id *returns)
{
	return btf_function_params(linux_of(t)->btf, module, name, found, arg, returns);
}

static int raw_tracepoint_params(const struct target *t, const char *event,
				 int (*found)(const struct target_param *p, void *arg),
				 void *arg)
{
	return btf_raw_tracepoint_params(linux_of(t)->btf, event, found, arg);
}

/* Since Linux 5.5 the number of a directory's inode is its cgroup's, on 64-bit machines. */
static int cgroup_id(const struct target *t, const char *path, uint64_t *id)
{
	struct statfs system;
	struct stat file;

	(void)t;
	if (stat(path, &file) || statfs(path, &system))
		return -errno;
	if (system.f_type != CGROUP2_SUPER_MAGIC || !S_ISDIR(file.st_mode))
		return -EMEDIUMTYPE;
	*id = file.st_ino;
	return 0;
}

static unsigned process_count(const struct target *t)
{
	return linux_of(t)->nprocesses;
}

static const struct target_ops linux_ops = {
	.has = has,
	.tracepoints = tracepoints,
	.tracepoint_fields = tracepoint_fields,
	.objects = objects,
	.symbols = symbols,
	.usdt = usdt,
	.symbol_address = symbol_address,
	.linked_address = linked_address,
	.code = code,
	.has_section = has_section,
	.runs_itself = runs_itself,
	.type_find = type_find,
	.type_describe = type_describe,
	.type_members = type_members,
	.type_walk = type_walk,
	.type_values = type_values,
	.constant = constant,
	.constant_names = constant_names,
	.type_names = type_names,
	.functions = functions,
	.function_params = function_params,
	.raw_tracepoint_params = raw_tracepoint_params,
	.raw_tracepoints = raw_tracepoints,
	.kernel_symbol = kernel_symbol,
	.cgroup_id = cgroup_id,
	.process_count = process_count,
};

/*
 * Release, version and build id: where kernels are built reproducibly, those of another
 * configuration, whose types differ, have the same version.
 */
static void find_kernel(struct target_linux *l)
{
	int fd = open("/sys/kernel/notes", O_RDONLY | O_CLOEXEC), n = 0;
	unsigned char notes[NOTES_MAX];
	ssize_t size = fd < 0 ? 0 : read(fd, notes, sizeof(notes));
	struct utsname name;

	if (fd >= 0)
		close(fd);
	if (!uname(&name))
		n = snprintf(l->kernel, sizeof(l->kernel), "%s %s ", name.release,
			     name.version);
	for (ssize_t i = 0; i < size && n + 2 < (int)sizeof(l->kernel); i++)
		n += sprintf(l->kernel + n, "%02x", notes[i]);
	l->base.kernel = l->kernel;
}

/* In the initial namespace the kernel's own numbers are what everybody sees. */
static void find_pid_namespace(struct target *t)
{
	const uint64_t initial = 0xeffffffc; /* PROC_PID_INIT_INO of linux/proc_ns.h */
	struct stat file;

	if (stat("/proc/self/ns/pid", &file) || file.st_ino == initial)
		return;
	t->pid_ns_device = file.st_dev;
	t->pid_ns_inode = file.st_ino;
}

int target_linux_open(struct target **out)
{
	struct target_linux *l = calloc(1, sizeof(*l));
	int ncpus = libbpf_num_possible_cpus();
	int err;

	if (!l)
		return -ENOMEM;
	err = ncpus < 0 ? ncpus : btf_open(NULL, &l->btf);
	if (err) {
		free(l);
		return err;
	}
	l->objects = objects_new();
	l->base.ops = &linux_ops;
	l->base.ncpus = (unsigned)ncpus;
	find_kernel(l);
	find_pid_namespace(&l->base);
	*out = &l->base;
	return 0;
}

void target_linux_keep(struct target *t, struct object_cache *cache)
{
	linux_of(t)->cache = cache;
}

void target_linux_close(struct target *t)
{
	struct target_linux *l = linux_of(t);
	struct cached_file *c, *next;

	if (!l)
		return;
	free(l->own_path);
	kernel_names_free(&l->functions.names);
	kernel_names_free(&l->aliases.names);
	kernel_names_free(&l->tracepoints.names);
	for (c = l->files; c; c = next) {
		next = c->next;
		elf_file_close(c->file);
		free(c->path);
		free(c);
	}
	objects_free(l->objects);
	btf_close(l->btf);
	free(l);
}
