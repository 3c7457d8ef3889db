"""query_latency.mq and the pack of MySQL against the server's counters."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.mariadb import ServerError
from engines.mysql import Mysql
from engines.workloads import at_once
from tracing import Memql, check, check_near, lost, map_of, need_root

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/query_latency.mq")
CLIENTS, ROUNDS, SLEEPS = 4, 100, 10


def one_client(server, number):
    connection = server.connect()
    prepared = connection.prepare(f"SELECT {number} AS prepared")
    for i in range(ROUNDS):
        connection.query(f"SELECT {i} AS plain")
        connection.query(f"SELECT {i} AS first; SELECT {i} AS second; SELECT {i} AS third")
        prepared.execute()
        try:
            connection.query(f"SELECT no_such_column_{i}")
        except ServerError:
            pass
    connection.query("PREPARE p FROM 'SELECT 1 AS inner_text'")
    connection.query("EXECUTE p")
    prepared.close()
    connection.close()


def lines_of(memql):
    found = [re.match(r"[\d:]{8} +\d+ +-?\d+ +\S+ (.*)", line) for line in memql.lines()]
    return [m[1] for m in found if m]


def counts(server):
    lines = Memql(server.directory, "lines", [SCRIPT, "--exe", server.server], json_output=False)
    before = server.status("Questions")["Questions"]
    at_once(*(lambda n=n: one_client(server, n) for n in range(CLIENTS)))
    questions = server.status("Questions")["Questions"] - before
    check("lost" not in lines.stop(), "nothing was lost")
    texts = lines_of(lines)
    # The first of the two that ask is counted in its own answer.
    asked = [i for i, text in enumerate(texts) if "Questions" in text]
    seen = asked[-1] - asked[0]
    quits = CLIENTS + 1  # for the server to say goodbye is a question as well
    check(seen == questions - quits, f"{seen} queries, the server counts {questions} questions, {quits} of them COM_QUIT")
    many = CLIENTS * ROUNDS
    for pattern, expected in (
        (r"SELECT \d+ AS plain", many), (r"SELECT \d+ AS first; .*third", many),
        (r"\s*SELECT \d+ AS second; SELECT \d+ AS third", many), (r"\s*SELECT \d+ AS third", many),
        (r"SELECT \d+ AS prepared", many), (r"SELECT no_such_column_\d+", many),
        (r"PREPARE p FROM .*", CLIENTS), (r"EXECUTE p", CLIENTS),
    ):
        n = sum(bool(re.fullmatch(pattern, text)) for text in texts)
        check(n == expected, f"{n} of {expected}: {pattern}")


def latency(server):
    """Against performance_schema, for statements that are long enough."""
    memql = Memql(server.directory, "histogram", [SCRIPT, "--histogram", "--match", "BENCH", "--exe", server.server])
    server.forget_statements()
    connection = server.connect()
    for i in range(SLEEPS):
        connection.query(f"SELECT BENCHMARK(200000, SHA2('{i}', 256))")
    connection.close()
    count, seconds = server.times()["statement/sql/select"]
    memql.stop()
    check(not lost(memql.events()), "nothing was lost")
    took = map_of(memql.events(), "@all")
    check(took["count"] == count == SLEEPS, f"{took['count']} of {count} queries")
    check_near(took["sum"] / 1e9, seconds, 0.02, "seconds in all, memql against performance_schema")


def main():
    need_root()
    with Mysql() as server:
        server.start()
        counts(server)
        latency(server)


main()
