/* The BTF that the kernel holds, as the objects that programs are loaded with. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "runtime/btf_internal.h"

/* True if the object is the kernel's own for the module; a program's may be named so. */
static bool is_of_module(int fd, const char *module)
{
	char name[64] = "";
	struct bpf_btf_info info = {
		.name = (uintptr_t)name,
		.name_len = sizeof(name),
	};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && info.kernel_btf &&
	       strcmp(name, module) == 0;
}

/* A descriptor, or -errno. */
static int open_object(const char *module)
{
	uint32_t id = 0;

	while (bpf_btf_get_next_id(id, &id) == 0) {
		int fd = bpf_btf_get_fd_by_id(id);

		/* It may have gone between the two calls. */
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return -errno;
		if (is_of_module(fd, module))
			return fd;
		close(fd);
	}
	return -errno;
}

int btf_place_fd(struct btf_set *s, const struct btf_place *p, int *fd)
{
	struct btf_module *m;

	*fd = 0;
	if (!p->module)
		return 0;
	m = &s->modules[p->module - 1];
	if (!m->fd) {
		int opened = open_object(m->name);

		if (opened < 0)
			return opened;
		m->fd = opened;
	}
	*fd = m->fd;
	return 0;
}
