"""Percentiles, averages and buckets against the values themselves."""

import math
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import Load, Memql, check, load_values, lost, map_of, need_root

N, SEED = 20000, 88172645463325252


def exact(values, percent):
    """The smallest value that at least so many percent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(len(ordered) * percent / 100), 1) - 1]


def check_histogram(shown, values, name, resolution):
    check(shown["count"] == len(values), f"{name}: {len(values)} values")
    check(shown["sum"] == sum(values), f"{name}: their sum")
    check(shown["max"] == max(values), f"{name}: the largest is exact")
    check(shown["avg"] == sum(values) // len(values), f"{name}: the average")
    for percent in (50, 90, 99, 99.9):
        got, want = shown[f"p{percent}"], exact(values, percent)
        check(abs(got - want) <= want * resolution + 1, f"{name}: p{percent} {got} against {want}")
    for b in shown["buckets"]:
        low, high = b.get("min", 0), b.get("max", 2**64)
        inside = sum(low <= v <= high for v in values)
        if inside != b["count"]:
            check(False, f"{name}: {b} holds {inside}")
    check(sum(b["count"] for b in shown["buckets"]) == len(values), f"{name}: every bucket, and all together")


def main():
    need_root()
    values = load_values(N, SEED)
    with tempfile.TemporaryDirectory(prefix="memql-hist-") as directory, Load() as load:
        program = (
            f"uprobe:{load.program}:load_value {{ @h = hist(arg0); @fine = hist(arg0, 5); @by[arg0 % 3] = hist(arg0);"
            " @l = lhist(arg0, 0, 1000000, 1000); @stats = stats(arg0); @one[arg0 % 2] = avg(arg0); }"
        )
        memql = Memql(directory, "hist", ["-e", program])
        load.do(f"values {N} {SEED}")
        memql.stop()
        events = memql.events()
        check(not lost(events), "nothing was lost")
        check_histogram(map_of(events, "@h"), values, "hist()", 1 / 16)
        check_histogram(map_of(events, "@fine"), values, "hist(x, 5)", 1 / 32)
        for key, shown in map_of(events, "@by").items():
            check_histogram(shown, [v for v in values if v % 3 == key], f"of those with remainder {key}", 1 / 16)
        rows = map_of(events, "@l")["buckets"]
        for b in rows:
            if b["count"] != sum(b.get("min", 0) <= v <= b.get("max", 2**64) for v in values):
                check(False, f"lhist: {b}")
        check(sum(b["count"] for b in rows) == N, "lhist(): every bucket, and all together")
        total = sum(values)
        check(map_of(events, "@stats") == {"count": N, "average": total // N, "total": total}, "stats()")
        for key, average in map_of(events, "@one").items():
            of = [v for v in values if v % 2 == key]
            check(average == sum(of) // len(of), f"avg() of those with remainder {key}")


main()
