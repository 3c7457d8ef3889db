"""futexes.mq against the demo engine's own log."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.demo import Demo, by_plan, total
from tracing import Memql, check, check_near, in_directory, lost, map_of

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/futexes.mq")


def by_plans(directory):
    engine = Demo(directory, "plans", "--threads", "8", "--queries", "20000", "--mix", "check")
    memql = Memql(directory, "plans", [SCRIPT, "--top", "1000", "--engine", "memsqld", "--pid", str(engine.pid)])
    log = engine.go()
    memql.stop()
    events = memql.events()
    check(not lost(events), f"nothing was lost {lost(events)}")
    plans, everything, places = (map_of(events, name) for name in ("@plans", "@all", "@places"))
    check(everything["queries"] == len(log), f"{everything['queries']} of {len(log)} queries")
    check_near(everything["futex_time"], total(log, "lock_wait_ns"), 0.01, "ns in futexes")
    for plan, records in sorted(by_plan(log).items()):
        waits, waited = total(records, "lock_waits"), total(records, "lock_wait_ns")
        seen = plans[plan]
        # A wait that loses the race for the mutex is one of the log's, but several calls.
        check(seen["futexes"] >= waits and (waits or not seen["futexes"]), f"plan {plan}: {waits} waits")
        if waits:
            check_near(seen["futex_time"], waited, 0.01, f"plan {plan}: ns in futexes")
        else:
            check(seen["futex_time"] == 0, f"plan {plan}: none")
    check(all(key[0] == engine.pid and key[1] == "futex" for key in places), f"{len(places)} places")
    check(sum(p["waited"] for p in places.values()) == everything["futex_time"], "the places' time is the queries'")
    check(sum(p["waits"] for p in places.values()) == everything["futexes"], "and so are their waits")
    for what in ("locks", "latches"):
        told = map_of(events, f"@{what}_are_not_told")
        check(sum(told.values()) == len(log), f"the engine has no word of {what} of {told} queries")


def lines(directory):
    """Those that waited, and where."""
    engine = Demo(directory, "lines", "--threads", "4", "--queries", "1000", "--mix", "check")
    options = ["--engine", "memsqld", "--pid", str(engine.pid), "--min-wait", "1ns", "--stacks"]
    memql = Memql(directory, "lines", [SCRIPT, *options], json_output=False)
    log = engine.go()
    memql.stop()
    text = memql.lines()
    seen = [line.split(None, 10)[10] for line in text if line[:1].isdigit() and line[2:3] == ":"]
    waited = [r["query"] for r in log if r["lock_waits"]]
    check(waited and set(waited) <= set(seen), f"{len(seen)} lines, with those that waited: {len(waited)}")
    check(any(line.startswith("@stacks[futex, ") for line in text), "and stacks")


in_directory(by_plans, lines)
