#!/usr/bin/env python3
"""debugf() against what the kernel's trace buffer holds afterwards."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import check, need_root, run_memql, skip

# Where no tracefs is mounted, one that nobody else sees.
READ = "[ -d /sys/kernel/tracing/events ] || mount -t tracefs none /sys/kernel/tracing; grep -F \"$0\" /sys/kernel/tracing/trace"


def main():
    need_root()
    mark = f"memql-debugf-{os.getpid()}"
    program = (
        f'debugf("{mark} %d %6u|%-6x|%s|%llu|", -1, 7, 255); debugf("{mark} %s 100%% %s", "text", str(1234));'
        f' debugf("{mark} %p", 0xffff888000000000);'
    ).replace('|%s|%llu|", -1, 7, 255', '|", -1, 7, 255').replace("str(1234)", "comm")
    done = run_memql("-q", "-e", f"BEGIN {{ {program} exit(); }}")
    check(done.returncode == 0 and "lost" not in done.stderr, f"it runs: {done.stderr}")
    read = subprocess.run(["unshare", "--mount", "sh", "-c", READ, mark], capture_output=True, text=True, check=False)
    if read.returncode and read.stderr:  # a plain chroot has no namespaces for mounts
        skip(f"no tracefs: {read.stderr.strip()}")
    found = [line.partition(mark)[2].strip() for line in read.stdout.splitlines()]
    check(found == ["-1      7|ff    |", "text 100% memql", "ffff888000000000"], f"in the kernel's buffer: {found}")


main()
