"""query_tsa.mq, futexes.mq and query_profile.mq against what the kernel and PostgreSQL say.

The kernel keeps for each thread how long it ran, and how long it could have but had no
CPU. The two agree over statements long enough that what happens between them does not
count, whether or not there are enough CPUs.
"""

import os
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines import kernel
from engines.postgres import Postgres
from tracing import Memql, check, check_near, lost, map_of, need_root

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts")
TSA, FUTEXES = os.path.join(SCRIPTS, "query_tsa.mq"), os.path.join(SCRIPTS, "futexes.mq")
PROFILE = os.path.join(SCRIPTS, "query_profile.mq")
PARTS = ("cpu", "wait", "locks", "io", "net", "other")
STATES = ("run", "runnable", "sleep", "lock", "latch", "blocked", "iowait")
SCAN = "SELECT sum(length(md5(filler || aid))) FROM pgbench_accounts"


def only(server):
    """Of all that runs here, perhaps for other tests, just this one."""
    return "--exe", server.server, "--pid", str(server.pid)


def repeat(session, text, times):
    for _ in range(times):
        session.ask(text)
    time.sleep(0.1)  # the last switch away brings the kernel's sums up to date


def busy(server, n, times):
    """So many sessions at once, with all that they do in statements."""
    sessions = [server.session() for _ in range(n)]
    memql = Memql(server.directory, f"busy{n}", [TSA, "--top", "100", *only(server)])
    time.sleep(0.1)
    before = [kernel.schedule(s.pid) for s in sessions]
    threads = [threading.Thread(target=repeat, args=(s, SCAN, times)) for s in sessions]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    truth = [kernel.difference(kernel.schedule(s.pid), b) for s, b in zip(sessions, before)]
    memql.stop()
    for s in sessions:
        s.close()
    events = memql.events()
    check(not lost(events), f"{n} sessions: nothing was lost")
    seen = map_of(events, "@all")
    check(seen["queries"] == n * times, f"{n} sessions: {seen['queries']} statements")
    check(sum(seen[s] for s in STATES) == seen["wall"], f"{n} sessions: the states are all of {seen['wall']} ns")
    check_near(seen["run"], sum(t["run"] for t in truth), 0.02, f"{n} sessions: ns on a CPU")
    waited = sum(t["runnable"] for t in truth)
    if n > os.cpu_count():
        # The kernel's account begins before the probe and ends behind it: a turn of others may lie between.
        check_near(seen["runnable"], waited, 0.04, f"{n} sessions: ns waiting for one")
    else:
        print(f"        {n} sessions: {seen['runnable']} ns waiting for a CPU against {waited}")
    unseen = map_of(events, "@unseen_wakeups") or 0  # it is not shown if there were none
    check(unseen <= 5, f"{n} sessions: {unseen} wakeups were not seen")


def row_locks(server):
    """A statement that waits for a row sleeps for a lock, in no futex."""
    server.sql("CREATE TABLE one AS SELECT 1 AS id, 0 AS n")
    holder, waiter = server.session(), server.session()
    tsa = Memql(server.directory, "tsa", [TSA, "--match", "n + 1", "--top", "9", *only(server)])
    futexes = Memql(server.directory, "futexes", [FUTEXES, "--match", "n + 1", "--top", "9", *only(server)])
    holder.ask("BEGIN")
    holder.ask("UPDATE one SET n = 5")
    before = time.monotonic_ns()
    waiter.send("UPDATE one SET n = n + 1")
    time.sleep(1)
    holder.ask("COMMIT")
    waiter.answer()
    took = time.monotonic_ns() - before
    tsa.stop()
    futexes.stop()
    states = map_of(tsa.events(), "@all")
    check(0.95e9 < states["lock"] <= took, f"of {took} ns {states['lock']} asleep for a lock")
    check(sum(states[s] for s in STATES) == states["wall"], "the states are all of the time")
    waits, places = map_of(futexes.events(), "@all"), map_of(futexes.events(), "@places")
    check(waits["locks"] == 1, f"{waits['locks']} wait for a lock")
    check(0.95e9 < waits["lock_time"] <= took and waits["futex_time"] < 0.1e9, f"of {waits['lock_time']} ns")
    check((waiter.pid, "lock", "transaction", 0) in places, "for the transaction that has the row")

    # A wait that an error ends.
    memql = Memql(server.directory, "error", [FUTEXES, "--match", "n + 2", "--top", "9", *only(server)])
    holder.ask("BEGIN")
    holder.ask("UPDATE one SET n = 5")
    waiter.ask("SET lock_timeout = 300")
    waiter.ask("UPDATE one SET n = n + 2")
    waiter.ask("SELECT n + 2 FROM one")
    holder.ask("COMMIT")
    messages = memql.stop()
    waits = map_of(memql.events(), "@all")
    check(waits["locks"] == 1, f"{waits['locks']} wait was ended by an error")
    check(0.28e9 < waits["lock_time"] < 0.6e9, f"after {waits['lock_time']} ns {messages.strip()}")
    holder.close()
    waiter.close()


def latches(server):
    """Many writers of one small table: the engine's latches are futexes."""
    memql = Memql(server.directory, "latches", [FUTEXES, "--top", "9", *only(server)])
    figures = server.pgbench("-c", 16, "-t", 200)
    memql.stop()
    events = memql.events()
    check(not lost(events), f"latches: nothing was lost {lost(events)}")
    seen = map_of(events, "@all")
    check(figures["transactions"] == 3200 and seen["queries"] >= 7 * 3200, f"latches: {seen['queries']} statements")
    check(seen["locks"] > 100, f"{seen['locks']} waits for locks, {seen['lock_time']} ns")
    check(seen["latches"] > 0, f"{seen['latches']} waits for latches, {seen['latch_time']} ns")
    check(seen["latch_time"] <= 1.1 * seen["futex_time"] + 1e8, f"{seen['futex_time']} ns in futexes")


def parts(server):
    """What query_profile.mq makes of a client that does not read, a sleep, a wait for a row."""
    holder, slow = server.session(), server.session()
    memql = Memql(server.directory, "parts", [PROFILE, "--min", "300ms", "--top", "9", *only(server)])
    server.sql("SELECT pg_sleep(0.5)")
    slow.send("COPY (SELECT repeat('x', 1000), i FROM generate_series(1, 40000) i) TO STDOUT")
    time.sleep(1)
    slow.answer()
    holder.ask("BEGIN")
    holder.ask("UPDATE one SET n = 6")
    slow.send("UPDATE one SET n = n + 3")
    time.sleep(0.5)
    holder.ask("COMMIT")
    slow.answer()
    memql.stop()
    plans, texts = map_of(memql.events(), "@plans"), map_of(memql.events(), "@query_text")
    check(len(plans) == 3, f"{len(plans)} statements took so long")
    for word, part in (("pg_sleep", "other"), ("COPY", "net"), ("n + 3", "locks")):
        (seen,) = [plans[key] for key in plans if word in texts[key]]
        check(sum(seen[p] for p in PARTS) == seen["wall"], f"{word}: the parts are its {seen['wall']} ns")
        check(seen[part] > 0.6 * seen["wall"], f"{word}: {seen[part]} ns of it are {part}")
    holder.close()
    slow.close()


def main():
    need_root()
    if not kernel.has_schedule():
        print("        this kernel does not keep times of threads")
    server = Postgres()
    try:
        server.start()
        server.make_tables(2)
        busy(server, 1, 10)
        busy(server, 6, 4)
        row_locks(server)
        latches(server)
        parts(server)
    finally:
        server.stop()
        server.remove()


main()
