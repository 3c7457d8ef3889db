"""query_bio.mq against the demo engine's own log: its reads and writes use O_DIRECT, so
each is a request to the device. All bytes must be seen. Requests are not quite the calls
that the engine counts: what lies in two extents of the file is two, neighbours of two
threads become one, and a page of the program that was not in memory is one, too."""

import collections
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.demo import Demo, by_plan, total
from tracing import Memql, check, in_directory, lost, map_of, missed, skip

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/query_bio.mq")
THREADS, QUERIES = 8, 5000 if "MEMQL_TEST_GUEST" in os.environ else 20000


def added_up(directory):
    engine = Demo(directory, "top", "--threads", str(THREADS), "--queries", str(QUERIES), "--mix", "check")
    if not engine.direct_io:
        skip("the file system has no O_DIRECT")
    memql = Memql(directory, "top", [SCRIPT, "--top", "1000000", "--pid", str(engine.pid)])
    log = engine.go()
    memql.stop()
    events = memql.events()
    # Those whose completion the kernel did not report stay open until they are used again.
    others = [e for e in lost(events) if not e["data"]["what"].endswith("of @query_io: not done when memql ended")]
    unknown = missed(others)  # raw tracepoints of a preemptible kernel
    check(len(log) == QUERIES and any(r["status"] for r in log), f"{len(log)} queries, some failed")

    def of_plans(name):
        found = collections.Counter()
        for (plan, _), value in map_of(events, name).items():
            found[plan] += value
        return found

    bytes_, ios = of_plans("@bytes"), of_plans("@ios")
    for plan, records in by_plan(log).items():
        asked = total(records, "io_reads") + total(records, "io_writes")
        least, most = 0.99 * asked - unknown, 1.01 * asked
        check(least <= ios[plan] <= most, f"plan {plan}: {ios[plan]} requests of {asked} ({unknown} not seen)")
        asked = total(records, "io_read_bytes") + total(records, "io_write_bytes")
        least = 0 if unknown else asked
        check(least <= bytes_[plan] <= 1.01 * asked, f"plan {plan}: {bytes_[plan]} bytes of {asked}")
    asked = total(log, "io_reads") + total(log, "io_writes")
    check(ios.total() >= 0.99 * asked - unknown, f"{ios.total()} requests of {asked} ({unknown} not seen)")
    took, queued = of_plans("@io_time").total(), of_plans("@queued").total()
    wall = total(log, "latency_ns")
    check(0 < queued < took < wall, f"{queued} ns in the queue, {took} until completed, {wall} in all queries")
    unseen = map_of(events, "@unseen") or 0
    check(unseen < 0.02 * ios.total(), f"the kernel did not report the completion of {unseen}")


BLOCKS = "SELECT read(4kb, {1..3}), write(4kb, {1..2}), fail({0..9}) FROM t"


def each(directory):
    """A line for each statement: what it asked for, in single blocks, and nothing else."""
    engine = Demo(directory, "lines", "--threads", str(THREADS), "--queries", str(QUERIES), "--statement", BLOCKS)
    memql = Memql(directory, "lines", [SCRIPT, "--pid", str(engine.pid), "--min-bytes", "1"], json_output=False)
    log = engine.go()
    messages = memql.stop()
    unknown = sum(map(int, re.findall(r"lost (\d+) events? of .* already in a program", messages)))
    fields = [line.split(None, 10) for line in memql.lines() if line[:1].isdigit()]
    seen = collections.Counter((*map(int, f[2:7]), f[10]) for f in fields)
    expected = collections.Counter(
        (r["plan_id"], r["io_reads"], r["io_read_bytes"], r["io_writes"], r["io_write_bytes"], r["query"])
        for r in log if r["io_read_bytes"] + r["io_write_bytes"]
    )
    others = seen - expected
    check(expected.total() - unknown <= seen.total() <= expected.total(), f"{seen.total()} lines for {expected.total()} statements")
    check(others.total() <= 0.01 * seen.total() + unknown, f"requests and bytes as logged, but for {dict(others)}")


in_directory(added_up, each)
