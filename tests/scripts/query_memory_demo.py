"""query_memory.mq against the demo engine's own log: net and peak of each statement."""

import collections
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.demo import Demo, by_plan
from tracing import Memql, check, in_directory, lost, map_of

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/query_memory.mq")
THREADS, QUERIES = 8, 20000


def per_plan(found):
    """{plan: values}: threads that meet in a plan's first query give it two texts."""
    plans = {}
    for (plan, _), value in found.items():
        plans.setdefault(plan, []).append(value)
    return plans


def added_up(directory):
    engine = Demo(directory, "top", "--threads", str(THREADS), "--queries", str(QUERIES), "--mix", "check")
    memql = Memql(directory, "top", [SCRIPT, "--top", "1000000", "--pid", str(engine.pid)])
    log = engine.go()
    memql.stop()
    events = memql.events()
    check(not lost(events), f"nothing was lost {lost(events)}")
    check(len(log) == QUERIES and any(r["status"] for r in log), f"{len(log)} queries, some failed")
    net = {plan: sum(values) for plan, values in per_plan(map_of(events, "@net")).items()}
    peak = {plan: max(values) for plan, values in per_plan(map_of(events, "@peak")).items()}
    plans = by_plan(log)
    expected = {plan: sum(r["mem_net"] for r in records) for plan, records in plans.items()}
    check(net == expected, f"the net of {len(plans)} plans, {sum(net.values())} bytes in all")
    expected = {plan: max(r["mem_peak"] for r in records) for plan, records in plans.items()}
    other = {plan: (peak.get(plan), value) for plan, value in expected.items() if peak.get(plan) != value}
    check(any(expected.values()) and not other, f"unlike the log's: {other}; the peak of {len(plans)} plans, {max(peak.values())} bytes at most")


# Leaves something behind, or frees what an earlier one left, and fails then; a 0 is refused.
KEEPS = "SELECT keep({1..9}kb), keep({1..9}kb), alloc({1..99}kb), free(), evict({0..3}), fail({0..9}) FROM cache"


def each(directory):
    """A line for each statement; --min-peak and --match choose among them."""
    engine = Demo(directory, "lines", "--threads", "4", "--queries", "3000", "--statement", KEEPS)
    pid = str(engine.pid)
    memql = Memql(directory, "lines", [SCRIPT, "--pid", pid], json_output=False)
    chosen = Memql(directory, "chosen", [SCRIPT, "--pid", pid, "--min-peak", "20000", "--match", "keep(1kb)"], json_output=False)
    log = engine.go()
    nets = {r["mem_net"] for r in log}
    check(len(nets) > 1, f"what statements leave behind differs: {min(nets)} to {max(nets)} bytes")
    for script, wanted in ((memql, lambda r: True), (chosen, lambda r: r["mem_peak"] >= 20000 and "keep(1kb)" in r["query"])):
        script.stop()
        fields = (line.split(None, 6) for line in script.lines() if line[:1].isdigit())
        seen = collections.Counter((int(plan), int(net), int(peak), text) for _, _, plan, net, peak, _, text in fields)
        expected = collections.Counter(
            (r["plan_id"], r["mem_net"], r["mem_peak"], r["query"]) for r in log if wanted(r)
        )
        check(expected and seen == expected, f"net and peak of {seen.total()} lines, as logged")


in_directory(added_up, each)
