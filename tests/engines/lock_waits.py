"""What futexes.mq and query_tsa.mq say of waits for locks in MariaDB and MySQL, against
what the server counts itself."""

import os
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.kernel import wait_for
from engines.mariadb import ServerError
from engines.workloads import at_once
from tracing import Memql, check, check_near, lost, map_of

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts")
CLIENTS, ROUNDS = 4, 20
# The server is to measure waits for metadata.
METADATA = "wait/lock/metadata/sql/mdl"
MEASURED = {"performance_schema_instrument": f"{METADATA}=ON"}
# These have queries that wait, while the asker's are not looked at.
WANTED = "/*locks*/"


def metadata_waits(server):
    """(count, nanoseconds) of those that did not get one at once."""
    ((count, picoseconds),) = server.sql(
        "SELECT COUNT_STAR, SUM_TIMER_WAIT FROM performance_schema.events_waits_summary_global_by_event_name"
        f" WHERE EVENT_NAME = '{METADATA}'"
    )
    return int(count), int(picoseconds) // 1000


def update_one_row(server):
    session = server.connect("test")
    for _ in range(ROUNDS):
        session.query(f"BEGIN; UPDATE t SET n = n + 1 WHERE id = 1 {WANTED}")
        session.query("SELECT SLEEP(0.02); COMMIT")
    session.close()


def give_up(server):
    """A wait for a row that an error ends, after a second."""
    holds, waits = server.connect("test"), server.connect("test")
    holds.query("BEGIN; UPDATE t SET n = n + 1 WHERE id = 1")
    waits.query("SET innodb_lock_wait_timeout = 1")
    try:
        waits.query(f"UPDATE t SET n = 0 WHERE id = 1 {WANTED}")
        check(False, "the row was free")
    except ServerError as error:
        check("timeout" in str(error), f"rows: {error}")
    holds.query("COMMIT")
    holds.close()
    waits.close()


def while_held(server, take, wait, release):
    """One session waits for what another has for a third of a second."""
    holds, waits = server.connect("test"), server.connect("test")
    holds.query(take)
    waiter = threading.Thread(target=waits.query, args=(wait,))
    waiter.start()
    pending = "SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE '%lock%'"
    check(wait_for(lambda: server.sql(pending) == [["1"]]), f"metadata: {wait} waits")
    time.sleep(0.3)
    holds.query(release)
    waiter.join()
    holds.close()
    waits.close()


class Scripts:
    """Both, from here to sums()."""

    def __init__(self, server, name):
        self.both = [
            Memql(server.directory, f"{name}.{script}", [
                os.path.join(SCRIPTS, script), "--match", WANTED, "--top", "100", "--pid", str(server.pid),
            ]) for script in ("futexes.mq", "query_tsa.mq")
        ]

    def sums(self):
        for script in self.both:
            script.stop()
            check(not lost(script.events()), "nothing was lost")
        waits, states = (map_of(script.events(), "@all") for script in self.both)
        told = map_of(self.both[0].events(), "@locks_are_not_told")
        check(not told, "the engine tells of locks")
        return waits, states, map_of(self.both[0].events(), "@places")


def row_locks(server):
    before = server.status("Innodb_row_lock_%")
    scripts = Scripts(server, "rows")
    at_once(*(lambda: update_one_row(server) for _ in range(CLIENTS)))
    give_up(server)
    waits, states, places = scripts.sums()
    after = server.status("Innodb_row_lock_%")
    said = {name: after[name] - before[name] for name in after}
    count, ms = said["Innodb_row_lock_waits"], said["Innodb_row_lock_time"]
    rows = sum(place["waits"] for (_, kind, what, _), place in places.items() if (kind, what) == ("lock", "row"))
    check(waits["locks"] == rows == count > ROUNDS, f"rows: {waits['locks']} waits of {count} of the server")
    check_near(waits["lock_time"] / 1e6, ms, 0.02, "rows: ms, against Innodb_row_lock_time")
    check(waits["lock_time"] <= waits["waited"] < 1.02 * waits["lock_time"], f"rows: {waits['waited']} ns, each once")
    slept = states["lock"] + states["runnable"] + states["run"]
    check(states["lock"] > 0.9e9 and slept > 0.9 * waits["lock_time"], f"rows: {states['lock']} ns asleep for them")


def metadata_locks(server):
    scripts = Scripts(server, "metadata")
    count, ns = metadata_waits(server)
    while_held(server, "LOCK TABLES t WRITE", f"SELECT n FROM t {WANTED}", "UNLOCK TABLES")
    while_held(server, "SELECT GET_LOCK('a', 1)", f"SELECT GET_LOCK('a', 9) {WANTED}", "SELECT RELEASE_LOCK('a')")
    now, until = metadata_waits(server)
    waits, states, places = scripts.sums()
    seen = sum(place["waits"] for (_, kind, what, _), place in places.items() if (kind, what) == ("lock", "metadata"))
    check(seen == waits["locks"] == 2, f"metadata: {seen} waits, {now - count} of the server")
    check_near(waits["lock_time"], until - ns, 0.02, "metadata: ns, against performance_schema")
    check_near(states["lock"], waits["lock_time"], 0.05, "metadata: ns asleep for them")


def check_locks(server, **other):
    """Of a server that does not run yet, with other settings as well."""
    server.start(**MEASURED, **other)
    session = server.connect()
    session.query("CREATE DATABASE IF NOT EXISTS test; DROP TABLE IF EXISTS test.t")
    session.query("CREATE TABLE test.t (id int PRIMARY KEY, n int) ENGINE=InnoDB")
    session.query("INSERT INTO test.t VALUES (1, 0)")
    session.close()
    row_locks(server)
    metadata_locks(server)
