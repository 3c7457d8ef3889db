"""self:signal:SIGUSR1: what a running trace is asked to show."""

import os
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import Load, Memql, check, map_of, need


def wait_for(what, memql, ready):
    for _ in range(200):
        if ready(memql.events()):
            return
        time.sleep(0.05)
    check(False, f"{what}: {memql.lines()}")


def maps(events):
    return [e["data"]["@"] for e in events if e["type"] == "map" and "@" in e["data"]]


def asked(directory):
    with Load() as load:
        memql = Memql(directory, "asked", ["-e", (
            f"rawtracepoint:sys_enter /pid == {load.pid} && args.id == 110/ {{ @ = count(); }}"
            " self:signal:SIGUSR1 { print(@); @asked[probe] = count(); }"
        )])
        for n in 200, 500:
            load.do(f"syscalls {n if n == 200 else 300}")
            memql.process.send_signal(signal.SIGUSR1)
            wait_for(f"after {n} calls", memql, lambda events: n in maps(events))
        memql.stop()
        events = memql.events()
        check(maps(events) == [200, 500, 500], f"two answers and the end: {maps(events)}")
        check(map_of(events, "@asked") == {"self:signal:SIGUSR1": 2}, "it ran twice")


def exits(directory):
    memql = Memql(directory, "exits", ["-e", "self:signal:SIGUSR1 { exit(3); } END { @end = 1; }"])
    memql.process.send_signal(signal.SIGUSR1)
    memql.end(want=3)
    check(map_of(memql.events(), "@end") == 1, "exit() ends the trace")


def main():
    need("bpf")
    with tempfile.TemporaryDirectory(prefix="memql-signals-") as directory:
        asked(directory)
        exits(directory)


main()
