#!/usr/bin/env python3
"""One lesson of docs/lessons: its solution is right, by the check and, where the log of
the demo engine can tell, by the log; its program with the gap is not, and is told why."""

import os
import pathlib
import re
import shlex
import shutil
import sys
import tempfile

from engines.demo import Demo, by_plan, total
from tracing import SLOWNESS, Memql, check, check_near, fail, map_of, need, run_memql

TREE = pathlib.Path(__file__).resolve().parent.parent
KEYS = ["title", "workload", "arguments", "compare", "hint"]
COLUMNS = 100  # of a terminal in which a lesson is read
SINCE_5_18 = {9, 10}  # rawtracepoint:sched_switch has args.prev_state; loops, which can be tried, came in 5.17
ATTEMPTS = 3 if SLOWNESS == 1 else 10  # times of two tracers may differ by more on a machine that is busy or emulated


def plans(log, value):
    return {plan: value(records) for plan, records in by_plan(log).items()}


# By lesson: maps whose numbers the log knows, and how near they must be (0: the same).
LOGGED = {
    1: {"@queries": (len, 0)},
    4: {"@plans": (lambda log: plans(log, len), 0),
        "@failed_text": (lambda log: {text: sum(r["query"] == text and r["status"] == 1 for r in log)
                                      for text in {r["query"] for r in log if r["status"] == 1}}, 0)},
    6: {"@net": (lambda log: plans(log, lambda p: total(p, "mem_net")), 0),
        "@peak": (lambda log: plans(log, lambda p: max(r["mem_peak"] for r in p)), 0)},
    7: {"@slowest": (lambda log: plans(log, lambda p: max(r["latency_ns"] for r in p)), 0.2)},
    10: {"@wall": (lambda log: total(log, "latency_ns"), 0.02)},
}


# By lesson, edits of the solution: what is as right as that, and what looks as if it were.
RIGHT = {
    1: [("@queries = count()", "@queries++"), ("query__start", "query__done")],
    2: [("/pid == $1/\n{\n\t@calls = count();", "{\n\tif (pid == $1) {\n\t\t@calls++;\n\t}"),
        ("/pid == $1/\n{", "{\n\tif (pid != $1) { return; }")],
    3: [("@bytes[comm] = sum(args.ret)", "@bytes[comm] += args.ret"), ("sum(args.ret)", "sum((int64)args.ret)")],
    4: [("arg1 != 0", "arg1 > 0"), ("@plans[arg3] = count()", "@plans[arg3]++")],
    5: [("has_key(@began, tid)", "@began[tid]"), ("nsecs", "elapsed")],
    6: [("@q[tid].net > @q[tid].peak", "@q[tid].peak < @q[tid].net"),
        ("@q[tid].net > @q[tid].peak", "arg0 > 0 && @q[tid].net > @q[tid].peak")],
    7: [("hist(args.duration)", "hist(args.end - args.start)"),
        ("@slowest[args.id] = max(args.duration)",
         "if (args.duration > @slowest[args.id]) { @slowest[args.id] = args.duration; }")],
    8: [("(args.op & 127) != 1", "((args.op & 127) == 0 || (args.op & 127) == 9)"),
        ("[@plan[tid]] = sum(nsecs - @since[tid])", "[@plan[tid]] += nsecs - @since[tid]")],
    9: [("has_key(@busy, args.prev->pid)", "has_key(@busy, tid)"), ("$state & 2", "$state == 2")],
    10: [("state >= SLEEP", "state != RUN"),
         ("rawtracepoint:sched_wakeup\n", "rawtracepoint:sched_wakeup,rawtracepoint:sched_wakeup_new\n")],
}
WRONG = {
    1: [("@queries = count()", "@queries = 1"), ("query__start", "query__*"), ("@queries", "@calls")],
    2: [("pid == $1", 'comm == "memsqld"'), ("pid == $1", "tid == $1"), ("count()", "sum(2)")],
    3: [(" && args.ret > 0", ""), ("sum(args.ret)", "count()"), ("@bytes[comm]", "@bytes[tid]")],
    4: [("arg1 == 1", "arg1 != 0"), ("str(arg0)", "str(arg0, 16)"), ("@plans[arg3]", "@plans[str(arg0)]")],
    5: [("tid", "pid"), ("hist(nsecs - @began[tid])", "hist((nsecs - @began[tid]) / 1000)"),
        ("\tdelete(@began, tid);\n", "")],
    6: [("@q[tid].peak = @q[tid].net", "@q[tid].peak += arg0"),
        ("@q[tid].net > @q[tid].peak", "arg0 > 0"), ("max(args.peak)", "sum(args.peak)")],
    7: [("hist(args.duration)", "hist(args.duration / 1000)"), ("max(", "avg("), ("[args.id]", "[args.text]")],
    8: [("has_key(@plan, tid) && ", ""), ("(args.op & 127) != 1", "args.op != 1"),
        ("\tdelete(@since, tid);\n", "")],
    9: [("$state & 2", "$state & 1"), ("\tdelete(@since, args.next->pid);\n", ""), (" || $state == 0", "")],
    10: [("change(args.p->pid, RUNNABLE", "change(args.p->pid, RUN"), ("state >= SLEEP", "state > SLEEP"),
         ("change(args.p->pid, RUNNABLE", "change(tid, RUNNABLE")],
}


