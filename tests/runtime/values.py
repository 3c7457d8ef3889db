#!/usr/bin/env python3
"""What builtins say of the system, against what the system says of itself: /proc, /sys,
the C library, Python's socket."""

import glob
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from tracing import check, fail, need_root, run_memql  # noqa: E402

need_root()


def lines(program, *options):
    done = run_memql("-q", *options, "-e", program)
    if done.returncode != 0:
        fail(f"{program}\n{done.stderr}")
    return done.stdout.splitlines()


def compare(what, got, want):
    wrong = [(g, w) for g, w in zip(got, want) if g != w]
    check(len(got) == len(want) and not wrong, f"{what}: {len(want)} of {len(want)}"
          if not wrong else f"{what}: {wrong[:5]}")


def shown(function, numbers, **options):
    """The function of each number, 40 to a program."""
    found = []
    for i in range(0, len(numbers), 40):
        body = " ".join(f"print({function}({n}));" for n in numbers[i:i + 40])
        found += lines("BEGIN { %s exit(); }" % body, **options)
    return found


def read(path):
    with open(path) as f:
        return f.read().strip()


def cpu_list(text):
    cpus = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        cpus |= set(range(int(first), int(last or first) + 1))
    return cpus


def test_errors():
    numbers = list(range(0, 133))
    known = [n for n in numbers if not os.strerror(n).startswith("Unknown")]
    compare("strerror", shown("strerror", known), [os.strerror(n) for n in known])
    compare("strerror of what the kernel returns", shown("strerror", [-n for n in known]),
            [os.strerror(n) for n in known])


def test_syscalls():
    """The C preprocessor reads the numbers, not CMake's regular expressions."""
    source = "#include <sys/syscall.h>\n"
    if not shutil.which("cc"):
        print("skipped  syscall_name: no compiler")
        return
    macros = subprocess.run(["cc", "-E", "-dM", "-"], input=source, capture_output=True,
                            text=True, check=False)
    if macros.returncode != 0:
        print("skipped  syscall_name: no compiler")
        return
    names = dict()
    for name, number in re.findall(r"#define __NR_(\w+) (\d+)$", macros.stdout, re.M):
        names[int(number)] = name
    numbers = sorted(names)
    compare("syscall_name", shown("syscall_name", numbers), [names[n] for n in numbers])


def test_addresses():
    rng = random.Random(7)
    v4 = [socket.inet_ntop(socket.AF_INET, rng.randbytes(4)) for _ in range(20)]
    v6 = []
    for _ in range(20):
        raw = bytearray(rng.randbytes(16))
        for i in range(0, 16, 2):
            if rng.random() < 0.5:  # runs of zeros are what is abbreviated
                raw[i:i + 2] = b"\0\0"
        v6.append(socket.inet_ntop(socket.AF_INET6, bytes(raw)))
    v6 += ["::", "::1", "1::", "::ffff:1.2.3.4", "fe80::1"]
    for family in (v4, v6):
        body = " ".join(f'print(ntop(pton("{a}")));' for a in family)
        compare("ntop(pton())", lines("BEGIN { %s exit(); }" % body), family)
    numbers = [int.from_bytes(socket.inet_aton(a), sys.byteorder) for a in v4]
    compare("ntop of numbers", shown("ntop", numbers), v4)


def test_cpus():
    possible = cpu_list(read("/sys/devices/system/cpu/possible"))
    got = lines("BEGIN { print(ncpus); exit(); }")
    compare("ncpus", got, [str(max(possible) + 1)])
    nodes = {}
    for path in glob.glob("/sys/devices/system/node/node*/cpulist"):
        text = read(path)
        for cpu in cpu_list(text) if text else ():
            nodes[cpu] = int(re.search(r"node(\d+)/", path).group(1))
    for line in lines('BEGIN { printf("%d %d\\n", cpu, numaid); exit(); }'):
        cpu, node = map(int, line.split())
        check(node == nodes.get(cpu, 0), f"numaid of CPU {cpu}: {node}")


def test_clocks():
    before = time.clock_gettime_ns(time.CLOCK_TAI)
    text, = lines("BEGIN { print((uint64)nsecs(sw_tai)); exit(); }")
    after = time.clock_gettime_ns(time.CLOCK_TAI)
    check(before - 10**5 <= int(text) <= after + 10**5, "nsecs(sw_tai) is now")
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    text, = lines("BEGIN { print((uint64)nsecs(monotonic)); exit(); }")
    after = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    check(before <= int(text) <= after, "nsecs(monotonic) is now")


def test_cgroups():
    mounts = [m.split() for m in read("/proc/self/mounts").splitlines()]
    unified = [m[1] for m in mounts if m[2] == "cgroup2"]
    if not unified:
        print("skipped  cgroups: version 2 is not mounted")
        return
    own = [line.split(":")[2] for line in read("/proc/self/cgroup").splitlines()
           if line.startswith("0::")][0]
    number = str(os.stat(unified[0] + own).st_ino)
    got = lines("BEGIN { print(cgroup); print(cgroup_path(cgroup, \"unified\")); "
                f"print(cgroupid(\"{unified[0] + own}\")); exit(); }}")
    compare("cgroup, cgroup_path, cgroupid", got, [number, own, number])


def test_user():
    got = lines("BEGIN { print(username); exit(); }")
    want = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout
    compare("username", got, [want.strip()])


def test_tasks():
    if os.readlink("/proc/self/ns/pid") != "pid:[4026531836]":
        print("skipped  tasks: /proc has other numbers in a container")
        return
    got = lines('BEGIN { printf("%d %s %d\\n", ppid, pcomm, ppid(curtask.real_parent)); exit(); }')
    compare("ppid, pcomm", got, [f"{os.getpid()} {read('/proc/self/comm')} {os.getppid()}"])


def test_command():
    child = lines('tracepoint:sched:sched_process_exit /pid == cpid/ '
                  '{ printf("%d\\n", pid); exit(); }', "-c", "true")
    check(len(child) == 1 and int(child[0]) > 1, f"cpid: {child}")


for test in (test_errors, test_syscalls, test_addresses, test_cpus, test_clocks,
             test_cgroups, test_user, test_tasks, test_command):
    test()
