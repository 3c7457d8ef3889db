#!/usr/bin/env python3
"""Runs one example of a builtin in this kernel: NAME.mq, whose output is NAME.out.

The first lines may hold "// RUN: ARGS", arguments of memql before the script's name and,
after a "--", behind it, and "// NEEDS: WHAT", a feature of the kernel (see kernel_can.c).
NAME.status holds the exit status, if it is not 0.
"""

import argparse
import difflib
import os
import pathlib
import subprocess
import sys

from examples import OFFSET, directives

# Seconds: attaching and detaching a uprobe can take most of one.
TIMEOUT = 30 * float(os.environ.get("MEMQL_TEST_SLOWNESS", 1))
SKIP = 77


def skip_reason(needs):
    if os.geteuid() != 0:
        return "needs root"
    tool = os.environ.get("KERNEL_CAN")
    if not tool:
        return None
    done = subprocess.run([tool, *needs], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode else None


def beside(case, suffix, default):
    file = case.with_suffix(suffix)
    return file.read_text(encoding="utf-8") if file.exists() else default


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--memql", required=True)
    options.add_argument("--update", action="store_true", help="rewrite what is expected")
    options.add_argument("case", type=pathlib.Path)
    args = options.parse_args()
    case = args.case.resolve()
    before, behind, needs = directives(case)

    reason = skip_reason(needs)
    if reason:
        print(f"skipped: {reason}")
        return SKIP

    command = [str(pathlib.Path(args.memql).resolve()), *before, case.name, *behind]
    env = dict(os.environ, LC_ALL="C", NO_COLOR="1", TZ="UTC")
    done = subprocess.run(command, cwd=case.parent, env=env, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=TIMEOUT, check=False)
    status = int(beside(case, ".status", "0"))
    if done.returncode != status:
        print(f"exit status {done.returncode}, not {status}\n{done.stderr}", end="")
        return 1
    if args.update:
        case.with_suffix(".out").write_text(done.stdout, encoding="utf-8")
        return 0
    want = OFFSET.sub(r"\1+N", beside(case, ".out", ""))
    got = OFFSET.sub(r"\1+N", done.stdout)
    if got != want:
        print("\n".join(difflib.unified_diff(want.splitlines(), got.splitlines(),
                                             "expected", "got", lineterm="")))
        print(done.stderr, end="")
        return 1
    return 0


sys.exit(main())
