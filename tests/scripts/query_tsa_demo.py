"""query_tsa.mq against the demo engine's own log."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.demo import Demo, by_plan, total
from tracing import Memql, check, check_near, in_directory, lost, map_of

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/query_tsa.mq")
STATES = ("run", "runnable", "sleep", "lock", "latch", "blocked", "iowait")


def by_plans(directory):
    """Counts are the log's, times near them, and the states are all of the time."""
    engine = Demo(directory, "plans", "--threads", "8", "--queries", "20000", "--mix", "check")
    memql = Memql(directory, "plans", [SCRIPT, "--top", "1000", "--engine", "memsqld", "--pid", str(engine.pid)])
    log = engine.go()
    memql.stop()
    events = memql.events()
    check(not lost(events), f"nothing was lost {lost(events)}")
    plans, everything = map_of(events, "@plans"), map_of(events, "@all")
    logged = by_plan(log)
    check(set(plans) == set(logged), f"the same {len(logged)} plans")
    check_near(everything["wall"], total(log, "latency_ns"), 0.01, "ns in all")
    check(everything["queries"] == len(log), f"{everything['queries']} of {len(log)} queries")
    for plan, records in sorted(logged.items()):
        seen = plans[plan]
        check(seen["queries"] == len(records), f"plan {plan}: {len(records)} queries")
        check(sum(seen[s] for s in STATES) == seen["wall"], f"plan {plan}: the states are its {seen['wall']} ns")
        check_near(seen["wall"], total(records, "latency_ns"), 0.05, f"plan {plan}: ns in all")
        # A sleep of the log lasts until the thread runs again.
        asleep = total(records, "sleep_ns") + total(records, "lock_wait_ns")
        least, most = seen["sleep"], seen["sleep"] + seen["runnable"]
        some = 0.01 * seen["wall"]
        check(least - some <= asleep <= most + some, f"plan {plan}: {least} <= {asleep} asleep <= {most}")
    check_near(everything["run"], total(log, "cpu_ns"), 0.2, "ns on a CPU, probes included")
    unseen = map_of(events, "@unseen_wakeups") or 0  # not shown if there were none
    check(unseen <= len(log) / 200, f"{unseen} wakeups were not seen")


def sleeps(directory):
    """A sleep of the log lasts until its thread is on a CPU again."""
    engine = Demo(
        directory, "sleeps", "--threads", "1", "--queries", "40", "--statement", "SELECT sleep(50ms)"
    )
    memql = Memql(directory, "sleeps", [SCRIPT, "--top", "1", "--engine", "memsqld", "--pid", str(engine.pid)])
    log = engine.go()
    memql.stop()
    seen = map_of(memql.events(), "@all")
    check(seen["sleep"] > 0.9 * seen["wall"], f"{seen['sleep']} of {seen['wall']} ns asleep")
    check_near(seen["sleep"] + seen["runnable"], total(log, "sleep_ns"), 0.02, "slept ns, and those until it ran")


def lines(directory):
    """The states of each line sum to 100.0, and so do those of the tables."""
    engine = Demo(directory, "lines", "--threads", "4", "--queries", "1000", "--mix", "check")
    options = ["--engine", "memsqld", "--pid", str(engine.pid)]
    each = Memql(directory, "each", [SCRIPT, *options], json_output=False)
    table = Memql(directory, "table", [SCRIPT, *options, "--histogram"], json_output=False)
    log = engine.go()
    for memql, skipped in ((each, 4), (table, 3)):
        memql.stop()
        rows = [line.split(None, skipped + 7) for line in memql.lines()]
        rows = [row[skipped:skipped + 7] for row in rows if len(row) > skipped + 6 and row[0][0].isalnum()]
        rows = [row for row in rows if all(field.replace(".", "").isdigit() for field in row)]
        check(len(rows) >= 7, f"{len(rows)} rows")
        wrong = [row for row in rows if round(10 * sum(map(float, row))) != 1000]
        check(not wrong, f"each sums to 100.0 {wrong[:3]}")
    seen = [line.split(None, 11)[11] for line in each.lines() if line[:1].isdigit() and line[2:3] == ":"]
    check(sorted(seen) == sorted(r["query"] for r in log), f"{len(seen)} lines, with the texts of the log")


in_directory(by_plans, sleeps, lines)
