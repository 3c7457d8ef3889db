"""What queries' threads do, as the packs tell it, against the kernel's own accounts.

For queries that are long the time on a CPU is the task's sum_exec_runtime, and the time
of waiting for one its run_delay, whether there are more backends than CPUs or fewer. All
states together are the time from a query's start to its end, exactly.
"""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines import kernel
from engines.mariadb import Mariadb
from engines.postgres import Postgres
from engines.workloads import BURN, at_once
from tracing import Memql, check, check_near, lost, need_root, skip

PROGRAM = """
query:done /strcontains(args.text, "md5")/
{
	printf("%d %d %d %d %d %d %d %d %d", tid, args.duration, args.run, args.runnable, args.sleep,
	       args.lock, args.latch, args.blocked, args.iowait);
}
"""
STATES = ("run", "runnable", "sleep", "lock", "latch", "blocked", "iowait")
QUERIES = 4


class PostgresBackend:
    def __init__(self, server):
        self.session = server.session()
        self.tid = self.pid = self.session.pid
        self.close = self.session.close

    def work(self):
        self.session.ask(BURN)


class MariadbBackend:
    def __init__(self, server):
        self.session = server.connect()
        self.pid = server.pid
        self.tid = self.session.os_thread(server)
        self.close = self.session.close

    def work(self):
        self.session.query("SELECT BENCHMARK(2000000, md5('state'))")


def work_and_look(backend):
    before = kernel.schedule(backend.pid, backend.tid)
    for _ in range(QUERIES):
        backend.work()
    time.sleep(0.2)  # it sleeps then, so that what the kernel has is complete
    backend.kernel = kernel.difference(kernel.schedule(backend.pid, backend.tid), before)


def seen_of(events):
    """{tid: sums over its queries}"""
    sums = {}
    for line in (e["data"] for e in events if e["type"] == "printf"):
        tid, duration, *states = map(int, line.split())
        one = sums.setdefault(tid, {"queries": 0, "duration": 0, **dict.fromkeys(STATES, 0)})
        one["queries"] += 1
        one["duration"] += duration
        for name, ns in zip(STATES, states):
            one[name] += ns
        if sum(states) != duration:
            check(False, f"a query of {tid}: {states} are {sum(states)} of {duration} ns")
    return sums


def some_backends(server, make, n):
    backends = [make(server) for _ in range(n)]
    what = f"{server.name}, {n} at once"
    memql = Memql(server.directory, f"states{n}", ["-e", PROGRAM, "--", "--exe", server.server])
    stolen = kernel.stolen()
    at_once(*(lambda b=b: work_and_look(b) for b in backends))
    stolen = kernel.stolen() - stolen
    memql.stop()
    events = memql.events()
    check(not lost(events), f"{what}: nothing was lost")
    seen = seen_of(events)
    for b in backends:
        check(seen[b.tid]["queries"] == QUERIES, f"{what}: the {QUERIES} queries of thread {b.tid}")
        b.close()
    whole = {name: sum(seen[b.tid][name] for b in backends) for name in (*STATES, "duration")}
    shares = ", ".join(f"{name} {100 * whole[name] / whole['duration']:.1f}" for name in STATES)
    check(sum(whole[s] for s in STATES) == whole["duration"], f"{what}: states are all of the time, in %: {shares}")
    for name in ("run", "runnable"):
        truth = sum(b.kernel[name] for b in backends)
        more = stolen / truth if name == "run" else 0
        # What a thread waited for a CPU before and after its queries is in the kernel's figure
        # only: of a machine that is idle that is most of it.
        least = 0.005 * whole["duration"] / truth if truth else 0
        check_near(whole[name] / 1e6, truth / 1e6, 0.02 + more + least, f"{what}: ms {name}, against the kernel")


def main():
    need_root()
    if not kernel.has_schedule():
        skip("this kernel has no /proc/PID/schedstat")
    with Postgres() as server:
        server.use_own_copy()  # nobody else's queries
        server.start()
        server.make_tables(4)
        for n in (1, 2 * os.cpu_count()):
            some_backends(server, PostgresBackend, n)
    with Mariadb() as server:
        server.use_own_copy()  # nobody else's queries
        server.start()
        for n in (1, 2 * os.cpu_count()):
            some_backends(server, MariadbBackend, n)


main()
