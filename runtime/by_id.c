/*
 * Programs that attach by the kernel's number of a type. libbpf would look for the number
 * itself, and reads all of the kernel's BTF for it: 10 to 18 ms, where our own reader takes
 * one. So it is told of a kind of program that needs no such thing, and the program
 * becomes what it is at the last moment.
 */
#include <errno.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "core/arena.h"
#include "runtime/session_state.h"

void session_load_by_id(struct session *s, struct bpf_program *prog, int attach_type,
			uint32_t id, int btf_fd)
{
	struct load_by_id target = { prog, attach_type, id, btf_fd };

	ARENA_PUSH(s->arena, &s->by_id, target);
	bpf_program__set_expected_attach_type(prog, (enum bpf_attach_type)attach_type);
}

/* libbpf's callback, right before it loads the program; cookie is the session. */
static int set_target(struct bpf_program *prog, struct bpf_prog_load_opts *opts,
		      long cookie)
{
	const struct session *s = (const struct session *)cookie;

	for (size_t i = 0; i < s->by_id.n; i++) {
		const struct load_by_id *t = &s->by_id.items[i];

		if (t->prog != prog)
			continue;
		opts->expected_attach_type = (enum bpf_attach_type)t->attach_type;
		opts->attach_btf_id = t->id;
		opts->attach_btf_obj_fd = (uint32_t)t->btf_fd;
		return bpf_program__set_type(prog, BPF_PROG_TYPE_TRACING);
	}
	return -ENOENT;
}

int by_id_open(struct session *s)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .cookie = (long)s,
		    .prog_prepare_load_fn = set_target);

	s->by_id_handler =
		libbpf_register_prog_handler(IMAGE_BY_ID, BPF_PROG_TYPE_RAW_TRACEPOINT,
					     (enum bpf_attach_type)0, &opts);
	return s->by_id_handler < 0 ? s->by_id_handler : 0;
}

void by_id_close(struct session *s)
{
	if (s->by_id_handler > 0)
		libbpf_unregister_prog_handler(s->by_id_handler);
}
