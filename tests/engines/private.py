"""A server of one's own: its data in a directory that goes away, reached by a unix socket
there only, run by a user without privileges, ended by its pid - also when the test is
killed, as the kernel then sends it the signal itself."""

import atexit
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import fail


def unprivileged(*wanted):
    """The first of these users that this system has."""
    for name in (*wanted, "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            pass
    fail("there is no user nobody")


class Private:
    """What the servers share. A subclass says how one is made, started and asked."""

    name = "server"  # in messages and in the directory's name
    users = ()  # who it should run as, if they are there
    end_signal = signal.SIGTERM

    def __init__(self):
        self.user = unprivileged(*self.users)
        self.directory = tempfile.mkdtemp(prefix=f"memql-{self.name}-")
        self.data = os.path.join(self.directory, "data")
        self.log = os.path.join(self.directory, "log")
        self.process = None
        os.chown(self.directory, self.user.pw_uid, self.user.pw_gid)
        atexit.register(self.remove)

    def as_user(self, *command):
        """The command as the server's user would give it; dies with this process."""
        return [
            "setpriv", f"--reuid={self.user.pw_uid}", f"--regid={self.user.pw_gid}", "--clear-groups",
            f"--pdeathsig={self.end_signal.name[3:]}", "--", *command,
        ]

    def replace_program(self):
        """The server's program is another file of the same name, as after an upgrade. What
        runs goes on with the one that was there."""
        new = self.server + ".new"
        shutil.copy(self.server, new)
        os.rename(new, self.server)

    def run(self, *command, check_status=True, text=None, timeout=120):
        """A program to its end, as the server's user; what it printed."""
        done = subprocess.run(
            self.as_user(*command), cwd=self.directory, input=text, capture_output=True, text=True,
            errors="backslashreplace", env=self.environment(), timeout=timeout, check=False,
        )
        if check_status and done.returncode:
            fail(f"{command[0]}: {done.stderr or done.stdout}")
        return done.stdout

    def background(self, *command):
        """A program that goes on meanwhile; end it with .wait() or .communicate()."""
        return subprocess.Popen(
            self.as_user(*command), cwd=self.directory, env=self.environment(), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )

    def environment(self):
        return {**os.environ, "LC_ALL": "C", "HOME": self.directory}

    def spawn(self, *command):
        """Starts the server itself, so that its pid is ours to know, and waits for it."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.as_user(*command), cwd=self.directory, env=self.environment(),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
        for _ in range(1200):
            if self.process.poll() is not None:
                break
            if self.answers():
                return
            time.sleep(0.05)
        self.kill()
        with open(self.log, errors="backslashreplace") as f:
            fail(f"{self.name} does not answer:\n{f.read()[-2000:]}")

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        """In the orderly way."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(self.end_signal)
            try:
                self.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self):
        """As a crash would."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def restart(self, **settings):
        self.stop()
        self.start(**settings)

    def remove(self):
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()
        self.remove()
