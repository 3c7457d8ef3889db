"""What the scripts cost a busy PostgreSQL: pgbench -S with and without each of them, in
turn, and nothing lost where 64 clients share the CPUs.

The figures depend on the machine: they are printed, and docs/databases.md has some. The
test fails only where a script costs so much that something must be wrong.
"""

import os
import statistics
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.postgres import Postgres
from engines.workloads import scripts, side_by_side
from tracing import SLOWNESS, Memql, check, lost, map_of, need_root

ROUNDS, SECONDS, CLIENTS = 3, 2, 4
# The least that is left of the throughput.
LEFT = 0.1


def throughput(server, clients=CLIENTS):
    return server.pgbench("-S", "-M", "prepared", "-T", SECONDS, "-c", clients)["tps"]


def traced(server, path, *arguments):
    name = os.path.basename(path)
    memql = Memql(server.directory, name, [path, "--exe", server.server, *arguments])
    figure = throughput(server)
    memql.stop()
    return figure


def cost_of(server, path, *arguments):
    results = side_by_side(ROUNDS, lambda: throughput(server), lambda: traced(server, path, *arguments))
    without, with_it = map(statistics.median, results)
    what = " ".join((os.path.basename(path), *arguments))
    check(
        with_it / without > LEFT / SLOWNESS,
        f"{what}: {without:.0f} transactions a second without, {with_it:.0f} with it:"
        f" {100 * (with_it / without - 1):+.1f} %",
    )


def many_clients(server, path):
    """64 of them: each query is seen once."""
    server.forget_statements()
    memql = Memql(server.directory, "many", [path, "--exe", server.server, "--histogram"])
    figures = server.pgbench("-S", "-T", 2 * SECONDS, "-c", 64)
    memql.stop()
    events = memql.events()
    check(not lost(events), "64 clients: nothing was lost")
    ((queryid, statement),) = server.statements("SELECT abalance%").items()
    seen = map_of(events, "@latency")[queryid]["count"]
    check(
        seen == statement["calls"] == figures["transactions"],
        f"64 clients, {figures['tps']:.0f} transactions a second: {seen} of {statement['calls']} seen",
    )


def many_lines(server, path):
    """A line for each query: what does not get through is counted."""
    server.forget_statements()
    memql = Memql(server.directory, "lines", [path, "--exe", server.server, "--match", "SELECT abalance"])
    server.pgbench("-S", "-T", SECONDS, "-c", 64)
    memql.stop()
    events = memql.events()
    lines = sum(e["type"] == "value" and "SELECT abalance" in e["data"]["query"] for e in events)
    missing = sum(e["data"]["count"] for e in lost(events))
    calls = sum(s["calls"] for s in server.statements("SELECT abalance%").values())
    check(lines + missing == calls, f"64 clients: {lines} lines and {missing} lost are {calls} queries")


def main():
    need_root()
    with Postgres() as server:
        server.use_own_copy()
        server.start()
        server.make_tables()
        found = {os.path.basename(path): path for path in scripts()}
        many_clients(server, found["query_latency.mq"])
        many_lines(server, found["query_latency.mq"])
        cost_of(server, found["query_latency.mq"], "--min", "10ms")
        for path in found.values():
            cost_of(server, path, "--top", "10")


main()
