"""partition.mq against the demo engine's own log: each command of each worker, by name and
number, and how long those took that have a beginning and an end."""

import collections
import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.demo import Demo, total
from tracing import Memql, check, in_directory, lost, map_of

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/partition.mq")
STATEMENTS = 2000
# Those with a beginning and an end.
TIMED = ("create table", "restore")
JOB_NS = 200_000  # at least, for each partition: DDL_JOB_NS of demo/ddl.c


def work_of(statement):
    """What its workers do: (what, name, number) for each partition."""
    found = re.fullmatch(r"([A-Z ]+?) (\w+)(?: PARTITIONS (\d+))?", statement)
    what, name, partitions = found[1].lower(), found[2], int(found[3] or 1)
    if what == "flush":
        return [(what, "", 0)] * partitions
    if what == "snapshot":
        return [(what, f"{name}_snapshot_v{n}", 0) for n in range(partitions)]
    return [(what, name, n) for n in range(partitions)]


def work_in(log):
    return collections.Counter(work for r in log for work in work_of(r["query"]))


def lines_of(memql):
    """[(what, name, number, took)] of a script's lines."""
    pattern = r"[\d:.]{15} +\d+ (.{18}) +(-?\d+) +(\S+) (.*)"
    found = [re.fullmatch(pattern, line) for line in memql.lines()]
    return [(m[1].strip(), m[4], int(m[2]), m[3]) for m in found if m]


def everything(directory):
    """Many threads that have two workers do everything, told as lines and as sums."""
    engine = Demo(directory, "engine", "--threads", "4", "--queries", str(STATEMENTS), "--mix", "ddl")
    pid = ["--pid", str(engine.pid)]
    lines = Memql(directory, "lines", [SCRIPT, "--begin", *pid], json_output=False)
    sums = Memql(directory, "sums", [SCRIPT, "--histogram", *pid])
    top = Memql(directory, "top", [SCRIPT, "--top", "3", "--interval", "1", *pid])
    some = Memql(directory, "some", [SCRIPT, "--match", "t3", "--min", "1us", *pid], json_output=False)
    log = engine.go()
    expected = work_in(log)
    events = sum(n * (2 if work[0] in TIMED else 1) for work, n in expected.items())
    check(total(log, "ddl_events") == events, f"the engine fired {events} probes in {len(log)} statements")

    check("lost" not in lines.stop(), "nothing was lost")
    seen = [line for line in lines_of(lines) if line[3] != "..."]
    check(collections.Counter(line[:3] for line in seen) == expected, f"{len(seen)} lines, as the engine did it")
    check(len({line[0] for line in seen}) == 11, "all eleven kinds of work are among them")
    begun = collections.Counter(line[:3] for line in lines_of(lines) if line[3] == "...")
    timed = collections.Counter({work: n for work, n in expected.items() if work[0] in TIMED})
    check(begun == timed, f"--begin: {begun.total()} lines more")
    check(all((line[3] == "-") == (line[0] not in TIMED) for line in seen), "what has a length has a time")

    sums.stop()
    check(not lost(sums.events()), f"nothing was lost {lost(sums.events())}")
    times = map_of(sums.events(), "@times")
    kinds = collections.Counter()
    for (what, _, _), n in expected.items():
        kinds[what] += n
    check(times == kinds, f"the same counts of {len(kinds)} kinds of work")
    took = map_of(sums.events(), "@took")
    check({what: h["count"] for what, h in took.items()} == {what: kinds[what] for what in TIMED}, "and of times")

    top.stop()
    shown = [e["data"]["@times"] for e in top.events() if "@times" in (e.get("data") or ())]
    check(shown and all(len(entries) <= 3 for entries in shown), f"--top: three kinds, shown {len(shown)} times")

    some.stop()
    seen = collections.Counter(line[:3] for line in lines_of(some))
    wanted = collections.Counter({work: n for work, n in timed.items() if "t3" in work[1]})
    check(seen == wanted, f"--match, --min: {seen.total()} lines")


def durations(directory):
    """A worker's time lies between what it sleeps and what the statement waits for it."""
    for what in TIMED:
        engine = Demo(directory, "one", "--threads", "1", "--queries", "300", "--statement", f"{what.upper()} t")
        memql = Memql(directory, "one", [SCRIPT, "--histogram", "--pid", str(engine.pid)])
        log = engine.go()
        memql.stop()
        took = map_of(memql.events(), "@took")[what]
        least, most = JOB_NS * len(log), total(log, "lock_wait_ns")
        check(took["count"] == len(log), f"{what}: {took['count']} partitions")
        check(least < took["sum"] < most, f"{what}: {took['sum']} ns in all, between {least} and {most}")


def killed(directory):
    """What a worker was doing when its engine was killed is told of, and no work that was done."""
    engine = Demo(directory, "killed", "--threads", "4", "--statement", "RESTORE shop PARTITIONS 32")
    memql = Memql(directory, "killed", [SCRIPT, "--pid", str(engine.pid)], json_output=False)
    engine.process.stdin.write("go\n")
    engine.process.stdin.flush()
    time.sleep(0.5)
    engine.process.kill()
    engine.process.wait()
    messages = memql.stop()
    check("of @work" in messages, "restores that were cut off are told of")
    check(lines_of(memql), f"{len(lines_of(memql))} were done before")


in_directory(everything, durations, killed)
