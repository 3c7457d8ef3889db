"""The memory of MariaDB's queries, as its pack tells it, against the highest sum that the
server itself has for a session."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.mariadb import Mariadb
from tracing import Memql, check, check_near, lost, need_root

PROGRAM = 'query:done { printf("%d %d %s", args.memory, args.peak, args.text); }'


def trace(server, name, work):
    """What the program says while the work is done: {text: (net, peak)}"""
    memql = Memql(server.directory, name, ["-e", PROGRAM, "--", "--exe", server.server])
    work()
    time.sleep(0.3)
    memql.stop()
    events = memql.events()
    check(not lost(events), f"{name}: nothing was lost")
    found = (e["data"].split(" ", 2) for e in events if e["type"] == "printf")
    return {text.rstrip(";"): (int(net), int(peak)) for net, peak, text in found}


def on_mariadb():
    texts = {
        "a temporary table": "SELECT count(*) FROM (SELECT id, s FROM t GROUP BY id, s) x",
        "a sort": "SELECT s FROM t ORDER BY REVERSE(s), id LIMIT 1 OFFSET 99000",
    }
    with Mariadb() as server:
        server.use_own_copy()
        server.start(sort_buffer_size=1 << 24, tmp_table_size=1 << 28, max_heap_table_size=1 << 28)
        session = server.connect()
        session.query("CREATE DATABASE test; USE test; CREATE TABLE t (id int PRIMARY KEY, s varchar(100))")
        session.query("INSERT INTO t SELECT seq, REPEAT(CHAR(65 + seq % 26), 60) FROM seq_1_to_100000")
        session.close()
        for what, text in texts.items():
            session = server.connect("test")  # its highest sum is that of this query
            before = server.peak_memory(session)
            net, peak = trace(server, what, lambda: session.query(text))[text]
            check_near(peak, server.peak_memory(session) - before, 0.02, f"mariadb: the peak, bytes, with {what}")
            check(abs(net) < 0.01 * peak, f"mariadb: it leaves {net}")
            session.close()


def main():
    need_root()
    on_mariadb()


main()
