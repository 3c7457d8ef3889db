"""Rates of clocks, and maps that are printed, cleared and set to zero while they change."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import Load, Memql, check, lost, map_of, missed, need_root, run_memql


def online_cpus():
    with open("/sys/devices/system/cpu/online") as f:
        parts = [part.split("-") for part in f.read().strip().split(",")]
    return sum(int(p[-1]) - int(p[0]) + 1 for p in parts)


@contextlib.contextmanager
def busy_cpus():
    """A process on each CPU that never sleeps: some kernels have no profile ticks on an idle CPU."""
    processes = []
    for cpu in os.sched_getaffinity(0):
        spinner = f"import os\nos.sched_setaffinity(0, [{cpu}])\nwhile os.getppid() == {os.getpid()}: pass"
        processes.append(subprocess.Popen([sys.executable, "-c", spinner]))
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def rates(directory):
    """Between the first and the last tick, by the clock of the programs themselves."""
    cpus = online_cpus()
    program = (
        "interval:ms:10 { @interval = count(); if (@first == 0) { @first = nsecs; } @last = nsecs; }"
        " interval:hz:50 { @hz = count(); } interval:s:1 { @second = count(); }"
        " profile:hz:100 { @profile = count(); @cpus[cpu] = count(); @large[cpu] = hist(nsecs); } profile:us:1000 { @us = count(); }"
    )
    memql = Memql(directory, "rates", ["-e", program])
    time.sleep(3.2)
    memql.stop()
    events = memql.events()
    seconds = (map_of(events, "@last") - map_of(events, "@first")) / 1e9
    check(2.8 < seconds < 6, f"{seconds:.2f} s of ticks")
    # A virtual machine loses ticks while its host runs something else, and gains none.
    for name, rate in (("interval", 100), ("hz", 50), ("profile", 100 * cpus), ("us", 1000 * cpus)):
        ticks = map_of(events, f"@{name}")
        check(0.4 * rate * seconds < ticks < 1.1 * rate * seconds + 2, f"@{name}: {ticks / seconds:.1f} of {rate} ticks/s")
    check(map_of(events, "@second") == 3, "interval:s:1 thrice")
    check(len(map_of(events, "@cpus")) == cpus, f"profile on each of {cpus} CPUs")
    large = {cpu: h["count"] for cpu, h in map_of(events, "@large").items()}
    check(large == map_of(events, "@cpus"), "cells too large to have per CPU")


def zero_and_clear(directory, load):
    program = (
        f"uprobe:{load.program}:load_value {{ @cleared[arg0] = count(); @zeroed[arg0] = sum(arg0); @scalar = count();"
        f" @plain = arg0; @gone[arg0] = arg0; }} uprobe:{load.program}:load_pair_a"
        " { print(@cleared); clear(@cleared); zero(@zeroed); zero(@scalar); zero(@plain); clear(@gone); }"
    )
    memql = Memql(directory, "zero", ["-e", program])
    load.do("keys 5")
    load.do("pair 1")
    time.sleep(0.5)  # memql looks every 20 ms
    load.do("keys 2")
    memql.stop()
    events = memql.events()
    first = next(e["data"]["@cleared"] for e in events if e["type"] == "map")
    check([e["value"] for e in first] == [1] * 5, "print() shows what clear() then takes")
    check(map_of(events, "@cleared") == {0: 1, 1: 1}, "clear() leaves what came after it")
    check(map_of(events, "@zeroed") == {0: 0, 1: 1, 2: 0, 3: 0, 4: 0}, "zero() keeps the keys")
    check(map_of(events, "@scalar") == 2 and map_of(events, "@plain") == 1, "values without keys")
    check(map_of(events, "@gone") == {0: 0, 1: 1}, "plain values")


def while_it_changes(directory, load):
    """No reading of a growing map shows less than the one before, and the last shows all."""
    n = 300000
    program = (
        f"tracepoint:raw_syscalls:sys_enter /pid == {load.pid} && args.id == 110/"
        " { @a[nsecs % 512] = count(); @all = count(); @plain++; } interval:ms:20 { print(@a); print(@all); print(@plain); }"
    )
    memql = Memql(directory, "changes", ["-e", program])
    load.do(f"syscalls {n}")
    memql.stop()
    events = memql.events()
    least = n - missed(lost(events))  # system calls that were not asked for are among them
    sums = [sum(e["value"] for e in x["data"]["@a"]) for x in events if "@a" in x["data"]]
    check(sums == sorted(sums) and least <= sums[-1] <= n, f"{len(sums)} readings, never fewer, at last {n} ({least})")
    for name in ("@all", "@plain"):
        values = [x["data"][name] for x in events if name in x["data"]]
        check(values == sorted(values) and least <= values[-1] <= n, f"{name} too")


def shown(event, name):
    """What one print() showed of a map, in all; None if it was of another."""
    value = event["data"].get(name) if event["type"] == "map" else None
    return sum(e["value"] for e in value) if isinstance(value, list) else value


def taken_by_intervals(directory, load):
    """
    What the readings show together is what happened, though each is taken while the next
    is being counted. A program that holds an entry while it is removed may add to it once
    more: that is one event of one CPU. Values without keys are read and written in two
    steps, and on a busy machine memql may have to wait between them.
    """
    for after in "clear", "zero":
        program = (
            f"tracepoint:raw_syscalls:sys_enter /pid == {load.pid} && args.id == 110/"
            " { @keys[nsecs % 512] = count(); @sum[cpu] = sum(1); }"
            " interval:ms:20 { print(@keys); print(@sum);"
            f" {after}(@keys); {after}(@sum); }}"
        )
        memql = Memql(directory, f"taken_{after}", ["-e", program])
        n, start = 0, time.monotonic()
        while time.monotonic() < start + 0.5:  # a fast machine does 300,000 within three ticks
            load.do("syscalls 100000")
            n += 100000
        memql.stop()
        events = memql.events()
        least = n - missed(lost(events))
        # Not @scalar: a map without keys is read and emptied in two steps; docs/language.md.
        for name, missing in ("@keys", 1e-4), ("@sum", 1e-3):
            totals = [x for x in (shown(e, name) for e in events) if x is not None]
            check(len(totals) > 3, f"{name}: {len(totals)} readings")
            check(least * (1 - missing) <= sum(totals) <= n, f"print({name}); {after}({name}): {sum(totals)} of {n} {lost(events)}")


def times_of_day():
    """Of each clock, also kept for a while and with a duration added."""
    program = "".join(
        f'${c} = nsecs({c}); @{c} = ${c}; ${c} -= 1h;'
        f' printf("%s %s\\n", strftime("%s", ${c}), strftime("%s", @{c} - 1h)); '
        for c in ("boot", "monotonic", "sw_tai")
    )
    before = time.time()
    done = run_memql("-q", "-e", f"config = {{ print_maps_on_exit = false }} BEGIN {{ {program} exit(); }}")
    shown = [int(s) + 3600 for s in done.stdout.split()]
    near = all(before - 2 < s < time.time() + 1 for s in shown)
    check(len(shown) == 6 and near, "strftime() of each clock")


def main():
    need_root()
    with tempfile.TemporaryDirectory(prefix="memql-clocks-") as directory, Load() as load:
        times_of_day()
        with busy_cpus():
            rates(directory)
        zero_and_clear(directory, load)
        while_it_changes(directory, load)
        taken_by_intervals(directory, load)


main()
