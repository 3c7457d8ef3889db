"""Raw tracepoints: what they count, and their arguments by number and by name."""

import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import Load, Memql, check, map_of, need, run_memql, until_none_is_missed

GETPPID = 110  # x86_64's number of the call


def trace(directory, name, program, *work):
    return until_none_is_missed(lambda: trace_once(directory, name, program, *work))


def trace_once(directory, name, program, *work):
    with Load() as load:
        memql = Memql(directory, name, ["-e", program.replace("PID", str(load.pid))])
        for line in work:
            load.do(line)
        memql.stop()
        return memql.events()


def counts(directory):
    events = trace(
        directory, "calls",
        "rawtracepoint:sys_enter /pid == PID && arg1 == 110/ { @enter = count(); }"
        " rt:vmlinux:sys_exit /pid == PID/ { @exit[args.ret] = count(); }"
        " rawtracepoint:sys_e* /pid == PID/ { @both[probe] = count(); }"
        " tracepoint:raw_syscalls:sys_enter /pid == PID/ { @same = count(); }",
        "syscalls 500",
    )
    check(map_of(events, "@enter") == 500, "500 calls of getppid(2) by number")
    check(map_of(events, "@exit")[os.getpid()] == 500, "500 returns of the parent's id")
    both = map_of(events, "@both")
    check(both["rawtracepoint:vmlinux:sys_enter"] >= 500, f"sys_e*: {both}")
    check(abs(both["rawtracepoint:vmlinux:sys_enter"] - map_of(events, "@same")) <= 2,
          f"as many as the tracepoint: {map_of(events, '@same')}")


def structs(directory):
    """What points into the kernel's structs agrees with the records of tracepoints."""
    events = trace(
        directory, "structs",
        "rawtracepoint:sched_switch /args.next.pid == PID/ { @raw[args.next.comm] = count(); }"
        " tracepoint:sched:sched_switch /args.next_pid == PID/ { @record[args.next_comm] = count(); }"
        " rawtracepoint:task_rename /args.task.pid == PID/ { @names[str(args.comm)] = count(); }",
        "name 6f6e65", "name 74776f", "name 74776f", "wait", "wait",
    )
    raw, record = map_of(events, "@raw"), map_of(events, "@record")
    check(sum(raw.values()) > 2 and raw.keys() == record.keys(), f"names of the next task: {raw}")
    for name, n in raw.items():
        check(abs(n - record[name]) <= 1, f"switches to {name}: {n} and {record[name]}")
    check(map_of(events, "@names") == {"one": 1, "two": 2}, "texts behind pointers")


def refusals():
    done = run_memql("-e", "rawtracepoint:sched_swich { exit(); }")
    check("did you mean 'rawtracepoint:sched_switch'?" in done.stderr, done.stderr.strip())
    done = run_memql("-lv", "rawtracepoint:sched_switch")
    check("struct task_struct *" in done.stdout, f"-lv: {done.stdout.strip()}")


def main():
    need("bpf")
    with tempfile.TemporaryDirectory(prefix="memql-raw-") as directory:
        counts(directory)
        structs(directory)
    refusals()


main()
