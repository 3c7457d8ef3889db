/*
 * A pattern's functions share one link where the kernel has such (kprobe.multi, 5.18 with
 * CONFIG_FPROBE); others, and places within functions, have a perf event each.
 *
 * Both are created by hand: libbpf finds functions by name only, and the kernel then takes
 * the first of several that share it, or none of them (6.7).
 */
#include "probes/attach_kernel.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "codegen/image.h"
#include "probes/kernel_function.h"
#include "probes/probe.h"
#include "runtime/session.h"

/* From the kernel's uapi/linux/bpf.h, 5.18. */
enum {
	ATTACH_TRACE_KPROBE_MULTI = 42,
	KPROBE_MULTI_RETURN = 1,
};

enum { COPIES_MAX = 64, NAME_MAX_BYTES = 512 };

/* union bpf_attr for BPF_LINK_CREATE of such a link. */
struct kprobe_multi_attr {
	uint32_t prog_fd, target_fd, attach_type, link_flags;
	uint32_t flags, cnt;
	uint64_t syms, addrs, cookies;
};

/* The program with what it is attached to, and how. */
struct attaching {
	struct session *s;
	const struct image_program *p;
	struct bpf_program *prog;
	bool returns;
	const struct probe_site **failed;
};

/* By the program alone, since loading it and attaching it must agree. */
static bool is_multi(struct session *s, const struct image_program *p)
{
	if (p->nsites < 2 || !session_has(s, FEATURE_KPROBE_MULTI))
		return false;
	return p->sites[0].offset == 0; /* one attach point: the same for all */
}

void prepare_kernel(struct session *s, const struct image_program *p,
		    struct bpf_program *prog)
{
	if (is_multi(s, p))
		bpf_program__set_expected_attach_type(
			prog, (enum bpf_attach_type)ATTACH_TRACE_KPROBE_MULTI);
}

/* Many at once. */

/* Side by side, what the call takes: by address, or by name if that is hidden. */
struct batch {
	const struct probe_site **sites;
	uint64_t *addresses; /* NULL: by name */
	const char **names;
	uint64_t *cookies;
	size_t n;
};

/* A link for n functions from first on: its descriptor or -errno. */
static int create_link(const struct attaching *a, const struct batch *b, size_t first,
		       size_t n)
{
	struct kprobe_multi_attr attr = {
		.prog_fd = (uint32_t)bpf_program__fd(a->prog),
		.attach_type = ATTACH_TRACE_KPROBE_MULTI,
		.flags = a->returns ? KPROBE_MULTI_RETURN : 0,
		.cnt = (uint32_t)n,
		.cookies = (uintptr_t)(b->cookies + first),
	};
	int fd;

	if (b->addresses)
		attr.addrs = (uintptr_t)(b->addresses + first);
	else
		attr.syms = (uintptr_t)(b->names + first);
	fd = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	return fd < 0 ? -errno : fd;
}

/*
 * The kernel does not say which function it did not take: each half is tried, until one is
 * alone.
 */
static int attach_range(const struct attaching *a, const struct batch *b, size_t first,
			size_t n)
{
	int fd = create_link(a, b, first, n), err;

	if (fd >= 0) {
		session_add_fd(a->s, fd);
		return 0;
	}
	*a->failed = b->sites[first];
	if (fd == -EMFILE || fd == -ENOMEM || fd == -EPERM)
		return fd;
	if (n == 1)
		return session_skip_site(a->s, a->p, b->sites[first], fd) ? 0 : fd;
	err = attach_range(a, b, first, n / 2);
	return err ? err : attach_range(a, b, first + n / 2, n - n / 2);
}

static void add_function(struct batch *b, const struct probe_site *site,
			 uint64_t address)
{
	b->sites[b->n] = site;
	b->names[b->n] = site->event;
	b->cookies[b->n] = probe_site_cookie(site);
	if (b->addresses)
		b->addresses[b->n] = address;
	b->n++;
}

/*
 * Functions by their addresses. False if the kernel hides those, or lists more copies of a
 * function than can be probed, without telling which.
 */
static bool fill_addresses(const struct attaching *a, struct batch *b)
{
	uint64_t found[COPIES_MAX];

	for (size_t i = 0; i < a->p->nsites; i++) {
		const struct probe_site *site = &a->p->sites[i];
		int n = session_function_addresses(a->s, site->group, site->event,
						   found, COPIES_MAX);

		if (n < 1 || n > (int)site->copies || n > COPIES_MAX)
			return false;
		for (int k = 0; k < n; k++)
			add_function(b, site, found[k]);
	}
	return true;
}

static size_t count_functions(const struct image_program *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->nsites; i++)
		n += p->sites[i].copies;
	return n;
}

