#!/usr/bin/env python3
"""Runs constructs of the language and compares what they print with what bpftrace prints.

    constructs/NAME.mq         a small program that both run unchanged
    constructs/NAME.out        what bpftrace printed; its first line says which version
    constructs/NAME.memql.out  what memql must print where it differs: decisions.md says why
    constructs/unfinished      names of those that memql does not do yet, with what is wrong

The first lines of a program may hold "// ARGS: WORDS", arguments behind the script's name.
One that is unfinished and passes is a failure too, so that the list is right.

usage: constructs.py [--memql PROGRAM] CASE.mq...     the test; status 1 if one differs
       constructs.py --unfinished                     all of them; rewrites unfinished
       constructs.py --record COMMAND CASE.mq...      writes .out from what COMMAND prints
       constructs.py --against COMMAND CASE.mq...     runs both, here and now
COMMAND is a bpftrace: tests/compat/reference is the newest one.
"""

import argparse
import difflib
import os
import pathlib
import re
import shlex
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
UNFINISHED = HERE / "constructs" / "unfinished"
SKIP = 77
PERCENTILES = re.compile(r"(\S+ \S+  )+n \d+$")
TIME_OF_DAY = re.compile(r"^\d\d:\d\d:\d\d(\.\d+)?(?= [|*])", re.MULTILINE)
TIMEOUT = 30 * float(os.environ.get("MEMQL_TEST_SLOWNESS", 1))  # seconds


def unfinished():
    """What is wrong with each construct that memql does not do yet."""
    found = {}
    if UNFINISHED.exists():
        for line in UNFINISHED.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                name, _, why = line.partition(" ")
                found[name] = why.strip()
    return found


def arguments(case):
    for line in case.read_text(encoding="utf-8").splitlines():
        found = re.match(r"// ARGS:\s*(.*)", line)
        if found:
            return shlex.split(found.group(1))
        if not line.startswith("//"):
            break
    return []


def normal(text):
    """Without blank lines, times of series, percentiles that memql adds to histograms."""
    text = TIME_OF_DAY.sub("hh:mm:ss", text)
    lines = [line.rstrip() for line in text.splitlines()]
    lines = [line for line in lines if line and not PERCENTILES.match(line)]
    return "\n".join(lines) + "\n" if lines else ""


def command_of(text):
    """Words of a command; a path stays right in another directory."""
    words = shlex.split(text)
    if "/" in words[0]:
        words[0] = str(pathlib.Path(words[0]).resolve())
    return words


def run(command, case):
    """Exit status, normal output, messages."""
    env = dict(os.environ, LC_ALL="C", NO_COLOR="1", TZ="UTC")
    try:
        done = subprocess.run([*command, case.name, *arguments(case)], cwd=case.parent, env=env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="backslashreplace", timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return 124, "", f"not done after {TIMEOUT:g} s"
    return done.returncode, normal(done.stdout), done.stderr.strip()


def recorded(case):
    """What bpftrace printed, or what memql must print instead."""
    own = case.with_suffix(".memql.out")
    if own.exists():
        return own.read_text(encoding="utf-8")
    file = case.with_suffix(".out")
    if not file.exists():
        return "(not recorded)"
    return file.read_text(encoding="utf-8").partition("\n")[2]  # without the version


def difference(want, got, who):
    diff = difflib.unified_diff(want.splitlines(), got.splitlines(), who, "memql", lineterm="")
    return "\n".join(diff)


def record(command, cases):
    version = subprocess.run([*command, "--version"], capture_output=True, text=True,
                             check=True).stdout.strip().replace("bpftrace v", "bpftrace ")
    failed = 0
    for case in cases:
        status, out, err = run(command, case)
        if re.search(r"\bERROR\b", err) or status == 124:
            print(f"== {case.stem}: status {status}\n{err}\n{out}", end="")
            failed = 1
            continue
        case.with_suffix(".out").write_text(f"# {version}\n{out}", encoding="utf-8")
    return failed


def is_old_kernel():
    """One without loops, says a tool that is not memql: it may lack more of what constructs need."""
    tool = os.environ.get("KERNEL_CAN")
    return tool is not None and subprocess.run([tool, "loop"], stdout=subprocess.DEVNULL, check=False).returncode != 0


def failure(memql, case, want, who):
    """What is wrong, or nothing."""
    status, out, err = run([memql], case)
    if status == 1 and "[not_on_this_kernel]" in err and is_old_kernel():
        print(f"not on this kernel: {case.stem}")
        return ""
    if status == 124 or status and not out:
        return f"status {status}\n{err}"
    if out != want:
        return difference(want, out, who) + (f"\n{err}" if err else "")
    return ""


def check(memql, case, want, who, known):
    """Prints what is not as expected; true if nothing is."""
    wrong = failure(memql, case, want, who)
    if wrong and case.stem in known:
        print(f"unfinished: {case.stem}: {known[case.stem]}")
        return True
    if wrong:
        print(f"== {case.stem}\n{wrong}")
        return False
    if case.stem in known:
        print(f"== {case.stem}: passes now: take it off {UNFINISHED.name}")
        return False
    return True


def rewrite_unfinished(memql, cases):
    lines = ["# Constructs that memql does not do yet, and the first thing wrong. To shrink to nothing."]
    for case in cases:
        wrong = failure(memql, case, recorded(case), "bpftrace")
        if wrong:
            error = re.search(r"error: (.*)", wrong)
            lines.append(f"{case.stem} {error.group(1) if error else 'prints something else'}")
            print(f"== {case.stem}\n{wrong}")
    UNFINISHED.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(cases) - len(lines) + 1} of {len(cases)} pass")
    return 0


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--memql", default=os.environ.get("MEMQL", "build/dev/memql"))
    options.add_argument("--unfinished", action="store_true")
    options.add_argument("--record", metavar="COMMAND")
    options.add_argument("--against", metavar="COMMAND")
    options.add_argument("case", nargs="*", type=pathlib.Path)
    args = options.parse_args()
    if os.geteuid() != 0:
        print("skipped: needs root")
        return SKIP
    cases = [case.resolve() for case in args.case] or sorted(HERE.glob("constructs/*.mq"))
    memql = str(pathlib.Path(args.memql).resolve())
    if args.record:
        return record(command_of(args.record), cases)
    if args.unfinished:
        return rewrite_unfinished(memql, cases)

    bad = 0
    for case in cases:
        if args.against:
            _, want, _ = run(command_of(args.against), case)
            bad += not check(memql, case, want, args.against, {})
        else:
            bad += not check(memql, case, recorded(case), "bpftrace", unfinished())
    if len(cases) > 1:
        print(f"{len(cases) - bad} of {len(cases)} as expected")
    return 1 if bad else 0


sys.exit(main())
