#!/usr/bin/env python3
"""uaddr() against what the traced program says of its own variable: where it is, and what
it holds. The program is loaded at another address each time."""

import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import Load, Memql, check, need_root


def shown(directory, load, name, program, *work):
    memql = Memql(directory, name, ["-e", program])
    for line in work:
        load.do(line)
    memql.stop()
    return [e["data"].split() for e in memql.events() if e["type"] == "printf"]


def main():
    need_root()
    value = 'printf("%s %p %d\\n", KIND, uaddr("load_stored"), *uaddr("load_stored"));'
    with tempfile.TemporaryDirectory(prefix="memql-uaddr-") as directory, Load() as load:
        where = hex(int(load.do("where"), 0))
        load.do("store 7")
        stored = shown(directory, load, "value", f"uprobe:{load.program}:load_value {{ {value} }}"
                       .replace("KIND", '"x"'), "keys 1")
        check(stored == [["x", where, "6"]], f"{stored} is at {where}, and 6 was stored last")
        now = "6"

        # Each place is at another distance.
        program = f"uprobe:{load.program}:load_pair_* {{ {value} }} usdt:{load.program}:load:work {{ {value} }}"
        lines = shown(directory, load, "places", program.replace("KIND", "probe"), "pair 2", "work 8")
        check(len(lines) == 12, f"{len(lines)} of 12 events")
        check(all(line[1:] == [where, now] for line in lines), "in all places of a pattern and of a USDT probe")
        check(len({line[0] for line in lines}) == 3, "which are different probes")

        program = f"uretprobe:{load.program}:load_pair_* {{ {value} }}"
        if [int(n) for n in os.uname().release.split(".")[:2]] >= [6, 6]:
            lines = shown(directory, load, "returns", program.replace("KIND", "probe"), "pair 3")
            check(len(lines) == 6 and all(line[1:] == [where, now] for line in lines), "where functions return")

        # Another process, at another address.
        with Load() as other:
            there = hex(int(other.do("where"), 0))
            program = f"uprobe:{load.program}:load_value {{ {value} }}".replace("KIND", "pid")
            memql = Memql(directory, "both", ["-e", program])
            load.do("keys 1")
            other.do("keys 1")
            memql.stop()
            lines = [e["data"].split() for e in memql.events() if e["type"] == "printf"]
            check({(int(line[0]), line[1]) for line in lines} == {(load.pid, where), (other.pid, there)},
                  "each process has its own")


main()
