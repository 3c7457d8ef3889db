"""query:done of SQLite's library, which this process uses: each execution once."""

import os
import sqlite3
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import Memql, check, lost, map_of, need_root, skip

PROGRAM = """
query:done {
	@calls[normalize(args.text, sqlite)] = count();
	@time[normalize(args.text, sqlite)] = sum(args.duration);
	@engine[args.engine] = count();
}
"""


def load(db):
    """What was executed how often, and how long the executions took."""
    calls, times = {}, {}

    def run(text, form, *values):
        begin = time.monotonic_ns()
        rows = db.execute(text, values).fetchall()
        times[form] = times.get(form, 0) + time.monotonic_ns() - begin
        calls[form] = calls.get(form, 0) + 1
        return rows

    run("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)", "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)")
    for i in range(200):
        run(f"INSERT INTO t VALUES ({i}, {i * 7})", "INSERT INTO t VALUES (?, ?)")
    for i in range(50):
        run("SELECT n FROM t WHERE id > ?1 LIMIT 20", "SELECT n FROM t WHERE id > ?1 LIMIT ?", i)
    for _ in range(10):
        run("SELECT count(*) FROM t a, t b WHERE a.n % 97 < b.n", "SELECT count(*) FROM t a, t b WHERE a.n % ? < b.n")
    # One statement inside another, each left in the middle of its rows.
    for _ in range(5):
        outer = db.execute("SELECT id FROM t")
        for _ in range(3):
            outer.fetchone()
            db.execute("SELECT n, id FROM t").fetchone()
    calls["SELECT id FROM t"] = 5
    calls["SELECT n, id FROM t"] = 15
    try:
        db.execute("INSERT INTO t VALUES (1, 1)")
    except sqlite3.IntegrityError:
        calls["INSERT INTO t VALUES (?, ?)"] += 1
    return calls, times


def main():
    need_root()
    # Only a connection brings the library into this process for certain.
    db = sqlite3.connect(":memory:", isolation_level=None)
    with open("/proc/self/maps") as maps:
        if "libsqlite3.so" not in maps.read():
            skip("this Python has SQLite built in: there is no library to probe")
    with tempfile.TemporaryDirectory() as directory:
        memql = Memql(directory, "sqlite", ["-p", str(os.getpid()), "-e", PROGRAM, "--", "--engine", "sqlite"])
        calls, times = load(db)
        db.close()
        memql.stop()
        events = memql.events()
    check(not lost(events), "nothing was lost")
    seen = map_of(events, "@calls")
    for form, count in calls.items():
        check(seen.get(form) == count, f"{count} times {form}: {seen.get(form)}")
    others = [form for form in seen if form not in calls]
    check(not others, f"the library's own, such as those that read the schema, are none: {others}")
    maps = {name for event in events if event["type"] in ("map", "stats") for name in event["data"]}
    check(maps == {"@calls", "@time", "@engine"}, f"what the pack remembers is not printed: {maps}")
    check(map_of(events, "@engine") == {"sqlite": sum(seen.values())}, "of no other engine")
    slow = "SELECT count(*) FROM t a, t b WHERE a.n % ? < b.n"
    # Python's time has what it does around the library, and waiting for a CPU there.
    seen_ns = map_of(events, "@time")[slow]
    check(0.7 * times[slow] < seen_ns < times[slow], f"{seen_ns} ns in the slow one, {times[slow]} as Python has it")


main()
