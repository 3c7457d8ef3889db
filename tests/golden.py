#!/usr/bin/env python3
"""Runs one golden case: NAME.mq beside what memql must say about it.

    NAME.tokens, .ast, .expand, .plan   stdout of memql --dump=STAGE NAME.mq
    NAME.err                           stderr, and exit status 1

memql runs in the case's directory, so that messages show its bare name. A comment in the
first two lines, "// RUN: ARGS", adds arguments before the script's name, and those after a
"--" behind it. Tests see the machine that tests/fake_target.txt describes, if it is there.
"""

import argparse
import difflib
import os
import pathlib
import re
import shlex
import subprocess
import sys

TESTS = pathlib.Path(__file__).resolve().parent
DUMPS = ["tokens", "ast", "expand", "plan"]
TIMEOUT = 20  # seconds; nothing here should need one


def run_arguments(case):
    """What the RUN line gives: arguments before and behind the script's name."""
    with case.open(encoding="utf-8", errors="replace") as lines:
        head = [line for _, line in zip(range(2), lines)]
    for line in head:
        found = re.match(r"// RUN:\s*(.*)", line)
        if found:
            words = shlex.split(found.group(1))
            split = words.index("--") if "--" in words else len(words)
            return words[:split], words[split + 1:]
    return [], []


def run(memql, case, stage):
    """memql's exit status, stdout and stderr."""
    before, behind = run_arguments(case)
    env = dict(os.environ, LC_ALL="C", NO_COLOR="1", TZ="UTC")
    fake = TESTS / "fake_target.txt"
    if fake.exists():
        env["MEMQL_FAKE_TARGET"] = str(fake)
    done = subprocess.run([memql, f"--dump={stage}", *before, case.name, *behind],
                          cwd=case.parent, env=env, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=TIMEOUT)
    return (done.returncode, done.stdout.decode(errors="replace"),
            done.stderr.decode(errors="replace"))


def differs(file, want, got):
    """Prints how, if so."""
    if want == got:
        return False
    diff = difflib.unified_diff(want.splitlines(), got.splitlines(),
                                f"{file.name} (expected)", f"{file.name} (got)", lineterm="")
    print("\n".join(diff) or f"{file.name}: differs in its last newline")
    return True


def check(memql, case, file, update):
    """True if the case does what the file beside it says."""
    is_error = file.suffix == ".err"
    status, out, err = run(memql, case, "plan" if is_error else file.suffix[1:])
    got = err if is_error else out
    ok = True
    if status != (1 if is_error else 0):
        print(f"{case.name}: exit status {status}")
        print(err, end="")
        ok = False
    elif is_error and not err:
        print(f"{case.name}: failed without a message")
        ok = False
    elif update:
        if not file.exists() or file.read_text(encoding="utf-8") != got:
            file.write_text(got, encoding="utf-8")
            print(f"{file}: written")
    elif differs(file, file.read_text(encoding="utf-8"), got):
        ok = False
    return ok


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--memql", required=True)
    options.add_argument("--update", action="store_true", help="rewrite what is expected")
    options.add_argument("case", nargs="+", type=pathlib.Path)
    args = options.parse_args()
    memql = str(pathlib.Path(args.memql).resolve())

    ok = True
    for case in args.case:
        case = case.resolve()
        files = [case.with_suffix("." + stage) for stage in DUMPS + ["err"]]
        files = [file for file in files if file.exists()]
        if not files:
            print(f"{case}: nothing beside it says what to expect")
            ok = False
        for file in files:
            ok &= check(memql, case, file, args.update)
    return 0 if ok else 1


sys.exit(main())
