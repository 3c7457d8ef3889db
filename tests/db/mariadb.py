"""Probes on MariaDB's exported functions, against its own counters.

What a client sends is seen at dispatch_command, in both of the server's thread models. In
the pool of threads a command can be suspended, while its commit is being written, and go
on in another thread: dispatch_command returns 2 then and comes again for the same
session. Counted once must be what the server counts once.
"""

import os
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.mariadb import Mariadb, ServerError
from tracing import Memql, check, lost, map_of, need_root

DISPATCH = "_Z16dispatch_command19enum_server_commandP3THDPcjb"
PARSE = "_Z11mysql_parseP3THDPcjP12Parser_state"
# 3 and 23 are COM_QUERY and COM_STMT_EXECUTE. Each statement of a string is parsed.
PROGRAM = """
uprobe:{server}:{dispatch} {{
	@session[tid] = arg1;
	if (has_key(@suspended, arg1)) {{
		@resumed = count();
		delete(@suspended, arg1);
	}} else if ((uint32)arg0 == 3) {{
		@strings = count();
	}} else if ((uint32)arg0 == 23) {{
		@executions = count();
	}}
}}
uprobe:{server}:{parse} {{ @statements = count(); }}
uretprobe:{server}:{dispatch} {{
	if ((uint32)retval == 2) {{ @suspended[@session[tid]] = true; }}
	delete(@session, tid);
}}
"""
CLIENTS, ROUNDS = 8, 100


def client(server, i):
    connection = server.connect("test")
    prepared = connection.prepare(f"UPDATE t SET n = n + 1 WHERE id = {i}")
    for _ in range(ROUNDS):
        connection.query(f"UPDATE t SET n = n + 1 WHERE id = {i}")
        prepared.execute()
        connection.query("SELECT 1; SELECT 2; CALL twice()")
        try:
            connection.query("SELEC")
        except ServerError:
            pass
    prepared.close()
    return connection


def one_model(server, pool):
    name = "pool-of-threads" if pool else "one-thread-per-connection"
    server.restart(pool=pool, innodb_flush_log_at_trx_commit=1)
    program = os.path.join(server.directory, "program.mq")
    with open(program, "w") as f:
        f.write(PROGRAM.format(server=server.server, dispatch=DISPATCH, parse=PARSE))
    asks = server.connect()  # so that nothing but the load is new
    before = server.status("%")
    memql = Memql(server.directory, name, ["-p", str(server.pid), program])
    connections = []
    threads = [threading.Thread(target=lambda i=i: connections.append(client(server, i))) for i in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(len(connections) == CLIENTS, f"{name}: all clients came to their end")
    time.sleep(0.3)  # a client has its answer before the server is done with it
    memql.stop()
    after = server.status("%")
    events = memql.events()
    check(not lost(events), f"{name}: nothing was lost")
    seen = {what: map_of(events, "@" + what) or 0 for what in ("strings", "statements", "executions", "resumed")}
    print(f"        {name}: {seen}")
    for connection in (asks, *connections):
        connection.close()

    counted = {what: after[what] - before[what] for what in ("Questions", "Com_stmt_execute")}
    # Between the two: the first asker's goodbye is a question, and so is the second asking.
    questions = seen["statements"] + seen["executions"] + 2
    check(counted["Questions"] == questions, f"{name}: Questions grew by {counted['Questions']}, seen {questions}")
    check(seen["executions"] == counted["Com_stmt_execute"], f"{name}: {seen['executions']} prepared ones executed")
    check(seen["strings"] == 3 * CLIENTS * ROUNDS, f"{name}: {seen['strings']} strings with statements")
    check(seen["statements"] == 5 * CLIENTS * ROUNDS, f"{name}: {seen['statements']} statements in them")
    check(pool or not seen["resumed"], f"{name}: {seen['resumed']} were suspended and resumed")


def main():
    need_root()
    with Mariadb() as server:
        server.start()
        session = server.connect()
        session.query("CREATE DATABASE test; USE test; CREATE TABLE t (id int PRIMARY KEY, n int) ENGINE=InnoDB")
        session.query("INSERT INTO t SELECT seq, 0 FROM seq_0_to_7")
        session.query("CREATE PROCEDURE twice() BEGIN SELECT 1 INTO @a; SELECT 2 INTO @a; END")
        session.close()
        for pool in (False, True):
            one_model(server, pool)


main()
