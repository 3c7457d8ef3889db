"""query:done and query_latency.mq on MariaDB, against its own counters and clocks, in both
of its thread models.

In the pool of threads a command can be suspended, while its commit is being written, and
go on in another thread: dispatch_command returns 2 then and comes again for the same
session. It is one query all the same, with the time between in it.

What the server counts as questions, and memql as queries: each statement of a string,
each execution of a prepared statement, failed ones too, a CALL once. Only the server
counts the goodbye of a client. Preparing is neither's.
"""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.mariadb import Mariadb, ServerError
from engines.workloads import at_once
from tracing import Memql, check, check_near, lost, map_of, need_root

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/query_latency.mq")
PROGRAM = """
query:done {{ @count[args.text] = count(); @time[args.text] = sum(args.duration); }}
uretprobe:{server}:_Z16dispatch_command19enum_server_commandP3THDPcjb
/(uint32)retval == 2/
{{
	@suspended = count();
}}
"""
CLIENTS, ROUNDS, BURNS = 8, 100, 5
BURN, BURN_PREPARED, BURN_OLD = (f"SELECT BENCHMARK(100000, MD5('{kind}'))" for kind in ("text", "prepared", "old"))


class Client:
    """A session, with what it prepared before it was traced."""

    def __init__(self, server, i):
        self.i = i
        self.session = server.connect("test")
        self.old = self.session.prepare(BURN_OLD)

    def work(self):
        update = f"UPDATE t SET n = n + 1 WHERE id = {self.i}"
        prepared = self.session.prepare(f"{update} /* prepared */")
        for _ in range(ROUNDS):
            self.session.query(update)
            prepared.execute()
            self.session.query("SELECT 1; SELECT 2; CALL twice()")
            try:
                self.session.query("SELEC")
            except ServerError:
                pass
        prepared.close()
        prepared = self.session.prepare(BURN_PREPARED)
        for _ in range(BURNS):
            self.session.query(BURN)
            prepared.execute()
            self.old.execute()
        prepared.close()


def expected_counts():
    """How often each text is sent by all clients together."""
    counts = {}
    for i in range(CLIENTS):
        counts[f"UPDATE t SET n = n + 1 WHERE id = {i}"] = ROUNDS
        counts[f"UPDATE t SET n = n + 1 WHERE id = {i} /* prepared */"] = ROUNDS
    # A statement's text goes to the end of its string.
    for text in ("SELECT 1; SELECT 2; CALL twice()", "SELECT 2; CALL twice()", "CALL twice()", "SELEC"):
        counts[text] = CLIENTS * ROUNDS
    for text in (BURN, BURN_PREPARED, BURN_OLD):
        counts[text] = CLIENTS * BURNS
    return counts


def trace(server, name, work):
    """Both programs while the work is done: the counts and times by text, and the script's map."""
    program = os.path.join(server.directory, "program.mq")
    with open(program, "w") as f:
        f.write(PROGRAM.format(server=server.server))
    counts = Memql(server.directory, name + ".counts", ["-p", str(server.pid), program])
    script = Memql(server.directory, name + ".script", ["-p", str(server.pid), SCRIPT, "--histogram"])
    work()
    time.sleep(0.5)  # a client has its answer before the server is done with it
    counts.stop()
    script.stop()
    check(not lost(counts.events()) and not lost(script.events()), f"{name}: nothing was lost")
    events = counts.events()
    suspended = map_of(events, "@suspended") or 0
    return map_of(events, "@count"), map_of(events, "@time"), map_of(script.events(), "@all"), suspended


def one_model(server, pool):
    name = "pool-of-threads" if pool else "one-thread-per-connection"
    server.restart(pool=pool, innodb_flush_log_at_trx_commit=1)
    clients = [Client(server, i) for i in range(CLIENTS)]
    server.forget_statements()
    before = server.status("%")
    count, time_of, everything, suspended = trace(server, name, lambda: at_once(*(c.work for c in clients)))
    after, times = server.status("%"), server.times()

    for text, sent in expected_counts().items():
        if count.get(text) != sent:
            check(False, f"{name}: {count.get(text)} of {sent} of {text}")
    seen = sum(count.values())
    check(seen == sum(expected_counts().values()), f"{name}: all {seen} queries with their texts")
    check(everything["count"] == seen, f"{name}: query_latency.mq saw {everything['count']} of them")
    check(pool or not suspended, f"{name}: {suspended} were suspended and resumed")

    # Between the two: the first asker's goodbye, and the second asking.
    questions = after["Questions"] - before["Questions"]
    check(questions == seen + 2, f"{name}: Questions grew by {questions}, seen {seen} and our own 2")
    executed = after["Com_stmt_execute"] - before["Com_stmt_execute"]
    prepared = {text: n for text, n in count.items() if "prepared" in text or text == BURN_OLD}
    check(sum(prepared.values()) == executed, f"{name}: Com_stmt_execute grew by {executed}")
    calls, seconds = times["statement/com/Execute"]
    ours = sum(time_of[text] for text in prepared) / 1e9
    check_near(ours, seconds, 0.02, f"{name}: seconds in {calls} prepared executions, against performance_schema")
    calls, seconds = times["statement/sql/update"]
    ours = sum(ns for text, ns in time_of.items() if text.startswith("UPDATE") and text not in prepared) / 1e9
    check_near(ours, seconds, 0.05, f"{name}: seconds in {calls} short updates as text")
    (seconds,) = (s for text, (_, s) in server.digests().items() if "benchmark" in text.lower())
    check_near(time_of[BURN] / 1e9, seconds, 0.02, f"{name}: seconds in BENCHMARK() as text, by its digest")
    check_near(everything["sum"] / 1e9, sum(time_of.values()) / 1e9, 0.02, f"{name}: seconds in all, by the script")


def main():
    need_root()
    with Mariadb() as server:
        server.start()
        session = server.connect()
        session.query("CREATE DATABASE test; USE test; CREATE TABLE t (id int PRIMARY KEY, n int) ENGINE=InnoDB")
        session.query("INSERT INTO t SELECT seq, 0 FROM seq_0_to_7")
        session.query("CREATE PROCEDURE twice() BEGIN SELECT 1 INTO @a; SELECT 2 INTO @a; END")
        for pool in (False, True):
            one_model(server, pool)


main()
