"""How a row is measured."""

import contextlib
import ctypes
import glob
import os
import platform
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import rows
from rivals import C, Memql, bpftraces, output

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HERE = os.path.join(ROOT, "bench")
LIMIT = 60  # seconds for one measurement: the slowest, bpftrace with a hundred probes, takes eleven
STATS, ENABLE_STATS = {"x86_64": 321, "aarch64": 280}, 32


@contextlib.contextmanager
def stats_enabled():
    """Meanwhile the kernel times every BPF program: BPF_ENABLE_STATS."""
    attr = (ctypes.c_uint32 * 32)()
    fd = ctypes.CDLL(None, use_errno=True).syscall(STATS[platform.machine()], ENABLE_STATS, attr, 4)
    if fd < 0:
        raise SystemExit(f"bench: BPF_ENABLE_STATS: {os.strerror(ctypes.get_errno())}")
    try:
        yield
    finally:
        os.close(fd)


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


def cpu_seconds(pid):
    """That a process has taken so far."""
    with open(f"/proc/{pid}/stat") as f:
        words = f.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid):
    """The peak so far, in MB: wait4() would tell of Python's, from before exec()."""
    with open(f"/proc/{pid}/status") as f:
        found = re.search(r"VmHWM:\s+(\d+) kB", f.read())
    return int(found[1]) / 1024 if found else 0


class Overdue(Exception):
    """What was to end within LIMIT did not."""


def overdue(_number, _frame):
    raise Overdue


def start(command, **files):
    """A process; with all that it starts it is a group of its own, which no Ctrl-C reaches."""
    return subprocess.Popen(command, start_new_session=True, cwd=ROOT, **files)


