/*
 * The life of a traced program: load, BEGIN, attach, events, detach, END, results.
 */
#include "runtime/session.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "core/arena.h"
#include "runtime/btf.h"
#include "runtime/features.h"
#include "runtime/kallsyms.h"
#include "runtime/session_state.h"
#include "runtime/sink.h"
#include "runtime/symbols.h"
#include "runtime/tracefs.h"

/* Every probe without uprobe_multi takes two files; the soft limit is often 1024. */
static void raise_file_limit(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur == files.rlim_max)
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

struct session *session_new(const struct image *img, struct sink *sink,
			    const struct session_options *options)
{
	struct arena *a = arena_new();
	struct session *s = ARENA_NEW(a, struct session);

	*s = (struct session){
		.image = img,
		.sink = sink,
		.arena = a,
		.ncpus = (unsigned)libbpf_num_possible_cpus(),
		.loss_fd = -1,
		.no_warnings = options->no_warnings,
		.functions_err = 1,
		.iterator = -1,
		.child = options->child,
		.warmup = options->warmup,
	};
	sink->names = img->names;
	sink->nnames = img->nnames;
	raise_file_limit();
	return s;
}

int session_open(const struct image *img, struct sink *sink,
		 const struct session_options *options, struct session **out)
{
	struct session *s = session_new(img, sink, options);
	int err;

	err = session_load(s, options);
	if (err) {
		session_close(s);
		return err;
	}
	resolver_open(s, options->pid);
	*out = s;
	return 0;
}

int session_tracepoint_id(const char *group, const char *event)
{
	return tracefs_id(group, event);
}

static int need_btf(struct session *s)
{
	return s->btf ? 0 : btf_open(NULL, &s->btf);
}

int session_function_id(struct session *s, const char *module, const char *name,
			uint32_t *id, int *btf_fd)
{
	int err = need_btf(s);

	return err ? err : btf_function_id(s->btf, module, name, id, btf_fd);
}

int session_raw_tracepoint_id(struct session *s, const char *event, uint32_t *id,
			      int *btf_fd)
{
	int err = need_btf(s);

	return err ? err : btf_raw_tracepoint_id(s->btf, event, id, btf_fd);
}

/* A name that the kernel does not list among the functions to probe: see aliases. */
static const struct kernel_name *find_symbol(struct session *s, const char *module,
					     const char *name, size_t *n)
{
	if (!s->symbols.n && !kernel_functions_read_symbols(KALLSYMS_PATH, &s->symbols))
		kernel_names_sort(&s->symbols);
	return kernel_names_find(&s->symbols, module, name, n);
}

/*
 * The tracer's list has the place of its own call, behind an endbr64. Of a link for many
 * functions the kernel finds an event's cookie by where the function begins.
 */
static uint64_t function_start(struct session *s, uint64_t address)
{
	struct symbol symbol;

	return symbols_kernel(s->symbolizer, address, &symbol) ? address - symbol.offset
							       : address;
}

int session_function_addresses(struct session *s, const char *module, const char *name,
			       uint64_t *out, size_t max)
{
	const struct kernel_name *found;
	size_t n;

	if (s->functions_err > 0)
		s->functions_err = kernel_functions_read_addresses(&s->functions);
	if (s->functions_err)
		return s->functions_err;
	found = kernel_names_find(&s->functions, module, name, &n);
	if (!found)
		found = find_symbol(s, module, name, &n);
	for (size_t i = 0; i < n && i < max; i++)
		out[i] = function_start(s, found[i].address);
	return (int)n;
}

int32_t session_child(const struct session *s)
{
	return s->child;
}

bool session_has(struct session *s, enum feature f)
{
	if (!s->tried[f])
		s->has[f] = feature_try(f);
	s->tried[f] = true;
	return s->has[f];
}

struct sink *session_sink(struct session *s)
{
	session_do_prints(s);
	return s->sink;
}

bool session_shows_warnings(const struct session *s)
{
	return !s->no_warnings;
}

size_t session_max_cat_bytes(const struct session *s)
{
	return s->image->max_cat_bytes;
}

