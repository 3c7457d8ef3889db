"""Every example of the reference loads into this kernel, or memql says what the kernel lacks."""

import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import check, need, run_memql

REFERENCE = pathlib.Path(__file__).resolve().parent.parent.parent / "docs/reference.md"
# What another machine may lack, as memql's tags say it.
LACKS = re.compile(r"\[(no_such_probe|no_such_file|not_on_this_kernel|unknown_symbol)\]")


def examples():
    """The row that each is of, and its text."""
    title = ""
    block = None
    for line in REFERENCE.read_text(encoding="utf-8").splitlines():
        if line.startswith("### "):
            title = line.removeprefix("### ").split("`")[1]
        elif line.startswith("```"):
            if block:
                yield title, "\n".join(block)
            block = None if block is not None else []
        elif block is not None:
            block.append(line)


def main():
    need("bpf")
    lacks, failed, n = [], [], 0
    trampolines = subprocess.run([os.environ["KERNEL_CAN"], "fentry"], capture_output=True, check=False)
    for title, text in examples():
        n += 1
        if trampolines.returncode and re.search("fentry|fexit", text):
            lacks.append(title)
            continue
        done = run_memql("--dry-run", "--unsafe", "-p", str(os.getpid()), "-e", text)
        if done.returncode == 0:
            continue
        if LACKS.search(done.stderr) and "verifier" not in done.stderr:
            lacks.append(title)
        else:
            failed.append(f"{title}: {done.stderr.strip()}")
    print("this machine lacks what these need: " + (", ".join(lacks) or "none"))
    check(n > 100, f"{n} examples")
    check(not failed, "\n".join(failed) or f"{n - len(lacks)} load")


main()
