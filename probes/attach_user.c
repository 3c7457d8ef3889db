/*
 * One link holds all sites of a program in one file where the kernel has such links
 * (uprobe_multi, 6.6): a thousand sites attach in 10 ms instead of 300, and detach in
 * 65 ms instead of two minutes. Elsewhere each site has a perf event of its own.
 *
 * The system call is made directly: libbpf knows it from 1.3 on, and memql runs with 1.1.
 */
#include "probes/attach_user.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "codegen/image.h"
#include "probes/probe.h"
#include "runtime/session.h"

/* From the kernel's uapi/linux/bpf.h, 6.6. */
enum {
	ATTACH_TRACE_UPROBE_MULTI = 48,
	UPROBE_MULTI_RETURN = 1,
};

/* union bpf_attr for BPF_LINK_CREATE of such a link. */
struct uprobe_multi_attr {
	uint32_t prog_fd, target_fd, attach_type, link_flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t cnt, flags, pid, unused;
};

/* What the call takes of the sites, side by side. */
struct batch {
	const struct probe_site *const *sites;
	uint64_t *offsets, *semaphores, *cookies;
	size_t n;
};

void prepare_user(struct session *s, const struct image_program *p,
		  struct bpf_program *prog)
{
	if (session_has(s, FEATURE_UPROBE_MULTI))
		bpf_program__set_expected_attach_type(
			prog, (enum bpf_attach_type)ATTACH_TRACE_UPROBE_MULTI);
	if (p->sleepable)
		bpf_program__set_flags(prog, BPF_F_SLEEPABLE);
}

/* A link for sites first..first + n - 1 of the batch: its descriptor or -errno. */
static int create_link(const struct batch *b, size_t first, size_t n, int prog_fd,
		       bool returns)
{
	struct uprobe_multi_attr attr = {
		.prog_fd = (uint32_t)prog_fd,
		.attach_type = ATTACH_TRACE_UPROBE_MULTI,
		.path = (uintptr_t)b->sites[first]->path,
		.offsets = (uintptr_t)(b->offsets + first),
		.ref_ctr_offsets = (uintptr_t)(b->semaphores + first),
		.cookies = (uintptr_t)(b->cookies + first),
		.cnt = (uint32_t)n,
		.flags = returns ? UPROBE_MULTI_RETURN : 0,
		.pid = (uint32_t)b->sites[first]->pid,
	};
	int fd = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));

	return fd < 0 ? -errno : fd;
}

/* The kernel does not say which of the sites it did not take: try them one by one. */
static const struct probe_site *find_bad(const struct batch *b, int prog_fd,
					 bool returns)
{
	size_t i;

	for (i = 0; i < b->n; i++) {
		int fd = create_link(b, i, 1, prog_fd, returns);

		if (fd < 0)
			return b->sites[i];
		close(fd);
	}
	return b->sites[0];
}

static int attach_batch(struct session *s, const struct batch *b,
			struct bpf_program *prog, bool returns,
			const struct probe_site **failed)
{
	int prog_fd = bpf_program__fd(prog);
	int fd = create_link(b, 0, b->n, prog_fd, returns);

	if (fd < 0) {
		*failed = find_bad(b, prog_fd, returns);
		return fd;
	}
	session_add_fd(s, fd);
	return 0;
}

static bool has_gone(int err)
{
	return err == -ENOENT || err == -ESRCH;
}

/* A file that has gone since it was found takes all of its sites with it. */
static bool skip_file(struct session *s, const struct image_program *p,
		      const struct batch *b, int err)
{
	for (size_t i = 0; i < b->n; i++)
		if (!has_gone(err) || !session_skip_site(s, p, b->sites[i], err))
			return false;
	return true;
}

static int compare_files(const struct probe_site *a, const struct probe_site *b)
{
	int c = strcmp(a->path, b->path);

	return c ? c : (a->pid > b->pid) - (a->pid < b->pid);
}

static int compare_sites(const void *a, const void *b)
{
	const struct probe_site *x = *(const struct probe_site *const *)a;
	const struct probe_site *y = *(const struct probe_site *const *)b;
	int c = compare_files(x, y);

	return c ? c : (x->offset > y->offset) - (x->offset < y->offset);
}

/* One link for each run of sites in one file. */
static int attach_runs(struct session *s, const struct image_program *p,
		       const struct batch *all, struct bpf_program *prog, bool returns,
		       const struct probe_site **failed)
{
	size_t first, end;

	for (first = 0; first < all->n; first = end) {
		struct batch b = {
			.sites = all->sites + first,
			.offsets = all->offsets + first,
			.semaphores = all->semaphores + first,
			.cookies = all->cookies + first,
		};
		int err;

		for (end = first + 1; end < all->n; end++)
			if (compare_files(all->sites[first], all->sites[end]) != 0)
				break;
		b.n = end - first;
		err = attach_batch(s, &b, prog, returns, failed);
		if (err && !skip_file(s, p, &b, err))
			return err;
	}
	return 0;
}

static int attach_multi(struct session *s, const struct image_program *p,
			struct bpf_program *prog, bool returns,
			const struct probe_site **failed)
{
	const struct probe_site **sites = malloc(p->nsites * sizeof(*sites));
	uint64_t *words = malloc(p->nsites * 3 * sizeof(*words));
	struct batch all = {
		.sites = sites,
		.offsets = words,
		.semaphores = words + p->nsites,
		.cookies = words + 2 * p->nsites,
		.n = p->nsites,
	};
	int err = -ENOMEM;
	size_t i;

	*failed = &p->sites[0];
	if (!sites || !words)
		goto out;
	for (i = 0; i < p->nsites; i++)
		sites[i] = &p->sites[i];
	qsort(sites, p->nsites, sizeof(*sites), compare_sites);
	for (i = 0; i < p->nsites; i++) {
		all.offsets[i] = sites[i]->offset;
		all.semaphores[i] = sites[i]->semaphore;
		all.cookies[i] = probe_site_cookie(sites[i]);
	}
	err = attach_runs(s, p, &all, prog, returns, failed);
out:
	free(sites);
	free(words);
	return err;
}

static int attach_each(struct session *s, const struct image_program *p,
		       struct bpf_program *prog, bool returns,
		       const struct probe_site **failed)
{
	size_t i;

	for (i = 0; i < p->nsites; i++) {
		const struct probe_site *site = &p->sites[i];
		LIBBPF_OPTS(bpf_uprobe_opts, opts,
			    .bpf_cookie = probe_site_cookie(site),
			    .ref_ctr_offset = site->semaphore, .retprobe = returns);
		struct bpf_link *link = bpf_program__attach_uprobe_opts(
			prog, site->pid ? site->pid : -1, site->path, site->offset,
			&opts);

		int err = link ? 0 : -errno;

		if (link)
			session_add_link(s, link);
		if (!err || (has_gone(err) && session_skip_site(s, p, site, err)))
			continue;
		*failed = site;
		return err;
	}
	return 0;
}

int attach_user(struct session *s, const struct image_program *p,
		struct bpf_program *prog, bool returns,
		const struct probe_site **failed)
{
	if (p->nsites == 0)
		return 0;
	return session_has(s, FEATURE_UPROBE_MULTI)
		       ? attach_multi(s, p, prog, returns, failed)
		       : attach_each(s, p, prog, returns, failed);
}
