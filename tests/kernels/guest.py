"""Inside of a guest: runs the tests that load programs, a line for each.

usage: guest.py [PATTERN...], patterns of names such as builtins/hist or runtime/*
"""

import fnmatch
import os
import pathlib
import subprocess
import sys
import time

TESTS = pathlib.Path(__file__).resolve().parent.parent
BUILD = TESTS.parent / "build"
BPFTRACE = TESTS.parent / "bpftrace/usr"
DISKS = ["/dev/nvme0n1", "/dev/loop0"]  # nobody's: see run and init
TIMEOUT = 3000  # seconds: an emulated machine is some 20 times as slow
SKIPPED = 77


def all_tests():
    python = [sys.executable, "-B"]
    for case in sorted(TESTS.glob("builtins/*.mq")):
        command = [*python, str(TESTS / "builtins.py"), "--memql", str(BUILD / "memql"), str(case)]
        yield f"builtins/{case.stem}", command
    for directory in ("runtime", "scripts", "compat"):
        for case in sorted((TESTS / directory).glob("*.py")):
            yield f"{directory}/{case.stem}", [*python, str(case)]
    if (BPFTRACE / "bin/bpftrace").exists():
        reference = f"{BPFTRACE}/lib64/ld-linux-x86-64.so.2 --library-path {BPFTRACE}/lib/x86_64-linux-gnu " \
                    f"{BPFTRACE}/bin/bpftrace"
        yield "compat/reference", [*python, str(TESTS / "compat/tools.py"), "--reference", reference]


def main():
    patterns = sys.argv[1:] or ["*"]
    environment = dict(
        os.environ, MEMQL=str(BUILD / "memql"), MEMSQLD=str(BUILD / "demo/memsqld"),
        LOAD=str(BUILD / "tests/memql_load"), KERNEL_CAN=str(BUILD / "tests/kernel_can"),
        BTF_DUMP=str(BUILD / "tests/btf_dump"),
        MEMQL_BUILD=str(BUILD), MEMQL_TEST_SLOWNESS="10", MEMQL_TEST_GUEST="1",
        MEMQL_BPFTRACE_TOOLS=str(BPFTRACE / "sbin"),
    )
    for disk in filter(os.path.exists, DISKS):
        environment.setdefault("MEMQL_TEST_DISK", disk)
    failed = []
    for name, command in all_tests():
        if not any(fnmatch.fnmatch(name, p) for p in patterns):
            continue
        begin = time.time()
        try:
            done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=TIMEOUT, check=False)
            status, output = done.returncode, done.stdout.decode("utf-8", "replace")
        except subprocess.TimeoutExpired as e:
            status, output = "time-out", (e.stdout or b"").decode("utf-8", "replace")
        word = {0: "ok", SKIPPED: "skipped"}.get(status, "FAILED")
        print(f"{word:8}{name} ({time.time() - begin:.1f} s)", flush=True)
        if word != "ok" or "\nrow\t" in "\n" + output:
            print("        " + output.rstrip().replace("\n", "\n        "), flush=True)
        if word == "FAILED":
            failed.append(name)
    print("guest: " + ("failed: " + " ".join(failed) if failed else "all passed"), flush=True)


main()
