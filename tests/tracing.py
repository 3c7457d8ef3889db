"""What tests that trace a real server share: start memql, wait until it is attached,
end it, read its JSON. Every process started here is ended here, by its own pid."""

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

SKIPPED = 77
# How many times as slow as usual the machine is: what tracing costs grows with it.
SLOWNESS = float(os.environ.get("MEMQL_TEST_SLOWNESS", 1))


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def fail(message):
    print(f"FAILED: {message}")
    sys.exit(1)


def check(ok, message):
    """Print every comparison, so that a passing run shows its figures too."""
    print(("ok      " if ok else "FAILED  ") + message)
    if not ok:
        sys.exit(1)


def check_near(measured, expected, tolerance, what):
    tolerance *= SLOWNESS
    ratio = measured / expected if expected else float("inf")
    check(
        abs(ratio - 1) <= tolerance,
        f"{what}: {measured} against {expected}, {100 * (ratio - 1):+.2f} % (within {100 * tolerance:g} %)",
    )


def need_root():
    if os.geteuid() != 0:
        skip("loading BPF programs needs root")


def in_directory(*tests):
    """As root, one after another, with a directory that goes away with all that is in it."""
    need_root()
    with tempfile.TemporaryDirectory(prefix="memql-", ignore_cleanup_errors=True) as directory:
        for test in tests:
            test(directory)


def lacking(*features):
    """Why the kernel lacks one of them, as kernel_can.c says it, or nothing."""
    tool = os.environ.get("KERNEL_CAN")
    done = subprocess.run([tool, *features], capture_output=True, text=True, check=False) if tool else None
    return done.stdout.strip().removeprefix("skipped: ") if done and done.returncode else ""


def need(*features):
    """What the kernel must have."""
    need_root()
    why = lacking(*features)
    if why:
        skip(why)


class Load:
    """tests/load.c: a process that does, and counts, what it is told."""

    def __init__(self, program=None):
        self.program = program or os.environ.get("LOAD")
        if not self.program:
            skip("the load was not built: <sys/sdt.h> is missing")
        self.process = subprocess.Popen(
            [self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.pid = self.process.pid

    def do(self, work):
        """One line to it; its answer."""
        self.process.stdin.write(work + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if answer in ("", "what?"):
            fail(f"the load cannot {work}")
        return answer

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(timeout=10)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


def load_values(n, seed):
    """What "values N SEED" of the load computes."""
    all_values, mask = [], (1 << 64) - 1
    for _ in range(n):
        seed ^= seed << 13 & mask
        seed ^= seed >> 7
        seed ^= seed << 17 & mask
        all_values.append((seed >> 20) >> (seed & 31))
    return all_values


def run_memql(*arguments, timeout=60 * SLOWNESS, **options):
    """memql to its end: status, stdout and stderr as bytes decoded with care."""
    return subprocess.run(
        [os.environ["MEMQL"], *arguments], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, errors="backslashreplace", timeout=timeout, check=False, **options,
    )


class Memql:
    """memql running in the background with its results in a file."""

    def __init__(self, directory, name, arguments, json_output=True, env=None):
        self.results = os.path.join(directory, name + ".results")
        self.messages = os.path.join(directory, name + ".messages")
        if os.path.exists(self.results):
            os.remove(self.results)  # an earlier one's would look like this one's
        command = [os.environ["MEMQL"], "-o", self.results]
        if json_output:
            command += ["-f", "json"]
        self.log = open(self.messages, "w")
        self.process = subprocess.Popen(
            command + arguments, stderr=self.log, stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})}
        )
        atexit.register(self.kill)  # a failed check ends the test anywhere
        self._wait_until_attached()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _attached(self):
        with open(self.messages) as f:
            if "Attached" in f.read():
                return True
        try:
            with open(self.results) as f:
                return "attached_probes" in f.read()
        except FileNotFoundError:
            return False

    def _wait_until_attached(self):
        for _ in range(int(600 * SLOWNESS)):
            if self._attached():
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        self.process.kill()
        with open(self.messages) as f:
            text = f.read()
        if "no loops in BPF programs" in text and lacking("loop"):
            skip(lacking("loop"))
        fail(f"memql did not attach:\n{text}")

    def stop(self):
        """SIGINT, as a user would; returns the messages."""
        return self.end(signal.SIGINT)

    def end(self, with_signal=None, want=0):
        """Waits for its end, after a signal if there is one; returns the messages."""
        if with_signal and self.process.poll() is None:
            self.process.send_signal(with_signal)
        try:
            status = self.process.wait(timeout=60 * SLOWNESS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            fail(f"memql did not end within {60 * SLOWNESS:g} s")
        self.log.close()
        with open(self.messages) as f:
            text = f.read()
        if status != want:
            fail(f"memql ended with status {status}, not {want}:\n{text}")
        return text

    def lines(self):
        with open(self.results) as f:
            return f.read().splitlines()

    def events(self):
        return [json.loads(line) for line in self.lines()]


def map_of(events, name):
    """The last printed state of a map: {key or tuple of keys: value}, or the value."""
    found = None
    for e in events:
        if isinstance(e.get("data"), dict) and name in e["data"]:
            found = e["data"][name]
    if isinstance(found, list):
        return {k[0] if len(k) == 1 else tuple(k): v for k, v in ((e["key"], e["value"]) for e in found)}
    return found


def lost(events):
    return [e for e in events if e["type"] == "lost_events"]


def missed(losses):
    """
    Events that no program saw, as that CPU was in one already: another thread had lost it
    there, or in the kernel's reading of a map (docs/language.md). Nothing else may be lost.
    """
    check(all("already in a program" in e["data"]["what"] for e in losses), f"nothing else was lost {losses}")
    return sum(e["data"]["count"] for e in losses)


def until_none_is_missed(trace):
    """The events of trace(), which is repeated where a preemptible kernel missed some, and told."""
    for _ in range(5):
        events = trace()
        if not missed(lost(events)):
            return events
    fail(f"events are missed each time: {lost(events)}")