int session_exit_code(const struct session *s)
{
	return s->exit_code;
}

void session_add_link(struct session *s, struct bpf_link *link)
{
	atomic_fetch_add(&s->attached, 1);
	ARENA_PUSH(s->arena, &s->links, link);
}

size_t session_links(const struct session *s)
{
	return s->links.n;
}

void session_add_watch(struct session *s, uint64_t address, size_t first)
{
	for (size_t i = first; i < s->links.n; i++) {
		struct watch w = { address, s->links.items[i] };

		ARENA_PUSH(s->arena, &s->watches, w);
	}
}

static void remove_link(struct session *s, struct bpf_link *link)
{
	for (size_t i = 0; i < s->links.n; i++) {
		if (s->links.items[i] != link)
			continue;
		s->links.items[i] = s->links.items[--s->links.n];
		break;
	}
	bpf_link__destroy(link);
}

bool session_unwatch(struct session *s, uint64_t address)
{
	bool any = false;

	for (size_t i = 0; i < s->watches.n; i++) {
		struct watch *w = &s->watches.items[i];

		if (w->address != address || !w->link)
			continue;
		any = true;
		/* At the end all are detached already, and waiting events follow. */
		if (s->links.n)
			remove_link(s, w->link);
		w->link = NULL;
	}
	return any;
}

void session_add_fd(struct session *s, int fd)
{
	atomic_fetch_add(&s->attached, 1);
	ARENA_PUSH(s->arena, &s->fds, fd);
}

void session_add_iterator(struct session *s, int fd)
{
	session_add_fd(s, fd);
	s->iterator = fd;
}

/* BEGIN or END: the kernel runs the program once, here and now. */
static int run_once(struct session *s, size_t i)
{
	const struct image_program *p = &s->image->programs[i];
	LIBBPF_OPTS(bpf_test_run_opts, run);
	int err = bpf_prog_test_run_opts(bpf_program__fd(s->programs[i]), &run);

	if (err)
		fprintf(stderr, "memql: %s:%u: cannot run %s: %s\n", p->file, p->line,
			p->point, errno_text(err));
	return err;
}

bool session_is_over(const struct session *s)
{
	return s->exiting || sink_error(s->sink);
}

static int run_begin(struct session *s)
{
	int err = 0;

	for (size_t i = 0; !err && !session_is_over(s) && i < s->image->nprograms;
	     i++) {
		unsigned flags = s->image->programs[i].kind->flags;

		if (!(flags & PROBE_ONCE) || flags & (PROBE_AT_END | PROBE_ON_SIGNAL))
			continue;
		err = run_once(s, i);
		if (!err)
			events_drain(s); /* the next session_poll() says what failed */
	}
	return err;
}

int session_signal(struct session *s)
{
	int err = 0;

	for (size_t i = 0; !err && !session_is_over(s) && i < s->image->nprograms; i++)
		if (s->image->programs[i].kind->flags & PROBE_ON_SIGNAL)
			err = run_once(s, i);
	return err;
}

/* After exit() too, END is heard: each of its programs starts afresh. */
static void run_end(struct session *s)
{
	for (size_t i = 0; i < s->image->nprograms; i++) {
		if (!(s->image->programs[i].kind->flags & PROBE_AT_END))
			continue;
		s->exiting = false;
		if (!run_once(s, i))
			events_drain(s);
	}
}

static const char *attach_hint(struct session *s, const struct probe_site *site,
			       int err)
{
	switch (-err) {
	case ENOENT:
		if (site && site->path)
			return "the file is not there any more";
		return "it is gone, or tracefs is not mounted on /sys/kernel/tracing";
	case EACCES:
		/* perf_event_set_bpf_prog(): the one reason that root meets. */
		if (site && site->group && !geteuid())
			return "the program reads past the end of the event's record, "
			       "which is a bug in memql: please report it";
		break;
	case E2BIG:
		return "the kernel runs at most 64 BPF programs at one event, and "
		       "others are there already";
	case EBUSY:
		return "something else that excludes it is attached there";
	case ESRCH:
		return "the process has ended";
	case EOPNOTSUPP:
		if (!session_has(s, FEATURE_COOKIE))
			return "it takes Linux 5.15 or later, where a program can tell the "
			       "places that it is attached to";
		break;
	case EILSEQ:
		return "no instruction begins there";
	case EINVAL:
		if (site && site->path)
			return "the kernel puts probes only where an instruction that "
			       "it can move begins";
		break;
	}
	return errno_hint(s->arena, err);
}

