"""64 clients of pgbench -S share the CPUs: each of their queries is seen once, and what does
not get through is counted."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.postgres import Postgres
from engines.workloads import SCRIPTS
from tracing import Memql, check, lost, map_of, need_root

LATENCY = os.path.join(SCRIPTS, "query_latency.mq")
CLIENTS, SECONDS = 64, 2


def added_up(server):
    """Each query is seen once."""
    server.forget_statements()
    memql = Memql(server.directory, "many", [LATENCY, "--exe", server.server, "--histogram"])
    figures = server.pgbench("-S", "-T", SECONDS, "-c", CLIENTS)
    memql.stop()
    events = memql.events()
    check(not lost(events), "nothing was lost")
    ((queryid, statement),) = server.statements("SELECT abalance%").items()
    seen = map_of(events, "@latency")[queryid]["count"]
    check(
        seen == statement["calls"] == figures["transactions"],
        f"{figures['tps']:.0f} transactions a second: {seen} of {statement['calls']} seen",
    )


def printed(server):
    """A line for each query."""
    server.forget_statements()
    memql = Memql(server.directory, "lines", [LATENCY, "--exe", server.server, "--match", "SELECT abalance"])
    server.pgbench("-S", "-T", SECONDS, "-c", CLIENTS)
    memql.stop()
    events = memql.events()
    lines = sum(e["type"] == "value" and "SELECT abalance" in e["data"]["query"] for e in events)
    missing = sum(e["data"]["count"] for e in lost(events))
    calls = sum(s["calls"] for s in server.statements("SELECT abalance%").values())
    check(lines + missing == calls, f"{lines} lines and {missing} lost are {calls} queries")


def main():
    need_root()
    with Postgres() as server:
        server.use_own_copy()
        server.start()
        server.make_tables()
        added_up(server)
        printed(server)


main()