static int attach_multi(const struct attaching *a)
{
	size_t max = count_functions(a->p);
	uint64_t *words = calloc(max * 2, sizeof(*words));
	struct batch b = {
		.sites = calloc(max, sizeof(*b.sites)),
		.names = calloc(max, sizeof(*b.names)),
		.addresses = words,
		.cookies = words + max,
	};
	int err = -ENOMEM;

	if (!words || !b.sites || !b.names)
		goto out;
	if (!fill_addresses(a, &b)) {
		b.n = 0;
		b.addresses = NULL;
		for (size_t i = 0; i < a->p->nsites; i++)
			add_function(&b, &a->p->sites[i], 0);
	}
	err = attach_range(a, &b, 0, b.n);
out:
	free(words);
	free(b.sites);
	free(b.names);
	return err;
}

/* One by one. */

/* A number in a file of the kind "config:0" or "8"; -errno. */
static int read_number(const char *path)
{
	FILE *fp = fopen(path, "re");
	char line[64];
	const char *p = line;
	int n = -EIO;

	if (!fp)
		return -errno;
	if (fgets(line, sizeof(line), fp)) {
		p += strcspn(p, "0123456789");
		if (*p)
			n = (int)strtol(p, NULL, 10);
	}
	fclose(fp);
	return n;
}

static int open_event(const struct attaching *a, const char *name, uint64_t where)
{
	static const char type_file[] = "/sys/bus/event_source/devices/kprobe/type";
	static const char bit_file[] =
		"/sys/bus/event_source/devices/kprobe/format/retprobe";
	int type = read_number(type_file), bit = a->returns ? read_number(bit_file) : 0;
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = (uint32_t)type,
		.config = a->returns ? 1ULL << bit : 0,
		.kprobe_func = (uintptr_t)name, /* NULL: where is an address */
		.probe_offset = where,
	};
	int fd;

	if (type < 0 || bit < 0)
		return type < 0 ? type : bit;
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* By name and offset, or by address if name is NULL. */
static int attach_place(const struct attaching *a, const struct probe_site *site,
			const char *name, uint64_t where)
{
	LIBBPF_OPTS(bpf_perf_event_opts, opts, .bpf_cookie = probe_site_cookie(site));
	struct bpf_link *link;
	int fd = open_event(a, name, where), err;

	if (fd < 0)
		return fd;
	session_keep_event(a->s, fd);
	link = bpf_program__attach_perf_event_opts(a->prog, fd, &opts);
	if (!link) {
		err = -errno;
		close(fd);
		return err;
	}
	session_add_link(a->s, link);
	return 0;
}

/*
 * Each function of this name: as many as can be probed. The list of those may have the
 * name more often, for what lies behind the function and has no symbol.
 */
static int attach_copies(const struct attaching *a, const struct probe_site *site)
{
	uint64_t found[COPIES_MAX];
	int n = session_function_addresses(a->s, site->group, site->event, found,
					   COPIES_MAX);
	int wanted = n < (int)site->copies ? n : (int)site->copies;
	int err = n < 0 ? n : -ENOENT, attached = 0;

	for (int i = 0; i < n && i < COPIES_MAX; i++) {
		int this = attach_place(a, site, NULL, found[i] + site->offset);

		attached += !this;
		if (this)
			err = this;
	}
	return attached > 0 && attached >= wanted ? 0 : err;
}

static int attach_site(const struct attaching *a, const struct probe_site *site)
{
	bool in_module = strcmp(site->group, KERNEL_ITSELF) != 0;
	char name[NAME_MAX_BYTES];
	int err;

	if (site->copies > 1)
		return attach_copies(a, site);
	snprintf(name, sizeof(name), "%s%s%s", in_module ? site->group : "",
		 in_module ? ":" : "", site->event);
	err = attach_place(a, site, name, site->offset);
	/* "The name is not unique": others of it are not for probes. */
	return err == -EADDRNOTAVAIL ? attach_copies(a, site) : err;
}

static int attach_each(const struct attaching *a)
{
	for (size_t i = 0; i < a->p->nsites; i++) {
		const struct probe_site *site = &a->p->sites[i];
		int err = attach_site(a, site);

		if (err && !session_skip_site(a->s, a->p, site, err)) {
			*a->failed = site;
			return err;
		}
	}
	return 0;
}

int attach_kernel(struct session *s, const struct image_program *p,
		  struct bpf_program *prog, bool returns,
		  const struct probe_site **failed)
{
	const struct attaching a = { s, p, prog, returns, failed };

	return is_multi(s, p) ? attach_multi(&a) : attach_each(&a);
}
