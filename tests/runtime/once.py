"""What a program asks once instead of several times: the same numbers as before, while both CPUs are busy with it."""

import os
import sys
import tempfile
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import Load, Memql, check, lost, map_of, missed, need

N = 50000
LOADS = 4
NAMES = ["once-0", "once-1-longest", "once-2-", "once-3-or-so"]
LINES = 2000
PAGE = 100  # values of keys N are 0 to N - 1

# Both kinds of programs: with preemption off, and on. COUNT sees the name three times.
NAMED = (
    "{probe} /strncmp(comm, \"once-\", 5) == 0/ {{ @by_name[comm] = count();"
    " if (comm == \"once-0\") {{ @first[comm] += 1; }} else {{ @others[comm] += 1; }} }}"
)
# Pages of a thread's values: what was there is read thrice between two changes.
PAGES = (
    "uprobe:{load}:load_value /pid == {pids}/ {{ $page = arg0 / 100; if (@page[pid, 0] != $page) {{"
    " @turns[pid] += $page - @page[pid, 0]; @page[pid, 0] = $page; }}"
    " @sum[pid] += @page[pid, 0]; @twice[pid] += @page[pid, 0]; }}"
)


def at_once(loads, work):
    """All of them do this at the same time."""
    threads = [threading.Thread(target=load.do, args=(work,)) for load in loads]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def trace(directory, name, program, loads, work):
    """What was seen, and how many events a preemptible kernel missed, and told."""
    memql = Memql(directory, name, ["-e", program])
    at_once(loads, work)
    memql.stop()
    events = memql.events()
    return events, missed(lost(events))


def names(directory, loads, name, probe, work):
    events, gone = trace(directory, name, NAMED.format(probe=probe), loads, work)
    by, first, others = (map_of(events, m) for m in ("@by_name", "@first", "@others"))
    check(set(by) == {f"once-{i}" for i in range(LOADS)}, f"{name}: by name {by}")
    check(sum(by.values()) + gone == LOADS * N, f"{name}: all but {gone} that were missed")
    check(first == {"once-0": by["once-0"]}, f"{name}: the first")
    check(others == {k: by[k] for k in by if k != "once-0"}, f"{name}: the others")


def leaders(directory, loads):
    """Names of different lengths, which the same memory holds one after the other."""
    program = (
        "tracepoint:syscalls:sys_enter_getppid /strncmp(comm, \"once-\", 5) == 0/ {"
        " printf(\"%s %s\\n\", leader_comm, comm); @led[leader_comm] = count(); }"
    )
    for load, name in zip(loads, NAMES):
        load.do(f"name {name.encode().hex()}")
    events, gone = trace(directory, "leaders", program, loads, f"syscalls {LINES}")
    led = map_of(events, "@led")
    check(set(led) <= set(NAMES) and sum(led.values()) + gone == LOADS * LINES, f"leaders: {led}, {gone} missed")


def members(directory, loads):
    """Of one entry that all write to, and of one for each."""
    program = (
        f"uprobe:{loads[0].program}:load_value {{ @all.n++; @all.sum += arg0;"
        " @by[pid].n++; @by[pid].sum += arg0; @by[pid].odd += arg0 & 1; }"
        " BEGIN { @all = (n = 0, sum = 0); @by[0] = (n = 0, sum = 0, odd = 0); }"
    )
    events, _ = trace(directory, "members", program, loads, f"keys {N}")
    one = {"n": N, "sum": N * (N - 1) // 2, "odd": N // 2}
    check(map_of(events, "@all") == {k: LOADS * one[k] for k in ("n", "sum")}, f"all: {map_of(events, '@all')}")
    by = map_of(events, "@by")
    check(all(by[load.pid] == one for load in loads), f"of each: {by}")


def main():
    need("bpf", "uprobe")
    loads = [Load() for _ in range(LOADS)]
    with tempfile.TemporaryDirectory(prefix="memql-once-") as directory:
        for i, load in enumerate(loads):
            load.do(f"name {f'once-{i}'.encode().hex()}")
        names(directory, loads, "tracepoint", "tracepoint:syscalls:sys_enter_getppid", f"syscalls {N}")
        names(directory, loads, "uprobe", f"uprobe:{loads[0].program}:load_call", f"calls {N}")
        pids = " || pid == ".join(str(load.pid) for load in loads)
        events, _ = trace(directory, "pages", PAGES.format(load=loads[0].program, pids=pids), loads, f"keys {N}")
        total = sum(i // PAGE for i in range(N))
        check(map_of(events, "@turns") == {load.pid: N // PAGE - 1 for load in loads}, "pages that were turned")
        check(map_of(events, "@sum") == {load.pid: total for load in loads}, "the sum of their numbers")
        check(map_of(events, "@twice") == map_of(events, "@sum"), "and once more")
        leaders(directory, loads)
        members(directory, loads)
    for load in loads:
        load.close()


main()
