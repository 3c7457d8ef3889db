"""Who is compared: each knows what it runs for a row."""

import os
import re
import subprocess


def output(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"bench: {' '.join(command)}:\n{done.stdout}{done.stderr}")
    return done.stdout


class Memql:
    kind = "memql"

    def __init__(self, build):
        self.program = os.path.join(build, "memql")
        self.version = output(self.program, "--version").split()[1]
        self.name = self.kind

    def command(self, row):
        return [self.program, *row.memql]


class C:
    """The programs in c/, which host/ runs."""

    kind = name = "C"

    def __init__(self, clang, directory):
        self.directory = directory
        self.version = "clang " + output(clang, "-dumpversion").strip()

    def command(self, row):
        return row.c and [f"{self.directory}/host", f"{self.directory}/{row.c}.o", "LOAD"]


class Bpftrace:
    kind = "bpftrace"

    def __init__(self, *words):
        self.words = words
        self.version = output(*words, "--version").split()[-1].lstrip("v")
        self.name = f"bpftrace {self.version}"

    def command(self, row):
        """None where it has no way to do it, or takes minutes."""
        numbers = [int(n) for n in re.findall(r"\d+", self.version)]
        return row.bpftrace and numbers >= [*row.since] and [*self.words, *row.bpftrace]


def bpftraces():
    """The newest, where tests/compat/fetch -l has brought it, and the installed one."""
    cache = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")) + "/memql/bpftrace"
    usr = os.path.join(cache, "root", "usr")
    if os.path.exists(cache + "/libraries.done"):
        yield Bpftrace(usr + "/lib64/ld-linux-x86-64.so.2", "--library-path", usr + "/lib/x86_64-linux-gnu",
                       usr + "/bin/bpftrace")
    if any(os.access(d + "/bpftrace", os.X_OK) for d in os.environ["PATH"].split(":")):
        yield Bpftrace("bpftrace")
