"""Tracepoints: their arguments of every kind, wildcards, and several in one clause."""

import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import Load, Memql, check, lost, map_of, need_root, run_memql

GETPPID = 110  # x86_64's number of the call


def trace(directory, name, program, *work):
    with Load() as load:
        memql = Memql(directory, name, ["-e", program.replace("PID", str(load.pid))])
        for line in work:
            load.do(line)
        memql.stop()
        events = memql.events()
        check(not lost(events), f"{name}: nothing was lost")
        return load, events


def arguments(directory):
    """Numbers, and arrays of characters and texts of variable length of this kernel."""
    _, events = trace(
        directory, "numbers",
        "tracepoint:raw_syscalls:sys_exit /pid == PID && args.id == 110/ { @[args.id, args.ret == 0] = count(); }"
        " tracepoint:syscalls:sys_enter_prctl /pid == PID/ { @option = args.option; }",
        "syscalls 500", "name 6e616d6564",
    )
    check(map_of(events, "@") == {(GETPPID, 0): 500}, "args.id and args.ret of sys_exit")
    check(map_of(events, "@option") == 15, "args.option of prctl(2)")

    load, events = trace(
        directory, "texts",
        "tracepoint:task:task_rename /pid == PID/ { @names[args.newcomm] = count(); }"
        " tracepoint:sched:sched_process_exit /pid == PID/ { @exit[args.comm] = args.pid; }",
        "name 6f6e65", "name 74776f", "name 74776f",
    )
    check(map_of(events, "@names") == {"one": 1, "two": 2}, "args.newcomm of task_rename")

    done = run_memql(
        "-q", "-c", "exec /bin/sh -c 'exit 0'", "-e",
        'tracepoint:sched:sched_process_exec /strcontains(args.filename, "/bin/sh")/ { @[args.filename] = count(); }',
    )
    check("@[/bin/sh]: " in done.stdout, f"args.filename of sched_process_exec: {done.stdout.strip()}{done.stderr}")


def wildcards(directory):
    _, events = trace(
        directory, "wildcards",
        "tracepoint:syscalls:sys_enter_getp*id /pid == PID/ { @[probe] = count(); }"
        " tracepoint:syscalls:sys_exit_getppid, tracepoint:syscalls:sys_enter_getppid /pid == PID/ { @both = count(); }",
        "syscalls 300",
    )
    check(map_of(events, "@") == {"tracepoint:syscalls:sys_enter_getppid": 300}, "sys_enter_getp*id: by probe")
    check(map_of(events, "@both") == 600, "two tracepoints of one clause")

    _, events = trace(
        directory, "groups",
        "tracepoint:sched:sched_* /pid == PID/ { @[probe] = count(); @all = count(); }",
        "wait", "wait",
    )
    check(sum(map_of(events, "@").values()) == map_of(events, "@all") > 0, f"sched:*: {map_of(events, '@all')} events")


def main():
    need_root()
    with tempfile.TemporaryDirectory(prefix="memql-tracepoints-") as directory:
        arguments(directory)
        wildcards(directory)


main()