def kill(process):
    """And what it has started."""
    if process and process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Load:
    """load.c, on the last CPU."""

    def __init__(self, program, *arguments):
        cpu = max(os.sched_getaffinity(0))
        self.process = start(["taskset", "-c", str(cpu), program, *arguments], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        self.asked = 0  # what it has not answered yet

    def do(self, what, n, rate=0, seconds=0):
        """(nanoseconds that it took, how many there were): fewer than n if the time is up."""
        self.process.stdin.write(f"{what.split()[0]} {n} {rate} {seconds}\n")
        self.process.stdin.flush()
        self.asked += 1
        while self.asked:
            answer = self.process.stdout.readline()
            self.asked -= 1
        return map(int, answer.split())


class Bench:
    """Programs are compiled into a directory of its own, which goes with all that runs."""

    def __init__(self, build, clang, quick):
        self.build, self.clang, self.scale = build, clang, 0.01 if quick else 1
        self.tracer = self.load = self.engine = None
        self.began = time.monotonic()
        self.directory = tempfile.mkdtemp(prefix="memql-bench-")

    def __enter__(self):
        try:
            self.environment = {**os.environ, "LC_ALL": "C", "MEMQL_CACHE": self.made("cache")}
            self.compile()
            self.rivals = [Memql(self.build), C(self.clang, self.directory), *bpftraces()]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in self.tracer, self.load and self.load.process, self.engine:
            kill(process)
        shutil.rmtree(self.directory)

    def made(self, name):
        return os.path.join(self.directory, name)

    def compile(self):
        flags = ["-O2", "-D_GNU_SOURCE", "-o"]
        for name, libraries in ("load", ["-pthread"]), ("stopwatch", []):
            output(self.clang, *flags, self.made(name), f"{HERE}/{name}.c", *libraries)
        output(self.clang, *flags, self.made("host"), *glob.glob(f"{HERE}/host/*.c"), "-lbpf", "-lelf")
        include = "/usr/include/" + platform.machine() + "-linux-gnu"  # Debian's asm/types.h
        for source in glob.glob(f"{HERE}/c/*.bpf.c"):
            name = os.path.basename(source).split(".")[0]
            output(self.clang, "-O2", "-g", "-target", "bpf", "-mcpu=v3", "-I", include, "-c", source,
                   "-o", self.made(name + ".o"))

    def tell(self, what):
        print(f"bench: {time.monotonic() - self.began:4.0f} s: {what}", file=sys.stderr, flush=True)

    def command(self, rival, row):
        """None if it has none."""
        names = {"LOAD": self.made("load"), "ENGINE": str(self.engine and self.engine.pid)}
        words = rival.command(row)
        return words and [re.sub("LOAD|ENGINE", lambda found: names[found[0]], w) for w in words]

    @contextlib.contextmanager
    def around(self, row):
        """What there is while a row is measured."""
        whole = isinstance(row, rows.Whole)
        self.tell(row.name)
        self.load = Load(self.made("load"), *(["tick"] if whole else []))
        if "ENGINE" in row.memql:
            self.engine = start([os.path.join(self.build, "demo/memsqld"), "--seconds", "600", "--rate", "1"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with contextlib.nullcontext() if whole else stats_enabled():
                yield
        finally:
            kill(self.engine)
            kill(self.load.process)
            self.engine = None

    def measure(self, rival, row):
        """metric -> number, for those that there are."""
        how = {rows.Whole: self.whole, rows.End: self.end, rows.Cost: self.cost, rows.Output: self.output}
        command = self.command(rival, row)
        if not command:
            return {}
        signal.signal(signal.SIGALRM, overdue)
        signal.alarm(LIMIT)
        try:
            return how[type(row)](command, row) or {}
        except Overdue:
            print(f"bench: {row.name}: {rival.name} did not end within {LIMIT} s", file=sys.stderr, flush=True)
            return {}
        finally:
            signal.alarm(0)
            kill(self.tracer)

    def whole(self, command, _row):
        """One run under the stopwatch."""
        self.tracer = start([self.made("stopwatch"), *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True, env={**self.environment, "EXIT": "1"})
        out, _ = self.tracer.communicate()
        first, whole, cpu, memory, status = map(float, out.split())
        if status:
            return None
        return {"first": first, "whole": whole, "end": whole - first, "CPU": cpu, "memory": memory / 1024}

    def attach(self, command, row, path="/dev/null"):
        """A tracer that sees the row's events; None: it does not."""
        with open(path, "wb") as out, open(self.made("messages"), "wb") as err:
            process = self.tracer = start(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                          env=self.environment)
        for _ in range(500):
            self.load.do(row.load, 10)
            before = run_stats(process.pid)
            self.load.do(row.load, 10)
            after = run_stats(process.pid)
            if sum(after[p][1] >= before[p][1] + 10 for p in before if p in after) >= row.programs:
                return process
            if process.poll() is not None:
                return None
            time.sleep(0.02)
        return None

    @staticmethod
    def stop(process):
        """CPU seconds that it took, and its peak of memory in MB; None if it failed."""
        ended, peak = os.pidfd_open(process.pid), memory(process.pid)
        process.send_signal(signal.SIGINT)
        while not select.select([ended], [], [], 0.005)[0]:
            peak = max(peak, memory(process.pid))
        os.close(ended)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = status
        return None if status else (used.ru_utime + used.ru_stime, peak)

    def end(self, command, row):
        """What the end of a tracer takes that has seen the row's events."""
        process = self.attach(command, row)
        if not process:
            return None
        self.load.do(row.load, max(1000, int(row.many * self.scale)))
        begin, before = time.monotonic(), cpu_seconds(process.pid)
        used = self.stop(process)
        took = time.monotonic() - begin
        return used and {"end": 1000 * took, "CPU": 1000 * (used[0] - before), "memory": used[1]}

    def cost(self, command, row):
        """Nanoseconds for one event: the mean of each program, added up."""
        many = max(1000, int(row.many * self.scale))
        process = self.attach(command, row)
        if not process:
            return None
        rate = int((row.load.split() + [0])[1])
        self.load.do(row.load, many // 20)
        before = run_stats(process.pid)
        self.load.do(row.load, many, rate)
        after = run_stats(process.pid)
        self.stop(process)
        moved = [(after[p][0] - before[p][0], after[p][1] - before[p][1]) for p in before if p in after]
        return {"cost": sum(ns / n for ns, n in moved if n >= many) or None}

    def output(self, command, row):
        """At full speed, and the highest rate of which nothing is lost."""
        done = self.lines(command, row, 0, 1 * self.scale)
        best = 0
        for rate in rows.RATES:
            at_rate = self.lines(command, row, rate, 0.4 * self.scale)
            if not at_rate or at_rate["lost"] > 0 or at_rate["rate"] < 0.8 * rate:
                break
            best = at_rate["rate"]
        return done and {**done, "best": best}

    def lines(self, command, row, rate, seconds):
        """
        Lines at so many events a second, 0 for as fast as they come: lines a second, in a
        hundred events, losses reported in a hundred that there were, CPU in a hundred.
        """
        path = self.made("lines")
        process = self.attach(command, row, path)
        if not process:
            return None
        took, many = self.load.do(row.load, int((rate or 3_000_000) * seconds), rate, 2)
        used = self.stop(process)
        if not used:
            return None
        with open(self.made("messages"), errors="replace") as f:
            messages = f.read()
        with open(path, "rb") as f:
            text = f.read()
        os.remove(path)
        # Events 0 to 9 are also those that attach() waits with.
        ours = text.count(b"\n%d " % self.load.pid) + text.startswith(b"%d " % self.load.pid)
        lines = ours - len(re.findall(rb"^%d \d( |$)" % self.load.pid, text, re.M))
        lost = many - 10 - lines
        told = sum(map(int, re.findall(r"\b[Ll]ost (\d+)", messages + text[-1000:].decode(errors="replace"))))
        return {"rate": lines / took * 1e9, "shown": 100 * lines / (many - 10), "lost": lost,
                "told": 100 * told / lost if lost else None, "share": 100 * used[0] * 1e9 / took}
