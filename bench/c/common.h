/* What the programs here share; no vmlinux.h, as they need a few structs only. */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* As the kernel hands them to programs at tracepoint:syscalls:*. */
struct syscall_enter {
	__u64 common;
	__s64 number;
	__u64 args[6];
};

#define MAP(map_type, map_key, map_value, entries)                                     \
	struct {                                                                       \
		__uint(type, map_type);                                                \
		__uint(max_entries, entries);                                          \
		__type(key, map_key);                                                  \
		__type(value, map_value);                                              \
	}

#define TASK_STORAGE(map_value)                                                        \
	struct {                                                                       \
		__uint(type, BPF_MAP_TYPE_TASK_STORAGE);                               \
		__uint(map_flags, BPF_F_NO_PREALLOC);                                  \
		__type(key, int);                                                      \
		__type(value, map_value);                                              \
	}

/* bpf_get_current_task_btf() of this thread's storage; NULL: no memory. */
#define THIS_THREAD(map)                                                               \
	bpf_task_storage_get(&(map), (void *)bpf_get_current_task_btf(), 0,            \
			     BPF_LOCAL_STORAGE_GET_F_CREATE)

static inline __u32 log2_bucket(__u64 n)
{
	__u32 bucket = 0;

#pragma unroll
	for (int shift = 32; shift; shift /= 2)
		if (n >> shift) {
			n >>= shift;
			bucket += shift;
		}
	return bucket;
}

char LICENSE[] SEC("license") = "GPL";

#endif
