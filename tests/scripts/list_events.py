"""memql -l 'query:*' names the engines that run, and what their events give."""

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.demo import Demo
from tracing import check, need_root


def memql(*arguments):
    done = subprocess.run([os.environ["MEMQL"], *arguments], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout.splitlines(), done.stderr


def main():
    need_root()
    with tempfile.TemporaryDirectory() as directory:
        engine = Demo(directory, "engine", "--queries", "1")
        exe = os.readlink(f"/proc/{engine.pid}/exe")
        status, lines, _ = memql("-p", str(engine.pid), "-l", "query:*")
        found = [line.split() for line in lines]
        check(status == 0, "there are events")
        for event in ("query:start", "query:done"):
            check([event, "memsqld", exe] in found, f"{event} of the demo engine")

        status, lines, _ = memql("-p", str(engine.pid), "-lv", "query:done")
        members = dict(line.split(None, 1) for line in lines[1:])
        check(members.get("id") == "int64", "an event's arguments and their types")
        check(members.get("text", "").startswith("string"), "the text among them")
        check(members.get("workers_run") == "int64 ns", "durations know their unit")
        status, _, error = memql("-l", "query:*", "-v")
        check(status == 1 and "options come before it" in error, "where options belong")
        engine.go()

    status, lines, error = memql("-p", str(os.getpid()), "-l", "query:*")
    check(status == 1 and not lines, "a process that is no engine: status 1")
    check("no engine that fires 'query:*' runs here" in error, "and a word about it")


main()
