"""A private Redis server on a unix socket, asked in its own protocol."""

import os
import re
import shutil
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.private import Private
from tracing import fail, skip


class RedisError(Exception):
    """What the server answered."""


class Connection:
    """Commands one by one: lists of texts and numbers come back."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")

    def ask(self, *words):
        words = [str(word).encode() for word in words]
        parts = [b"*%d\r\n" % len(words), *(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)]
        self.socket.sendall(b"".join(parts))
        return self.answer()

    def answer(self):
        line = self.file.readline()
        kind, rest = line[:1], line[1:].strip()
        if kind == b"-":
            raise RedisError(rest.decode())
        if kind == b"+":
            return rest.decode()
        if kind == b":":
            return int(rest)
        if kind == b"$":
            n = int(rest)
            return None if n < 0 else self.file.read(n + 2)[:-2].decode(errors="backslashreplace")
        if kind == b"*":
            return [self.answer() for _ in range(int(rest))]
        return fail(f"Redis answers {line}")

    def close(self):
        self.file.close()
        self.socket.close()


class Redis(Private):
    name = "redis"
    users = ("redis",)

    def __init__(self):
        self.server = shutil.which("redis-server") or skip("redis-server is not installed")
        super().__init__()
        self.path = os.path.join(self.directory, "socket")

    @property
    def version(self):
        return re.search(r"v=(\d+\.\d+)", self.run(self.server, "--version"))[1]

    def start(self):
        self.spawn(
            self.server, "--port", "0", "--unixsocket", self.path, "--dir", self.directory, "--save", "",
            "--daemonize", "no",
        )
        return self

    def connect(self):
        return Connection(self.path)

    def answers(self):
        try:
            self.connect().close()
        except OSError:
            return False
        return True

    def command_stats(self):
        """{command: {"calls", "usec", "rejected_calls", "failed_calls"}} as it counts them."""
        connection = self.connect()
        text = connection.ask("INFO", "commandstats")
        connection.close()
        stats = {}
        for name, figures in re.findall(r"cmdstat_(\S+?):(\S+)", text):
            stats[name] = {k: float(v) for k, v in (f.split("=") for f in figures.split(","))}
        return stats
