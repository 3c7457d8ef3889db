"""Two tracers that count the system calls of both of them: each sees those of the other one alone, also
where a word says that memql sleeps, and the process is not asked for."""

import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import Memql, check, map_of, need, run_memql

CALLS = "write read openat close bpf futex munmap mmap brk exit_group".split()


def main():
    need("bpf")
    with tempfile.TemporaryDirectory(prefix="memql-own-") as directory:
        memql = os.environ["MEMQL"]
        names = [f"mq{i}-{os.getpid()}" for i in "ab"]  # as comm has them
        points = ", ".join(f"tracepoint:syscalls:sys_{way}_{call}" for call in CALLS for way in ("enter", "exit"))
        points = points.replace(", tracepoint:syscalls:sys_exit_exit_group", "")
        program = (
            f'{points} /comm == "{names[0]}" || comm == "{names[1]}"/ {{ @[comm] = count(); }}'
            ' interval:ms:5 { printf("tick\\n"); }'
        )
        tracers = []
        for name in names:
            os.symlink(memql, os.path.join(directory, name))
            os.environ["MEMQL"] = os.path.join(directory, name)
            tracers.append(Memql(directory, name, ["-e", program]))
        os.environ["MEMQL"] = memql
        until = time.time() + 60
        while any(len(one.lines()) < 50 for one in tracers) and time.time() < until:
            time.sleep(0.1)
        for one, name, other in zip(tracers, names, names[::-1]):
            one.stop()
            seen = map_of(one.events(), "@") or {}
            check(set(seen) == {other} and seen[other] > 20, f"{name}: {seen}")
        check_threads(directory, memql)


def check_threads(directory, memql):
    """A thread that gets the kernel ready for uprobes makes system calls while memql sleeps."""
    name = f"mqt-{os.getpid()}"
    os.symlink(memql, os.path.join(directory, name))
    os.environ["MEMQL"] = os.path.join(directory, name)
    program = (
        f'tracepoint:syscalls:sys_enter_close, tracepoint:syscalls:sys_exit_close /comm == "{name}"/'
        f' {{ @ = count(); }} interval:ms:300 {{ exit(); }} uprobe:{memql}:main {{ @mains = count(); }}'
    )
    seen = [run_memql("-q", "-e", program).stdout.strip() for _ in range(5)]
    os.environ["MEMQL"] = memql
    check(not any(seen), f"{name}: {seen}")


main()
