"""The demo engine, whose log tells what each of its statements really cost."""

import atexit
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import SLOWNESS, check, skip


class Demo:
    """One run of it, waiting for go() until a tracer is attached."""

    def __init__(self, directory, name, *arguments):
        if "MEMSQLD" not in os.environ:
            skip("the demo engine was not built: <sys/sdt.h> is missing")
        self.log = os.path.join(directory, name + ".log")
        self.socket = os.path.join(directory, name + ".sock")
        self.process = subprocess.Popen(
            [os.environ["MEMSQLD"], "--wait", "--log", self.log, "--socket", self.socket, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        atexit.register(self.process.kill)  # also if a check fails; harmless once it ended
        self.ready = self.process.stdout.readline().strip()
        check("ready" in self.ready, f"the engine says: {self.ready}")

    @property
    def pid(self):
        return self.process.pid

    @property
    def direct_io(self):
        """Whether its reads and writes reach the device."""
        return "direct_io=yes" in self.ready

    def go(self):
        """Let it run to its end: the log, a dict for each statement (demo/README.md)."""
        self.process.communicate("go\n", timeout=300 * SLOWNESS)
        check(self.process.returncode == 0, "the engine ended well")
        with open(self.log) as f:
            records = [json.loads(line) for line in f]
        return [r for r in records if "plan_id" in r]


def total(log, field, plan=None):
    """The sum of a field over the log, or over one plan of it."""
    return sum(r[field] for r in log if plan is None or r["plan_id"] == plan)


def by_plan(log):
    plans = {}
    for r in log:
        plans.setdefault(r["plan_id"], []).append(r)
    return plans
