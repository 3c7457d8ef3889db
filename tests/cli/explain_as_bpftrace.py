#!/usr/bin/env python3
"""explain --as bpftrace: the text, or what bpftrace does not have."""

import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import check, run_memql

# All versions of bpftrace know these.
SAME = [
    "BEGIN { @ = count(); exit(); }",
    "interval:s:1 /pid > 1/ { @x[comm, tid] = hist(nsecs % 100); } END { clear(@x); }",
    'profile:hz:99 { $n = 1; while ($n < 3) { $n++; } printf("%d %s\\n", $n, comm); }',
]
# And these none.
OURS = [
    ("BEGIN { @ = normalize(comm); }", "bpftrace has no normalize"),
    ("let @io = span((n = 0)); BEGIN { start(@io[1], (n = 1)); done(@io[1]); } io:done { @ = args.n; }", "bpftrace has no spans"),
    ("BEGIN { if (has_json) { exit(); } }", "bpftrace has no has_json"),
    ('BEGIN { @ = getopt("n", 1, "how many", 0, 9); }', "have no limits"),
    ('BEGIN { fire("disk:slow", (ms = 1)); } disk:slow { @ = args.ms; }', "bpftrace has no events"),
]


def theirs(program):
    """bpftrace itself takes it; what it prints then is of no interest."""
    bpftrace = shutil.which("bpftrace")
    if not bpftrace or os.geteuid():
        print("        bpftrace was not asked")
        return
    done = subprocess.run([bpftrace, "-d", "-e", program], capture_output=True, text=True, timeout=60, check=False)
    check(done.returncode == 0, f"bpftrace takes it {done.stderr[:200] if done.returncode else ''}")


for text in SAME:
    done = run_memql("explain", "--as", "bpftrace", "-e", text)
    check(done.returncode == 0 and done.stdout == text + "\n", text + done.stderr)
theirs(SAME[1])
for text, words in OURS:
    done = run_memql("explain", "--as", "bpftrace", "-e", text)
    check(done.returncode == 1 and words in done.stderr and not done.stdout, f"{words}: {done.stderr[:300]}")
with tempfile.TemporaryDirectory() as directory:
    path = os.path.join(directory, "script.bt")
    with open(path, "w", encoding="utf-8") as out:
        out.write("#!/usr/bin/env memql\n// a comment\n" + SAME[0])
    done = run_memql("explain", "--as", "bpftrace", path)
    check(done.stdout == "// a comment\n" + SAME[0] + "\n", "a file, without its first line for the shell")
done = run_memql("explain", "--as", "pascal", "-e", SAME[0])
check(done.returncode == 1 and "wants c or bpftrace" in done.stderr, done.stderr.strip())
