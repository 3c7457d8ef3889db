#!/usr/bin/env python3
"""Stacks, against /proc/PID/stack for the kernel and a chain of calls that is known for a
program; symbols against /proc/kallsyms; what there is no room for is counted."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from tracing import Memql, check, lost, map_of, need_root, run_memql, skip  # noqa: E402

need_root()
CHAIN = r"""
#include <stdio.h>
#include <unistd.h>
#define STEP(name, next) __attribute__((noinline)) int name(int n) \
    { int r = next(n); __asm__ volatile("" : "+r"(r)); return r; }
__attribute__((noinline)) int leaf(int n) { __asm__ volatile("nop"); return n; }
STEP(third, leaf)
STEP(second, third)
STEP(first, second)
/* As many different stacks as there are numbers: one of two ways down for each bit. */
__attribute__((noinline)) int left(int n, int depth);
__attribute__((noinline)) int down(int n, int depth)
{
    int r = depth == 0 ? leaf(n) : n & 1 ? left(n >> 1, depth - 1) : down(n >> 1, depth - 1);
    __asm__ volatile("" : "+r"(r));
    return r;
}
int left(int n, int depth) { int r = down(n, depth); __asm__ volatile("" : "+r"(r)); return r; }
int main(int argc, char **argv)
{
    if (argc > 1)
        for (int i = 0; i < 1 << 14; i++)
            down(i, 14);
    else
        first(1);
    return 0;
}
"""


def build(directory):
    source, program = os.path.join(directory, "chain.c"), os.path.join(directory, "chain")
    with open(source, "w") as f:
        f.write(CHAIN)
    cc = shutil.which("cc")
    if not cc:
        skip("no C compiler")
    subprocess.run([cc, "-O1", "-fno-omit-frame-pointer", "-fno-optimize-sibling-calls", "-o", program, source],
                   check=True)
    return program


def functions(stack):
    return [re.sub(r"\+\d+$", "", frame) for frame in stack]


def entries(m, name):
    """The stacks that are keys of a map."""
    return [e["key"][0] for event in m.events() if isinstance(event.get("data"), dict)
            for e in event["data"].get(name, [])]


def test_user(directory, program):
    m = Memql(directory, "user", ["-e", f"uprobe:{program}:leaf {{ @[ustack] = count(); "
                                  "@perf[ustack(perf, 2)] = count(); @len = len(ustack); }"])
    subprocess.run([program], check=True)
    m.stop()
    stacks = entries(m, "@")
    check(len(stacks) == 1, "one stack")
    names = functions(stacks[0])
    # The caller of a function's first instruction is not in the frame pointer's chain.
    check(names[:4] == ["leaf", "second", "first", "main"] or
          names[:5] == ["leaf", "third", "second", "first", "main"],
          f"after the process has ended: {names}")


def kernel_stack(pid):
    with open(f"/proc/{pid}/stack") as f:
        return [re.match(r"\[<0>\] (\S+)\+0x", line).group(1) for line in f]


def test_kernel_sleep(directory):
    """While it sleeps, /proc/PID/stack has the frames below the scheduler's."""
    m = Memql(directory, "sleep", ["-c", "exec sleep 1", "-e", "tracepoint:sched:sched_switch "
                                   '/pid == cpid && comm == "sleep"/ { @[kstack] = count(); }'])
    want = []
    for _ in range(200):
        pids = subprocess.run(["pgrep", "-P", str(m.process.pid), "sleep"], capture_output=True, text=True,
                              check=False).stdout.split()
        if pids:
            found = kernel_stack(pids[0])
            if "hrtimer_nanosleep" in found:
                want = found
                break
    m.end()
    stacks = [functions(s) for s in entries(m, "@")]
    check(bool(want), "the command was seen asleep")
    check(any(s[-len(want):] == want for s in stacks), f"as /proc has it: {want}")


def test_symbols():
    wanted = {}
    with open("/proc/kallsyms") as f:
        for line in f:
            address, kind, name = line.split()[:3]
            if name in ("schedule", "vfs_read", "do_nanosleep", "jiffies_64"):
                wanted[name] = int(address, 16)
    body = " ".join(f'printf("%s %d\\n", ksym({a}), kaddr("{n}") == {a});' for n, a in wanted.items())
    done = run_memql("-q", "-e", "BEGIN { %s exit(); }" % body)
    check(done.stdout.split("\n")[:-1] == [f"{n} 1" for n in wanted], f"ksym, kaddr of {list(wanted)}")


def test_full(directory, program):
    """16384 different stacks, and room for 8192."""
    m = Memql(directory, "full", ["-e", f"uprobe:{program}:leaf {{ $s = ustack(raw); @n = count(); "
                                  "if (len($s) == 0) { @lost = count(); } }"],
              env={"MEMQL_WITHOUT": "lazy_maps"})
    subprocess.run([program, "many"], check=True)
    m.stop()
    events = m.events()
    gone = sum(e["data"]["count"] if "count" in e["data"] else e["data"]["events"] for e in lost(events))
    total, missing = map_of(events, "@n"), map_of(events, "@lost")
    check(total == 1 << 14, f"{total} stacks")
    check(missing == gone == (1 << 14) - 8192, f"{missing} have none, {gone} are counted")


with tempfile.TemporaryDirectory() as directory:
    program = build(directory)
    test_user(directory, program)
    test_kernel_sleep(directory)
    test_symbols()
    test_full(directory, program)
