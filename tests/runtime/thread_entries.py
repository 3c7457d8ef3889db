"""Entries of maps by thread, which stay when they are deleted: nothing that a program or the
printed map shows of it, and no room that they take from others."""

import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import Load, Memql, check, lost, map_of, need

# Statements, and what is true then; @x is by thread, and has no entry at the start.
STEPS = [
    "!has_key(@x, tid)", "@x[tid] == 0", "!delete(@x[tid])", "@x[tid] = arg0;", "@x[tid] == arg0", "has_key(@x, tid)",
    "++@x[tid] == arg0 + 1", "find(@x, tid, $y)", "$y == arg0 + 1", "delete(@x[tid])", "!has_key(@x, tid)",
    "!find(@x, tid, $y)", "@x[tid] == 0", "!delete(@x, tid)", "@x[tid]++ == 0", "@x[tid] == 1", "delete(@x, tid)",
    "@x[tid] = 0;", "has_key(@x, tid)", "delete(@x[tid])", "@x[tid] += 5;", "@x[tid] == 5", "delete(@x[tid])",
]


def program(load, body, options=""):
    return f"{options} uprobe:{load.program}:load_value {{ {body} @n++; }}"


def steps(directory, load):
    """As if the entry were gone: twice, and what is left is shown."""
    tests = " ".join(s if s.endswith(";") else f"if (!({s})) {{ @wrong[{i}]++; }}" for i, s in enumerate(STEPS))
    end = " END { @wrong[-1] = 1; @x[tid] = 7; }"
    memql = Memql(directory, "steps", ["-e", program(load, "let $y; " + tests) + end])
    load.do("values 2 1")
    memql.stop()
    events = memql.events()
    check(not lost(events) and map_of(events, "@n") == 2, "seen twice")
    check(map_of(events, "@wrong") == {-1: 1}, f"steps that are not right: {map_of(events, '@wrong')}")
    check(list(map_of(events, "@x").values()) == [7], f"what was not deleted: {map_of(events, '@x')}")


def many(directory, load, body, threads):
    """Threads one after the other, in a map of four entries: the map, and what was lost."""
    memql = Memql(directory, "many", ["-e", program(load, body, "config = { max_map_keys = 4 }")])
    loads = [Load() for _ in range(threads)]
    for one in loads:
        one.do("values 3 1")
    for one in loads:
        one.close()
    memql.stop()
    events = memql.events()
    check(map_of(events, "@n") == 3 * threads, f"{threads} threads, thrice each")
    return map_of(events, "@x") or {}, sum(e["data"]["count"] for e in lost(events))


def main():
    need("bpf", "uprobe")
    with tempfile.TemporaryDirectory(prefix="memql-entries-") as directory, Load() as load:
        steps(directory, load)
        left, missing = many(directory, load, "@x[tid] = arg0; delete(@x[tid]);", 12)
        check(not left and not missing, f"those that were deleted take no room: {left}, {missing} lost")
        left, missing = many(directory, load, "@x[tid]++; delete(@x[tid]); @x[tid] += 2;", 3)
        check(list(left.values()) == [2] * 3 and not missing, f"those that were not are shown: {left}")
        left, missing = many(directory, load, "@x[tid] = 1; if (tid == 1) { delete(@x[tid]); }", 12)
        check(len(left) >= 4 and missing == 3 * (12 - len(left)), f"a full map: {len(left)} entries, {missing} lost")


main()
