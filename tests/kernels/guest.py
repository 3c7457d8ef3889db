"""Inside of a guest: runs the tests that load programs, a line for each.

usage: guest.py [PATTERN...], patterns of names such as builtins/hist or runtime/*

The tests run in children of this process, which has what they import already: in an emulated
machine the start of an interpreter takes longer than most of them.
"""

import argparse  # noqa: F401 (as the others that are not used here: for the tests)
import atexit
import collections  # noqa: F401
import difflib  # noqa: F401
import fnmatch
import json  # noqa: F401
import os
import pathlib
import platform
import re
import runpy
import shlex  # noqa: F401
import shutil  # noqa: F401
import signal  # noqa: F401
import socket  # noqa: F401
import subprocess  # noqa: F401
import sys
import tempfile
import threading  # noqa: F401
import time
import traceback

TESTS = pathlib.Path(__file__).resolve().parent.parent
BUILD = TESTS.parent / "build/dev"
BPFTRACE = TESTS.parent / "bpftrace/usr"
DISKS = ["/dev/nvme0n1", "/dev/loop0"]  # nobody's: see run and init
TIMEOUT = 500  # seconds: an emulated machine is some 20 times as slow
TIMEOUT_LONG = 2000
LONG = ("fuzz/programs", "fuzz/evaluate", "compat/tools", "compat/reference")
SKIPPED = 77


def all_tests():
    """Names, and what to run: a file of Python and its arguments."""
    for case in sorted(TESTS.glob("builtins/*.mq")):
        yield f"builtins/{case.stem}", [TESTS / "builtins.py", "--memql", BUILD / "memql", case]
    for directory in ("runtime", "scripts", "compat"):
        for case in sorted((TESTS / directory).glob("*.py")):
            yield f"{directory}/{case.stem}", [case]
    for page in sorted(TESTS.parent.glob("docs/lessons/*.md")):
        yield f"lessons/{page.stem}", [TESTS / "lesson.py", page]
    yield "fuzz/programs", [TESTS / "fuzz/programs.py", "--no-shrink", "--show", "0", "2000"]
    for name in ("arithmetic", "evaluate"):
        yield f"fuzz/{name}", [TESTS / f"fuzz/{name}.py"]
    yield "features/doctor", [TESTS / "kernels/features.py"]
    if (BPFTRACE / "bin/bpftrace").exists():
        reference = f"{BPFTRACE}/lib64/ld-linux-x86-64.so.2 --library-path {BPFTRACE}/lib/x86_64-linux-gnu " \
                    f"{BPFTRACE}/bin/bpftrace"
        yield "compat/reference", [TESTS / "compat/tools.py", "--reference", reference]


def be_test(command, environment, output):
    """In a child: what python3 COMMAND would do."""
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.update(environment)
    sys.argv = [str(word) for word in command]
    sys.path[0] = os.path.dirname(sys.argv[0])
    status = 0
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as e:
        status = e.code if isinstance(e.code, int) else e.code is not None
    except BaseException:
        traceback.print_exc()
        status = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def waiting():
    """Where the threads wait of all that a test has started."""
    lines = []
    for task in sorted(pathlib.Path("/proc").glob("[0-9]*/task/[0-9]*")):
        try:
            stack = (task / "stack").read_text(encoding="utf-8").split("\n")[:6]
            if (task / "cmdline").read_bytes():
                command = (task / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:150]
                lines.append(" ".join([task.name, command, *(x.split("+")[0].removeprefix("[<0>] ") for x in stack)]))
        except OSError:
            pass  # it has ended
    return "\n".join(lines)


def run(command, environment, timeout):
    """Its exit status, or why there is none, and what it printed."""
    with tempfile.TemporaryFile() as output:
        child = os.fork()
        if child == 0:
            be_test(command, environment, output.fileno())
        status, end, pause = None, time.monotonic() + timeout, 0.02
        while status is None:
            ended, code = os.waitpid(child, os.WNOHANG)
            if ended:
                status = os.waitstatus_to_exitcode(code)
            elif time.monotonic() > end:
                where = waiting()
                os.killpg(child, signal.SIGKILL)
                os.waitpid(child, 0)
                status = "time-out"
                output.write(f"\n{where}\nno end after {timeout} s\n".encode())
            else:
                time.sleep(pause)
                pause = min(0.2, pause * 1.2)
        output.seek(0)
        return status, output.read().decode("utf-8", "replace")


def main():
    patterns = sys.argv[1:] or ["*"]
    environment = dict(
        MEMQL=str(BUILD / "memql"), MEMSQLD=str(BUILD / "demo/memsqld"),
        LOAD=str(BUILD / "tests/memql_load"), KERNEL_CAN=str(BUILD / "tests/kernel_can"),
        BTF_DUMP=str(BUILD / "tests/btf_dump"), FUZZ_DRIVE=str(BUILD / "tests/fuzz_drive"),
        MEMQL_BUILD=str(BUILD), MEMQL_TEST_SLOWNESS="10", MEMQL_TEST_GUEST="1",
        MEMQL_BPFTRACE_TOOLS=str(BPFTRACE / "sbin"),
    )
    for disk in filter(os.path.exists, DISKS):
        environment.setdefault("MEMQL_TEST_DISK", disk)
    failed = []
    print(f"kernel  {platform.release()}", flush=True)
    for name, command in all_tests():
        if not any(fnmatch.fnmatch(name, p) for p in patterns):
            continue
        begin = time.time()
        status, output = run(command, environment, TIMEOUT_LONG if name in LONG else TIMEOUT)
        word = {0: "ok", SKIPPED: "skipped"}.get(status, "FAILED")
        print(f"{word:8}{name} ({time.time() - begin:.1f} s)", flush=True)
        for line in re.findall("^feature\t.*", output, re.MULTILINE):
            print(line)
        if word != "ok" or "\nrow\t" in "\n" + output:
            print("        " + output.rstrip().replace("\n", "\n        "), flush=True)
        if word == "FAILED":
            failed.append(name)
    print("guest: " + ("failed: " + " ".join(failed) if failed else "all passed"), flush=True)


main()
