/* How much memory the kernel keeps for a thread: apart, for the types of a map. */
#include "runtime/features_internal.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

/* Types of a key and of a value of so many bytes, which such maps must have: a descriptor. */
static int load_types(uint32_t bytes, int *key, int *value)
{
	struct btf *btf = btf__new_empty();
	const void *raw;
	uint32_t size;
	int byte, fd;

	if (!btf)
		return -errno;
	*key = btf__add_int(btf, "int", sizeof(int), BTF_INT_SIGNED);
	byte = btf__add_int(btf, "char", 1, 0);
	*value = btf__add_array(btf, *key, byte, bytes);
	raw = btf__raw_data(btf, &size);
	/* btf__load_into_kernel() would complain of what is no mistake. */
	fd = raw ? bpf_btf_load(raw, size, NULL) : -1;
	fd = fd < 0 ? -errno : fd;
	btf__free(btf);
	return fd;
}

/* A value for our own thread. */
static int try_value(int map, const void *value)
{
	int thread = (int)syscall(SYS_pidfd_open, getpid(), 0);
	int err = 0;

	if (thread < 0)
		return -errno;
	if (bpf_map_update_elem(map, &thread, value, BPF_ANY))
		err = -errno;
	close(thread);
	return err;
}

/*
 * Since 6.19 this memory comes from kmalloc_nolock(), which has no more than two pages for
 * anybody: values that are larger can be described, and never made.
 */
int try_thread_memory(const char **why)
{
	enum { BYTES = 16 << 10 };
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	void *value = calloc(1, BYTES);
	int key, contents, map, err = 0;
	int types = value ? load_types(BYTES, &key, &contents) : -ENOMEM;

	if (types >= 0) {
		opts.btf_fd = (uint32_t)types;
		opts.btf_key_type_id = (uint32_t)key;
		opts.btf_value_type_id = (uint32_t)contents;
		map = bpf_map_create(BPF_MAP_TYPE_TASK_STORAGE, "memql_try",
				     sizeof(int), BYTES, 0, &opts);
		err = map < 0 ? -errno : try_value(map, value);
		if (map >= 0)
			close(map);
		close(types);
	}
	if (err == -ENOMEM)
		*why = "the kernel gives a thread 8 KiB";
	free(value);
	return types < 0 ? types : err;
}
