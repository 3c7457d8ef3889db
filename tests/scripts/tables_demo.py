"""--top as people read it: the tables of query_latency.mq, query_memory.mq and query_bio.mq
have a row for each plan, the largest first, and the log's numbers."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.demo import Demo, by_plan
from tracing import Memql, check, in_directory

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts")


def rows(lines):
    """The table's rows below its head, a list of fields each; the last is the text."""
    head = next(i for i, line in enumerate(lines) if line.split()[:2] == ["PLAN", "QUERIES"])
    names = lines[head].split()
    found = [line.split(None, len(names) - 1) for line in lines[head + 1:] if line.strip() and line[0] != "@"]
    return [dict(zip(names, fields)) for fields in found]


def tables(directory):
    engine = Demo(directory, "tables", "--threads", "4", "--queries", "2000", "--mix", "check")
    pid = str(engine.pid)
    scripts = ("query_latency", "query_memory", "query_bio")
    running = {
        name: Memql(directory, name, [f"{SCRIPTS}/{name}.mq", "--top", "3", "--pid", pid], json_output=False)
        for name in scripts
    }
    nothing = Memql(directory, "nothing", [f"{SCRIPTS}/query_tsa.mq", "--top", "3", "--min", "1h", "--pid", pid], json_output=False)
    plans = by_plan(engine.go())
    found = {}
    for name, memql in running.items():
        memql.stop()
        found[name] = rows(memql.lines())
        check(name == "query_bio" or len(found[name]) == 3, f"{name}: {len(found[name])} rows")
        check(len({row["PLAN"] for row in found[name]}) == len(found[name]), f"{name}: each plan once")
    for row in found["query_latency"] + found["query_memory"]:
        check(int(row["QUERIES"]) == len(plans[int(row["PLAN"])]), f"plan {row['PLAN']}: {row['QUERIES']} queries")
        check(all(row.values()) and row["QUERY"], "with the text of one")
    check(all(row["AVERAGE"][-1] == "s" for row in found["query_latency"]), "times have units")
    for row in found["query_memory"]:
        log = plans[int(row["PLAN"])]
        check(int(row["NET"]) == sum(r["mem_net"] for r in log), f"plan {row['PLAN']}: its net")
        check(int(row["PEAK"]) == max(r["mem_peak"] for r in log), f"plan {row['PLAN']}: its peak")
    peaks = [int(row["PEAK"]) for row in found["query_memory"]]
    check(peaks == sorted(peaks, reverse=True), f"the highest peaks first: {peaks}")
    check(peaks[0] == max(r["mem_peak"] for log in plans.values() for r in log), "and the highest of all")
    check(all(int(row["REQUESTS"]) > 0 for row in found["query_bio"]), "only plans that did I/O are shown")

    messages = nothing.stop()
    check("quotient" not in messages, "no query at all divides nothing")
    (row,) = rows(nothing.lines())
    check(row["PLAN"] == "all" and row["QUERIES"] == "0", "and sums to nothing")


in_directory(tables)
