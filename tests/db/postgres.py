"""query_latency.mq against PostgreSQL's own statistics.

A private server on a unix socket, pg_stat_statements on, driven by pgbench in its three
protocols and by statements that fail. Seen by memql must be: every statement, once; and
for statements long enough that parsing and sending do not count, the same time.
"""

import glob
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import Memql, check, check_near, fail, lost, map_of, need_root, skip

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/query_latency.mq")

CONFIG = """
listen_addresses = ''
unix_socket_directories = '{directory}'
shared_preload_libraries = 'pg_stat_statements'
pg_stat_statements.track_planning = on
compute_query_id = on
autovacuum = off
max_parallel_workers_per_gather = 0
jit = off
fsync = off
"""

# Long enough that 2 % is not a matter of microseconds.
SCAN = "SELECT count(*) FROM pgbench_accounts WHERE md5(filler || aid) LIKE 'x%' AND aid < :limit;\n"
MIX = {
    "scan.sql": "\\set limit 60000\n" + SCAN,
    "short.sql": "\\set aid random(1, 100000)\nSELECT abalance FROM pgbench_accounts WHERE aid = :aid;\n",
}
CLIENTS, TRANSACTIONS = 1, 40


class Server:
    def __init__(self, directory):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))
        if not found:
            skip("no PostgreSQL server is installed")
        self.bin = os.path.dirname(found[-1])
        if not os.path.exists(os.path.join(self.bin, "pgbench")) and not shutil.which("pgbench"):
            skip("pgbench is not installed")
        self.directory = directory
        self.data = os.path.join(directory, "data")
        self.user = "postgres" if self._has_user("postgres") else "nobody"
        shutil.chown(directory, self.user)

    @staticmethod
    def _has_user(name):
        try:
            return bool(pwd.getpwnam(name))
        except KeyError:
            return False

    def run(self, program, *arguments, check_status=True, text=None):
        path = os.path.join(self.bin, program)
        done = subprocess.run(
            ["runuser", "-u", self.user, "--", path, *arguments],
            cwd=self.directory, input=text, capture_output=True, text=True,
            env={**os.environ, "PGHOST": self.directory, "PGDATABASE": "postgres", "PGUSER": self.user, "LC_ALL": "C"},
        )
        if check_status and done.returncode:
            fail(f"{program}: {done.stderr or done.stdout}")
        return done.stdout

    def start(self):
        self.run("initdb", "-D", self.data, "-A", "trust", "--no-sync", "-U", self.user)
        with open(os.path.join(self.data, "postgresql.conf"), "a") as f:
            f.write(CONFIG.format(directory=self.directory))
        self.run("pg_ctl", "-D", self.data, "-w", "-l", os.path.join(self.directory, "log"), "start")

    def stop(self):
        self.run("pg_ctl", "-D", self.data, "-w", "-m", "immediate", "stop", check_status=False)

    def sql(self, text, check_status=True):
        return self.run("psql", "-XAtq", "-c", text, check_status=check_status).strip()


def server_figures(server, pattern):
    """calls, milliseconds of execution and planning, query id, of statements LIKE pattern."""
    row = server.sql(
        "SELECT sum(calls), sum(total_exec_time + total_plan_time), min(queryid)"
        f" FROM pg_stat_statements WHERE query LIKE '{pattern}'"
    )
    calls, ms, queryid = row.split("|")
    return int(calls), float(ms), int(queryid)


def one_protocol(server, directory, protocol):
    server.sql("SELECT pg_stat_statements_reset()")
    memql = Memql(directory, protocol, [SCRIPT, "--histogram"])
    for name in MIX:
        server.run("pgbench", "-n", "-M", protocol, "-c", str(CLIENTS), "-t", str(TRANSACTIONS), "-f",
                   os.path.join(directory, name))
    memql.stop()
    events = memql.events()
    check(not lost(events), f"{protocol}: nothing was lost")
    latency = map_of(events, "@latency")

    calls, ms, queryid = server_figures(server, "SELECT abalance%")
    check(calls == CLIENTS * TRANSACTIONS, f"{protocol}: the server ran {calls} short statements")
    check(latency[queryid]["count"] == calls, f"{protocol}: short statements seen: {latency[queryid]['count']} of {calls}")

    calls, ms, queryid = server_figures(server, "SELECT count%pgbench_accounts%")
    scan = latency[queryid]
    check(scan["count"] == calls, f"{protocol}: scans seen: {scan['count']} of {calls}")
    check_near(scan["sum"] / 1e6, ms, 0.02, f"{protocol}: ms in scans, memql against the server")


def lines_of(memql, text):
    return [line for line in memql.lines() if text in line]


def failing_statements(server, directory):
    """Errors, several statements in one string, and what follows an error."""
    memql = Memql(directory, "failing", [SCRIPT], json_output=False)
    for i in range(10):
        server.sql(f"SELECT {i} / 0 AS fails", check_status=False)
        server.sql(f"SELECT no_such_column_{i}", check_status=False)
        server.sql(f"SELEC syntax error {i}", check_status=False)
        server.sql(f"SELECT {i} AS works")
        server.sql(f"SELECT {i} AS first; SELECT {i} AS second")
    memql.stop()
    for text in ("AS fails", "no_such_column_", "SELEC syntax", "AS works", "AS first; SELECT"):
        seen = len(lines_of(memql, text))
        check(seen == 10, f"failing: {seen} of 10 lines for '{text}'")


def long_text(server, directory):
    """A text beyond the limit is cut and marked; with a larger limit it is whole."""
    statement = "SELECT " + " + ".join(str(i) for i in range(400)) + " AS long_end"
    for limit, whole in ((100, False), (4096, True)):
        memql = Memql(directory, f"long{limit}", ["--max-strlen", str(limit), SCRIPT, "--match", "SELECT 0 + 1"],
                      json_output=False)
        server.sql(statement)
        memql.stop()
        (line,) = lines_of(memql, "SELECT 0 + 1")
        shown = line[line.index("SELECT"):]
        expected = statement if whole else statement[:limit] + "..."
        check(shown == expected, f"a text of {len(statement)} bytes under a limit of {limit} ends '{shown[-12:]}'")


def main():
    need_root()
    directory = tempfile.mkdtemp(prefix="memql-pg-")
    server = Server(directory)
    try:
        server.start()
        server.sql("CREATE EXTENSION pg_stat_statements")
        server.run("pgbench", "-i", "-q", "-s", "1")
        for name, text in MIX.items():
            with open(os.path.join(directory, name), "w") as f:
                f.write(text)
        for protocol in ("simple", "extended", "prepared"):
            one_protocol(server, directory, protocol)
        failing_statements(server, directory)
        long_text(server, directory)
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


main()
