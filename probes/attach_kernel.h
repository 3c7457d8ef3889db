/* Attaching to functions of the kernel: kprobes and kretprobes. */
#ifndef MEMQL_ATTACH_KERNEL_H
#define MEMQL_ATTACH_KERNEL_H

#include <stdbool.h>

struct bpf_program;
struct image_program;
struct probe_site;
struct session;

/* As probe_kind.prepare and .attach. */
void prepare_kernel(struct session *s, const struct image_program *p,
		    struct bpf_program *prog);
int attach_kernel(struct session *s, const struct image_program *p,
		  struct bpf_program *prog, bool returns,
		  const struct probe_site **failed);

#endif
