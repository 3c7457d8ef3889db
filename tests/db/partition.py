"""partition.mq against PostgreSQL's own counters and log: checkpoints, the buffers they
write, how long that and the sync take, and WAL switches."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.kernel import wait_for
from engines.postgres import Postgres
from tracing import SLOWNESS, Memql, check, lost, map_of, need_root

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/partition.mq")
# Nothing of it happens unless it is asked for.
SETTINGS = {"log_checkpoints": "on", "checkpoint_timeout": "1h", "max_wal_size": "4GB"}
CHECKPOINTS, SWITCHES = 8, 5
# Milliseconds: the log has whole ones, rounded up.
SLACK = 2
LOGGED = r"checkpoint complete: wrote (\d+) buffers.*? write=([\d.]+) s, sync=([\d.]+) s, total=([\d.]+) s;"


def counters(server):
    """Checkpoints asked for, and buffers that checkpoints wrote."""
    new = "SELECT num_requested, buffers_written FROM pg_stat_checkpointer"
    old = "SELECT checkpoints_req, buffers_checkpoint FROM pg_stat_bgwriter"
    major = int(server.sql("SHOW server_version_num")) // 10000
    return [int(n) for n in server.sql(new if major >= 17 else old).split("|")]


def logged(server):
    """What the log says of each checkpoint: [(buffers, write, sync, total in ms)]."""
    with open(server.log, errors="backslashreplace") as f:
        found = re.findall(LOGGED, f.read())
    return [(int(m[0]), *(float(s) * 1000 for s in m[1:])) for m in found]


def segment(server):
    return int(server.sql("SELECT pg_walfile_name(pg_current_wal_insert_lsn())")[8:], 16)


def lines_of(memql, what):
    """[(number, took, name)]"""
    found = [re.fullmatch(r"[\d:.]{15} +\d+ (.{18}) +(\d+) +(\S+) (.*)", line) for line in memql.lines()]
    return [(int(m[2]), m[3], m[4]) for m in found if m and m[1].strip() == what]


def checkpoints(server):
    before, known = counters(server), len(logged(server))
    lines = Memql(server.directory, "lines", [SCRIPT, "--exe", server.server], json_output=False)
    sums = Memql(server.directory, "sums", [SCRIPT, "--histogram", "--exe", server.server])
    for i in range(CHECKPOINTS):
        server.sql(f"UPDATE pgbench_accounts SET abalance = {i} WHERE aid % {CHECKPOINTS} = {i}")
        server.sql("CHECKPOINT")
    check(wait_for(lambda: len(logged(server)) == known + CHECKPOINTS), "the log tells of them")
    wait_for(lambda: counters(server)[0] == before[0] + CHECKPOINTS)
    asked, buffers = (b - a for a, b in zip(before, counters(server)))
    log = logged(server)[known:]
    lines.stop()
    sums.stop()
    check(not lost(sums.events()), "nothing was lost")

    seen = lines_of(lines, "checkpoint")
    check(len(seen) == asked == CHECKPOINTS, f"{len(seen)} checkpoints, the server counts {asked}")
    check([line[0] for line in seen] == [c[0] for c in log], f"buffers of each as in the log: {seen}")
    check({line[2] for line in seen} == {"request"}, "each was asked for")
    # The others are pages of the commit log, which the server's counter leaves out.
    written = sum(line[0] for line in lines_of(lines, "checkpoint write"))
    check(written == buffers, f"of the {sum(c[0] for c in log)} buffers {written}, the server counts {buffers}")

    took = map_of(sums.events(), "@took")
    for i, what in enumerate(("checkpoint write", "checkpoint sync", "checkpoint"), 1):
        told = sum(c[i] for c in log)
        ours = took[what]["sum"] / 1e6
        check(took[what]["count"] == len(log), f"{what}: {took[what]['count']} of them")
        check(
            abs(ours - told) <= SLOWNESS * (0.02 * told + len(log) * SLACK),
            f"{what}: {ours:.1f} ms in all, {told:.0f} in the log",
        )


def switches(server):
    memql = Memql(server.directory, "switches", [SCRIPT, "--match", "wal", "--exe", server.server], json_output=False)
    first = segment(server)
    for i in range(SWITCHES):
        server.sql(f"CREATE TABLE something_to_log_{i} ()")
        server.sql("SELECT pg_switch_wal()")
        server.sql(f"DROP TABLE something_to_log_{i}")
    last = segment(server)
    memql.stop()
    seen = len(lines_of(memql, "wal switch"))
    check(seen == last - first == SWITCHES, f"{seen} WAL switches, the server is {last - first} segments further")


def shutdown(server):
    memql = Memql(server.directory, "shutdown", [SCRIPT, "--exe", server.server], json_output=False)
    server.sql("UPDATE pgbench_branches SET bbalance = 1")
    server.stop()
    memql.stop()
    seen = lines_of(memql, "checkpoint")
    check([line[2] for line in seen] == ["shutdown"], f"the checkpoint of the shutdown: {seen}")
    check(seen[0][0] == logged(server)[-1][0], "its buffers are the log's")


def main():
    need_root()
    with Postgres() as server:
        server.use_own_copy()
        server.start(**SETTINGS)
        server.make_tables(2)
        server.sql("CHECKPOINT")
        checkpoints(server)
        switches(server)
        shutdown(server)


main()
