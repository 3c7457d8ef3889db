"""Entries of maps by thread, most of which are seats in an array: nothing that a program or the
printed map shows of it, and nothing lost where two threads have one seat."""

import ctypes
import os
import signal
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


class Twin(Load):
    """A load whose thread has the seat that another process's thread has: clone3(2) with set_tid."""

    CLONE3, WORDS, SEATS = 435, 11, 16384  # IMAGE_SEATS_MAX

    def __init__(self, pid):
        super().__init__()
        super().close()
        (stdin, self.write), (self.read, stdout) = os.pipe(), os.pipe()
        number = ctypes.c_int(pid + self.SEATS if pid < self.SEATS else pid - self.SEATS)
        words = (ctypes.c_uint64 * self.WORDS)()
        words[4] = signal.SIGCHLD
        words[8], words[9] = ctypes.addressof(number), 1
        self.pid = ctypes.CDLL(None, use_errno=True).syscall(self.CLONE3, words, ctypes.sizeof(words))
        if self.pid == 0:
            os.dup2(stdin, 0)
            os.dup2(stdout, 1)
            os.closerange(3, 256)
            os.execv(self.program, [self.program])
        os.close(stdin)
        os.close(stdout)

    def do(self, work):
        os.write(self.write, work.encode() + b"\n")
        return os.read(self.read, 4096).decode().strip()

    def close(self):
        if self.write is not None:
            os.close(self.write)
            os.close(self.read)
            os.waitpid(self.pid, 0)
            self.write = None


def one_seat(directory, load):
    """Two threads that have the same seat: each has its own entry, whoever came first."""
    twin = Twin(load.pid)
    if twin.pid < 0:
        return  # the number is taken, or the kernel gives none by wish
    with twin:
        tests = " ".join(s if s.endswith(";") else f"if (!({s})) {{ @wrong[{i}]++; }}" for i, s in enumerate(STEPS))
        memql = Memql(directory, "twin", ["-e", program(load, "let $y; " + tests + " @y[tid] += arg0;")])
        for both in (load, twin), (twin, load):
            for one in both:
                one.do("values 2 1")
        memql.stop()
        events = memql.events()
        check(not lost(events) and map_of(events, "@n") == 8, "two threads")
        check(not map_of(events, "@wrong"), f"steps that are not right: {map_of(events, '@wrong')}")
        sums = map_of(events, "@y")
        check(set(sums) == {load.pid, twin.pid} and len(set(sums.values())) == 1, f"of both: {sums}")


def user_space(directory, load):
    """What print(), zero() and clear() do, with entries of both kinds."""
    twin = Twin(load.pid)
    body = "@x[tid] = arg0; if (@n % 2) { print(@x, 1); print(@x); zero(@x); print(@x); clear(@x); print(@x); }"
    loads = [load] + ([twin] if twin.pid > 0 else [])
    memql = Memql(directory, "whole", ["-e", program(load, body)])
    for one in loads * (2 // len(loads)):
        one.do("values 1 1")
    memql.stop()
    twin.close()
    shown = [e["data"]["@x"] for e in memql.events() if e["type"] == "map" and "@x" in e["data"]]
    check(len(shown) == 4, f"four times: {shown}")
    top, whole, zero, none = shown
    check(len(top) == 1 and len(whole) == len(loads), "the largest, all")
    check([e["value"] for e in zero] == [0] * len(loads) and not none, "zeros, nothing")


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
        one_seat(directory, load)
        user_space(directory, load)
        left, missing = many(directory, load, "@x[tid] = arg0; delete(@x[tid]);", 12)
        check(not left and not missing, f"those that were deleted take no room: {left}, {missing} lost")
        left, missing = many(directory, load, "@x[tid]++; delete(@x[tid]); @x[tid] += 2;", 3)
        check(list(left.values()) == [2] * 3 and not missing, f"those that were not are shown: {left}")
        left, missing = many(directory, load, "@x[tid] = 1; if (tid == 1) { delete(@x[tid]); }", 12)
        check(len(left) >= 4 and missing == 3 * (12 - len(left)), f"a full map: {len(left)} entries, {missing} lost")


main()
