"""The programs that are compared, and how each is measured."""

import ctypes
import functools
import glob
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HERE = os.path.join(ROOT, "bench")
LIMIT = 60  # seconds for one measurement: the slowest, bpftrace with a hundred probes, takes eleven
STATS, ENABLE_STATS = {"x86_64": 321, "aarch64": 280}, 32


def enable_stats():
    """The kernel times every BPF program as long as this process lives: BPF_ENABLE_STATS."""
    attr = (ctypes.c_uint32 * 32)()
    fd = ctypes.CDLL(None, use_errno=True).syscall(STATS[platform.machine()], ENABLE_STATS, attr, 4)
    if fd < 0:
        raise SystemExit(f"bench: BPF_ENABLE_STATS: {os.strerror(ctypes.get_errno())}")
    return fd


def run_stats(pid):
    """What the kernel counted of each program that the process holds: id -> (ns, runs)."""
    found = {}
    for name in glob.glob(f"/proc/{pid}/fdinfo/*"):
        try:
            with open(name) as f:
                info = dict(re.findall(r"^(\w+):\t(\d+)$", f.read(), re.M))
        except OSError:
            continue  # closed meanwhile
        if "run_cnt" in info:
            found[info["prog_id"]] = (int(info["run_time_ns"]), int(info["run_cnt"]))
    return found


class Overdue(Exception):
    """What was to end within LIMIT did not."""


def overdue(_number, _frame):
    raise Overdue


def bounded(measure):
    """Of a method of Bench: it tells what it measures, and gives None where that has no end."""

    @functools.wraps(measure)
    def measured(self, rival, row, *rest):
        if not rival.command(row):
            return None
        self.tell(row.name)
        signal.signal(signal.SIGALRM, overdue)
        signal.alarm(LIMIT)
        try:
            return measure(self, rival, row, *rest)
        except Overdue:
            print(f"bench: {row.name}: {rival.name} did not end within {LIMIT} s", file=sys.stderr, flush=True)
            return None
        finally:
            signal.alarm(0)
            if self.tracer and self.tracer.poll() is None:
                os.killpg(self.tracer.pid, signal.SIGKILL)

    return measured


