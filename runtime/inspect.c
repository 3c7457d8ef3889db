#include "runtime/inspect.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "core/arena.h"
#include "runtime/session_state.h"
#include "runtime/sink.h"

/* Of each instruction; and sizes, of the stack and others. */
enum { LOG_STATES = 2, LOG_STATS = 4 };

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

void inspect_image(struct arena *a, const struct image *img, struct inspection *out)
{
	struct session_options options = { .log_level = LOG_STATES | LOG_STATS };
	struct sink *sink = sink_text_new(stdout, stderr, true);
	struct session *s = session_new(img, sink, &options);

	*out = (struct inspection){ 0 };
	out->programs = ARENA_ARRAY(a, struct inspected_program, img->nprograms);
	s->inspecting = out->programs;
	out->err = session_load(s, &options);
	for (size_t i = 0; i < img->nprograms; i++) {
		keep_log(a, &out->programs[i]);
		if (s->programs)
			read_program(s->programs[i], &out->programs[i]);
	}
	if (s->object)
		read_maps(a, s->object, out);
	session_close(s);
	sink->ops->close(sink);
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
