#include "runtime/inspect.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "core/arena.h"
#include "runtime/session_state.h"
#include "runtime/sink.h"

/* Of each instruction; and sizes, of the stack and others. */
enum { LOG_STATES = 2, LOG_STATS = 4 };
enum { POLL_MS = 50 };

static void read_program(struct bpf_program *prog, struct inspected_program *out)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);
	int fd = bpf_program__fd(prog);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		return;
	out->loaded = true;
	out->insns = info.xlated_prog_len / 8;
	out->jit_bytes = info.jited_prog_len;
	out->verified = info.verified_insns;
}

/* What the kernel counts for a map: "memlock:" in what it says of the descriptor. */
static uint64_t map_memory(int fd)
{
	char path[64], line[128];
	uint64_t bytes = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "memlock: %" SCNu64, &bytes) == 1)
			break;
	fclose(f);
	return bytes;
}

static void read_maps(struct arena *a, struct bpf_object *object,
		      struct inspection *out)
{
	struct bpf_map *map;
	size_t n = 0;

	bpf_object__for_each_map(map, object) n++;
	out->maps = ARENA_ARRAY(a, struct inspected_map, n);
	bpf_object__for_each_map(map, object)
	{
		struct inspected_map *m = &out->maps[out->nmaps++];

		m->name = arena_strdup(a, bpf_map__name(map));
		m->memory = bpf_map__fd(map) < 0 ? 0 : map_memory(bpf_map__fd(map));
	}
}

/* The logs were kept beyond the session, and may be long: now they are in the arena. */
static void keep_log(struct arena *a, struct inspected_program *p)
{
	char *log = (char *)p->log;

	p->log = arena_strdup(a, log ? log : "");
	free(log);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void read_runs(const struct session *s, struct inspection *out)
{
	for (size_t i = 0; i < s->image->nprograms; i++) {
		struct bpf_prog_info info = { 0 };
		uint32_t len = sizeof(info);
		int fd = bpf_program__fd(s->programs[i]);

		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
			continue;
		out->programs[i].runs = info.run_cnt;
		out->programs[i].run_ns = info.run_time_ns;
	}
}

static bool is_stopped(const struct inspect_run *run)
{
	return run->stop && *run->stop;
}

/* Until the time is over, or the program. 0 or -errno after a message. */
static int run_programs(struct session *s, struct inspect_run *run,
			struct inspection *out)
{
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	double begin = now();
	int err;

	if (stats < 0) {
		run->err = stats;
		return 0;
	}
	resolver_open(s, run->pid);
	err = session_attach(s);
	while (!err && !session_is_over(s) && !is_stopped(run) &&
	       now() - begin < run->seconds)
		err = session_poll(s, POLL_MS);
	run->seconds = now() - begin;
	read_runs(s, out);
	session_finish(s);
	close(stats);
	return err < 0 ? err : 0;
}

static void look_at(struct arena *a, struct session *s, struct inspection *out)
{
	for (size_t i = 0; i < s->image->nprograms; i++) {
		keep_log(a, &out->programs[i]);
		if (s->programs)
			read_program(s->programs[i], &out->programs[i]);
	}
	if (s->object)
		read_maps(a, s->object, out);
}

void inspect_image(struct arena *a, const struct image *img, struct inspect_run *run,
		   struct inspection *out)
{
	struct session_options options = { .pid = run->pid,
					   .no_warnings = true,
					   .log_level = LOG_STATES | LOG_STATS };
	FILE *nowhere = fopen("/dev/null", "we");
	struct sink *sink;
	struct session *s;

	*out = (struct inspection){ .err = nowhere ? 0 : -errno };
	out->programs = ARENA_ARRAY(a, struct inspected_program, img->nprograms);
	if (!nowhere)
		return;
	/* One session for both: libbpf 1.1 loses its memory of handlers with the first. */
	sink = sink_text_new(nowhere, nowhere, true);
	s = session_new(img, sink, &options);
	s->inspecting = out->programs;
	out->err = session_load(s, &options);
	look_at(a, s, out);
	if (!out->err && run->seconds > 0)
		out->err = run_programs(s, run, out);
	session_close(s);
	sink->ops->close(sink);
	fclose(nowhere);
}

const char *inspect_program_type(const char *section)
{
	enum bpf_attach_type attach;
	enum bpf_prog_type type;

	if (strcmp(section, IMAGE_BY_ID) == 0)
		return libbpf_bpf_prog_type_str(BPF_PROG_TYPE_TRACING);
	if (libbpf_prog_type_by_name(section, &type, &attach))
		return section;
	return libbpf_bpf_prog_type_str(type);
}
