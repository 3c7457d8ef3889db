"""A server is killed in the middle of a query, started again, and replaced by another file
under the scripts: they go on and end well, and memql says what it did not see."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.kernel import wait_for
from engines.mariadb import Mariadb, ServerError
from engines.postgres import Postgres
from engines.workloads import at_once, scripts
from tracing import Memql, check, need_root

class OnPostgres(Postgres):
    offers_nothing_for = ()

    def sleep(self):
        self.sql("SELECT pg_sleep(600)", check_status=False)

    def is_asleep(self):
        return self.sql("SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)'") == "1"


class OnMariadb(Mariadb):
    offers_nothing_for = ("partition.mq",)

    def sleep(self):
        session = self.connect()
        try:
            session.query("SELECT SLEEP(600)")
        except ServerError:
            pass
        session.close()

    def is_asleep(self):
        asleep = "SELECT count(*) FROM information_schema.processlist WHERE info = 'SELECT SLEEP(600)'"
        return self.sql(asleep) == [["1"]]


def kill_within_query(server):
    def kill():
        check(wait_for(server.is_asleep), f"{server.name}: a query is under way")
        time.sleep(0.2)
        server.kill()

    at_once(server.sleep, kill)


def one_engine(make):
    with make() as server:
        server.use_own_copy()
        server.start()
        tracers = {}
        for path in scripts():
            name = os.path.basename(path)
            if name in server.offers_nothing_for:
                continue
            tracers[name] = Memql(server.directory, name, [path, "--exe", server.server], json_output=False)
        server.sql("SELECT 'before'")
        kill_within_query(server)
        server.start()
        server.sql("SELECT 'restarted'")
        server.stop()
        server.replace_program()
        server.start()
        server.sql("SELECT 'replaced'")
        time.sleep(0.3)
        for name, memql in tracers.items():
            check(memql.process.poll() is None, f"{server.name}: {name} still runs")
            messages = memql.stop()  # checks its status
            check(f"{server.server} was replaced" in messages, f"{server.name}: {name} tells of the new program")
        lines = "\n".join(tracers["query_latency.mq"].lines())
        seen = [text for text in ("before", "restarted", "replaced") if f"SELECT '{text}'" in lines]
        check(seen == ["before", "restarted"], f"{server.name}: the old program's queries were seen: {seen}")
        with open(tracers["query_latency.mq"].messages) as f:
            check("1 span of @query" in f.read(), f"{server.name}: the query that was killed is told of")


def main():
    need_root()
    for make in (OnPostgres, OnMariadb):
        one_engine(make)


main()
