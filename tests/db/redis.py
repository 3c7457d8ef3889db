"""query_latency.mq and the pack of Redis against what its server counts: INFO commandstats."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.redis import Redis, RedisError
from engines.workloads import at_once
from tracing import Memql, check, check_near, lost, map_of, need_root, skip

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/query_latency.mq")
CLIENTS, ROUNDS = 4, 500
SLOW = "local n = 0 for i = 1, 500000 do n = n + i end redis.call('incr', KEYS[1]) return n"


def one_client(server, number):
    connection = server.connect()
    for i in range(ROUNDS):
        connection.ask("SET", f"key:{number}:{i}", "value" * 10)
        connection.ask("GET", f"key:{number}:{i}")
    for i in range(ROUNDS // 10):
        connection.ask("PING")
        connection.ask("CLIENT", "GETNAME")
        connection.ask("MULTI")
        connection.ask("APPEND", "log", "x")
        connection.ask("APPEND", "log", "y")
        connection.ask("EXEC")
        try:
            connection.ask("LPUSH", f"key:{number}:0", 1)
        except RedisError:
            pass
    connection.close()


def counts(server):
    before = server.command_stats()
    histogram = Memql(server.directory, "histogram", [SCRIPT, "--histogram", "--exe", server.server])
    lines = Memql(server.directory, "lines", [SCRIPT, "--pid", str(server.pid)], json_output=False)
    at_once(*(lambda n=n: one_client(server, n) for n in range(CLIENTS)))
    connection = server.connect()
    for _ in range(20):
        connection.ask("EVAL", SLOW, 1, "counter")
    connection.close()
    after = server.command_stats()
    histogram.stop()
    lines.stop()
    events = histogram.events()
    check(not lost(events), "nothing was lost")

    texts, latency = map_of(events, "@query_text"), map_of(events, "@latency")
    seen = {texts[id].split()[0].lower(): figures for id, figures in latency.items()}

    def served(name, figure="calls"):
        return int(after[name][figure] - before.get(name, {}).get(figure, 0))

    for name in ("set", "get", "ping", "exec", "lpush", "eval"):
        check(seen[name]["count"] == served(name), f"{name}: {seen[name]['count']} of {served(name)} calls")
    check(served("lpush", "failed_calls") == served("lpush"), "those of lpush failed")
    check(seen["client"]["count"] == served("client|getname"), "client: its subcommand has a number of its own")
    # Those within a transaction, or a script, are a part of it.
    inner = served("append") + served("incr")
    check(inner and "append" not in seen and "incr" not in seen, f"{inner} calls within others are theirs")
    check_near(seen["eval"]["sum"] / 1000, served("eval", "usec"), 0.02, "eval: microseconds")

    found = [re.match(r"[\d:]{8} +\d+ +-?\d+ +\S+ (.*)", line) for line in lines.lines()]
    keys = {m[1] for m in found if m and m[1].startswith("SET ")}
    expected = {f"SET key:{n}:{i}" for n in range(CLIENTS) for i in range(ROUNDS)}
    check(keys == expected, f"a line for each of {len(expected)} keys")


def main():
    need_root()
    with Redis() as server:
        if server.version != "7.0":
            skip(f"the pack knows where things are in Redis 7.0, this is {server.version}")
        server.start()
        counts(server)


main()
