#include "probes/attach_clock.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "codegen/image.h"
#include "probes/probe.h"
#include "runtime/session.h"

/*
 * The next online CPU from *cpu on, from a list such as "0-3,6". Returns false after the
 * last. A list that cannot be read stands for CPU 0.
 */
static bool next_cpu(const char *list, int *cpu)
{
	const char *p = list;

	while (*p) {
		char *end;
		long first = strtol(p, &end, 10), last = first;

		if (end == p)
			return false;
		if (*end == '-')
			last = strtol(end + 1, &end, 10);
		if (*cpu <= last) {
			if (*cpu < first)
				*cpu = (int)first;
			return true;
		}
		p = *end == ',' ? end + 1 : "";
	}
	return false;
}

static void read_online(char *list, size_t size)
{
	FILE *fp = fopen("/sys/devices/system/cpu/online", "re");

	if (!fp || !fgets(list, (int)size, fp))
		snprintf(list, size, "0");
	if (fp)
		fclose(fp);
}

static uint64_t period(const struct probe_site *site)
{
	return site->is_hz ? 1000000000 / site->number : site->number;
}

/*
 * Always by period, never by frequency: the kernel turns a frequency of this clock into
 * a fixed period as well, but refuses one above perf_event_max_sample_rate, a limit that
 * it lowers by itself on a busy machine.
 */
static int open_clock(const struct probe_site *site, int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = period(site),
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1,
			      PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* bpf_program__attach_perf_event() leaves the event to us only if it fails. */
static int attach_one(struct session *s, const struct probe_site *site,
		      struct bpf_program *prog, int cpu)
{
	LIBBPF_OPTS(bpf_perf_event_opts, opts, .bpf_cookie = probe_site_cookie(site));
	struct bpf_link *link;
	int fd = open_clock(site, cpu);

	if (fd < 0)
		return fd;
	link = bpf_program__attach_perf_event_opts(prog, fd, &opts);
	if (!link) {
		int err = -errno;

		close(fd);
		return err;
	}
	session_add_link(s, link);
	return 0;
}

int attach_clock(struct session *s, const struct image_program *p,
		 struct bpf_program *prog, bool every_cpu,
		 const struct probe_site **failed)
{
	char online[4096];
	size_t i;

	read_online(online, sizeof(online));
	for (i = 0; i < p->nsites; i++) {
		int cpu;

		for (cpu = 0; next_cpu(online, &cpu); cpu++) {
			int err = attach_one(s, &p->sites[i], prog, cpu);

			/* A CPU may go offline between the list and here. */
			if (err == -ENODEV && every_cpu)
				continue;
			if (err) {
				*failed = &p->sites[i];
				return err;
			}
			if (!every_cpu)
				break;
		}
	}
	return 0;
}