def head_of(page):
    head = page.read_text(encoding="utf-8").split("\n---\n")[0].removeprefix("---\n")
    values = dict(line.split(": ", 1) for line in head.splitlines())
    check(list(values) == KEYS and all(values.values()), f"the head has {', '.join(KEYS)}")
    return values


def shown(number, text):
    """What the learner sees: no solution, no line that is too wide."""
    lesson = run_memql("lesson", number).stdout
    check("## Goal" in lesson and "memql solution" not in lesson, "the lesson is shown without its solution")
    wide = [line for line in lesson.splitlines() if len(line) > COLUMNS]
    check(not wide, f"no line is wider than {COLUMNS} columns {wide[:1]}")
    check(re.search(r"^```memql gap\n", text, re.M), "it has a program with a gap")


def program(directory, number, word):
    file = directory / f"{word}.mq"
    file.write_text(run_memql("lesson", number, "--" + word).stdout, encoding="utf-8")
    check(file.stat().st_size > 0, f"--{word} is a program")
    return str(file)


def late_only(said):
    """In an emulated machine the other tracer's probe takes a millisecond, which is no small part of some times."""
    differs = [line for line in said.splitlines() if line.startswith("  ")]
    pairs = [re.fullmatch(r".*: (\d+) expected, yours is (\d+)", line) for line in differs]
    return "MEMQL_TEST_GUEST" in os.environ and differs and all(
        pair and max(map(int, pair.groups())) < 3 * min(map(int, pair.groups())) for pair in pairs)


def checked(number, head, directory):
    gap, solution = program(directory, number, "start"), program(directory, number, "solution")
    done = run_memql("lesson", number, "--check", gap, timeout=600)
    check(done.returncode == 1, f"the gap is found:\n{done.stdout}{done.stderr}")
    names = [name.split()[0] for name in head["compare"].split(",")]
    differs = [line for line in done.stdout.splitlines() if line.startswith("  ")]
    check(differs and all(any(n in line for n in names) for line in differs if "memql lost" not in line),
          f"{len(differs)} lines say what differs")
    check(f"hint: {head['hint']}" in done.stdout, "there is a hint")
    taken(number, solution, "the solution")
    return solution


def taken(number, file, what):
    for _ in range(ATTEMPTS):
        done = run_memql("lesson", number, "--check", file, timeout=600)
        if done.returncode == 0:
            break
        print(done.stdout + done.stderr)
    check(done.returncode == 0 or late_only(done.stdout), f"{what}: {done.stdout.strip()}")


def edited(solution, edit, directory):
    text = pathlib.Path(solution).read_text(encoding="utf-8")
    check(edit[0] in text, f"the solution has '{edit[0]}'")
    file = directory / "edited.mq"
    file.write_text(text.replace(*edit), encoding="utf-8")
    return str(file)


def others(number, solution, directory):
    for edit in RIGHT[int(number)]:
        taken(number, edited(solution, edit, directory), f"'{edit[1]}' will do, too")
    for edit in WRONG[int(number)]:
        done = run_memql("lesson", number, "--check", edited(solution, edit, directory), timeout=600)
        check(done.returncode == 1 and "Not yet" in done.stdout,
              f"'{edit[1]}' will not do:\n{done.stdout}{done.stderr}")


def by_log(number, head, solution, directory):
    engine = Demo(directory, "log", *shlex.split(head["workload"]))
    words = head["arguments"].replace("PID", str(engine.pid)).split()
    if words[0][0] != "-" and "$1" not in pathlib.Path(solution).read_text(encoding="utf-8"):
        words = []
    memql = Memql(directory, "log", ["-p", str(engine.pid), solution, *words])
    log = engine.go()
    memql.end()
    events = memql.events()
    for name, (value, tolerance) in LOGGED[number].items():
        want, got = value(log), map_of(events, name)
        if tolerance == 0:
            check(got == want, f"{name} is what the log says" + ("" if got == want else f": {want}, not {got}"))
        elif isinstance(want, dict):
            check(got.keys() == want.keys(), f"{name} has the log's keys")
            for key, number_there in want.items():
                check_near(got[key], number_there, tolerance, f"{name}[{key}]")
        else:
            check_near(got, want, tolerance, name)


def main():
    need("bpf", "usdt", "tracepoint")
    page = pathlib.Path(sys.argv[1])
    number = page.name.split("_")[0].lstrip("0")
    if not number:
        fail(f"{page.name}: lessons are NN_name.md")
    if int(number) in SINCE_5_18:
        need("loop")
    directory = pathlib.Path(tempfile.mkdtemp(prefix="memql-lesson-"))
    try:
        head = head_of(page)
        shown(number, page.read_text(encoding="utf-8"))
        solution = checked(number, head, directory)
        others(number, solution, directory)
        if int(number) in LOGGED:
            by_log(int(number), head, solution, str(directory))
    finally:
        shutil.rmtree(directory, ignore_errors=True)


main()
