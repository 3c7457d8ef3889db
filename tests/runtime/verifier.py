#!/usr/bin/env python3
"""
What a user sees when the verifier refuses a program. The words of this kernel's verifier
are all known (verifier_words.c). And programs that MEMQL_BREAK had built wrong are told
with the line and the words they are about, the verifier's sentence, what it means, and
how to report it; the report has all of it.
"""
import os
import re
import subprocess
import sys
import tempfile

MEMQL = os.environ["MEMQL"]
WORDS = os.environ.get("VERIFIER_WORDS") or os.path.join(os.environ["MEMQL_BUILD"], "tests/verifier_words")
ROWS_AT_LEAST = 25
failed = []


def check(ok, what):
    if not ok:
        failed.append(what)
        print("FAILED:", what)


def skip(why):
    print("skipped:", why)
    sys.exit(77)


def run(program, *options, without=None, file=None):
    environment = dict(os.environ, NO_COLOR="1")
    if without:
        environment["MEMQL_BREAK"] = without
    what = [file] if file else ["-e", program]
    done = subprocess.run([MEMQL, "-q", *options, *what], env=environment, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=600)
    return done.returncode, done.stderr.decode("utf-8", "replace")


def check_words():
    done = subprocess.run([WORDS], capture_output=True, text=True)
    print(done.stdout, end="")
    if done.returncode == 77:
        skip(done.stdout.strip())
    rows = {line.split()[2] for line in done.stdout.splitlines() if line.startswith("known")}
    check(done.returncode == 0, "a sentence of this kernel is not known")
    check(len(rows) >= ROWS_AT_LEAST, f"only {len(rows)} rows were tried")


# What is left out, a program, the place and the words that are marked, the row's meaning.
BROKEN = (
    ("null-check", "tracepoint:raw_syscalls:sys_enter {\n\t$x = 1;\n\t@last = args.id;\n}",
     "3:2", ("@last = args.id",), "a look-up may find nothing"),
    # Up to 6.12 the verifier looks at what follows the loop first.
    ("null-check", "BEGIN { for ($i : 0..9) { @n[$i] += 2; } }",
     "1:(27|9)", ("@n[$i] += 2", "for ($i : 0..9) { @n[$i] += 2; }"), "a look-up may find nothing"),
    ("index", "tracepoint:raw_syscalls:sys_enter { @ids = hist(args.id); }",
     "1:37", ("@ids = hist(args.id)",), "may lie behind the value"),
    ("bound", "tracepoint:syscalls:sys_enter_openat {\n  printf(\"%s\\n\", str(args.filename));\n}",
     "2:3", ("printf(\"%s\\n\", str(args.filename))",), "how many bytes a helper"),
    ("context", "tracepoint:raw_syscalls:sys_enter { @[tid] = args.id; }",
     "1:46", ("args.id",), "a part of the event's data"),
)


def marked(text):
    """The words over the carets of an excerpt."""
    lines = text.splitlines()
    for above, below in zip(lines, lines[1:]):
        carets = re.match(r"( +\| .*?)(\^~*)", below)
        if carets and above.lstrip()[:1].isdigit():
            return above[len(carets[1]):len(carets[1]) + len(carets[2])]
    return None


def check_broken(without, program, place, words, means):
    status, text = run(program, without=without)
    if status == 0 or "lacks bpf_loop" in text:
        print(f"taken, or not possible: {program!r} without {without}")
        return
    name = f"{without}: {program!r}"
    check(status == 1, f"{name}: status {status}")
    check(re.search(rf"<-e>:{place}: the kernel's verifier refuses the program of", text), f"{name}: the place")
    check(marked(text) in words, f"{name}: marks {marked(text)!r}")
    check(re.search(r"^  verifier: \S", text, re.M), f"{name}: no sentence")
    check(re.search(rf"^  means: .*{re.escape(means)}", text, re.M), f"{name}: the meaning")
    check("--report=FILE" in text, f"{name}: how to report it")
    check("\n0: (" not in text and "processed" not in text, f"{name}: a bare log")
    if failed:
        print(text)


def check_report(directory):
    path = os.path.join(directory, "report.txt")
    program = "tracepoint:raw_syscalls:sys_enter { @last = args.id; }"
    script = os.path.join(directory, "wrong.mq")
    with open(script, "w") as out:
        out.write(program)
    status, text = run(None, "--report", path, without="null-check", file=script)
    check(status == 1 and f"{path} has all" in text, f"the report is not told: {text}")
    with open(path) as report:
        has = report.read()
    for part in (r"^memql .*LLVM", r"^Linux " + re.escape(os.uname().release), r"^== features\n(.*\n)*ok +bpf",
                 r"^== command\n.*\n", rf"^== program {re.escape(script)}\n" + re.escape(program),
                 r"^== instructions\n", r"^== refused\n.*raw_syscalls", r"invalid mem access",
                 r"^== log\n(.*\n)*\d+: \("):
        check(re.search(part, has, re.M), f"the report lacks {part!r}")
    status, text = run(program, "--report", "/nowhere/x", without="null-check")
    check("--report /nowhere/x: No such file" in text, "a report that cannot be written")
    os.unlink(path)
    status, text = run("BEGIN { exit(); }", "--report", path)
    check(status == 0 and not os.path.exists(path), "a report of a program that was not refused")


def main():
    if os.geteuid() != 0:
        skip("needs root")
    can = subprocess.run([os.environ["KERNEL_CAN"], "bpf", "tracepoint"], capture_output=True, text=True)
    if can.returncode:
        skip(can.stdout.strip())
    check_words()
    for case in BROKEN:
        check_broken(*case)
    status, text = run("BEGIN { exit(); }", without="nothing")
    check(status == 1 and "MEMQL_BREAK has no 'nothing'; it takes null-check" in text, "a wrong name")
    with tempfile.TemporaryDirectory() as directory:
        check_report(directory)
    return 1 if failed else 0


sys.exit(main())
