/* Features that files and other system calls tell of. */
#include "runtime/features_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/kallsyms.h"
#include "runtime/tracefs.h"

/* linux/capability.h */
enum { ADMIN = 21, PERFMON = 38, BPF = 39 };

/* The first line of a file; -errno. */
static int read_line(const char *path, char *line, size_t size)
{
	FILE *fp = fopen(path, "re");
	int err = 0;

	if (!fp)
		return -errno;
	if (!fgets(line, (int)size, fp))
		err = -EIO;
	fclose(fp);
	return err;
}

static uint64_t effective_capabilities(void)
{
	FILE *fp = fopen("/proc/self/status", "re");
	uint64_t mask = 0;
	char line[256];

	while (fp && fgets(line, sizeof(line), fp) &&
	       sscanf(line, "CapEff: %" SCNx64, &mask) != 1)
		;
	if (fp)
		fclose(fp);
	return mask;
}

int try_privileges(const char **why)
{
	const uint64_t has = effective_capabilities();
	const uint64_t both = 1ULL << BPF | 1ULL << PERFMON;

	if (has & 1ULL << ADMIN || (has & both) == both)
		return 0;
	*why = geteuid() ? "we are not root, and lack CAP_BPF and CAP_PERFMON"
			 : "root has neither CAP_SYS_ADMIN nor CAP_BPF and CAP_PERFMON "
			   "here: a container";
	return -EPERM;
}

int try_lockdown(const char **why)
{
	char line[128];
	int err = read_line("/sys/kernel/security/lockdown", line, sizeof(line));

	if (err == -EACCES)
		return err;
	if (err || !strstr(line, "[confidentiality]"))
		return 0; /* no such file: no lockdown, or none that can be asked */
	*why = "the kernel is locked down for confidentiality";
	return -EPERM;
}

int try_btf(const char **why)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK) == 0)
		return 0;
	*why = "there is no /sys/kernel/btf/vmlinux";
	return -errno;
}

int try_jit(const char **why)
{
	char line[32];
	int err = read_line("/proc/sys/net/core/bpf_jit_enable", line, sizeof(line));

	if (err == -ENOENT)
		*why = "the kernel was built without it";
	if (err)
		return err;
	if (*line != '0')
		return 0;
	*why = "net.core.bpf_jit_enable is 0";
	return -EOPNOTSUPP;
}

static int try_pmu(const char *path, const char **why)
{
	if (access(path, F_OK) == 0)
		return 0;
	*why = "the kernel was built without them";
	return -errno;
}

int try_uprobe(const char **why)
{
	return try_pmu("/sys/bus/event_source/devices/uprobe/type", why);
}

int try_kprobe(const char **why)
{
	return try_pmu("/sys/bus/event_source/devices/kprobe/type", why);
}

int try_tracefs(const char **why)
{
	struct tracefs fs;
	int err = tracefs_open(&fs);

	if (err == -ENOENT)
		*why = "it is not mounted and cannot be";
	if (err == -EACCES)
		*why = "only root may read it";
	if (!err)
		tracefs_close(&fs);
	return err;
}

int try_syscalls(const char **why)
{
	struct tracefs fs;
	char path[sizeof(fs.path) + 32];
	int err = tracefs_open(&fs);

	if (err) {
		*why = "tracefs cannot be read";
		return err;
	}
	snprintf(path, sizeof(path), "%s/events/raw_syscalls", fs.path);
	/* access(2) would ask without the capabilities of one who is not root. */
	if (faccessat(AT_FDCWD, path, F_OK, AT_EACCESS)) {
		err = -errno;
		*why = err == -ENOENT ? "the kernel was built without these tracepoints"
				      : "tracefs cannot be read";
	}
	tracefs_close(&fs);
	return err;
}

/* A counter of our own process: its descriptor, or -errno. */
static int open_event(struct perf_event_attr *attr)
{
	int fd;

	attr->size = sizeof(*attr);
	fd = (int)syscall(SYS_perf_event_open, attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int try_event(uint32_t type, uint64_t config)
{
	struct perf_event_attr attr = { .type = type, .config = config, .disabled = 1 };
	int fd = open_event(&attr);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int try_perf_event(const char **why)
{
	int err = try_event(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK);

	if (err == -ENOSYS)
		*why = "the kernel has no perf_event_open(2)";
	if (err == -EACCES)
		*why = "kernel.perf_event_paranoid keeps them from us";
	return err;
}

int try_hardware(const char **why)
{
	int err = try_event(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES);

	if (err == -ENOENT || err == -EOPNOTSUPP || err == -ENODEV)
		*why = "this machine does not count cycles";
	return err;
}

/* Some virtual machines take them, and never count. */
int try_watchpoint(const char **why)
{
	volatile uint64_t place = 0;
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.bp_type = HW_BREAKPOINT_W,
		.bp_addr = (uintptr_t)&place,
		.bp_len = sizeof(place),
	};
	int fd = open_event(&attr), err = 0;
	uint64_t count = 0;

	if (fd < 0) {
		*why = fd == -EACCES ? "kernel.perf_event_paranoid keeps them from us"
				     : "this machine has no hardware breakpoints";
		return fd;
	}
	place = 1;
	if (read(fd, &count, sizeof(count)) != sizeof(count) || !count) {
		err = -ENODEV;
		*why = "this machine takes hardware breakpoints, and never reports them";
	}
	close(fd);
	return err;
}

/* What /proc/kallsyms has: -EACCES, addresses are hidden; -ENOENT. */
static int try_symbol(const char *name)
{
	uint64_t address;

	return kallsyms_find(KALLSYMS_PATH, name, &address);
}

int try_kallsyms(const char **why)
{
	int err = try_symbol("_text");

	if (err == -ENOENT)
		err = try_symbol("vfs_read");
	if (err == -EACCES)
		*why = "the kernel hides addresses from us";
	return err == -EACCES ? -EPERM : err;
}

int try_kallsyms_data(const char **why)
{
	int err = try_symbol("__per_cpu_offset");

	if (err == -ENOENT)
		*why = "the kernel lists functions only";
	return err == -EACCES ? -EPERM : err;
}

/* The function that puts a call in the place of the nop. */
int try_uprobe_nop5(const char **why)
{
	int err = try_symbol("arch_uprobe_optimize");

	if (err == -ENOENT)
		*why = "the kernel does not know how";
	return err == -EACCES ? 0 : err;
}
