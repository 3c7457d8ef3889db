"""Watchpoints on memory and code of a process, and what is refused."""

import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import SLOWNESS, Load, Memql, check, lost, map_of, need, run_memql


def trace(directory, name, load, program):
    memql = Memql(directory, name, ["-p", str(load.pid), "-e", program])
    load.do("store 300")
    load.do("wait")
    memql.stop()
    events = memql.events()
    check(not lost(events), f"{name}: nothing was lost")
    return events


def stores(directory):
    with Load() as load:
        where = load.do("where")
        events = trace(directory, "writes", load, f"watchpoint:{where}:8:w {{ @[probe] = count(); @who[pid] = count(); }}")
        check(map_of(events, "@") == {f"watchpoint:{where}:8:w": 300}, "300 writes")
        check(map_of(events, "@who") == {load.pid: 300}, "of this process")
        # Not at once: an emulated processor tells of one of two watchpoints at one place.
        events = trace(directory, "accesses", load, f"w:{where}:4:rw {{ @ = count(); }}")
        check(map_of(events, "@") == 300, "300 accesses to half of it")


def ends(directory):
    """unwatch() ends this watchpoint, and not the one beside it."""
    with Load() as load:
        where = load.do("where")
        beside = hex(int(where, 16) & ~4095)
        memql = Memql(directory, "ends", ["-p", str(load.pid), "-e", f"watchpoint:{beside}:8:w {{ @beside = count(); }}"
                                          f" watchpoint:{where}:8:w {{ @ = count(); @n++; if (@n == 300) {{ unwatch({where}); }} }}"])
        load.do("store 300")
        time.sleep(0.5 * SLOWNESS)  # memql looks every 20 ms
        load.do("store 1000")
        memql.stop()
        events = memql.events()
        check(map_of(events, "@") == 300 and not lost(events), "nothing after unwatch()")


def commands(directory):
    """A process that -c starts: its memory is watched before it runs."""
    out = os.path.join(directory, "address")
    program = "import ctypes; v = ctypes.c_uint64(0)"
    done = run_memql("-q", "-c", f"{sys.executable} -c '{program}' > {out}", "-e", "watchpoint:0x10000:8:w { @ = count(); }")
    check(done.returncode == 0, f"-c: {done.stderr}")


def refusals():
    done = run_memql("-e", "watchpoint:0x400000:8:w { exit(); }")
    check("-p says of which process" in done.stderr, done.stderr.strip())
    with Load() as load:
        where = load.do("where")
        five = " ".join(f"watchpoint:{int(where, 16) + 8 * i:#x}:8:w {{ @a{i} = count(); }}" for i in range(5))
        done = run_memql("-p", str(load.pid), "-e", five + " interval:ms:1 { exit(); }")
        check(done.returncode and "few places at once" in done.stderr, done.stderr.strip())


def main():
    need("bpf", "watchpoint")
    with tempfile.TemporaryDirectory(prefix="memql-watchpoints-") as directory:
        stores(directory)
        ends(directory)
        commands(directory)
    refusals()


main()
