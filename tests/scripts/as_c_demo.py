"""The C of explain --as c counts what the script counts: both look at the same run of the
demo engine, at the same time."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from as_c import as_c
from engines.demo import Demo
from tracing import Memql, check, in_directory, lost

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts")
# Each with a mix of statements that has what it counts.
RUNS = {
    "check": ["query_latency", "query_memory", "query_tsa"],
    "lock": ["futexes"],
    "io": ["query_bio"],
    "ddl": ["partition"],
}
# Of what the engine did: a number that only depends on it, and not on when it was looked at.
EXACT = {"query_memory"}
COUNTS = ["count", "queries", "futexes", "locks", "latches", "waits"]


def counts(value, exact):
    """How often, without how long."""
    if isinstance(value, dict):
        return sum(value.get(name, 0) for name in COUNTS)
    return value if exact else None


def without_numbers(key):
    """A plan's text is that of its query that came first, of which there may be two at once."""
    return re.sub(r"\d+", "N", key) if isinstance(key, str) else key


def maps(events, exact):
    """{map: {key: count}}, and how many events there were of each kind."""
    found = {}
    for e in events:
        for name, value in (e["data"].items() if e["type"] in ("map", "hist", "stats") else ()):
            entries = value if isinstance(value, list) else [{"key": [], "value": value}]
            into = found.setdefault(name, {})
            for x in entries:
                key, n = tuple(map(without_numbers, x["key"])), counts(x["value"], exact)
                both = (into.get(key), n)
                into[key] = n if None in both else max(both) if name == "@peak" else sum(both)
    return found


def same(directory, mix, scripts):
    engine = Demo(directory, mix, "--threads", "2", "--queries", "100", "--mix", mix)
    running = {}
    for name in scripts:
        arguments = [os.path.join(SCRIPTS, name + ".mq"), "--histogram", "--pid", str(engine.pid)]
        target = as_c(directory, name, *arguments)
        running[name] = (Memql(directory, name, arguments),
                         Memql(directory, name + "_c", ["--object", target, *arguments]))
    log = engine.go()
    for name, both in running.items():
        for memql in both:
            memql.stop()
        own, other = (memql.events() for memql in both)
        missing = [e["data"] for e in lost(own) + lost(other) if not e["data"]["what"].endswith("when memql ended")]
        check(not missing, f"{name}: nothing was lost {missing or ''}")
        own, other = (maps(events, name in EXACT) for events in (own, other))
        n = sum(len(entries) for entries in own.values())
        check(own == other, f"{name}: {n} entries of {sorted(own)} are the same"
              + ("" if own == other else f"\n{own}\n{other}"))
        most = max((v for e in own.values() for v in e.values() if v), default=0)
        check(n > 0 and most > 0, f"{name} has seen {most} of {len(log)}")


def all_of_them(directory):
    for mix, scripts in RUNS.items():
        same(directory, mix, scripts)


in_directory(all_of_them)