/*
 * libbpf takes files that it could not open for features that the kernel lacks, tries
 * older ways, and tells of their errors.
 */
static bool out_of_files(void)
{
	int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd < 0 && errno == EMFILE;
}

static void report_attach(struct session *s, const struct image_program *p,
			  const struct probe_site *site, int err, bool warning)
{
	const char *hint;

	if (out_of_files())
		err = -EMFILE;
	hint = p->kind->hint ? p->kind->hint(err) : NULL;
	if (!hint)
		hint = attach_hint(s, site, err);
	fprintf(stderr, "memql: %s:%u: %scannot attach to %s: %s\n", p->file, p->line,
		warning ? "warning: " : "", site && site->name ? site->name : p->point,
		errno_text(err));
	if (hint)
		fprintf(stderr, "  hint: %s\n", hint);
}

bool session_skip_site(struct session *s, const struct image_program *p,
		       const struct probe_site *site, int err)
{
	const bool has_gone = p->of_engine && (err == -ENOENT || err == -ESRCH);

	if ((s->image->missing_probes == MISSING_ERROR && !has_gone) || out_of_files())
		return false;
	if (s->image->missing_probes == MISSING_WARN)
		report_attach(s, p, site, err, true);
	s->nskipped++;
	return true;
}

size_t session_attached_sites(const struct session *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->image->nprograms; i++)
		n += s->image->programs[i].nsites;
	return n - s->nskipped;
}

size_t session_attached_so_far(const struct session *s)
{
	return atomic_load(&s->attached);
}

/* Not before: the buffer is mapped twice, 4 MB that --dry-run does not need. */
static int listen_to_events(struct session *s)
{
	int err = events_open(s);
	const char *hint = err ? errno_hint(s->arena, err) : NULL;

	if (err)
		fprintf(stderr, "memql: cannot map the ring buffer: %s\n",
			errno_text(err));
	if (hint)
		fprintf(stderr, "  hint: %s\n", hint);
	return err;
}

int session_attach(struct session *s)
{
	size_t attached = 0;
	int err = listen_to_events(s);

	if (!err)
		err = run_begin(s);
	for (size_t i = 0; !err && !session_is_over(s) && i < s->image->nprograms;
	     i++) {
		const struct image_program *p = &s->image->programs[i];
		const struct probe_site *failed = NULL;

		if (p->kind->flags & PROBE_ONCE)
			continue;
		err = p->kind->attach(s, p, s->programs[i], &failed);
		if (err)
			report_attach(s, p, failed, err, false);
		attached += p->nsites; /* one link may be of many */
		atomic_store(&s->attached, attached);
	}
	if (err)
		session_detach(s);
	else
		replaced_begin(s);
	return err;
}

bool session_finish(struct session *s)
{
	bool lost;

	session_detach(s);
	s->traced_next = 0; /* for the last second */
	events_drain(s);
	run_end(s);
	if (s->image->maps_at_end)
		session_print_all_maps(s);
	else
		session_do_prints(s);
	/* A reader that left did not want the rest. */
	lost = sink_error(s->sink) != EPIPE && session_report_losses(s);
	sink_flush(s->sink);
	return lost;
}

void session_close(struct session *s)
{
	if (!s)
		return;
	session_detach(s);
	events_close(s);
	captures_close(s);
	resolver_close(s);
	bpf_object__close(s->object);
	by_id_close(s);
	btf_close(s->btf);
	session_leave_events(s);
	kernel_names_free(&s->functions);
	kernel_names_free(&s->symbols);
	arena_free(s->arena);
}
