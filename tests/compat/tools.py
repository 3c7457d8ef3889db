#!/usr/bin/env python3
"""Tries bpftrace's own tools and the lessons of its one-liner tutorial with memql.

Each goes as far as it gets: parsed, typed, loaded into this kernel, attached, printed what
it must about what lib/workload.py does meanwhile. The programs come from fetch and are not
kept; what they print about the rest of the machine is looked at for the patterns in
lib/programs.py, and forgotten.

    results                 how far each got, on the kernels that it was tried with
    docs/compatibility.md   the same as a table

usage: tools.py [--memql PROGRAM] [NAME...]     the test: status 1 if one got less far
       tools.py --update [NAME...]              the same, and writes results and the table
       tools.py --merge OUTPUT...               takes in what guests of tests/kernels/run said
       tools.py --reference COMMAND [NAME...]   with bpftrace, to see that the patterns are right
       tools.py --page                          prints the table
"""

import argparse
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "lib"))
import programs  # noqa: E402 (behind the path to it)

RESULTS = HERE / "results"
PAGE = HERE.parent.parent / "docs/compatibility.md"
SKIP = 77
SLOWNESS = float(os.environ.get("MEMQL_TEST_SLOWNESS", 1))
RUN_SECONDS = 0.7 * SLOWNESS  # at least, if something is printed at the end
WAIT_SECONDS = 8 + 4 * SLOWNESS  # at most, for a line
COMPILE_SECONDS = 60 * SLOWNESS
STAGES = ["refused", "parsed", "typed", "loaded", "attached", "printed"]
TIMED_OUT = 124


class Tool:
    """memql: how to make it stop behind a stage, and how it says that it is attached."""

    suffix = ""  # of the kernel, in results
    # Errors that can be the kernel's; what another one says is missing is memql's.
    kernel_tags = ("no_such_probe", "not_on_this_kernel", "unknown_symbol")
    before_run = [("parsed", ["--dump=ast"]), ("typed", ["--dump=plan"]), ("loaded", ["--dry-run"])]
    attached = re.compile(r"^Attached ", re.MULTILINE)

    def __init__(self, command):
        self.command = command

    def kernel_lacks(self, program, source):
        """What this kernel must have for the program and has not; measured without memql."""
        if re.search(r"^(k|kr|kprobe|kretprobe):|[\s,](kprobe|kretprobe):", source, re.MULTILINE) and not (
                pathlib.Path("/sys/bus/event_source/devices/kprobe").exists()):
            return "no kprobes"
        for has, lack in program.lacks:
            if not has():
                return lack
        return ""


class Bpftrace(Tool):
    suffix = " bpftrace"
    before_run = []
    attached = re.compile(r"^Attach", re.MULTILINE)


class Output:
    """What a program prints, in memory only."""

    def __init__(self, stream):
        self.text = ""
        self.thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self.thread.start()

    def _read(self, stream):
        while data := os.read(stream.fileno(), 1 << 16):
            self.text += data.decode("utf-8", "replace")

    def has(self, patterns):
        return all(re.search(p, self.text, re.MULTILINE) for p in patterns)


def first_error(text):
    """The first error, without the place: programs are not shown."""
    for line in text.splitlines():
        found = re.search(r"(?:error|ERROR): (.*)", line)
        if found:
            return found.group(1)
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


