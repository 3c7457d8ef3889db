/* A loaded, attached image and its events. */
#ifndef MEMQL_SESSION_H
#define MEMQL_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sema/target.h"

struct action_info;
struct bpf_link;
struct bpf_program;
struct datum;
struct image;
struct image_program;
struct map_info;
struct probe_site;
struct refusal;
struct session;
struct sink;
struct uprobe_warmup;

struct session_options {
	int32_t child;       /* the process of -c; 0: none */
	bool no_warnings;    /* of the script itself */
	int32_t pid;         /* the only process of interest; 0: any */
	uint32_t ring_bytes; /* a power of two, at least a page; 0: default */
	/* Says on stderr that the verifier refused a program, in place of the session. */
	void (*refused)(const struct refusal *r, void *arg);
	void *refused_arg;
	struct uprobe_warmup *warmup; /* that may be at work; outlives the session */
	unsigned log_level; /* of the verifier, for inspect.c; 0: if it refuses */
};

/*
 * Load the programs into the kernel. 0, or -errno after a message on stderr that says
 * what was being done to what, and the way out. *out is set only on success. The image
 * and the sink must outlive the session.
 */
int session_open(const struct image *img, struct sink *sink,
		 const struct session_options *options, struct session **out);

/*
 * Map the buffer of events, run BEGIN, attach every probe; if the session is over after
 * BEGIN, nothing is attached. As session_open().
 */
int session_attach(struct session *s);

/* Nothing more to do: exit() was called, or nobody takes the results. */
bool session_is_over(const struct session *s);

/*
 * Handle events for up to timeout_ms. 1: the program called exit(); 0: more to come;
 * -errno.
 */
int session_poll(struct session *s, int timeout_ms);

/* memql got SIGUSR1: run what is there for that. 0, or -errno after a message. */
int session_signal(struct session *s);

/*
 * Detach, run END, handle what is left in the ring buffer, print the maps and what was
 * lost. Returns true if anything was lost.
 */
bool session_finish(struct session *s);

/* How many sites the programs are attached to. */
size_t session_attached_sites(const struct session *s);

/* The same while session_attach() is at it, for another thread. */
size_t session_attached_so_far(const struct session *s);

/* What exit(code) said; 0. */
int session_exit_code(const struct session *s);

void session_close(struct session *s); /* NULL is fine */

/* Whether warnings are shown; how much of a file cat() shows. */
bool session_shows_warnings(const struct session *s);
size_t session_max_cat_bytes(const struct session *s);

/* The port that actions use. What is shown through the sink comes in their order. */
struct sink *session_sink(struct session *s);
/* All entries in ascending order; top 0: all, else the last top ones; div >= 1. */
void session_print_map(struct session *s, const struct map_info *map, uint64_t top,
		       uint64_t div);
/* A value, or one entry of a map that holds plain ones. */
void session_print_value(struct session *s, const struct datum *d, uint64_t div);
/* The value of one entry of an aggregation, by map->nkeys values. */
void session_print_entry(struct session *s, const struct map_info *map,
			 const struct datum *keys, uint64_t div);
/* What follows print() of the same map takes what that showed, and not more. */
void session_clear_map(struct session *s, const struct map_info *map);
/* Sets every value to zero and keeps the keys. */
void session_zero_map(struct session *s, const struct map_info *map);
void session_exit(struct session *s, int code);

/* Bytes of a packet, whose action's text is the file's path. */
struct packet {
	uint64_t time; /* CLOCK_BOOTTIME, ns */
	const char *bytes;
	uint32_t taken;  /* how many there are */
	uint32_t length; /* how many the packet had */
};
/* Append it to the file, which the first one makes. Errors are shown, and count. */
void session_capture(struct session *s, const struct action_info *action,
		     const struct packet *p);

/* Watchpoints at an address end. False: there is none any more. */
bool session_unwatch(struct session *s, uint64_t address);

/* The port that probe kinds use. Takes the link (or file descriptor) over. */
void session_add_link(struct session *s, struct bpf_link *link);
void session_add_fd(struct session *s, int fd);
/*
 * Before a link takes over the perf event fd, which the kernel is slow to close: it stays
 * open until the session has ended, without a program.
 */
void session_keep_event(struct session *s, int fd);
/* How many links there are; those from that number on watch an address. */
size_t session_links(const struct session *s);
void session_add_watch(struct session *s, uint64_t address, size_t first);
/* One that runs its program while it is read, which ends the trace; at most one. */
void session_add_iterator(struct session *s, int fd);
/* For perf_event_open(2): the number of a tracepoint, or -errno. */
int session_tracepoint_id(const char *group, const char *event);
/*
 * What programs that attach by the kernel's numbers of types are loaded with: the number
 * of a function in a module (NULL: any), or of a raw tracepoint, and the descriptor of
 * the module's BTF, which the session closes; 0 is the kernel itself. 0, or -errno;
 * -ENOENT: there is none, -ENODATA: this kernel has no BTF.
 */
int session_function_id(struct session *s, const char *module, const char *name,
			uint32_t *id, int *btf_fd);
int session_raw_tracepoint_id(struct session *s, const char *event, uint32_t *id,
			      int *btf_fd);
/*
 * For prepare: the program, in section IMAGE_BY_ID, is of type BPF_PROG_TYPE_TRACING and
 * attaches, as an enum bpf_attach_type says, to what has this number.
 */
void session_load_by_id(struct session *s, struct bpf_program *prog, int attach_type,
			uint32_t id, int btf_fd);
/*
 * The addresses of the kernel's functions of this name in a module: up to max of them to
 * out. How many there are, or -errno: -EACCES if the kernel hides them. A few of them may
 * not be for probes.
 */
int session_function_addresses(struct session *s, const char *module, const char *name,
			       uint64_t *out, size_t max);
/*
 * Whether the program goes on without a site that could not be attached to, as its
 * missing_probes says; warns if it wants that.
 */
bool session_skip_site(struct session *s, const struct image_program *p,
		       const struct probe_site *site, int err);
/* The process of -c, which waits until all is attached; 0: none. */
int32_t session_child(const struct session *s);
/* Whether this kernel has it; tried once. */
bool session_has(struct session *s, enum feature f);

#endif
