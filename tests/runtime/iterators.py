"""iter: walks through the machine's tasks, files and memory."""

import os
import resource
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import Load, check, need, run_memql


def lines(program, *options):
    done = run_memql("-q", *options, "-e", program)
    check(done.returncode == 0, f"{program}: {done.stderr.strip() or 'ran to its end'}")
    check("lost" not in done.stderr.lower(), "nothing was lost")
    return [line for line in done.stdout.splitlines() if line]


def tasks(load):
    found = lines('iter:task { printf("%d %d %s\\n", ctx.task.tgid, ctx.task.pid, ctx.task.comm); }')
    rows = [line.split(" ", 2) for line in found]
    check([str(load.pid), str(load.pid), "memql_load"] in rows, f"the load among {len(rows)} tasks")
    check(len({row[1] for row in rows}) == len(rows), "each once")
    threads = len(os.listdir(f"/proc/{os.getpid()}/task"))
    ours = lines(f"iter:task /args.task.tgid == {os.getpid()}/ {{ @ = count(); }}")
    check(ours == [f"@: {threads}"], f"this process has {threads} threads: {ours}")


def files(load, directory):
    """More than fit into the ring buffer at once."""
    path = os.path.join(directory, "opened")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with open(path, "w") as f:
        many = [os.dup(f.fileno()) for _ in range(3000)]
        found = lines(
            f'iter:task_file /ctx.task.pid == {os.getpid()}/ {{ printf("%d %d %s\\n", ctx.fd, ctx.file.f_flags & 3,'
            ' "0123456789012345678901234567890123456789"); }', "--ring-size", "16",
        )
        rows = {int(line.split()[0]): line.split()[1] for line in found}
        check(all(rows.get(fd) == "1" for fd in many), f"{len(many)} open files among {len(rows)}")
        for fd in many:
            os.close(fd)


def paths(directory):
    """path() against what /proc says of our own files; one has a name that is cut."""
    deep = os.path.join(directory, "x" * 200)
    with open(deep, "w") as f, open(os.devnull) as null:
        found = lines(
            f'iter:task_file /ctx.task.pid == {os.getpid()}/ {{ printf("%d %s %s\\n", ctx.fd, path(ctx.file.f_path),'
            " path(ctx.file.f_path, 20)); }"
        )
        rows = {int(line.split()[0]): line.split()[1:] for line in found}
        for file in f, null:
            whole = os.readlink(f"/proc/self/fd/{file.fileno()}")
            short = whole if len(whole) <= 20 else whole[:20] + "..."
            check(rows.get(file.fileno()) == [whole, short], f"path() of {whole[:30]}")


def areas(load):
    with open(f"/proc/{load.pid}/maps") as f:
        maps = [line.split()[0] for line in f if "[vsyscall]" not in line]
    found = lines(f'iter:task_vma /ctx.task.pid == {load.pid}/ {{ printf("%lx-%lx\\n", ctx.vma.vm_start, ctx.vma.vm_end); }}')
    check([tuple(int(x, 16) for x in line.split("-")) for line in found]
          == [tuple(int(x, 16) for x in line.split("-")) for line in maps], f"{len(maps)} areas of memory, as /proc has them")


def endings():
    found = lines('BEGIN { printf("begin\\n"); } iter:task { @n++; if (@n == 1) { printf("one\\n"); exit(); } } END { printf("end\\n"); clear(@n); }')
    check(found == ["begin", "one", "end"], f"exit(): {found}")


def main():
    need("bpf", "iter")
    with tempfile.TemporaryDirectory(prefix="memql-iter-") as directory, Load() as load:
        tasks(load)
        files(load, directory)
        paths(directory)
        areas(load)
    endings()


main()
