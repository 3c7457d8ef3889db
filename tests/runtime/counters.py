"""software and hardware: page faults and switches, counted one by one and one in so many."""

import mmap
import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import Memql, check, lost, map_of, need, run_memql

PAGES = 2000


def touch():
    """Each page of fresh memory is a fault, if the kernel does not hand out large ones."""
    memory = mmap.mmap(-1, PAGES * mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_NOHUGEPAGE)
    for i in range(PAGES):
        memory[i * mmap.PAGESIZE] = 1
    memory.close()


def faults(directory):
    program = (
        "software:page-faults:1 /pid == PID/ { @one = count(); @f[probe] = count(); }"
        " s:faults:100 /pid == PID/ { @hundred = count(); } software:minor-faults:1 /pid == PID/ { @minor = count(); }"
        " software:major-faults:1 /pid == PID/ { @major = count(); }"
    ).replace("PID", str(os.getpid()))
    memql = Memql(directory, "faults", ["-e", program])
    touch()
    memql.stop()
    events = memql.events()
    check(not lost(events), "nothing was lost")
    one, hundred = map_of(events, "@one"), map_of(events, "@hundred")
    check(PAGES <= one < PAGES + 1000, f"{one} faults on {PAGES} pages")
    # Other processes' faults move the hundreds, each CPU on its own.
    check(one / 100 - 15 < hundred < one / 100 + 15, f"one in a hundred: {hundred}")
    minor, major = map_of(events, "@minor") or 0, map_of(events, "@major") or 0
    check(PAGES <= minor + major <= one, f"{minor} minor and {major} major ones")
    check(map_of(events, "@f") == {"software:page-faults:1": one}, "the probe's name")


def switches(directory):
    program = "software:cs:1 /pid == PID/ { @ = count(); } s:cpu-clock:10000000 { @ticks = count(); }"
    memql = Memql(directory, "switches", ["-e", program.replace("PID", str(os.getpid()))])
    for _ in range(50):
        time.sleep(0.001)
    time.sleep(0.5)
    memql.stop()
    events = memql.events()
    check(map_of(events, "@") >= 50, f"{map_of(events, '@')} switches from this process in 50 sleeps")
    check(map_of(events, "@ticks") > 10, f"{map_of(events, '@ticks')} ticks of cpu-clock")


def hardware():
    """Counters that are there count; without them there is a word on why."""
    done = run_memql("-q", "-e", "hardware:cycles:1e6 { @ = count(); } interval:s:1 { exit(); }")
    if done.returncode:
        check("cannot attach to hardware:cpu-cycles:1000000" in done.stderr, done.stderr.strip())
        check("performance counters" in done.stderr, "the reason is told")
    else:
        check("@: " in done.stdout, done.stdout.strip())
    done = run_memql("-q", "-e", "config = { missing_probes = ignore } hardware:cycles { @ = count(); } interval:ms:1 { exit(); }")
    check(done.returncode == 0, f"missing_probes = ignore: {done.stderr}")
    done = run_memql("-l", "software:*")
    check("software:page-faults:100\n" in done.stdout, "-l lists events")


def main():
    need("bpf")
    with tempfile.TemporaryDirectory(prefix="memql-counters-") as directory:
        faults(directory)
        switches(directory)
    hardware()


main()
