"""A private PostgreSQL server of the newest version that is installed, what can be done
with it, and what it says itself about statements, memory and files."""

import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.kernel import children, forget_cached, wait_for
from engines.private import Private
from tracing import fail, skip

SETTINGS = {
    "listen_addresses": "",
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track_planning": "on",
    "compute_query_id": "on",
    "autovacuum": "off",
    "max_parallel_workers_per_gather": 0,
    "jit": "off",
    "fsync": "off",
}
# Plans that use workers also for small tables.
PARALLEL = {
    "max_parallel_workers_per_gather": 2,
    "parallel_setup_cost": 0,
    "parallel_tuple_cost": 0,
    "min_parallel_table_scan_size": 0,
    "parallel_leader_participation": "on",
}


def version_of(path):
    return [int(n) for n in re.findall(r"\d+", path)]


class Postgres(Private):
    name = "postgres"
    users = ("postgres",)
    end_signal = signal.SIGINT  # "fast": sessions are aborted

    def __init__(self):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"), key=version_of)
        if not found:
            skip("no PostgreSQL server is installed")
        self.server = found[-1]
        self.bin = os.path.dirname(self.server)
        super().__init__()
        self.run(self.program("initdb"), "-D", self.data, "-A", "trust", "--no-sync", "-U", self.user.pw_name)

    def use_own_copy(self):
        """Before start(): a program that nobody else runs, beside links to what it needs."""
        own = os.path.join(self.directory, "own")
        os.makedirs(os.path.join(own, "bin"))
        os.symlink(os.path.join(os.path.dirname(self.bin), "lib"), os.path.join(own, "lib"))
        self.server = shutil.copy(self.server, os.path.join(own, "bin"))

    def program(self, name):
        path = os.path.join(self.bin, name)
        if os.path.exists(path):
            return path
        return shutil.which(name) or skip(f"{name} is not installed")

    def environment(self):
        return {
            **super().environment(), "PGHOST": self.directory, "PGDATABASE": "postgres", "PGUSER": self.user.pw_name,
        }

    def start(self, **settings):
        """Settings by name; what has a dot in it comes with ** from a dict."""
        settings = {**SETTINGS, "unix_socket_directories": self.directory, **settings}
        self.spawn(self.server, "-D", self.data, *(f"--{name}={value}" for name, value in settings.items()))
        self.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        return self

    def answers(self):
        command = self.as_user(self.program("pg_isready"), "-q")
        return subprocess.run(command, env=self.environment(), check=False).returncode == 0

    def kill(self):
        """As a crash would; its processes then see that it is gone and end, or are ended."""
        if not self.process or self.process.poll() is not None:
            return
        left = children(self.pid)
        super().kill()
        wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in left), 5)
        for pid in left:
            if os.path.exists(f"/proc/{pid}/exe") and os.readlink(f"/proc/{pid}/exe") == self.server:
                os.kill(pid, signal.SIGKILL)

    # What can be done with it

    def sql(self, text, check_status=True):
        """What psql prints for it: fields separated by |, or the text "" after an error."""
        return self.run(self.program("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", text,
                        check_status=check_status).strip()

    def file(self, name, text):
        """Its path, in the server's directory."""
        path = os.path.join(self.directory, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def make_tables(self, scale=1):
        """pgbench's: 100,000 accounts, 13 MB, for each scale."""
        self.run(self.program("pgbench"), "-i", "-q", "-s", str(scale))

    def pgbench(self, *arguments, **options):
        """What pgbench says about its run: see bench_figures()."""
        return bench_figures(self.run(self.program("pgbench"), "-n", *map(str, arguments), **options))

    def session(self):
        return Session(self)

    def explain(self, text, *settings):
        """EXPLAIN (ANALYZE, FORMAT JSON) of a statement, after SETs: the plan's root."""
        sets = "".join(f"SET {s};" for s in settings)
        return json.loads(self.sql(f"{sets} EXPLAIN (ANALYZE, FORMAT JSON) {text}"))[0]

    def relation_files(self, name):
        """The files of a relation's main fork, absolute."""
        path = os.path.join(self.data, self.sql(f"SELECT pg_relation_filepath('{name}')"))
        return [p for p in glob.glob(path + "*") if re.fullmatch(re.escape(path) + r"(\.\d+)?", p)]

    def relation_size(self, name):
        return int(self.sql(f"SELECT pg_relation_size('{name}')"))

    def restart_cold(self, *relations, **settings):
        """Restarted, with these relations in no cache of its or of the kernel's."""
        files = [path for name in relations for path in self.relation_files(name)]
        self.sql("CHECKPOINT")
        self.stop()
        forget_cached(files)
        self.start(**settings)

    # What it says itself

    def memory_of(self, pid):
        """Bytes that a backend's memory contexts have of the C library, between its statements or
        while one sleeps."""
        end = os.path.getsize(self.log)
        self.sql(f"SELECT pg_log_backend_memory_contexts({pid})")

        def total():
            with open(self.log, errors="backslashreplace") as f:
                f.seek(end)
                return re.search(r"Grand total: (\d+) bytes", f.read())

        wait_for(total)
        return int(total()[1])

    def forget_statements(self):
        self.sql("SELECT pg_stat_statements_reset()")

    def statements(self, like="%"):
        """pg_stat_statements: {query id: {"calls", "ms", "text"}}; ms with planning."""
        rows = self.sql(
            "SELECT json_agg(json_build_array(queryid, calls, total_exec_time + total_plan_time, query))"
            f" FROM pg_stat_statements WHERE query LIKE '{like}' AND query NOT LIKE '%pg_stat_statements%'"
        )
        rows = json.loads(rows) if rows else []
        return {id: {"calls": calls, "ms": ms, "text": text} for id, calls, ms, text in rows}


def bench_figures(text):
    """What is in pgbench's report: {"transactions", "failed", "tps", "ms"}."""
    patterns = {
        "transactions": r"transactions actually processed: (\d+)",
        "failed": r"failed transactions: (\d+)",
        "tps": r"^tps = ([\d.]+)",
        "ms": r"^latency average = ([\d.]+) ms",
    }
    found = {name: re.search(pattern, text, re.MULTILINE) for name, pattern in patterns.items()}
    return {name: float(match[1]) for name, match in found.items() if match}


def plan_nodes(plan):
    """All nodes below and including one."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from plan_nodes(below)


class Session:
    """A psql that stays: one backend, whose pid is known, and statements one by one."""

    MARK = "=== end of answer ==="

    def __init__(self, server):
        self.psql = subprocess.Popen(
            server.as_user(server.program("psql"), "-XAtq"), cwd=server.directory, env=server.environment(),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1,
        )
        self.pid = int(self.ask("SELECT pg_backend_pid()"))

    def send(self, text):
        """Without waiting: answer() does."""
        self.psql.stdin.write(f"{text.rstrip(';')};\n\\echo {self.MARK}\n")

    def answer(self):
        """What is printed until the statement sent is done, errors included."""
        lines = []
        for line in self.psql.stdout:
            if line.strip() == self.MARK:
                return "\n".join(lines)
            lines.append(line.rstrip("\n"))
        fail(f"psql ended: {lines}")

    def ask(self, text):
        self.send(text)
        return self.answer()

    def close(self):
        if self.psql.poll() is None:
            self.psql.stdin.close()
            self.psql.wait(timeout=30)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()