class Load:
    """load.c, on the last CPU."""

    def __init__(self, program, *arguments):
        cpu = max(os.sched_getaffinity(0))
        self.process = subprocess.Popen(
            ["taskset", "-c", str(cpu), program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self.process.pid
        self.asked = 0  # what it has not answered yet

    def do(self, what, n, rate=0):
        """Nanoseconds that it took."""
        self.process.stdin.write(f"{what.split()[0]} {n} {rate}\n")
        self.process.stdin.flush()
        self.asked += 1
        while self.asked:
            answer = self.process.stdout.readline()
            self.asked -= 1
        return int(answer)

    def close(self):
        self.process.kill()
        self.process.communicate()


class Rival:
    """A tracer; command(row) is what runs a row, or None where it has none."""

    def __init__(self, name, version, command, kind):
        self.name, self.version, self.command, self.kind = name, version, command, kind


class Bench:
    def __init__(self, build, clang):
        self.build, self.clang = build, clang
        self.tracer, self.told, self.began = None, None, time.monotonic()
        self.directory = tempfile.mkdtemp(prefix="memql-bench-")
        self.environment = {**os.environ, "LC_ALL": "C", "BPFTRACE_MAX_PROBES": "4096",
                            "MEMQL_CACHE": self.made("cache")}
        for name, libraries in ("load", ["-pthread"]), ("stopwatch", []), ("host", ["-lbpf"]):
            self._run(self.clang, "-O2", "-D_GNU_SOURCE", f"{HERE}/{name}.c", "-o", self.made(name), *libraries)
        include = "/usr/include/" + platform.machine() + "-linux-gnu"  # Debian's asm/types.h
        for source in glob.glob(f"{HERE}/c/*.bpf.c"):
            name = os.path.basename(source).split(".")[0]
            self._run(self.clang, "-O2", "-g", "-target", "bpf", "-mcpu=v3", "-I", include, "-c", source,
                      "-o", self.made(name + ".o"))
        self.rivals = [r for r in (self._memql(), self._c(), *self._bpftraces()) if r]

    def made(self, name):
        return os.path.join(self.directory, name)

    def _run(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"bench: {' '.join(command)}:\n{done.stdout}{done.stderr}")
        return done.stdout

    # Who is compared.

    def _arguments(self, row, kind):
        """Of a Whole they are given; an Event has a script."""
        given = getattr(row, kind)
        if given is None:
            given = row.memql if hasattr(row, "load") else None
        if given is None:
            return None
        words = given if isinstance(given, list) else ["-q", "-e", given]
        return [w.replace("LOAD", self.made("load")) for w in words]

    def _memql(self):
        program = os.path.join(self.build, "memql")
        version = self._run(program, "--version").split()[1]
        return Rival("memql", version, lambda row: [program, *self._arguments(row, "memql")], "memql")

    def _bpftrace(self, name, words):
        version = self._run(*words, "--version").split()[-1].lstrip("v")

        def command(row):
            arguments = self._arguments(row, "bpftrace")
            numbers = [int(n) for n in re.findall(r"\d+", version)]
            return arguments and numbers >= [*getattr(row, "since", ())] and words + arguments

        return Rival(f"{name} {version}", version, command, "bpftrace")

    def _bpftraces(self):
        """The newest, where tests/compat/fetch -l has brought it, and the installed one."""
        cache = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")) + "/memql/bpftrace"
        usr = os.path.join(cache, "root", "usr")
        if os.path.exists(cache + "/libraries.done"):
            yield self._bpftrace("bpftrace", [usr + "/lib64/ld-linux-x86-64.so.2", "--library-path",
                                              usr + "/lib/x86_64-linux-gnu", usr + "/bin/bpftrace"])
        if any(os.access(d + "/bpftrace", os.X_OK) for d in os.environ["PATH"].split(":")):
            yield self._bpftrace("bpftrace", ["bpftrace"])

    def _c(self):
        version = self._run(self.clang, "-dumpversion").strip()

        def command(row):
            if not getattr(row, "c", None):
                return None
            place = getattr(row, "place", None)
            return [self.made("host"), self.made(row.c + ".o"), *([self.made("load"), self._place(place)] if place else [])]

        return Rival("C", f"clang {version}", command, "c")

    def _place(self, what):
        """The offset of what the C programs probe: the text of load is where it is linked."""
        if what == "probe":
            notes = self._run("readelf", "-n", self.made("load"))
            return re.search(r"Name: work\s+Location: (\w+)", notes)[1]
        return "0x" + re.search(r"(\w+) T bench_call", self._run("nm", self.made("load")))[1]

    # How it is measured.

    def tell(self, what):
        """Once for each row."""
        if what != self.told:
            print(f"bench: {time.monotonic() - self.began:4.0f} s: {what}", file=sys.stderr, flush=True)
        self.told = what

    def run(self, command, **files):
        """A process, with all that it starts a group of their own: self.tracer."""
        self.tracer = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **files)
        return self.tracer

    @bounded
    def whole(self, rival, row):
        """One run under the stopwatch: metric -> number; None where it fails."""
        out, _ = self.run([self.made("stopwatch"), *rival.command(row)], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, env={**self.environment, "EXIT": "1"}).communicate()
        first, whole, cpu, memory, status = map(float, out.split())
        if status:
            return None
        return {"first": first, "whole": whole, "end": whole - first, "CPU": cpu, "memory": memory / 1024}

    def start(self, rival, row, load, output="/dev/null"):
        """A tracer that sees the row's events."""
        with open(output, "wb") as out, open(self.made("messages"), "wb") as err:
            process = self.run(rival.command(row), stdout=out, stderr=err, env=self.environment)
        for _ in range(500):
            load.do(row.load, 10)
            before = run_stats(process.pid)
            load.do(row.load, 10)
            after = run_stats(process.pid)
            if sum(after[p][1] >= before[p][1] + 10 for p in before if p in after) >= row.programs:
                return process
            if process.poll() is not None:
                return None
            time.sleep(0.02)
        self.stop(process)
        return None

    def stop(self, process):
        """Its messages, and the CPU seconds that it took."""
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
        with open(self.made("messages"), errors="replace") as f:
            return f.read(), used.ru_utime + used.ru_stime

    @bounded
    def end(self, rival, row, load, scale):
        """What the end of a tracer takes that has seen the row's events: as whole() has it."""
        process = self.start(rival, row, load)
        if not process:
            return None
        load.do(row.load, max(1000, int(row.many * scale)))
        begin = time.monotonic()
        before = self.cpu(process.pid)
        process.send_signal(signal.SIGINT)
        _, status, used = os.wait4(process.pid, 0)
        took = time.monotonic() - begin
        process.returncode = 0
        if status:
            return None
        cpu = used.ru_utime + used.ru_stime - before
        return {"end": 1000 * took, "CPU": 1000 * cpu, "memory": used.ru_maxrss / 1024}

    @staticmethod
    def cpu(pid):
        """Seconds that a process has taken so far."""
        with open(f"/proc/{pid}/stat") as f:
            words = f.read().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    @bounded
    def cost(self, rival, row, load, scale):
        """Nanoseconds for one event: the mean of each program, added up."""
        many = max(1000, int(row.many * scale))
        process = self.start(rival, row, load)
        if not process:
            return None
        rate = int((row.load.split() + [0])[1])
        load.do(row.load, many // 20)
        before = run_stats(process.pid)
        load.do(row.load, many, rate)
        after = run_stats(process.pid)
        self.stop(process)
        moved = [(after[p][0] - before[p][0], after[p][1] - before[p][1]) for p in before]
        return sum(ns / n for ns, n in moved if n >= many) or None

    @bounded
    def output(self, rival, row, load, rate, seconds):
        """
        Lines at so many events a second, 0 for as fast as they come: lines a second, in a
        hundred events, losses reported in a hundred that there were, CPU in a hundred.
        """
        path = self.made("lines")
        process = self.start(rival, row, load, path)
        if not process:
            return None
        many = int((rate or 3_000_000) * seconds)
        took = load.do(row.load, many, rate)
        messages, cpu = self.stop(process)
        with open(path, "rb") as f:
            text = f.read()
        os.remove(path)
        # Events 0 to 9 are also those that start() waits with.
        ours = text.count(b"\n%d " % load.pid) + text.startswith(b"%d " % load.pid)
        lines = ours - len(re.findall(rb"^%d \d( |$)" % load.pid, text, re.M))
        lost = many - 10 - lines
        told = sum(map(int, re.findall(r"\b[Ll]ost (\d+)", messages + text[-1000:].decode(errors="replace"))))
        return {
            "rate": lines / took * 1e9, "lines": 100 * lines / (many - 10), "lost": lost,
            "told": 100 * told / lost if lost else None, "CPU": 100 * cpu * 1e9 / took,
        }
