"""query_memory.mq against what PostgreSQL says itself: the peak of a hash aggregate and of
sorts, also if they fail.

EXPLAIN counts what a node asked for; memql what the whole query took of the C library. A
sort of numbers is one block, and both say the same. Texts are in blocks of up to 8 MB, of
which the last is not full, while EXPLAIN counts the texts: what their sort really has is
what the server says of all of its blocks, asked while the statement sleeps."""

import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.kernel import wait_for
from engines.postgres import Postgres, plan_nodes
from tracing import Memql, check, check_near, need_root

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/query_memory.mq")
HASH = "SELECT count(*) FROM (SELECT g, count(*) FROM numbers GROUP BY g) AS hashed"
JOIN = "SELECT count(*) FROM numbers AS a JOIN numbers AS b USING (i)"
LITTLE_MEMORY = ("work_mem = '4MB'", "enable_mergejoin = off", "parallel_setup_cost = 0", "parallel_tuple_cost = 0")
BLOCK = 8192
SORT = "SELECT count(*) FROM (SELECT i FROM numbers ORDER BY i DESC OFFSET 0) AS sorted"

# Its first row comes when all are sorted, and takes a second.
TEXTS = (
    "SELECT count(CASE WHEN n = 1 THEN pg_sleep(1) END)"
    " FROM (SELECT row_number() OVER (ORDER BY t) AS n FROM texts) AS sorted"
)


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
        seen = rows(memql, text, 6)
        check(len(seen) == 3, f"{len(seen)} of 3 times {text}")
        for _, net, peak, spilled, _ in seen:
            check_near(int(peak), said, 0.02, f"peak bytes, memql against EXPLAIN ({key})")
            check(int(net) < 0.02 * said, f"{net} bytes stay when the query is done")
            check(spilled == "0", "it all fits into memory")


def texts(server):
    server.sql("CREATE TABLE texts AS SELECT md5(i::text) AS t FROM generate_series(1, 700000) AS i")
    server.sql("VACUUM ANALYZE texts")
    said = max(node.get("Sort Space Used", 0) * 1024 for node in plan_nodes(server.explain(TEXTS)["Plan"]))
    memql = Memql(server.directory, "texts", [SCRIPT, "--pid", str(server.pid)], json_output=False)
    with server.session() as session:
        session.ask(TEXTS)
        before = server.memory_of(session.pid)
        session.send(TEXTS)
        asleep = f"SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = {session.pid}"
        check(wait_for(lambda: server.sql(asleep) == "t"), "texts: all are sorted")
        has = server.memory_of(session.pid) - before
        session.answer()
    time.sleep(0.1)
    memql.stop()
    peaks = [int(peak) for _, _, peak, _, _ in rows(memql, TEXTS + ";", 6)]
    check(len(peaks) == 2, "texts: twice")
    check_near(peaks[-1], has, 0.01, "texts: peak bytes, against the server's memory contexts")
    check(said < has, f"texts: EXPLAIN counts {said} of them, {100 * (1 - said / has):.1f} % less")


def temporary_files(server, since):
    """Bytes of those that the log tells of from there on, in whole blocks."""
    with open(server.log, errors="backslashreplace") as f:
        f.seek(since)
        sizes = map(int, re.findall(r"LOG:  temporary file: path .*, size (\d+)", f.read()))
        return sum((size + BLOCK - 1) // BLOCK * BLOCK for size in sizes)


def spills(server):
    """With too little memory: a sort and a hash join, by one process and with workers."""
    said = []
    memql = Memql(server.directory, "spills", [SCRIPT, "--pid", str(server.pid), "--min-spilled", "1"], json_output=False)
    server.forget_statements()
    with server.session() as session:
        for setting in LITTLE_MEMORY:
            session.ask(f"SET {setting}")
        for workers in (0, 2):
            session.ask(f"SET max_parallel_workers_per_gather = {workers}")
            for text in (SORT, JOIN):
                since = os.path.getsize(server.log)
                session.ask(text)
                said.append(temporary_files(server, since))
    memql.stop()
    seen = [int(rows(memql, text + ";", 6)[run][3]) for run in (0, 1) for text in (SORT, JOIN)]
    check(len([line for line in memql.lines() if line[:1].isdigit()]) == 4, "spills: these four only")
    names = ("a sort", "a hash join", "a sort with workers", "a hash join with workers")
    for name, ours, files in zip(names, seen, said):
        check_near(ours, files, 0.01, f"spills: bytes of {name}, against the log")
    blocks = server.sql("SELECT sum(temp_blks_written) FROM pg_stat_statements WHERE query LIKE '%numbers%'")
    check(sum(seen) == int(blocks) * BLOCK, f"spills: {blocks} blocks, says pg_stat_statements")


def main():
    need_root()
    with Postgres() as server:
        server.start(work_mem="1GB", hash_mem_multiplier=1, log_temp_files=0)
        server.sql("CREATE TABLE numbers AS SELECT i, i % 700000 AS g FROM generate_series(1, 1000000) AS i")
        server.sql("VACUUM ANALYZE numbers")
        memory(server)
        texts(server)
        spills(server)


main()
