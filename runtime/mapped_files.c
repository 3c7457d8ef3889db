/*
 * Files are told apart by device, inode, size and time of change. While a descriptor is
 * held, nobody else gets its inode; that of a deleted file is taken by the next one that
 * is made, often the next build of the same program. Beyond the limit of descriptors,
 * files are found again by name, if they are still what they were.
 */
#include "runtime/mapped_files.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "runtime/must.h"

enum { NBUCKETS = 512 };

struct mapped_file {
	struct mapped_file *next;          /* in its bucket */
	struct mapped_file *newer, *older; /* in the order of use */
	uint32_t major, minor;
	uint64_t inode;
	char *name;
	char *path;       /* leads to it from here: it, or /proc/PID/root before it */
	struct stat stat; /* when it was opened; all zero: it could not be */
	int fd;           /* -1: not held */
	unsigned references;
	bool stale;   /* changed or replaced: for what mapped it before */
	bool is_vdso; /* the code that the kernel maps into every process */

	struct elf_lookup *symbols;
	bool tried; /* to read them: NULL is final */
};

struct mapped_files {
	struct mapped_file *buckets[NBUCKETS];
	struct mapped_file *newest, *oldest;
	struct mapped_files_limits limits;
	size_t nopen, table_bytes;
	char *debug_root;
};

struct mapped_files *mapped_files_new(const struct mapped_files_limits *limits,
				      const char *debug_root)
{
	struct mapped_files *all = must_calloc(1, sizeof(*all));

	all->limits = *limits;
	all->debug_root = must_strndup(debug_root, strlen(debug_root));
	return all;
}

static void drop_symbols(struct mapped_files *all, struct mapped_file *f)
{
	if (!f->symbols)
		return;
	all->table_bytes -= elf_lookup_bytes(f->symbols);
	elf_lookup_close(f->symbols);
	f->symbols = NULL;
	f->tried = false;
}

static void drop_descriptor(struct mapped_files *all, struct mapped_file *f)
{
	if (f->fd < 0)
		return;
	close(f->fd);
	f->fd = -1;
	all->nopen--;
}

static void take_out_of_use(struct mapped_files *all, struct mapped_file *f)
{
	*(f->newer ? &f->newer->older : &all->newest) = f->older;
	*(f->older ? &f->older->newer : &all->oldest) = f->newer;
}

static void put_first(struct mapped_files *all, struct mapped_file *f)
{
	f->newer = NULL;
	f->older = all->newest;
	*(all->newest ? &all->newest->newer : &all->oldest) = f;
	all->newest = f;
}

static void touch(struct mapped_files *all, struct mapped_file *f)
{
	if (all->newest == f)
		return;
	take_out_of_use(all, f);
	put_first(all, f);
}

static struct mapped_file **bucket_of(struct mapped_files *all, uint64_t inode,
				      uint32_t minor)
{
	return &all->buckets[(inode * 31 + minor) % NBUCKETS];
}

static void forget(struct mapped_files *all, struct mapped_file *f)
{
	struct mapped_file **p = bucket_of(all, f->inode, f->minor);

	while (*p != f)
		p = &(*p)->next;
	*p = f->next;
	take_out_of_use(all, f);
	drop_symbols(all, f);
	drop_descriptor(all, f);
	free(f->name);
	free(f->path);
	free(f);
}

void mapped_files_free(struct mapped_files *all)
{
	if (!all)
		return;
	while (all->newest)
		forget(all, all->newest);
	free(all->debug_root);
	free(all);
}

void mapped_file_get(struct mapped_file *f)
{
	if (f)
		f->references++;
}

void mapped_file_put(struct mapped_files *all, struct mapped_file *f)
{
	if (f && --f->references == 0)
		forget(all, f);
}

const char *mapped_file_name(const struct mapped_file *f)
{
	return f->name;
}

