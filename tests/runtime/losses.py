"""What is lost is counted: what arrived and what is reported lost make what happened."""

import os
import re
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import Load, Memql, check, lost, map_of, need_root, run_memql

N = 200000


def reported(text, pattern):
    """The sum of the counts that text output reports lost for a reason."""
    return sum(int(n) for n in re.findall(rf"lost (\d+) [^\n]*{pattern}", text))


def map_full(directory, load):
    program = (
        f"config = {{ max_map_keys = 100 }} uprobe:{load.program}:load_value"
        " { @agg[arg0] = count(); @plain[arg0] = arg0; @plus[arg0]++; }"
    )
    n = 1000
    memql = Memql(directory, "map_full", ["-e", program])
    load.do(f"keys {n}")
    load.do(f"keys {n}")
    memql.stop()
    events = memql.events()
    full = {}
    for e in lost(events):
        name = re.search(r"@\w+", e["data"]["what"]).group()
        full[name] = full.get(name, 0) + e["data"]["count"]
    for name in ("@agg", "@plain", "@plus"):
        kept = map_of(events, name)
        check(len(kept) == 100, f"{name} holds 100 keys")
        check(full.get(name) == 2 * (n - 100), f"{name}: {full.get(name)} lost updates reported")
    check(set(map_of(events, "@agg").values()) == {2}, "kept keys were counted both times")
    check(all(":1" in e["data"]["where"] for e in lost(events)), "each with its line")


def work_past_memql(memql, load):
    """N system calls, half of them while memql cannot read."""
    load.do(f"syscalls {N // 2}")
    memql.process.send_signal(signal.SIGSTOP)
    load.do(f"syscalls {N // 2}")
    memql.process.send_signal(signal.SIGCONT)


def ring_full(directory, load):
    """A page of ring, while memql reads and while it stands still: all is counted."""
    program = (
        f"tracepoint:raw_syscalls:sys_enter /pid == {load.pid} && args.id == 110/"
        ' { printf("event %d\\n", args.id); }'
    )
    memql = Memql(directory, "ring_json", ["--ring-size", "4", "-e", program])
    work_past_memql(memql, load)
    memql.stop()
    events = memql.events()
    shown = sum(e["type"] == "printf" for e in events)
    missing = sum(e["data"]["count"] for e in lost(events))
    check(shown and missing, f"JSON: {shown} shown, {missing} reported lost")
    check(shown + missing == N, f"together {N}")
    check(all("ring buffer" in e["data"]["what"] for e in lost(events)), "and why")

    memql = Memql(directory, "ring_text", ["--ring-size", "4", "-e", program], json_output=False)
    work_past_memql(memql, load)
    messages = memql.stop()
    lines = memql.lines()
    check(set(lines) == {"event 110"}, "text: whole lines only")
    missing = reported(messages, "ring buffer")
    check(len(lines) + missing == N, f"text: {len(lines)} shown, {missing} reported lost, together {N}")
    check("--ring-size" in messages, "the message says the way out")


def strings(directory, load):
    program = f'uprobe:{load.program}:load_text {{ @[str(arg0)] = count(); printf("<%s>\\n", str(arg0, 4)); }}'
    memql = Memql(directory, "strings", ["-e", program])
    load.do("bad 50")
    load.do("text 68656c6c6f 7")
    memql.stop()
    events = memql.events()
    check(map_of(events, "@") == {"": 50, "hello": 7}, "unreadable strings are empty")
    # Each of the two str() of an event fails.
    failed = sum(e["data"]["count"] for e in lost(events))
    check(failed == 100, f"{failed} failed reads reported")
    cut = [e["data"] for e in events if e["type"] == "printf"]
    check(cut.count("<hell...>\n") == 7, "a text that was cut says so")


def stopped_reader(directory, load):
    """memql itself stands still: what does not fit is counted meanwhile."""
    program = f'uprobe:{load.program}:load_call {{ @made = count(); printf("%d\\n", arg0); }}'
    memql = Memql(directory, "stopped", ["--ring-size", "64", "-e", program])
    memql.process.send_signal(signal.SIGSTOP)
    load.do("calls 20000")
    memql.process.send_signal(signal.SIGCONT)
    time.sleep(0.3)
    load.do("calls 10")
    memql.stop()
    events = memql.events()
    shown = [int(e["data"]) for e in events if e["type"] == "printf"]
    missing = sum(e["data"]["count"] for e in lost(events))
    check(map_of(events, "@made") == 20010, "20010 events were made")
    check(len(shown) + missing == 20010, f"{len(shown)} shown, {missing} reported lost")
    check(shown == [*range(len(shown) - 10), *range(10)], "in order: the first, then those after the gap")


def misses(directory, load):
    """
    A tracepoint's program does not run on a CPU where another program runs already, as
    one in the interrupt of a clock: what is seen and what is missed is what happened.
    """
    program = (
        f"tracepoint:raw_syscalls:sys_enter /pid == {load.pid} && args.id == 110/ {{ @seen = count(); }}"
        " profile:us:100 { @ticks = count(); }"
    )
    memql = Memql(directory, "misses", ["-e", program])
    load.do(f"syscalls {5 * N}")
    memql.stop()
    events = memql.events()
    seen = map_of(events, "@seen")
    missed = sum(e["data"]["count"] for e in lost(events) if "already in a program" in e["data"]["what"])
    check(seen <= 5 * N <= seen + missed, f"{seen} of {5 * N} seen, {missed} misses reported")


def one_and_two():
    program = "BEGIN { print(1 / @zero); $p = (int32 *)8; unroll (2) { print(*$p); } @zero = 0; exit(); }"
    messages = run_memql("-q", "-e", program).stderr
    check("lost 1 quotient: " in messages and "lost 2 values of print: " in messages, f"one, and two: {messages}")


def main():
    need_root()
    with tempfile.TemporaryDirectory(prefix="memql-losses-") as directory, Load() as load:
        one_and_two()
        map_full(directory, load)
        ring_full(directory, load)
        strings(directory, load)
        stopped_reader(directory, load)
        misses(directory, load)


main()
