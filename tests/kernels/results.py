#!/usr/bin/env python3
"""What guests of tests/kernels/run said: as results of ctest, and as a table.

usage: results.py --test OUTPUT TEST      as this test of ctest: its status and what it printed
       results.py --ctest OUTPUT...       as tests in CTestTestfile.cmake beside the first
       results.py --update OUTPUT...      takes them into results and docs/kernels.md
       results.py --page                  prints that page

tests/kernels/results has a line for each kernel and test: kernel, test, what came of it, why,
and the commit that was tried.
"""

import argparse
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
RESULTS = HERE / "results"
PAGE = HERE.parent.parent / "docs/kernels.md"
SKIPPED = 77
WORDS = {"ok": "passed", "skipped": "skipped", "FAILED": "failed"}

KINDS = [
    ("BEGIN, END, interval, profile", "clocks"), ("self:signal", "signals"), ("software, hardware", "counters"),
    ("tracepoint", "tracepoints"), ("rawtracepoint", "raw_tracepoints"), ("kprobe, kretprobe", "kprobes"),
    ("fentry, fexit", "fentry"), ("iter", "iterators"), ("watchpoint", "watchpoints"),
    ("uprobe, uretprobe, usdt", "user_probes"),
]


class Guest:
    """One output: the kernel's release, and of each test what came of it and what it printed."""

    def __init__(self, path):
        self.kernel, self.commit, self.tests, self.features = "", "", {}, {}
        name = None
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            found = re.match(r"(ok|skipped|FAILED) +(\S+/\S+) \(", line)
            if found:
                name = found.group(2)
                self.tests[name] = [WORDS[found.group(1)], []]
            elif line.startswith("kernel  "):
                self.kernel = line.split()[1]
            elif line.startswith("commit  "):
                self.commit = line.split()[1]
            elif line.startswith("feature\t"):
                _, feature, state, why = [*line.split("\t"), ""][:4]
                self.features[feature] = state, why
            elif name and line.startswith("        "):
                self.tests[name][1].append(line.strip())

    def version(self):
        return ".".join(self.kernel.split(".")[:2])

    def why(self, name):
        """The last line of what is no success, in short."""
        word, lines = self.tests[name]
        if word == "passed" or not lines:
            return ""
        return lines[-1].removeprefix("skipped: ").removeprefix("FAILED").strip(" :")[:160]


def be_test(path, name):
    """The exit status of a test that ran in a guest, or of one that did not get so far."""
    if not path.exists():
        reason = path.with_suffix(".skipped")
        print("skipped:", reason.read_text(encoding="utf-8").strip() if reason.exists() else "no guest ran")
        return SKIPPED
    guest = Guest(path)
    if name not in guest.tests:
        print(f"the guest ended before {name}")
        return 1
    word, lines = guest.tests[name]
    print("\n".join([f"kernel {guest.kernel}: {word}", *lines]))
    return {"passed": 0, "skipped": SKIPPED}.get(word, 1)


def write_ctest(paths):
    """So that ctest and all that reads its results can be used on those of guests."""
    lines = []
    for path in paths:
        for name in Guest(path).tests:
            test = f"kernels/{path.stem}/{name}"
            lines.append(f'add_test("{test}" "{sys.executable}" "-B" "{HERE / "results.py"}" "--test" "{path}" "{name}")')
            lines.append(f'set_tests_properties("{test}" PROPERTIES LABELS kernels SKIP_RETURN_CODE {SKIPPED})')
    (paths[0].parent / "CTestTestfile.cmake").write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_results():
    rows = {}
    if RESULTS.exists():
        for line in RESULTS.read_text(encoding="utf-8").splitlines():
            kernel, name, word, why, commit = [*line.split("\t"), "", ""][:5]
            rows[kernel, name] = word, why, commit
    return rows


def update(paths):
    rows = read_results()
    for path in paths:
        guest = Guest(path)
        for name, (word, _) in guest.tests.items():
            rows[guest.version(), name] = word, guest.why(name), guest.commit
        for feature, (state, why) in guest.features.items():
            rows[guest.version(), f"feature/{feature}"] = state, why, guest.commit
    text = "".join("\t".join([*key, *value]).rstrip() + "\n" for key, value in sorted(rows.items()))
    RESULTS.write_text(text, encoding="utf-8")
    PAGE.write_text(page(rows), encoding="utf-8")


def number(version):
    return [int(x) for x in version.split(".")]


