"""What a program asks once instead of several times: the same numbers as before, while both CPUs are busy with it."""

import os
import sys
import tempfile
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import Load, Memql, check, lost, map_of, need

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
    memql = Memql(directory, name, ["-e", program])
    at_once(loads, work)
    memql.stop()
    events = memql.events()
    check(not lost(events), f"{name}: nothing was lost")
    return events


def names(directory, loads, name, probe, work):
    events = trace(directory, name, NAMED.format(probe=probe), loads, work)
    every = {f"once-{i}": N for i in range(LOADS)}
    check(map_of(events, "@by_name") == every, f"{name}: by name {map_of(events, '@by_name')}")
    check(map_of(events, "@first") == {"once-0": N}, f"{name}: the first")
    check(map_of(events, "@others") == {k: N for k in every if k != "once-0"}, f"{name}: the others")


def leaders(directory, loads):
    """Names of different lengths, which the same memory holds one after the other."""
    program = (
        "tracepoint:syscalls:sys_enter_getppid /strncmp(comm, \"once-\", 5) == 0/ {"
        " printf(\"%s %s\\n\", leader_comm, comm); @led[leader_comm] = count(); }"
    )
    for load, name in zip(loads, NAMES):
        load.do(f"name {name.encode().hex()}")
    events = trace(directory, "leaders", program, loads, f"syscalls {LINES}")
    check(map_of(events, "@led") == {name: LINES for name in NAMES}, f"leaders: {map_of(events, '@led')}")


def members(directory, loads):
    """Of one entry that all write to, and of one for each."""
    program = (
        f"uprobe:{loads[0].program}:load_value {{ @all.n++; @all.sum += arg0;"
        " @by[pid].n++; @by[pid].sum += arg0; @by[pid].odd += arg0 & 1; }"
        " BEGIN { @all = (n = 0, sum = 0); @by[0] = (n = 0, sum = 0, odd = 0); }"
    )
    events = trace(directory, "members", program, loads, f"keys {N}")
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
        events = trace(directory, "pages", PAGES.format(load=loads[0].program, pids=pids), loads, f"keys {N}")
        total = sum(i // PAGE for i in range(N))
        check(map_of(events, "@turns") == {load.pid: N // PAGE - 1 for load in loads}, "pages that were turned")
        check(map_of(events, "@sum") == {load.pid: total for load in loads}, "the sum of their numbers")
        check(map_of(events, "@twice") == map_of(events, "@sum"), "and once more")
        leaders(directory, loads)
        members(directory, loads)
    for load in loads:
        load.close()


main()
