#!/usr/bin/env python3
"""tseries() against the same values printed one by one, on all CPUs."""

import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from tracing import SLOWNESS, check, fail, need_root, run_memql  # noqa: E402

need_root()
LENGTH = 100_000_000
NEAR = 200_000 * SLOWNESS  # ns: the clock is read for the series and for the line, one after the other
PERIOD = 7 if SLOWNESS == 1 else 37  # ms between values: few are to be near an interval's end
WAYS = {
    "sum": sum,
    "min": min,
    "max": max,
    "avg": lambda values: int(sum(values) / len(values)),
    "last": lambda values: values[-1],
}


def main():
    series = " ".join(f'@{way} = tseries($v, 100ms, 40, "{way}");' for way in WAYS)
    done = run_memql("-q", "-f", "json", "-e", f"profile:ms:{PERIOD} {{ $v = (int64)(rand % 200) - 100; "
                     f'{series} printf("%d %d", nsecs(boot), $v); }}'
                     "interval:ms:1500 { exit(); }")
    if done.returncode:
        fail(done.stderr)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    values, points = [], {}
    for e in events:
        if e["type"] == "printf":
            values.append(tuple(map(int, e["data"].split())))
        elif e["type"] == "tseries":
            ((name, data),) = e["data"].items()
            points[name[1:]] = {p["start"]: p["value"] for p in data["points"] if "value" in p}
    values.sort()
    check(len(values) > 700 / PERIOD, f"{len(values)} values")
    check(all(s % LENGTH == 0 for s in points["sum"]), "intervals begin at full multiples")
    offset = time.clock_gettime_ns(time.CLOCK_REALTIME) - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    for way, fold in WAYS.items():
        compare(way, fold, points[way], values, offset)


def compare(way, fold, points, values, offset):
    sure, unsure = {}, set()
    for boot, value in values:
        wall = boot + offset
        start = wall // LENGTH * LENGTH
        sure.setdefault(start, []).append(value)
        if wall - start < NEAR:
            unsure |= {start, start - LENGTH}
        if start + LENGTH - wall < NEAR:
            unsure |= {start, start + LENGTH}
    same = [s for s in sure if s not in unsure]
    wrong = [(s, points.get(s), fold(sure[s])) for s in same if points.get(s) != fold(sure[s])]
    if way == "last":  # CPUs in the same instant
        wrong = [w for w in wrong if w[1] not in sure[w[0]]]
    check(len(same) >= 5 and not wrong, f"{way}: {len(same)} intervals as computed" if not wrong else f"{way}: {wrong}")


main()