def wait_until(condition, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def patterns_for(program, pid):
    values = {"pid": pid, "comm": programs.MARK, "ppid": os.getpid()}
    return [[re.sub(r"\{(pid|comm|ppid)\}", lambda m: str(values[m.group(1)]), p).replace("{{", "{").replace("}}", "}")
             for p in patterns] for patterns in (program.live, program.end)]


def watch(tool, program, arguments, before):
    """Runs it with its workload: the stage it reached from that one, and why no further."""
    process = subprocess.Popen([*tool.command, *arguments], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = Output(process.stdout), Output(process.stderr)
    workload = None
    try:
        wait_until(lambda: tool.attached.search(err.text + out.text) or process.poll() is not None,
                   COMPILE_SECONDS)
        if not tool.attached.search(err.text + out.text):
            return before, first_error(err.text)
        workload = subprocess.Popen([sys.executable, "-B", str(HERE / "lib/workload.py"), *program.acts],
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        live, end = patterns_for(program, workload.pid)
        workload.stdout.readline()  # it runs
        begin = time.monotonic()
        wait_until(lambda: out.has(live), WAIT_SECONDS)
        if end:
            time.sleep(max(0, RUN_SECONDS - (time.monotonic() - begin)))
        process.send_signal(signal.SIGINT)
        try:
            process.wait(WAIT_SECONDS * 3)
        except subprocess.TimeoutExpired:
            return "attached", "it did not end"
        out.thread.join()
        for pattern, shown in zip(live + end, program.live + program.end):
            if not out.has([pattern]):
                return "attached", f"no line like {shown}"
        return "printed", ""
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if workload:
            workload.stdin.close()
            try:
                workload.wait(10 * SLOWNESS)
            except subprocess.TimeoutExpired:
                workload.kill()
                workload.wait()


def run(command):
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", timeout=COMPILE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return TIMED_OUT, "", "it did not end"
    return done.returncode, done.stdout, done.stderr


def list_probes(tool, program):
    status, out, err = run([*tool.command, "-l", program.text])
    if status:
        return "refused", first_error(err)
    for pattern in program.live:
        if not re.search(pattern, out, re.MULTILINE):
            return "parsed", f"no line like {pattern}"
    return "printed", ""


def try_program(tool, program, path):
    """The stage that it reached, why no further, and whether that is the kernel's fault."""
    if program.listing:
        return *list_probes(tool, program), False
    source = path.read_text(encoding="utf-8")
    stage, why = "refused", ""
    for reached, options in tool.before_run:
        status, _, err = run([*tool.command, *options, str(path)])
        if status:
            why = first_error(err)
            break
        stage = reached
    else:
        stage, why = watch(tool, program, [str(path)], stage)
    tag = re.search(r" \[(\w+)\]$", why)
    lack = "" if stage == "printed" else tool.kernel_lacks(program, source)
    if lack and (not tag or tag.group(1) in tool.kernel_tags):
        return stage, lack, True
    if tag and tag.group(1) == "unknown_field":  # of the kernel's types, which differ
        return stage, why[:tag.start()], True
    return stage, why[:tag.start()] if tag else why, False


def read_results():
    """{kernel: {program: (stage, reason)}}"""
    found = {}
    if RESULTS.exists():
        for line in RESULTS.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                kernel, name, stage, why = (line.split("\t") + [""])[:4]
                found.setdefault(kernel, {})[name] = (stage, why)
    return found


def kernels(results):
    """The newest first."""
    return sorted(results, key=lambda k: [-int(part) for part in k.split()[0].split(".")] + [len(k)])


def write_results(results):
    lines = ["# How far memql gets with bpftrace's programs: kernel, program, stage, why no further.",
             "# Written by tools.py; docs/compatibility.md shows it."]
    for kernel in kernels(results):
        for program in programs.TOOLS + programs.LINES:
            if program.name in results[kernel]:
                stage, why = results[kernel][program.name]
                lines.append("\t".join([kernel, program.name, stage, why]).rstrip())
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


def table(results, group):
    columns = kernels(results)
    lines = ["| program | " + " | ".join(columns) + " | |", "|---" * (len(columns) + 2) + "|"]
    for program in group:
        cells, notes = [], [program.remark] if program.remark else []
        for kernel in columns:
            stage, why = results[kernel].get(program.name, ("not tried", ""))
            cells.append(stage)
            why = why.replace("|", "\\|")
            if why and "bpftrace" not in kernel:
                notes.append(f"{kernel}: {why}")
        lines.append(f"| {program.name} | " + " | ".join(cells) + f" | {'; '.join(notes)} |")
    return lines


def page():
    """docs/compatibility.md"""
    results = read_results()
    return "\n".join([
        "# bpftrace's programs in memql", "",
        "How far each gets, by kernel: parsed, typed, loaded into the kernel, attached, and printed what it must",
        "about a workload (`tests/compat/lib/workload.py`). Each stage includes those before it; \"refused\" is none. The",
        "last column says why no further.", "",
        "`tests/compat/tools.py --update` writes this page; as a test it fails when a program gets less far. The",
        "programs are bpftrace 0.27.1's as Debian packages them; its changelog names no change to the tools since",
        "0.26. They are fetched for a run and are no part of memql. The columns \"bpftrace\" are bpftrace 0.27.1 in the",
        "same test on the same kernel. 6.18 is a kernel without kprobes; 5.15 is Ubuntu's, the others are Debian's, in",
        "guests (`tests/kernels/run`).", "",
        "## The tools", "", *table(results, programs.TOOLS), "",
        "## The one-liner tutorial", "",
        "One line for each of its lessons, written anew with the same constructs.", "",
        *table(results, programs.LINES), "",
        "Single constructs are compared in `tests/compat/constructs/`; where memql differs on purpose,",
        "[decisions.md](decisions.md) says why.", ""])


def merge(files):
    """Rows of guests: "row KERNEL NAME STAGE WHY" with tabs, among their other output."""
    results = read_results()
    for file in files:
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            found = line.strip().split("\t")
            if found[0] == "row":
                kernel, name, stage, why = (found[1:] + [""])[:4]
                results.setdefault(kernel, {})[name] = (stage, why)
    write_results(results)


def directory_of_tools():
    """Where fetch put the tools, or the reason why it could not."""
    given = os.environ.get("MEMQL_BPFTRACE_TOOLS")
    if given:
        if not pathlib.Path(given).is_dir():
            print(f"skipped: there is no {given}")
            sys.exit(SKIP)
        return pathlib.Path(given)
    done = subprocess.run([str(HERE / "fetch")], capture_output=True, text=True, check=False)
    answer = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr.strip()
    if done.returncode:
        print(answer if answer.startswith("skipped") else f"skipped: fetch failed: {answer}")
        sys.exit(SKIP)
    return pathlib.Path(answer) / "root/usr/sbin"


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--memql", default=os.environ.get("MEMQL", "build/dev/memql"))
    options.add_argument("--update", action="store_true")
    options.add_argument("--merge", action="store_true")
    options.add_argument("--reference", metavar="COMMAND")
    options.add_argument("--page", action="store_true")
    options.add_argument("name", nargs="*")
    args = options.parse_args()
    if args.merge:
        merge([pathlib.Path(name) for name in args.name])
        return 0
    if args.page:
        print(page(), end="")
        return 0
    if os.geteuid() != 0:
        print("skipped: needs root")
        return SKIP

    tools = directory_of_tools()
    tool = Tool([str(pathlib.Path(args.memql).resolve())])
    if args.reference:
        tool = Bpftrace(shlex.split(args.reference))
    kernel = ".".join(os.uname().release.split(".")[:2]) + tool.suffix
    results = read_results()
    known = results.setdefault(kernel, {})
    worse = better = 0
    with tempfile.TemporaryDirectory() as directory:
        for program in programs.TOOLS + programs.LINES:
            if args.name and program.name not in args.name:
                continue
            path = tools / f"{program.name}.bt"
            if program.text:
                path = pathlib.Path(directory) / "line.bt"
                path.write_text(program.text + "\n", encoding="utf-8")
            stage, why, excused = try_program(tool, program, path)
            print("\t".join(["row", kernel, program.name, stage, why]).rstrip(), flush=True)
            before = STAGES.index(known.get(program.name, ("refused", ""))[0])
            now = STAGES.index(stage)
            if now < before and not excused:
                print(f"FAILED: {program.name}: {STAGES[before]} before")
                worse += 1
            better += now > before
            known[program.name] = (stage, why)
    print(f"{worse} got less far than before, {better} further")
    if args.update:
        write_results(results)
        return 0
    return 1 if worse else 0


sys.exit(main())
