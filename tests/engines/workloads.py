"""Work for the servers, of a known cost or with somebody who tells it: the server's plan,
its log, its counters, the size of a file."""

import glob
import os
import re
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.kernel import wait_for
from engines.postgres import plan_nodes

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts")

# PostgreSQL. Rows of 12 KB have memory of their own each, so that what the plan counts is
# what malloc() gives; small ones share blocks of 8 MB, the last of them half empty.
WORK_MEM = "work_mem = '512MB'"
HASH = "SELECT repeat(i::text, 2500) AS k, count(*) FROM generate_series(10000, 16000) i GROUP BY 1"
HASH_SMALL = "SELECT aid % 50000, count(*) FROM pgbench_accounts GROUP BY 1"
SORT = "SELECT i FROM generate_series(10000, 16000) i ORDER BY repeat(i::text, 2500)"
# Reads all of a table, and computes a little: no index can do that.
SCAN = "SELECT sum(length(filler)) FROM pgbench_accounts"
BURN = "SELECT sum(length(md5(filler || aid))) FROM pgbench_accounts"


def plan_memory(explained):
    """Bytes that the nodes of EXPLAIN (ANALYZE, FORMAT JSON) had for hashing and sorting."""
    kilobytes = 0
    for node in plan_nodes(explained["Plan"]):
        kilobytes += node.get("Peak Memory Usage", 0)
        if node.get("Sort Space Type") == "Memory":
            kilobytes += node["Sort Space Used"]
    return kilobytes * 1024


# For start(): the log tells of each wait longer than this.
LOG_LOCK_WAITS = {"log_lock_waits": "on", "deadlock_timeout": "10ms"}


def logged_lock_waits(server):
    """What PostgreSQL's log says since it was started first: [(backend's pid, milliseconds)]."""
    with open(server.log, errors="backslashreplace") as f:
        found = re.findall(r"process (\d+) acquired \w+ on .* after ([\d.]+) ms", f.read())
    return [(int(pid), float(ms)) for pid, ms in found]


def row_lock(server, seconds):
    """One PostgreSQL session waits so long for another's row: its pid. Start with LOG_LOCK_WAITS."""
    update = "UPDATE pgbench_branches SET bbalance = 1 WHERE bid = 1"
    with server.session() as holds, server.session() as waits:
        holds.ask("BEGIN")
        holds.ask(update)
        waits.send(update)
        blocked = f"SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = {waits.pid}"
        wait_for(lambda: server.sql(blocked) == "t")
        time.sleep(seconds)
        holds.ask("COMMIT")
        waits.answer()
        return waits.pid


def mariadb_row_lock(server, seconds):
    """The same for MariaDB, on a table made here; what it counts is in Innodb_row_lock_time."""
    holds, waits = server.connect(), server.connect()
    holds.query("CREATE DATABASE IF NOT EXISTS locks; CREATE TABLE IF NOT EXISTS locks.t (id int PRIMARY KEY, n int)")
    holds.query("REPLACE INTO locks.t VALUES (1, 0)")
    holds.query("BEGIN; UPDATE locks.t SET n = 1 WHERE id = 1")
    at_once(lambda: waits.query("UPDATE locks.t SET n = 2 WHERE id = 1"), lambda: release(server, holds, seconds))
    holds.close()
    waits.close()


def release(server, holds, seconds):
    wait_for(lambda: server.status("Innodb_row_lock_current_waits")["Innodb_row_lock_current_waits"] == 1)
    time.sleep(seconds)
    holds.query("COMMIT")


def at_once(*tasks):
    """Runs them side by side to their ends."""
    threads = [threading.Thread(target=task) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def scripts():
    """The project's, all that can be started; what else is there is a part of them."""
    for path in sorted(glob.glob(os.path.join(SCRIPTS, "*.mq"))):
        with open(path) as f:
            if f.readline().startswith("#!"):
                yield path