def table(kernels, head, rows):
    lines = [f"| {head} | " + " | ".join(kernels) + " |", "|---" * (len(kernels) + 1) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def single(rows, kernels, names):
    """A row for each (title, test)."""
    return [[title] + [rows.get((k, name), ("",))[0] or "not run" for k in kernels] for title, name in names]


def summed(rows, kernels, groups):
    """A row for each (title, pattern of tests): how many."""
    out = []
    for title, pattern in groups:
        cells = []
        for k in kernels:
            words = [w for (kernel, name), (w, _, _) in rows.items() if kernel == k and re.fullmatch(pattern, name)]
            counts = [f"{words.count(w)} {w}" for w in ("passed", "skipped", "failed") if w in words]
            cells.append(", ".join(counts) or "not run")
        out.append([title] + cells)
    return out


def reasons(rows, kernels):
    """Each reason once, with its tests and kernels."""
    found = {}
    for (kernel, name), (word, why, _) in rows.items():
        if word in ("skipped", "failed") or (name.startswith("feature/") and word != "yes"):
            found.setdefault((word, why), {}).setdefault(name, []).append(kernel)
    lines = []
    for (word, why), names in sorted(found.items()):
        of = "; ".join(f"{name} ({', '.join(sorted(ks, key=number))})" for name, ks in sorted(names.items()))
        lines.append(f"| {word} | {why.replace('|', chr(92) + '|')} | {of} |")
    if not lines:
        return ""
    return "\n## Why\n\n| | reason | tests (kernels) |\n|---|---|---|\n" + "\n".join(lines) + "\n"


def commits(rows):
    """Which commit was tried; where there are several, what is not of the most frequent one."""
    of = {}
    for (kernel, name), (_, _, commit) in rows.items():
        of.setdefault(commit or "an earlier commit", []).append(f"{name} ({kernel})")
    most, *others = sorted(of, key=lambda commit: -len(of[commit]))
    text = f"All lines are of the commit {most}" + (", but these are not:\n\n" if others else ".\n")
    for commit in others:
        names = sorted(of[commit])
        what = ", ".join(names) if len(names) <= 6 else f"{len(names)} tests, {names[0]} to {names[-1]}"
        text += f"- {commit}: {what}\n"
    return text


def page(rows):
    kernels = sorted({kernel for kernel, _ in rows}, key=number)
    kinds = [(title, f"runtime/{test}") for title, test in KINDS]
    kinds_of = "|".join(test for _, test in KINDS)
    names = sorted({name for _, name in rows if name.startswith("scripts/")})
    scripts = [(name.removeprefix("scripts/").removesuffix("_demo"), name) for name in names]
    features = sorted({name for _, name in rows if name.startswith("feature/")})
    text = f"""# Kernels

What was tried in guests with other kernels: Debian's (5.10, 6.1, 6.12 and sid's) and Ubuntu's 5.15, in QEMU with
software emulation. Made by `tests/kernels/run -u`; "not run" is what no run has tried yet.
[compatibility.md](compatibility.md) has bpftrace's programs on these kernels, [tests/fuzz](../tests/fuzz/README.md)
tells of the random programs.

5.15 has no loops in programs, so the shipped scripts, which have some, take 5.17; what has none runs there. 5.10 lacks
instructions that memql needs, and memql says so.

{commits(rows)}
## Kinds of probes

Each test counts what a process is known to do, and compares.

{table(kernels, "kind", single(rows, kernels, kinds))}
## Scripts

Against the log of the demo engine, which runs in the guest: its counts are exact.

{table(kernels, "test", single(rows, kernels, scripts))}
## Examples and other tests

{table(kernels, "", summed(rows, kernels, [
    ("an example of each builtin, with its output", "builtins/.*"), ("all examples of the reference load", "runtime/examples"),
    ("other tests of the runtime", f"runtime/(?!({kinds_of}|examples)$).*"), ("bpftrace's programs and constructs", "compat/.*"),
    ("lessons", "lessons/.*"), ("random programs: 2,000 that are loaded", "fuzz/programs"),
    ("random programs whose results are compared", "fuzz/(arithmetic|evaluate)"),
]))}"""
    if features:
        head = "feature of `memql doctor`"
        text += "\n## Features\n\n" + table(kernels, head, single(rows, kernels, [(f[8:], f) for f in features]))
    return text + reasons(rows, kernels)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--test", nargs=2, metavar=("OUTPUT", "TEST"))
    options.add_argument("--ctest", nargs="+", type=pathlib.Path, metavar="OUTPUT")
    options.add_argument("--update", nargs="+", type=pathlib.Path, metavar="OUTPUT")
    options.add_argument("--page", action="store_true")
    args = options.parse_args()
    if args.test:
        return be_test(pathlib.Path(args.test[0]), args.test[1])
    if args.ctest:
        write_ctest([path.resolve() for path in args.ctest])
    if args.update:
        update(args.update)
    if args.page:
        print(page(read_results()), end="")
    return 0


sys.exit(main())
