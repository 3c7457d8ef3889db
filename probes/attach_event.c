#include "probes/attach_event.h"

#include <dirent.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/libbpf.h>

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

/* bpf_program__attach_perf_event() leaves the event to us only if it fails. */
int attach_event(struct session *s, const struct probe_site *site,
		 struct bpf_program *prog, struct perf_event_attr *attr, int32_t pid,
		 int cpu)
{
	LIBBPF_OPTS(bpf_perf_event_opts, opts, .bpf_cookie = probe_site_cookie(site));
	int fd = (int)syscall(SYS_perf_event_open, attr, pid, cpu, -1,
			      PERF_FLAG_FD_CLOEXEC);
	struct bpf_link *link;
	int err;

	if (fd < 0)
		return -errno;
	if (attr->type == PERF_TYPE_TRACEPOINT)
		session_keep_event(s, fd);
	link = bpf_program__attach_perf_event_opts(prog, fd, &opts);
	if (!link) {
		err = -errno;
		close(fd);
		return err;
	}
	session_add_link(s, link);
	return 0;
}

int attach_event_cpus(struct session *s, const struct probe_site *site,
		      struct bpf_program *prog, struct perf_event_attr *attr,
		      bool every_cpu)
{
	char online[4096];
	int cpu;

	read_online(online, sizeof(online));
	for (cpu = 0; next_cpu(online, &cpu); cpu++) {
		int err = attach_event(s, site, prog, attr, -1, cpu);

		/* A CPU may go offline between the list and here. */
		if (err == -ENODEV && every_cpu)
			continue;
		if (err || !every_cpu)
			return err;
	}
	return 0;
}

int attach_event_process(struct session *s, const struct probe_site *site,
			 struct bpf_program *prog, struct perf_event_attr *attr,
			 int32_t pid)
{
	char path[64];
	struct dirent *d;
	int err = -ESRCH;
	DIR *dir;

	attr->inherit = 1;
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		return -ESRCH;
	while ((d = readdir(dir))) {
		int32_t tid = (int32_t)strtol(d->d_name, NULL, 10);
		int this =
			tid > 0 ? attach_event(s, site, prog, attr, tid, -1) : -ESRCH;

		/* A thread may end meanwhile. */
		if (this == -ESRCH)
			continue;
		err = this;
		if (err)
			break;
	}
	closedir(dir);
	return err;
}
