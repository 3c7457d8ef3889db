"""query_latency.mq against the demo engine's own log: 8 threads, 20,000 queries.

The log is made inside the engine, with its own clock reads; memql sees only the probes.
"""

import collections
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.demo import Demo, by_plan
from tracing import SLOWNESS, Memql, check, check_near, in_directory, lost, map_of

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/query_latency.mq")
THREADS, QUERIES = 8, 20000
# Of all ns of a plan. On an emulated CPU for all, more turns of other threads are seen by only one of the clocks.
NEAR = 0.01 if SLOWNESS == 1 else 0.02
TURN_NS = 5e6  # of a thread, if others want the CPU, too: a tick of 250 Hz, and the switch


def counts_and_sums(directory):
    engine = Demo(directory, "engine", "--threads", str(THREADS), "--queries", str(QUERIES), "--mix", "check")
    memql = Memql(directory, "histogram", [SCRIPT, "--histogram", "--pid", str(engine.pid)])
    log = engine.go()
    memql.stop()
    events = memql.events()

    check(not lost(events), f"nothing was lost {lost(events)}")
    check(len(log) == QUERIES, f"the engine logged {len(log)} queries")
    latency = map_of(events, "@latency")
    everything = map_of(events, "@all")
    check(everything["count"] == QUERIES, f"memql saw {everything['count']} of {QUERIES} queries")
    plans = {plan: [r["latency_ns"] for r in records] for plan, records in by_plan(log).items()}
    check(set(plans) == set(latency), f"the same {len(plans)} plans")
    for plan, values in sorted(plans.items()):
        check(latency[plan]["count"] == len(values), f"plan {plan}: {len(values)} queries")
        check_near(latency[plan]["sum"], sum(values), NEAR, f"plan {plan}: ns in all")
    # Between a probe and the engine's clock each of the others may have a turn on the CPU.
    longest, turns = max(r["latency_ns"] for r in log), THREADS * TURN_NS
    check(0.99 * longest <= everything["max"] <= 1.01 * longest + turns, f"the longest: {everything['max']} ns of {longest}")


def lines_and_filters(directory):
    """Each line's text is the log's; the filters choose what they say."""
    engine = Demo(directory, "lines", "--threads", "2", "--queries", "400")
    memql = Memql(directory, "lines", [SCRIPT, "--pid", str(engine.pid)], json_output=False)
    log = engine.go()
    memql.stop()
    seen = collections.Counter(line.split(None, 4)[4] for line in memql.lines() if str(line[:2]).isdigit())
    expected = collections.Counter(r["query"] for r in log)
    check(seen == expected, f"{sum(seen.values())} lines with {len(expected)} different texts, as logged")


def can_fault_in():
    done = subprocess.run([os.environ["KERNEL_CAN"], "sleepable"], stdout=subprocess.DEVNULL, check=False)
    return done.returncode == 0


def cold_text(directory):
    """Texts on pages that are not in memory: read, or reported lost where the kernel cannot."""
    engine = Demo(directory, "cold", "--threads", "2", "--queries", "200", "--cold-text")
    memql = Memql(directory, "cold", [SCRIPT, "--pid", str(engine.pid)], json_output=False)
    log = engine.go()
    messages = memql.stop()
    lines = [(line.split(None, 4) + [""])[4] for line in memql.lines() if str(line[:2]).isdigit()]
    seen = collections.Counter(text for text in lines if text)
    expected = collections.Counter(r["query"] for r in log)
    missing = sum(int(n) for n in re.findall(r"lost (\d+) strings", messages))
    check(len(lines) == len(log), f"{len(lines)} lines")
    check(seen.total() + missing == len(log) and seen <= expected, f"{seen.total()} texts read, {missing} reported lost")
    check(missing == 0 or not can_fault_in(), "none is lost where programs can wait for pages")


in_directory(counts_and_sums, lines_and_filters, cold_text)
