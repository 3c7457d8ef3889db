"""query_profile.mq against the demo engine's own log: all of the time, part by part."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.demo import Demo, by_plan, total
from tracing import Memql, check, check_near, in_directory, lost, map_of

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/query_profile.mq")
PARTS = ("cpu", "wait", "locks", "io", "net", "other")


def profile(directory, engine, name, *options, json_output=True):
    arguments = [SCRIPT, "--engine", "memsqld", "--pid", str(engine.pid), *options]
    return Memql(directory, name, arguments, json_output=json_output)


def parts(directory):
    engine = Demo(directory, "parts", "--threads", "8", "--queries", "20000", "--mix", "check")
    memql = profile(directory, engine, "parts")
    log = engine.go()
    memql.stop()
    events = memql.events()
    check(not lost(events), f"nothing was lost {lost(events)}")
    plans, everything = map_of(events, "@plans"), map_of(events, "@all")
    check(everything["queries"] == len(log), f"{everything['queries']} of {len(log)} queries")
    check_near(everything["wall"], total(log, "latency_ns"), 0.01, "ns in all")
    logged = by_plan(log)
    check(set(plans) == set(logged), f"the same {len(logged)} plans")
    for plan, seen in plans.items():
        records = logged[plan]
        check(seen["queries"] == len(records), f"plan {plan}: {len(records)} queries")
        check(sum(seen[p] for p in PARTS) == seen["wall"], f"plan {plan}: the parts are its {seen['wall']} ns")
        some = 0.01 * seen["wall"]
        for part, field in (("locks", "lock_wait_ns"), ("other", "sleep_ns")):
            # What the log has of both lasts until the thread runs again.
            least, most, truth = seen[part], seen[part] + seen["wait"], total(records, field)
            check(least - some <= truth <= most + some, f"plan {plan}: {least} <= {truth} {field} <= {most}")
        if any(r["io_reads"] for r in records) and engine.direct_io:
            check(seen["io"] > 0, f"plan {plan}: {seen['io']} ns for the device")


def table(directory):
    """The longest first, each line 100.0 %, no more than asked for."""
    engine = Demo(directory, "table", "--threads", "4", "--queries", "1000", "--mix", "check")
    memql = profile(directory, engine, "table", "--top", "3", json_output=False)
    log = engine.go()
    memql.stop()
    rows = [line.split(None, 9) for line in memql.lines()]
    rows = [row for row in rows if len(row) > 8 and row[1].isdigit()]
    check(len(rows) == 4 and rows[0][:2] == ["all", str(len(log))], f"{len(rows)} rows")
    wrong = [row for row in rows if round(10 * sum(map(float, row[3:9]))) != 1000]
    check(not wrong, f"each sums to 100.0 {wrong[:3]}")
    sums = sorted(((total(log, "latency_ns", plan), plan) for plan in by_plan(log)), reverse=True)
    check(int(rows[1][0]) in {plan for _, plan in sums[:2]}, f"the longest first: {rows[1][0]}")


in_directory(parts, table)
