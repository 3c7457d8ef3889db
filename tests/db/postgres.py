"""query_latency.mq against PostgreSQL's own statistics.

Seen by memql must be: every statement that a client sent, once, in each protocol, also
if it fails; and for statements long enough that parsing and sending do not count, the
same time as pg_stat_statements has.

Where the two differ by definition: pg_stat_statements counts a statement when it
succeeded, so failing ones are counted by who sent them; a string of several statements
is one query for memql and several for it; and statements inside functions are neither's
(its track=top).
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.postgres import PARALLEL, Postgres, plan_nodes
from tracing import Memql, check, check_near, fail, lost, map_of, need_root

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/query_latency.mq")

# Long enough that 2 % is not a matter of microseconds.
SCAN = """\\set limit 60000
SELECT count(*) FROM pgbench_accounts WHERE md5(filler || aid) LIKE 'x%' AND aid < :limit;
"""
SHORT = """\\set aid random(1, 100000)
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
"""
CLIENTS, TRANSACTIONS = 1, 40


def one_protocol(server, protocol):
    server.forget_statements()
    memql = Memql(server.directory, protocol, [SCRIPT, "--exe", server.server, "--histogram"])
    for name, text in (("scan.sql", SCAN), ("short.sql", SHORT)):
        server.pgbench("-M", protocol, "-c", CLIENTS, "-t", TRANSACTIONS, "-f", server.file(name, text))
    memql.stop()
    events = memql.events()
    check(not lost(events), f"{protocol}: nothing was lost")
    latency = map_of(events, "@latency")

    ((queryid, short),) = server.statements("SELECT abalance%").items()
    check(short["calls"] == CLIENTS * TRANSACTIONS, f"{protocol}: the server ran {short['calls']} short statements")
    seen = latency[queryid]["count"]
    check(seen == short["calls"], f"{protocol}: short statements seen: {seen} of {short['calls']}")

    ((queryid, scan),) = server.statements("SELECT count%pgbench_accounts%").items()
    seen = latency[queryid]
    check(seen["count"] == scan["calls"], f"{protocol}: scans seen: {seen['count']} of {scan['calls']}")
    check_near(seen["sum"] / 1e6, scan["ms"], 0.02, f"{protocol}: ms in scans, memql against the server")


def lines_of(memql, text):
    return [line for line in memql.lines() if text in line]


def failing_statements(server):
    """Errors, several statements in one string, and what follows an error."""
    memql = Memql(server.directory, "failing", [SCRIPT, "--exe", server.server], json_output=False)
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


def long_text(server):
    """A text beyond the limit is cut and marked; with a larger limit it is whole."""
    statement = "SELECT " + " + ".join(str(i) for i in range(400)) + " AS long_end"
    for limit, whole in ((100, False), (4096, True)):
        memql = Memql(
            server.directory, f"long{limit}",
            ["--max-strlen", str(limit), SCRIPT, "--exe", server.server, "--match", "SELECT 0 + 1"], json_output=False,
        )
        server.sql(statement)
        memql.stop()
        (line,) = lines_of(memql, "SELECT 0 + 1")
        shown = line[line.index("SELECT") :]
        expected = statement if whole else statement[:limit] + "..."
        check(shown == expected, f"a text of {len(statement)} bytes under a limit of {limit} ends '{shown[-12:]}'")


def other_statements(server):
    """What is not planned, and what runs others: each counts once, as its client sent it."""
    server.sql(
        "CREATE FUNCTION three() RETURNS bigint LANGUAGE plpgsql AS"
        " 'DECLARE n bigint; BEGIN SELECT count(*) INTO n FROM pg_class; SELECT n + 1 INTO n; RETURN n; END'"
    )
    server.forget_statements()
    texts = {
        "SET work_mem TO ": [f"SET work_mem TO '{i}MB'" for i in range(1, 11)],
        "CREATE TEMP TABLE u": [f"CREATE TEMP TABLE u{i} (n int)" for i in range(10)],
        "INSERT INTO u": [f"INSERT INTO u{i} SELECT generate_series(1, 10)" for i in range(10)],
        "SELECT three()": ["SELECT three()"] * 10,
        "PREPARE p AS": ["PREPARE p AS SELECT count(*) FROM u0"],
        "EXECUTE p": ["EXECUTE p"] * 10,
        "BEGIN": ["BEGIN"],
        "DECLARE c": ["DECLARE c CURSOR FOR SELECT * FROM u0"],
        "FETCH 1": ["FETCH 1 FROM c"] * 5,
        "COMMIT": ["COMMIT"],
    }
    with server.session() as session:
        memql = Memql(server.directory, "others", [SCRIPT, "--pid", str(session.pid)], json_output=False)
        for statements in texts.values():
            for text in statements:
                answer = session.ask(text)
                if "ERROR" in answer:
                    fail(f"{text}: {answer}")
        memql.stop()
    for text, sent in texts.items():
        seen = len(lines_of(memql, text))
        check(seen == len(sent), f"others: {seen} of {len(sent)} lines for '{text}'")
    calls = sum(s["calls"] for s in server.statements().values())
    sent = sum(len(sent) for sent in texts.values())
    # It books PREPARE and EXECUTE under the statement prepared, so the sum is the same.
    check(calls == sent, f"others: pg_stat_statements counts {calls} of {sent}")


def parallel_query(server):
    """Workers have a text as well: a query is still one, its leader's."""
    server.restart(**PARALLEL)
    plan = server.explain(SCAN.splitlines()[1].replace(":limit", "60000").rstrip(";"))["Plan"]
    check("Workers Launched" in str(plan), "parallel: the plan has workers")
    server.forget_statements()
    memql = Memql(server.directory, "parallel", [SCRIPT, "--exe", server.server, "--histogram"])
    program = "query:done { @workers[args.id] = sum(args.workers); @run[args.id] = sum(args.workers_run); }"
    workers = Memql(server.directory, "workers", ["-e", program, "--", "--exe", server.server])
    server.pgbench("-t", 20, "-f", server.file("scan.sql", SCAN))
    memql.stop()
    workers.stop()
    check(not lost(memql.events()) and not lost(workers.events()), "parallel: nothing was lost")
    ((queryid, scan),) = server.statements("SELECT count%pgbench_accounts%").items()
    seen = map_of(memql.events(), "@latency")[queryid]
    check(seen["count"] == scan["calls"], f"parallel: scans seen: {seen['count']} of {scan['calls']}")
    check_near(seen["sum"] / 1e6, scan["ms"], 0.02, "parallel: ms in scans, memql against the server")
    launched = sum(node.get("Workers Launched", 0) for node in plan_nodes(plan)) * scan["calls"]
    helped, run = (map_of(workers.events(), name)[queryid] for name in ("@workers", "@run"))
    check(helped == launched, f"parallel: {helped} of {launched} workers, {run / 1e6:.1f} ms on CPUs")
    check(0.2 * seen["sum"] < run < 2 * seen["sum"], "parallel: they did more than a little of it")


def main():
    need_root()
    with Postgres() as server:
        server.use_own_copy()  # nobody else's queries
        server.start()
        server.make_tables()
        for protocol in ("simple", "extended", "prepared"):
            one_protocol(server, protocol)
        failing_statements(server)
        long_text(server)
        other_statements(server)
        parallel_query(server)


main()
