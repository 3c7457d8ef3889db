"""Exact counts: what memql saw is what the load did, by every way of counting."""

import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import Load, Memql, check, lost, map_of, need_root

GETPPID = 110  # x86_64's number of the call
N = 100000


def trace(directory, name, program, load, *work):
    """The events of a program while the load does its work; nothing may be lost."""
    memql = Memql(directory, name, ["-e", program])
    for line in work:
        load.do(line)
    memql.stop()
    events = memql.events()
    check(not lost(events), f"{name}: nothing was lost")
    return events


def system_calls(directory, load):
    events = trace(
        directory, "system_calls",
        f"tracepoint:raw_syscalls:sys_enter /pid == {load.pid} && args.id == {GETPPID}/ {{"
        " @count = count(); @plain++; @keyed[pid] = count(); @keyed_plain[comm, tid] += 2;"
        " @sum = sum(args.id); @stats = stats(args.id); }",
        load, f"syscalls {N}",
    )
    check(map_of(events, "@count") == N, f"count(): {N} system calls")
    check(map_of(events, "@plain") == N, f"@x++: {N}")
    check(map_of(events, "@keyed") == {load.pid: N}, f"count() by pid: {N}")
    check(list(map_of(events, "@keyed_plain").values()) == [2 * N], f"@x[comm, tid] += 2: {2 * N}")
    check(map_of(events, "@sum") == GETPPID * N, "sum()")
    check(map_of(events, "@stats") == {"count": N, "average": GETPPID, "total": GETPPID * N}, "stats()")


def functions(directory, load):
    """Arguments and results of a function, with signs."""
    n = 1000
    events = trace(
        directory, "functions",
        f"uprobe:{load.program}:load_call {{ @calls = count(); @arguments = sum(arg0);"
        " @largest = max(arg0); @smallest = min(arg0); @average = avg(arg0); }"
        f" uretprobe:{load.program}:load_call {{ @results = sum((int32)retval); @least = min((int32)retval);"
        " @returned = count(); }",
        load, f"calls {n}",
    )
    results = [i % 256 - 100 for i in range(n)]
    check(map_of(events, "@calls") == n, f"{n} calls")
    check(map_of(events, "@returned") == n, f"{n} returns")
    check(map_of(events, "@arguments") == sum(range(n)), "sum of the arguments")
    check(map_of(events, "@largest") == n - 1, "the largest")
    check(map_of(events, "@smallest") == 0, "the smallest")
    check(map_of(events, "@average") == sum(range(n)) // n, "the average")
    check(map_of(events, "@results") == sum(results), f"sum of the results, {sum(results)}")
    check(map_of(events, "@least") == min(results), f"the least result, {min(results)}")


def many_keys(directory, load):
    """Ten thousand keys: all there, in the order of their values; then the last ones."""
    n = 10000
    program = (
        f"config = {{ max_map_keys = 20000 }} uprobe:{load.program}:load_value"
        " { @up[arg0] = arg0 * 3; @down[arg0] = sum(-(int64)arg0); @pair[arg0 % 7, arg0 / 7, \"k\"] = count(); }"
        " END { print(@up, 3); print(@down, 2); print(@up, 2, 3); }"
    )
    events = trace(directory, "many_keys", program, load, f"keys {n}")
    maps = [e["data"] for e in events if e["type"] == "map"]
    entries = {}
    for shown in maps[3:]:
        entries.update(shown)
    up = [(e["key"], e["value"]) for e in entries["@up"]]
    check(up == [([i], 3 * i) for i in range(n)], f"{n} entries in ascending order")
    down = [(e["key"], e["value"]) for e in entries["@down"]]
    check(down == [([i], -i) for i in reversed(range(n))], "negative ones too")
    pair = [tuple(e["key"]) for e in entries["@pair"]]
    check(pair == sorted(pair) and len(pair) == n, "equal values are in the order of their keys")
    check(maps[0] == {"@up": [{"key": [i], "value": 3 * i} for i in range(n - 3, n)]}, "print(@up, 3)")
    check(maps[1] == {"@down": [{"key": [1], "value": -1}, {"key": [0], "value": 0}]}, "print(@down, 2)")
    check(maps[2] == {"@up": [{"key": [i], "value": i} for i in range(n - 2, n)]}, "print(@up, 2, 3)")


def kinds_of_keys(directory, load):
    program = (
        f"usdt:{load.program}:load:work /arg0 > -3/"
        ' { @k[arg0, str(arg1), comm, (uint8)arg2, probe, pid, "literal", -arg0] = count();'
        ' @by_text[str(arg1)] = str(arg1); }'
    )
    events = trace(directory, "kinds_of_keys", program, load, "work 3")
    name = f"usdt:{load.program}:load:work"
    want = {(-i, "variable", "memql_load", i, name, load.pid, "literal", i): 1 for i in range(3)}
    check(map_of(events, "@k") == want, "keys of eight kinds in one map")
    check(map_of(events, "@by_text") == {"variable": "variable"}, "a text as key and value")


def main():
    need_root()
    with tempfile.TemporaryDirectory(prefix="memql-counts-") as directory, Load() as load:
        system_calls(directory, load)
        functions(directory, load)
        many_keys(directory, load)
        kinds_of_keys(directory, load)


main()
