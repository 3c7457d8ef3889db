"""query_memory.mq against what PostgreSQL says itself: the peak of a hash aggregate and of
a sort, also if they fail.

EXPLAIN counts what a node asked for; memql what the whole query took of the C library. A
sort of texts takes them out of blocks of up to 8 MB, of which the last is not full, and
EXPLAIN counts the texts: so the sort here is one of numbers, which are one block."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.postgres import Postgres, plan_nodes
from tracing import Memql, check, check_near, need_root

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/query_memory.mq")
HASH = "SELECT count(*) FROM (SELECT g, count(*) FROM numbers GROUP BY g) AS hashed"
SORT = "SELECT count(*) FROM (SELECT i FROM numbers ORDER BY i DESC OFFSET 0) AS sorted"


def rows(memql, text, columns):
    """The lines for a statement, without TIME and TID: numbers, then its text."""
    lines = [line.split(None, columns) for line in memql.lines() if line.endswith(text)]
    return [line[2:] for line in lines if line[columns] == text]


def memory(server):
    memql = Memql(server.directory, "memory", [SCRIPT, "--pid", str(server.pid)], json_output=False)
    for _ in range(3):
        server.sql(HASH)
        server.sql(SORT)
        server.sql(f"{SORT} WHERE 1 / 0 > 1", check_status=False)
    memql.stop()
    for text, key in ((HASH, "Peak Memory Usage"), (SORT, "Sort Space Used")):
        (said,) = [node[key] * 1024 for node in plan_nodes(server.explain(text)["Plan"]) if key in node]
        seen = rows(memql, text, 5)
        check(len(seen) == 3, f"{len(seen)} of 3 times {text}")
        for _, net, peak, _ in seen:
            check_near(int(peak), said, 0.02, f"peak bytes, memql against EXPLAIN ({key})")
            check(int(net) < 0.02 * said, f"{net} bytes stay when the query is done")


def main():
    need_root()
    with Postgres() as server:
        server.start(work_mem="1GB", hash_mem_multiplier=1)
        server.sql("CREATE TABLE numbers AS SELECT i, i % 700000 AS g FROM generate_series(1, 1000000) AS i")
        server.sql("VACUUM ANALYZE numbers")
        memory(server)


main()