static bool same_content(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/*
 * Opens a path if the mapped file is there. File systems such as btrfs and overlayfs say
 * another device than the kernel's own lists do: then any device will do, if the path
 * leads through the process.
 */
static int open_if_same(struct mapped_file *f, const char *path, bool any_device)
{
	/* O_NONBLOCK: a FIFO has no end to wait for. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return -1;
	if (fstat(fd, &f->stat) < 0 || !S_ISREG(f->stat.st_mode) ||
	    f->stat.st_ino != f->inode ||
	    (!any_device && f->stat.st_dev != makedev(f->major, f->minor))) {
		memset(&f->stat, 0, sizeof(f->stat));
		close(fd);
		return -1;
	}
	return fd;
}

static void open_file(struct mapped_files *all, struct mapped_file *f, int32_t pid,
		      const struct proc_mapping *m)
{
	char path[PATH_MAX + 64];

	if (f->name[0] != '/')
		return;
	snprintf(path, sizeof(path), "%s", f->name);
	f->fd = open_if_same(f, path, false);
	if (f->fd < 0) {
		snprintf(path, sizeof(path), "/proc/%" PRId32 "/root%s", pid, f->name);
		f->fd = open_if_same(f, path, true);
	}
	f->path = must_strndup(path, strlen(path));
	if (f->fd < 0) {
		snprintf(path, sizeof(path),
			 "/proc/%" PRId32 "/map_files/%" PRIx64 "-%" PRIx64, pid,
			 m->start, m->end);
		f->fd = open_if_same(f, path, true);
	}
	/* The process is gone already; its name for the file is probably ours, too. */
	if (f->fd < 0)
		f->fd = open_if_same(f, f->name, true);
	all->nopen += f->fd >= 0;
}

/* Descriptors of the files that were not used for the longest time. */
static void keep_limit(struct mapped_files *all)
{
	struct mapped_file *f;

	for (f = all->oldest; f && all->nopen > all->limits.open_files; f = f->newer)
		drop_descriptor(all, f);
}

static bool is_unchanged(struct mapped_file *f)
{
	struct stat now;

	if (!f->stat.st_ino) /* it may be found this time */
		return f->is_vdso || f->name[0] != '/';
	if (f->fd >= 0 ? fstat(f->fd, &now) : stat(f->path, &now))
		return false;
	return same_content(&f->stat, &now);
}

struct mapped_file *mapped_file_of(struct mapped_files *all, int32_t pid,
				   const struct proc_mapping *m)
{
	struct mapped_file **bucket = bucket_of(all, m->inode, m->minor);
	struct mapped_file *f;
	char name[PATH_MAX];

	if (!m->name[0] || m->name[1] == '/') /* "", "//anon" */
		return NULL;
	snprintf(name, sizeof(name), "%s", m->name);
	proc_maps_cut_deleted(name);
	for (f = *bucket; f; f = f->next) {
		if (f->stale || f->inode != m->inode || f->major != m->major ||
		    f->minor != m->minor || strcmp(f->name, name) != 0)
			continue;
		if (is_unchanged(f)) {
			f->references++;
			return f;
		}
		f->stale = true;
		break;
	}
	f = must_calloc(1, sizeof(*f));
	f->major = m->major;
	f->minor = m->minor;
	f->inode = m->inode;
	f->name = must_strndup(name, strlen(name));
	f->is_vdso = m->inode == 0 && strcmp(name, "[vdso]") == 0;
	f->fd = -1;
	f->references = 1;
	f->next = *bucket;
	*bucket = f;
	put_first(all, f);
	open_file(all, f, pid, m);
	keep_limit(all);
	return f;
}

/* Our own one, which the kernel maps into all 64-bit processes, as a file. */
static int vdso_file(void)
{
	const void *image = (const void *)getauxval(AT_SYSINFO_EHDR); /* NOLINT */
	long page = sysconf(_SC_PAGESIZE);
	int fd;

	if (!image)
		return -1;
	fd = memfd_create("vdso", MFD_CLOEXEC);
	if (fd < 0)
		return -1;
	/* Its length is written nowhere that is quick to read; write() stops there. */
	for (int i = 0; i < 16; i++) {
		if (write(fd, (const char *)image + i * page, (size_t)page) != page)
			break;
	}
	return fd;
}

static int reopen(struct mapped_file *f)
{
	struct stat expected = f->stat;
	int fd;

	if (f->is_vdso)
		return vdso_file();
	if (!expected.st_ino)
		return -1;
	fd = open_if_same(f, f->path, true);
	if (fd >= 0 && !same_content(&f->stat, &expected)) {
		close(fd);
		fd = -1;
	}
	f->stat = expected;
	return fd;
}

static void read_symbols(struct mapped_files *all, struct mapped_file *f)
{
	int fd = f->fd >= 0 ? f->fd : reopen(f);
	char path[64];

	f->tried = true;
	/* Somebody may have written into it since. */
	if (fd < 0 || !is_unchanged(f))
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (elf_lookup_open(path, f->path ? f->path : "", all->debug_root,
			    &f->symbols) == 0)
		all->table_bytes += elf_lookup_bytes(f->symbols);
	if (fd != f->fd)
		close(fd);
}

static void keep_table_limit(struct mapped_files *all, const struct mapped_file *latest)
{
	struct mapped_file *f;

	for (f = all->oldest; f && all->table_bytes > all->limits.table_bytes;
	     f = f->newer) {
		if (f != latest)
			drop_symbols(all, f);
	}
}

bool mapped_file_at(struct mapped_files *all, struct mapped_file *f, uint64_t offset,
		    struct elf_place *out)
{
	touch(all, f);
	if (!f->tried) {
		read_symbols(all, f);
		keep_table_limit(all, f);
	}
	return f->symbols && elf_lookup_at(f->symbols, offset, out);
}
