"""The block I/O of queries, as the packs tell it, against sizes and counters: a table that
is in no cache is read from the disk, each byte once."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines import kernel
from engines.mariadb import Mariadb
from engines.postgres import Postgres
from engines.workloads import SCAN
from tracing import Memql, check, lost, need_root, skip

PROGRAM = 'query:done { printf("%d %d %d %s", args.reads, args.read_bytes, args.io_time, args.text); }'


def trace(server, name, work, text):
    """What the program says of the one query with this text: reads, bytes, ns."""
    memql = Memql(server.directory, name, ["-e", PROGRAM, "--", "--exe", server.server])
    work()
    time.sleep(0.3)
    memql.stop()
    events = memql.events()
    check(not lost(events), f"{name}: nothing was lost")
    (line,) = (e["data"] for e in events if e["type"] == "printf" and text in e["data"])
    return tuple(map(int, line.split()[:3]))


def on_postgres():
    with Postgres() as server:
        server.use_own_copy()
        server.start()
        server.make_tables(2)
        server.restart_cold("pgbench_accounts")
        with server.session() as session:
            before = kernel.io(session.pid)
            reads, read_bytes, io_time = trace(server, "cold", lambda: session.ask(SCAN), SCAN)
            device = kernel.difference(kernel.io(session.pid), before)["read_bytes"]
            size = server.relation_size("pgbench_accounts")
            if not device:
                skip("this file system does not read from a device")
            check(device == size, f"postgres: the kernel read {device} bytes for it, as big as the table")
            check(read_bytes == size, f"postgres: cold, {read_bytes} bytes of {size} in {reads} reads, {io_time} ns")
            reads, read_bytes, _ = trace(server, "warm", lambda: session.ask(SCAN), SCAN)
            check(reads == 0, f"postgres: warm, {reads} reads")


def on_mariadb():
    scan = "SELECT SUM(LENGTH(s)) FROM t"
    with Mariadb() as server:
        server.use_own_copy()
        server.start()
        session = server.connect()
        session.query("CREATE DATABASE test; USE test; CREATE TABLE t (id int PRIMARY KEY, s varchar(200))")
        session.query("INSERT INTO t SELECT seq, REPEAT('x', 200) FROM seq_1_to_50000")
        session.close()
        server.restart_cold()
        session = server.connect("test")
        thread = session.os_thread(server)
        before = kernel.io(server.pid, thread)["read_bytes"]
        reads, read_bytes, io_time = trace(server, "mariadb", lambda: session.query(scan), scan)
        # InnoDB counts 7 % more pages: such as were never written, which the file system has to
        # read nowhere.
        truth = kernel.io(server.pid, thread)["read_bytes"] - before
        check(read_bytes == truth, f"mariadb: {read_bytes} bytes of {truth} in {reads} reads, {io_time} ns")
        session.close()


def main():
    need_root()
    on_postgres()
    on_mariadb()


main()
