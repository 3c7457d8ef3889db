/*
 * Programs are attached to what their sections name, as libbpf has it, less the file:
 *
 * uprobe/FUNCTION, uretprobe/FUNCTION    usdt/PROVIDER:NAME
 * tracepoint/CATEGORY/NAME
 *
 * A function or tracepoint may be a pattern. In a program's file one link is for all places
 * (uprobe_multi, Linux 6.6), even if there is one: a perf event takes twice as long to detach.
 * libbpf could do it from 1.3 on; this works with 1.1, which Debian 12 has.
 */
#include "host.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/libbpf.h>

/* From the kernel's uapi/linux/bpf.h, 6.6. */
enum { TRACE_UPROBE_MULTI = 48, UPROBE_MULTI_RETURN = 1 };

/* union bpf_attr for BPF_LINK_CREATE of such a link. */
struct uprobe_multi_attr {
	uint32_t prog_fd, target_fd, attach_type, link_flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t cnt, flags, pid, unused;
};

static const struct kind {
	const char *prefix;
	int (*find)(Elf *elf, const char *name, struct places *out);
	uint32_t flags;
} kinds[] = {
	{ "uprobe/", places_functions, 0 },
	{ "uretprobe/", places_functions, UPROBE_MULTI_RETURN },
	{ "usdt/", places_usdt, 0 },
};

/* NULL if it does not probe a program. */
static const struct kind *kind_of(const struct bpf_program *p)
{
	const char *section = bpf_program__section_name(p);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strncmp(section, kinds[i].prefix, strlen(kinds[i].prefix)))
			return &kinds[i];
	return NULL;
}

void attach_prepare(struct bpf_object *object)
{
	struct bpf_program *p;

	bpf_object__for_each_program(p, object)
	{
		if (kind_of(p))
			bpf_program__set_expected_attach_type(
				p, (enum bpf_attach_type)TRACE_UPROBE_MULTI);
	}
}

/* The program that is probed: its file is read when it is first needed. */
struct target {
	const char *path;
	Elf *elf;
};

static int attach_user(struct bpf_program *p, const struct kind *kind, struct target *t)
{
	const char *name = bpf_program__section_name(p) + strlen(kind->prefix);
	struct places places;
	struct uprobe_multi_attr attr = {
		.prog_fd = (uint32_t)bpf_program__fd(p),
		.attach_type = TRACE_UPROBE_MULTI,
		.path = (uintptr_t)t->path,
		.flags = kind->flags,
	};

	if (!t->elf && t->path)
		t->elf = places_open(t->path);
	if (!t->elf || kind->find(t->elf, name, &places)) {
		errno = ENOENT;
		return -1;
	}
	attr.offsets = (uintptr_t)places.offsets;
	attr.cnt = (uint32_t)places.n;
	return (int)syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
}

/* Tracefs has a directory for each tracepoint. */
static int attach_tracepoints(struct bpf_program *p)
{
	static const char tracefs[] = "/sys/kernel/tracing/events/";
	const char *pattern = bpf_program__section_name(p) + strlen("tracepoint/");
	char path[256];
	glob_t found;

	snprintf(path, sizeof(path), "%s%s", tracefs, pattern);
	if (glob(path, 0, NULL, &found)) {
		errno = ENOENT;
		return -1;
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char *category = found.gl_pathv[i] + strlen(tracefs);
		char *name = strrchr(category, '/');

		*name++ = '\0';
		if (!bpf_program__attach_tracepoint(p, category, name))
			return -1;
	}
	globfree(&found);
	return 0;
}

int attach_all(struct bpf_object *object, const char *path)
{
	struct target target = { .path = path };
	struct bpf_program *p;

	bpf_object__for_each_program(p, object)
	{
		const char *section = bpf_program__section_name(p);
		const struct kind *kind = kind_of(p);
		int err = 0;

		if (kind)
			err = attach_user(p, kind, &target);
		else if (!strncmp(section, "tracepoint/", strlen("tracepoint/")))
			err = attach_tracepoints(p);
		if (err < 0) {
			fprintf(stderr, "host: %s: %s\n", section, strerror(errno));
			return -1;
		}
	}
	return 0;
}
