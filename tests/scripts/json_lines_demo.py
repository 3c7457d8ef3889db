"""Lines in JSON are records with a member for each column; --interval adds up instead."""

import collections
import datetime
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.demo import Demo
from engines.workloads import scripts
from tracing import Memql, check, in_directory, lost

STATES = ["run", "wait", "sleep", "lock", "latch", "block", "io"]


def with_lines():
    paths = {os.path.basename(path)[:-3]: path for path in scripts()}
    del paths["query_profile"]  # it has no lines
    del paths["partition"]  # it is about other work
    return paths


def records(memql):
    return [e["data"] for e in memql.events() if e["type"] == "value"]


def check_times(name, got):
    for record in got:
        datetime.datetime.strptime(record["time"], "%Y-%m-%dT%H:%M:%S.%f%z")
    check(got, f"{name}: {len(got)} records with their time")


def partition(directory):
    engine = Demo(directory, "partition", "--threads", "2", "--queries", "100", "--mix", "ddl")
    path = next(path for path in scripts() if "partition" in path)
    memql = Memql(directory, "partition-lines", [path, "--begin", "--pid", str(engine.pid)])
    engine.go()
    memql.stop()
    got = records(memql)
    check_times("partition", got)
    check({r["event"] for r in got} == {"start", "done", "step"}, "partition: what has a beginning and an end, and what has not")
    check(all((r["took"] >= 0) == (r["event"] == "done") for r in got), "partition: what is done took time")


def each_script(directory):
    for name, path in with_lines().items():
        engine = Demo(directory, f"engine-{name}", "--threads", "2", "--queries", "200")
        memql = Memql(directory, name, [path, "--pid", str(engine.pid)])
        log = engine.go()
        memql.stop()
        got = records(memql)
        check(not lost(memql.events()), f"{name}: nothing was lost: {lost(memql.events())}")
        check_times(name, got)
        check(
            collections.Counter(r["query"] for r in got) == collections.Counter(r["query"] for r in log),
            f"{name}: the logged queries",
        )
        check(all(r["engine"] == "memsqld" for r in got), f"{name}: the engine")
        check(not any(e["type"] == "printf" for e in memql.events()), f"{name}: no heading")
        if name == "query_tsa":
            check(all(sum(r[state] for state in STATES) == r["latency"] for r in got), "query_tsa: the states sum to the latency")


def interval(directory):
    for name, path in with_lines().items():
        engine = Demo(directory, f"for-{name}", "--threads", "2", "--queries", "100")
        memql = Memql(directory, f"interval-{name}", [path, "--interval", "1", "--pid", str(engine.pid)])
        engine.go()
        memql.stop()
        events = memql.events()
        check(not records(memql), f"{name} --interval: no lines")
        check(any(e["type"] not in ("time", "attached_probes") for e in events), f"{name} --interval: but sums")
        check(any(e["type"] == "time" for e in events), f"{name} --interval: the last of them has its time, too")


in_directory(each_script, partition, interval)
