"""What PostgreSQL's parallel workers read, wait for and allocate belongs to the statement
that they help with: against the table's size, the server's log and its shared memory."""

import json
import os
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines import kernel
from engines.postgres import PARALLEL, Postgres, plan_nodes
from engines.workloads import LOG_LOCK_WAITS, SCAN, logged_lock_waits
from tracing import Memql, check, check_near, lost, map_of, need_root

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts")
SORT = "SELECT count(*) FROM (SELECT i FROM numbers ORDER BY i DESC OFFSET 0) AS sorted"
COUNT = "SELECT count(*) FROM numbers"
JOIN = "SELECT count(*) FROM numbers AS a JOIN numbers AS b USING (i)"
WORK_MEM = "work_mem = '1GB'"
WAIT = "SELECT count(look(i)) FROM numbers WHERE i % 1000 = 0"


def start(server, name, script):
    return Memql(server.directory, name, [os.path.join(SCRIPTS, script), "--exe", server.server], json_output=False)


def last_line(memql, text):
    """Of the last line about the statement: its numbers, without TIME, TID and PLAN."""
    memql.stop()
    lines = [line.rstrip(";") for line in memql.lines()]
    return [line[: -len(text)].split()[3:] for line in lines if line.endswith(text)][-1]


def workers(server, text):
    """A plan as EXPLAIN ANALYZE has it, and how many helped."""
    plan = server.explain(text, WORK_MEM)["Plan"]
    launched = sum(node.get("Workers Launched", 0) for node in plan_nodes(plan))
    check(launched > 0, f"{launched} workers for {text}")
    return plan, launched


def cold_scan(server):
    workers(server, SCAN)
    server.restart_cold("pgbench_accounts", **PARALLEL, **LOG_LOCK_WAITS)
    size = server.relation_size("pgbench_accounts")
    memql = start(server, "bio", "query_bio.mq")
    with server.session() as session:
        before = kernel.io(session.pid)["read_bytes"]
        session.ask(SCAN)
        own = kernel.io(session.pid)["read_bytes"] - before
        time.sleep(0.3)
    reads, read_bytes = map(int, last_line(memql, SCAN)[:2])
    check(own < size, f"scan: {size - own} of {size} bytes were not read by the leader")
    # The file system may read a block of its own for it.
    check(0 <= read_bytes - size <= 4096, f"scan: {read_bytes} bytes in {reads} reads")


def sort(server):
    """Each process has an array, which EXPLAIN tells of. Who gets how many rows is never the
    same, so it is the statement that is looked at. What a worker needs to live is no array."""
    plain, text = (f"EXPLAIN (ANALYZE, FORMAT JSON) {query}" for query in (COUNT, SORT))
    memql = start(server, "sort", "query_memory.mq")
    with server.session() as session:
        session.ask(f"SET {WORK_MEM}")
        for query in (plain, text, plain):  # what the session keeps is in the first
            session.ask(query)
        (explained,) = json.loads(session.ask(text))
    (node,) = (node for node in plan_nodes(explained["Plan"]) if node["Node Type"] == "Sort")
    said = [each["Sort Space Used"] * 1024 for each in (node, *node["Workers"]) if "Sort Space Used" in each]
    (net, peak, _), (_, alive, _) = (map(int, last_line(memql, query)) for query in (text, plain))
    check(len(said) == 3, f"sort: {max(said)} bytes in the largest of {len(said)} processes, {alive} without a sort")
    check_near(peak - alive, sum(said), 0.02, "sort: bytes of all of them, against EXPLAIN")
    check(net < 0.01 * peak, f"sort: {net} bytes stay")


def shared_bytes(pid):
    """The most that a process had of PostgreSQL's shared segments, until the other one stops."""
    total = 0
    with open(f"/proc/{pid}/maps") as f:
        for name in {line.split()[-1] for line in f if "/dev/shm/PostgreSQL." in line}:
            total += os.stat(name).st_size
    return total


def hash_join(server):
    """The table is in shared memory, which any of them extends."""
    workers(server, JOIN)
    memql = start(server, "join", "query_memory.mq")
    sizes, done = [0], threading.Event()
    with server.session() as session:
        session.ask(f"SET {WORK_MEM}")
        session.ask(JOIN)

        def watch():
            while not done.wait(0.002):
                try:
                    sizes.append(shared_bytes(session.pid))
                except FileNotFoundError:
                    pass  # it went meanwhile

        watcher = threading.Thread(target=watch)
        watcher.start()
        session.ask(JOIN)
        done.set()
        watcher.join()
    net, peak, _ = map(int, last_line(memql, JOIN))
    check_near(peak, max(sizes), 0.05, "hash join: bytes, against those of its files in /dev/shm")
    check(abs(net) < 0.02 * peak, f"hash join: {net} bytes stay")


def locks(server):
    """Each of the processes waits for a table that somebody has."""
    server.sql("CREATE TABLE held AS SELECT 1 AS n")
    server.sql("CREATE FUNCTION look(i int) RETURNS int LANGUAGE plpgsql PARALLEL SAFE"
               " AS 'BEGIN PERFORM n FROM held; RETURN i; END'")
    _, launched = workers(server, WAIT)
    before = len(logged_lock_waits(server))
    memql = Memql(server.directory, "locks", [os.path.join(SCRIPTS, "futexes.mq"), "--exe", server.server, "--top", "9"])
    with server.session() as holds, server.session() as waits:
        holds.ask("BEGIN")
        holds.ask("LOCK TABLE held")
        waits.send(WAIT)
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'held'::regclass"
        kernel.wait_for(lambda: server.sql(waiting) == str(1 + launched))
        time.sleep(0.5)
        holds.ask("COMMIT")
        waits.answer()
    memql.stop()
    said = logged_lock_waits(server)[before:]
    events = memql.events()
    check(not lost(events), "locks: nothing was lost")
    texts = map_of(events, "@query_text")
    (seen,) = (plan for id, plan in map_of(events, "@plans").items() if texts[id].startswith(WAIT))
    check(seen["queries"] == 1, f"locks: one statement by {launched} workers and their leader")
    check(seen["locks"] == len(said) == 1 + launched, f"locks: {seen['locks']} waits, {len(said)} in the log")
    check_near(seen["lock_time"] / 1e6, sum(ms for _, ms in said), 0.01, "locks: ms, against the log")


def main():
    need_root()
    with Postgres() as server:
        server.use_own_copy()
        server.start(**PARALLEL, **LOG_LOCK_WAITS)
        server.make_tables(2)
        server.sql("CREATE TABLE numbers AS SELECT i FROM generate_series(1, 1000000) AS i")
        server.sql("VACUUM ANALYZE numbers")
        cold_scan(server)
        sort(server)
        hash_join(server)
        locks(server)


main()
