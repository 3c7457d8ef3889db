#!/usr/bin/env python3
"""Loads random well-typed programs into this kernel: a refusal is a bug in memql.

Programs are numbered, and the same number is the same program where the same attach points
are. Those that are refused are kept in --keep, made small, with what memql said. That a text
or value is too large for the kernel's memory is an answer, too, and counted. Needs root;
BINARY is a copy of the demo engine, nothing is attached to it.

    tests/fuzz/programs.py --drive build/dev/tests/fuzz_drive --binary build/dev/demo/memsqld 0 1000

As a test it takes these two from the environment, and the first programs.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import sys
import tempfile
import time

from driver import Driver, rows
from language import Program
from points import usable
from shrink import shrink, symptom

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
SKIPPED = 77
TOO_LARGE = {"string_limit", "program_limit"}
ZERO = {"divide_by_zero"}  # by what is always 0, as 3 - 3
LIMITS = TOO_LARGE | ZERO | {"not_on_this_kernel"}  # tags that are an answer
# What no program that is loaded may have, or where only some kernels have it.
ELSEWHERE = {"path": "iter", "socket_cookie": "fentry", "override": "kprobe",
             "cgroupid": "cgroup version 2", "percpu_kaddr": "CONFIG_KALLSYMS_ALL"}
COVERED_BY = 500  # programs from 0 on: each of the language's functions is in some by then


def seeds(binary):
    """Programs of the tests that fit: their clauses are spliced."""
    found = []
    for path in sorted((TREE / "tests" / "builtins").glob("*.mq")):
        text = path.read_text(encoding="utf-8")
        if not any(word in text for word in ("RUN:", "NEEDS:", "cat.short", "usdt", "$1", "span(")):
            found.append(text.replace("memsqld", binary))
    return found


class Work:
    """The programs first, first + step ... below end: one process of the run."""

    def __init__(self, args, step, offset):
        self.args = args
        self.step, self.offset = step, offset
        self.driver = Driver(args.drive)
        self.rows = rows(args.drive)
        self.points, self.missing = usable(self.driver, args.binary)
        self.seeds = seeds(args.binary)
        self.counts = collections.Counter()
        self.used = set()
        self.cpu_ms = 0

    def load_kept(self):
        """Those that were refused once."""
        for path in sorted((pathlib.Path(__file__).parent / "kept").glob("*.mq")):
            answer = self.driver.load(0, path.read_text(encoding="utf-8"))
            if answer.verdict != "loaded" and set(answer.tags) != {"not_on_this_kernel"}:
                what = symptom(answer)
                self.counts[what] += 1
                print(f"{path}: {what}", flush=True)

    def generate(self, number):
        program = Program(number, self.rows, self.points, self.seeds)
        return program, program.text()

    def run(self):
        """While one program is tried, the next one is made."""
        waiting = None
        if self.offset == 0:
            self.load_kept()
        for number in range(self.args.first + self.offset, self.args.end, self.step):
            made = self.generate(number)
            if waiting:
                self.judge(*waiting, self.driver.receive(waiting[0].number))
            self.driver.send("load", number, made[1])
            waiting = made
        if waiting:
            self.judge(*waiting, self.driver.receive(waiting[0].number))
        self.driver.close()
        return {"counts": dict(self.counts), "used": sorted(self.used), "cpu_ms": self.cpu_ms,
                "missing": self.missing}

    def named(self, text):
        """Rows that are in a program, however they came there."""
        words = set(re.findall(r"(?<![$@.:\w])[a-z_]\w*", re.sub(r'"[^"\n]*"', "", text)))
        return words & {r["name"] for r in self.rows}

    def judge(self, program, text, answer):
        self.cpu_ms += answer.ms
        if answer.verdict == "loaded":
            self.counts["loaded"] += 1
            self.used |= program.used | self.named(text)
        elif answer.verdict == "refused" and set(answer.tags) <= LIMITS:
            tags = set(answer.tags)
            self.counts["too large" if TOO_LARGE & tags else "by zero" if ZERO & tags else "not here"] += 1
        else:
            what = symptom(answer)
            self.counts[what] += 1
            self.keep(program.number, text, answer, what)

    def keep(self, number, text, answer, what):
        path = self.args.keep / f"{number}.mq"
        path.write_text(text, encoding="utf-8")
        (self.args.keep / f"{number}.said").write_text(answer.said, encoding="utf-8")
        print(f"{path}: {what}", flush=True)
        if self.args.show and self.counts[what] <= 3:
            print(text, answer.said, sep="\n", flush=True)
        if self.args.no_shrink or self.counts[what] > 3:
            return
        small = shrink(text, lambda t: symptom(self.driver.load(number, t)) == what)
        (self.args.keep / f"{number}.small.mq").write_text(small, encoding="utf-8")


def in_parallel(args):
    """Each worker's summary."""
    readers = []
    for i in range(args.jobs):
        read, write = os.pipe()
        if not os.fork():
            os.close(read)
            with os.fdopen(write, "w") as out:
                json.dump(Work(args, args.jobs, i).run(), out)
            os._exit(0)
        os.close(write)
        readers.append(os.fdopen(read))
    return [json.loads(r.read() or '{"counts": {"workers that died": 1}}') for r in readers]


def report(args, results, seconds):
    total, used = collections.Counter(), set()
    for r in results:
        total.update(r["counts"])
        used |= set(r.get("used", ()))
    n = sum(total.values())
    bad = n - sum(total[answer] for answer in ("loaded", "too large", "by zero", "not here"))
    for what, why in results[0].get("missing", {}).items():
        print(f"not here: {what}: {why}")
    print(f"{n} programs in {seconds:.0f} s, "
          f"{sum(r.get('cpu_ms', 0) for r in results) / max(n, 1):.1f} ms of CPU time each: "
          + ", ".join(f"{count} {what}" for what, count in total.most_common()))
    never = sorted({r["name"] for r in rows(args.drive)} - used - set(ELSEWHERE))
    if args.first == 0 and args.end >= COVERED_BY:
        print("never in a program that was loaded: " + (", ".join(never) or "nothing"))
        bad += len(never)
    return 1 if bad else 0


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--drive", default=os.environ.get("FUZZ_DRIVE"),
                         help="tests/fuzz_drive of a build")
    options.add_argument("--binary", default=os.environ.get("MEMSQLD"), help="the demo engine")
    options.add_argument("--keep", type=pathlib.Path, help="a directory for what was refused")
    options.add_argument("--no-shrink", action="store_true")
    options.add_argument("--show", action="store_true", help="prints the first ones of each kind that were refused")
    options.add_argument("-j", "--jobs", type=int, default=1)
    options.add_argument("first", type=int, nargs="?", default=0)
    options.add_argument("end", type=int, nargs="?", default=COVERED_BY)
    args = options.parse_args()
    if os.geteuid() != 0 or not args.drive or not args.binary:
        print("skipped: this needs root, fuzz_drive and the demo engine")
        return SKIPPED
    args.binary = str(pathlib.Path(args.binary).resolve())
    args.keep = args.keep or pathlib.Path(tempfile.mkdtemp(prefix="memql-fuzz-"))
    args.keep.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    status = report(args, in_parallel(args), time.monotonic() - begin)
    try:
        args.keep.rmdir()  # nothing was kept
    except OSError:
        pass
    return status


if __name__ == "__main__":
    sys.exit(main())
