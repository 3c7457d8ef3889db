"""What the kernel knows about a task without memql: time on and waiting for a CPU, bytes
read from devices; and files out of its page cache, without touching anybody else's."""

import os
import time


def task(pid, tid=None):
    return f"/proc/{pid}/task/{tid or pid}"


def schedule(pid, tid=None):
    """Nanoseconds on a CPU and waiting for one, since the task began. The first is brought
    up to date at each switch and tick only, so it is short by up to 4 ms while it runs."""
    with open(task(pid, tid) + "/schedstat") as f:
        run, wait, _ = map(int, f.read().split())
    return {"run": run, "runnable": wait}


def has_schedule():
    """Whether this kernel keeps them: CONFIG_SCHED_INFO."""
    return os.path.exists("/proc/self/schedstat")


def stolen():
    """Nanoseconds since the start that the CPUs were somebody else's, outside of this virtual
    machine: a task had its CPU then, but its sum_exec_runtime does not grow."""
    with open("/proc/stat") as f:
        ticks = int(f.readline().split()[8])
    return ticks * 1000000000 // os.sysconf("SC_CLK_TCK")


def io(pid, tid=None):
    """Bytes of /proc/PID/io: read_bytes is what was read from devices for this thread, or for
    all of the process."""
    with open((task(pid, tid) if tid else f"/proc/{pid}") + "/io") as f:
        return {name: int(value) for name, value in (line.split(": ") for line in f)}


def difference(after, before):
    return {name: after[name] - before[name] for name in after}


def children(pid):
    """Its child processes now."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as f:
                parent = int(f.read().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == pid:
            found.append(int(name))
    return found


def wait_for(happened, seconds=10, step=0.01):
    """Whether it came true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if happened():
            return True
        time.sleep(step)
    return bool(happened())


def forget_cached(paths):
    """These files leave the page cache: on disk first, for dirty pages would stay. Who has
    them mapped keeps them, so stop their server before."""
    for path in paths:
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(fd)
