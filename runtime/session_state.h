/* What a session is made of: shared by the files of runtime/, by nobody else. */
#ifndef MEMQL_SESSION_STATE_H
#define MEMQL_SESSION_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "codegen/image.h"
#include "runtime/kernel_names.h"
#include "runtime/map_read.h"
#include "runtime/session.h"

struct arena;
struct bpf_object;
struct bpf_program;
struct btf_set;
struct datum;
struct inspected_program;
struct ring_buffer;
struct sink;
struct traced_file;

/* One of image->maps in the kernel. */
struct live_map {
	int fd;
	int seats;   /* of a MAP_KEPT, beside its entries: a descriptor; else -1 */
	bool zeroed; /* by zero(): a scalar aggregation is shown though it is 0 */
};

/* A print() of a map that was not done yet: see maps.c. */
struct print_job {
	const struct map_info *map;
	uint64_t top, div;
	enum map_then then;
};

/* What a program attaches to, by the kernel's number: see by_id.c. */
struct load_by_id {
	struct bpf_program *prog;
	int attach_type; /* enum bpf_attach_type */
	uint32_t id;
	int btf_fd; /* of the module's BTF; 0: the kernel's own */
};

/* A file of packets: see capture.c. */
struct capture {
	const struct action_info *action; /* the first that wrote to it */
	FILE *file;                       /* NULL: it cannot be written */
	uint64_t pending;                 /* packets that may not be in it yet */
	uint64_t lost;                    /* packets that never will be */
};

struct session {
	const struct image *image;
	struct sink *sink;
	struct arena *arena; /* lives as long as the session */
	bool no_warnings;    /* of the script itself */
	unsigned ncpus;      /* possible CPUs: cells per value of a per-CPU map */
	int32_t child;       /* the process of -c; 0: none */
	struct inspected_program *inspecting; /* keep the verifier's logs here, and say
					       * nothing of what it refuses; or NULL */
	atomic_size_t attached;               /* sites, as far as is known */
	size_t nskipped;                      /* sites that the program does without */
	struct kernel_names functions;        /* with addresses, once somebody asks */
	int functions_err;                    /* 1: nobody did */
	struct kernel_names symbols; /* all of them, once those do not suffice */
	bool tried[FEATURE_COUNT], has[FEATURE_COUNT];
	void (*refused)(const struct refusal *r, void *arg); /* or NULL */
	void *refused_arg;

	struct btf_set *btf; /* NULL: not needed yet */
	int by_id_handler;   /* of libbpf; 0: none */
	struct {
		struct load_by_id *items;
		size_t n, cap;
	} by_id;
	struct bpf_object *object;
	struct bpf_program **programs; /* by index in image->programs */
	struct live_map *maps;         /* by map_info.index */
	struct {
		struct print_job *items;
		size_t n, cap;
	} prints;
	int loss_fd;                  /* -1: nothing can be lost */
	uint64_t *asleep;             /* IMAGE_ASLEEP; NULL: no program asks */
	struct uprobe_warmup *warmup; /* a thread of ours, or NULL */

	struct session_resolver *resolver; /* what values are shown with */
	struct symbols *symbolizer;

	struct ring_buffer *ring;
	struct datum *args; /* room for the arguments of any action */
	int iterator;       /* its descriptor; -1: none */
	uint64_t batch_end; /* CLOCK_MONOTONIC, ns; 0: when the buffer is empty */
	bool unread;        /* the batch ended before that */
	uint64_t missed;    /* events that the kernel's probes did not see */
	uint64_t malformed; /* records that could not be decoded */
	bool exiting;       /* exit() was handled: what follows it is not shown */
	int exit_code;

	struct {
		struct bpf_link **items;
		size_t n, cap;
	} links;
	struct {
		int *items;
		size_t n, cap;
	} fds;
	/* Of events whose programs are among the links: session_keep_event(). */
	struct {
		int *items;
		size_t n, cap;
	} events;
	/* Links of watchpoints, which are among those above. */
	struct {
		struct watch {
			uint64_t address;
			struct bpf_link *link; /* NULL: nobody watches any more */
		} *items;
		size_t n, cap;
	} watches;
	struct {
		struct traced_file *items;
		size_t n, cap;
	} traced; /* see replaced.c */
	struct {
		struct capture *items;
		size_t n, cap;
	} captures;
	int64_t traced_next; /* when to look at them again: CLOCK_MONOTONIC, seconds */
};

/* kernel.c: what must be asked of the running kernel. */

/* memql's process id as BPF programs see it, which differs inside a container. */
uint32_t kernel_own_pid(void);
/*
 * Events that the link's kprobes did not see, as the kernel counts them from 6.7 on: since
 * it was already in a kprobe, or had no room to remember more calls that are to return.
 * fd may be anything.
 */
uint64_t kernel_missed_events(int fd);

/* detach.c: no program runs any more. Later, the events without programs can go. */
void session_detach(struct session *s);
void session_leave_events(struct session *s);

/* One that has loaded nothing yet: session_close() releases it. */
struct session *session_new(const struct image *img, struct sink *sink,
			    const struct session_options *options);

/* load.c: from the image to loaded programs. 0, or -errno after a message. */
int session_load(struct session *s, const struct session_options *options);

/* globals.c: what is known before the programs are loaded. 0 or -errno. */
int globals_set(struct session *s, uint32_t ring_bytes, int32_t child);
/* s->asleep, when they are. 0 or -errno. */
int globals_open(struct session *s);

/* What can be done about an error of the system, or NULL. */
const char *errno_hint(struct arena *a, int err);
/* strerror(3), which lacks the kernel's ENOTSUPP. */
const char *errno_text(int err);

/* by_id.c: before programs are opened, after they are closed. 0 or -errno. */
int by_id_open(struct session *s);
void by_id_close(struct session *s);

/* events.c */
int events_open(struct session *s);
void events_close(struct session *s);
/* Handle what is in the ring buffer, for a short time or until exit(); 0 or -errno. */
int events_consume(struct session *s);
/* The same to the end of it: no program runs any more, so that there is one. */
int events_drain(struct session *s);

/* replaced.c: once all is attached; then often, it costs something once a second. */
void replaced_begin(struct session *s);
void replaced_look(struct session *s);

/* resolver.c */

/* The sink's resolver; with pid, names of that process only are remembered. */
void resolver_open(struct session *s, int32_t pid);
/* Called every few milliseconds. */
void resolver_poll(struct session *s);
void resolver_close(struct session *s);

/* maps.c */

/* Do the print() that wait, before anything else is shown. */
void session_do_prints(struct session *s);
/* At the end of the program. */
void session_print_all_maps(struct session *s);

/* capture.c: once a batch; at the end. */
void captures_flush(struct session *s);
void captures_close(struct session *s);

/* loss.c: true if anything was lost. */
bool session_report_losses(struct session *s);

#endif
