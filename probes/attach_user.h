/* Programs that run at instructions of user space. */
#ifndef MEMQL_ATTACH_USER_H
#define MEMQL_ATTACH_USER_H

#include <stdbool.h>

struct bpf_program;
struct image_program;
struct probe_site;
struct session;

/* Before load: what the kernel must know of the program. As probe_kind's prepare. */
void prepare_user(struct session *s, const struct image_program *p,
		  struct bpf_program *prog);

/* Attach to all sites, or to the returns of their functions. As probe_kind's attach. */
int attach_user(struct session *s, const struct image_program *p,
		struct bpf_program *prog, bool returns,
		const struct probe_site **failed);

#endif
