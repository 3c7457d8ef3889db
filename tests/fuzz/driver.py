"""Talks to drive.c, which compiles, loads and runs programs; starts it again if it dies."""

import collections
import json
import os
import select
import subprocess
import time

# refused, loaded, ran, failed: see drive.c. crashed, hung: it died, or did not answer.
Answer = collections.namedtuple("Answer", "number verdict ms tags out said")

TIMEOUT = 60 * float(os.environ.get("MEMQL_TEST_SLOWNESS", 1))  # seconds
RESTART_EVERY = 2000  # programs: memory that is lost must not add up


def rows(path):
    """The language's functions: see builtins/builtin.h for what is in them."""
    done = subprocess.run([path, "rows"], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=True)
    return json.loads(done.stdout)


class Driver:
    def __init__(self, path):
        self.path = path
        self.process = None
        self.done = 0

    def start(self):
        self.process = subprocess.Popen([self.path], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.done = 0

    def close(self):
        if not self.process:
            return 0
        self.process.stdin.close()
        self.process.stdout.close()
        status = self.process.wait()
        self.process = None
        return status

    def send(self, mode, number, text):
        """Nothing is read until receive(): meanwhile there is time for other work."""
        if self.done >= RESTART_EVERY:
            self.close()
        if not self.process:
            self.start()
        data = text.encode()
        try:
            self.process.stdin.write(b"%s %d %d\n%s" % (mode.encode(), number, len(data), data))
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # receive() sees it

    def died(self, number, hung):
        if hung:
            self.process.kill()
        status = self.close()
        return Answer(number, "hung" if hung else "crashed", 0, [], "",
                      f"no answer after {TIMEOUT:g} s" if hung else f"exit status {status}")

    def receive(self, number):
        end = time.monotonic() + TIMEOUT
        ready = select.select([self.process.stdout], [], [], TIMEOUT)[0]
        if not ready:
            return self.died(number, True)
        line = self.process.stdout.readline().decode().split()
        if len(line) != 6 or int(line[0]) != number or time.monotonic() > end:
            return self.died(number, False)
        out = self.process.stdout.read(int(line[4])).decode(errors="replace")
        said = self.process.stdout.read(int(line[5])).decode(errors="replace")
        self.done += 1
        tags = [] if line[3] == "-" else line[3].split(",")
        return Answer(number, line[1], float(line[2]), tags, out, said)

    def load(self, number, text):
        self.send("load", number, text)
        return self.receive(number)

    def run(self, number, text):
        self.send("run", number, text)
        return self.receive(number)
